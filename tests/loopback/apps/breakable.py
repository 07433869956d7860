"""A small app with a smoke test, and the ways to break it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_events as events

import cdk_incidents as incidents

if TYPE_CHECKING:
    from constructs import Construct

SMOKE_TEST = "SmokeTest/Provider/Function/Resource"

BREAKS: dict[str, list[tuple[str, str, Any]]] = {
    "": [],
    "permission": [
        ("Trigger/Quiet/Alarms", "Principal", "s3.amazonaws.com"),
    ],
    "crash": [
        (SMOKE_TEST, "Code.ZipFile", "import os\ndef handler(event, context):\n    os._exit(1)\n"),
    ],
    "import": [
        (SMOKE_TEST, "Code.ZipFile", "import no_such_module\n"),
    ],
    # As Lambda ends a function that takes more memory than it has.
    "memory": [
        (
            SMOKE_TEST,
            "Code.ZipFile",
            "import os\ndef handler(event, context):\n    os.kill(os.getpid(), 9)\n",
        ),
    ],
    "time-out": [
        (SMOKE_TEST, "Code.ZipFile", "import time\ndef handler(event, context):\n    time.sleep(60)\n"),
        (SMOKE_TEST, "Timeout", 3),
    ],
}
"""What each break changes: of the L1 at a path below the stack, a property, its new value."""


def breakable(app: Construct, name: str = "Shop", *, broken: str = "", title: str = "{title}") -> cdk.Stack:
    """Make the stack, whole or broken in one of the ways."""
    stack = cdk.Stack(app, name)
    incident = incidents.IncidentTemplate.high(title="Real trouble")
    plan = incidents.ResponsePlan(stack, "Plan", incident=incident)
    trigger = incidents.IncidentTrigger(stack, "Trigger")
    route = trigger.add_route("Critical", response_plan=plan, auto_resolve=True, title=title)
    metric = cloudwatch.Metric(namespace="Shop", metric_name="Errors")
    route.watch(cloudwatch.Alarm(stack, "Alarm", metric=metric, threshold=1, evaluation_periods=1))
    pattern = events.EventPattern(source=["shop"])
    events.Rule(stack, "Rule", event_pattern=pattern, targets=[route.rule_target()])
    incidents.SmokeTest(stack, "SmokeTest", trigger=trigger, timeout=cdk.Duration.seconds(5))
    for path, property_path, value in BREAKS[broken]:
        _l1(stack, path).add_property_override(property_path, value)
    return stack


def _l1(stack: cdk.Stack, path: str) -> cdk.CfnResource:
    found: Any = stack
    for construct_id in path.split("/"):
        found = found.node.find_child(construct_id)
    assert isinstance(found, cdk.CfnResource), path
    return found
