"""The budget: repeats leave a plan's incidents to others, and a first-seen cause is always attempted."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import pytest
from incidents_runtime.budget import Budget
from incidents_runtime.entry import Cause
from incidents_runtime.ledger import KEPT_FOR

from tests.runtime.fakes import DENIED, NOW, PLAN, ROUTES, THROTTLED, LostAnswerError, World, alarm, refusal
from tests.runtime.test_admission import kill
from tests.runtime.test_held import admitted

if TYPE_CHECKING:
    from incidents_runtime.admission import Outcome

COUNTER = f":budget|{PLAN}|2026-03"


def new_world(ceiling: int = 150, per_cause: int = 20, **changes: Any) -> World:
    """Make a world with a budget."""
    world = World(routes=(replace(ROUTES[0], **changes), *ROUTES[1:]))
    budget = Budget(world.table, "ledger", world.clock, ceiling, per_cause)
    world.admission = replace(world.admission, budget=budget)
    handling = replace(world.trigger.handling, admission=world.admission)
    world.trigger = replace(world.trigger, handling=handling)
    return world


def repeat(world: World, times: int, name: str = "A", begin: int = 0) -> list[Outcome]:
    """Let a cause come and go."""
    outcomes = []
    for second in range(begin, begin + times):
        outcomes.append(admitted(world, alarm(name, at=second)))
        admitted(world, alarm(name, "OK", at=second + 0.5))
    return outcomes


def counted(world: World, counter: str = COUNTER) -> int:
    """Give what a counter says."""
    return int(world.table.items[counter]["starts"]["N"])


def test_a_cause_repeats_as_often_as_it_may() -> None:
    """Then it fails, every time, with the reason; another one is none of its business."""
    world = new_world(per_cause=3)
    outcomes = repeat(world, 5)
    assert [outcome.happened for outcome in outcomes] == [*["started"] * 3, *["failed"] * 2]
    assert [outcome.budget_used for outcome in outcomes] == [33, 66, 100, 100, 100]
    assert [outcome.over_budget for outcome in outcomes] == [*[False] * 3, *[True] * 2]
    assert outcomes[-1].reason == "budget: this cause has started 3 incidents this month, of at most 3"
    assert repeat(world, 1, "B")[0].happened == "started"
    assert counted(world) == 4


def test_below_the_ceiling_causes_repeat_and_from_it_on_only_new_ones_start() -> None:
    """The count is the plan's, whatever cause it comes from."""
    world = new_world(ceiling=4)
    assert [outcome.happened for outcome in repeat(world, 3, "A")] == ["started"] * 3
    assert [outcome.budget_used for outcome in repeat(world, 1, "B")] == [100]
    over = repeat(world, 1, "A", 9)[0]
    assert over.reason == "budget: 4 incidents of the plan this month; from 4 on causes do not repeat"
    assert (over.happened, over.over_budget, over.budget_used) == ("failed", True, 100)
    first = repeat(world, 1, "C")[0]
    assert (first.happened, first.budget_used) == ("started", 125)


def test_a_first_seen_cause_that_the_service_refuses_is_attempted_every_time() -> None:
    """The plan's own quota is used up: each one fails by the service's word, not by ours."""
    world = new_world(ceiling=0, per_cause=0)
    world.clock.time += KEPT_FOR
    world.service.fail("StartIncident", *[refusal("ServiceQuotaExceededException")] * 3)
    assert [world.outcome(alarm(at=second)) for second in range(3)] == ["failed"] * 3
    assert len(world.service.called("StartIncident")) == 3
    assert len(world.queues.sent) == len(world.topics.published) == 3


def test_a_first_seen_cause_of_a_group_is_always_attempted() -> None:
    """However often the others of its group have repeated; from then on it is one of them."""
    world = new_world(per_cause=2, dedupe_key="all of {region}")
    assert [outcome.happened for outcome in repeat(world, 3)] == ["started", "started", "failed"]
    assert [outcome.happened for outcome in repeat(world, 2, "B", 10)] == ["started", "failed"]


def test_a_cause_whose_incidents_people_close_is_no_new_one() -> None:
    """It repeats as often as it may, whoever resolves."""
    world = new_world(per_cause=2)
    happened = []
    for second in range(3):
        happened.append(admitted(world, alarm(at=second)).happened)
        for record in world.service.records.values():
            record["status"] = "RESOLVED"
    assert happened == ["started", "started", "failed"]


def test_a_new_month_is_a_new_budget() -> None:
    """Months are UTC's."""
    world = new_world(ceiling=1, per_cause=1)
    world.clock.time = datetime(2026, 3, 31, 23, 59, 50, tzinfo=timezone.utc)
    begin = int((world.clock.time - NOW).total_seconds())
    assert [outcome.happened for outcome in repeat(world, 2, begin=begin)] == ["started", "failed"]
    world.clock.time = datetime(2026, 4, 1, tzinfo=timezone.utc)
    assert [outcome.happened for outcome in repeat(world, 2, begin=begin + 60)] == ["started", "failed"]
    assert counted(world, f":budget|{PLAN}|2026-04") == 1


def test_what_joins_costs_nothing() -> None:
    """An alarm that goes on and on has its incident."""
    world = new_world(ceiling=1, per_cause=1)
    outcomes = [admitted(world, alarm(at=second)) for second in range(5)]
    assert [outcome.happened for outcome in outcomes] == ["started", *["joined"] * 4]
    assert outcomes[1].budget_used is None
    assert counted(world) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"quiet": True},
        {"response_plan_arn": None, "ops_item": {}},
    ],
)
def test_what_has_no_quota_has_no_budget(changes: dict[str, Any]) -> None:
    """OpsItems and topics; and the smoke test's own plan, lest a busy day's deployments fail."""
    world = new_world(ceiling=1, per_cause=1, **changes)
    entry = world.ledger.read("key")[0]
    route = world.routes["Critical"]
    budget = world.admission.budget
    entry = replace(entry, month="2026-03", starts=100, causes=(Cause("a"),))
    assert budget.refusal(route, entry, "a") is None
    assert budget.count(route, entry) is None
    assert world.table.items == {}


@pytest.mark.parametrize("fault", [DENIED, THROTTLED])
def test_an_unknown_count_holds_nothing_back(fault: Exception) -> None:
    """The table does not say how many there are."""
    world = new_world(ceiling=1)
    repeat(world, 1)
    reads = len(world.table.called("GetItem"))
    world.table.before_call = lambda operation: (
        world.table.fail("GetItem", fault)
        # The entry is read before the counter.
        if operation == "GetItem" and len(world.table.called("GetItem")) == reads + 1
        else None
    )
    assert admitted(world, alarm("A", at=5)).happened == "started"


@pytest.mark.parametrize("starts", [{"S": "many"}, {"N": "1e3"}, None])
def test_a_count_that_makes_no_sense_holds_nothing_back(starts: dict[str, str] | None) -> None:
    """A table that was edited by hand."""
    world = new_world(ceiling=1)
    repeat(world, 1)
    if starts is None:
        del world.table.items[COUNTER]
    else:
        world.table.items[COUNTER]["starts"] = starts
    entry, _ = world.ledger.read("Critical|alarm|arn:aws:cloudwatch:us-east-1:123456789012:alarm:A")
    assert entry.starts_in("2026-03") == 1
    (cause,) = entry.causes
    assert world.admission.budget.refusal(world.routes["Critical"], entry, cause.name) is None


def test_an_incident_that_is_not_counted_is_started_all_the_same(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The log says so; the cause's own count is still known."""
    world = new_world(per_cause=2)
    # Each start adds to two items: whose incident it is, and how many there are.
    world.table.fail("UpdateItem", DENIED, DENIED, *[LostAnswerError(THROTTLED)] * 2)
    outcomes = repeat(world, 3)
    assert [outcome.happened for outcome in outcomes] == ["started", "started", "failed"]
    assert [outcome.budget_used for outcome in outcomes] == [50, 100, 100]
    assert "an incident was not counted" in capsys.readouterr().out


def test_the_incident_of_a_dead_handler_is_counted_by_whoever_finds_it() -> None:
    """Once, however many look."""
    world = new_world()
    kill(world, world.table, "PutItem", alarm(), call=2)
    assert COUNTER not in world.table.items
    # Somebody else was faster to enter it: it is read again.
    world.table.fail("PutItem", refusal("ConditionalCheckFailedException"))
    assert admitted(world, alarm(at=1)).happened == "joined"
    assert admitted(world, alarm()).happened == "joined"
    assert counted(world) == 1


def test_a_counter_is_forgotten_like_an_entry() -> None:
    """The table's items expire."""
    world = new_world()
    repeat(world, 1)
    assert int(world.table.items[COUNTER]["expires_at"]["N"]) == int((NOW + KEPT_FOR).timestamp())
