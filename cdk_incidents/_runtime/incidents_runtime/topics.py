"""The gateway to SNS topics, for teams that leave Incident Manager: a message opens, another one recovers.

Notes
-----
A topic remembers nothing. That a message went out, and which one, only the ledger knows; so a message is
open until it is resolved, and one that may have gone out goes out again.
https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from incidents_runtime.calls import asked, patiently
from incidents_runtime.destinations import ServiceError
from incidents_runtime.signal_model import digest
from incidents_runtime.start_request import start_request
from incidents_runtime.text import one_line

if TYPE_CHECKING:
    from collections.abc import Callable

    from incidents_runtime.clock import Clock, Deadline
    from incidents_runtime.dead_letters import TopicClient
    from incidents_runtime.destinations import Attempt, Order, Status

_LONGEST_SUBJECT = 100
_LONGEST_REASON = 1_000
_LONGEST_PART = 200


@dataclass(frozen=True)
class Topics:
    """What the trigger asks of SNS."""

    client: Callable[[], TopicClient]
    """Makes the client at the first call: most functions need none."""
    clock: Clock

    def start(self, order: Order, attempt: Attempt, deadline: Deadline) -> str:
        """Publish that something is wrong.

        Parameters
        ----------
        order
            The signal and its route.
        attempt
            Names the topic, and the signal.
        deadline
            When the function must have answered.

        Returns
        -------
        str
            The topic's ARN, ``#`` and the message's id.

        Raises
        ------
        ServiceError
            It was not published, or nobody knows.
        """
        message = message_of(order, "opened", attempt.mark)
        published = self._publish(attempt.destination, message, deadline)
        return f"{attempt.destination}#{published}"

    def find(self, attempt: Attempt, deadline: Deadline) -> str | None:  # noqa: ARG002 - there is nothing to ask
        """Find nothing: topics do not tell what was published."""
        return None

    def status(self, record: str, deadline: Deadline) -> Status:  # noqa: ARG002 - there is nothing to ask
        """Say that it is open: once it is resolved, the ledger does not ask any more."""
        return "OPEN"

    def resolve(self, record: str, recovery: Order, deadline: Deadline) -> bool:
        """Publish that it is over.

        Parameters
        ----------
        record
            What ``start`` gave.
        recovery
            The signal that says so.
        deadline
            When the function must have answered.

        Returns
        -------
        bool
            True: it was open until now.

        Raises
        ------
        ServiceError
            It was not published, or nobody knows.
        """
        topic, _, message_id = record.partition("#")
        mark = digest("resolve", record, recovery.signal.identity)
        self._publish(topic, message_of(recovery, "recovered", mark, message_id), deadline)
        return True

    def note(self, record: str, text: str, key: str, deadline: Deadline) -> None:
        """Add nothing: a message that is out cannot be added to, and another one would only wake people."""

    def _publish(self, topic: str, message: dict[str, Any], deadline: Deadline) -> str:
        def question() -> str:
            answer = asked(self.client().publish, TopicArn=topic, **message)
            message_id = answer.get("MessageId")
            if not isinstance(message_id, str) or not message_id:
                raise ServiceError(ValueError("the answer names no message"))
            return message_id

        return patiently(self.clock, deadline, question)


def message_of(order: Order, transition: str, mark: str, opened_by: str = "") -> dict[str, Any]:
    """Make a message of a signal.

    Parameters
    ----------
    order
        The signal and its route.
    transition
        ``opened`` or ``recovered``.
    mark
        Names the message.
    opened_by
        The id of the message that this one ends.

    Returns
    -------
    dict
        The arguments of Publish but for the topic, within its limits whatever the event was.
    """
    signal, route = order.signal, order.route
    # One place says how an event becomes a title, links and ten thousand characters.
    told = start_request(signal, route, order.started_by)
    details = told["triggerDetails"]
    is_over = transition == "recovered"
    lines = [
        told["title"],
        "",
        # What ends an incident at once may be the signal that opened it, come late.
        *([f"Reason: {one_line(signal.reason, _LONGEST_REASON)}"] if signal.transition == transition else []),
        f"Source: {details['source']}",
        f"Account and Region: {one_line(f'{signal.account} {signal.region}', _LONGEST_PART)}",
        f"Time: {signal.time.strftime('%Y-%m-%dT%H:%M:%SZ')}",
        f"Route: {route.id}, signal {mark[:20]}",
        *([f"This ends what message {opened_by} told of."] if is_over else _links(told)),
        "",
        details["rawData"],
    ]
    attributes = {"Transition": transition, "Route": route.id}
    if "impact" in told:
        attributes["Impact"] = str(told["impact"])
    return {
        "Subject": subject(f"Recovered: {told['title']}" if is_over else told["title"]),
        "Message": "\n".join(lines),
        "MessageAttributes": {
            name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()
        },
    }


def _links(told: dict[str, Any]) -> list[str]:
    values = [(item["title"], item["identifier"]["value"]) for item in told["relatedItems"]]
    return [f"{title}: {value.get('url') or value['arn']}" for title, value in values]


def subject(text: str) -> str:
    """Make a subject that SNS takes: ASCII, at most 100 characters, beginning with a visible one."""
    readable = one_line(text.encode("ascii", "replace").decode(), _LONGEST_SUBJECT - 2)
    return readable.replace("…", "...") or "Incident"
