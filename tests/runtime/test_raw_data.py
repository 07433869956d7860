"""The event in the timeline: valid JSON, at most 10,000 characters, shortened by structure."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from incidents_runtime.raw_data import LONGEST, raw_data

from tests.runtime.fakes import sample
from tests.runtime.strategies import JSON, examples


def kept(event: dict[str, Any]) -> dict[str, Any]:
    """Read the raw data back."""
    data = raw_data(event)
    assert len(data) <= LONGEST
    assert data.isascii()
    return dict(json.loads(data))


def with_detail(**changes: Any) -> dict[str, Any]:
    """Change the sample of an alarm on the bus."""
    event = sample("eventbridge_alarm")
    for path, value in changes.items():
        *way, name = path.split("__")
        place = event["detail"]
        for step in way:
            place = place[step]
        place[name] = value
    return event


def test_a_real_alarm_fits_as_it_is() -> None:
    """Nothing is dropped without need."""
    assert kept(sample("eventbridge_alarm")) == sample("eventbridge_alarm")


def test_reason_data_goes_first() -> None:
    """Datapoints in both states are the least telling."""
    event = with_detail(state__reasonData="x" * 9_000)
    shortened = kept(event)
    assert "reasonData" not in shortened["detail"]["state"]
    assert "reasonData" not in shortened["detail"]["previousState"]
    assert shortened["detail"]["state"]["reason"] == event["detail"]["state"]["reason"]


def test_then_the_previous_state() -> None:
    """What was before is less telling than what is."""
    shortened = kept(with_detail(previousState__reason="x" * 9_500))
    assert "previousState" not in shortened["detail"]
    assert shortened["detail"]["configuration"]["metrics"]


def test_then_all_metrics_but_the_first() -> None:
    """Runbooks read metrics[0]."""
    event = with_detail()
    metric = event["detail"]["configuration"]["metrics"][0]
    event["detail"]["configuration"]["metrics"] = [metric] * 50
    assert kept(event)["detail"]["configuration"]["metrics"] == [metric]


def test_then_the_first_metric() -> None:
    """If even one is too long."""
    event = with_detail(configuration__metrics=[{"expression": "x" * 10_000}])
    shortened = kept(event)
    assert "metrics" not in shortened["detail"]["configuration"]
    assert shortened["detail"]["configuration"]["description"]


def test_then_the_description() -> None:
    """Everything else of the alarm stays."""
    shortened = kept(with_detail(configuration__description="x" * 10_000))
    assert "description" not in shortened["detail"]["configuration"]
    assert shortened["detail"]["alarmName"] == "ServerCpuTooHigh"


def test_then_texts_are_shortened() -> None:
    """A custom event with one huge text keeps its shape."""
    event = {**sample("eventbridge_custom"), "detail": {"reason": "r" * 20_000, "n": 1}}
    assert kept(event)["detail"] == {"reason": "r" * 299 + "…", "n": 1}


def test_then_what_is_not_eventbridges_own() -> None:
    """A hundred foreign members go, the outline stays."""
    event = sample("eventbridge_custom")
    foreign = {f"member{number}": ["x" * 250] * 5 for number in range(11)}
    shortened = kept({**event, **foreign})
    assert not set(shortened) & set(foreign)
    assert shortened["detail-type"] == event["detail-type"]
    assert shortened["detail"] == event["detail"]


def test_the_bones_always_fit() -> None:
    """When every member is huge, short texts are left."""
    huge = dict.fromkeys(sample("eventbridge_custom"), "🚨" * 300)
    shortened = kept({**huge, "detail": {str(number): "🚨" * 300 for number in range(30)}})
    assert shortened["detail"] == "…"
    assert len(shortened["source"]) == 50


@examples(60)
@given(detail=JSON, extra=st.dictionaries(st.text(max_size=5), JSON, max_size=3), times=st.integers(1, 300))
def test_any_event_fits(detail: Any, extra: dict[str, Any], times: int) -> None:
    """Valid JSON of at most 10,000 characters, whatever comes."""
    event = {
        **extra,
        "source": "a",
        "detail": {"a": [detail] * times, "configuration": detail, "state": detail},
    }
    kept(event)


@pytest.mark.parametrize("configuration", [None, 7, []])
def test_a_wrong_configuration_does_no_harm(configuration: object) -> None:
    """No type is trusted."""
    shortened = kept(with_detail(configuration=configuration, state__reason="x" * 20_000))
    assert shortened["source"] == "aws.cloudwatch"
