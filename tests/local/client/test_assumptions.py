"""What no document settles, as a user says it."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

import pytest

from cdk_incidents.local import Assumptions, LocalCloudError
from cdk_incidents.local.assumptions import alternatives

if TYPE_CHECKING:
    from cdk_incidents.local import LocalCloud


def test_every_field_knows_its_alternatives() -> None:
    """The choice made here comes first, and there is always another; a window is a number of its own."""
    known = alternatives()
    defaults = {field.name: field.default for field in fields(Assumptions)}
    assert {name: allowed[0] for name, allowed in known.items()} == {
        name: value for name, value in defaults.items() if name != "client_token_window_s"
    }
    assert all(len(set(allowed)) > 1 for allowed in known.values())


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (
            {"reserved_source": "allowed"},
            r"reserved_source must be one of 'refused', 'accepted' \(got 'allowed'\)",
        ),
        ({"resolving_closes_ops_item": 1}, r"resolving_closes_ops_item must be one of False, True \(got 1\)"),
        ({"client_token_window_s": -1}, r"client_token_window_s must be a number of seconds .* \(got -1\)"),
        (
            {"client_token_window_s": True},
            r"client_token_window_s must be a number of seconds .* \(got True\)",
        ),
    ],
)
def test_a_value_that_no_field_knows(asked: dict[str, Any], told: str) -> None:
    """It is refused with what can be assumed."""
    with pytest.raises(LocalCloudError, match=told):
        Assumptions(**asked)


def test_assumptions_hold_until_they_are_told_otherwise(local_cloud: LocalCloud) -> None:
    """A running cloud takes them, and gives its own up again."""
    client = local_cloud.client("ssm-incidents")
    created = client.create_response_plan(name="assumed", incidentTemplate={"title": "t", "impact": 3})

    def starts() -> int:
        answers = [client.start_incident(responsePlanArn=created["arn"], clientToken="one") for _ in range(3)]
        return len({answer["incidentRecordArn"] for answer in answers})

    local_cloud.assume(Assumptions(client_token_window_s=0))
    assert starts() == 3
    local_cloud.assume(Assumptions())
    assert starts() == 1
