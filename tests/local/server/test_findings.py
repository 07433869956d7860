"""Findings of an incident: none, as in an account that does not look for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .conftest import Aws


def test_an_incident_has_no_findings(aws: Aws, incidents: Any) -> None:
    """The feature is off until somebody turns it on in the console."""
    assert incidents.list_incident_findings(incidentRecordArn=aws.start(aws.plan()))["findings"] == []


def test_each_id_that_is_asked_for_gets_an_error(aws: Aws, incidents: Any) -> None:
    """A batch answers with what it found, and an error for each id that it did not."""
    arn = aws.start(aws.plan())
    told = incidents.batch_get_incident_findings(incidentRecordArn=arn, findingIds=["a", "b"])
    assert told["findings"] == []
    assert [(e["findingId"], e["code"]) for e in told["errors"]] == [
        ("a", "ResourceNotFoundException"),
        ("b", "ResourceNotFoundException"),
    ]


def test_findings_are_an_incidents(aws: Aws, incidents: Any) -> None:
    """Without the record there is nothing to look at."""
    gone = aws.start(aws.plan())[:-12] + "000000000000"
    with pytest.raises(incidents.exceptions.ResourceNotFoundException):
        incidents.list_incident_findings(incidentRecordArn=gone)
    with pytest.raises(incidents.exceptions.ResourceNotFoundException):
        incidents.batch_get_incident_findings(incidentRecordArn=gone, findingIds=[])


def test_a_batch_has_at_most_20_ids(aws: Aws, incidents: Any) -> None:
    """The model's limit, as all of its limits."""
    with pytest.raises(incidents.exceptions.ValidationException, match="less than or equal to 20"):
        incidents.batch_get_incident_findings(
            incidentRecordArn=aws.start(aws.plan()), findingIds=[str(number) for number in range(21)]
        )
