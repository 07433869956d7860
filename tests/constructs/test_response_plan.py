"""ResponsePlan: what it renders, what it refuses, imports, grants and metrics."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_iam as iam
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_sns as sns
from aws_cdk import aws_ssmincidents as ssmincidents

from cdk_incidents import (
    ChatChannel,
    Contact,
    ContactChannel,
    Impact,
    IncidentTemplate,
    PagerDuty,
    ResponsePlan,
    Runbook,
)
from tests.synthesis import CONTACT

if TYPE_CHECKING:
    from cdk_incidents import IResponsePlan
    from tests.synthesis import Make, Synth

PLAN = "AWS::SSMIncidents::ResponsePlan"
ARN = "arn:aws:ssm-incidents::444455556666:response-plan/their-plan"
CALLED_BY_THE_SERVICE = {"StringEquals": {"aws:CalledViaFirst": "ssm-incidents.amazonaws.com"}}


@pytest.fixture(scope="module")
def full(make: Make) -> Synth:
    """Return a stack with a plan that uses every argument, and one that uses none."""
    stack = make.stack()
    topics = [sns.Topic(stack, "Topic1"), sns.Topic(stack, "Topic2")]
    theirs = sns.Topic.from_topic_arn(stack, "Theirs", "arn:aws:sns:eu-west-1:111122223333:theirs")
    ResponsePlan(
        stack,
        "Full",
        response_plan_name="checkout",
        display_name="The checkout",
        incident=IncidentTemplate(
            title="Checkout is failing",
            impact=Impact.HIGH,
            summary="Look at the dashboard first.",
            dedupe_string="checkout",
            tags={"team": "shop", "tier": "1"},
            notification_topics=[*topics, theirs],
        ),
    )
    ResponsePlan(stack, "Bare", incident=IncidentTemplate(title="Something", impact=5))
    return make.synth(stack)


def test_renders_every_field(full: Synth) -> None:
    """Each argument becomes the property that the service documents for it."""
    assert full.properties(PLAN, "Full") == {
        "Name": "checkout",
        "DisplayName": "The checkout",
        "IncidentTemplate": {
            "Title": "Checkout is failing",
            "Impact": 2,
            "Summary": "Look at the dashboard first.",
            "DedupeString": "checkout",
            "IncidentTags": [{"Key": "team", "Value": "shop"}, {"Key": "tier", "Value": "1"}],
            "NotificationTargets": [
                {"SnsTopicArn": {"Ref": full.id_of("AWS::SNS::Topic", "Topic1")}},
                {"SnsTopicArn": {"Ref": full.id_of("AWS::SNS::Topic", "Topic2")}},
                {"SnsTopicArn": "arn:aws:sns:eu-west-1:111122223333:theirs"},
            ],
        },
    }


def test_defaults_leave_no_property(full: Synth) -> None:
    """An argument that is left out leaves nothing in the template: no empty list, no empty text."""
    properties = full.properties(PLAN, "Bare")
    assert properties.pop("Name")
    assert properties == {"IncidentTemplate": {"Title": "Something", "Impact": 5}}


def test_notification_topics_let_the_service_publish_for_this_account_only(full: Synth) -> None:
    """Each topic of the app lets Incident Manager publish, on behalf of the plan's account and no other."""
    for topic in ("Topic1", "Topic2"):
        policy = full.properties("AWS::SNS::TopicPolicy", topic)
        logical_id = full.id_of("AWS::SNS::Topic", topic)
        (statement,) = policy["PolicyDocument"]["Statement"]
        statement.pop("Sid", None)
        assert policy["Topics"] == [{"Ref": logical_id}]
        assert statement == {
            "Action": "sns:Publish",
            "Effect": "Allow",
            "Principal": {"Service": "ssm-incidents.amazonaws.com"},
            "Resource": {"Ref": logical_id},
            "Condition": {"StringEqualsIfExists": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}},
        }


def test_warns_of_topics_whose_policy_nobody_here_knows(full: Synth) -> None:
    """An imported topic gets no policy from us, so synth says what its own must allow; once, and by an id."""
    ((path, level, text),) = [message for message in full.messages if "topic-policy" in message[2]]
    assert (path, level) == ("/Stack/Full", "warning")
    assert text == (
        "notification_topics must let ssm-incidents.amazonaws.com publish, or the plan cannot be created (got"
        " Stack/Theirs, an import, whose policy nobody here knows): allow it sns:Publish with"
        " aws:SourceAccount of this account, and kms:Decrypt and kms:GenerateDataKey* on the topic's key,"
        " if it has one. [ack: cdk-incidents:topic-policy]"
    )


def test_topic_policies_come_before_the_plan(full: Synth) -> None:
    """The service proves a topic with a message while it makes the plan, so the policy must be there."""
    assert full.one(PLAN, "Full")["DependsOn"] == sorted(full.of_type("AWS::SNS::TopicPolicy"))
    assert "DependsOn" not in full.one(PLAN, "Bare")


@pytest.mark.parametrize("name", ["n", "n" * 200, "Checkout_plan-7"])
def test_takes_names_that_the_service_takes(make: Make, name: str) -> None:
    """1 to 200 letters, digits, hyphens and underscores are a name."""
    assert make.plan(make.stack(), name=name).response_plan_name == name


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "n" * 201,
            r"response_plan_name must be 1 to 200 characters long \(got 'n+…\): it has 201; shorten it\.",
        ),
        (
            "the plan",
            r"response_plan_name must be letters, .* \(got 'the plan'\): put readable words into disp",
        ),
        ("plan/7", r"response_plan_name must be letters, .* \(got 'plan/7'\): put readable words"),
        ("plän", r"response_plan_name must be letters, .* \(got 'plän'\): put readable words"),
        ("plan\n", r"response_plan_name must be letters, .* \(got 'plan\\n'\): put readable words"),
    ],
)
def test_refuses_names_that_the_service_refuses(make: Make, name: str, message: str) -> None:
    """A name that the service would refuse at deployment is refused at synth, owned or imported."""
    with pytest.raises(ValueError, match=f"^{message}"):
        make.plan(make.stack(), name=name)
    with pytest.raises(ValueError, match=f"^{message}"):
        ResponsePlan.from_response_plan_name(make.stack(), "Import", name)


def test_display_name_has_200_characters_at_most(make: Make) -> None:
    """A display name of 200 characters is taken, one of 201 is refused."""
    incident = IncidentTemplate.low(title="Title")
    stack = make.stack()
    plan = ResponsePlan(stack, "Fits", incident=incident, display_name="d" * 200)
    assert plan.response_plan_name
    with pytest.raises(ValueError, match=r"^display_name must be 1 to 200 characters long .* it has 201"):
        ResponsePlan(stack, "TooLong", incident=incident, display_name="d" * 201)


def test_tokens_reach_the_template(make: Make) -> None:
    """Texts and numbers that only CloudFormation knows are rendered as what they stand for."""
    stack = make.stack()
    texts = {key: cdk.CfnParameter(stack, key) for key in ("Name", "Display", "Title", "Summary", "Dedupe")}
    impact = cdk.CfnParameter(stack, "Impact", type="Number")
    ResponsePlan(
        stack,
        "Plan",
        response_plan_name=texts["Name"].value_as_string,
        display_name=texts["Display"].value_as_string,
        incident=IncidentTemplate(
            title=texts["Title"].value_as_string,
            impact=impact.value_as_number,  # type: ignore[arg-type]
            summary=texts["Summary"].value_as_string,
            dedupe_string=texts["Dedupe"].value_as_string,
            tags={"team": texts["Name"].value_as_string},
        ),
    )
    assert make.synth(stack).properties(PLAN) == {
        "Name": {"Ref": "Name"},
        "DisplayName": {"Ref": "Display"},
        "IncidentTemplate": {
            "Title": {"Ref": "Title"},
            "Impact": {"Ref": "Impact"},
            "Summary": {"Ref": "Summary"},
            "DedupeString": {"Ref": "Dedupe"},
            "IncidentTags": [{"Key": "team", "Value": {"Ref": "Name"}}],
        },
    }


def test_derived_names_are_unique_in_an_account(make: Make) -> None:
    """Two plans of a stack, and the same plan in two stacks, stages or Regions, get different names."""
    app = make.app()
    stacks = [
        cdk.Stack(app, "One"),
        cdk.Stack(app, "Two"),
        cdk.Stack(cdk.Stage(app, "Prod"), "One"),
        cdk.Stack(cdk.Stage(app, "Test"), "One"),
    ]
    names = [make.plan(stack, construct_id).response_plan_name for stack in stacks for construct_id in "AB"]
    assert len(set(names)) == 8
    assert all(name.isascii() and name.replace("-", "").isalnum() for name in names)


def test_derived_name_holds_the_region_where_it_is_known(make: Make) -> None:
    """Plan names are unique across Regions: the Regional copies of a stack must not collide."""
    names = []
    for region in ("eu-west-1", "us-east-1"):
        stack = make.stack("Same", env=cdk.Environment(region=region))
        names.append(make.plan(stack).response_plan_name)
    assert names[0].removesuffix("-eu-west-1") == names[1].removesuffix("-us-east-1")
    assert names[0] != names[1]


def test_derived_name_fits(make: Make) -> None:
    """However deep the construct lies, the derived name has 200 characters at most, its Region included."""
    stack = make.stack("S" * 120, env=make.env)
    name = make.plan(stack, "P" * 250).response_plan_name
    assert len(name) <= 200
    assert name.endswith("-eu-west-1")


def test_is_cdks_own_reference(make: Make) -> None:
    """Owned and imported plans are CDK's IResponsePlanRef: what takes one takes them, as it takes the L1."""
    stack = make.stack()
    plans: list[Any] = [
        make.plan(stack),
        ResponsePlan.from_response_plan_arn(stack, "Import", ARN),
        make.cfn_plan(stack),
    ]
    arns = [ssmincidents.CfnResponsePlan.arn_for_response_plan(plan) for plan in plans]
    assert arns == [plans[0].response_plan_arn, ARN, plans[2].ref]


def test_imports_by_arn(make: Make) -> None:
    """An ARN gives the plan's name and account; its ARN stays what it is."""
    plan = ResponsePlan.from_response_plan_arn(make.stack(env=make.env), "Import", ARN)
    assert plan.response_plan_arn == ARN
    assert plan.response_plan_name == "their-plan"
    assert plan.env.account == "444455556666"
    assert plan.env.region == "eu-west-1"


@pytest.mark.parametrize(
    ("account", "expected"),
    [
        (None, "arn:aws:ssm-incidents::111122223333:response-plan/their-plan"),
        ("444455556666", ARN),
    ],
)
def test_imports_by_name(make: Make, account: str | None, expected: str) -> None:
    """A name becomes the ARN in the stack's own account or in the given one, without a Region."""
    stack = make.stack(env=make.env)
    plan = ResponsePlan.from_response_plan_name(stack, "Import", "their-plan", account=account)
    assert stack.resolve(plan.response_plan_arn) in (
        expected,
        {"Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"}, expected.removeprefix("arn:aws")]]},
    )
    assert plan.response_plan_name == "their-plan"
    assert plan.env.account == expected.split(":")[4]


def test_import_adds_no_resource(make: Make) -> None:
    """An import stands for something that exists; nothing is made for it."""
    stack = make.stack()
    ResponsePlan.from_response_plan_arn(stack, "ByArn", ARN)
    ResponsePlan.from_response_plan_name(stack, "ByName", "their-plan")
    assert make.synth(stack).resources == {}


@pytest.mark.parametrize(
    "arn",
    [
        "their-plan",
        "",
        "arn:aws:ssm-incidents:eu-west-1:444455556666:response-plan/their-plan",
        "arn:aws:ssm-incidents::4444:response-plan/their-plan",
        "arn:aws:ssm-incidents::444455556666:responseplan/their-plan",
        "arn:aws:ssm-incidents::444455556666:response-plan/",
        "arn:aws:ssm-incidents::444455556666:response-plan/their plan",
        "arn:aws:ssm-incidents::444455556666:incident-record/their-plan/0f2c",
        "arn:aws:ssm-contacts:eu-west-1:444455556666:contact/first",
        "arn:aws:ssm-incidents::444455556666:response-plan/arn:aws:ssm-incidents::444455556666:response-plan/p",
        f"{ARN}\n",
    ],
)
def test_refuses_what_is_not_the_arn_of_a_plan(make: Make, arn: str) -> None:
    """Another ARN, a name, a doubled ARN: refused with the form it must have, and the way out."""
    expected = (
        r"^response_plan_arn must be like arn:aws:ssm-incidents::111122223333:response-plan/NAME, which has"
        r" no Region \(got '.*\): copy it from the response plan, or import by name with"
        r" from_response_plan_name\.$"
    )
    with pytest.raises(ValueError, match=expected):
        ResponsePlan.from_response_plan_arn(make.stack(), "Import", arn)


@pytest.mark.parametrize("account", ["1234", "11112222333a", "", "1111222233334"])
def test_refuses_what_is_not_an_account(make: Make, account: str) -> None:
    """An account has twelve digits; another one is refused with what was received."""
    with pytest.raises(
        ValueError, match=rf"^account must be 12 digits \(got '{account}'\): pass it as a string"
    ):
        ResponsePlan.from_response_plan_name(make.stack(), "Import", "plan", account=account)


def test_imports_by_an_arn_that_cloudformation_knows(make: Make) -> None:
    """The ARN may be a parameter of the stack: name and account are cut out of it at deployment."""
    stack = make.stack()
    parameter = cdk.CfnParameter(stack, "PlanArn")
    plan = ResponsePlan.from_response_plan_arn(stack, "Import", parameter.value_as_string)
    parts = {"Fn::Split": [":", {"Ref": "PlanArn"}]}
    assert stack.resolve(plan.response_plan_arn) == {"Ref": "PlanArn"}
    assert stack.resolve(plan.env.account) == {"Fn::Select": [4, parts]}
    assert stack.resolve(plan.response_plan_name) == {
        "Fn::Select": [1, {"Fn::Split": ["/", {"Fn::Select": [5, parts]}]}]
    }


class Granting:
    """A plan of one origin, and what its grants must name."""

    def __init__(self, make: Make, origin: str) -> None:
        self.stack = make.stack(env=make.env)
        self.plan: IResponsePlan
        self.account = "111122223333"
        self.is_tagged = origin not in {"owned", "quiet"}
        name = "their-plan"
        if origin == "imported":
            self.plan = ResponsePlan.from_response_plan_arn(self.stack, "Plan", ARN)
            self.account = "444455556666"
        elif origin == "named":
            self.plan = ResponsePlan.from_response_plan_name(self.stack, "Plan", name)
        else:
            tags = {"team": "shop"} if self.is_tagged else None
            incident = IncidentTemplate.high(title="Title", tags=tags)
            first = Contact.from_contact_arn(self.stack, "First", CONTACT)
            self.plan = ResponsePlan(
                self.stack,
                "Plan",
                incident=incident,
                response_plan_name=name,
                engagements=[] if origin == "quiet" else [first],
            )
        self.arn = self.stack.resolve(self.plan.response_plan_arn)
        partition: Any = {"Ref": "AWS::Partition"}
        self.records = {
            "Fn::Join": ["", ["arn:", partition, f":ssm-incidents::{self.account}:incident-record/{name}/*"]]
        }
        everybody = {"Fn::Join": ["", ["arn:", partition, f":ssm-contacts:*:{self.account}:contact/*"]]}
        self.contacts: Any = CONTACT if origin in {"owned", "tagged"} else everybody
        self.is_quiet = origin == "quiet"

    def statements(self, make: Make, grant: str) -> list[dict[str, Any]]:
        """Return the statements that a user's policy holds after one grant."""
        user = iam.User(self.stack, "User")
        granted = getattr(self.plan, f"grant_{grant}")(user)
        assert granted.success
        document = make.synth(self.stack).properties("AWS::IAM::Policy")["PolicyDocument"]
        found: list[dict[str, Any]] = document["Statement"]
        return found


@pytest.fixture(params=["owned", "quiet", "tagged", "imported", "named"])
def granting(request: pytest.FixtureRequest, make: Make) -> Granting:
    """Return a plan of each origin: the grants of all are one suite."""
    return Granting(make, request.param)


READ = {
    "Effect": "Allow",
    "Action": [
        "ssm-incidents:GetIncidentRecord",
        "ssm-incidents:GetResponsePlan",
        "ssm-incidents:GetTimelineEvent",
        "ssm-incidents:ListRelatedItems",
        "ssm-incidents:ListTagsForResource",
        "ssm-incidents:ListTimelineEvents",
    ],
}
LIST = {
    "Effect": "Allow",
    "Action": ["ssm-incidents:ListIncidentRecords", "ssm-incidents:ListResponsePlans"],
    "Resource": "*",
}
MANAGE = {
    "Effect": "Allow",
    "Action": [
        "ssm-incidents:CreateTimelineEvent",
        "ssm-incidents:DeleteIncidentRecord",
        "ssm-incidents:DeleteTimelineEvent",
        "ssm-incidents:UpdateIncidentRecord",
        "ssm-incidents:UpdateRelatedItems",
        "ssm-incidents:UpdateTimelineEvent",
    ],
}


def test_grants_start_incident(granting: Granting, make: Make) -> None:
    """Starting takes the plan, and paging and the OpsItem through the service only; tags take TagResource.

    Paging is for those whom the plan engages: of an import all of its account, of a quiet plan nobody.
    """
    statements = granting.statements(make, "start_incident")
    engage = {
        "Effect": "Allow",
        "Action": "ssm-contacts:StartEngagement",
        "Resource": granting.contacts,
        "Condition": CALLED_BY_THE_SERVICE,
    }
    tag = {"Effect": "Allow", "Action": "ssm-incidents:TagResource", "Resource": granting.records}
    assert statements == [
        {"Effect": "Allow", "Action": "ssm-incidents:StartIncident", "Resource": granting.arn},
        *([] if granting.is_quiet else [engage]),
        {
            "Effect": "Allow",
            "Action": "ssm:CreateOpsItem",
            "Resource": "*",
            "Condition": CALLED_BY_THE_SERVICE,
        },
        *([tag] if granting.is_tagged else []),
    ]


def test_grants_read(granting: Granting, make: Make) -> None:
    """Reading takes the plan and its records, and no other plan's; lists know no resource."""
    statements = granting.statements(make, "read")
    assert statements == [{**READ, "Resource": [granting.arn, granting.records]}, LIST]


def test_grants_manage_incidents(granting: Granting, make: Make) -> None:
    """Managing is reading and changing records, checked against plan and record; it does not start any."""
    statements = granting.statements(make, "manage_incidents")
    resources = [granting.arn, granting.records]
    assert statements == [{**MANAGE, "Resource": resources}, {**READ, "Resource": resources}, LIST]


@pytest.mark.parametrize(
    ("method", "name", "statistic"),
    [
        ("metric_incidents_created", "NumberOfCreateIncidents", "Sum"),
        ("metric_incidents_resolved", "NumberOfResolveIncidents", "Sum"),
        ("metric_time_to_acknowledge", "TimeToFirstAcknowledgement", "Average"),
        ("metric_time_to_resolve", "TimeToResolveIncident", "Average"),
    ],
)
@pytest.mark.parametrize(
    ("arguments", "dimensions"),
    [
        ({}, {}),
        ({"impact": Impact.CRITICAL}, {"Impact": "1"}),
        ({"impact": 5}, {"Impact": "5"}),
        ({"source": "aws.cloudwatch"}, {"Source": "aws.cloudwatch"}),
    ],
)
def test_named_metrics(
    make: Make, method: str, name: str, statistic: str, arguments: dict[str, Any], dimensions: dict[str, str]
) -> None:
    """Each named metric has the service's name, its statistic, and the plan among its dimensions."""
    plan = make.plan(make.stack(), name="checkout")
    metric = getattr(plan, method)(period=cdk.Duration.minutes(1), **arguments)
    assert metric.namespace == "AWS/IncidentManager"
    assert metric.metric_name == name
    assert metric.statistic == statistic
    assert metric.dimensions == {"ResponsePlan": "checkout", **dimensions}
    assert metric.period.to_seconds() == 60
    assert metric.account is None


def test_metric_of_any_name(make: Make) -> None:
    """`metric` takes what the service may publish next, with CloudWatch's own defaults."""
    metric = make.plan(make.stack(), name="checkout").metric("Something", statistic="p99")
    assert (metric.metric_name, metric.statistic, metric.period.to_seconds()) == ("Something", "p99", 300)


def test_metric_of_another_accounts_plan_is_read_there(make: Make) -> None:
    """An alarm on an imported plan of another account names that account; on one's own it names none."""
    stack = make.stack(env=make.env)
    for construct_id, account in (("Theirs", "444455556666"), ("Ours", None)):
        plan = ResponsePlan.from_response_plan_name(stack, construct_id, "their-plan", account=account)
        plan.metric("NumberOfCreateIncidents").create_alarm(
            stack, f"{construct_id}Alarm", threshold=1, evaluation_periods=1
        )
    synth = make.synth(stack)
    (metric,) = synth.properties("AWS::CloudWatch::Alarm", "Theirs")["Metrics"]
    assert metric["AccountId"] == "444455556666"
    assert "AccountId" not in str(synth.properties("AWS::CloudWatch::Alarm", "Ours"))


def test_metric_counts_by_impact_or_by_source(make: Make) -> None:
    """The service has no dimension pair of impact and source, so asking for both is refused."""
    plan = make.plan(make.stack())
    expected = (
        r"^source must be left out where impact is given \(got 'aws\.cloudwatch'\): the service counts by one"
        r" or the other\.$"
    )
    with pytest.raises(ValueError, match=expected):
        plan.metric("NumberOfCreateIncidents", impact=1, source="aws.cloudwatch")


TOLD = ["engagement", "chat channel", "notification topic", "PagerDuty"]
ARGUMENTS = ["engagements", "runbook", "chat_channel", "pager_duty"]
NOBODY_PAGED = (
    "engagements must name somebody for an incident to reach them (got none, and no chat channel,"
    " notification topic or PagerDuty): pass engagements=[…], or acknowledge this where a plan is meant to be"
    " quiet. [ack: cdk-incidents:nobody-paged]"
)


def plan_that_tells(stack: cdk.Stack, told: str) -> ResponsePlan:
    """Return a plan with that one way to tell people."""
    topic = sns.Topic(stack, f"{told}Topic")
    secret = secretsmanager.Secret.from_secret_name_v2(stack, f"{told}Secret", "pager-duty")
    topics = [topic] if told == "notification topic" else []
    return ResponsePlan(
        stack,
        told.replace(" ", ""),
        incident=IncidentTemplate.low(title="Title", notification_topics=topics),
        engagements=[Contact.from_contact_arn(stack, "First", CONTACT)] if told == "engagement" else [],
        chat_channel=ChatChannel.topics(topic) if told == "chat channel" else None,
        pager_duty=PagerDuty(name="n", secret=secret, service_id="P") if told == "PagerDuty" else None,
        runbook=Runbook("first-aid") if told == "runbook" else None,
    )


@pytest.fixture(scope="module")
def telling(make: Make) -> Synth:
    """Return a stack with a plan for each way to tell people, and some that tell nobody."""
    stack = make.stack()
    for told in (*TOLD, "runbook", "nobody"):
        plan_that_tells(stack, told)
    by_hand = plan_that_tells(stack, "by hand")
    l1 = by_hand.node.default_child
    assert isinstance(l1, ssmincidents.CfnResponsePlan)
    l1.engagements = [CONTACT]
    cdk.Annotations.of(plan_that_tells(stack, "quiet")).acknowledge_warning("cdk-incidents:nobody-paged")
    return make.synth(stack)


def test_warns_of_a_plan_that_tells_nobody(telling: Synth) -> None:
    """Synth warns of a plan whose incidents reach nobody, a runbook or not, unless that was acknowledged.

    It warns of none that has one way to people, set by an argument or by hand on its L1.
    """
    found = {path: text for path, _, text in telling.messages if "nobody-paged" in text}
    assert found == {"/Stack/nobody": NOBODY_PAGED, "/Stack/runbook": NOBODY_PAGED}


def test_warns_once_however_often_it_is_synthesised(make: Make) -> None:
    """A test that synthesises an app again sees each warning once."""
    stack = make.stack()
    plan_that_tells(stack, "nobody")
    app = stack.node.root
    assert isinstance(app, cdk.App)
    for _ in range(2):
        assembly = app.synth(force=True)
    texts = [str(message.entry.data) for message in assembly.get_stack_by_name("Stack").messages]
    assert texts == [NOBODY_PAGED]


@pytest.mark.parametrize("argument", ARGUMENTS[1:])
def test_refuses_a_part_of_another_kind(make: Make, argument: str) -> None:
    """What other libraries take here, a name, an ARN or CDK's construct, is refused with what to write."""
    kinds = {"runbook": "Runbook", "chat_channel": "ChatChannel", "pager_duty": "PagerDuty"}
    arguments: dict[str, Any] = {argument: "first-aid"}
    kind = kinds[argument]
    with pytest.raises(ValueError, match=rf"^{argument} must be a {kind} \(got 'first-aid'\): e\.g\. {kind}"):
        ResponsePlan(make.stack(), "Plan", incident=IncidentTemplate.low(title="Title"), **arguments)


def test_parts_that_are_left_out_leave_nothing(full: Synth) -> None:
    """Without the arguments a plan has no empty list, no role and no topic, and no runbook role to grant."""
    assert not set(full.properties(PLAN, "Bare")) & {"Actions", "ChatChannel", "Engagements", "Integrations"}
    assert full.of_type("AWS::IAM::Role") == {}
    assert set(full.of_type("AWS::SNS::Topic")) == {
        full.id_of("AWS::SNS::Topic", f"Topic{n}") for n in (1, 2)
    }


def test_a_plan_without_runbook_has_no_role(make: Make) -> None:
    """The property that users grant on says that there is nothing to grant to."""
    assert make.plan(make.stack()).runbook_role is None


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("Cost Center", "4711", r"tags: a key must be letters, digits .* \(got 'Cost Center'\)"),
        ("mail@home", "x", r"tags: a key must be letters, digits .* \(got 'mail@home'\)"),
        ("empty", "", r"tags: the value of 'empty' must be 1 to 256 characters long \(got ''\)"),
        ("note", "50 €", r"tags: the value of 'note' must be letters, .* \(got '50 €'\)"),
    ],
)
def test_warns_of_tags_that_the_service_refuses(make: Make, key: str, value: str, said: str) -> None:
    """A tag of the whole app that would fail the plan's deployment is told at synth, with two ways out."""
    stack = make.stack()
    make.plan(stack)
    cdk.Tags.of(stack.node.root).add(key, value)
    synth = make.synth(stack)
    ((path, level, text),) = synth.messages
    assert (path, level) == ("/Stack/Plan", "warning")
    assert re.fullmatch(
        said + r": the deployment will fail\. Rename it, or keep it from here: Tags\.of\(app\)\.add\(…,"
        r' exclude_resource_types=\["AWS::SSMIncidents::ResponsePlan"\]\)\.'
        r" \[ack: cdk-incidents:refused-tags\]",
        text,
    )


def test_says_nothing_of_tags_that_the_service_takes(make: Make) -> None:
    """Tags that are fine reach the template in silence; one that is kept from plans is kept from them."""
    stack = make.stack()
    make.plan(stack)
    cdk.Tags.of(stack).add("team", "shop + search")
    plans = [PLAN]
    cdk.Tags.of(stack).add("Cost Center", "4711", exclude_resource_types=plans)
    synth = make.synth(stack)
    assert synth.messages == []
    assert synth.properties(PLAN)["Tags"] == [{"Key": "team", "Value": "shop + search"}]


@pytest.mark.parametrize("grant", ["grant_start_incident", "grant_read", "grant_manage_incidents"])
def test_grants_to_another_stack_make_no_export_and_no_cycle(make: Make, grant: str) -> None:
    """A platform stack has the people and the responders' role, an app's stack the plan."""
    app = make.app()
    platform, shop = cdk.Stack(app, "Platform"), cdk.Stack(app, "Shop")
    email = ContactChannel.email("ada@example.com")
    ada = Contact(platform, "Ada", display_name="Ada", channels=[email])
    role = iam.Role(platform, "Responders", assumed_by=iam.AccountRootPrincipal())
    incident = IncidentTemplate.low(title="Title")
    plan = ResponsePlan(shop, "Plan", incident=incident, engagements=[ada], response_plan_name="checkout")
    getattr(plan, grant)(role)
    people, plans = make.synth_all(platform, shop)
    assert people.exports() == plans.exports() == []
    assert ":response-plan/checkout" in str(people.properties("AWS::IAM::Policy"))
