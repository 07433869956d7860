"""The gateway to Incident Manager: five things the trigger asks of it, and what its errors mean."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from botocore.config import Config

from incidents_runtime.destinations import ServiceError, is_of_plan
from incidents_runtime.signal_model import digest
from incidents_runtime.start_request import start_request
from incidents_runtime.text import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from mypy_boto3_ssm_incidents import SSMIncidentsClient

    from incidents_runtime.clock import Clock, Deadline
    from incidents_runtime.destinations import Attempt, Order, Status

# One attempt each: botocore would send StartIncident again after a lost answer without looking
# whether it had arrived. The gateway retries by itself, and knows what it retries.
CONFIG = Config(
    connect_timeout=2,
    read_timeout=6,
    retries={"total_max_attempts": 1, "mode": "standard"},
    tcp_keepalive=True,
)
# The longest that one call can take.
ONE_CALL_S = 8.0

_ATTEMPTS = 3
# For what follows in any case: the ledger, the log, the dead-letter queue.
_TIME_TO_ANSWER_S = 4.0
_LOOK_AFTER_S = 1.0
_CLOCKS_DIFFER_BY = timedelta(minutes=5)
_MOST_PAGES = 5
_MOST_CANDIDATES = 20
_LONGEST_NOTE = 1_800

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Incidents:
    """What the trigger asks of Incident Manager."""

    client: SSMIncidentsClient
    clock: Clock

    def start(self, order: Order, attempt: Attempt, deadline: Deadline) -> str:
        """Start an incident; after an answer was lost, look for it before starting again.

        Parameters
        ----------
        order
            What is to be started.
        attempt
            What the incident is known by.
        deadline
            When the function must have answered.

        Returns
        -------
        str
            The incident record's ARN.

        Raises
        ------
        ServiceError
            It was not started, or nobody knows: its kind says which.
        """
        request = start_request(order.signal, order.route, order.started_by)
        tries = 0
        while True:
            tries += 1
            try:
                return _record_in(_asked(self.client.start_incident, **request))
            except ServiceError as error:
                if not error.may_pass:
                    raise
                self._back_off(tries)
                found = self._look_after(error, attempt, deadline)
                if found is not None:
                    return found
                if tries == _ATTEMPTS or not deadline.allows(ONE_CALL_S + _TIME_TO_ANSWER_S):
                    raise

    def _look_after(self, error: ServiceError, attempt: Attempt, deadline: Deadline) -> str | None:
        if error.kind != "ambiguous":
            return None
        try:
            return self.find(attempt, deadline)
        except ServiceError as not_looked:
            # Whatever kept us from looking, the start is what nobody knows the end of.
            raise error from not_looked

    def find(self, attempt: Attempt, deadline: Deadline) -> str | None:
        """Look for the incident that an attempt may have started.

        Parameters
        ----------
        attempt
            What the incident is known by.
        deadline
            When the function must have answered.

        Returns
        -------
        str or None
            The incident record's ARN, or None if there is none.

        Raises
        ------
        ServiceError
            The service could not be asked, or there was no time to.
        """
        for arn in self._candidates(attempt, deadline)[:_MOST_CANDIDATES]:
            _spend(deadline)
            items = _asked(self.client.list_related_items, incidentRecordArn=arn, maxResults=100)
            if any(attempt.mark in str(item.get("title", "")) for item in items.get("relatedItems", ())):
                return arn
        return None

    def _candidates(self, attempt: Attempt, deadline: Deadline) -> list[str]:
        since = attempt.since - _CLOCKS_DIFFER_BY
        asked: dict[str, Any] = {
            "filters": [{"key": "creationTime", "condition": {"after": since}}],
            "maxResults": 100,
        }
        found: list[tuple[datetime, str]] = []
        for _ in range(_MOST_PAGES):
            _spend(deadline)
            page = _asked(self.client.list_incident_records, **asked)
            found += [
                (record["creationTime"], record["arn"])
                for record in page.get("incidentRecordSummaries", ())
                if is_of_plan(record["arn"], attempt.destination) and _is_of_source(record, attempt)
            ]
            if not page.get("nextToken"):
                break
            asked["nextToken"] = page["nextToken"]
        # What an attempt started was created soon after it began.
        found.sort(key=lambda record: abs(record[0] - attempt.since))
        return [arn for _, arn in found]

    def status(self, record: str, deadline: Deadline) -> Status:
        """Ask the service for a record's status.

        Parameters
        ----------
        record
            The incident record's ARN.
        deadline
            When the function must have answered.

        Returns
        -------
        Status
            ``OPEN``, ``RESOLVED`` or, if the service knows no such record, ``MISSING``.

        Raises
        ------
        ServiceError
            The service could not be asked.
        """
        try:
            answer = self._patiently(deadline, self.client.get_incident_record, arn=record)
        except ServiceError as error:
            # What is no ARN of a record, the service calls invalid.
            if error.kind in ("not_found", "permanent"):
                return "MISSING"
            raise
        return "RESOLVED" if answer["incidentRecord"]["status"] == "RESOLVED" else "OPEN"

    def resolve(self, record: str, recovery: Order, deadline: Deadline) -> bool:
        """Resolve an incident unless it is resolved.

        Parameters
        ----------
        record
            The incident record's ARN.
        recovery
            The signal that says so; one signal resolves once.
        deadline
            When the function must have answered.

        Returns
        -------
        bool
            Whether it was open until now.

        Raises
        ------
        ServiceError
            It is still open, or nobody knows.
        """
        # Every update tells the chat channel, so none that changes nothing.
        if self.status(record, deadline) != "OPEN":
            return False
        self._patiently(
            deadline,
            self.client.update_incident_record,
            arn=record,
            status="RESOLVED",
            clientToken=digest("resolve", record, recovery.signal.identity),
        )
        return True

    def note(self, record: str, text: str, key: str, deadline: Deadline) -> None:
        """Add a note to an incident's timeline.

        Parameters
        ----------
        record
            The incident record's ARN.
        text
            The note.
        key
            What tells this note from the others, so that it is added once.
        deadline
            When the function must have answered.

        Raises
        ------
        ServiceError
            It was not added, or nobody knows.
        """
        _spend(deadline, "write a note")
        _asked(
            self.client.create_timeline_event,
            incidentRecordArn=record,
            eventType="Custom Event",
            # The console reads event data as JSON.
            eventData=json.dumps(one_line(text, _LONGEST_NOTE)),
            eventTime=self.clock.now(),
            clientToken=digest("note", record, key),
        )

    def _patiently(self, deadline: Deadline, operation: Callable[..., Answer], **arguments: Any) -> Answer:
        # For calls that may be sent twice without harm.
        tries = 0
        while True:
            tries += 1
            try:
                return _asked(operation, **arguments)
            except ServiceError as error:
                needed_s = _LOOK_AFTER_S * tries + ONE_CALL_S + _TIME_TO_ANSWER_S
                if not error.may_pass or tries == _ATTEMPTS or not deadline.allows(needed_s):
                    raise
            self._back_off(tries)

    def _back_off(self, tries: int) -> None:
        self.clock.sleep(_LOOK_AFTER_S * tries * (0.5 + self.clock.jitter() / 2))


def _asked(operation: Callable[..., Answer], **arguments: Any) -> Answer:
    try:
        return operation(**arguments)
    except Exception as error:  # botocore raises its own, urllib3's and json's
        raise ServiceError(error) from error


def _spend(deadline: Deadline, what_for: str = "look for the incident") -> None:
    if not deadline.allows(ONE_CALL_S + _TIME_TO_ANSWER_S):
        raise ServiceError(TimeoutError(f"no time is left to {what_for}"))


def _record_in(answer: Mapping[str, Any]) -> str:
    arn = answer.get("incidentRecordArn")
    if not isinstance(arn, str) or not arn:
        raise ServiceError(ValueError("the answer to StartIncident names no incident record"))
    return arn


def _is_of_source(record: Mapping[str, Any], attempt: Attempt) -> bool:
    told = record.get("incidentRecordSource", {})
    resource = told.get("resourceArn")
    # No document says that the trigger's ARN becomes the record's resource.
    if resource and attempt.trigger_arn and resource != attempt.trigger_arn:
        return False
    return bool(told.get("source") == attempt.incident_source)
