"""What the construct tests share: stacks, their templates, and ways to look into them."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_events as events
from aws_cdk import aws_sns as sns
from aws_cdk import aws_ssmincidents as ssmincidents

import cdk_incidents as incidents

ROOT = Path(__file__).parents[1]
_CLI = ROOT / "node_modules" / "aws-cdk"
CDK_INIT_FLAGS = json.loads((_CLI / "lib/init-templates/.recommended-feature-flags.json").read_text())
"""All feature flags that `cdk init` writes, as the pinned CLI has them."""
FLAGS: dict[str, dict[str, Any]] = {
    "no-flags": {},
    "cdk-init": CDK_INIT_FLAGS,
    "policies-of-their-own": {"@aws-cdk/aws-lambda:createNewPoliciesWithAddToRolePolicy": True},
}

CONTACT = "arn:aws:ssm-contacts:eu-west-1:111122223333:contact/first"

Resource = dict[str, Any]


class Synth:
    """One template, synthesised once, and what is in it."""

    def __init__(self, stack: cdk.Stack) -> None:
        app, stage = stack.node.root, cdk.Stage.of(stack)
        assert isinstance(app, cdk.App)
        assert stage is not None
        app.synth()  # once: CDK keeps what it synthesised
        assembly = Path(stage.synth().directory)
        self.template: dict[str, Any] = json.loads((assembly / stack.template_file).read_text())
        artifacts = json.loads((assembly / "manifest.json").read_text())["artifacts"]
        artifact = artifacts.get(stack.artifact_id, {})
        self.dependencies = [
            name for name in artifact.get("dependencies", []) if not name.endswith(".assets")
        ]
        metadata = json.loads((assembly / artifact["additionalMetadataFile"]).read_text()) if artifact else {}
        self.messages = [
            (path, entry["type"].rpartition(":")[2], entry["data"])
            for path, entries in metadata.items()
            for entry in entries
            if entry["type"] in {"aws:cdk:warning", "aws:cdk:error"}
        ]

    @property
    def resources(self) -> dict[str, Resource]:
        """All resources by their logical ids."""
        found: dict[str, Resource] = self.template.get("Resources", {})
        return found

    def of_type(self, resource_type: str, like: str = "") -> dict[str, Resource]:
        """Return the resources of a type, those whose logical id contains `like`."""
        return {
            logical_id: resource
            for logical_id, resource in self.resources.items()
            if resource["Type"] == resource_type and like in logical_id
        }

    def one(self, resource_type: str, like: str = "") -> Resource:
        """Return the only resource of that kind."""
        (resource,) = self.of_type(resource_type, like).values()
        return resource

    def id_of(self, resource_type: str, like: str = "") -> str:
        """Return the logical id of the only resource of that kind."""
        (logical_id,) = self.of_type(resource_type, like)
        return logical_id

    def properties(self, resource_type: str, like: str = "") -> dict[str, Any]:
        """Return the properties of the only resource of that kind."""
        found: dict[str, Any] = self.one(resource_type, like).get("Properties", {})
        return found

    def exports(self) -> list[str]:
        """Return what the stack exports, which would block its later changes."""
        return [name for name, output in self.template.get("Outputs", {}).items() if "Export" in output]

    @staticmethod
    def permissions_of(statements: list[dict[str, Any]]) -> set[str]:
        """Return statements one permission each: neither order nor what CDK merges makes a difference."""
        found = set()
        for statement in statements:
            assert statement["Effect"] == "Allow"
            for action in _as_list(statement["Action"]):
                for resource in _as_list(statement["Resource"]):
                    condition = statement.get("Condition")
                    found.add(json.dumps([action, resource, condition], sort_keys=True))
        return found

    def comes_after(self, logical_id: str) -> set[str]:
        """Return the logical ids of all resources that CloudFormation makes before one."""
        seen: set[str] = set()
        ahead = [logical_id]
        while ahead:
            resource = self.resources[ahead.pop()]
            named = set(resource.get("DependsOn", [])) | _references(resource.get("Properties", {}))
            new = (named & set(self.resources)) - seen
            seen |= new
            ahead += new
        return seen


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _references(value: Any) -> set[str]:
    if isinstance(value, list):
        return {name for item in value for name in _references(item)}
    if not isinstance(value, dict):
        return set()
    found = {name for item in value.values() for name in _references(item)}
    if isinstance(value.get("Ref"), str):
        found.add(value["Ref"])
    if isinstance(value.get("Fn::GetAtt"), list):
        found.add(value["Fn::GetAtt"][0])
    return found


class Make:
    """The things that most tests start from."""

    flags = FLAGS
    env = cdk.Environment(account="111122223333", region="eu-west-1")

    def __init__(self, directory: Path) -> None:
        self._directories = (str(directory / str(number)) for number in itertools.count())

    def app(self, context: dict[str, Any] | None = None) -> cdk.App:
        """Return an app with this context, which is where feature flags stand too."""
        return cdk.App(context=context, analytics_reporting=False, outdir=next(self._directories))

    def stack(
        self,
        construct_id: str = "Stack",
        *,
        env: cdk.Environment | None = None,
        context: dict[str, Any] | None = None,
    ) -> cdk.Stack:
        """Return a stack in an app of its own."""
        return cdk.Stack(self.app(context), construct_id, env=env)

    def synth(self, stack: cdk.Stack) -> Synth:
        """Synthesise the app and return the stack's template."""
        return Synth(stack)

    def synth_all(self, *stacks: cdk.Stack) -> list[Synth]:
        """Synthesise an app once and return the templates of several of its stacks."""
        return [Synth(stack) for stack in stacks]

    def plan(
        self, stack: cdk.Stack, construct_id: str = "Plan", *, name: str | None = None
    ) -> incidents.ResponsePlan:
        """Return a critical plan that pages nobody, knowingly."""
        incident = incidents.IncidentTemplate.critical(title="Checkout is failing")
        plan = incidents.ResponsePlan(stack, construct_id, incident=incident, response_plan_name=name)
        cdk.Annotations.of(plan).acknowledge_warning("cdk-incidents:nobody-paged")
        return plan

    def cfn_plan(
        self, stack: cdk.Stack, construct_id: str = "CfnPlan", *, name: str = "l1-plan", **changes: Any
    ) -> ssmincidents.CfnResponsePlan:
        """Return CDK's own L1 of a plan."""
        incident = ssmincidents.CfnResponsePlan.IncidentTemplateProperty(
            impact=1, title="Checkout is failing"
        )
        properties = {"name": name, "incident_template": incident, **changes}
        return ssmincidents.CfnResponsePlan(stack, construct_id, **properties)

    def plan_of(
        self, origin: str, stack: cdk.Stack, name: str
    ) -> incidents.ResponsePlan | incidents.IResponsePlan | ssmincidents.CfnResponsePlan:
        """Return a plan of an origin: owned, imported or cfn."""
        match origin:
            case "owned":
                return self.plan(stack, name)
            case "imported":
                return incidents.ResponsePlan.from_response_plan_name(stack, name, name)
            case _:
                return self.cfn_plan(stack, name, name=name)

    def alarm(self, stack: cdk.Stack, construct_id: str = "Alarm") -> cloudwatch.Alarm:
        """Return an alarm on some metric."""
        metric = cloudwatch.Metric(namespace="Checkout", metric_name="Errors")
        return cloudwatch.Alarm(stack, construct_id, metric=metric, threshold=1, evaluation_periods=1)

    def composite(self, stack: cdk.Stack, construct_id: str = "Composite") -> cloudwatch.CompositeAlarm:
        """Return a composite alarm over one alarm."""
        rule = cloudwatch.AlarmRule.from_alarm(
            self.alarm(stack, f"{construct_id}Part"), cloudwatch.AlarmState.ALARM
        )
        return cloudwatch.CompositeAlarm(stack, construct_id, alarm_rule=rule)


class World:
    """A stack as a user would write it, under one set of feature flags."""

    def __init__(self, make: Make, flags: dict[str, Any]) -> None:
        stack = make.stack(context=flags)
        self.plan = make.plan(stack)
        fallback = sns.Topic(stack, "Fallback")
        health_plan = make.plan(stack, "HealthPlan")
        trigger = incidents.IncidentTrigger(stack, "Trigger", fallback=fallback, health_plan=health_plan)
        critical = trigger.add_route("Critical", response_plan=self.plan, auto_resolve=True)
        notice = trigger.add_route(
            "notice-only",
            response_plan=make.cfn_plan(stack, engagements=[CONTACT]),
            impact=incidents.Impact.LOW,
            title="{source}: {title}",
            join_for=cdk.Duration.minutes(30),
        )
        critical.watch(make.alarm(stack, "Resolving"), make.composite(stack, "Composite"))
        notice.watch(make.alarm(stack, "Staying"))
        pattern = events.EventPattern(source=["aws.health"])
        events.Rule(stack, "Rule", event_pattern=pattern, targets=[notice.rule_target()])
        incidents.SmokeTest(stack, "SmokeTest", trigger=trigger)
        self.trigger_name = trigger.trigger_name
        self.synth = make.synth(stack)


def steady(value: object) -> str | None:
    """Name a test's parameter the same in every process: a token counts those that were made before it."""
    is_token = "TOKEN." in str(value) or (isinstance(value, float) and value < -1e200)
    return "token" if is_token else None
