"""The smoke test between deployments: its function, its rule, its alarm, and whom that tells."""

from __future__ import annotations

from typing import TYPE_CHECKING

import aws_cdk as cdk
import pytest
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_sns as sns

from cdk_incidents import Alarms, IncidentTrigger, OpsItems, SmokeTest
from tests.constructs.smoke import ALARM, FUNCTION, SMOKE_TEST, code_of, small

if TYPE_CHECKING:
    from tests.synthesis import Make, Synth

PERMISSION = "AWS::Lambda::Permission"
RULE = "AWS::Events::Rule"
TELLS_NOBODY = "[ack: cdk-incidents:smoke-test-alarm-tells-nobody]"


def warnings_of(synth: Synth) -> list[str]:
    """Return where the warning is that nobody is told."""
    return [path for path, _, text in synth.messages if TELLS_NOBODY in text]


@pytest.fixture(scope="module")
def scheduled(make: Make) -> Synth:
    """Return a trigger whose test runs every day."""
    stack = make.stack()
    trigger = IncidentTrigger(
        stack,
        "Trigger",
        trigger_name="shop",
        fallback=sns.Topic(stack, "Fallback"),
        health_plan=make.plan(stack, "HealthPlan"),
    )
    route = trigger.add_route("Critical", response_plan=make.plan(stack))
    make.alarm(stack)
    # It must not take the canary, nor the alarm on the test.
    Alarms.of(stack).add(route)
    SmokeTest(stack, "SmokeTest", trigger=trigger, every=cdk.Duration.days(1))
    return make.synth(stack)


def test_runs_the_same_test(scheduled: Synth) -> None:
    """The function differs from the deployment's in its first line alone, and is asked once."""
    first, *rest = code_of(scheduled, "Scheduled").splitlines()
    assert first == "from incidents_runtime.smoke_test.handler import scheduled as handler"
    assert rest == code_of(scheduled).splitlines()[1:]
    function = dict(scheduled.properties(FUNCTION, "Scheduled"))
    of_deployments = scheduled.properties(FUNCTION, "SmokeTestProviderFunction")
    different = {"Code", "Description", "FunctionName"}
    assert {key: value for key, value in function.items() if key not in different} == {
        key: value for key, value in of_deployments.items() if key not in different
    }
    once = scheduled.properties("AWS::Lambda::EventInvokeConfig", "Scheduled")
    assert (once["MaximumRetryAttempts"], once["MaximumEventAgeInSeconds"]) == (0, 300)


def test_keeps_its_function_when_it_is_renamed(make: Make) -> None:
    """Its name is the trigger's: a second one could not be made before the first goes."""

    def function_of(test_id: str) -> str:
        stack, trigger = small(make)
        SmokeTest(stack, test_id, trigger=trigger, every=cdk.Duration.days(1))
        return make.synth(stack).id_of(FUNCTION, "Scheduled")

    assert function_of("SmokeTest") == function_of("Proof")


def test_is_asked_by_a_rule(scheduled: Synth) -> None:
    """The rule says whose test it is, begins when that has passed once, and alone may invoke the function."""
    rule = scheduled.id_of(RULE)
    function = {"Fn::GetAtt": [scheduled.id_of(FUNCTION, "Scheduled"), "Arn"]}
    resource = scheduled.id_of(SMOKE_TEST)
    told = ['{"stack_id":"', {"Ref": "AWS::StackId"}, f'","logical_id":"{resource}"}}']
    properties = scheduled.properties(RULE)
    assert properties["ScheduleExpression"] == "rate(1 day)"
    assert properties["Targets"] == [
        {"Arn": function, "Id": "Target0", "Input": {"Fn::Join": ["", told]}},
    ]
    assert resource in scheduled.comes_after(rule)
    assert scheduled.properties(PERMISSION, "Schedule") == {
        "Action": "lambda:InvokeFunction",
        "FunctionName": function,
        "Principal": "events.amazonaws.com",
        "SourceAccount": {"Ref": "AWS::AccountId"},
        "SourceArn": {"Fn::GetAtt": [rule, "Arn"]},
    }


def test_has_an_alarm_that_stays(scheduled: Synth) -> None:
    """The alarm is on failed runs, stays until the next one, and goes where the trigger's health goes."""
    logical_id = scheduled.id_of(ALARM, "SmokeTestAlarm")
    alarm = scheduled.resources[logical_id]
    properties = dict(alarm["Properties"])
    health = scheduled.properties(ALARM, "HealthDeadLetters")["AlarmActions"]
    assert len(health) == 2
    assert properties.pop("AlarmDescription")
    assert alarm["Metadata"]["cdk-incidents:purpose"] == "smoke-test"
    assert properties == {
        "AlarmActions": health,
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        "Dimensions": [{"Name": "FunctionName", "Value": "smoke-test-shop"}],
        "EvaluationPeriods": 1,
        "MetricName": "Errors",
        "Namespace": "AWS/Lambda",
        "Period": 300,
        "Statistic": "Sum",
        "Threshold": 1,
        "TreatMissingData": "ignore",
    }
    assert scheduled.properties(FUNCTION, "Scheduled")["FunctionName"] == "smoke-test-shop"
    assert warnings_of(scheduled) == []


def test_the_metric_is_the_alarms(make: Make) -> None:
    """What the alarm watches can be shown elsewhere, over another period."""
    stack = make.stack()
    test = SmokeTest(stack, "SmokeTest", plans=[make.plan(stack)], every=cdk.Duration.hours(1))
    metric = test.metric_failures(period=cdk.Duration.days(1))
    assert (metric.namespace, metric.metric_name, metric.statistic) == ("AWS/Lambda", "Errors", "Sum")
    assert metric.period.to_days() == 1
    assert set(metric.dimensions or {}) == {"FunctionName"}


def test_never_comes_back_to_the_trigger(make: Make) -> None:
    """A trigger that is broken could not report that its test has failed: the alarm is one of its own."""
    stack = make.stack()
    long_name = "t" * 60 + "-end"
    trigger = IncidentTrigger(stack, "Trigger", trigger_name=long_name, fallback=OpsItems())
    route = trigger.add_route("Critical", response_plan=make.plan(stack))
    test = SmokeTest(stack, "SmokeTest", trigger=trigger, every=cdk.Duration.days(7))
    assert test.alarm is not None
    message = r"^alarm must be other than those on this trigger's own health \(got 'Stack/SmokeTest/Alarm'\)"
    with pytest.raises(ValueError, match=message):
        route.watch(test.alarm)
    name = make.synth(stack).properties(FUNCTION, "Scheduled")["FunctionName"]
    assert name == "smoke-test-" + "t" * 49 + "-end"


@pytest.mark.parametrize("kind", ["plans", "trigger", "another-stack"])
def test_warns_where_nobody_is_told(make: Make, kind: str) -> None:
    """Without a trigger that tells somebody, a failed run is seen by nobody, unless the alarm acts."""
    app = make.app()
    stack = cdk.Stack(app, "Stack")
    home = cdk.Stack(app, "Proof") if kind == "another-stack" else stack
    fallback = sns.Topic(stack, "Fallback") if kind == "another-stack" else None
    plan = make.plan(stack)
    every = cdk.Duration.days(1)
    if kind == "plans":
        SmokeTest(home, "SmokeTest", plans=[plan], every=every)
    else:
        trigger = IncidentTrigger(stack, "Trigger", fallback=fallback)
        trigger.add_route("Critical", response_plan=plan)
        SmokeTest(home, "SmokeTest", trigger=trigger, every=every)
    assert warnings_of(make.synth(home)) == [f"/{home.node.id}/SmokeTest"]


def test_is_content_with_an_action_of_ones_own(make: Make) -> None:
    """An action that is added later tells somebody, too."""
    stack = make.stack()
    test = SmokeTest(stack, "SmokeTest", plans=[make.plan(stack)], every=cdk.Duration.days(1))
    assert test.alarm is not None
    test.alarm.add_alarm_action(actions.SnsAction(sns.Topic(stack, "Topic")))
    assert warnings_of(make.synth(stack)) == []


@pytest.mark.parametrize(
    ("hours", "both", "spent", "least"),
    [(3, False, 248, "4 hours"), (4, False, None, ""), (7, True, 212, "8 hours"), (8, True, None, "")],
)
def test_warns_of_runs_that_spend_the_plan(
    make: Make, hours: int, spent: int | None, least: str, *, both: bool
) -> None:
    """A plan opens 200 incidents in a month: past those each deployment would fail."""
    stack = make.stack()
    plan = make.plan(stack)
    trigger = IncidentTrigger(stack, "Trigger", fallback=OpsItems()) if both else None
    if trigger is not None:
        trigger.add_route("Critical", response_plan=plan)
    SmokeTest(stack, "SmokeTest", trigger=trigger, plans=[plan], every=cdk.Duration.hours(hours))
    warning = "[ack: cdk-incidents:smoke-test-spends-its-plan]"
    told = [text for _, _, text in make.synth(stack).messages if warning in text]
    assert len(told) == (spent is not None)
    for text in told:
        assert f"(got {hours} hours, which spends up to {spent})" in text
        assert f"Make it {least} or more." in text
