"""The handler as Lambda finds it: built from the environment, once, at the first event."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any, cast

import pytest
from botocore.session import Session
from incidents_runtime import clients, trigger
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
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def deployed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """Deploy the handler over the fakes."""
    world = World()
    told = environment(tmp_path)
    told |= {"INCIDENTS_DEAD_LETTER_QUEUE_URL": DEAD_LETTERS, "INCIDENTS_RETRY_QUEUE_URL": RETRIES}
    for name, value in {**told, "AWS_LAMBDA_FUNCTION_NAME": "incidents"}.items():
        monkeypatch.setenv(name, value)
    services: dict[str, Any] = {
        "sqs": world.queues,
        "sns": world.topics,
        "dynamodb": world.table,
        "ssm-incidents": world.service,
        "ssm": world.ops_center,
    }
    made: list[str] = []

    def create_client(_: Session, service: str, **__: object) -> Any:
        made.append(service)
        return services[service]

    monkeypatch.setattr(Session, "create_client", create_client)
    monkeypatch.setattr(world, "made", made, raising=False)
    monkeypatch.setattr(world, "clients", services, raising=False)
    forget()
    yield world
    forget()


def forget() -> None:
    """Be a function that has just been started."""
    trigger._trigger.cache_clear()
    clients.client.cache_clear()


def test_clients_are_made_once(deployed: World) -> None:
    """At the first event, and never again."""
    for _ in range(2):
        handler(alarm(), FakeContext(deployed.clock, "Critical"))
    assert sorted(cast("Any", deployed).made) == ["dynamodb", "ssm-incidents"]
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
    forget()
    calendars.states["Freeze"] = ("OPEN", None)
    (waiting,) = deployed.queues.waiting
    handler({"Records": [received(waiting)]}, FakeContext(deployed.clock, "retry"))
    assert len(alarms.called("DescribeAlarms")) == 1
    assert deployed.service.records == {}


def test_what_is_raised_tells_no_secret(deployed: World) -> None:
    """Lambda writes it to the log as it is."""
    told = refusal("ExpiredTokenException", 403, "password=hunter2")
    deployed.service.fail("StartIncident", *[told] * 3)
    with pytest.raises(NotHandled, match=r"ExpiredTokenException: .*password=\*\*\*") as caught:
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


def test_what_every_alarm_needs_is_made_before_the_first(
    deployed: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While Lambda loads the function, which then has a whole processor; the event makes no more of them."""
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    trigger.prepare()
    assert cast("Any", deployed).made == ["dynamodb", "ssm-incidents"]
    handler(alarm(), FakeContext(deployed.clock, "Critical"))
    assert cast("Any", deployed).made == ["dynamodb", "ssm-incidents"]


def test_what_cannot_be_made_beforehand_fails_no_import(
    deployed: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The event fails by it, which Lambda keeps."""
    broken = dict(cast("Any", deployed).clients)
    cast("Any", deployed).clients.clear()
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    trigger.prepare()
    with pytest.raises(NotHandled, match="KeyError: 'dynamodb'"):
        handler(alarm(), FakeContext(deployed.clock, "Critical"))
    cast("Any", deployed).clients.update(broken)
    assert handler(alarm(), FakeContext(deployed.clock, "Critical"))["outcomes"][0]["outcome"] == "started"


def loaded(code: str, of: str) -> list[str]:
    """Run code in an interpreter of its own, and name the modules of some packages that are loaded then."""
    paths = [path for path in sys.path if path.endswith("_runtime")]
    names = f"name for name in sys.modules if name.partition('.')[0] in {of.split()}"
    told = f"{code}; import sys; print(*({names}))"
    ran = subprocess.run(
        [sys.executable, "-c", told], env={"PYTHONPATH": paths[0]}, capture_output=True, text=True, check=True
    )
    return ran.stdout.split()


def test_a_start_loads_what_an_alarm_needs() -> None:
    """Neither boto3, nor other destinations, nor what reads other events, nor the smoke test."""
    code = "from incidents_runtime.cold_start import handler; import gc; assert gc.isenabled()"
    names = {name.rpartition(".")[2] for name in loaded(code, "incidents_runtime boto3 s3transfer")}
    assert names >= {"trigger", "opened", "incidents", "ledger"}
    assert names.isdisjoint({"boto3", "s3transfer", "ops_items", "topics", "smoke_test", "recovered"})
    assert names.isdisjoint({"alarm_messages", "devops_guru", "health", "manual", "messages"})


def test_the_runtime_imports_neither_cdk_nor_the_package() -> None:
    """It stands alone in Lambda."""
    assert (
        loaded("import incidents_runtime.trigger", "aws_cdk jsii cdk_incidents mypy_boto3_ssm_incidents")
        == []
    )


def test_the_real_clock() -> None:
    """It tells the time in UTC, waits, and differs from one function to the next."""
    clock = SystemClock()
    before = clock.now()
    clock.sleep(0.001)
    assert clock.now() > before
    assert before.utcoffset() == FakeClock().now().utcoffset()
    assert 0 <= clock.jitter() < 1
    assert clock.jitter() != clock.jitter()
