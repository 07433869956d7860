"""The trigger's handler: read, admit, start, report."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, Protocol

from botocore.config import Config

from incidents_runtime import calls, deliveries, gateways, ledger, settings, suppression
from incidents_runtime.admission import Admission
from incidents_runtime.budget import Budget
from incidents_runtime.clients import OnDemand, client
from incidents_runtime.clock import Deadline, SystemClock
from incidents_runtime.dead_letters import DeadLetters
from incidents_runtime.errors import TurnLater, describe, kind_of
from incidents_runtime.handling import Handled, Handling
from incidents_runtime.redaction import redacted
from incidents_runtime.retries import Retries
from incidents_runtime.shapes import mapping, text
from incidents_runtime.suppression import Suppression
from incidents_runtime.telemetry import about, log

if TYPE_CHECKING:
    from incidents_runtime.dead_letters import QueueClient
    from incidents_runtime.deliveries import Delivery, Message

RETRY_ALIAS = "retry"
# Below this the rest of a batch waits: a signal that is begun needs time to end.
_ONE_MESSAGE_S = 14.0


class Context(Protocol):
    """What the handler asks of Lambda's context."""

    @property
    def invoked_function_arn(self) -> str:
        """The ARN that was invoked, with the alias."""

    def get_remaining_time_in_millis(self) -> int:
        """Tell how long the invocation may still take."""


class NotHandled(Exception):  # noqa: N818 - Lambda shows it as the state of the event
    """An event must come again; the message says why, without what looks like a secret."""


@dataclass(frozen=True)
class Trigger:
    """Everything that the handler works with."""

    handling: Handling
    retries: Retries

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
        deadline = Deadline(context.get_remaining_time_in_millis, patient=delivery.alias == RETRY_ALIAS)
        messages = deliveries.batch(event)
        with about(route=delivery.alias):
            if messages is None:
                return self._invoked(delivery, deadline)
            return self._batch(messages, context.invoked_function_arn, deadline)

    def _invoked(self, delivery: Delivery, deadline: Deadline) -> dict[str, Any]:
        try:
            handled = self.handling.deliver(delivery, deadline)
            if handled.held:
                self._put_aside(delivery, handled)
        except TurnLater as error:
            if not self._sent_on(delivery, describe(error), at_once=True):
                raise
            reason = "the service throttles: the retry queue's readers wait for its next turn"
            return {"outcomes": [{"outcome": "waiting", "incident_record_arn": None, "reason": reason}]}
        except Exception as error:
            # Lambda invokes again, and in the end puts the event into the retry queue.
            self.handling.count(delivery, Retried=1)
            log("ERROR", "signal not handled yet", reason=describe(error))
            raise
        return handled.told()

    # --- a queue's batch

    def _batch(self, records: list[object], invoked_arn: str, deadline: Deadline) -> dict[str, Any]:
        is_ours = deliveries.straight(None, invoked_arn).alias == RETRY_ALIAS
        failed = []
        for number, record in enumerate(records):
            message = deliveries.Message.of(record)
            delivery = (
                deliveries.once_more(message, invoked_arn)
                if is_ours
                else deliveries.queued(record, invoked_arn)
            )
            enough_time = number == 0 or deadline.allows(_ONE_MESSAGE_S)
            with about(route=delivery.alias, message_id=message.id):
                if is_ours:
                    done = enough_time and self._retried(delivery, message, deadline)
                elif enough_time:
                    done = self._taken(delivery, deadline)
                else:
                    done = self._sent_on(delivery, "the rest of the batch took all the time")
            if not done:
                failed.append({"itemIdentifier": message.id})
        return {"batchItemFailures": failed}

    def _taken(self, delivery: Delivery, deadline: Deadline) -> bool:
        """Handle a message of a route's own queue; False leaves it there for another time.

        What must come again does so by the retry queue: one policy, whatever the own queue's is.
        """
        try:
            handled = self.handling.deliver(delivery, deadline)
            if handled.held:
                self._put_aside(delivery, handled)
        except Exception as error:  # noqa: BLE001 - whatever it is, the message is in one queue or the other
            at_once = isinstance(error, TurnLater)
            return self.handling.is_quiet(delivery) or self._sent_on(
                delivery, describe(error), at_once=at_once
            )
        return True

    def _sent_on(self, delivery: Delivery, reason: str, *, at_once: bool = False) -> bool:
        log("WARNING", "tried again later", reason=reason)
        self.handling.count(delivery, Retried=1)
        try:
            self.retries.send(delivery, at_once=at_once)
        except Exception as error:  # noqa: BLE001 - then its own queue keeps it
            log("ERROR", "the retry queue did not take the event", reason=describe(error))
            return False
        return True

    # --- the retry queue

    def _retried(self, delivery: Delivery, message: Message, deadline: Deadline) -> bool:
        """Handle a message of the retry queue; False leaves it there for another time."""
        try:
            handled = self.handling.deliver(delivery, deadline)
            if handled.held:
                return self._held_again(delivery, message, handled)
        except Exception as error:  # noqa: BLE001 - whatever it is, the message stays or ends as a dead letter
            if self.handling.is_quiet(delivery):
                return True
            reason = describe(error)
            if self.retries.is_last_try(message):
                return self._given_up(delivery, f"given up after {message.receive_count} tries: {reason}")
            log("WARNING", "tried again later", tries=message.receive_count, reason=reason)
            self.handling.count(delivery, Retried=1)
            self.retries.hide_failed(message)
            return False
        return True

    def _held_again(self, delivery: Delivery, message: Message, handled: Handled) -> bool:
        if message.held_since is None:
            # From here on it is received to be looked at, which is no failed try.
            self._put_aside(delivery, handled)
            return True
        if self.retries.is_held_too_long(message) or self.retries.is_last_try(message):
            since = message.held_since.isoformat(timespec="seconds")
            return self._given_up(delivery, f"held back since {since}: {handled.held[0].reason}")
        self.retries.hide_held(message, handled.until)
        return False

    def _given_up(self, delivery: Delivery, reason: str) -> bool:
        try:
            self.handling.give_up(delivery, reason)
        except Exception as error:  # noqa: BLE001 - then the queue gives it up by itself
            log("ERROR", "the dead-letter queue did not take the event", reason=describe(error))
            return False
        return True

    def _put_aside(self, delivery: Delivery, handled: Handled) -> None:
        """Let the event of a held signal come again when the hold ends."""
        try:
            self.retries.hold(delivery, handled.until, handled.received)
        except Exception as error:
            if kind_of(error) != "permanent":
                raise
            # Too long for a queue: it cannot wait.
            reason = f"held back, which cannot be: {describe(error)}"
            self.handling.give_up(delivery, reason)


@lru_cache(maxsize=1)
def _trigger(function_arn: str) -> Trigger:
    """Make the trigger once, at the first event: wrong settings fail that, and no import."""
    known = settings.load(os.environ)
    clock = SystemClock()
    quick = Config(connect_timeout=1, read_timeout=4, retries={"total_max_attempts": 2, "mode": "standard"})
    queues = OnDemand(partial(client, "sqs", quick))
    table = client("dynamodb", ledger.CONFIG)
    region, account = function_arn.split(":")[3:5]
    asking = suppression.CONFIG
    suppressed = Suppression(
        known.ledger_table,
        account,
        region,
        clock,
        table,
        partial(client, "ssm", asking),
        partial(client, "cloudwatch", asking),
    )
    admission = Admission(
        ledger.Ledger(table, known.ledger_table, clock),
        gateways.destinations(known.routes.values(), region, clock),
        clock,
        Budget(table, known.ledger_table, clock, known.ceiling, known.per_cause),
        suppressed.held,
        suppressed.standing,
    )
    dead_letters = DeadLetters(
        queues,
        partial(client, "sns", quick),
        partial(client, "ssm", quick),
        known,
        os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "trigger"),
    )
    most_receives = lru_cache(maxsize=1)(lambda: most_receives_of(queues, known.retry_queue_url))
    return Trigger(
        Handling(known, admission, dead_letters, clock),
        Retries(queues, known.retry_queue_url, clock, most_receives),
    )


def prepare() -> None:
    """Make the clients that every alarm needs, as far as that can be done: else the first event says why."""
    with suppress(Exception):
        client("dynamodb", ledger.CONFIG)
        client("ssm-incidents", calls.CONFIG, os.environ["AWS_REGION"])


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

    Raises
    ------
    NotHandled
        It must come again.
    """
    try:
        door = deliveries.straight(event, context.invoked_function_arn)
        return _trigger(door.function_arn).handle(event, context)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is raised
        # Lambda writes to the log what is raised, as it is.
        raise NotHandled(redacted(describe(error))) from None
