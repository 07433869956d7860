"""ReplicationSet: what it renders and refuses, and that everything of its account waits for it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_kms as kms
from aws_cdk import aws_ssmcontacts as ssmcontacts
from aws_cdk import aws_ssmincidents as ssmincidents
from aws_cdk.assertions import Template

import cdk_incidents as incidents
from cdk_incidents import IncidentTrigger, ReplicationSet, ResponsePlan, SmokeTest
from tests.synthesis import steady

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.synthesis import Make, Synth

SET = "AWS::SSMIncidents::ReplicationSet"
PLAN = "AWS::SSMIncidents::ResponsePlan"
HERE, THERE = "eu-west-1", "eu-central-1"
THEIR_KEY = f"arn:aws:kms:{THERE}:111122223333:key/1234abcd"
ELSEWHERE = cdk.Environment(account="444455556666", region=HERE)


@pytest.fixture(scope="module")
def full(make: Make) -> Synth:
    """Return a stack with a set that uses every argument, and tags."""
    stack = make.stack(env=make.env)
    ReplicationSet(
        stack,
        "Set",
        regions=[HERE, THERE],
        keys={HERE: kms.Key(stack, "Key"), THERE: THEIR_KEY},
        deletion_protection=False,
    )
    cdk.Tags.of(stack).add("team", "shop")
    return make.synth(stack)


def test_renders_every_field(full: Synth) -> None:
    """Regions come with their keys, as references or as ARNs; protection and tags as they were given."""
    key = {"Fn::GetAtt": [full.id_of("AWS::KMS::Key"), "Arn"]}
    assert full.properties(SET) == {
        "DeletionProtected": False,
        "Regions": [
            {"RegionName": HERE, "RegionConfiguration": {"SseKmsKeyId": key}},
            {"RegionName": THERE, "RegionConfiguration": {"SseKmsKeyId": THEIR_KEY}},
        ],
        "Tags": [{"Key": "team", "Value": "shop"}],
    }


def test_key_may_be_used_through_the_service_only(full: Synth) -> None:
    """A key of the app lets the account's principals use it through Incident Manager of the set's Regions."""
    own, ours = full.properties("AWS::KMS::Key")["KeyPolicy"]["Statement"]
    assert own["Action"] == "kms:*"
    assert ours == {
        "Effect": "Allow",
        "Principal": {"AWS": "*"},
        "Action": ["kms:CreateGrant", "kms:DescribeKey"],
        "Resource": "*",
        "Condition": {
            "StringEquals": {
                "kms:CallerAccount": "111122223333",
                "kms:ViaService": [
                    f"ssm-incidents.{HERE}.amazonaws.com",
                    f"ssm-contacts.{HERE}.amazonaws.com",
                    f"ssm-incidents.{THERE}.amazonaws.com",
                    f"ssm-contacts.{THERE}.amazonaws.com",
                ],
            }
        },
    }


def test_is_protected_and_stays(make: Make) -> None:
    """By default the service refuses to delete the set, and CloudFormation does not try."""
    stack = make.stack()
    ReplicationSet(stack, "Set", regions=[cdk.Aws.REGION])
    resource = make.synth(stack).one(SET)
    assert resource == {
        "Type": SET,
        "Properties": {"DeletionProtected": True, "Regions": [{"RegionName": {"Ref": "AWS::Region"}}]},
        "DeletionPolicy": "Retain",
        "UpdateReplacePolicy": "Retain",
    }


def test_goes_for_who_insists(make: Make) -> None:
    """A removal policy is taken, as by any resource."""
    stack = make.stack()
    ReplicationSet(stack, "Set", regions=[HERE]).apply_removal_policy(cdk.RemovalPolicy.DESTROY)
    assert make.synth(stack).one(SET)["DeletionPolicy"] == "Delete"


def test_tells_its_regions_and_is_cdks_own_reference(make: Make) -> None:
    """The set tells its Regions and its ARN, and CDK takes it where it wants a reference."""
    stack = make.stack()
    owned = ReplicationSet(stack, "Set", regions=[THERE, HERE])
    logical_id = stack.get_logical_id(owned.node.default_child)  # type: ignore[arg-type]
    assert owned.region_names == [THERE, HERE]
    assert stack.resolve(owned.replication_set_arn) == {"Ref": logical_id}
    arn = ssmincidents.CfnReplicationSet.arn_for_replication_set(owned)
    assert arn == owned.replication_set_arn


@pytest.mark.parametrize("regions", [[HERE], [HERE, THERE, "us-east-1"]])
def test_takes_one_to_three_regions(make: Make, regions: list[str]) -> None:
    """A set has one to three Regions."""
    assert ReplicationSet(make.stack(env=make.env), "Set", regions=regions).region_names == regions


@pytest.mark.parametrize(
    "regions",
    [[], [HERE, THERE, "us-east-1", "us-east-2"], [HERE, HERE], HERE, {HERE}, None],
    ids=["none", "four", "twice", "text", "set", "missing"],
)
def test_refuses_another_number_of_regions(make: Make, regions: Any) -> None:
    """None, four, one twice, and what is no list with an order are refused."""
    with pytest.raises(ValueError, match=r"^regions must be a list of 1 to 3 different Regions \(got "):
        ReplicationSet(make.stack(), "Set", regions=regions)


def test_refuses_a_region_without_the_service(make: Make) -> None:
    """A Region that Incident Manager is not in cannot be in a set."""
    expected = r"^regions must be of those that have Incident Manager \(ap-.*\) \(got 'eu-south-1'\): choose"
    with pytest.raises(ValueError, match=expected):
        ReplicationSet(make.stack(), "Set", regions=[HERE, "eu-south-1"])


def test_refuses_a_set_without_the_region_of_its_stack(make: Make) -> None:
    """The service makes a set from one of its own Regions."""
    expected = (
        rf"^regions must be with that of the stack, {HERE} \(got \['{THERE}'\]\): add it, or make the set in"
        r" a stack of one of its Regions\.$"
    )
    with pytest.raises(ValueError, match=expected):
        ReplicationSet(make.stack(env=make.env), "Set", regions=[THERE])


@pytest.mark.parametrize("given", [[HERE], [HERE, THERE, "us-east-1"], [HERE, "us-east-1"]], ids=str)
def test_refuses_keys_for_some_regions(make: Make, given: list[str]) -> None:
    """Each Region has a key, or none has: one too few, one too many, another Region's are refused."""
    keys = {region: f"arn:aws:kms:{region}:111122223333:key/1" for region in given}
    expected = rf"^keys must be for each of the Regions \({HERE}, {THERE}\) or left out \(got .*\): give each"
    with pytest.raises(ValueError, match=expected):
        ReplicationSet(make.stack(), "Set", regions=[HERE, THERE], keys=keys)


@pytest.mark.parametrize(
    "key", [THEIR_KEY, "1234abcd", "alias/key", f"arn:aws:kms:{HERE}:111122223333:id/1"], ids=str
)
def test_refuses_what_is_not_the_arn_of_a_key_of_the_region(make: Make, key: str) -> None:
    """A text must be the ARN of a key, and of the Region that it encrypts."""
    expected = (
        rf"^keys\['{HERE}'\] must be the ARN of a KMS key in {HERE} \(got '{key}'\): a key encrypts data of"
        r" its own Region only\.$"
    )
    with pytest.raises(ValueError, match=expected):
        ReplicationSet(make.stack(), "Set", regions=[HERE], keys={HERE: key})


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        (THEIR_KEY, f"keys must be for each of the Regions ({HERE}) or left out (got '{THEIR_KEY}'): give"),
        ({HERE: 1}, f"keys['{HERE}'] must be a KMS key or its ARN (got 1): import one with kms.Key.from_"),
    ],
    ids=["text", "number"],
)
def test_refuses_what_is_no_key(make: Make, keys: Any, message: str) -> None:
    """Keys are CDK's objects or ARNs, by Region."""
    with pytest.raises(ValueError, match=f"^{re.escape(message)}"):
        ReplicationSet(make.stack(), "Set", regions=[HERE], keys=keys)


def test_refuses_a_key_of_another_regions_stack(make: Make) -> None:
    """A key object must be of the Region that it encrypts, where its Region is known."""
    app = make.app()
    there = cdk.Stack(app, "There", env=cdk.Environment(account="111122223333", region=THERE))
    key = kms.Key(there, "Key")
    expected = rf"^keys\['{HERE}'\] must be a key in {HERE} \(got 'There/Key in {THERE}'\): a key encrypts"
    with pytest.raises(ValueError, match=expected):
        ReplicationSet(cdk.Stack(app, "Here", env=make.env), "Set", regions=[HERE], keys={HERE: key})


@pytest.mark.parametrize(
    "key", [f"arn:aws:kms:{HERE}:111122223333:alias/key", cdk.Fn.import_value("KeyArn")], ids=steady
)
def test_takes_an_alias_or_an_arn_known_at_deployment(make: Make, key: str) -> None:
    """The ARN of an alias is one of a key; a token is let through."""
    stack = make.stack()
    ReplicationSet(stack, "Set", regions=[HERE], keys={HERE: key})


def test_takes_a_key_that_the_app_imports(make: Make) -> None:
    """An imported key is used as it is: its policy is not ours to change."""
    stack = make.stack(env=make.env)
    key = kms.Key.from_key_arn(stack, "Key", f"arn:aws:kms:{HERE}:111122223333:key/1")
    ReplicationSet(stack, "Set", regions=[HERE], keys={HERE: key})
    synth = make.synth(stack)
    assert list(synth.resources) == [synth.id_of(SET)]
    (region,) = synth.properties(SET)["Regions"]
    assert region["RegionConfiguration"] == {"SseKmsKeyId": f"arn:aws:kms:{HERE}:111122223333:key/1"}


class World:
    """A set, and its users in every kind of stack, made before or after it."""

    def __init__(self, make: Make, first: str) -> None:
        self.first = first
        self.app = make.app()
        self.home = cdk.Stack(self.app, "Home", env=make.env)
        self.nested = cdk.NestedStack(self.home, "Nested")
        self.stacks = {
            "home": self.home,
            "nested": self.nested,
            "other": cdk.Stack(self.app, "Other", env=make.env),
            "unknown": cdk.Stack(self.app, "Unknown"),
            "foreign": cdk.Stack(self.app, "Foreign", env=ELSEWHERE),
            "stage": cdk.Stack(cdk.Stage(self.app, "Stage", env=make.env), "Stack"),
        }
        if first == "set":
            self._own()
        for stack in self.stacks.values():
            make.plan(stack, "OurPlan")
        self._call_somebody()
        make.cfn_plan(self.home)
        ssmcontacts.CfnContact(self.home, "CfnContact", alias="first", display_name="First", type="PERSONAL")
        trigger = IncidentTrigger(self.home, "Trigger")
        critical, quiet = (
            ResponsePlan.from_response_plan_name(self.home, name, name) for name in ("critical", "quiet")
        )
        trigger.add_route("Critical", response_plan=critical)
        SmokeTest(self.home, "SmokeTest", trigger=trigger, quiet_plan=quiet)
        if first == "users":
            self._own()
        names = list(self.stacks)
        self.synths = dict(zip(names, make.synth_all(*self.stacks.values()), strict=True))

    def _call_somebody(self) -> None:
        channel = incidents.ContactChannel.email("first@example.com")
        first = incidents.Contact(self.home, "First", display_name="First", channels=[channel])
        stage = incidents.Stage(contacts=[first])
        incidents.EscalationPlan(self.home, "Escalation", stages=[stage])
        rotation = incidents.Rotation(
            contacts=[first],
            start="2027-01-04T09:00:00",
            time_zone="Europe/Berlin",
            recurrence=incidents.Recurrence.daily("09:00"),
        )
        incidents.OnCallSchedule(self.home, "OnCall", rotations=[rotation])

    def _own(self) -> None:
        ReplicationSet(self.home, "Set", regions=[HERE])

    def waits(self, resource_type: str, like: str = "") -> bool:
        """Tell whether a resource of the set's stack is made after it."""
        home = self.synths["home"]
        return home.id_of(SET) in home.one(resource_type, like).get("DependsOn", [])


@pytest.fixture(scope="module", params=["set", "users"])
def owning(request: pytest.FixtureRequest, make: Make) -> World:
    """Return an app that made its set first, and one that made its users first."""
    return World(make, request.param)


def test_users_of_the_stack_wait_for_it(owning: World) -> None:
    """Plans, smoke tests and nested stacks with users in them are made after the set."""
    assert owning.waits(PLAN, "OurPlan")
    assert owning.waits("Custom::IncidentSmokeTest")
    assert owning.waits("AWS::CloudFormation::Stack")


def test_nothing_of_ours_is_made_before_it(owning: World) -> None:
    """Contacts, channels, escalation plans and on-call schedules come after it, by one way or another."""
    home = owning.synths["home"]
    ours = [
        logical_id
        for logical_id, resource in home.resources.items()
        if resource["Type"].startswith("AWS::SSM") and not logical_id.startswith(("Set", "Cfn"))
    ]
    assert len({home.resources[logical_id]["Type"] for logical_id in ours}) == 5
    assert [logical_id for logical_id in ours if home.id_of(SET) not in home.comes_after(logical_id)] == []


def test_others_do_not(owning: World) -> None:
    """What calls the service after the deployment only does not wait."""
    assert not owning.waits("AWS::DynamoDB::GlobalTable")
    assert not owning.waits("AWS::Lambda::Function", "TriggerFunction")


def test_l1s_that_were_there_before_wait_too(owning: World) -> None:
    """What was written by hand waits for the set if it was made before: nothing tells of later ones."""
    was_before = owning.first == "users"
    assert owning.waits(PLAN, "CfnPlan") == was_before
    assert owning.waits("AWS::SSMContacts::Contact", "CfnContact") == was_before


def test_stacks_of_the_account_go_after_it(owning: World) -> None:
    """Stacks with users go after the set's, where the account is the same or unknown; nothing is exported."""
    dependencies = {name: synth.dependencies for name, synth in owning.synths.items()}
    assert dependencies == {
        "home": [],
        "nested": [],
        "other": ["Home"],
        "unknown": ["Home"],
        "foreign": [],
        "stage": [],
    }
    assert owning.synths["home"].exports() == []


@pytest.mark.parametrize("first", ["set", "users"])
@pytest.mark.parametrize("user", ["plan", "trigger"])
def test_refuses_users_in_a_region_that_it_lacks(make: Make, first: str, user: str) -> None:
    """A user in another Region is refused at once, whichever was made first, with both ways out."""
    app = make.app()
    stacks = {
        region: cdk.Stack(app, region, env=cdk.Environment(account="111122223333", region=region))
        for region in (HERE, THERE)
    }
    makers: list[Callable[[], object]] = [
        lambda: ReplicationSet(stacks[HERE], "Set", regions=[HERE]),
        lambda: (
            make.plan(stacks[THERE], "User") if user == "plan" else IncidentTrigger(stacks[THERE], "User")
        ),
    ]
    earlier, later = makers if first == "set" else reversed(makers)
    earlier()
    expected = re.escape(
        f"Region of {THERE}/User must be one of the replication set's ({HERE}) (got '{THERE}'): add it to the"
        f" regions of {HERE}/Set, or move the construct."
    )
    with pytest.raises(ValueError, match=f"^{expected}$"):
        later()


def test_takes_users_in_any_of_its_regions_and_in_those_of_others(make: Make) -> None:
    """A user in a further Region of the set is taken, and one of another account anywhere."""
    app = make.app()
    ReplicationSet(cdk.Stack(app, "Home", env=make.env), "Set", regions=[HERE, THERE])
    for account, region in (("111122223333", THERE), ("444455556666", "us-east-1")):
        assert make.plan(cdk.Stack(app, region, env=cdk.Environment(account=account, region=region)))


def test_refuses_a_second_of_an_account(make: Make) -> None:
    """An account has one set, so the second of an app is refused, also in another stage."""
    app = make.app()
    ReplicationSet(cdk.Stack(app, "Home", env=make.env), "Set", regions=[HERE])
    other = cdk.Stack(cdk.Stage(app, "Stage", env=make.env), "Stack")
    expected = (
        r"^ReplicationSet must be the only one of its account \(got 'Home/Set as well'\): keep one, with the"
        r" Regions of both\.$"
    )
    with pytest.raises(ValueError, match=expected):
        ReplicationSet(other, "Set", regions=[HERE])


def test_takes_one_for_each_account(make: Make) -> None:
    """Another account has its own set, and so has a stage whose account nobody knows yet."""
    app = make.app()
    for name, env in (("A", make.env), ("B", ELSEWHERE)):
        assert ReplicationSet(cdk.Stack(app, name, env=env), "Set", regions=[HERE])
    for name in ("Beta", "Prod"):
        assert ReplicationSet(cdk.Stack(cdk.Stage(app, name), "Stack"), "Set", regions=[HERE])


def test_apps_know_nothing_of_each_other(make: Make) -> None:
    """The set of one app orders nothing in another."""
    ReplicationSet(make.stack(env=make.env), "Set", regions=[HERE])
    other = make.stack(env=cdk.Environment(account="111122223333", region=THERE))
    incident = incidents.IncidentTemplate.low(title="Title")
    ResponsePlan(other, "Plan", incident=incident)
    assert "DependsOn" not in make.synth(other).one(PLAN)


def test_users_wait_in_an_app_that_nobody_holds() -> None:
    """A stack without an app has one that Python never saw; there, too, a plan waits for the set."""
    stack = cdk.Stack()
    ReplicationSet(stack, "Set", regions=[HERE])
    ResponsePlan(stack, "Plan", incident=incidents.IncidentTemplate.low(title="Title"))
    (plan,) = Template.from_stack(stack).find_resources(PLAN).values()
    assert len(plan["DependsOn"]) == 1
