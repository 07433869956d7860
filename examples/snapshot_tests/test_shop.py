"""What CI asks of every pull request."""

import json
import os
from pathlib import Path

from app import on_call, shop
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.json import JSONSnapshotExtension

from cdk_incidents import testing

REVIEWED = Path(__file__).with_name("on_call.json")


def test_shop_is_as_reviewed(snapshot: SnapshotAssertion) -> None:
    """With syrupy: `pytest --snapshot-update` takes what is there."""
    assert testing.normalised_template(shop) == snapshot(extension_class=JSONSnapshotExtension)


def test_on_call_is_as_reviewed() -> None:
    """With a plain file: `UPDATE=1 pytest` takes what is there."""
    template = testing.normalised_template(on_call)
    if "UPDATE" in os.environ:
        REVIEWED.write_text(json.dumps(template, indent=2) + "\n")
    assert template == json.loads(REVIEWED.read_text())


def test_every_alarm_starts_an_incident() -> None:
    testing.assert_alarms_start_incidents(shop)


def test_every_incident_reaches_somebody() -> None:
    testing.assert_plans_reach_somebody(on_call)


def test_every_deployment_is_proven() -> None:
    testing.assert_smoke_tested(shop)
