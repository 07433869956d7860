"""A small app with a smoke test, and the ways to break it: `--context break=role|permission|code|…`."""

import sys

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_events as events

import cdk_incidents as incidents

app = cdk.App()
stack = cdk.Stack(app, app.node.try_get_context("stack") or "Breakable")
plan = incidents.ResponsePlan(stack, "Plan", incident=incidents.IncidentTemplate.high(title="Real trouble"))
trigger = incidents.IncidentTrigger(stack, "Trigger")
route = trigger.add_route(
    "Critical", response_plan=plan, auto_resolve=True, title=app.node.try_get_context("title") or "{title}"
)
metric = cloudwatch.Metric(namespace="Shop", metric_name="Errors")
route.watch(cloudwatch.Alarm(stack, "Alarm", metric=metric, threshold=1, evaluation_periods=1))
pattern = events.EventPattern(source=["shop"])
events.Rule(stack, "Rule", event_pattern=pattern, targets=[route.rule_target()])
incidents.SmokeTest(stack, "SmokeTest", trigger=trigger, timeout=cdk.Duration.seconds(5))


def resource(path: str) -> cdk.CfnResource:
    """Return the L1 at a path below the stack."""
    found = stack
    for construct_id in path.split("/"):
        found = found.node.find_child(construct_id)  # type: ignore[assignment]
    if not isinstance(found, cdk.CfnResource):
        sys.exit(f"{path} is no CloudFormation resource")
    return found


BREAKS = {
    "role": (
        "Trigger/Role/Resource",
        "Policies.0.PolicyDocument.Statement.7.Action",
        "ssm-incidents:GetReplicationSet",
    ),
    "permission": ("Trigger/Quiet/Alarms", "Principal", "s3.amazonaws.com"),
    "code": ("Trigger/Function/Resource", "Code.ZipFile", "raise RuntimeError('broken on purpose')\n"),
    "crash": (
        "SmokeTest/Provider/Function/Resource",
        "Code.ZipFile",
        "import os\ndef handler(event, context):\n    os._exit(1)\n",
    ),
    "time-out": (
        "SmokeTest/Provider/Function/Resource",
        "Code.ZipFile",
        "import time\ndef handler(event, context):\n    time.sleep(60)\n",
    ),
}
broken = app.node.try_get_context("break")
if broken:
    path, property_path, value = BREAKS[broken]
    resource(path).add_property_override(property_path, value)
if broken == "time-out":
    resource("SmokeTest/Provider/Function/Resource").add_property_override("Timeout", 3)

app.synth()
