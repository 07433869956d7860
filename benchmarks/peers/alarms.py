"""Alarms over response plans by each way from an alarm to an incident, made and synthesised in an app.

Called with a way, a number of alarms and one of plans. All have the same alarms, plans of the same properties
and the settings that `cdk init` writes, but for two: CDK's default rules and its limit of 500 resources a
stack, by either of which 400 alarms with a `LambdaAction` are refused.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import psutil
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_ssmincidents as ssmincidents

from benchmarks.peers.trigger_l2 import Trigger
from cdk_incidents import (
    Alarms,
    Contact,
    IncidentTemplate,
    IncidentTrigger,
    ResponsePlan,
    ResponsePlanAction,
    SmokeTest,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from cdk_incidents import Route

_CONTACT = "arn:aws:ssm-contacts:eu-west-1:111122223333:contact/on-call"
_FLAGS = Path(__file__).parents[2] / "node_modules/aws-cdk/lib/init-templates/.recommended-feature-flags.json"
_TOO_MANY = cdk.Acknowledgment(id="CloudFormation-Validate::F0007", reason="It is not deployed.")
_SETTINGS = {"@aws-cdk/core:validateAgainstDefaultRules": False, "@aws-cdk/core:stackResourceLimit": 0}


def by_incident_action(stack: cdk.Stack, count: int, plans: int) -> None:
    """Take CDK's own action on a plan, which is told its name."""
    each = [actions.SsmIncidentAction(plan.name) for plan in _cfn_plans(stack, plans)]
    for alarm, action in zip(_alarms(stack, count), cycle(each)):
        alarm.add_alarm_action(action)


def by_lambda_action(stack: cdk.Stack, count: int, plans: int) -> None:
    """Take CDK's own action on a function that starts incidents, by an alias for each plan."""
    each = _lambda_actions(stack, plans)
    for alarm, action in zip(_alarms(stack, count), cycle(each)):
        alarm.add_alarm_action(action)


def by_lambda_action_with_ok(stack: cdk.Stack, count: int, plans: int) -> None:
    """Let the function know of recoveries, too."""
    each = _lambda_actions(stack, plans)
    for alarm, action in zip(_alarms(stack, count), cycle(each)):
        alarm.add_alarm_action(action)
        alarm.add_ok_action(action)


def by_lambda_action_same_function(stack: cdk.Stack, count: int, plans: int) -> None:
    """Take CDK's own action on a function that loses no signal: a trigger by hand."""
    _cfn_plans(stack, plans)
    names = {f"Plan{number}": f"plan-{number}" for number in range(plans)}
    trigger = Trigger(stack, "Trigger", plans=names)
    each = [actions.LambdaAction(alias) for alias in trigger.aliases.values()]
    for alarm, action in zip(_alarms(stack, count), cycle(each)):
        alarm.add_alarm_action(action)


def by_plan_action(stack: cdk.Stack, count: int, plans: int) -> None:
    """Take our action on a plan."""
    each = [ResponsePlanAction(plan) for plan in _plans(stack, plans)]
    for alarm, action in zip(_alarms(stack, count), cycle(each)):
        alarm.add_alarm_action(action)


def by_line_to_a_plan(stack: cdk.Stack, count: int, plans: int) -> None:
    """Let one line give all alarms our action on a plan."""
    made = _plans(stack, plans)
    list(_alarms(stack, count))
    Alarms.of(stack).add(made[0])


def by_watch(stack: cdk.Stack, count: int, plans: int) -> None:
    """Let a trigger's routes watch the alarms, one for each plan."""
    _watch(_routes(stack, plans, auto_resolve=False), stack, count)


def by_watch_with_ok(stack: cdk.Stack, count: int, plans: int) -> None:
    """Let routes watch the alarms that resolve what recovers."""
    _watch(_routes(stack, plans, auto_resolve=True), stack, count)


def by_line_to_a_route(stack: cdk.Stack, count: int, plans: int) -> None:
    """Let one line give all alarms to a route."""
    routes = _routes(stack, plans, auto_resolve=False)
    list(_alarms(stack, count))
    Alarms.of(stack).add(routes[0])


def by_watch_with_smoke_test(stack: cdk.Stack, count: int, plans: int) -> None:
    """Let the deployment prove the routes, too."""
    routes = _routes(stack, plans, auto_resolve=False)
    SmokeTest(stack, "SmokeTest", trigger=routes[0]._trigger)  # noqa: SLF001 - the one that was made
    _watch(routes, stack, count)


WAYS: Mapping[str, Callable[[cdk.Stack, int, int], None]] = {
    "SsmIncidentAction": by_incident_action,
    "LambdaAction": by_lambda_action,
    "LambdaAction with OK": by_lambda_action_with_ok,
    "LambdaAction, same function": by_lambda_action_same_function,
    "ResponsePlanAction": by_plan_action,
    "watch": by_watch,
    "watch with OK": by_watch_with_ok,
    "Alarms.of to a plan": by_line_to_a_plan,
    "Alarms.of to a route": by_line_to_a_route,
    "watch and a SmokeTest": by_watch_with_smoke_test,
}


def sample(way: str, count: int, plans: int) -> dict[str, Any]:
    """Make and synthesise an app; return its milliseconds, also of processors, resources and bytes."""
    flags = json.loads(_FLAGS.read_text("utf-8"))
    with tempfile.TemporaryDirectory() as directory:
        began, used = time.perf_counter(), _processor_time()
        app = cdk.App(outdir=directory, context=flags | _SETTINGS)
        stack = cdk.Stack(app, "Measured")
        cdk.Annotations.of(stack).acknowledge_warning("cdk-incidents:no-alarm-found", "There may be none.")
        cdk.Validations.of(stack).acknowledge(_TOO_MANY)
        WAYS[way](stack, count, plans)
        app.synth()
        ms = (time.perf_counter() - began) * 1000
        cpu_ms = (_processor_time() - used) * 1000
        template = Path(directory, "Measured.template.json").read_bytes()
    return {
        "ms": ms,
        "cpu_ms": cpu_ms,
        "resources": len(json.loads(template)["Resources"]),
        "bytes": len(template),
    }


def _processor_time() -> float:
    """Return the seconds that this process and Node have had of a processor."""
    this = psutil.Process()
    times = [process.cpu_times() for process in (this, *this.children(recursive=True))]
    return sum(each.user + each.system for each in times)


def _alarms(stack: cdk.Stack, count: int) -> Iterator[cloudwatch.Alarm]:
    for number in range(count):
        metric = cloudwatch.Metric(
            namespace="Shop", metric_name="Errors", dimensions_map={"Service": f"service-{number}"}
        )
        yield cloudwatch.Alarm(stack, f"Alarm{number}", metric=metric, threshold=1, evaluation_periods=1)


def _cfn_plans(stack: cdk.Stack, plans: int) -> list[ssmincidents.CfnResponsePlan]:
    template = ssmincidents.CfnResponsePlan.IncidentTemplateProperty
    return [
        ssmincidents.CfnResponsePlan(
            stack,
            f"Plan{number}",
            name=f"plan-{number}",
            incident_template=template(title=f"Service {number} is failing", impact=1),
            engagements=[_CONTACT],
        )
        for number in range(plans)
    ]


def _plans(stack: cdk.Stack, plans: int) -> list[ResponsePlan]:
    contact = Contact.from_contact_arn(stack, "OnCall", _CONTACT)
    return [
        ResponsePlan(
            stack,
            f"Plan{number}",
            response_plan_name=f"plan-{number}",
            incident=IncidentTemplate.critical(title=f"Service {number} is failing"),
            engagements=[contact],
        )
        for number in range(plans)
    ]


def _lambda_actions(stack: cdk.Stack, plans: int) -> list[actions.LambdaAction]:
    _cfn_plans(stack, plans)
    version = lambda_.Function(
        stack,
        "Starter",
        runtime=lambda_.Runtime.PYTHON_3_13,
        handler="index.handler",
        code=lambda_.Code.from_inline("def handler(event, context): ..."),
    ).current_version
    aliases = (
        lambda_.Alias(stack, f"Alias{number}", alias_name=f"plan-{number}", version=version)
        for number in range(plans)
    )
    return [actions.LambdaAction(alias) for alias in aliases]


def _routes(stack: cdk.Stack, plans: int, *, auto_resolve: bool) -> list[Route]:
    trigger = IncidentTrigger(stack, "Trigger")
    cdk.Annotations.of(trigger).acknowledge_warning("cdk-incidents:no-fallback", "The peer has none, either.")
    return [
        trigger.add_route(f"Plan{number}", response_plan=plan, auto_resolve=auto_resolve)
        for number, plan in enumerate(_plans(stack, plans))
    ]


def _watch(routes: Sequence[Route], stack: cdk.Stack, count: int) -> None:
    for alarm, route in zip(_alarms(stack, count), cycle(routes)):
        route.watch(alarm)


if __name__ == "__main__":
    print(json.dumps(sample(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))))
