"""The retry queue: where a signal waits that nothing is decided about yet, or that is held back.

A signal is sent there at most twice, once to be tried again and once to be held. All further waiting is the
message's visibility: Lambda stops a function that goes round through a queue after some sixteen times.
https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from incidents_runtime.dead_letters import as_message
from incidents_runtime.errors import describe
from incidents_runtime.telemetry import log

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from incidents_runtime.clock import Clock
    from incidents_runtime.dead_letters import QueueClient
    from incidents_runtime.deliveries import Delivery, Message

# About six hours of tries; then people should know.
MOST_TRIES = 100
# A day before the queue, which keeps a message for 14 days, would lose it without a word.
LONGEST_HOLD = timedelta(days=13)

_FIRST_BACKOFF_S = 10
_LONGEST_BACKOFF_S = 300
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
_LONGEST_DELAY_S = 900
# The limit of twelve hours counts from the receipt of the message.
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ChangeMessageVisibility.html
_LONGEST_HIDDEN_S = 12 * 60 * 60 - 300
# A window may be ended early: how late that may be seen, at first and as a part of the time that it was held.
_LOOK_AGAIN_S = 900
_LOOK_AGAIN_PART = 4
# What waited for the end of one window does not come all at once.
_SPREAD_S = 30


@dataclass(frozen=True)
class Retries:
    """The retry queue, and the policy of waiting in it."""

    queues: QueueClient
    url: str
    clock: Clock
    most_receives: Callable[[], int | None]
    """After how many receives the queue gives a message up; None if it does not say."""

    def send(self, delivery: Delivery, *, at_once: bool = False) -> None:
        """Send an event to be tried again, for which nobody else keeps it.

        Parameters
        ----------
        delivery
            The event and its route.
        at_once
            Whether only its turn is to be waited for, which readers do.

        Raises
        ------
        Exception
            The queue did not take it: whoever delivered it must keep it.
        """
        self._send(delivery, 0 if at_once else _FIRST_BACKOFF_S, {})

    def hold(self, delivery: Delivery, until: datetime | None, since: datetime) -> None:
        """Send an event to be held back.

        Parameters
        ----------
        delivery
            The event and its route.
        until
            When what holds it ends, if anybody knows.
        since
            When it came: read again, an event that tells no time is of then.

        Raises
        ------
        Exception
            The queue did not take it.
        """
        seconds = _LONGEST_DELAY_S if until is None else self._seconds_to(until)
        self._send(delivery, min(seconds, _LONGEST_DELAY_S), {"Held": since.isoformat()})

    def hide_held(self, message: Message, until: datetime | None) -> None:
        """Hide a message that is still held: until the hold's end, or until it is time to ask again."""
        held_s = (self.clock.now() - (message.held_since or self.clock.now())).total_seconds()
        seconds = min(max(_LOOK_AGAIN_S, int(held_s / _LOOK_AGAIN_PART)), _LONGEST_HIDDEN_S)
        self._hide(message, seconds if until is None else min(seconds, self._seconds_to(until)))

    def hide_failed(self, message: Message) -> None:
        """Hide a message that failed: longer each time, up to five minutes."""
        longest = min(_LONGEST_BACKOFF_S, _FIRST_BACKOFF_S * 2 ** min(message.receive_count - 1, 10))
        self._hide(message, int(longest * (0.5 + self.clock.jitter() / 2)))

    def is_last_try(self, message: Message) -> bool:
        """Say whether a message must be given up now, lest the queue does so without a word.

        A held one was received to be looked at, too, so the queue's own limit is its limit.
        """
        most = self.most_receives()
        limits = [most - 1] if most is not None else []
        if message.held_since is None:
            limits.append(MOST_TRIES - 1)
        return any(message.receive_count >= limit for limit in limits)

    def is_held_too_long(self, message: Message) -> bool:
        """Say whether a held message is about to be lost by its age."""
        since = message.held_since
        return since is not None and self.clock.now() - since >= LONGEST_HOLD

    def _seconds_to(self, until: datetime) -> int:
        left = (until - self.clock.now()).total_seconds()
        return int(max(0.0, left) + 1 + _SPREAD_S * self.clock.jitter())

    def _send(self, delivery: Delivery, delay_s: int, attributes: dict[str, str]) -> None:
        told = {"Route": delivery.alias, **attributes}
        self.queues.send_message(
            QueueUrl=self.url,
            MessageBody=as_message(delivery.event),
            DelaySeconds=delay_s,
            MessageAttributes={
                name: {"DataType": "String", "StringValue": value} for name, value in told.items()
            },
        )

    def _hide(self, message: Message, seconds: int) -> None:
        try:
            self.queues.change_message_visibility(
                QueueUrl=self.url, ReceiptHandle=message.receipt_handle, VisibilityTimeout=seconds
            )
        except Exception as error:  # noqa: BLE001 - the queue's own time-out brings it back too
            log("WARNING", "a message was not hidden", message_id=message.id, reason=describe(error))
