"""What the trigger tells its operators."""

from __future__ import annotations

import pytest
from incidents_runtime.telemetry import about, count, known, log

from tests.runtime.fakes import told


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    """Read what was printed."""
    return told(capsys.readouterr().out)


def test_a_line_says_what_it_is_about(capsys: pytest.CaptureFixture[str]) -> None:
    """What a block is about stands in each of its lines, and in none after it."""
    with about(route="Critical"):
        with about(key="k"):
            known(incident_record_arn="arn")
            log("INFO", "inner", reason="r")
        log("INFO", "outer")
    known(key="nobody's")
    log("WARNING", "after")
    assert lines(capsys) == [
        {
            "level": "INFO",
            "message": "inner",
            "route": "Critical",
            "key": "k",
            "incident_record_arn": "arn",
            "reason": "r",
        },
        {"level": "INFO", "message": "outer", "route": "Critical"},
        {"level": "WARNING", "message": "after"},
    ]


def test_a_block_that_fails_is_over_too(capsys: pytest.CaptureFixture[str]) -> None:
    """The next signal of the same function is another one."""
    with pytest.raises(ValueError, match="no"), about(key="k"):
        raise ValueError("no")
    log("INFO", "next")
    assert lines(capsys) == [{"level": "INFO", "message": "next"}]


def test_empty_fields_are_left_out_and_numbers_stay(capsys: pytest.CaptureFixture[str]) -> None:
    """A field's own value goes before the block's."""
    with about(tries=1, key="k"):
        log("ERROR", "m", tries=2, nothing=None, empty="", yes=True)
    assert lines(capsys) == [{"level": "ERROR", "message": "m", "tries": 2, "key": "k", "yes": True}]


def test_no_line_tells_a_secret(capsys: pytest.CaptureFixture[str]) -> None:
    """Neither in its own fields, nor in what it is about, nor inside of another type."""
    with about(key="password=hunter2"):
        log("INFO", "m", reason="Bearer abcdef123", other=["token=abc"])
    (line,) = lines(capsys)
    assert line["key"] == "password=***"
    assert line["reason"] == "Bearer ***"
    assert line["other"] == "['token=***']"


def test_figures_have_their_units(capsys: pytest.CaptureFixture[str]) -> None:
    """Milliseconds, percent, or a count."""
    count("t", "r", 1, Started=1, TimeToStart=2, BudgetUsed=80)
    (line,) = lines(capsys)
    (directive,) = line["_aws"]["CloudWatchMetrics"]  # type: ignore[index]
    assert directive["Metrics"] == [
        {"Name": "Started", "Unit": "Count"},
        {"Name": "TimeToStart", "Unit": "Milliseconds"},
        {"Name": "BudgetUsed", "Unit": "Percent"},
    ]
    assert (line["Started"], line["TimeToStart"], line["BudgetUsed"]) == (1, 2, 80)
