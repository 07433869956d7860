"""The trigger's role holds any number of plans that a trigger takes, within what IAM takes."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk import aws_ssmcontacts as ssmcontacts

from cdk_incidents import (
    EscalationPlan,
    IncidentTemplate,
    IncidentTrigger,
    OpsItems,
    ResponsePlan,
    SmokeTest,
    Stage,
    Suppression,
)

if TYPE_CHECKING:
    from aws_cdk.interfaces.aws_ssmcontacts import IContactRef

    from tests.synthesis import Make, Resource, Synth

# In one process, which makes the large stacks once.
pytestmark = pytest.mark.xdist_group("plan_permissions")
ENGAGE = "ssm-contacts:StartEngagement"
MANAGED = "AWS::IAM::ManagedPolicy"
PLAN = "AWS::SSMIncidents::ResponsePlan"
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
IN_THE_ROLE, IN_A_MANAGED_POLICY, MANAGED_POLICIES = 10_240, 6_144, 10

ACCOUNT = "111122223333"
PSEUDO = {"AWS::Partition": "aws", "AWS::AccountId": ACCOUNT, "AWS::Region": "ap-southeast-1"}
ARN_OF = f"arn:aws:{{}}:{PSEUDO['AWS::Region']}:{ACCOUNT}:{{}}"
# As long as the names that CloudFormation makes, or takes, can be.
LONGEST = {
    "AWS::DynamoDB::GlobalTable": ARN_OF.format("dynamodb", "table/" + "t" * 255),
    "AWS::KMS::Key": ARN_OF.format("kms", "key/" + "k" * 36),
    "AWS::SNS::Topic": ARN_OF.format("sns", "t" * 256),
    "AWS::SQS::Queue": ARN_OF.format("sqs", "q" * 80),
    "AWS::Logs::LogGroup": ARN_OF.format("logs", "log-group:/aws/lambda/" + "f" * 64 + ":*"),
}


class Policies:
    """The policies of a trigger's role, as IAM would get them."""

    def __init__(self, synth: Synth) -> None:
        self._synth = synth
        role = synth.id_of("AWS::IAM::Role", "TriggerRole")
        attached = [
            policy["Properties"]
            for policy in synth.of_type("AWS::IAM::Policy").values()
            if {"Ref": role} in policy["Properties"]["Roles"]
        ]
        self.inline = [
            self._deployed(policy["PolicyDocument"])
            for policy in synth.properties("AWS::IAM::Role", "TriggerRole")["Policies"] + attached
        ]
        managed = [policy["Properties"] for policy in synth.of_type(MANAGED).values()]
        assert all(policy["Roles"] == [{"Ref": role}] for policy in managed)
        self.managed = [self._deployed(policy["PolicyDocument"]) for policy in managed]

    def _deployed(self, value: Any) -> Any:
        """Return a value with what CloudFormation puts in."""
        match value:
            case {"Ref": str(name)} | {"Fn::GetAtt": [str(name), "Arn"]}:
                return PSEUDO.get(name) or self._arn_of(self._synth.resources[name])
            case {"Fn::Join": [str(separator), list(parts)]}:
                return separator.join(self._deployed(part) for part in parts)
            case dict():
                return {key: self._deployed(item) for key, item in value.items()}
            case list():
                return [self._deployed(item) for item in value]
            case _:
                return value

    @staticmethod
    def _arn_of(resource: Resource) -> str:
        if resource["Type"] == PLAN:
            return plan_arn(resource["Properties"]["Name"])
        return LONGEST[resource["Type"]]

    def resources_of(self, action: str) -> list[set[str]]:
        """Return the resources of each statement with an action, one document after the other."""
        return [
            set(listed(statement["Resource"]))
            for document in self.inline + self.managed
            for statement in document["Statement"]
            if action in listed(statement["Action"])
        ]

    def check_sizes(self) -> None:
        """Refuse what IAM would refuse; it does not count white space."""
        assert sum(map(size_of, self.inline)) <= IN_THE_ROLE
        assert [size for size in map(size_of, self.managed) if size > IN_A_MANAGED_POLICY] == []
        assert len(self.managed) <= MANAGED_POLICIES


def listed(value: Any) -> list[str]:
    """Return one or more values as a list."""
    return value if isinstance(value, list) else [value]


def size_of(document: Any) -> int:
    """Return the characters of a document without white space."""
    return len(json.dumps(document, separators=(",", ":")))


def contact_arn(alias: str) -> str:
    """Return the ARN of a contact."""
    return f"arn:aws:ssm-contacts:{PSEUDO['AWS::Region']}:{ACCOUNT}:contact/{alias}"


def contacts(stack: cdk.Stack, *aliases: str) -> list[IContactRef]:
    """Return contacts of the app."""
    return [
        ssmcontacts.CfnContact(stack, alias, alias=alias, display_name=alias, type="PERSONAL")
        for alias in aliases
    ]


def plan_that_engages(
    stack: cdk.Stack, construct_id: str, *engagements: IContactRef, name: str | None = None
) -> ResponsePlan:
    """Return a plan that engages these."""
    incident = IncidentTemplate.critical(title="Checkout is failing")
    return ResponsePlan(
        stack, construct_id, response_plan_name=name, incident=incident, engagements=engagements
    )


def plan_arn(name: str) -> str:
    """Return the ARN of a plan."""
    return f"arn:aws:ssm-incidents::{ACCOUNT}:response-plan/{name}"


def records_arn(name: str) -> str:
    """Return the ARNs of a plan's incidents."""
    return f"arn:aws:ssm-incidents::{ACCOUNT}:incident-record/{name}/*"


def long_name(number: int) -> str:
    """Return a name as long as the service takes, one of many."""
    return f"{number:03}".ljust(200, "p")


LONG_NAMES = [long_name(number) for number in range(100)]


@pytest.fixture(scope="module")
def many(make: Make) -> Synth:
    """Return a stack with a hundred routes to as many plans, a smoke test, and a fallback with a key.

    It has the flags of a new app; the others here have none.
    """
    stack = make.stack(context=make.flags["cdk-init"])
    fallback = sns.Topic(stack, "Fallback", master_key=kms.Key(stack, "Key"))
    trigger = IncidentTrigger(stack, "Trigger", trigger_name="f" * 64, fallback=fallback)
    (first,) = contacts(stack, "first")
    for number, name in enumerate(LONG_NAMES):
        plan = plan_that_engages(stack, f"Plan{number}", first, name=name)
        trigger.add_route(f"route-{number}", response_plan=plan)
    quiet = make.plan(stack, "Quiet", name="q" * 200)
    SmokeTest(stack, "SmokeTest", trigger=trigger, quiet_plan=quiet)
    return make.synth(stack)


def test_a_hundred_plans_of_the_longest_names_fit(many: Synth) -> None:
    """A hundred plans with the longest names, and a quiet one, are within what IAM takes of a role."""
    policies = Policies(many)
    assert policies.managed
    policies.check_sizes()


def test_each_plan_is_in_one_policy_with_all_that_belongs_to_it(many: Synth) -> None:
    """Starting, following and engaging of one plan stand in the same policy, and nowhere else."""
    policies = Policies(many)
    names = [*LONG_NAMES, "q" * 200]
    starts = policies.resources_of("ssm-incidents:StartIncident")
    assert Counter(arn for arns in starts for arn in arns) == Counter(map(plan_arn, names))
    follows = policies.resources_of("ssm-incidents:UpdateIncidentRecord")
    assert Counter(arn for arns in follows for arn in arns) == Counter(
        arn for name in names for arn in (plan_arn(name), records_arn(name))
    )
    tagged = policies.resources_of("ssm-incidents:TagResource")
    assert [{plan_arn(arn.split("/")[1]) for arn in arns} for arns in tagged] == starts
    assert policies.resources_of(ENGAGE) == [{contact_arn("first")}] * len(starts)
    assert len(starts) == 1 + len(policies.managed)


MANY = 40


@pytest.fixture(scope="module")
def mixed(make: Make) -> Synth:
    """Return a stack whose many routes lead everywhere, each to another topic, key and calendar, or plan."""
    stack = make.stack()
    fallback = sns.Topic(stack, "Fallback", master_key=kms.Key(stack, "Key"))
    trigger = IncidentTrigger(stack, "Trigger", trigger_name="f" * 64, fallback=fallback)
    trigger.add_route("ops-items", ops_items=OpsItems())
    for number in range(MANY):
        window = Suppression.while_closed(calendar_name(number))
        topic = sns.Topic(stack, f"Topic{number}", master_key=kms.Key(stack, f"Key{number}"))
        trigger.add_route(f"topic-{number}", topic=topic, suppression=[window])
        plan = make.plan(stack, f"Plan{number}", name=long_name(number))
        trigger.add_route(f"plan-{number}", response_plan=plan)
    SmokeTest(stack, "SmokeTest", trigger=trigger, quiet_plan=make.plan(stack, "Quiet", name="q" * 200))
    return make.synth(stack)


def calendar_name(number: int) -> str:
    """Return the longest name of a calendar, one of many."""
    return f"{number:03}".ljust(128, "c")


def test_routes_to_anything_fit(mixed: Synth) -> None:
    """Topics, keys and calendars take their place beside the plans, and each is named once."""
    policies = Policies(mixed)
    policies.check_sizes()
    assert policies.managed
    expected = {
        "sns:Publish": MANY,
        "kms:GenerateDataKey": MANY,
        "ssm:GetCalendarState": MANY,
        "ssm-incidents:StartIncident": MANY + 1,
    }
    for action, count in expected.items():
        # The fallback's grants are CDK's own, in a policy beside ours.
        statements = [
            statement
            for document in [policies.inline[0], *policies.managed]
            for statement in document["Statement"]
            if action in listed(statement["Action"])
        ]
        assert sum(len(listed(statement["Resource"])) for statement in statements) == count
        assert all(listed(statement["Resource"]) for statement in statements)
    assert set(mixed.of_type(MANAGED)) <= mixed.comes_after(mixed.id_of("Custom::IncidentSmokeTest"))


def ask_calendars(trigger: IncidentTrigger, count: int) -> None:
    """Add routes that each ask ten calendars."""
    windows = [Suppression.while_open(calendar_name(number)) for number in range(count)]
    for start in range(0, count, 10):
        trigger.add_route(f"route-{start}", ops_items=OpsItems(), suppression=windows[start : start + 10])


def test_refuses_the_calendar_that_fits_nowhere(make: Make) -> None:
    """More calendars than the role's policies hold are refused by the argument's name."""
    stack = make.stack()
    trigger = IncidentTrigger(stack, "Trigger")
    message = (
        r"^suppression must be one whose permissions fit into the trigger's role and 10 managed policies"
    )
    with pytest.raises(ValueError, match=message):
        ask_calendars(trigger, 400)
    policies = Policies(make.synth(stack))
    policies.check_sizes()
    assert len(policies.managed) == MANAGED_POLICIES
    assert sum(map(len, policies.resources_of("ssm:GetCalendarState"))) >= 280


def test_the_function_waits_for_every_policy(many: Synth) -> None:
    """No invocation meets a role that is not complete, least of all the smoke test's."""
    managed = set(many.of_type(MANAGED))
    assert managed
    assert managed <= set(many.one("AWS::Lambda::Function", "TriggerFunction")["DependsOn"])
    assert managed <= many.comes_after(many.id_of("Custom::IncidentSmokeTest"))


def test_few_plans_stand_in_the_role(make: Make) -> None:
    """A managed policy is there only if the role is full: not for a trigger as they mostly are."""
    stack = make.stack()
    trigger = IncidentTrigger(stack, "Trigger")
    for number in range(10):
        trigger.add_route(f"route-{number}", response_plan=make.plan(stack, f"Plan{number}"))
    synth = make.synth(stack)
    assert synth.of_type(MANAGED) == {}
    assert [len(plans) for plans in Policies(synth).resources_of("ssm-incidents:StartIncident")] == [10]


def test_a_plan_of_many_routes_counts_once(make: Make) -> None:
    """A plan takes its place in the role once, however many routes lead to it."""
    stack = make.stack()
    plan = make.plan(stack, name=long_name(0))
    trigger = IncidentTrigger(stack, "Trigger")
    for number in range(100):
        trigger.add_route(f"route-{number}", response_plan=plan)
    synth = make.synth(stack)
    assert synth.of_type(MANAGED) == {}
    assert Policies(synth).resources_of("ssm-incidents:StartIncident") == [{plan_arn(long_name(0))}]


def test_what_many_routes_share_counts_once(make: Make) -> None:
    """A topic and a calendar take their place in the role once, however many routes name them."""
    stack = make.stack()
    topic = sns.Topic(stack, "Topic")
    trigger = IncidentTrigger(stack, "Trigger")
    for number in range(20):
        window = Suppression.while_open(calendar_name(0))
        trigger.add_route(f"route-{number}", topic=topic, suppression=[window])
    policies = Policies(make.synth(stack))
    assert policies.managed == []
    assert [len(arns) for arns in policies.resources_of("sns:Publish")] == [1]


def theirs(stack: cdk.Stack, number: int, name: str) -> Any:
    """Return a plan of an account of its own, whose contacts take place too."""
    return ResponsePlan.from_response_plan_name(stack, f"Plan{number}", name, account=f"{number:012}")


def test_short_names_of_many_accounts_fit(make: Make) -> None:
    """Each further account takes the place of its contacts, which short names do not hide."""
    stack = make.stack()
    trigger = IncidentTrigger(stack, "Trigger")
    for number in range(100):
        trigger.add_route(f"route-{number}", response_plan=theirs(stack, number, "p"))
    policies = Policies(make.synth(stack))
    assert policies.managed
    policies.check_sizes()


def test_a_name_that_cloudformation_knows_takes_the_place_of_the_longest(make: Make) -> None:
    """A plan whose name is a parameter of the stack may get the longest name, so its place is kept."""
    counts = []
    for is_known in (True, False):
        stack = make.stack()
        trigger = IncidentTrigger(stack, "Trigger")
        for number in range(30):
            name = long_name(number) if is_known else cdk.Fn.ref(f"Name{number}")
            plan = make.cfn_plan(stack, f"Plan{number}", name=name)
            if not is_known:
                cdk.CfnParameter(stack, f"Name{number}")
            trigger.add_route(f"route-{number}", response_plan=plan)
        counts.append(len(make.synth(stack).of_type(MANAGED)))
    assert counts[0] == counts[1] > 0


def test_refuses_the_plan_that_fits_nowhere(make: Make) -> None:
    """The longest names of a hundred accounts are more than a role takes: the first beyond is refused."""
    stack = make.stack()
    trigger = IncidentTrigger(stack, "Trigger")
    plans = [theirs(stack, number, name) for number, name in enumerate(LONG_NAMES)]
    for number, plan in enumerate(plans[:98]):
        trigger.add_route(f"route-{number}", response_plan=plan)
    message = (
        r"^response_plan must be one whose permissions fit into the trigger's role and 10 managed policies"
        r" \(got 'Stack/Plan98'\): give plans shorter names, or some of them a second IncidentTrigger\.$"
    )
    with pytest.raises(ValueError, match=message):
        trigger.add_route("route-98", response_plan=plans[98])
    # What was refused left nothing behind, and a plan that is there already needs no more place.
    trigger.add_route("route-98", response_plan=plans[0])
    policies = Policies(make.synth(stack))
    policies.check_sizes()
    assert len(policies.managed) == MANAGED_POLICIES
    assert sum(map(len, policies.resources_of("ssm-incidents:StartIncident"))) == 98


def test_quiet_plans_let_nobody_be_paged(make: Make) -> None:
    """Without an engagement there is no statement on contacts: IAM refuses one that names nobody."""
    stack = make.stack()
    trigger = IncidentTrigger(stack, "Trigger")
    trigger.add_route("quiet", response_plan=make.plan(stack))
    SmokeTest(stack, "SmokeTest", trigger=trigger)
    policies = Policies(make.synth(stack))
    assert policies.resources_of(ENGAGE) == []
    assert "contact" not in json.dumps(policies.inline)


def test_the_trigger_may_page_whom_its_plans_reach(make: Make) -> None:
    """Contacts of all plans, through escalation plans too, are named once; nobody else is."""
    stack = make.stack()
    first, second, third, _ = contacts(stack, "first", "second", "third", "another")
    team = EscalationPlan(
        stack, "Team", alias="team", stages=[Stage(contacts=[first]), Stage(contacts=[third])]
    )
    trigger = IncidentTrigger(stack, "Trigger")
    plans = [
        make.plan(stack),
        plan_that_engages(stack, "One", first, second),
        plan_that_engages(stack, "Two", team),
    ]
    for number, plan in enumerate(plans):
        trigger.add_route(f"route-{number}", response_plan=plan)
    engaged = Policies(make.synth(stack)).resources_of(ENGAGE)
    assert engaged == [{contact_arn(alias) for alias in ("first", "second", "third", "team")}]


@pytest.mark.parametrize(("count", "is_each"), [(15, True), (17, False)])
def test_many_contacts_are_named_as_one_where_each_does_not_fit(
    make: Make, count: int, *, is_each: bool
) -> None:
    """Beside its plans a policy names each contact that the room is left for; else all of the Region."""
    stack = make.stack()
    aliases = [f"{number}".ljust(255, "a") for number in range(count)]
    people = contacts(stack, *aliases)
    stages = [Stage(contacts=people[start : start + 5]) for start in range(0, count, 5)]
    team = EscalationPlan(stack, "Team", alias="team", stages=stages)
    trigger = IncidentTrigger(stack, "Trigger", trigger_name="f" * 64)
    trigger.add_route("route", response_plan=plan_that_engages(stack, "Plan", team, name="p"))
    policies = Policies(make.synth(stack))
    policies.check_sizes()
    each = {contact_arn(alias) for alias in ("team", *aliases)}
    assert policies.resources_of(ENGAGE) == [each if is_each else {contact_arn("*")}]
    assert policies.managed == []
