"""When a smoke test runs: on each change of what it proves, and on nothing else."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from aws_cdk import aws_ssm as ssm
from aws_cdk import aws_ssmcontacts as ssmcontacts
from aws_cdk import aws_ssmincidents as ssmincidents

from cdk_incidents import (
    ChatChannel,
    Contact,
    ContactChannel,
    EscalationPlan,
    IncidentTemplate,
    IncidentTrigger,
    OnCallSchedule,
    Recurrence,
    ResponsePlan,
    Rotation,
    Runbook,
    SmokeTest,
    Stage,
    _runtime_asset,
)
from cdk_incidents._smoke_test_digest import digest_of
from tests.constructs.smoke import proves

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.synthesis import Make

PAGING = ("Plans", "checkout")


class Proven:
    """A stack with a smoke test of everything, to be changed before it is synthesised."""

    def __init__(self, make: Make, **options: Any) -> None:
        self.stack = make.stack()
        self.ada = self._contact("Ada")
        self.rota = OnCallSchedule(
            self.stack,
            "Rota",
            rotations=[
                Rotation(
                    contacts=[self.ada],
                    start="2026-01-05T09:00:00",
                    time_zone="UTC",
                    recurrence=Recurrence.weekly(monday="09:00"),
                )
            ],
        )
        self.escalation = EscalationPlan(self.stack, "Escalation", stages=[Stage(contacts=[self.rota])])
        self.topic = sns.Topic(self.stack, "Chat")
        self.document = ssm.CfnDocument(
            self.stack, "Document", document_type="Automation", content={"schemaVersion": "0.3"}
        )
        self.runbook_role = iam.Role(
            self.stack, "RunbookRole", assumed_by=iam.ServicePrincipal("ssm-incidents.amazonaws.com")
        )
        self.checkout = ResponsePlan(
            self.stack,
            "Checkout",
            response_plan_name="checkout",
            incident=IncidentTemplate.critical(title="Checkout is failing"),
            engagements=[self.escalation],
            chat_channel=ChatChannel.topics(self.topic),
            runbook=Runbook(self.document, role=self.runbook_role),
        )
        self.search = make.plan(self.stack, "Search", name="search")
        self.quiet = make.plan(self.stack, "Quiet", name="quiet")
        self.trigger = IncidentTrigger(self.stack, "Trigger", fallback=sns.Topic(self.stack, "Fallback"))
        self.route = self.trigger.add_route("Critical", response_plan=self.checkout)
        arguments = {"trigger": self.trigger, "plans": [self.search], "quiet_plan": self.quiet}
        self.test = SmokeTest(self.stack, "SmokeTest", **{**arguments, **options})

    def _contact(self, name: str) -> Contact:
        channel = ContactChannel.email(f"{name}@example.com")
        return Contact(self.stack, name, display_name=name, channels=[channel])

    def digests(self) -> dict[tuple[str, ...], str]:
        """Return the texts whose change makes the test run again, by their places."""
        # Without a synth, after which CDK lets nothing change.
        resource = part_of(self.test.node.find_child("Resource"), cdk.CfnResource)
        found = self.stack.resolve(resource._cfn_properties)["Proves"]
        places: dict[tuple[str, ...], str] = {
            ("Plans", name): digest for name, digest in found.pop("Plans").items()
        }
        places.update({(name,): digest for name, digest in found.items()})
        return places

    def quiet_child(self, construct_id: str) -> Any:
        """Return the resource of a child of the quiet alias."""
        return self.trigger.node.find_child("Quiet").node.find_child(construct_id)


def add_to_the_role(proven: Proven) -> None:
    """Let the trigger's role do one thing more."""
    proven.trigger.role.add_to_policy(iam.PolicyStatement(actions=["ssm:GetParameter"], resources=["*"]))


def trust_another_service(proven: Proven) -> None:
    """Change who may take the trigger's role."""
    role = proven.trigger.role.node.default_child
    assert isinstance(role, iam.CfnRole)
    role.assume_role_policy_document = {"Version": "2012-10-17", "Statement": []}


def incident_of(plan: ResponsePlan, **changes: Any) -> None:
    """Change the incident of a plan."""
    resource = plan.node.default_child
    assert isinstance(resource, ssmincidents.CfnResponsePlan)
    resource.incident_template = ssmincidents.CfnResponsePlan.IncidentTemplateProperty(
        **{"title": "Changed", "impact": 1, **changes}
    )


def change_the_quiet_plan(proven: Proven) -> None:
    """Give the quiet plan another title."""
    incident_of(proven.quiet, impact=5)


def change_a_routed_plan(proven: Proven) -> None:
    """Give the routed plan another impact."""
    incident_of(proven.checkout, impact=2)


def change_a_named_plan(proven: Proven) -> None:
    """Give the plan of the service's path another impact."""
    incident_of(proven.search, impact=2)


def part_of(owner: Any, kind: type[Any]) -> Any:
    """Return the one part of a construct that is of a type."""
    (part,) = [child for child in owner.node.find_all() if isinstance(child, kind)]
    return part


def change_a_channel(proven: Proven) -> None:
    """Give the person at the end of the rota another address."""
    part_of(proven.ada, ssmcontacts.CfnContactChannel).channel_address = "lovelace@example.com"


def change_a_contacts_plan(proven: Proven) -> None:
    """Let the person's channels be tried for a shorter time."""
    stage = ssmcontacts.CfnPlan.StageProperty(duration_in_minutes=1)
    part_of(proven.ada, ssmcontacts.CfnPlan).stages = [stage]


def change_a_rotation(proven: Proven) -> None:
    """Let the turns begin later."""
    part_of(proven.rota, ssmcontacts.CfnRotation).start_time = "2026-02-02T09:00:00"


def change_the_escalation(proven: Proven) -> None:
    """Let the escalation plan have no stage."""
    proven.escalation.node.default_child.plan = []  # type: ignore[union-attr]


def change_the_topics_policy(proven: Proven) -> None:
    """Refuse something at the chat topic."""
    statement = iam.PolicyStatement(
        effect=iam.Effect.DENY, principals=[iam.AnyPrincipal()], actions=["sns:Publish"], resources=["*"]
    )
    proven.topic.add_to_resource_policy(statement)


def change_the_document(proven: Proven) -> None:
    """Write another runbook."""
    proven.document.content = {"schemaVersion": "0.3", "description": "Changed"}


def change_the_runbooks_role(proven: Proven) -> None:
    """Let the runbook do one thing more."""
    proven.runbook_role.add_to_policy(iam.PolicyStatement(actions=["ssm:GetParameter"], resources=["*"]))


def change_the_environment(proven: Proven) -> None:
    """Give the function another variable."""
    proven.trigger.function.add_environment("CHANGED", "true")


def canary_of(proven: Proven, construct_id: str) -> cloudwatch.CfnAlarm:
    """Return one of the two canaries."""
    canary = proven.test.node.find_child(construct_id).node.default_child
    assert isinstance(canary, cloudwatch.CfnAlarm)
    return canary


def change_the_canary(proven: Proven) -> None:
    """Let the trigger's canary wait for more data."""
    canary_of(proven, "Canary").evaluation_periods = 2


def change_the_plan_canary(proven: Proven) -> None:
    """Let the canary of the service's path wait for more data."""
    canary_of(proven, "PlanCanary").evaluation_periods = 2


def change_the_permission(proven: Proven) -> None:
    """Let the alarms of another account in."""
    permission = proven.quiet_child("Alarms")
    assert isinstance(permission, lambda_.CfnPermission)
    permission.source_account = "444455556666"


def change_the_async_settings(proven: Proven) -> None:
    """Let the quiet alias try again."""
    settings = proven.quiet_child("EventInvokeConfig").node.default_child
    assert isinstance(settings, lambda_.CfnEventInvokeConfig)
    settings.maximum_retry_attempts = 1


@pytest.fixture(scope="module")
def proven(make: Make) -> Proven:
    """Return the stack, to which each test adds a change."""
    return Proven(make)


@pytest.fixture(scope="module")
def digests(make: Make) -> dict[tuple[str, ...], str]:
    """Return the digests of the unchanged stack."""
    return Proven(make).digests()


def changed(before: dict[tuple[str, ...], str], after: dict[tuple[str, ...], str]) -> set[tuple[str, ...]]:
    """Return the places of what is new or different."""
    return {place for place in before.keys() | after.keys() if before.get(place) != after.get(place)}


def test_holds_no_token(digests: dict[tuple[str, ...], str]) -> None:
    """A digest is plain text for what is proven: the test, the trigger, each plan by its name."""
    names = ("checkout", "quiet", "search")
    assert set(digests) == {("Test",), ("Trigger",), *(("Plans", name) for name in names)}
    assert all(re.fullmatch("[0-9a-f]{16}", digest) for digest in digests.values())


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (add_to_the_role, ("Trigger",)),
        (trust_another_service, ("Trigger",)),
        (change_the_environment, ("Trigger",)),
        (change_the_canary, ("Trigger",)),
        (change_the_permission, ("Trigger",)),
        (change_the_async_settings, ("Trigger",)),
        (change_the_plan_canary, ("Test",)),
        (change_the_quiet_plan, ("Plans", "quiet")),
        (change_a_named_plan, ("Plans", "search")),
        (change_a_routed_plan, PAGING),
        (change_a_channel, PAGING),
        (change_a_contacts_plan, PAGING),
        (change_a_rotation, PAGING),
        (change_the_escalation, PAGING),
        (change_the_topics_policy, PAGING),
        (change_the_document, PAGING),
        (change_the_runbooks_role, PAGING),
    ],
)
def test_runs_again_when_what_it_proves_changes(
    proven: Proven, change: Callable[[Proven], None], place: tuple[str, ...]
) -> None:
    """CloudFormation runs the test if a property changes: the one of what has changed, and no other."""
    before = proven.digests()
    change(proven)
    assert changed(before, proven.digests()) == {place}


@pytest.mark.parametrize(
    "options",
    [
        {"timeout": cdk.Duration.seconds(60)},
        {"on_failure": "warn"},
        {"severities": {"rota-gap": "error"}},
        {"pages_for_real": True},
    ],
    ids=["timeout", "on-failure", "severities", "for-real"],
)
def test_runs_again_when_it_would_judge_otherwise(
    make: Make, digests: dict[tuple[str, ...], str], options: dict[str, Any]
) -> None:
    """An argument of the test is a change of the test."""
    assert changed(digests, Proven(make, **options).digests()) == {("Test",)}


def test_runs_again_when_a_route_is_added(make: Make, digests: dict[tuple[str, ...], str]) -> None:
    """A route is in the trigger's code, wherever it leads."""
    proven = Proven(make)
    proven.trigger.add_route("Later", response_plan=proven.checkout)
    assert changed(digests, proven.digests()) == {("Trigger",)}


def test_runs_again_when_a_path_is_added(make: Make, digests: dict[tuple[str, ...], str]) -> None:
    """Without plans there is one path and one plan less."""
    assert changed(digests, Proven(make, plans=[]).digests()) == {("Test",), ("Plans", "search")}


def test_runs_again_when_our_code_changes(
    make: Make, digests: dict[tuple[str, ...], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """New code in the layer alone makes the test run."""
    archive = _runtime_asset._archive()
    monkeypatch.setattr(_runtime_asset, "_archive", lambda: archive + b"changed")
    assert ("Test",) in changed(digests, Proven(make).digests())


def add_an_alarm(proven: Proven) -> None:
    """Watch one alarm more."""
    metric = cloudwatch.Metric(namespace="Checkout", metric_name="Errors")
    alarm = metric.create_alarm(proven.stack, "Alarm", threshold=1, evaluation_periods=1)
    proven.route.watch(alarm)


def add_something_else(proven: Proven) -> None:
    """Add resources that have nothing to do with the trigger."""
    sns.Topic(proven.stack, "Topic")
    incident = IncidentTemplate.low(title="Of no route")
    ResponsePlan(proven.stack, "Plan of no route", incident=incident)


def read_the_chat_too(proven: Proven) -> None:
    """Subscribe somebody to the chat topic."""
    proven.topic.add_subscription(subscriptions.EmailSubscription("ada@example.com"))


def share_the_plan(proven: Proven) -> None:
    """Share a plan, and a contact, with another account."""
    proven.checkout.share_with("Others", accounts=["444455556666"])
    proven.ada.share_with("Others", accounts=["444455556666"])


def change_nothing(proven: Proven) -> None:
    """Leave the stack as it is."""
    assert proven.stack


@pytest.mark.parametrize(
    "change", [change_nothing, add_an_alarm, add_something_else, read_the_chat_too, share_the_plan]
)
def test_does_not_run_for_anything_else(proven: Proven, change: Callable[[Proven], None]) -> None:
    """An incident a run is spent, so the digests are the same in each synth and move for nothing else."""
    before = proven.digests()
    change(proven)
    assert changed(before, proven.digests()) == set()


def test_order_means_nothing(proven: Proven) -> None:
    """Constructs that are made in another order are the same constructs."""
    one, other = proven.test.canary, proven.trigger.role
    assert digest_of(proven.stack, one, other) == digest_of(proven.stack, other, one)
    assert digest_of(proven.stack, one, other) != digest_of(proven.stack, one)


def test_a_schedule_is_not_proven(make: Make, digests: dict[tuple[str, ...], str]) -> None:
    """How often it runs between deployments changes nothing of what a deployment proves."""
    assert changed(digests, Proven(make, every=cdk.Duration.days(1)).digests()) == set()


def test_is_the_same_in_each_stage(make: Make) -> None:
    """A token stands for itself: what is proven in test is what is proven in production."""
    app = make.app()
    found = []
    for name, account in (("Test", "111122223333"), ("Live", "444455556666")):
        stage = cdk.Stage(app, name, env=cdk.Environment(account=account, region="eu-west-1"))
        stack = cdk.Stack(stage, "Shop", stack_name="shop")
        plan = make.plan(stack, name="checkout")
        SmokeTest(stack, "SmokeTest", plans=[plan], quiet_plan=make.plan(stack, "Quiet", name="quiet"))
        found.append(proves(make.synth(stack)))
    assert found[0] == found[1]


def test_of_every_deployment_runs_in_each(make: Make) -> None:
    """A property is new at each synth, and stands in no template that does not ask for it."""
    runs = []
    for options in ({"every_deployment": True}, {"every_deployment": True}, {}):
        proven = Proven(make, **options)
        runs.append(make.synth(proven.stack).properties("Custom::IncidentSmokeTest").get("Run"))
    assert runs[0] != runs[1]
    assert runs[2] is None
