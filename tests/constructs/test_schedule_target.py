"""ResponsePlanSchedule: incidents by the clock."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_sqs as sqs

from cdk_incidents import Impact, ReplicationSet, ResponsePlan, ResponsePlanSchedule
from tests.synthesis import FLAGS

if TYPE_CHECKING:
    from tests.synthesis import Make, Synth

SCHEDULE = "AWS::Scheduler::Schedule"
ROLE = "AWS::IAM::Role"
POLICY = "AWS::IAM::Policy"
PLAN = "AWS::SSMIncidents::ResponsePlan"
THEIR_ARN = "arn:aws:ssm-incidents::444455556666:response-plan/theirs"
ACCOUNT, REGION, PARTITION = ({"Ref": f"AWS::{name}"} for name in ("AccountId", "Region", "Partition"))
THROUGH_THE_SERVICE = {"StringEquals": {"aws:CalledViaFirst": "ssm-incidents.amazonaws.com"}}


def schedule(stack: cdk.Stack, construct_id: str, target: ResponsePlanSchedule) -> scheduler.Schedule:
    """Return a weekly schedule."""
    weekly = scheduler.ScheduleExpression.rate(cdk.Duration.days(7))
    return scheduler.Schedule(stack, construct_id, schedule=weekly, target=target)


@pytest.fixture(scope="module", params=FLAGS)
def drills(request: pytest.FixtureRequest, make: Make) -> Synth:
    """Return a stack with schedules of an owned and an imported plan, under each set of flags."""
    stack = make.stack(context=FLAGS[request.param])
    owned = make.plan(stack, name="owned")
    theirs = ResponsePlan.from_response_plan_arn(stack, "Theirs", THEIR_ARN)
    queue = sqs.Queue(stack, "Queue", encryption_master_key=kms.Key(stack, "Key"))
    full = ResponsePlanSchedule(
        owned,
        title="Drill: the checkout",
        impact=Impact.LOW,
        dead_letter_queue=queue,
        retry_attempts=0,
        max_event_age=cdk.Duration.days(1),
    )
    schedule(stack, "Full", full)
    schedule(stack, "Bare", ResponsePlanSchedule(owned))
    schedule(stack, "Other", ResponsePlanSchedule(theirs, impact=5))
    return make.synth(stack)


def request_of(synth: Synth, construct_id: str) -> dict[str, Any]:
    """Return what Scheduler asks the service, with references by their names."""
    given = synth.properties(SCHEDULE, construct_id)["Target"]["Input"]
    parts = given["Fn::Join"][1] if isinstance(given, dict) else [given]
    found: dict[str, Any] = json.loads(
        "".join(part if isinstance(part, str) else f"<{part['Ref']}>" for part in parts)
    )
    return found


def test_calls_the_service_itself(drills: Synth) -> None:
    """The target is Scheduler's universal one for StartIncident; a request holds what was given."""
    arns = [drills.properties(SCHEDULE, name)["Target"]["Arn"] for name in ("Full", "Bare", "Other")]
    universal = ["arn:", PARTITION, ":scheduler:::aws-sdk:ssmincidents:startIncident"]
    assert arns == [{"Fn::Join": ["", universal]}] * 3
    full, other = request_of(drills, "Full"), request_of(drills, "Other")
    assert full.pop("ClientToken")
    assert full == {
        "ResponsePlanArn": f"<{drills.id_of(PLAN)}>",
        "Title": "Drill: the checkout",
        "Impact": 4,
    }
    assert other.pop("ClientToken")
    assert other == {"ResponsePlanArn": THEIR_ARN, "Impact": 5}
    assert {*request_of(drills, "Bare")} == {"ResponsePlanArn", "ClientToken"}


def test_a_time_is_one_incident(drills: Synth) -> None:
    """Each try of one time carries the same token; two schedules of one time carry two."""
    tokens = [request_of(drills, name)["ClientToken"] for name in ("Full", "Bare", "Other")]
    assert len(set(tokens)) == 3
    for token in tokens:
        assert re.fullmatch(r"[0-9a-f]{42}-<aws\.scheduler\.scheduled-time>", token)
        assert len(token.replace("<aws.scheduler.scheduled-time>", "2027-01-04T09:00:00Z")) <= 128


def test_gives_up_in_time(drills: Synth) -> None:
    """Retries and age are as given; by default a drill is not started hours late."""
    full, bare = (drills.properties(SCHEDULE, name)["Target"] for name in ("Full", "Bare"))
    assert full["RetryPolicy"] == {"MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": 86_400}
    assert bare["RetryPolicy"] == {"MaximumRetryAttempts": 185, "MaximumEventAgeInSeconds": 3600}
    assert full["DeadLetterConfig"] == {"Arn": {"Fn::GetAtt": [drills.id_of("AWS::SQS::Queue"), "Arn"]}}
    assert "DeadLetterConfig" not in bare


def test_schedules_of_a_plan_share_a_role(drills: Synth) -> None:
    """A plan has one role for its schedules, and each plan has its own."""
    full, bare, other = (
        drills.properties(SCHEDULE, name)["Target"]["RoleArn"]["Fn::GetAtt"][0]
        for name in ("Full", "Bare", "Other")
    )
    assert full == bare != other
    assert {full, other} == {*drills.of_type(ROLE)}


def test_only_schedules_of_the_account_can_take_the_role(drills: Synth) -> None:
    """Scheduler takes the role for schedule groups of the account and Region alone."""
    groups = ["arn:", PARTITION, ":scheduler:", REGION, ":", ACCOUNT, ":schedule-group/*"]
    for role in drills.of_type(ROLE).values():
        (statement,) = role["Properties"]["AssumeRolePolicyDocument"]["Statement"]
        assert statement == {
            "Effect": "Allow",
            "Action": "sts:AssumeRole",
            "Principal": {"Service": "scheduler.amazonaws.com"},
            "Condition": {
                "StringEquals": {"aws:SourceAccount": ACCOUNT},
                "ArnLike": {"aws:SourceArn": {"Fn::Join": ["", groups]}},
            },
        }


def test_role_may_start_and_no_more(drills: Synth) -> None:
    """The role of a plan that pages nobody starts its incidents and makes OpsItems through the service."""
    role = drills.properties(SCHEDULE, "Bare")["Target"]["RoleArn"]["Fn::GetAtt"][0]
    (policy,) = drills.resources[role]["Properties"]["Policies"]
    assert drills.permissions_of(policy["PolicyDocument"]["Statement"]) == drills.permissions_of(
        [
            {
                "Effect": "Allow",
                "Action": "ssm-incidents:StartIncident",
                "Resource": {"Ref": drills.id_of(PLAN)},
            },
            {
                "Effect": "Allow",
                "Action": "ssm:CreateOpsItem",
                "Resource": "*",
                "Condition": THROUGH_THE_SERVICE,
            },
        ]
    )


def test_role_may_send_dead_letters(drills: Synth) -> None:
    """Scheduler puts dead letters into the queue as the role, with the queue's key."""
    policy = drills.properties(POLICY)
    assert drills.permissions_of(policy["PolicyDocument"]["Statement"]) == drills.permissions_of(
        [
            {
                "Effect": "Allow",
                "Action": "sqs:SendMessage",
                "Resource": {"Fn::GetAtt": [drills.id_of("AWS::SQS::Queue"), "Arn"]},
            },
            {
                "Effect": "Allow",
                "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
                "Resource": {"Fn::GetAtt": [drills.id_of("AWS::KMS::Key"), "Arn"]},
            },
        ]
    )


def test_names_a_plan_of_another_stack(make: Make) -> None:
    """Across stacks the request is a text, the plan's stack goes first, and nothing is exported."""
    app = make.app()
    central, team = cdk.Stack(app, "Central"), cdk.Stack(app, "Team")
    schedule(team, "Drill", ResponsePlanSchedule(make.plan(central, name="central")))
    centrals, teams = make.synth_all(central, team)
    arn = request_of(teams, "Drill")["ResponsePlanArn"]
    assert arn == "arn:<AWS::Partition>:ssm-incidents::<AWS::AccountId>:response-plan/central"
    assert teams.dependencies == ["Central"]
    assert centrals.exports() == []


def test_takes_a_role_and_tokens(make: Make) -> None:
    """A role of the user's is named in place of ours and gains the permissions; tokens are let through."""
    stack = make.stack()
    role = iam.Role(stack, "Mine", assumed_by=iam.ServicePrincipal("scheduler.amazonaws.com"))
    title = cdk.CfnParameter(stack, "Title").value_as_string
    schedule(stack, "Drill", ResponsePlanSchedule(make.plan(stack), role=role, title=title))
    synth = make.synth(stack)
    assert synth.properties(SCHEDULE)["Target"]["RoleArn"] == {"Fn::GetAtt": [synth.id_of(ROLE), "Arn"]}
    assert "ssm-incidents:StartIncident" in str(synth.properties(POLICY))
    assert request_of(synth, "Drill")["Title"] == "<Title>"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"title": ""}, "title must be 1 to 200 characters long (got ''): it has 0; give it a value or"),
        ({"title": "t" * 201}, "title must be 1 to 200 characters long (got 'ttt"),
        ({"title": 5}, "title must be a text (got 5): put it into quotes."),
        ({"impact": 0}, "impact must be a whole number from 1 to 5 (got 0): take a member of Impact."),
        ({"impact": 6}, "impact must be a whole number from 1 to 5 (got 6): take a member of Impact."),
        ({"retry_attempts": 186}, "retry_attempts must be a whole number from 0 to 185 (got 186): 0 never"),
        ({"max_event_age": 60}, "max_event_age must be a Duration of 1 minute to 1 day (got 60): e.g. Dur"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_refuses_what_the_service_would(make: Make, arguments: dict[str, Any], message: str) -> None:
    """A value beyond a limit is refused where it is given."""
    plan = make.plan(make.stack())
    with pytest.raises(ValueError, match=f"^{re.escape(message)}"):
        ResponsePlanSchedule(plan, **arguments)


@pytest.mark.parametrize("arguments", [{"title": "t" * 200, "impact": 1}, {"title": "t", "impact": 5}])
def test_takes_what_the_service_takes(make: Make, arguments: dict[str, Any]) -> None:
    """The limits themselves are values."""
    assert ResponsePlanSchedule(make.plan(make.stack()), **arguments)


def test_refuses_what_is_no_plan() -> None:
    """A name or an ARN is refused with the way to import it."""
    with pytest.raises(ValueError, match=r"^plan must be a response plan \(got 'checkout'\): import it with"):
        ResponsePlanSchedule("checkout")  # type: ignore[arg-type]


def test_refuses_a_region_without_the_service(make: Make) -> None:
    """Scheduler calls the service in its own Region, so that must have it, and the app's set must too."""
    app = make.app()
    home = cdk.Stack(app, "Home", env=make.env)
    target = ResponsePlanSchedule(make.plan(home))
    drill = schedule(home, "Drill", target)
    ReplicationSet(home, "Set", regions=["eu-west-1"])
    for region in ("eu-south-1", "us-east-1"):
        there = cdk.Stack(app, region, env=cdk.Environment(account="111122223333", region=region))
        with pytest.raises(RuntimeError, match=rf"Region of .* must be one .*got '{region}'"):
            schedule(there, "Drill", target)
    assert drill
