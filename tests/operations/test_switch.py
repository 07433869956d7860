"""The operators' switch."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from cdk_incidents.operations.deployed_trigger import OperationError
from cdk_incidents.operations.switch import Switches, duration

from .fakes import FakeAws

HOUR = timedelta(hours=1)


def value(until: timedelta, reason: str = "old") -> dict[str, object]:
    """Make a switch as the table has it, that ends so long from now."""
    end = (datetime.now(timezone.utc) + until).isoformat()
    return {"M": {"until": {"S": end}, "reason": {"S": reason}}}


@pytest.mark.parametrize(
    ("text", "minutes"),
    [("1m", 1), ("90m", 90), ("2h", 120), ("1d12h", 2160), ("13d", 18_720), ("1h30m", 90)],
)
def test_a_duration_is_days_hours_and_minutes(text: str, minutes: int) -> None:
    """In this order, each optional, from a minute to 13 days."""
    assert duration(text) == timedelta(minutes=minutes)


@pytest.mark.parametrize("text", ["", "0m", "2", "2 h", "h", "13d1m", "30m2h", "-1h", "1.5h", "for ever"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    """A switch always has an end, before the queue would lose what it holds."""
    with pytest.raises(OperationError, match=r"--for must be 1m to 13d, such as .* \(got "):
        duration(text)


def test_a_switch_is_written_as_the_function_reads_it() -> None:
    """Of every route or of one; with its end, its reason, and whoever flipped it."""
    aws = FakeAws()
    switches = Switches(aws.trigger())
    flipped = switches.flip(HOUR, route=None, reason="move")
    switches.flip(2 * HOUR, route="Minor", reason="more")
    assert set(aws.item) == {"for *", "for Minor"}
    assert aws.item["for *"] == {
        "M": {
            "until": {"S": flipped.until.isoformat()},
            "reason": {"S": "move"},
            "by": {"S": "arn:aws:sts::1:assumed-role/Op/ann"},
        }
    }
    assert timedelta(minutes=59) < flipped.until - datetime.now(timezone.utc) <= HOUR
    assert [switch.route for switch in switches.on()] == ["*", "Minor"]


def test_flipping_again_gives_a_new_end_and_sweeps_up() -> None:
    """Switches that ended by themselves leave the table."""
    aws = FakeAws()
    aws.item = {
        "for Critical": value(-HOUR),
        "for Minor": value(-HOUR),
        "for *": value(HOUR),
        "other": {"S": "x"},
    }
    switches = Switches(aws.trigger())
    switches.flip(3 * HOUR, route="Critical", reason="again")
    assert set(aws.item) == {"for Critical", "for *", "other"}
    assert [(switch.route, switch.reason) for switch in switches.on()] == [
        ("*", "old"),
        ("Critical", "again"),
    ]


def test_a_switch_ends_by_hand() -> None:
    """A route's own, or all of them; what was on is told."""
    aws = FakeAws()
    aws.item = {"for Critical": value(HOUR), "for Minor": value(HOUR), "for *": value(-HOUR)}
    switches = Switches(aws.trigger())
    assert [switch.route for switch in switches.end(route="Minor")] == ["Minor"]
    assert set(aws.item) == {"for Critical", "for *"}
    assert [switch.route for switch in switches.end(route=None)] == ["Critical"]
    assert switches.end(route=None) == []


def test_a_route_that_is_gone_may_still_have_its_switch_ended() -> None:
    """One that never was may not."""
    aws = FakeAws()
    aws.item = {"for Former": value(HOUR)}
    switches = Switches(aws.trigger())
    assert [switch.route for switch in switches.end(route="Former")] == ["Former"]
    with pytest.raises(OperationError, match=r"routes: Critical, Minor \(got Former\)"):
        switches.end(route="Former")
    with pytest.raises(OperationError, match=r"routes: Critical, Minor \(got Former\)"):
        switches.flip(HOUR, route="Former", reason="x")


@pytest.mark.parametrize("reason", ["", "  ", "r" * 201])
def test_a_switch_needs_a_reason(reason: str) -> None:
    """Whoever wonders why nobody was paged finds it."""
    with pytest.raises(OperationError, match="--reason must be 1 to 200 characters"):
        Switches(FakeAws().trigger()).flip(HOUR, route=None, reason=reason)


def test_a_reason_may_have_200_characters() -> None:
    """The other side of its limit."""
    assert Switches(FakeAws().trigger()).flip(HOUR, route=None, reason="r" * 200).reason == "r" * 200


def test_what_makes_no_sense_in_the_table_is_no_switch() -> None:
    """Nor is one without an end, or with one in no time zone; the function reads it so too."""
    aws = FakeAws()
    aws.item = {
        "for A": {"S": "x"} | {"M": {}},
        "for B": {"M": {"until": {"S": "soon"}}},
        "for C": {"M": {"until": {"S": "2099-01-01T00:00:00"}}},
    }
    assert Switches(aws.trigger()).on() == []


def test_a_caller_that_sts_does_not_name_may_flip_it_all_the_same() -> None:
    """Who it was is good to know, and no more."""
    aws = FakeAws()
    aws.refused = {"GetCallerIdentity"}
    assert Switches(aws.trigger()).flip(HOUR, route=None, reason="x").by == ""
    assert "by" not in aws.item["for *"]["M"]


@pytest.mark.parametrize("operation", ["GetItem", "UpdateItem"])
def test_what_aws_refuses_is_said_in_one_line(operation: str) -> None:
    """With the operation that the operator may not do."""
    aws = FakeAws()
    aws.refused = {operation}
    with pytest.raises(OperationError, match=f"dynamodb: .*AccessDenied.*{operation}"):
        Switches(aws.trigger()).flip(HOUR, route=None, reason="x")
