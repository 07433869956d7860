"""What comes with a public name: of aws-cdk-lib's services those that its plainest use needs, no other."""

from __future__ import annotations

import ast
import functools
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import aws_cdk as cdk
import pytest
from aws_cdk import aws_chatbot as chatbot
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_events as events
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_sns as sns

import cdk_incidents as incidents

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

    from tests.synthesis import Make

_Use: TypeAlias = "Callable[[cdk.Stack], object]"

_PACKAGE = Path(incidents.__file__).parent
_HOMES: dict[str, str] = incidents._HOMES
_LINK = incidents.RelatedItem.url("Runbook", "https://example.com")


def _contact(stack: cdk.Stack) -> incidents.Contact:
    channels = [incidents.ContactChannel.sms("+14255550100")]
    plan = [incidents.ChannelStage(channels=channels)]
    return incidents.Contact(stack, "Ada", display_name="Ada", channels=channels, plan=plan)


def _schedule(stack: cdk.Stack) -> incidents.OnCallSchedule:
    hours = incidents.ShiftCoverage.weekdays("09:00", "17:00")
    recurrence = incidents.Recurrence.weekly(monday="09:00", shift_coverages=hours)
    rotation = incidents.Rotation(
        contacts=[_contact(stack)],
        start="2027-01-04T09:00:00",
        time_zone="Europe/Berlin",
        recurrence=recurrence,
    )
    schedule = incidents.OnCallSchedule(stack, "OnCall", rotations=[rotation])
    schedule.shifts("2027-02-01", "2027-02-08")
    schedule.gaps("2027-02-01", "2027-02-08")
    return schedule


def _escalation(stack: cdk.Stack) -> incidents.EscalationPlan:
    return incidents.EscalationPlan(stack, "Escalation", stages=[incidents.Stage(contacts=[_contact(stack)])])


def _plan(stack: cdk.Stack, **parts: Any) -> incidents.ResponsePlan:
    incident = incidents.IncidentTemplate(title="Checkout is failing", impact=incidents.Impact.HIGH)
    return incidents.ResponsePlan(stack, "Plan", incident=incident, **parts)


def _runbook(stack: cdk.Stack) -> incidents.ResponsePlan:
    account = incidents.TargetAccount.PLAN_OWNER
    return _plan(stack, runbook=incidents.Runbook("AWS-HelloWorld", target_account=account))


def _chat(stack: cdk.Stack) -> incidents.ResponsePlan:
    slack = chatbot.SlackChannelConfiguration(
        stack,
        "Slack",
        slack_channel_configuration_name="incidents",
        slack_workspace_id="T1",
        slack_channel_id="C1",
    )
    return _plan(stack, chat_channel=incidents.ChatChannel.slack(slack))


def _pager_duty(stack: cdk.Stack) -> incidents.ResponsePlan:
    secret = secretsmanager.Secret.from_secret_name_v2(stack, "Secret", "pager-duty")
    return _plan(stack, pager_duty=incidents.PagerDuty(name="pd", secret=secret, service_id="P1"))


def _trigger(stack: cdk.Stack, **parts: Any) -> incidents.IncidentTrigger:
    return incidents.IncidentTrigger(stack, "Trigger", fallback=sns.Topic(stack, "Fallback"), **parts)


def _route(stack: cdk.Stack, **parts: Any) -> incidents.Route:
    route = _trigger(stack).add_route("Critical", response_plan=_plan(stack), **parts)
    route.watch(_alarm(stack))
    return route


def _alarm(stack: cdk.Stack) -> cloudwatch.Alarm:
    metric = cloudwatch.Metric(namespace="Checkout", metric_name="Errors")
    return cloudwatch.Alarm(stack, "Alarm", metric=metric, threshold=1, evaluation_periods=1)


def _rule(stack: cdk.Stack) -> events.Rule:
    target = incidents.ResponsePlanTarget(_plan(stack))
    return events.Rule(stack, "Rule", event_pattern=incidents.EventPatterns.health(), targets=[target])


def _deadline(stack: cdk.Stack) -> scheduler.Schedule:
    target = incidents.ResponsePlanSchedule(_plan(stack))
    every_day = scheduler.ScheduleExpression.rate(cdk.Duration.days(1))
    return scheduler.Schedule(stack, "Schedule", schedule=every_day, target=target)


def _found_alarms(stack: cdk.Stack) -> None:
    _alarm(stack)
    incidents.Alarms.of(stack).add(_plan(stack))


_USES: dict[str, _Use] = {
    "Alarms": _found_alarms,
    "ChannelStage": _contact,
    "ChatChannel": _chat,
    "Contact": _contact,
    "ContactChannel": _contact,
    "EscalationPlan": _escalation,
    "EventPatterns": _rule,
    "Gap": _schedule,
    "IContact": _contact,
    "IIncidentTrigger": _route,
    "IResponsePlan": _plan,
    "IRoute": _route,
    "Impact": _plan,
    "IncidentBudget": lambda stack: _trigger(stack, budget=incidents.IncidentBudget(ceiling=100)),
    "IncidentDashboard": lambda stack: incidents.IncidentDashboard(stack, "Board", plans=[_plan(stack)]),
    "IncidentTemplate": _plan,
    "IncidentTrigger": _route,
    "OnCallSchedule": _schedule,
    "OpsItems": lambda stack: _trigger(stack).add_route("Notice", ops_items=incidents.OpsItems()),
    "PagerDuty": _pager_duty,
    "Recurrence": _schedule,
    "RelatedItem": lambda stack: _route(stack, related_items=[_LINK]),
    "ReplicationSet": lambda stack: incidents.ReplicationSet(stack, "Set", regions=[stack.region]),
    "ResponsePlan": _plan,
    "ResponsePlanAction": lambda stack: _alarm(stack).add_alarm_action(
        incidents.ResponsePlanAction(_plan(stack))
    ),
    "ResponsePlanSchedule": _deadline,
    "ResponsePlanTarget": _rule,
    "Rotation": _schedule,
    "Route": _route,
    "Runbook": _runbook,
    "Shift": _schedule,
    "ShiftCoverage": _schedule,
    "SmokeTest": lambda stack: incidents.SmokeTest(stack, "Test", plans=[_plan(stack)]),
    "Stage": _escalation,
    "Suppression": lambda stack: _route(stack, suppression=[incidents.Suppression.while_open("freeze")]),
    "TargetAccount": _runbook,
}
"""The plainest use of each name."""


# One process, since most uses stand for several names.
@pytest.mark.xdist_group("loading")
@pytest.mark.parametrize("name", incidents.__all__)
def test_services(used_by: Callable[[_Use], set[str]], name: str) -> None:
    """What a name loads of aws-cdk-lib, its plainest use runs: the rest is loaded by who needs it."""
    assert _services(_loaded(_HOMES[name])) <= used_by(_USES[name])


@pytest.fixture(scope="module")
def used_by(make: Make) -> Callable[[_Use], set[str]]:
    """Return which services of aws-cdk-lib a use runs something of, beyond loading it."""
    for name in incidents.__all__:
        getattr(incidents, name)

    @functools.cache
    def used_by(use: _Use) -> set[str]:
        stack = make.stack(env=make.env)
        used: set[str] = set()

        def note(frame: FrameType, event: str, _: object) -> None:
            _, is_cdk, path = frame.f_code.co_filename.partition("/aws_cdk/")
            if is_cdk and event == "call":
                used.add(path.partition("/")[0])

        sys.setprofile(note)
        try:
            use(stack)
        finally:
            sys.setprofile(None)
        return used

    return used_by


def test_what_a_plan_loads() -> None:
    """Of ours and of aws-cdk-lib just what stands at the top of its modules; no time zones, no boto3."""
    probe = "import sys, cdk_incidents; cdk_incidents.ResponsePlan; print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", probe], check=True, capture_output=True, text=True)
    there = {name.partition(".")[::2] for name in ran.stdout.split()}
    ours = {module for package, module in there if package == "cdk_incidents" and module}
    theirs = {module for package, module in there if package == "aws_cdk" and module.startswith("aws_")}
    assert ours == _loaded("response_plan")
    assert {module for module in theirs if "." not in module} == _services(ours)
    assert not {package for package, _ in there} & {"boto3", "botocore", "tzdata", "zoneinfo"}


def test_a_name_that_nobody_uses_here() -> None:
    """A new public name needs its plainest use above."""
    assert sorted(_USES) == sorted(incidents.__all__)


def _loaded(module: str) -> set[str]:
    """Return a module of ours and those that it loads as it is loaded."""
    seen: set[str] = set()
    ahead = [module]
    while ahead:
        name = ahead.pop()
        if name not in seen:
            seen.add(name)
            ahead += [
                each.removeprefix("cdk_incidents.") for each in _imports(name) if each.startswith("cdk_inc")
            ]
    return seen


def _services(modules: set[str]) -> set[str]:
    return {
        each.removeprefix("aws_cdk.")
        for module in modules
        for each in _imports(module)
        if each.startswith("aws_cdk.aws_")
    }


@functools.cache
def _imports(module: str) -> frozenset[str]:
    tree = ast.parse((_PACKAGE / f"{module}.py").read_text("utf-8"))
    return frozenset(_imported(tree.body))


def _imported(statements: list[ast.stmt]) -> Iterator[str]:
    for statement in statements:
        match statement:
            case ast.ImportFrom(module="aws_cdk" | "cdk_incidents" as package, names=names):
                yield from (f"{package}.{alias.name}" for alias in names)
            case ast.ImportFrom(module=str(name)):
                yield name
