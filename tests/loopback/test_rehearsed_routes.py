"""A rehearsal sees what an alarm becomes on any route: an incident, a shared one, an OpsItem, a message."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_sns as sns

import cdk_incidents as incidents
from cdk_incidents.cli import main

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def assembly(directory: Path) -> Path:
    """Synthesise a trigger with a route to each kind of destination, and alarms on all of them."""
    app = cdk.App(analytics_reporting=False, outdir=str(directory))
    stack = cdk.Stack(app, "Routes")
    trigger = incidents.IncidentTrigger(stack, "Trigger", fallback=incidents.OpsItems())
    template = incidents.IncidentTemplate.high(title="Shop")
    plan = incidents.ResponsePlan(stack, "Plan", incident=template)
    group = trigger.add_route("Group", response_plan=plan, dedupe_key="shop", auto_resolve=True)
    items = trigger.add_route("Items", ops_items=incidents.OpsItems(severity=2), auto_resolve=True)
    topic = trigger.add_route("Topic", topic=sns.Topic(stack, "Team"), auto_resolve=True)
    metric = cloudwatch.Metric(namespace="Shop", metric_name="Errors")
    for name, route in (("a", group), ("b", group), ("c", items), ("d", topic)):
        route.watch(
            cloudwatch.Alarm(
                stack, name, alarm_name=f"shop-{name}", metric=metric, threshold=1, evaluation_periods=1
            )
        )
    app.synth()
    return directory


def test_what_alarms_become(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Two alarms share an incident, the others have an OpsItem and a message; what can be resolved is."""
    written = tmp_path / "result.json"
    code = main(["rehearse", "--app", str(assembly(tmp_path / "out")), "--json", str(written)])
    told = capsys.readouterr().out
    assert code == 0, told
    result = json.loads(written.read_text())
    by_name = {alarm["name"]: alarm for alarm in result["alarms"]}
    assert by_name["shop-a"]["incident_arn"] == by_name["shop-b"]["incident_arn"]
    assert ":opsitem/" in by_name["shop-c"]["incident_arn"]
    assert ":sns:" in by_name["shop-d"]["incident_arn"]
    assert {name: alarm["resolved"] for name, alarm in by_name.items()} == {
        "shop-a": True,
        "shop-b": True,
        "shop-c": True,
        "shop-d": False,
    }
    assert "shop-c → its OpsItem is resolved" in told
