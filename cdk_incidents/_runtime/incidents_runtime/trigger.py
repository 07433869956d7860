"""The trigger's handler: read, admit, start, report."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol

import boto3
from botocore.config import Config

from incidents_runtime import deliveries, incidents, ledger, settings
from incidents_runtime.admission import Admission, Outcome
from incidents_runtime.budget import Budget
from incidents_runtime.clock import Clock, Deadline, SystemClock
from incidents_runtime.dead_letters import DeadLetters
from incidents_runtime.destinations import Destinations, ServiceError
from incidents_runtime.errors import describe
from incidents_runtime.ledger import milliseconds
from incidents_runtime.own_alarms import unless_our_own
from incidents_runtime.shapes import mapping, text
from incidents_runtime.signals import UnreadableEvent, read
from incidents_runtime.start_request import mark_of, title
from incidents_runtime.telemetry import count, log
from incidents_runtime.templates import ledger_key

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from incidents_runtime.dead_letters import QueueClient
    from incidents_runtime.deliveries import Delivery, Message
    from incidents_runtime.settings import Route, Settings
    from incidents_runtime.signal_model import Signal

RETRY_ALIAS = "retry"
# Known by its name too, so that not even a function that lost its routes pages anybody for a smoke test.
QUIET_ALIAS = "smoke-test"
# A deployment changes the role before the aliases move, and IAM takes some minutes to tell everybody: so long
# after a signal, a denial is tried again, by Lambda and then by the retry queue.
_ACCESS_SETTLES_IN = timedelta(minutes=15)
# Below this the rest of a batch goes back unread: a signal that is begun needs time to end.
_ONE_MESSAGE_S = 14.0
_FIRST_BACKOFF_S = 10
_LONGEST_BACKOFF_S = 300
_METRICS = {
    "started": "Started",
    "joined": "Joined",
    "resolved": "Resolved",
    "ignored": "Ignored",
    "suppressed": "Suppressed",
}


class Context(Protocol):
    """What the handler asks of Lambda's context."""

    @property
    def invoked_function_arn(self) -> str:
        """The ARN that was invoked, with the alias."""

    def get_remaining_time_in_millis(self) -> int:
        """Tell how long the invocation may still take."""


@dataclass(frozen=True)
class Trigger:
    """Everything that the handler works with."""

    settings: Settings
    admission: Admission
    dead_letters: DeadLetters
    queues: QueueClient
    clock: Clock
    most_receives: Callable[[], int | None]
    """After how many receives the retry queue gives a message up."""

    def handle(self, event: object, context: Context) -> dict[str, Any]:
        """Handle an invocation.

        Parameters
        ----------
        event
            Anything.
        context
            Lambda's context.

        Returns
        -------
        dict
            What became of the event, or which messages of a batch must come again.

        Raises
        ------
        Exception
            Nothing is decided, so Lambda must invoke again, and in the end keep the event in the retry queue.
        """
        delivery = deliveries.straight(event, context.invoked_function_arn)
        deadline = Deadline(context.get_remaining_time_in_millis)
        messages = deliveries.batch(event) if delivery.alias == RETRY_ALIAS else None
        if messages is not None:
            return self._drain(messages, context.invoked_function_arn, deadline)
        try:
            return self._deliver(delivery, deadline)
        except Exception as error:
            # Lambda invokes again, and in the end puts the event into the retry queue.
            log("ERROR", "signal not handled yet", route=delivery.alias, reason=describe(error))
            raise

    # --- the retry queue

    def _drain(self, records: list[object], invoked_arn: str, deadline: Deadline) -> dict[str, Any]:
        failed = []
        for number, record in enumerate(records):
            message = deliveries.Message.of(record)
            enough_time = number == 0 or deadline.allows(_ONE_MESSAGE_S)
            if not (enough_time and self._done(message, invoked_arn, deadline)):
                failed.append({"itemIdentifier": message.id})
        return {"batchItemFailures": failed}

    def _done(self, message: Message, invoked_arn: str, deadline: Deadline) -> bool:
        """Handle a message; False leaves it in the queue for another time."""
        delivery = deliveries.once_more(message, invoked_arn)
        try:
            self._deliver(delivery, deadline)
        except Exception as error:  # noqa: BLE001 - whatever it is, the message stays or ends as a dead letter
            if self._is_quiet(delivery):
                return True
            reason = describe(error)
            most = self.most_receives()
            if most is not None and message.receive_count >= most - 1:
                return self._given_up(delivery, f"given up after {message.receive_count} tries: {reason}")
            self._hide(message, reason)
            return False
        return True

    def _given_up(self, delivery: Delivery, reason: str) -> bool:
        try:
            self._fail(delivery, reason, _titles(delivery, self.settings, self.clock.now()))
        except Exception as error:  # noqa: BLE001 - then the queue gives it up by itself
            log(
                "ERROR",
                "the dead-letter queue did not take the event",
                route=delivery.alias,
                reason=describe(error),
            )
            return False
        return True

    def _hide(self, message: Message, reason: str) -> None:
        longest = min(_LONGEST_BACKOFF_S, _FIRST_BACKOFF_S * 2 ** min(message.receive_count - 1, 10))
        seconds = int(longest * (0.5 + self.clock.jitter() / 2))
        log("WARNING", "tried again later", message_id=message.id, tries=message.receive_count, reason=reason)
        try:
            self.queues.change_message_visibility(
                QueueUrl=self.settings.retry_queue_url,
                ReceiptHandle=message.receipt_handle,
                VisibilityTimeout=seconds,
            )
        except Exception as error:  # noqa: BLE001 - the queue's own time-out brings it back too
            log("WARNING", "a message was not hidden", message_id=message.id, reason=describe(error))

    def _is_quiet(self, delivery: Delivery) -> bool:
        route = self.settings.routes.get(delivery.alias)
        return delivery.alias == QUIET_ALIAS if route is None else route.quiet

    # --- one event

    def _deliver(self, delivery: Delivery, deadline: Deadline) -> dict[str, Any]:
        """Handle an event to its end; an exception means that it must come again."""
        route = self.settings.routes.get(delivery.alias)
        if route is None and delivery.alias == QUIET_ALIAS:
            raise LookupError(f"no route is named {QUIET_ALIAS!r}")
        if route is None:
            return self._fail(
                delivery, f"no route is named {delivery.alias!r}", ("A signal without a route",)
            )
        try:
            signals = read(delivery.event, self.clock.now())
        except UnreadableEvent as error:
            if route.quiet:
                raise
            return self._fail(delivery, f"unreadable: {error}", ("An event that cannot be read",))
        if not route.quiet:
            signals = tuple(
                unless_our_own(signal, self.dead_letters.trigger, self.settings) for signal in signals
            )
        started_by = f"{delivery.function_arn}:{route.id}"
        outcomes = [(signal, self._admit(signal, route, started_by, deadline)) for signal in signals]
        failed = [(signal, outcome) for signal, outcome in outcomes if outcome.happened == "failed"]
        if failed:
            missing = tuple(title(signal, route) for signal, _ in failed if signal.transition == "opened")
            return self._fail(delivery, "; ".join(outcome.reason for _, outcome in failed), missing)
        return {"outcomes": [_told(outcome) for _, outcome in outcomes]}

    def _admit(self, signal: Signal, route: Route, started_by: str, deadline: Deadline) -> Outcome:
        try:
            outcome = self.admission.admit(signal, route, started_by, deadline)
        except ServiceError as error:
            # A failed smoke test is the deployment's to report, and nobody's to be paged for.
            if route.quiet or error.may_pass or self._access_may_come(error, signal):
                raise
            return Outcome("failed", reason=f"the service refused: {error}")
        self._report(signal, route, outcome)
        return outcome

    def _access_may_come(self, error: ServiceError, signal: Signal) -> bool:
        # By the signal's age, not the function's: an old container meets a new role too.
        return error.kind == "access" and self.clock.now() < signal.time + _ACCESS_SETTLES_IN

    def _report(self, signal: Signal, route: Route, outcome: Outcome) -> None:
        log(
            "INFO",
            f"signal {outcome.happened}",
            route=route.id,
            key=ledger_key(signal, route),
            signal=mark_of(signal, route),
            transition=signal.transition,
            time=signal.time.isoformat(),
            incident_record_arn=outcome.record,
            reason=outcome.reason if signal.transition != "ignored" else signal.reason[:200],
            resolved_at_once=outcome.resolved_at_once or None,
        )
        figures = {_METRICS[outcome.happened]: 1}
        now = self.clock.now()
        if outcome.happened == "started":
            figures["TimeToStart"] = max(0, milliseconds(now) - milliseconds(signal.time))
        if outcome.resolved_at_once:
            figures["Resolved"] = 1
        self._count(route, now, figures)

    def _count(self, route: Route, now: datetime, figures: Mapping[str, int]) -> None:
        if not route.quiet:
            count(self.dead_letters.trigger, route.id, milliseconds(now), **figures)

    def _fail(self, delivery: Delivery, reason: str, titles: tuple[str, ...]) -> dict[str, Any]:
        route = delivery.alias or "unknown"
        log("ERROR", "signal failed", route=route, reason=reason)
        count(self.dead_letters.trigger, route, milliseconds(self.clock.now()), Failed=1)
        self.dead_letters.add(delivery.event, route, reason, titles)
        return {"outcomes": [_told(Outcome("failed", reason=reason))]}


def _told(outcome: Outcome) -> dict[str, Any]:
    return {"outcome": outcome.happened, "incident_record_arn": outcome.record, "reason": outcome.reason}


def _titles(delivery: Delivery, known: Settings, now: datetime) -> tuple[str, ...]:
    """Name the incidents that there should have been."""
    route = known.routes.get(delivery.alias)
    try:
        signals = read(delivery.event, now)
    except UnreadableEvent:
        return ("An event that cannot be read",)
    if route is None:
        return tuple(signal.title for signal in signals)
    return tuple(title(signal, route) for signal in signals if signal.transition == "opened")


@lru_cache(maxsize=1)
def _trigger() -> Trigger:
    """Make the trigger once, at the first event: importing this file costs and fails nothing."""
    known = settings.load(os.environ)
    clock = SystemClock()
    quick = Config(connect_timeout=1, read_timeout=4, retries={"total_max_attempts": 2, "mode": "standard"})
    queues = boto3.client("sqs", config=quick)
    tables = boto3.client("dynamodb", config=ledger.CONFIG)
    return Trigger(
        settings=known,
        admission=Admission(
            ledger.Ledger(tables, known.ledger_table, clock),
            Destinations(incidents.Incidents(boto3.client("ssm-incidents", config=incidents.CONFIG), clock)),
            clock,
            Budget(tables, known.ledger_table, clock, known.ceiling, known.per_cause),
        ),
        dead_letters=DeadLetters(
            queues,
            boto3.client("sns", config=quick),
            known,
            os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "trigger"),
        ),
        queues=queues,
        clock=clock,
        most_receives=lru_cache(maxsize=1)(lambda: most_receives_of(queues, known.retry_queue_url)),
    )


def most_receives_of(queues: QueueClient, url: str) -> int | None:
    """Ask a queue after how many receives it gives a message up.

    Parameters
    ----------
    queues
        SQS's client.
    url
        The queue.

    Returns
    -------
    int or None
        The number, or None if the queue does not say: then it gives up by itself.
    """
    try:
        attributes = queues.get_queue_attributes(QueueUrl=url, AttributeNames=["RedrivePolicy"])
        policy = mapping(json.loads(text(mapping(attributes.get("Attributes")).get("RedrivePolicy"))))
        return int(policy["maxReceiveCount"])
    except Exception as error:  # noqa: BLE001 - it must not stand in the way of the message
        log("WARNING", "the retry queue does not say when it gives up", reason=describe(error))
        return None


def handler(event: object, context: Context) -> dict[str, Any]:
    """Turn an event into incidents: what Lambda calls.

    Parameters
    ----------
    event
        Anything.
    context
        Lambda's context.

    Returns
    -------
    dict
        What became of it.
    """
    return _trigger().handle(event, context)
