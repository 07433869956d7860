"""ResponsePlanTarget: the service's own path from an EventBridge rule to an incident."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sqs as sqs

from cdk_incidents import (
    Contact,
    EscalationPlan,
    IncidentTemplate,
    ResponsePlan,
    ResponsePlanSchedule,
    ResponsePlanTarget,
    Stage,
)
from tests.synthesis import FLAGS

if TYPE_CHECKING:
    from tests.synthesis import Make, Synth

RULE = "AWS::Events::Rule"
ROLE = "AWS::IAM::Role"
PLAN = "AWS::SSMIncidents::ResponsePlan"
QUEUE_POLICY = "AWS::SQS::QueuePolicy"
THEIR_ARN = "arn:aws:ssm-incidents::444455556666:response-plan/theirs"
ACCOUNT = {"Ref": "AWS::AccountId"}
THROUGH_THE_SERVICE = {"StringEquals": {"aws:CalledViaFirst": "ssm-incidents.amazonaws.com"}}


def rule_of(stack: cdk.Stack, construct_id: str = "Rule", *targets: ResponsePlanTarget) -> events.Rule:
    """Return a rule on events of AWS Health."""
    pattern = events.EventPattern(source=["aws.health"])
    return events.Rule(stack, construct_id, event_pattern=pattern, targets=list(targets))


def text(*parts: Any) -> dict[str, Any]:
    """Return an ARN as CloudFormation puts it together."""
    return {"Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"}, *parts]]}


@pytest.fixture(scope="module", params=FLAGS)
def one_stack(request: pytest.FixtureRequest, make: Make) -> Synth:
    """Return a stack with plans of every origin, each the target of two rules, under each set of flags."""
    stack = make.stack(context=FLAGS[request.param])
    tagged = IncidentTemplate.low(title="Title", tags={"team": "shop"})
    plans: dict[str, Any] = {
        "Owned": make.plan(stack, "OwnedPlan", name="owned"),
        "Tagged": ResponsePlan(stack, "TaggedPlan", incident=tagged, response_plan_name="tagged"),
        "Cfn": make.cfn_plan(
            stack, engagements=["arn:aws:ssm-contacts:eu-west-1:111122223333:contact/first"]
        ),
        "Theirs": ResponsePlan.from_response_plan_arn(stack, "TheirPlan", THEIR_ARN),
    }
    for origin, plan in plans.items():
        for number in (1, 2):
            rule_of(stack, f"{origin}Rule{number}", ResponsePlanTarget(plan))
    return make.synth(stack)


def role_of(synth: Synth, origin: str) -> dict[str, Any]:
    """Return the role that both rules of an origin name."""
    (target,), (other,) = (synth.properties(RULE, f"{origin}Rule{number}")["Targets"] for number in (1, 2))
    assert target == other
    found: dict[str, Any] = synth.resources[target["RoleArn"]["Fn::GetAtt"][0]]
    return found


@pytest.mark.parametrize("origin", ["Owned", "Tagged", "Cfn"])
def test_refers_to_a_plan_of_its_stack(one_stack: Synth, origin: str) -> None:
    """Within a stack the target is a reference, so that the plan is there before the rule."""
    (target,) = one_stack.properties(RULE, f"{origin}Rule1")["Targets"]
    assert {*target} == {"Arn", "Id", "RoleArn"}
    assert target["Arn"] == {"Ref": one_stack.id_of(PLAN, f"{origin}Plan")}


def test_names_an_imported_plan(one_stack: Synth) -> None:
    """An imported plan's ARN is the target as it is, of another account too."""
    (target,) = one_stack.properties(RULE, "TheirsRule1")["Targets"]
    assert target["Arn"] == THEIR_ARN


def test_makes_one_role_a_plan(one_stack: Synth) -> None:
    """However many rules a plan has, one role serves them; there is nothing else but rules and plans."""
    roles = [role_of(one_stack, origin) for origin in ("Owned", "Tagged", "Cfn", "Theirs")]
    assert len(one_stack.of_type(ROLE)) == len(roles)
    assert {resource["Type"] for resource in one_stack.resources.values()} == {RULE, ROLE, PLAN}


@pytest.mark.parametrize("origin", ["Owned", "Theirs"])
def test_only_rules_of_the_account_can_take_the_role(one_stack: Synth, origin: str) -> None:
    """EventBridge takes the role for rules of the account and Region alone: no confused deputy."""
    (statement,) = role_of(one_stack, origin)["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    assert statement == {
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Principal": {"Service": "events.amazonaws.com"},
        "Condition": {
            "StringEquals": {"aws:SourceAccount": ACCOUNT},
            "ArnLike": {"aws:SourceArn": text(":events:", {"Ref": "AWS::Region"}, ":", ACCOUNT, ":rule/*")},
        },
    }


@pytest.mark.parametrize(
    ("origin", "plan", "contacts", "records"),
    [
        ("Owned", "owned", None, None),
        ("Tagged", "tagged", None, text(":ssm-incidents::", ACCOUNT, ":incident-record/tagged/*")),
        (
            "Cfn",
            "l1-plan",
            text(":ssm-contacts:*:", ACCOUNT, ":contact/*"),
            text(":ssm-incidents::", ACCOUNT, ":incident-record/l1-plan/*"),
        ),
        (
            "Theirs",
            "theirs",
            text(":ssm-contacts:*:444455556666:contact/*"),
            text(":ssm-incidents::444455556666:incident-record/theirs/*"),
        ),
    ],
)
def test_role_may_start_and_no_more(
    one_stack: Synth, origin: str, plan: str, contacts: object, records: object
) -> None:
    """The role starts incidents of its plan, and through the service pages, makes OpsItems and tags."""
    role = role_of(one_stack, origin)["Properties"]
    assert "ManagedPolicyArns" not in role
    (policy,) = role["Policies"]
    arn = THEIR_ARN if plan == "theirs" else {"Ref": one_stack.id_of(PLAN, f"{origin}Plan")}
    expected: list[dict[str, Any]] = [
        {"Effect": "Allow", "Action": "ssm-incidents:StartIncident", "Resource": arn},
        {
            "Effect": "Allow",
            "Action": "ssm:CreateOpsItem",
            "Resource": "*",
            "Condition": THROUGH_THE_SERVICE,
        },
    ]
    if contacts:
        engage = {"Action": "ssm-contacts:StartEngagement", "Resource": contacts}
        expected.append({"Effect": "Allow", **engage, "Condition": THROUGH_THE_SERVICE})
    if records:
        expected.append({"Effect": "Allow", "Action": "ssm-incidents:TagResource", "Resource": records})
    permissions = one_stack.permissions_of(policy["PolicyDocument"]["Statement"])
    assert permissions == one_stack.permissions_of(expected)


@pytest.mark.parametrize("origin", ["owned", "cfn"])
def test_names_a_plan_of_another_stack(make: Make, origin: str) -> None:
    """Across stacks target and permission are texts, the plan's stack goes first, nothing is exported."""
    app = make.app()
    central, team = cdk.Stack(app, "Central"), cdk.Stack(app, "Team")
    plan = make.plan(central, name="l1-plan") if origin == "owned" else make.cfn_plan(central)
    rule_of(team, "Rule", ResponsePlanTarget(plan))
    centrals, teams = make.synth_all(central, team)
    arn = text(":ssm-incidents::", ACCOUNT, ":response-plan/l1-plan")
    (target,) = teams.properties(RULE)["Targets"]
    (policy,) = teams.properties(ROLE)["Policies"]
    assert target["Arn"] == policy["PolicyDocument"]["Statement"][0]["Resource"] == arn
    assert teams.dependencies == ["Central"]
    assert centrals.exports() == []


@pytest.mark.parametrize(("people", "expected"), [(2, "each"), (60, "all")])
def test_role_names_whom_the_plan_reaches(make: Make, people: int, expected: str) -> None:
    """The role may page each contact that the plan reaches; of very many it names them all by one pattern."""
    stack = make.stack(env=make.env)
    contacts = [f"arn:aws:ssm-contacts:eu-west-1:111122223333:contact/person-{n:02}" for n in range(people)]
    imported = [Contact.from_contact_arn(stack, arn[-9:], arn) for arn in contacts]
    stages = [Stage(contacts=imported[n : n + 10]) for n in range(0, people, 10)]
    plan = ResponsePlan(
        stack,
        "Plan",
        incident=IncidentTemplate.low(title="Title"),
        engagements=[EscalationPlan(stack, "All", stages=stages, alias="all")],
    )
    rule_of(stack, "Rule", ResponsePlanTarget(plan))
    synth = make.synth(stack)
    (policy,) = synth.properties(ROLE)["Policies"]
    (named,) = (
        statement["Resource"]
        for statement in policy["PolicyDocument"]["Statement"]
        if statement["Action"] == "ssm-contacts:StartEngagement"
    )
    found = {str(arn).rpartition("contact/")[2].rstrip("']}") for arn in named}
    own = {"all", *(arn.rpartition("/")[2] for arn in contacts)}
    assert found == (own if expected == "each" else {"*"})


def test_takes_a_role(make: Make) -> None:
    """A role of the user's is named in place of ours, and gains the permissions."""
    stack = make.stack()
    role = iam.Role(stack, "Mine", assumed_by=iam.ServicePrincipal("events.amazonaws.com"))
    rule_of(stack, "Rule", ResponsePlanTarget(make.plan(stack), role=role))
    synth = make.synth(stack)
    (target,) = synth.properties(RULE)["Targets"]
    assert target["RoleArn"] == {"Fn::GetAtt": [synth.id_of(ROLE), "Arn"]}
    statements = synth.properties("AWS::IAM::Policy")["PolicyDocument"]["Statement"]
    assert [statement["Action"] for statement in statements] == [
        "ssm-incidents:StartIncident",
        "ssm:CreateOpsItem",
    ]


@pytest.fixture(scope="module")
def with_queues(make: Make) -> Synth:
    """Return a stack with rules whose dead letters go to a queue with a key, and to an import."""
    stack = make.stack(env=make.env)
    plan = make.plan(stack)
    queue = sqs.Queue(stack, "Queue", encryption_master_key=kms.Key(stack, "Key"))
    theirs = sqs.Queue.from_queue_arn(stack, "Theirs", "arn:aws:sqs:eu-west-1:111122223333:theirs")
    target = ResponsePlanTarget(
        plan, dead_letter_queue=queue, retry_attempts=0, max_event_age=cdk.Duration.minutes(1)
    )
    rule_of(stack, "Rule1", target)
    rule_of(stack, "Rule2", target)
    rule_of(stack, "Import", ResponsePlanTarget(plan, dead_letter_queue=theirs, retry_attempts=185))
    return make.synth(stack)


def test_gives_retries_and_a_queue(with_queues: Synth) -> None:
    """Retries, age and queue are on the target as they were given."""
    (target,) = with_queues.properties(RULE, "Rule1")["Targets"]
    queue = with_queues.id_of("AWS::SQS::Queue")
    assert target["DeadLetterConfig"] == {"Arn": {"Fn::GetAtt": [queue, "Arn"]}}
    assert target["RetryPolicy"] == {"MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": 60}
    (target,) = with_queues.properties(RULE, "Import")["Targets"]
    assert target["RetryPolicy"] == {"MaximumRetryAttempts": 185}


def test_queue_takes_the_dead_letters_of_the_rules(with_queues: Synth) -> None:
    """A queue of the app lets each of the rules send, and no other; its key lets EventBridge in."""
    queue = with_queues.id_of("AWS::SQS::Queue")
    statements = with_queues.properties(QUEUE_POLICY)["PolicyDocument"]["Statement"]
    assert statements == [
        {
            "Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": {"Fn::GetAtt": [queue, "Arn"]},
            "Condition": {
                "ArnLike": {"aws:SourceArn": {"Fn::GetAtt": [with_queues.id_of(RULE, rule), "Arn"]}}
            },
        }
        for rule in ("Rule1", "Rule2")
    ]
    (_, statement) = with_queues.properties("AWS::KMS::Key")["KeyPolicy"]["Statement"]
    assert statement == {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": ["kms:Decrypt", "kms:GenerateDataKey*"],
        "Resource": "*",
        "Condition": {"StringEquals": {"aws:SourceAccount": "111122223333"}},
    }


def test_warns_of_a_queue_whose_policy_nobody_here_knows(with_queues: Synth) -> None:
    """An imported queue gets no policy from us, so synth says what its own must allow."""
    found = [message for path, _, message in with_queues.messages if path == "/Stack/Import"]
    assert found == [
        (
            "dead_letter_queue must let events.amazonaws.com send to it, or dead letters are lost (got"
            " Stack/Theirs, an import, whose policy nobody here knows): allow it sqs:SendMessage, and"
            " kms:Decrypt and kms:GenerateDataKey* on the queue's key, if it has one."
            " [ack: cdk-incidents:dead-letter-policy]"
        )
    ]


def test_queue_of_another_stack_makes_no_cycle(make: Make) -> None:
    """The queue of another stack lets the account's rules send: naming the rule would make a cycle."""
    app = make.app()
    queues, team = (cdk.Stack(app, name, env=make.env) for name in ("Queues", "Team"))
    target = ResponsePlanTarget(make.plan(team), dead_letter_queue=sqs.Queue(queues, "Queue"))
    rule_of(team, "Rule", target)
    (synth,) = make.synth_all(queues)
    (statement,) = synth.properties(QUEUE_POLICY)["PolicyDocument"]["Statement"]
    rules = text(":events:eu-west-1:111122223333:rule/*")
    assert statement["Condition"] == {"ArnLike": {"aws:SourceArn": rules}}


def test_refuses_a_queue_of_another_region(make: Make) -> None:
    """EventBridge sends to queues of its own Region only."""
    app = make.app()
    there = cdk.Stack(app, "There", env=cdk.Environment(account="111122223333", region="us-east-1"))
    here = cdk.Stack(app, "Here", env=make.env)
    target = ResponsePlanTarget(make.plan(here), dead_letter_queue=sqs.Queue(there, "Queue"))
    rule = rule_of(here)
    expected = (
        r"dead_letter_queue must be in the Region of Here/Rule, eu-west-1 \(got 'There/Queue in us-east-1'\):"
        r" make one there\.$"
    )
    with pytest.raises(ValueError, match=expected):
        target.bind(rule)


def test_refuses_a_queue_with_awss_own_key(make: Make) -> None:
    """AWS's key for SQS does not let EventBridge in, so dead letters would be lost in silence."""
    stack = make.stack()
    queue = sqs.Queue(stack, "Queue", encryption=sqs.QueueEncryption.KMS_MANAGED)
    target = ResponsePlanTarget(make.plan(stack), dead_letter_queue=queue)
    rule = rule_of(stack)
    expected = (
        r"dead_letter_queue must be encrypted by SQS or by a key of your own \(got 'Stack/Queue with"
        r" alias/aws/sqs'\): AWS's own key does not let events\.amazonaws\.com in\.$"
    )
    with pytest.raises(ValueError, match=expected):
        target.bind(rule)


@pytest.mark.parametrize("attempts", [-1, 186, 1.5, "3"])
def test_refuses_other_retries(make: Make, attempts: Any) -> None:
    """EventBridge tries again 0 to 185 times."""
    expected = r"^retry_attempts must be a whole number from 0 to 185 \(got .*\): 0 never tries again\.$"
    with pytest.raises(ValueError, match=expected):
        ResponsePlanTarget(make.plan(make.stack()), retry_attempts=attempts)


@pytest.mark.parametrize(
    "age", [cdk.Duration.seconds(59), cdk.Duration.seconds(86_401), 3600], ids=["short", "long", "int"]
)
def test_refuses_another_age(make: Make, age: Any) -> None:
    """EventBridge goes on trying for a minute to a day."""
    expected = r"^max_event_age must be a Duration of 1 minute to 1 day \(got .*\): e\.g\. Duration"
    with pytest.raises(ValueError, match=expected):
        ResponsePlanTarget(make.plan(make.stack()), max_event_age=age)


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("role", "role must be a role (got 'arn:aws:'): import one with iam.Role.from_role_arn."),
        (
            "dead_letter_queue",
            "dead_letter_queue must be a queue (got 'arn:aws:'): import one with sqs.Queue.from_queue_arn.",
        ),
    ],
)
def test_refuses_arns_where_objects_are_meant(make: Make, argument: str, message: str) -> None:
    """A role and a queue are CDK's objects; their ARNs are refused with the way to import them."""
    plan = make.plan(make.stack())
    for target in (ResponsePlanTarget, ResponsePlanSchedule):
        with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
            target(plan, **{argument: "arn:aws:"})  # type: ignore[arg-type]


def test_refuses_what_is_no_plan() -> None:
    """A name or an ARN is refused with the way to import it."""
    with pytest.raises(ValueError, match=r"^plan must be a response plan \(got 'checkout'\): import it with"):
        ResponsePlanTarget("checkout")  # type: ignore[arg-type]


CLOUDTRAIL = ["AWS API Call via CloudTrail"]


@pytest.mark.parametrize(
    "pattern",
    [
        {"source": ["aws.health", "aws.ssm-incidents"]},
        {"source": events.Match.prefix("aws.ssm")},
        {"source": events.Match.wildcard("aws.ssm-*")},
        {"source": events.Match.anything_but("aws.health")},
        {"detail_type": CLOUDTRAIL},
        {"detail_type": events.Match.equals_ignore_case("aws api call via cloudtrail")},
        {"source": events.Match.suffix("incidents")},
        {"source": events.Match.exists()},
        {"source": ["aws.ssm-incidents"], "detail": {"eventName": [{"anything-but": "GetIncidentRecord"}]}},
        {"detail": {"$or": [{"eventName": ["StartIncident"]}, {"eventName": ["CreateResponsePlan"]}]}},
        {"account": ["111122223333"]},
        {
            "source": ["aws.ssm-incidents"],
            "detail_type": CLOUDTRAIL,
            "detail": {"eventName": ["StartIncident", "DeleteResponsePlan"]},
        },
    ],
    ids=[
        "named",
        "prefix",
        "wildcard",
        "anything-but",
        "every-call",
        "in-any-case",
        "suffix",
        "exists",
        "any-other",
        "either",
        "everything",
        "among-calls",
    ],
)
def test_refuses_a_loop(make: Make, pattern: dict[str, Any]) -> None:
    """A rule that takes the start of an incident would open the next: refused at synth, however written."""
    stack = make.stack()
    rule = events.Rule(stack, "Rule", event_pattern=events.EventPattern(**pattern))
    rule.add_target(ResponsePlanTarget(make.plan(stack)))
    expected = re.escape(
        "[Stack/Rule] rule must be on other events than the start of an incident (got 'Stack/Rule'): each"
        " incident would open the next: narrow its event pattern."
    )
    with pytest.raises(RuntimeError, match=expected):
        make.synth(stack)


def test_takes_all_that_makes_no_loop(make: Make) -> None:
    """Other sources, other calls of the service, single plans' calls and schedules are taken."""
    stack = make.stack()
    target = ResponsePlanTarget(make.plan(stack))
    patterns: list[dict[str, Any]] = [
        {"source": ["aws.health"]},
        {"source": events.Match.prefix("aws.health")},
        {"source": events.Match.anything_but("aws.ssm-incidents")},
        {"source": events.Match.suffix("health")},
        {"source": events.Match.does_not_exist()},
        {"source": ["aws.ssm-incidents"], "detail": {"eventName": [{"anything-but": {"prefix": "Start"}}]}},
        {"detail": {"$or": [{"eventName": ["StopIncident"]}, {"eventName": ["GetIncidentRecord"]}]}},
        {"source": ["aws.ssm-incidents"], "detail": {"eventName": ["DeleteReplicationSet"]}},
        {"source": ["aws.ssm-incidents"], "detail": {"userIdentity": {"type": ["Root"]}}},
    ]
    for number, pattern in enumerate(patterns):
        made = events.EventPattern(**pattern)
        events.Rule(stack, f"Rule{number}", event_pattern=made, targets=[target])
    daily = events.Schedule.rate(cdk.Duration.days(1))
    events.Rule(stack, "Daily", schedule=daily, targets=[target])
    assert len(make.synth(stack).of_type(RULE)) == len(patterns) + 1


@pytest.mark.parametrize(("region", "warns"), [("eu-south-1", True), ("eu-west-1", False), (None, False)])
def test_warns_of_a_region_without_the_service(make: Make, region: str | None, *, warns: bool) -> None:
    """Whether a rule opens incidents from a Region that never had the service, AWS does not say."""
    stack = make.stack(env=cdk.Environment(region=region))
    plan = ResponsePlan.from_response_plan_arn(stack, "Plan", THEIR_ARN)
    rule_of(stack, "Rule", ResponsePlanTarget(plan))
    expected = [
        (
            "Stack/Rule should stand in a Region that has Incident Manager (got eu-south-1): AWS does not say"
            " whether an incident opens from there. Move it, or acknowledge this where one did."
            " [ack: cdk-incidents:region-without-service]"
        )
    ]
    assert [message for _, _, message in make.synth(stack).messages] == (expected if warns else [])
