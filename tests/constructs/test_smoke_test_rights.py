"""What a smoke test's function may do, action by action, and what it is told: for each kind of test."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import cdk_nag
import pytest
from aws_cdk import aws_sns as sns
from aws_cdk import aws_ssm as ssm
from aws_cdk import aws_ssmcontacts as ssmcontacts

from cdk_incidents import (
    ChatChannel,
    Contact,
    ContactChannel,
    EscalationPlan,
    IncidentTemplate,
    IncidentTrigger,
    OnCallSchedule,
    Recurrence,
    ResponsePlan,
    Rotation,
    Runbook,
    SmokeTest,
    Stage,
)
from tests.constructs.permitted import (
    REGION,
    VIA_INCIDENT_MANAGER,
    Permission,
    expect,
    own,
    permitted,
)
from tests.constructs.smoke import ROLE, of_kind
from tests.synthesis import CONTACT

if TYPE_CHECKING:
    from tests.synthesis import Make, Synth


def permissions_of(synth: Synth) -> list[Permission]:
    """Return what the test's role may do: actions, resources and conditions, one by one."""
    (inline,) = synth.properties(ROLE, "SmokeTestProviderRole")["Policies"]
    return permitted([inline["PolicyDocument"]])


QUIET = "Stack-SmokeTest-QuietPlan"
ALWAYS = [
    *expect("cloudwatch:DescribeAlarms", "*"),
    *expect("ssm-incidents:ListIncidentRecords ListReplicationSets", "*"),
    *expect("ssm-incidents:GetReplicationSet", own("ssm-incidents", "replication-set/*", region="")),
    *expect(
        "ssm-incidents:DeleteIncidentRecord GetIncidentRecord GetResponsePlan GetTimelineEvent"
        " ListRelatedItems ListTimelineEvents UpdateIncidentRecord",
        "<SmokeTestQuietPlan>",
        own("ssm-incidents", f"incident-record/{QUIET}/*", region=""),
    ),
    *expect("ssm:DeleteOpsItem", own("ssm", "opsitem/*")),
    *expect("cloudformation:DescribeStacks", "<AWS::StackId>"),
    *expect("logs:CreateLogStream PutLogEvents", "<SmokeTestProviderLog>"),
]
OF_THE_TRIGGER = [
    *expect("cloudwatch:DescribeAlarmHistory SetAlarmState", "<SmokeTestCanary>"),
    *expect(
        "logs:FilterLogEvents",
        own("logs", "log-group:/aws/lambda/shop"),
        own("logs", "log-group:/aws/lambda/shop:*"),
    ),
    *expect("iam:SimulatePrincipalPolicy", own("iam", f"role/shop-{REGION}", region="")),
    *expect(
        "lambda:GetFunctionEventInvokeConfig GetPolicy",
        own("lambda", "function:shop"),
        own("lambda", "function:shop:Critical"),
        own("lambda", "function:shop:Later"),
    ),
]
OF_THE_SERVICES_PATH = expect("cloudwatch:DescribeAlarmHistory SetAlarmState", "<SmokeTestPlanCanary>")
PEOPLE = ("escalation", "rota", "ada")
TO_LOOK_AT_THE_PLAN = [
    *expect("ssm-incidents:GetResponsePlan", "<Checkout>"),
    *expect(
        "ssm-contacts:GetContact ListContactChannels",
        *(own("ssm-contacts", f"contact/{who}") for who in PEOPLE),
    ),
    *expect(
        "ssm-contacts:GetContactChannel",
        *(
            own("ssm-contacts", f"{word}/{who}/*")
            for who in PEOPLE
            for word in ("contact-channel", "contactchannel")
        ),
    ),
    *expect("ssm-contacts:GetRotation ListRotationShifts", own("ssm-contacts", "rotation/*")),
    *expect("sns:GetTopicAttributes", "<Chat>"),
    *expect("ssm:DescribeDocument", own("ssm", "document/<Document>")),
]
TO_LOOK_AT_AN_IMPORT = [
    *expect("ssm-incidents:GetResponsePlan", own("ssm-incidents", "response-plan/search", region="")),
    *expect("ssm-contacts:GetContact ListContactChannels", own("ssm-contacts", "contact/*", region="*")),
    *expect(
        "ssm-contacts:GetContactChannel",
        own("ssm-contacts", "contact-channel/*", region="*"),
        own("ssm-contacts", "contactchannel/*", region="*"),
    ),
    *expect("ssm-contacts:GetRotation ListRotationShifts", own("ssm-contacts", "rotation/*", region="*")),
    *expect("sns:GetTopicAttributes", own("sns", "*", region="*")),
    *expect("ssm:DescribeDocument", own("ssm", "document/*", region="*"), "arn:aws:ssm:*::document/*"),
]
TO_PAGE = [
    *expect("ssm-incidents:StartIncident", "<Checkout>"),
    *expect(
        "ssm-incidents:DeleteIncidentRecord GetIncidentRecord ListRelatedItems UpdateIncidentRecord",
        "<Checkout>",
        own("ssm-incidents", "incident-record/checkout/*", region=""),
    ),
    *expect(
        "ssm-contacts:StartEngagement",
        *(own("ssm-contacts", f"contact/{who}") for who in PEOPLE),
        condition=VIA_INCIDENT_MANAGER,
    ),
    *expect("ssm:CreateOpsItem", "*", condition=VIA_INCIDENT_MANAGER),
    *expect("ssm-contacts:ListEngagements", "*"),
    *expect(
        "ssm-contacts:ListPagesByEngagement",
        *(own("ssm-contacts", f"engagement/{who}/*") for who in PEOPLE),
    ),
    *expect("ssm-contacts:ListPageReceipts", *(own("ssm-contacts", f"page/{who}/*") for who in PEOPLE)),
]


class Shop:
    """A stack with a plan that leads to everything, and a trigger."""

    def __init__(self, make: Make, app: cdk.App | None = None, *, dedupe: str | None = "checkout") -> None:
        self.stack = cdk.Stack(app or make.app(), "Stack", env=make.env)
        channels = [ContactChannel.email("ada@example.com")]
        ada = Contact(self.stack, "Ada", alias="ada", display_name="Ada", channels=channels)
        turn = Rotation(
            contacts=[ada],
            start="2026-01-05T09:00:00",
            time_zone="UTC",
            recurrence=Recurrence.weekly(monday="09:00"),
        )
        rota = OnCallSchedule(self.stack, "Rota", alias="rota", rotations=[turn])
        escalation = EscalationPlan(
            self.stack, "Escalation", alias="escalation", stages=[Stage(contacts=[rota])]
        )
        self.document = ssm.CfnDocument(
            self.stack, "Document", document_type="Automation", content={"schemaVersion": "0.3"}
        )
        self.checkout = ResponsePlan(
            self.stack,
            "Checkout",
            response_plan_name="checkout",
            incident=IncidentTemplate.critical(title="Checkout is failing", dedupe_string=dedupe),
            engagements=[escalation],
            chat_channel=ChatChannel.topics(sns.Topic(self.stack, "Chat", enforce_ssl=True)),
            runbook=Runbook(self.document, document_version="3"),
        )
        self.search = ResponsePlan.from_response_plan_name(self.stack, "Search", "search")

    def trigger(self) -> IncidentTrigger:
        """Return a trigger with one route."""
        topic = sns.Topic(self.stack, "Fallback", enforce_ssl=True)
        trigger = IncidentTrigger(self.stack, "Trigger", trigger_name="shop", fallback=topic)
        trigger.add_route("Critical", response_plan=self.checkout)
        return trigger


@pytest.fixture(scope="module")
def of_a_trigger(make: Make) -> Synth:
    """Return the test of a trigger, to which a route to an import is added later."""
    shop = Shop(make)
    trigger = shop.trigger()
    SmokeTest(shop.stack, "SmokeTest", trigger=trigger)
    trigger.add_route("Later", response_plan=shop.search)
    return make.synth(shop.stack)


@pytest.fixture(scope="module")
def of_plans(make: Make) -> Synth:
    """Return the test of plans by the service's own path."""
    shop = Shop(make)
    SmokeTest(shop.stack, "SmokeTest", plans=[shop.checkout, shop.search])
    return make.synth(shop.stack)


@pytest.fixture(scope="module")
def for_real(make: Make) -> Synth:
    """Return the test of both, which pages."""
    shop = Shop(make, dedupe=None)
    trigger = shop.trigger()
    SmokeTest(shop.stack, "SmokeTest", trigger=trigger, plans=[shop.checkout], pages_for_real=True)
    trigger.add_route("Later", response_plan=shop.search)
    return make.synth(shop.stack)


def quiet_as_made(synth: Synth) -> list[Permission]:
    """Return the permissions with the quiet plan's name as its author reads it."""
    name = synth.properties("AWS::SSMIncidents::ResponsePlan", "QuietPlan")["Name"]
    return sorted(
        (action, resource.replace(name, QUIET), condition)
        for action, resource, condition in permissions_of(synth)
    )


def test_may_prove_a_trigger(of_a_trigger: Synth) -> None:
    """What it may do for a trigger: routes that are added later are in it, nothing is started."""
    assert quiet_as_made(of_a_trigger) == sorted(
        [*ALWAYS, *OF_THE_TRIGGER, *TO_LOOK_AT_THE_PLAN, *TO_LOOK_AT_AN_IMPORT]
    )


def test_may_prove_plans(of_plans: Synth) -> None:
    """What it may do for plans: no log of a trigger is read, no alias looked at, nothing started."""
    assert quiet_as_made(of_plans) == sorted(
        [*ALWAYS, *OF_THE_SERVICES_PATH, *TO_LOOK_AT_THE_PLAN, *TO_LOOK_AT_AN_IMPORT]
    )


def test_may_page_for_real(for_real: Synth) -> None:
    """What it may do to page: start the named plan and follow its incident, of no other plan."""
    assert quiet_as_made(for_real) == sorted(
        [
            *ALWAYS,
            *OF_THE_TRIGGER,
            *OF_THE_SERVICES_PATH,
            *TO_LOOK_AT_THE_PLAN,
            *TO_LOOK_AT_AN_IMPORT,
            *TO_PAGE,
        ]
    )


DECLARED = {
    "title": "Checkout is failing",
    "impact": 1,
    "dedupe": "checkout",
    "engagements": ["<Ref Escalation>"],
    "runbooks": [{"document": "<Ref Document>", "version": "3"}],
}
PLANS = "arn:<Ref AWS::Partition>:ssm-incidents::111122223333:response-plan"
IMPORTED = {"name": "search", "arn": f"{PLANS}/search"}


def without_hashes(plans: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return what the function is told of plans without what CDK adds to names."""
    found: list[dict[str, Any]] = json.loads(re.sub("[0-9A-F]{8}>", ">", json.dumps(plans)))
    return found


def test_tells_what_the_app_declares(of_plans: Synth) -> None:
    """A plan of the app is told as its L1 has it; of an import synth knows its name and ARN."""
    checkout = {"name": "checkout", "arn": "<Ref Checkout>", "declared": DECLARED}
    assert without_hashes(of_kind(of_plans, "plan")) == [checkout, IMPORTED]
    (path,) = of_kind(of_plans, "path")
    assert path["kind"] == "service"
    assert of_kind(of_plans, "trigger") == []


def test_tells_which_plans_page(for_real: Synth) -> None:
    """A plan that is named and routed is told once; only what is named pages."""
    checkout = {
        "name": "checkout",
        "arn": "<Ref Checkout>",
        "for_real": True,
        "declared": {**DECLARED, "dedupe": ""},
    }
    assert without_hashes(of_kind(for_real, "plan")) == [checkout, IMPORTED]
    assert [path["kind"] for path in of_kind(for_real, "path")] == ["trigger", "service"]
    (trigger,) = of_kind(for_real, "trigger")
    assert trigger["routes"] == ["Critical", "Later"]


def test_tells_what_is_changed_by_hand(make: Make) -> None:
    """What an L1 is given after it was made counts; what only CloudFormation knows is left out."""
    shop = Shop(make)
    resource = shop.checkout.node.default_child
    assert resource is not None
    title = cdk.CfnParameter(shop.stack, "Title").value_as_string
    resource.incident_template = {"title": title, "impact": 2}  # type: ignore[attr-defined]
    resource.engagements = [CONTACT]  # type: ignore[attr-defined]
    resource.actions = []  # type: ignore[attr-defined]
    SmokeTest(shop.stack, "SmokeTest", plans=[shop.checkout])
    synth = make.synth(shop.stack)
    (plan,) = of_kind(synth, "plan")
    assert plan["declared"] == {"impact": 2, "dedupe": "", "engagements": [CONTACT], "runbooks": []}


def test_names_another_stacks_plan_by_texts(make: Make) -> None:
    """Of another stack's plan, people, topic and runbook no reference is taken, which would be an export."""
    app = make.app()
    shop = Shop(make, app)
    proof = cdk.Stack(app, "Proof", env=make.env)
    SmokeTest(proof, "SmokeTest", plans=[shop.checkout])
    shops, proofs = make.synth_all(shop.stack, proof)
    assert shops.exports() == []
    assert "Fn::ImportValue" not in json.dumps(proofs.template)
    assert proofs.dependencies == ["Stack"]
    (plan,) = of_kind(proofs, "plan")
    assert plan == {
        "name": "checkout",
        "arn": f"{PLANS}/checkout",
        "declared": {
            "title": "Checkout is failing",
            "impact": 1,
            "dedupe": "checkout",
            "engagements": [
                "arn:<Ref AWS::Partition>:ssm-contacts:eu-west-1:111122223333:contact/escalation"
            ],
        },
    }
    may = permissions_of(proofs)
    assert ("sns:GetTopicAttributes", own("sns", "*", region="*"), '""') in may
    assert ("ssm:DescribeDocument", own("ssm", "document/*", region="*"), '""') in may


def test_tells_which_plans_come_later(make: Make) -> None:
    """An app team's plan is deployed after the central trigger that routes to it."""
    app = make.app()
    central, team = (cdk.Stack(app, name, env=make.env) for name in ("Central", "Team"))
    trigger = IncidentTrigger(central, "Trigger")
    route = trigger.add_route("Team", response_plan=make.plan(team, name="team"))
    route.watch(make.alarm(team))
    SmokeTest(central, "SmokeTest", trigger=trigger)
    synth = make.synth(central)
    (plan,) = of_kind(synth, "plan")
    assert (plan["name"], plan["later"]) == ("team", True)
    assert synth.dependencies == []


def test_names_all_where_each_would_be_too_many(make: Make) -> None:
    """A role holds 10,240 characters: what would not fit is named by a pattern of its kind."""
    stack = cdk.Stack(make.app(), "Stack", env=make.env)
    trigger = IncidentTrigger(stack, "Trigger", trigger_name="shop")
    for number in range(25):
        contact = ssmcontacts.CfnContact(
            stack, f"Person{number}", alias=f"p{number}", display_name="P", type="PERSONAL"
        )
        plan = ResponsePlan(
            stack,
            f"Plan{number}",
            incident=IncidentTemplate.critical(title="T"),
            engagements=[contact],
            runbook=Runbook(f"document-of-service-number-{number}"),
        )
        trigger.add_route(f"RouteToTheServiceNumber{number}", response_plan=plan)
    SmokeTest(stack, "SmokeTest", trigger=trigger)
    synth = make.synth(stack)
    may = [(action, resource) for action, resource, _ in permissions_of(synth)]
    assert ("ssm-incidents:GetResponsePlan", own("ssm-incidents", "response-plan/*", region="")) in may
    assert ("ssm-contacts:GetContact", own("ssm-contacts", "contact/*")) in may
    assert ("ssm:DescribeDocument", own("ssm", "document/*")) in may
    assert ("lambda:GetPolicy", own("lambda", "function:shop:*")) in may
    policy = json.dumps(synth.properties(ROLE, "SmokeTestProviderRole")["Policies"], separators=(",", ":"))
    assert len(policy) < 10_240
    assert len(of_kind(synth, "plan")) == 25


def test_a_users_own_cdk_nag_finds_nothing(make: Make) -> None:
    """Each wildcard of the role is acknowledged with its reason, those of imports and of paging too."""
    app = make.app()
    cdk.Validations.of(app).add_plugins(cdk_nag.AwsSolutionsChecks())
    shop = Shop(make, app, dedupe=None)
    SmokeTest(
        shop.stack,
        "SmokeTest",
        trigger=shop.trigger(),
        plans=[shop.checkout, shop.search],
        pages_for_real=True,
        every=cdk.Duration.days(1),
    )
    assert any("*" in resource for _, resource, _ in permissions_of(make.synth(shop.stack)))
