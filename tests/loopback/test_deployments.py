"""What a smoke test is for: a broken way from alarm to incident fails the deployment."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import pytest
from aws_cdk import aws_sns as sns

from cdk_incidents.local.errors import DeployError

from .apps.breakable import breakable
from .deploying import create, statuses, synthesised, update, wait_for_note

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import aws_cdk as cdk

    from cdk_incidents.local import LocalCloud
    from tests.synthesis import Make

# One process deploys to one cloud what is synthesised once.
pytestmark = pytest.mark.xdist_group("deployments")


@pytest.fixture(scope="module")
def shop(make: Make) -> Callable[..., Path]:
    """Give the assembly of the app, whole or changed, each synthesised once."""

    @functools.cache
    def assembly(*, grown: bool = False, **changes: str) -> Path:
        def build(app: cdk.App) -> None:
            stack = breakable(app, **changes)
            if grown:
                sns.Topic(stack, "Topic")

        return synthesised(make, build)

    return assembly


def test_broken_link_fails_the_deployment(cloud: LocalCloud, shop: Callable[..., Path]) -> None:
    """By the real CDK CLI, a broken link fails with a reason that names it, and leaves nothing."""
    before = len(cloud.starts)
    with pytest.raises(DeployError) as failure:
        cloud.deploy(str(shop(broken="permission")))
    for part in ("failed at incident", ":smoke-test", "no resource-based policy allows"):
        assert part in " ".join(failure.value.reasons)
    assert statuses(cloud)["Shop"] == "ROLLBACK_COMPLETE"
    assert cloud.incidents() == []
    assert [start for start in cloud.starts[before:] if "QuietPlan" not in start["plan"]] == []
    assert cloud.pages == []


@pytest.mark.parametrize("broken", ["crash", "time-out", "import", "memory"])
def test_smoke_test_that_dies_is_reported_at_once(
    cloud: LocalCloud, shop: Callable[..., Path], broken: str
) -> None:
    """A crashed or timed-out smoke test fails the deployment in seconds, not at CloudFormation's time-out."""
    with pytest.raises(DeployError) as failure:
        create(cloud, shop(broken=broken), "Shop", timeout_s=60)
    assert any("Custom::IncidentSmokeTest" in reason for reason in failure.value.reasons)
    assert cloud.incidents() == []


def test_changed_route_runs_the_smoke_test_again(cloud: LocalCloud, shop: Callable[..., Path]) -> None:
    """An update that changes what is proven runs the test; one that changes nothing of it does not."""
    before = runs(cloud)
    create(cloud, shop(), "Shop")
    starts = [runs(cloud) - before]
    for changed in (shop(grown=True), shop(title="Shop: {title}")):
        update(cloud, changed, "Shop")
        starts.append(runs(cloud) - before)
    assert starts == [1, 1, 2]


def runs(cloud: LocalCloud) -> int:
    """Return how many incidents smoke tests have started."""
    return sum("QuietPlan" in start["plan"] for start in cloud.starts)


def test_rule_brings_its_events(cloud: LocalCloud, shop: Callable[..., Path]) -> None:
    """An event that a rule matches opens an incident by its route; the next of its cause joins that."""
    create(cloud, shop(), "Shop")
    entry = {
        "Source": "shop",
        "DetailType": "Stock is empty",
        "Detail": "{}",
        "Resources": ["arn:aws:s3:::x"],
    }
    for _ in range(2):
        cloud.client("events").put_events(Entries=[entry])
    record = cloud.wait_for_incident(title="Stock is empty")
    assert record["impact"] == 2
    wait_for_note(cloud, record["arn"], "1 more signal has joined")
    assert [start["title"] for start in cloud.starts if "Stock" in start["title"]] == [record["title"]]


def test_deletion_never_fails(cloud: LocalCloud, shop: Callable[..., Path]) -> None:
    """A stack whose canary and quiet plan somebody removed by hand is deleted all the same."""
    create(cloud, shop(), "Shop")
    cloudwatch, incidents = cloud.client("cloudwatch"), cloud.client("ssm-incidents")
    names = [alarm["AlarmName"] for alarm in cloudwatch.describe_alarms()["MetricAlarms"]]
    cloudwatch.delete_alarms(AlarmNames=[name for name in names if "Canary" in name])
    for plan in incidents.list_response_plans()["responsePlanSummaries"]:
        if "QuietPlan" in plan["name"]:
            incidents.delete_response_plan(arn=plan["arn"])
    cloud.delete_stack("Shop")
    assert "Shop" not in statuses(cloud)
