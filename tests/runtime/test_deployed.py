"""The handler as Lambda finds it: built from the environment, once, at the first event."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any, cast

import boto3
import pytest
from incidents_runtime import trigger
from incidents_runtime.clock import SystemClock
from incidents_runtime.trigger import NotHandled, handler, most_receives_of

from tests.runtime.fakes import (
    DEAD_LETTERS,
    DENIED,
    PLAN,
    RETRIES,
    TOPIC,
    FakeClock,
    FakeContext,
    FakeQueues,
    World,
    alarm,
    message,
    received,
    refusal,
)
from tests.runtime.test_settings import environment
from tests.runtime.test_suppression import FakeAlarms, FakeCalendars

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def deployed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """Deploy the handler over the fakes."""
    world = World()
    told = environment(tmp_path)
    told |= {"INCIDENTS_DEAD_LETTER_QUEUE_URL": DEAD_LETTERS, "INCIDENTS_RETRY_QUEUE_URL": RETRIES}
    for name, value in {**told, "AWS_LAMBDA_FUNCTION_NAME": "incidents"}.items():
        monkeypatch.setenv(name, value)
    clients: dict[str, Any] = {
        "sqs": world.queues,
        "sns": world.topics,
        "dynamodb": world.table,
        "ssm-incidents": world.service,
        "ssm": world.ops_center,
    }
    made: list[str] = []

    def client(service: str, **_: object) -> Any:
        made.append(service)
        return clients[service]

    monkeypatch.setattr(boto3, "client", client)
    monkeypatch.setattr(world, "made", made, raising=False)
    monkeypatch.setattr(world, "clients", clients, raising=False)
    trigger._trigger.cache_clear()
    return world


def test_clients_are_made_once(deployed: World) -> None:
    """At the first event, and never again."""
    for _ in range(2):
        handler(alarm(), FakeContext(deployed.clock, "Critical"))
    assert sorted(cast("Any", deployed).made) == ["dynamodb", "sqs", "ssm-incidents"]
    assert len(deployed.service.records) == 1


def test_the_fallbacks_client_is_made_when_there_is_something_to_tell(
    deployed: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A topic's or OpsCenter's, once."""
    monkeypatch.setenv("INCIDENTS_FALLBACK_TOPIC_ARN", TOPIC)
    monkeypatch.setenv("INCIDENTS_FALLBACK_OPS_ITEM", '{"severity": "2"}')
    for _ in range(2):
        handler({}, FakeContext(deployed.clock, "Critical"))
    assert len(deployed.topics.published) == 2
    assert len(deployed.ops_center.items) == 1
    assert sorted(cast("Any", deployed).made) == ["dynamodb", "sns", "sqs", "ssm"]


def test_calendars_and_alarms_are_asked_in_the_own_account_and_region(
    deployed: World, tmp_path: Path
) -> None:
    """What the handler is made with: a window holds a signal back, its alarm says what came of it."""
    route = {
        "id": "Critical",
        "response_plan_arn": PLAN,
        "calendars": [{"name": "Freeze", "state": "CLOSED"}],
    }
    environment(tmp_path, f"# {json.dumps(route)}\n")
    calendars, alarms = FakeCalendars(), FakeAlarms()
    calendars.states["Freeze"] = ("CLOSED", None)
    alarms.states["ServerCpuTooHigh"] = ("MetricAlarm", "OK")
    cast("Any", deployed).clients.update({"ssm": calendars, "cloudwatch": alarms})
    (outcome,) = handler(alarm(), FakeContext(deployed.clock, "Critical"))["outcomes"]
    assert outcome["reason"] == "the calendar Freeze, which is CLOSED"
    trigger._trigger.cache_clear()
    calendars.states["Freeze"] = ("OPEN", None)
    (waiting,) = deployed.queues.waiting
    handler({"Records": [received(waiting)]}, FakeContext(deployed.clock, "retry"))
    assert len(alarms.called("DescribeAlarms")) == 1
    assert deployed.service.records == {}


def test_what_is_raised_tells_no_secret(deployed: World) -> None:
    """Lambda writes it to the log as it is."""
    told = refusal("ThrottlingException", 429, "password=hunter2")
    deployed.service.fail("StartIncident", *[told] * 3)
    with pytest.raises(NotHandled, match=r"ThrottlingException: .*password=\*\*\*") as caught:
        handler(alarm(), FakeContext(deployed.clock, "Critical"))
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_the_queue_is_asked_once_for_its_limit(deployed: World) -> None:
    """When the first message fails."""
    deployed.queues.most_receives = 5
    for number in range(2):
        deployed.queues.fail("SendMessage", DENIED, DENIED)
        batch = {"Records": [message({}, receives=4, number=number)]}
        handler(batch, FakeContext(deployed.clock, "retry"))
    assert len(deployed.queues.called("GetQueueAttributes")) == 1


def test_wrong_settings_fail_every_event_and_no_import(
    deployed: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that Lambda keeps the events, and goes on when the settings are mended."""
    monkeypatch.setenv("INCIDENTS_LEDGER_TABLE", "")
    with pytest.raises(NotHandled, match=r"SettingsError: .* INCIDENTS_LEDGER_TABLE"):
        handler(alarm(), FakeContext(deployed.clock, "Critical"))
    monkeypatch.setenv("INCIDENTS_LEDGER_TABLE", "ledger")
    assert handler(alarm(), FakeContext(deployed.clock, "Critical"))["outcomes"][0]["outcome"] == "started"


def test_a_queue_that_does_not_say_its_limit_gives_up_by_itself() -> None:
    """Nothing stands in the way of the message."""
    queues = FakeQueues(most_receives=7)
    assert most_receives_of(queues, RETRIES) == 7
    queues.fail("GetQueueAttributes", DENIED)
    assert most_receives_of(queues, RETRIES) is None


def test_the_runtime_imports_neither_cdk_nor_the_package() -> None:
    """It stands alone in Lambda."""
    code = (
        "import sys; import incidents_runtime.trigger; "
        "strangers = ('aws_cdk', 'jsii', 'cdk_incidents', 'mypy_boto3_ssm_incidents'); "
        "print([name for name in sys.modules if name.split('.')[0] in strangers])"
    )
    paths = [path for path in sys.path if path.endswith("_runtime")]
    answer = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": paths[0]}, capture_output=True, text=True, check=True
    )
    assert answer.stdout.strip() == "[]"


def test_the_real_clock() -> None:
    """It tells the time in UTC, waits, and differs from one function to the next."""
    clock = SystemClock()
    before = clock.now()
    clock.sleep(0.001)
    assert clock.now() > before
    assert before.utcoffset() == FakeClock().now().utcoffset()
    assert 0 <= clock.jitter() < 1
    assert clock.jitter() != clock.jitter()
