"""Cloud assemblies written by hand: the CDK CLI deploys them without an app having to run."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

ACCOUNT = "000000000000"
Template = dict[str, Any]


def write_assembly(directory: Path, **stacks: Template) -> Path:
    """Write an assembly with these stacks."""
    directory.mkdir(parents=True, exist_ok=True)
    artifacts = {}
    for name, template in stacks.items():
        (directory / f"{name}.template.json").write_text(json.dumps(template))
        artifacts[name] = {
            "type": "aws:cloudformation:stack",
            "environment": "aws://unknown-account/unknown-region",
            "properties": {"templateFile": f"{name}.template.json", "stackName": name},
            "displayName": name,
        }
    manifest = {"version": "36.0.0", "artifacts": artifacts}
    (directory / "manifest.json").write_text(json.dumps(manifest))
    return directory


def plan(name: str, title: str) -> Template:
    """Return a response plan."""
    return {
        "Type": "AWS::SSMIncidents::ResponsePlan",
        "Properties": {"Name": name, "IncidentTemplate": {"Title": title, "Impact": 2}},
    }


def alarm(name: str, *actions: Any, **more: Any) -> Template:
    """Return an alarm."""
    return {
        "Type": "AWS::CloudWatch::Alarm",
        "Properties": {
            "AlarmName": name,
            "Namespace": "Checkout",
            "MetricName": "Errors",
            "Statistic": "Sum",
            "Period": 60,
            "EvaluationPeriods": 1,
            "Threshold": 1,
            "ComparisonOperator": "GreaterThanOrEqualToThreshold",
            "TreatMissingData": "ignore",
            "AlarmActions": list(actions),
        },
        **more,
    }


def composite(name: str, rule: str, *after: str, **properties: Any) -> Template:
    """Return a composite alarm that acts on its stack's plan."""
    return {
        "Type": "AWS::CloudWatch::CompositeAlarm",
        "DependsOn": list(after),
        "Properties": {
            "AlarmName": name,
            "AlarmRule": rule,
            "AlarmActions": [{"Ref": "Plan"}],
            **properties,
        },
    }


def template(**resources: Template) -> Template:
    """Return a template of resources."""
    return {"Resources": resources}


def wired(plan_name: str = "Checkout") -> Template:
    """Return a stack whose one alarm starts an incident by the service's own path."""
    return template(
        Plan=plan(plan_name, "Checkout is failing"), Errors=alarm(f"{plan_name}-errors", {"Ref": "Plan"})
    )


def paging(*minutes: int, plan_name: str = "Checkout") -> Template:
    """Return a stack whose alarm pages Ann: by SMS, in stages that last so many minutes."""
    target = {"ChannelTargetInfo": {"ChannelId": {"Ref": "Sms"}, "RetryIntervalInMinutes": 0}}
    channel = {"ChannelName": "Phone", "ChannelType": "SMS", "ChannelAddress": "+4915112345678"}
    stages = [{"DurationInMinutes": duration, "Targets": [target]} for duration in minutes]
    resources = wired(plan_name)["Resources"]
    resources["Plan"]["Properties"]["Engagements"] = [{"Ref": "Ann"}]
    for name, properties in {
        "Contact": {"Alias": "ann", "DisplayName": "Ann", "Type": "PERSONAL"},
        "ContactChannel": {"ContactId": {"Ref": "Ann"}, **channel},
        "Plan": {"ContactId": {"Ref": "Ann"}, "Stages": stages},
    }.items():
        logical = {"Contact": "Ann", "ContactChannel": "Sms", "Plan": "AnnsPlan"}[name]
        resources[logical] = {"Type": f"AWS::SSMContacts::{name}", "Properties": properties}
    return template(**resources)
