"""ResponsePlanAction: the service's own path from an alarm to an incident."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_cloudwatch as cloudwatch

from cdk_incidents import ResponsePlan, ResponsePlanAction

if TYPE_CHECKING:
    from tests.synthesis import Make, Synth

METRIC_ALARM = "AWS::CloudWatch::Alarm"
COMPOSITE_ALARM = "AWS::CloudWatch::CompositeAlarm"
PLAN = "AWS::SSMIncidents::ResponsePlan"


def own_arn(name: str) -> dict[str, Any]:
    """Return the ARN of a plan of the stack's own account, as a text made at deployment."""
    rest = f":response-plan/{name}"
    parts = ["arn:", {"Ref": "AWS::Partition"}, ":ssm-incidents::", {"Ref": "AWS::AccountId"}, rest]
    return {"Fn::Join": ["", parts]}


@pytest.fixture(scope="module")
def one_stack(make: Make) -> Synth:
    """Return a stack with plans of every origin, each with an alarm of every kind."""
    stack = make.stack()
    their_arn = "arn:aws:ssm-incidents::444455556666:response-plan/theirs"
    plans: dict[str, Any] = {
        "Owned": make.plan(stack, "OwnedPlan"),
        "Cfn": make.cfn_plan(stack),
        "ByArn": ResponsePlan.from_response_plan_arn(stack, "ByArnPlan", their_arn),
        "ByName": ResponsePlan.from_response_plan_name(stack, "ByNamePlan", "ours"),
        "Elsewhere": ResponsePlan.from_response_plan_name(
            stack, "ElsewherePlan", "theirs", account="444455556666"
        ),
    }
    for origin, plan in plans.items():
        action = ResponsePlanAction(plan)
        make.alarm(stack, f"{origin}Metric").add_alarm_action(action)
        make.composite(stack, f"{origin}Composite").add_alarm_action(action)
    return make.synth(stack)


@pytest.mark.parametrize(
    ("resource_type", "kind"), [(METRIC_ALARM, "Metric"), (COMPOSITE_ALARM, "Composite")]
)
@pytest.mark.parametrize("origin", ["Owned", "Cfn"])
def test_refers_to_a_plan_of_its_stack(one_stack: Synth, origin: str, resource_type: str, kind: str) -> None:
    """Within a stack the action is a reference, so that CloudFormation makes the plan before the alarm."""
    logical_id = one_stack.id_of(PLAN, f"{origin}Plan")
    properties = one_stack.properties(resource_type, f"{origin}{kind}")
    assert properties["AlarmActions"] == [{"Ref": logical_id}]


@pytest.mark.parametrize(
    ("resource_type", "kind"), [(METRIC_ALARM, "Metric"), (COMPOSITE_ALARM, "Composite")]
)
@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        ("ByArn", "arn:aws:ssm-incidents::444455556666:response-plan/theirs"),
        ("ByName", own_arn("ours")),
        (
            "Elsewhere",
            {
                "Fn::Join": [
                    "",
                    [
                        "arn:",
                        {"Ref": "AWS::Partition"},
                        ":ssm-incidents::444455556666:response-plan/theirs",
                    ],
                ]
            },
        ),
    ],
)
def test_names_an_imported_plan(
    one_stack: Synth, origin: str, expected: object, resource_type: str, kind: str
) -> None:
    """An imported plan's ARN is the action as it is, of this or another account, and not doubled."""
    assert one_stack.properties(resource_type, f"{origin}{kind}")["AlarmActions"] == [expected]


def test_adds_no_resource(one_stack: Synth) -> None:
    """An action adds nothing: there are the alarms and the plans that the test made."""
    assert {resource["Type"] for resource in one_stack.resources.values()} == {
        METRIC_ALARM,
        COMPOSITE_ALARM,
        PLAN,
    }
    # Ten alarms of the test, and a part of each of five composite ones.
    assert len(one_stack.resources) == 5 + 5 + 5 + 2


def test_serves_as_ok_and_insufficient_data_action(make: Make) -> None:
    """One action object may be given to any number of alarms, and for any state."""
    stack = make.stack()
    action = ResponsePlanAction(make.plan(stack))
    alarm = make.alarm(stack)
    alarm.add_ok_action(action)
    alarm.add_insufficient_data_action(action)
    synth = make.synth(stack)
    reference = [{"Ref": synth.id_of(PLAN)}]
    properties = synth.properties(METRIC_ALARM)
    assert properties["OKActions"] == properties["InsufficientDataActions"] == reference


def test_is_cdks_alarm_action(make: Make) -> None:
    """`bind` returns CDK's own struct, so that libraries which bind by themselves take the action."""
    stack = make.stack()
    plan = make.plan(stack)
    config = ResponsePlanAction(plan).bind(stack, make.alarm(stack))
    assert isinstance(config, cloudwatch.AlarmActionConfig)
    assert config.alarm_action_arn == plan.response_plan_arn


@pytest.mark.parametrize("origin", ["owned", "cfn"])
def test_names_a_plan_of_another_stack(make: Make, origin: str) -> None:
    """Across stacks the action is a text, the plan's stack goes first, and nothing is exported."""
    app = make.app()
    central, team = cdk.Stack(app, "Central"), cdk.Stack(app, "Team")
    plan = make.plan(central, name="l1-plan") if origin == "owned" else make.cfn_plan(central)
    make.alarm(team).add_alarm_action(ResponsePlanAction(plan))
    centrals, teams = make.synth_all(central, team)
    assert teams.properties(METRIC_ALARM)["AlarmActions"] == [own_arn("l1-plan")]
    assert teams.dependencies == ["Central"]
    assert centrals.dependencies == []
    assert centrals.exports() == []


def test_names_a_plan_of_a_stack_in_another_account(make: Make) -> None:
    """A plan of a stack in another account keeps that account in its ARN."""
    app = make.app()
    central = cdk.Stack(app, "Central", env=cdk.Environment(account="444455556666", region="eu-west-1"))
    team = cdk.Stack(app, "Team", env=make.env)
    make.alarm(team).add_alarm_action(ResponsePlanAction(make.plan(central, name="central")))
    (teams,) = make.synth_all(team)
    arn = ["arn:", {"Ref": "AWS::Partition"}, ":ssm-incidents::444455556666:response-plan/central"]
    assert teams.properties(METRIC_ALARM)["AlarmActions"] == [{"Fn::Join": ["", arn]}]


def test_names_a_plan_that_another_stack_imports(make: Make) -> None:
    """An import stands for a plan that exists, so its use in another stack orders nothing."""
    app = make.app()
    central, team = cdk.Stack(app, "Central"), cdk.Stack(app, "Team")
    plan = ResponsePlan.from_response_plan_name(central, "Import", "theirs")
    make.alarm(team).add_alarm_action(ResponsePlanAction(plan))
    teams = make.synth(team)
    assert teams.properties(METRIC_ALARM)["AlarmActions"] == [own_arn("theirs")]
    assert teams.dependencies == []


def test_names_a_plan_of_another_stage(make: Make) -> None:
    """Across stages there is the same text, and no order: the pipeline that deploys the stages has one."""
    app = make.app()
    central = cdk.Stack(cdk.Stage(app, "Central"), "Plans")
    team = cdk.Stack(cdk.Stage(app, "Team"), "Alarms")
    make.alarm(team).add_alarm_action(ResponsePlanAction(make.plan(central, name="central")))
    teams = make.synth(team)
    assert teams.properties(METRIC_ALARM)["AlarmActions"] == [own_arn("central")]
    assert teams.dependencies == []


@pytest.mark.parametrize("is_plan_nested", [True, False])
def test_refers_to_a_plan_across_nested_stacks(make: Make, *, is_plan_nested: bool) -> None:
    """A stack and its nested stacks are deployed at once, so there the action stays a reference."""
    stack = make.stack()
    nested = cdk.NestedStack(stack, "Nested")
    plan = make.plan(nested if is_plan_nested else stack)
    make.alarm(stack if is_plan_nested else nested).add_alarm_action(ResponsePlanAction(plan))
    outer, inner = make.synth_all(stack, nested)
    (action,) = (outer if is_plan_nested else inner).properties(METRIC_ALARM)["AlarmActions"]
    logical_id = outer.id_of("AWS::CloudFormation::Stack")
    if is_plan_nested:
        (output,) = inner.template["Outputs"]
        assert action == {"Fn::GetAtt": [logical_id, f"Outputs.{output}"]}
    else:
        parameters = outer.properties("AWS::CloudFormation::Stack")["Parameters"]
        assert parameters[action["Ref"]] == {"Ref": outer.id_of(PLAN)}


@pytest.mark.parametrize(("region", "warns"), [("eu-south-1", True), ("eu-west-1", False), (None, False)])
def test_warns_of_a_region_without_the_service(make: Make, region: str | None, *, warns: bool) -> None:
    """Whether an alarm opens incidents from a Region that never had the service, AWS does not say."""
    stack = make.stack(env=cdk.Environment(region=region))
    action = ResponsePlanAction(ResponsePlan.from_response_plan_name(stack, "Import", "theirs"))
    make.alarm(stack, "Alarm").add_alarm_action(action)
    expected = (
        "Stack/Alarm should stand in a Region that has Incident Manager (got eu-south-1): AWS does not say"
        " whether an incident opens from there. Move it, or acknowledge this where one did."
        " [ack: cdk-incidents:region-without-service]"
    )
    assert [message for _, _, message in make.synth(stack).messages] == ([expected] if warns else [])
