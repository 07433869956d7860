"""Each broken link fails the deployment with its reason, rolls back to what works, and wakes nobody."""

from __future__ import annotations

import contextlib
import json
import os
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from cdk_incidents.local import LocalCloud
from cdk_incidents.local.errors import DeployError
from tests.loopback.proven import (
    BY_CLI,
    STACK,
    Pipeline,
    code_of_the_trigger,
    dying_at,
    left_the_cloud,
    make_legacy,
    of_plan,
    quiet_route_to,
    role_without,
    told,
    waiting,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.loopback.proven import Edit

# One cloud, in which one stack is broken again and again.
pytestmark = pytest.mark.xdist_group("smoke_tests")


@pytest.fixture
def cloud(deployed: LocalCloud) -> Iterator[LocalCloud]:
    """Give the cloud; what any smoke test sends to anybody fails its test, and so does what one leaves."""
    told_before = left_the_cloud(deployed)
    yield deployed
    deployed.faults.clear()
    assert left_the_cloud(deployed) == told_before
    assert waiting(deployed) == {}
    assert deployed.incidents() == []
    assert open_ops_items(deployed) == []


def remove(cloud: LocalCloud, record: str) -> None:
    """Resolve and delete an incident, and its OpsItem."""
    incidents = cloud.client("ssm-incidents")
    items = incidents.list_related_items(incidentRecordArn=record)["relatedItems"]
    incidents.update_incident_record(arn=record, status="RESOLVED")
    incidents.delete_incident_record(arn=record)
    for item in items:
        if item["identifier"]["type"] == "PARENT":
            ops_item = item["identifier"]["value"]["arn"].rpartition("/")[2]
            cloud.client("ssm").delete_ops_item(OpsItemId=ops_item)


def open_ops_items(cloud: LocalCloud) -> list[Any]:
    """Return the OpsItems of the account."""
    found = cloud.client("ssm").describe_ops_items(OpsItemFilters=[])["OpsItemSummaries"]
    return list(found)


def status(cloud: LocalCloud) -> str:
    """Return the stack's status."""
    (stack,) = cloud.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"]
    return str(stack["StackStatus"])


def failure(cloud: LocalCloud, pipeline: Pipeline, *edits: Edit, changes: str = "Trigger") -> str:
    """Update the stack to what must not be deployed; return CloudFormation's reason."""
    with pytest.raises(DeployError) as raised:
        pipeline.update(cloud, pipeline.edited(*edits, changes=changes))
    assert status(cloud) == "UPDATE_ROLLBACK_COMPLETE"
    return " ".join(raised.value.reasons)


@dataclass(frozen=True)
class Break:
    """One way to break the pipeline, and what the deployment must say of it."""

    name: str
    reasons: tuple[str, ...]
    edits: tuple[Edit, ...] = ()
    changes: str = "Trigger"
    by_hand: Callable[[LocalCloud], Callable[[], object]] | None = None
    """Done in the account, beside the deployment; returns what undoes it."""


def faults(operation: str, error: str) -> Callable[[LocalCloud], Callable[[], object]]:
    """Let all calls of an operation, or of a service, fail."""

    def hand(cloud: LocalCloud) -> Callable[[], object]:
        cloud.faults.add(operation, error=error, times=None)
        return cloud.faults.clear

    return hand


def permission_is_removed(cloud: LocalCloud) -> Callable[[], object]:
    """Take away what lets alarms invoke the quiet alias."""
    return remove_permission(cloud, "smoke-test")


def remove_permission(cloud: LocalCloud, alias: str) -> Callable[[], object]:
    """Take away what lets alarms invoke an alias."""
    functions = cloud.client("lambda")
    policy = json.loads(functions.get_policy(FunctionName="shop", Qualifier=alias)["Policy"])
    (statement,) = policy["Statement"]
    functions.remove_permission(FunctionName="shop", Qualifier=alias, StatementId=statement["Sid"])
    return lambda: functions.add_permission(
        FunctionName="shop",
        Qualifier=alias,
        StatementId=statement["Sid"],
        Action=statement["Action"],
        Principal=statement["Principal"]["Service"],
        SourceAccount=statement["Condition"]["StringEquals"]["AWS:SourceAccount"],
    )


def dedupe_is_open_for_real(cloud: LocalCloud) -> Callable[[], object]:
    """Open a real incident with the dedupe string that the quiet plan is going to have."""
    incidents = cloud.client("ssm-incidents")
    plan = incidents.create_response_plan(
        name="real", incidentTemplate={"title": "Real", "impact": 2, "dedupeString": "shop"}
    )["arn"]
    record = incidents.start_incident(responsePlanArn=plan)["incidentRecordArn"]

    def undo() -> None:
        found = incidents.get_incident_record(arn=record)["incidentRecord"]
        assert (found["status"], found["title"]) == ("OPEN", "Real")
        remove(cloud, record)
        incidents.delete_response_plan(arn=plan)

    return undo


def set_has_failed(cloud: LocalCloud) -> Callable[[], object]:
    """Let the replication set have failed."""
    cloud.set_replication_status("FAILED")
    return lambda: cloud.set_replication_status("ACTIVE")


RAISES = "def handler(event, context):\n    raise RuntimeError('broken on purpose')\n"
NOT_IMPORTED = "import no_such_module\n"
QUIET = {"Title": "Smoke test", "Impact": 5}
# These take half a minute each, since IAM and the service are asked again with patience: `make soak`.
SLOW = [
    Break(
        "role without StartIncident",
        ("at preflight", "trigger-permissions", "ssm-incidents:StartIncident"),
        (role_without("ssm-incidents:StartIncident"),),
    ),
    Break(
        "down",
        ("InternalServerException",),
        by_hand=faults("ssm-incidents", "InternalServerException"),
    ),
]
BREAKS = [
    *(SLOW if BY_CLI in os.environ else ()),
    Break(
        "alias without the alarms' permission",
        ("at incident", ":smoke-test", "no resource-based policy allows"),
        by_hand=permission_is_removed,
    ),
    Break("throws", ("at incident", "broken on purpose"), (code_of_the_trigger(RAISES),)),
    Break("cannot be imported", ("at incident", "no_such_module"), (code_of_the_trigger(NOT_IMPORTED),)),
    Break(
        "loud quiet plan",
        ("at canary", "engagements"),
        (
            of_plan(
                "SmokeTestQuietPlan", Engagements=["arn:aws:ssm-contacts:us-east-1:000000000000:contact/ada"]
            ),
        ),
    ),
    Break(
        "wrong plan",
        ("at incident", "ssm-incidents:GetResponsePlan", "response-plan/checkout"),
        (quiet_route_to("checkout"),),
    ),
    Break("missing plan", ("at incident", "AccessDenied"), (quiet_route_to("no-such-plan"),)),
    Break(
        "quiet plan with a dedupe string that is open for real",
        ("at canary", "dedupeString"),
        (of_plan("SmokeTestQuietPlan", IncidentTemplate={**QUIET, "DedupeString": "shop"}),),
        by_hand=dedupe_is_open_for_real,
    ),
    Break(
        "throttled",
        ("at incident", "ThrottlingException"),
        by_hand=faults("StartIncident", "ThrottlingException"),
    ),
    Break(
        "refused token",
        ("at incident", "ConflictException"),
        by_hand=faults("StartIncident", "ConflictException"),
    ),
    Break(
        "refused",
        ("at incident", "ValidationException"),
        by_hand=faults("StartIncident", "ValidationException"),
    ),
    Break("replication set", ("at preflight", "FAILED"), by_hand=set_has_failed),
]


@pytest.mark.parametrize("broken", BREAKS, ids=lambda broken: broken.name)
def test_broken_link_fails_the_deployment(cloud: LocalCloud, pipeline: Pipeline, broken: Break) -> None:
    """The reason names the step and the broken part; the stack rolls back; nothing is left, nobody told."""
    with contextlib.ExitStack() as undone:
        if broken.by_hand:
            undone.callback(broken.by_hand(cloud))
        reason = failure(cloud, pipeline, *broken.edits, changes=broken.changes)
    assert [part for part in broken.reasons if part not in reason] == []


STEPS = ["preflight", "canary", "incident", "content", "joining", "recovery", "removal"]


# All of them in `make soak`; that nothing is left by a kill at any call is shown by tests/runtime.
@pytest.mark.parametrize("step", STEPS if BY_CLI in os.environ else ["incident", "joining", "removal"])
def test_killed_at_any_step(cloud: LocalCloud, pipeline: Pipeline, step: str) -> None:
    """The deployment is told at once and rolls back; the next run removes what was left, and passes."""
    began = time.monotonic()
    reason = failure(cloud, pipeline, dying_at(step), changes="Test")
    assert "Custom::IncidentSmokeTest" in reason
    assert time.monotonic() - began < 30
    pipeline.update(cloud, pipeline.edited(changes="Test"))
    assert told(cloud).startswith("passed: ")


def real_incident(cloud: LocalCloud) -> dict[str, Any]:
    """Let the live alarm ring and return its incident, which is removed again."""
    cloudwatch = cloud.client("cloudwatch")
    for state in ("OK", "ALARM"):
        cloudwatch.set_alarm_state(AlarmName="shop-errors", StateValue=state, StateReason="test")
    record = cloud.wait_for_incident(title="shop-errors")
    remove(cloud, record["arn"])
    return record


def test_broken_code_never_reaches_live_alarms(deployed: LocalCloud, pipeline: Pipeline) -> None:
    """While a broken edit is deployed and rolls back, and after it, the old code serves the live alarm."""
    with ThreadPoolExecutor() as beside:
        deployment = beside.submit(failure, deployed, pipeline, code_of_the_trigger(RAISES))
        wait_for(lambda: "UPDATE_IN_PROGRESS" in status(deployed))
        during = real_incident(deployed)
        assert "at incident" in deployment.result()
    after = real_incident(deployed)
    assert {record["impact"] for record in (during, after)} == {1}
    deployed.clock.advance(minutes=1)
    assert {page["contact"] for page in deployed.pages} == {"ada"}
    assert told(deployed).startswith("passed: ")


def wait_for(seen: Callable[[], bool]) -> None:
    """Wait a moment until something is so."""
    deadline = time.monotonic() + 20
    while not seen():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_adds_little_time(tmp_path: Path) -> None:
    """A first deployment takes at most five seconds longer than the same stack without the test.

    The quickest of three, since whatever else this machine does takes its time from the slower side.
    """
    assert any(added_s(tmp_path / str(number)) < 5 for number in range(3))


def added_s(tmp_path: Path) -> float:
    """Measure what a smoke test adds to a first deployment."""
    took = {}
    for proven in (False, True):
        pipeline = Pipeline(tmp_path / str(proven), proven=proven)
        with LocalCloud() as cloud:
            make_legacy(cloud)
            began = time.monotonic()
            cloud.create_stack(STACK, pipeline.template, assets=pipeline.assets)
            took[proven] = time.monotonic() - began
    told_to_people = f"first deployment: {took[True]:.1f} s with a smoke test, {took[False]:.1f} s without"
    print(told_to_people)  # noqa: T201 - what a smoke test costs is shown, not only bounded
    return took[True] - took[False]
