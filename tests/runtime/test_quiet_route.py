"""However it fails, the quiet route reaches nobody: no queue, no fallback, no metric, no budget."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ReadTimeoutError

from tests.runtime.fakes import (
    DENIED,
    INTERNAL,
    THROTTLED,
    World,
    alarm,
    failure_record,
    figures,
    message,
    refusal,
)

if TYPE_CHECKING:
    from collections.abc import Callable

QUIET = "smoke-test"
ODD = ReadTimeoutError(endpoint_url="https://example.com")
CANARY = alarm("Canary", reason="Smoke test of Shop (1 2)")


def straight(world: World, event: object) -> None:
    """By the alias, as CloudWatch does; Lambda discards what is raised."""
    with contextlib.suppress(Exception):
        world.deliver(event, QUIET)


def by_an_own_queue(world: World, event: object) -> None:
    """By a queue that somebody has put before the alias; nothing may stay in it."""
    assert world.deliver({"Records": [message(event)]}, QUIET) == {"batchItemFailures": []}


def by_the_retry_queue(world: World, event: object) -> None:
    """As a failure record that should not have come there; nothing may stay in it, whichever try it is."""
    for receives in (1, world.queues.most_receives):
        record = message(failure_record(event, QUIET), receives=receives)
        assert world.deliver({"Records": [record]}, "retry") == {"batchItemFailures": []}


def fails(place: str, operation: str, error: Exception) -> Callable[[World], None]:
    """Let one operation fail for good."""

    def break_it(world: World) -> None:
        getattr(world, place).fail(operation, *[error] * 50)

    return break_it


def without_its_route(world: World) -> None:
    """Let the function have lost what the quiet route means."""
    world.routes.pop(QUIET)


def budget_is_spent(world: World) -> None:
    """Let there be more incidents than any budget allows."""
    for number in range(25):
        world.deliver(alarm("Canary", at=number * 2.0), QUIET)
        world.deliver(alarm("Canary", "OK", at=number * 2.0 + 1), QUIET)


FAILURES = {
    **{
        f"{operation}: {kind}": fails("service", operation, error)
        for operation in ("GetResponsePlan", "StartIncident")
        for kind, error in {
            "throttled": THROTTLED,
            "denied": DENIED,
            "down": INTERNAL,
            "refused token": refusal("ConflictException", 409),
            "invalid": refusal("ValidationException"),
            "quota": refusal("ServiceQuotaExceededException", 402),
            "silence": ODD,
        }.items()
    },
    "table unread": fails("table", "GetItem", DENIED),
    "table unwritten": fails("table", "PutItem", THROTTLED),
    "table unadded": fails("table", "UpdateItem", ODD),
    "no route": without_its_route,
    "budget": budget_is_spent,
}


@pytest.mark.parametrize("door", [straight, by_an_own_queue, by_the_retry_queue])
@pytest.mark.parametrize("failure", FAILURES.values(), ids=FAILURES)
def test_failures_reach_nobody(
    failure: Callable[[World], None],
    door: Callable[[World, object], None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    """By whatever door it comes and whatever is broken: the deployment reports it, and nobody else."""
    world = World()
    failure(world)
    door(world, CANARY)
    door(world, alarm("Canary", "OK", at=100.0))
    reaches_nobody(world, capsys)


@pytest.mark.parametrize("door", [straight, by_an_own_queue, by_the_retry_queue])
@pytest.mark.parametrize("event", [{}, [], "odd", {"alarmArn": "x", "alarmData": {}}])
def test_what_cannot_be_read_reaches_nobody(
    event: object, door: Callable[[World, object], None], capsys: pytest.CaptureFixture[str]
) -> None:
    """Not even as a dead letter."""
    world = World()
    door(world, event)
    reaches_nobody(world, capsys)


def test_resolution_that_fails_reaches_nobody(capsys: pytest.CaptureFixture[str]) -> None:
    """The smoke test removes the incident itself, and says so."""
    world = World()
    world.deliver(CANARY, QUIET)
    world.service.fail("UpdateIncidentRecord", *[DENIED] * 50)
    for door in (straight, by_an_own_queue, by_the_retry_queue):
        door(world, alarm("Canary", "OK", at=1.0))
    reaches_nobody(world, capsys)


def test_budget_of_the_others_is_left_alone() -> None:
    """The quiet route counts for no plan, and the others' counts hold it back never."""
    world = World()
    budget_is_spent(world)
    assert len(world.service.called("StartIncident")) == 25
    assert [key for key in world.table.items if key.startswith(":budget")] == []


def reaches_nobody(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """Hold that nothing has left the trigger."""
    assert world.queues.calls == []
    assert world.topics.calls == []
    assert world.ops_center.calls == []
    assert figures(capsys.readouterr().out) == {}
    assert [key for key in world.table.items if key.startswith(":budget")] == []
