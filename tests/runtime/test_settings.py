"""What the function is told, checked once."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from incidents_runtime.settings import Route, Settings, SettingsError, load, routes_in

if TYPE_CHECKING:
    from pathlib import Path

PLAN = "arn:aws:ssm-incidents::123456789012:response-plan/checkout"
CRITICAL = {"id": "Critical", "response_plan_arn": PLAN, "auto_resolve": True, "join_for_s": 60, "impact": 1}
QUIET = {"id": "smoke-test", "response_plan_arn": PLAN, "title": "Smoke test {reason}", "quiet": True}
INDEX = f"""from incidents_runtime.trigger import handler
# Below is data, not code: one route a line, read when the function starts.
# {json.dumps(CRITICAL)}
# {json.dumps(QUIET)}
"""


def environment(folder: Path, index: str = INDEX) -> dict[str, str]:
    """Make the environment of a deployed function."""
    (folder / "index.py").write_text(index, encoding="utf-8")
    return {
        "LAMBDA_TASK_ROOT": str(folder),
        "INCIDENTS_LEDGER_TABLE": "ledger",
        "INCIDENTS_RETRY_QUEUE_URL": "https://retries",
        "INCIDENTS_DEAD_LETTER_QUEUE_URL": "https://dead-letters",
    }


def test_routes_travel_with_the_code(tmp_path: Path) -> None:
    """Environment and route lines become settings, with the defaults of a careful operator."""
    settings = load(environment(tmp_path))
    assert settings == Settings(
        ledger_table="ledger",
        retry_queue_url="https://retries",
        dead_letter_queue_url="https://dead-letters",
        routes={
            "Critical": Route("Critical", PLAN, impact=1, auto_resolve=True, join_for_s=60),
            "smoke-test": Route(
                "smoke-test", PLAN, title="Smoke test {reason}", quiet=True, join_for_s=43_200
            ),
        },
    )


def test_a_fallback_is_optional(tmp_path: Path) -> None:
    """An empty variable is none."""
    told = environment(tmp_path)
    assert load({**told, "INCIDENTS_FALLBACK_TOPIC_ARN": "arn:topic"}).fallback_topic_arn == "arn:topic"
    assert load({**told, "INCIDENTS_FALLBACK_TOPIC_ARN": ""}).fallback_topic_arn is None


def test_a_route_leads_to_one_of_three_destinations() -> None:
    """A plan, OpsCenter, a topic; and lists become what nobody can change."""
    lines = [
        '# {"id": "P", "response_plan_arn": "arn:p", "regions": ["eu-west-1"]}',
        '# {"id": "O", "ops_item": {}, "calendars": [{"name": "n", "state": "OPEN"}]}',
        '# {"id": "T", "topic_arn": "arn:t", "related_items": [{"title": "t", "url": "u"}]}',
    ]
    routes = routes_in(lines)
    assert [route.destination for route in routes.values()] == ["arn:p", "ops-items", "arn:t"]
    assert routes["P"].regions == ("eu-west-1",)
    assert routes["O"].calendars == ({"name": "n", "state": "OPEN"},)
    assert routes["T"].related_items == ({"title": "t", "url": "u"},)


def test_the_fallback_may_be_ops_items(tmp_path: Path) -> None:
    """As JSON; an empty variable is none."""
    told = environment(tmp_path)
    assert load(told).fallback_ops_item is None
    assert load({**told, "INCIDENTS_FALLBACK_OPS_ITEM": ""}).fallback_ops_item is None
    assert load({**told, "INCIDENTS_FALLBACK_OPS_ITEM": "{}"}).fallback_ops_item == {}
    wanted = {**told, "INCIDENTS_FALLBACK_OPS_ITEM": '{"severity": "1"}'}
    assert load(wanted).fallback_ops_item == {"severity": "1"}
    for value, message in (("{", "must be JSON"), ("[]", "must be a JSON object")):
        with pytest.raises(SettingsError, match=f"INCIDENTS_FALLBACK_OPS_ITEM {message}"):
            load({**told, "INCIDENTS_FALLBACK_OPS_ITEM": value})


def test_the_budget_is_a_number(tmp_path: Path) -> None:
    """Or what a careful operator would choose."""
    told = environment(tmp_path)
    assert (load(told).ceiling, load(told).per_cause) == (150, 20)
    chosen = load({**told, "INCIDENTS_CEILING": "7", "INCIDENTS_PER_CAUSE": "0"})
    assert (chosen.ceiling, chosen.per_cause) == (7, 0)
    for value in ("many", "-1", "1.5"):
        with pytest.raises(SettingsError, match=r"INCIDENTS_CEILING must be a number \(got"):
            load({**told, "INCIDENTS_CEILING": value})


@pytest.mark.parametrize(
    "name",
    [
        "LAMBDA_TASK_ROOT",
        "INCIDENTS_LEDGER_TABLE",
        "INCIDENTS_RETRY_QUEUE_URL",
        "INCIDENTS_DEAD_LETTER_QUEUE_URL",
    ],
)
def test_a_missing_variable_is_named(name: str, tmp_path: Path) -> None:
    """Whoever reads the log knows which one."""
    with pytest.raises(SettingsError, match=f"the environment variable {name} must be set"):
        load({**environment(tmp_path), name: ""})


def test_an_unreadable_index_is_named(tmp_path: Path) -> None:
    """The file is missing, or is no text."""
    told = environment(tmp_path)
    (tmp_path / "index.py").write_bytes(b"\xff\xfe\xff")
    with pytest.raises(SettingsError, match=r"must be readable from .*index\.py"):
        load(told)
    (tmp_path / "index.py").unlink()
    with pytest.raises(SettingsError, match=r"must be readable from .*index\.py"):
        load(told)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("# {", "index.py line 1: a route must be one JSON object"),
        ('# {"id": "A"}', "a route must have one of response_plan_arn, ops_item, topic_arn"),
        ('# {"response_plan_arn": "arn:x"}', "a route must have id"),
        ('# {"id": "", "response_plan_arn": "arn:x"}', "a route must have id"),
        ('# {"id": "A", "response_plan_arn": "arn:x", "impact": true}', r"impact must be int \(got bool\)"),
        ('# {"id": "A", "response_plan_arn": "arn:x", "quiet": 1}', r"quiet must be bool \(got int\)"),
        ('# {"id": "A", "response_plan_arn": "arn:x", "colour": 1}', "a route has no field 'colour'"),
        ('# {"id": "A", "topic_arn": "arn:x", "calendars": ["x"]}', "each of calendars must be dict"),
        ('# {"id": "A", "topic_arn": "arn:x", "related_items": [[]]}', "each of related_items must be dict"),
        ('# {"id": "A", "topic_arn": "arn:x", "regions": [1]}', "each of regions must be str"),
        ('# {"id": "A", "topic_arn": "arn:x", "ops_item": {}}', r"\(got ops_item, topic_arn\)"),
        ('# {"id": "A", "topic_arn": ""}', r"must have one of .* \(got topic_arn\)"),
    ],
)
def test_a_wrong_route_line_is_refused(line: str, message: str) -> None:
    """The message names the line, the field, the rule and what was there."""
    with pytest.raises(SettingsError, match=message):
        routes_in([line])


def test_a_route_is_there_once() -> None:
    """Two lines of one id contradict each other."""
    line = '# {"id": "A", "response_plan_arn": "arn:x"}'
    with pytest.raises(SettingsError, match="line 2: the route id 'A' must be there only once"):
        routes_in([line, line])


def test_code_and_comments_are_no_routes() -> None:
    """Only lines that begin with a comment of an object are data."""
    assert routes_in(["import x", "# a comment", '  # {"id": 1}', "{}"]) == {}
