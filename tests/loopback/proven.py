"""A pipeline with all that a smoke test looks at, the ways to break it, and what may leave the cloud."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_sns as sns
from aws_cdk import aws_ssm as ssm

import cdk_incidents as incidents

if TYPE_CHECKING:
    from cdk_incidents.local import LocalCloud

Template = dict[str, Any]
Edit = Callable[[Template], None]
BY_CLI = "CDK_INCIDENTS_TESTS_BY_CLI"
STACK = "Shop"
LEGACY = "legacy"
"""A plan that somebody made by hand, and the app imports."""
PATIENCE = json.dumps(json.dumps({"timeout_s": 5})[1:-1])[1:-1]
RESULT = "Result of the Incident Manager smoke test"


class Pipeline:
    """The synthesised stack.

    Parameters
    ----------
    directory
        where it is synthesised to
    proven
        whether it has a smoke test
    """

    def __init__(self, directory: Path, *, proven: bool = True) -> None:
        self.assets = directory
        app = cdk.App(analytics_reporting=False, outdir=str(directory))
        stack = cdk.Stack(app, STACK)
        self._people(stack)
        fallback = sns.Topic(stack, "Fallback", topic_name="fallback")
        trigger = incidents.IncidentTrigger(stack, "Trigger", trigger_name="shop", fallback=fallback)
        route = trigger.add_route("Critical", response_plan=self.plan, auto_resolve=True)
        legacy = incidents.ResponsePlan.from_response_plan_name(stack, "Legacy", LEGACY)
        trigger.add_route("Legacy", response_plan=legacy)
        metric = cloudwatch.Metric(namespace="Shop", metric_name="Errors")
        route.watch(
            metric.create_alarm(stack, "Errors", alarm_name="shop-errors", threshold=1, evaluation_periods=1)
        )
        if proven:
            incidents.SmokeTest(stack, "SmokeTest", trigger=trigger, timeout=cdk.Duration.seconds(5))
        app.synth()
        self.template: Template = json.loads((directory / f"{STACK}.template.json").read_text())

    def _people(self, stack: cdk.Stack) -> None:
        email = incidents.ContactChannel.email("ada@example.com")
        sms = incidents.ContactChannel.sms("+14255550101")
        ada = incidents.Contact(stack, "Ada", alias="ada", display_name="Ada", channels=[email, sms])
        on_call = incidents.OnCallSchedule(
            stack,
            "OnCall",
            rotations=[
                incidents.Rotation(
                    contacts=[ada],
                    start="2026-01-05T09:00:00",
                    time_zone="Europe/Berlin",
                    recurrence=incidents.Recurrence.weekly(monday="09:00"),
                )
            ],
        )
        first_aid = ssm.CfnDocument(
            stack,
            "FirstAid",
            document_type="Automation",
            content={
                "schemaVersion": "0.3",
                "parameters": {"Incident": {"type": "String"}},
                "mainSteps": [{"name": "Look", "action": "aws:pause", "inputs": {}}],
            },
        )
        self.plan = incidents.ResponsePlan(
            stack,
            "Checkout",
            response_plan_name="checkout",
            incident=incidents.IncidentTemplate.critical(title="Checkout is failing"),
            engagements=[on_call],
            chat_channel=incidents.ChatChannel.topics(sns.Topic(stack, "Chat", topic_name="chat")),
            runbook=incidents.Runbook(first_aid, parameters={"Incident": incidents.Runbook.INCIDENT_ARN}),
        )

    def create(self, cloud: LocalCloud) -> None:
        """Create the stack, by CloudFormation's API; in the long run of the tests with the real CDK CLI."""
        if BY_CLI in os.environ:
            cloud.deploy(str(self.assets))
        else:
            cloud.create_stack(STACK, self.template, assets=self.assets)

    def update(self, cloud: LocalCloud, template: Template) -> None:
        """Update the stack in the same way."""
        if BY_CLI in os.environ:
            # Not `cloud.deploy`, which first makes the account as the app needs it.
            cloud.cdk.deploy(cloud.cdk.synthesise(str(self._assembly_of(template))))
        else:
            cloud.update_stack(STACK, template)

    def _assembly_of(self, template: Template) -> Path:
        """Return an assembly like the synthesised one, but for the template."""
        made = Path(tempfile.mkdtemp(dir=self.assets.parent))
        shutil.copytree(self.assets, made, dirs_exist_ok=True)
        (made / f"{STACK}.template.json").write_text(json.dumps(template))
        manifest = made / f"{STACK}.assets.json"
        files = json.loads(manifest.read_text())["files"]
        (key,) = (key for key, file in files.items() if file["source"]["path"] == f"{STACK}.template.json")
        # The CLI publishes a template once by its hash.
        another = uuid.uuid4().hex * 2
        for name in (manifest.name, "manifest.json"):
            text = (made / name).read_text()
            (made / name).write_text(text.replace(key, another))
        return made

    def edited(self, *edits: Edit, changes: str | None = "Trigger") -> Template:
        """Return the template after some edits, with another digest of what changed, as synth gives it.

        Parameters
        ----------
        edits
            what is done to the template
        changes
            `Trigger`, `Test` or a plan's name; None for a deployment that changes nothing of the pipeline
        """
        # What does not come within three seconds here does not come: IAM is not slow on the loopback.
        made = json.dumps(self.template)
        impatient = made.replace(PATIENCE, PATIENCE.replace("5", "3"))
        assert impatient != made
        template: Template = json.loads(impatient)
        for edit in edits:
            edit(template)
        proves = one(template, "Custom::IncidentSmokeTest")["Properties"]["Proves"]
        digest = uuid.uuid4().hex[:16]
        if changes in proves:
            proves[changes] = digest
        elif changes is not None:
            proves["Plans"][changes] = digest
        return template


def one(template: Template, kind: str, prefix: str = "") -> dict[str, Any]:
    """Return the resource of a type whose logical id begins so."""
    (found,) = (
        resource
        for logical_id, resource in template["Resources"].items()
        if resource["Type"] == kind and logical_id.startswith(prefix)
    )
    return dict(found)


def role_without(action: str) -> Edit:
    """Take an action from the trigger's role."""

    def edit(template: Template) -> None:
        (policy,) = one(template, "AWS::IAM::Role", "TriggerRole")["Properties"]["Policies"]
        statements = policy["PolicyDocument"]["Statement"]
        kept = [each for each in statements if action not in each["Action"]]
        assert len(kept) < len(statements)
        policy["PolicyDocument"]["Statement"] = kept

    return edit


def without(kind: str, prefix: str) -> Edit:
    """Take a resource out, and whatever waits for it no longer does."""

    def edit(template: Template) -> None:
        (gone,) = (
            logical_id
            for logical_id, resource in template["Resources"].items()
            if resource["Type"] == kind and logical_id.startswith(prefix)
        )
        del template["Resources"][gone]
        for resource in template["Resources"].values():
            waits = resource.get("DependsOn", [])
            if gone in waits:
                resource["DependsOn"] = [each for each in waits if each != gone]

    return edit


def code_of_the_trigger(code: str) -> Edit:
    """Give the trigger other code, and as CDK does, another version of its function."""

    def edit(template: Template) -> None:
        function = one(template, "AWS::Lambda::Function", "TriggerFunction")
        function["Properties"]["Code"]["ZipFile"] = code
        new_version(template)

    return edit


def quiet_route_to(plan: str) -> Edit:
    """Send the smoke test's signals to another plan, as if somebody had changed the route by hand."""

    def edit(template: Template) -> None:
        code = one(template, "AWS::Lambda::Function", "TriggerFunction")["Properties"]["Code"]
        quiet = one(template, "AWS::SSMIncidents::ResponsePlan", "SmokeTestQuietPlan")["Properties"]["Name"]
        changed = json.dumps(code).replace(f"response-plan/{quiet}", f"response-plan/{plan}")
        assert changed != json.dumps(code)
        code.update(json.loads(changed))
        new_version(template)

    return edit


def dying_at(step: str) -> Edit:
    """Let the smoke test's own function end without a word when a step begins."""
    code = f"""
import os
from incidents_runtime.smoke_test.report import Report
begin = Report.step
def step(self, name):
    if name == {step!r}:
        os._exit(1)
    return begin(self, name)
Report.step = step
"""

    def edit(template: Template) -> None:
        function = one(template, "AWS::Lambda::Function", "SmokeTestProviderFunction")["Properties"]
        head, *rest = function["Code"]["ZipFile"]["Fn::Join"][1]
        first, _, others = head.partition("\n")
        function["Code"]["ZipFile"]["Fn::Join"][1] = [f"{first}\n{code}{others}", *rest]

    return edit


def new_version(template: Template) -> None:
    """Give the trigger's version another logical id, everywhere."""
    (version,) = (
        logical_id
        for logical_id, resource in template["Resources"].items()
        if resource["Type"] == "AWS::Lambda::Version"
    )
    renamed = json.loads(json.dumps(template).replace(f'"{version}"', f'"{version}New"'))
    template.clear()
    template.update(renamed)


def of_plan(prefix: str, **properties: Any) -> Edit:
    """Change what a plan says, by its logical id's beginning."""

    def edit(template: Template) -> None:
        one(template, "AWS::SSMIncidents::ResponsePlan", prefix)["Properties"].update(properties)

    return edit


def make_legacy(cloud: LocalCloud) -> None:
    """Make the plan that the app imports; it tells nobody."""
    cloud.client("ssm-incidents").create_response_plan(
        name=LEGACY, incidentTemplate={"title": "Legacy", "impact": 3}
    )


def left_the_cloud(cloud: LocalCloud) -> list[Any]:
    """Return all that a person, a chat, the fallback or a runbook was told, but for plans' test messages."""
    messages = [message for message in cloud.messages if message["event"] != "TEST"]
    return [*cloud.pages, *cloud.runbook_executions, *messages]


def waiting(cloud: LocalCloud) -> dict[str, str]:
    """Return how many signals wait in the trigger's queues, by the queue's name, where there are any."""
    queue = cloud.client("sqs")
    counts = {
        url.rpartition("/")[2]: queue.get_queue_attributes(
            QueueUrl=url,
            AttributeNames=["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"],
        )["Attributes"]
        for url in queue.list_queues()["QueueUrls"]
    }
    return {name: str(count) for name, count in counts.items() if set(count.values()) != {"0"}}


def told(cloud: LocalCloud) -> str:
    """Return what the smoke test says in the stack's outputs."""
    (stack,) = cloud.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"]
    (result,) = (each["OutputValue"] for each in stack["Outputs"] if each.get("Description") == RESULT)
    return str(result)
