"""Composite alarms whose actions another alarm suppresses, and for how long."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from .conftest import unique

if TYPE_CHECKING:
    from .conftest import Aws, Stack


class _Composite:
    """A composite alarm over one child, with a suppressor, a plan and a queue that hears its events."""

    def __init__(self, aws: Aws, wait: int = 0, extension: int = 0) -> None:
        self._aws, self._watch = aws, aws.client("cloudwatch")
        self.child, self.suppressor, self.name = (unique("alarm") for _ in range(3))
        for name in (self.child, self.suppressor):
            self._watch.put_metric_alarm(
                AlarmName=name,
                Namespace="App",
                MetricName=name,
                Statistic="Sum",
                Period=60,
                EvaluationPeriods=1,
                Threshold=1.0,
                ComparisonOperator="GreaterThanThreshold",
            )
            self.set(name, "OK")
        self.plan = aws.plan()
        self._watch.put_composite_alarm(
            AlarmName=self.name,
            AlarmRule=f"ALARM({self.child})",
            AlarmActions=[self.plan],
            ActionsSuppressor=self.suppressor,
            ActionsSuppressorWaitPeriod=wait,
            ActionsSuppressorExtensionPeriod=extension,
        )
        self._queue, arn = aws.queue()
        events, rule = aws.client("events"), unique("rule")
        pattern = {"source": ["aws.cloudwatch"], "detail": {"alarmName": [self.name]}}
        events.put_rule(Name=rule, EventPattern=json.dumps(pattern))
        events.put_targets(Rule=rule, Targets=[{"Id": "q", "Arn": arn}])

    def set(self, name: str, state: str) -> None:
        """Put an alarm into a state."""
        self._watch.set_alarm_state(AlarmName=name, StateValue=state, StateReason="a drill")

    @property
    def incidents(self) -> int:
        """How many incidents its action started."""
        self._aws.control("GET", "health")
        return sum(start["plan"] == self.plan for start in self._aws.control("GET", "audit")["audit"])

    @property
    def suppressed_by(self) -> str:
        """What suppresses its actions, as DescribeAlarms has it."""
        found = self._watch.describe_alarms(AlarmNames=[self.name], AlarmTypes=["CompositeAlarm"])
        return str(found["CompositeAlarms"][0].get("ActionsSuppressedBy", ""))

    def events(self, count: int) -> list[tuple[str, str, str]]:
        """Give (state before, state, what suppresses) of its events."""
        details = [event["detail"] for event in self._aws.messages(self._queue, count)]
        told = [(d["previousState"]["value"], d["state"]["value"], d["state"]) for d in details]
        return [(before, after, state.get("actionsSuppressedBy", "")) for before, after, state in told]


def test_actions_are_suppressed_while_the_suppressor_is_in_alarm(aws: Aws) -> None:
    """The bus is told, with what suppresses; once it ends, what still stands acts by an event of its own."""
    alarm = _Composite(aws)
    alarm.set(alarm.suppressor, "ALARM")
    alarm.set(alarm.child, "ALARM")
    assert alarm.events(1) == [("OK", "ALARM", "Alarm")]
    assert (alarm.incidents, alarm.suppressed_by) == (0, "Alarm")
    alarm.set(alarm.suppressor, "OK")
    assert alarm.events(1) == [("ALARM", "ALARM", "")]
    assert (alarm.incidents, alarm.suppressed_by) == (1, "")


def test_what_is_gone_when_suppression_ends_does_not_act(aws: Aws) -> None:
    """Neither by its alarm nor by its recovery."""
    alarm = _Composite(aws)
    alarm.set(alarm.suppressor, "ALARM")
    alarm.set(alarm.child, "ALARM")
    alarm.set(alarm.child, "OK")
    alarm.set(alarm.suppressor, "OK")
    assert alarm.incidents == 0
    assert alarm.events(2) == [("OK", "ALARM", "Alarm"), ("ALARM", "OK", "Alarm")]


def test_an_alarm_that_is_made_in_alarm_is_suppressed_too(aws: Aws) -> None:
    """Its suppressor is there before its state is known."""
    alarm = _Composite(aws)
    alarm.set(alarm.suppressor, "ALARM")
    alarm.set(alarm.child, "ALARM")
    late = unique("alarm")
    aws.client("cloudwatch").put_composite_alarm(
        AlarmName=late,
        AlarmRule=f"ALARM({alarm.child})",
        AlarmActions=[alarm.plan],
        ActionsSuppressor=alarm.suppressor,
        ActionsSuppressorWaitPeriod=0,
        ActionsSuppressorExtensionPeriod=0,
    )
    assert alarm.incidents == 0
    alarm.set(alarm.suppressor, "OK")
    assert alarm.incidents == 2


def test_a_recovery_is_held_back_too(aws: Aws) -> None:
    """And told when suppression ends, also where an alarm had been held back before."""
    alarm = _Composite(aws)
    for state in ("ALARM", "OK"):
        alarm.set(alarm.suppressor, "ALARM")
        alarm.set(alarm.child, state)
        alarm.set(alarm.suppressor, "OK")
    assert alarm.incidents == 1
    told = [("OK", "ALARM", "Alarm"), ("ALARM", "ALARM", ""), ("ALARM", "OK", "Alarm"), ("OK", "OK", "")]
    assert alarm.events(4) == told


@pytest.mark.parametrize("joins", [True, False])
def test_the_wait_period_gives_the_suppressor_time(aws: Aws, *, joins: bool) -> None:
    """Within it the suppressor may still come; if it does not, the actions follow the period."""
    alarm = _Composite(aws, wait=120)
    alarm.set(alarm.child, "ALARM")
    assert (alarm.incidents, alarm.suppressed_by) == (0, "WaitPeriod")
    aws.advance(minutes=1)
    if joins:
        alarm.set(alarm.suppressor, "ALARM")
    assert alarm.incidents == 0
    aws.advance(minutes=2)
    assert (alarm.incidents, alarm.suppressed_by) == ((0, "Alarm") if joins else (1, ""))


def test_a_period_ends_by_real_time_too(aws: Aws) -> None:
    """A suppressor that comes after it comes too late."""
    alarm = _Composite(aws, wait=1)
    alarm.set(alarm.child, "ALARM")
    time.sleep(1.1)
    alarm.set(alarm.suppressor, "ALARM")
    assert alarm.incidents == 1


@pytest.mark.parametrize("again", [True, False])
def test_the_extension_period_follows_the_suppressor(aws: Aws, *, again: bool) -> None:
    """Until it ends nothing acts; a suppressor that comes back within it suppresses on."""
    alarm = _Composite(aws, extension=120)
    alarm.set(alarm.suppressor, "ALARM")
    alarm.set(alarm.child, "ALARM")
    alarm.set(alarm.suppressor, "OK")
    assert (alarm.incidents, alarm.suppressed_by) == (0, "ExtensionPeriod")
    aws.advance(minutes=1)
    if again:
        alarm.set(alarm.suppressor, "ALARM")
    aws.advance(minutes=2)
    assert (alarm.incidents, alarm.suppressed_by) == ((0, "Alarm") if again else (1, ""))


def test_a_suppressor_that_was_not_in_alarm_extends_nothing(aws: Aws) -> None:
    """Its other changes leave the composite alarm alone."""
    alarm = _Composite(aws, extension=120)
    alarm.set(alarm.suppressor, "INSUFFICIENT_DATA")
    assert alarm.suppressed_by == ""
    alarm.set(alarm.child, "ALARM")
    assert alarm.incidents == 1


def test_without_its_suppressor_a_composite_alarm_acts_at_once(aws: Aws) -> None:
    """A suppressor in OK and no wait period hold nothing back."""
    alarm = _Composite(aws)
    alarm.set(alarm.child, "ALARM")
    assert alarm.incidents == 1
    assert alarm.events(1) == [("OK", "ALARM", "")]


def test_a_deployed_composite_alarm_is_suppressed(aws: Aws, stack: Stack) -> None:
    """AWS::CloudWatch::CompositeAlarm's suppressor, by its ARN."""
    plan, child, suppressor = aws.plan(), unique("child"), unique("suppressor")
    watch = aws.client("cloudwatch")
    metric: dict[str, Any] = {"Namespace": "App", "MetricName": "m", "Statistic": "Sum", "Period": 60}
    metric |= {
        "EvaluationPeriods": 1,
        "Threshold": 1,
        "ComparisonOperator": "GreaterThanThreshold",
    }
    resources: dict[str, Any] = {
        name: {"Type": "AWS::CloudWatch::Alarm", "Properties": {**metric, "AlarmName": physical}}
        for name, physical in (("Child", child), ("Suppressor", suppressor))
    }
    properties = {
        "AlarmRule": {"Fn::Sub": "ALARM(${Child})"},
        "AlarmActions": [plan],
        "ActionsSuppressor": {"Fn::GetAtt": ["Suppressor", "Arn"]},
        "ActionsSuppressorWaitPeriod": 60,
        "ActionsSuppressorExtensionPeriod": 60,
    }
    resources["Both"] = {"Type": "AWS::CloudWatch::CompositeAlarm", "Properties": properties}
    assert stack.deploy(resources, Name={"Ref": "Both"}) == "CREATE_COMPLETE"
    for name in (suppressor, child):
        watch.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="a drill")
    found = watch.describe_alarms(AlarmNames=[stack.outputs["Name"]], AlarmTypes=["CompositeAlarm"])
    assert found["CompositeAlarms"][0]["ActionsSuppressedBy"] == "Alarm"
    assert plan not in [start["plan"] for start in aws.control("GET", "audit")["audit"]]
