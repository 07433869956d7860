"""The arithmetic of the costs, held to what the function asks for and to what the constructs synthesise."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import pytest

import cdk_incidents as incidents
from cdk_incidents._trigger_metrics import TriggerMetrics
from tests.runtime.fakes import World, alarm
from tests.synthesis import Synth

if TYPE_CHECKING:
    from collections.abc import Mapping

PAGE = (Path(__file__).parents[2] / "docs" / "costs.md").read_text()
SIGNALS = 1000
CALL_S = 0.02
"""What the page reckons a call with."""


def cells(first: str) -> list[float]:
    """Return the figures of the page's row that begins so."""
    (row,) = re.findall(rf"^\| {re.escape(first)} \| (.+) \|$", PAGE, re.MULTILINE)
    return [float(cell.strip().replace(",", "")) for cell in row.split("|")]


def size(value: Mapping[str, Any]) -> int:
    """Return the bytes of an attribute's value, as DynamoDB counts them.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
    """
    ((kind, content),) = value.items()
    if kind == "S":
        return len(content.encode())
    if kind == "N":
        return math.ceil(len(content) / 2) + 1
    if kind == "L":
        return 3 + sum(1 + size(element) for element in content)
    if kind == "M":
        return 3 + sum(1 + len(name) + size(element) for name, element in content.items())
    return len(json.dumps(content))


def size_of_entry(world: World) -> int:
    """Return the bytes of the ledger's only item."""
    return size_of_item(world.entry())


def size_of_item(item: Mapping[str, Mapping[str, Any]]) -> int:
    """Return the bytes of an item."""
    return sum(len(name) + size(value) for name, value in item.items())


@pytest.mark.parametrize(
    ("first", "before", "event"),
    [
        ("open an incident", [], alarm()),
        ("join an open one", [alarm(), alarm(at=60), alarm(at=120)], alarm(at=180)),
        ("resolve one", [alarm()], alarm(state="OK", at=180)),
    ],
)
def test_what_a_signal_asks_for(
    first: str, before: list[Any], event: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """A thousand of a kind make as many calls as its row says, and as many bytes of log at most."""
    world = World()
    for earlier in before:
        world.deliver(earlier)
    world.table.calls.clear()
    world.service.calls.clear()
    capsys.readouterr()
    world.deliver(event)
    log = capsys.readouterr().out

    table = Counter("read" if name == "GetItem" else "write" for name, _ in world.table.calls)
    calls = table.total() + len(world.service.calls)
    requests, gb_s, reads, writes, of_the_service, log_mb = cells(first)
    assert (requests, reads, writes, of_the_service) == (
        SIGNALS,
        SIGNALS * table["read"],
        SIGNALS * table["write"],
        SIGNALS * len(world.service.calls),
    )
    assert gb_s == SIGNALS * calls * CALL_S * 0.25
    assert len(log) * SIGNALS / 1e6 <= log_mb < 1.5 * len(log) * SIGNALS / 1e6
    # The third signal that joins, for one, is no power of two, and writes no note.
    assert not world.queues.calls
    assert not world.topics.calls
    verb = first.partition(" ")[0]
    assert re.search(rf"\b{calls} to {verb}", PAGE)


def test_what_a_cause_takes_of_the_table() -> None:
    """Its item grows by what the page says, and no further."""
    world = World()
    sizes = []
    for number in range(60):
        world.deliver(alarm(at=60.0 * number))
        sizes.append(size_of_entry(world) / 1000)
    first, each, most, joined = map(
        float, re.findall(r"is ([\d.]+) KB and grows by ([\d.]+) with .+\n  to ([\d.]+) KB at (\d+)", PAGE)[0]
    )
    assert sizes[0] == pytest.approx(first, abs=0.05)
    assert sizes[1] - sizes[0] == pytest.approx(each, abs=0.01)
    assert max(sizes) == sizes[-1] == sizes[int(joined)] == pytest.approx(most, abs=0.1)
    units, reads = re.findall(r"then a write is (\d+) units, and a read (\d+)", PAGE)[0]
    assert (int(units), int(reads)) == (math.ceil(max(sizes)), math.ceil(max(sizes) / 4))


def metrics_of(alarm: Mapping[str, Any]) -> int:
    """Return how many metrics an alarm looks at."""
    return sum("MetricStat" in query for query in alarm.get("Metrics", [])) or 1


def test_what_is_billed_while_nothing_happens() -> None:
    """Alarms by the metrics that they look at, plans, and the memory that GB-seconds are reckoned with."""
    app = cdk.App()
    stacks = [cdk.Stack(app, name) for name in ("Alone", "Proven", "ProvenDaily")]
    for stack in stacks:
        plan = incidents.ResponsePlan.from_response_plan_name(stack, "Plan", "checkout")
        trigger = incidents.IncidentTrigger(stack, "Trigger")
        trigger.add_route("Critical", response_plan=plan)
        if stack is not stacks[0]:
            every = cdk.Duration.days(1) if stack is stacks[-1] else None
            incidents.SmokeTest(stack, "SmokeTest", trigger=trigger, every=every)
    billed = []
    for stack in stacks:
        found = Synth(stack).resources.values()
        alarms = [body["Properties"] for body in found if body["Type"] == "AWS::CloudWatch::Alarm"]
        plans = sum(body["Type"] == "AWS::SSMIncidents::ResponsePlan" for body in found)
        billed.append((sum(map(metrics_of, alarms)), plans))
    (function,) = (
        body["Properties"] for body in found if "INCIDENTS_LEDGER_TABLE" in json.dumps(body["Properties"])
    )
    trigger_only, once, daily = billed
    for index, row in enumerate(
        ("[alarm metrics](https://aws.amazon.com/cloudwatch/pricing/)", "response plans")
    ):
        assert cells(row) == [
            trigger_only[index],
            once[index] - trigger_only[index],
            daily[index] - once[index],
        ]
    assert f"look at {trigger_only[0]}." in PAGE
    assert (function["MemorySize"], function["Architectures"]) == (256, ["arm64"])


def test_how_many_metrics_there_are() -> None:
    """Each that a trigger names, by the trigger and by the route."""
    names = [name for name in vars(TriggerMetrics) if name.startswith("metric_")]
    (said,) = re.findall(r"(\d+) names, (\d+) metrics with one\s+route and (\d+) more", PAGE)
    assert list(map(int, said)) == [len(names), 2 * len(names), len(names)]


def test_the_receives_of_an_empty_queue() -> None:
    """What the page reckons comes out."""
    (said,) = re.findall(r"(\d+) \S (\d+) a minute \S ([\d,]+) minutes", PAGE)
    readers, a_minute, minutes = (int(number.replace(",", "")) for number in said)
    assert (a_minute, minutes) == (60 // 20, 30 * 24 * 60)
    receives, *others = cells("[receives of an empty queue](https://aws.amazon.com/sqs/pricing/)")
    assert receives == readers * a_minute * minutes
    assert others == [0, 0]


def test_the_example(capsys: pytest.CaptureFixture[str]) -> None:
    """A hundred causes take a hundred times what one takes."""
    world = World()
    for number in range(9):
        world.deliver(alarm(at=60.0 * number))
        world.clock.sleep(60)
    world.deliver(alarm(state="OK", at=600))
    log_mb = len(capsys.readouterr().out) * 100 / 1e6
    reads = sum(name == "GetItem" for name, _ in world.table.calls)
    items = [written.get("Item") for name, written in world.table.calls if name != "GetItem"]
    # What is only added to is small.
    writes = sum(1 if item is None else math.ceil(size_of_item(item) / 1024) for item in items)
    calls = len(world.table.calls) + sum(name != "CreateTimelineEvent" for name, _ in world.service.calls)
    said = re.findall(r"= (\d+) GB-seconds, ([\d,]+) reads, ([\d,]+) writes, ([\d.]+) MB", PAGE)[0]
    gb_s, *others = (float(number.replace(",", "")) for number in said)
    assert gb_s == pytest.approx(calls * CALL_S * 0.25 * 100)
    assert others == [reads * 100, writes * 100, round(log_mb, 1)]
