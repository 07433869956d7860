"""Rules and schedules that start incidents, as roles that may."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from .conftest import ACCOUNT, REGION, unique

if TYPE_CHECKING:
    from collections.abc import Callable

    from .conftest import Aws, Function, Stack

_UNIVERSAL = "arn:aws:scheduler:::aws-sdk:ssmincidents:startIncident"


def _role(aws: Aws, service: str, plan: str = "", source: str = "*") -> str:
    """Make a role that a service may assume, which may start incidents of a plan, if one is given."""
    name, iam = unique("role"), aws.client("iam")
    trust = {
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "sts:AssumeRole",
        "Condition": {"ArnLike": {"aws:SourceArn": source}},
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    arn: str = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"]
    if plan:
        statement = {"Effect": "Allow", "Action": "ssm-incidents:StartIncident", "Resource": plan}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=policy)
    return arn


def _rule(aws: Aws, plan: str, role: str) -> tuple[str, str]:
    """Make a rule on a source of its own, and give its ARN and the source."""
    events, source = aws.client("events"), unique("source")
    arn: str = events.put_rule(Name=source, EventPattern=json.dumps({"source": [source]}))["RuleArn"]
    events.put_targets(
        Rule=source, Targets=[{"Id": "plan", "Arn": plan, **({"RoleArn": role} if role else {})}]
    )
    return arn, source


def _put(aws: Aws, source: str, detail: str = "{}") -> None:
    entry = {"Source": source, "DetailType": "Told", "Detail": detail}
    aws.client("events").put_events(Entries=[entry])


def _started(aws: Aws, plan: str) -> list[dict[str, Any]]:
    return [start for start in aws.control("GET", "audit")["audit"] if start["plan"] == plan]


def test_a_rule_starts_an_incident(aws: Aws) -> None:
    """With the rule as its trigger and the event as its raw data."""
    plan = aws.plan(title="Told")
    rule, source = _rule(aws, plan, _role(aws, "events.amazonaws.com", plan))
    _put(aws, source, json.dumps({"what": "happened"}))
    (start,) = _started(aws, plan)
    assert start["outcome"] == "started"
    record = aws.record(start["incident_record_arn"])
    told = record["incidentRecordSource"]
    assert (record["title"], told["source"], told["resourceArn"]) == ("Told", "aws.events", rule)
    client = aws.client("ssm-incidents")
    (event,) = client.list_timeline_events(incidentRecordArn=record["arn"])["eventSummaries"]
    data = client.get_timeline_event(incidentRecordArn=record["arn"], eventId=event["eventId"])["event"]
    assert json.loads(json.loads(data["eventData"])["rawData"])["detail"] == {"what": "happened"}


def test_a_rules_incidents_are_one_while_it_is_open(aws: Aws, incidents: Any) -> None:
    """The service deduplicates what a rule starts; once resolved, the next event starts another."""
    plan = aws.plan()
    _, source = _rule(aws, plan, _role(aws, "events.amazonaws.com", plan))
    _put(aws, source)
    _put(aws, source)
    first, second = _started(aws, plan)
    assert (first["outcome"], second["outcome"]) == ("started", "merged")
    incidents.update_incident_record(arn=first["incident_record_arn"], status="RESOLVED")
    _put(aws, source)
    assert _started(aws, plan)[-1]["outcome"] == "started"


def test_an_event_that_is_too_long_starts_its_incident_without_raw_data(aws: Aws) -> None:
    """The model lets 10,000 characters through."""
    plan = aws.plan()
    _, source = _rule(aws, plan, _role(aws, "events.amazonaws.com", plan))
    _put(aws, source, json.dumps({"long": "x" * 10_000}))
    assert [start["outcome"] for start in _started(aws, plan)] == ["started"]


@pytest.mark.parametrize("missing", ["role", "trust", "permission"])
def test_a_rule_needs_a_role_that_may(aws: Aws, missing: str) -> None:
    """One that EventBridge may assume, and that may start incidents of this plan."""
    plan = aws.plan()
    roles = {
        "role": "",
        "trust": _role(aws, "scheduler.amazonaws.com", plan),
        "permission": _role(aws, "events.amazonaws.com", aws.plan()),
    }
    _, source = _rule(aws, plan, roles[missing])
    _put(aws, source)
    assert [start["outcome"] for start in _started(aws, plan)] == ["AccessDeniedException"]


def _schedule(aws: Aws, plan: str, **more: Any) -> str:
    request = {"ResponsePlanArn": plan, "Title": "Drill", "ClientToken": "<aws.scheduler.execution-id>"}
    # Scheduler names the group of a schedule, not the schedule.
    group = f"arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule-group/default"
    target = {"Arn": _UNIVERSAL, "RoleArn": _role(aws, "scheduler.amazonaws.com", plan, group)}
    name = unique("schedule")
    aws.client("scheduler").create_schedule(
        Name=name,
        ScheduleExpression="rate(1 hour)",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={**target, "Input": json.dumps(request), **more},
    )
    return name


def test_a_schedule_starts_incidents_as_the_clock_moves(aws: Aws) -> None:
    """Each in its time, and not before."""
    plan = aws.plan()
    name = _schedule(aws, plan)
    aws.advance(minutes=59)
    assert _started(aws, plan) == []
    aws.advance(minutes=122)
    aws.client("scheduler").delete_schedule(Name=name)
    titles = [(start["outcome"], start["title"]) for start in _started(aws, plan)]
    assert titles == [("started", "Drill")] * 3


def test_a_schedule_needs_a_role_that_may(aws: Aws) -> None:
    """Else nothing starts."""
    plan = aws.plan()
    name = _schedule(aws, plan, RoleArn=_role(aws, "events.amazonaws.com", plan))
    aws.advance(minutes=61)
    aws.client("scheduler").delete_schedule(Name=name)
    assert [start["outcome"] for start in _started(aws, plan)] == ["AccessDeniedException"]


def test_a_rule_on_a_schedule_starts_incidents_too(aws: Aws) -> None:
    """A scheduled rule goes by the same clock."""
    plan, events, name = aws.plan(), aws.client("events"), unique("rule")
    events.put_rule(Name=name, ScheduleExpression="rate(1 hour)")
    role = _role(aws, "events.amazonaws.com", plan)
    events.put_targets(Rule=name, Targets=[{"Id": "plan", "Arn": plan, "RoleArn": role}])
    aws.advance(minutes=61)
    events.remove_targets(Rule=name, Ids=["plan"])
    events.delete_rule(Name=name)
    assert [start["outcome"] for start in _started(aws, plan)] == ["started"]


def test_a_schedule_deploys(aws: Aws, stack: Stack) -> None:
    """By CloudFormation."""
    plan = aws.plan()
    target = {"Arn": _UNIVERSAL, "RoleArn": _role(aws, "scheduler.amazonaws.com", plan)}
    properties = {
        "ScheduleExpression": "cron(0 9 * * ? *)",
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "Target": {**target, "Input": json.dumps({"ResponsePlanArn": plan})},
    }
    assert (
        stack.deploy({"S": {"Type": "AWS::Scheduler::Schedule", "Properties": properties}})
        == "CREATE_COMPLETE"
    )


@pytest.mark.parametrize("given", [{"run": "scheduled"}, None], ids=["input", "event"])
def test_a_scheduled_rule_runs_its_function_by_the_clock(
    stack: Stack, make_function: Callable[..., Function], given: dict[str, str] | None
) -> None:
    """Once a period, with its input or EventBridge's own event; who does not trust the rule is not called."""
    function, stranger = make_function(), make_function()
    function.permit(principal="events.amazonaws.com")
    text = {} if given is None else {"Input": json.dumps(given)}
    targets = [{"Id": f.name, "Arn": f.alias, **text} for f in (stranger, function)]
    rule = {"ScheduleExpression": "rate(1 day)", "State": "ENABLED", "Targets": targets}
    assert stack.deploy({"Rule": {"Type": "AWS::Events::Rule", "Properties": rule}}) == "CREATE_COMPLETE"
    for runs in (1, 2):
        stack.aws.advance(minutes=24 * 60 + 1)
        told = function.told(runs)
        assert len(told) == runs
    stack.delete()
    assert {one["arn"] for one in told} == {function.alias}
    for event in (one["event"] for one in told):
        shape = {"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}}
        assert event == given if given else shape.items() <= event.items()
    assert not Path(stranger.file).exists()


def test_a_rule_that_is_switched_off_runs_nothing(
    stack: Stack, make_function: Callable[..., Function]
) -> None:
    """Not even when it is due."""
    function, witness = make_function(), make_function()
    rules = {}
    for state, called in (("DISABLED", function), ("ENABLED", witness)):
        called.permit(principal="events.amazonaws.com")
        targets = [{"Id": "function", "Arn": called.alias}]
        rule = {"ScheduleExpression": "rate(1 hour)", "State": state, "Targets": targets}
        rules[state.capitalize()] = {"Type": "AWS::Events::Rule", "Properties": rule}
    assert stack.deploy(rules) == "CREATE_COMPLETE"
    stack.aws.advance(minutes=61)
    assert len(witness.told(1)) == 1
    stack.delete()
    assert not Path(function.file).exists()
