"""The gateway to Incident Manager, in whichever of the plan's Regions answers."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from incidents_runtime.calls import ATTEMPTS, asked, back_off, has_time, in_turn, may_go_on, patiently, spend
from incidents_runtime.destinations import ServiceError, is_of_plan
from incidents_runtime.quiet_plan import loud_in
from incidents_runtime.signal_model import digest
from incidents_runtime.start_request import start_request
from incidents_runtime.telemetry import log
from incidents_runtime.text import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from mypy_boto3_ssm_incidents import SSMIncidentsClient

    from incidents_runtime.clock import Clock, Deadline
    from incidents_runtime.destinations import Attempt, Order, Status
    from incidents_runtime.regions import Regions
    from incidents_runtime.settings import Route

_CLOCKS_DIFFER_BY = timedelta(minutes=5)
_MOST_PAGES = 5
_MOST_CANDIDATES = 20
_LONGEST_NOTE = 1_800
_LOOK = "look for the incident"
# A Region that failed is asked once more, then another one, and there the incident is started.
_ONE_MORE = 3

Answer = TypeVar("Answer")


class _LoudPlan(ServiceError):  # noqa: N818 - a refusal of our own
    """The smoke test's plan would wake somebody: nothing was asked, and nothing will be."""

    def __init__(self, error: Exception) -> None:
        super().__init__(error)
        self.kind = "permanent"
        self.may_pass = False


class _NoSuchRecord(ServiceError):  # noqa: N818 - an answer, not a mistake
    """The service knows no such record."""


@dataclass(frozen=True)
class Incidents:
    """What the trigger asks of Incident Manager.

    Notes
    -----
    Plans and records are in every Region of the replication set, and their ARNs name none. CloudWatch and
    EventBridge turn to the next Region by themselves; for who calls the API nobody does. Whether a record is
    seen in every Region at once no document says: a start that was lost is looked for where it was sent, as
    long as that Region answers.
    https://docs.aws.amazon.com/incident-manager/latest/userguide/disaster-recovery-resiliency.html
    """

    regions: Regions[SSMIncidentsClient]
    clock: Clock
    others: tuple[str, ...] = ()
    """The Regions beside the own one where a record may be asked for, whatever its route says by now."""

    def start(self, order: Order, attempt: Attempt, deadline: Deadline) -> str:
        """Start an incident; after an answer was lost, look for it before starting again.

        A Region that fails is left for the next one; one that throttles or refuses is not. Who is not
        patient is told of throttling at once.

        Parameters
        ----------
        order
            What is to be started.
        attempt
            What the incident is known by, and the Regions to turn to.
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
        if order.route.quiet:
            self._must_be_quiet(order.route, deadline)
        return self._in_some_region(order, attempt, deadline)

    def _in_some_region(self, order: Order, attempt: Attempt, deadline: Deadline) -> str:
        request = start_request(order.signal, order.route, order.started_by)
        told: list[ServiceError] = []
        failed: set[str] = set()
        refused: set[str] = set()
        for tries in range(1, ATTEMPTS + len(attempt.regions) + 1):
            if told and not has_time(deadline):
                break
            spend(deadline, "start the incident")
            region = next(one for one in self.regions.in_order(attempt.regions) if one not in refused)
            try:
                start = partial(asked, self.regions.client_in(region).start_incident, **request)
                return _record_in(in_turn(self.clock, deadline, start))
            except ServiceError as error:
                if not error.may_pass:
                    if region == self.regions.own:
                        raise
                    # It has no such plan, or nobody may work there.
                    log("WARNING", "another Region does not help", region=region, reason=str(error))
                    refused.add(region)
                    continue
                told.append(error)
                if error.is_of_region:
                    # Often only a connection was gone: a Region that answers when asked for the incident
                    # is tried once more, since in another one no runbook would run.
                    if region in failed or error.kind != "ambiguous" or not has_time(deadline, _ONE_MORE):
                        self.regions.failed(region, error)
                    failed.add(region)
                # Whoever waits for a turn has done so, or does so in the retry queue, where no smoke test is.
                waits = error.is_throttling and not order.route.quiet
                if waits or not may_go_on(deadline, tries):
                    break
                back_off(self.clock, tries)
                found = self._look_after(error, attempt, deadline)
                if found is not None:
                    return found
        # If any of them may have started it, that is what must be known.
        raise min(told, key=lambda error: error.kind != "ambiguous")

    def _must_be_quiet(self, route: Route, deadline: Deadline) -> None:
        """Refuse to start what would wake somebody: whatever else is broken, a smoke test pages nobody."""
        plan_arn = str(route.response_plan_arn)
        plan = self._patiently(deadline, lambda client: asked(client.get_response_plan, arn=plan_arn))
        if loud := loud_in(plan):
            told = f"the plan {plan_arn} of the smoke test's route is not quiet ({', '.join(loud)} in it)"
            raise _LoudPlan(PermissionError(told))

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
        return self.regions.ask(
            attempt.regions, deadline, lambda client: self._found(client, attempt, deadline)
        )

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

        def question(client: SSMIncidentsClient) -> Status:
            try:
                return _status(client, record)
            except _NoSuchRecord:
                return "MISSING"

        return self._patiently(deadline, question)

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
        try:
            # Every update tells the chat channel, so none that changes nothing.
            if self._patiently(deadline, lambda client: _status(client, record)) != "OPEN":
                return False
        except _NoSuchRecord:
            return False
        self._patiently(
            deadline,
            lambda client: asked(
                client.update_incident_record,
                arn=record,
                status="RESOLVED",
                clientToken=digest("resolve", record, recovery.signal.identity),
            ),
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
        self.regions.ask(
            self.others,
            deadline,
            lambda client: asked(
                client.create_timeline_event,
                incidentRecordArn=record,
                eventType="Custom Event",
                # The console reads event data as JSON.
                eventData=json.dumps(one_line(text, _LONGEST_NOTE)),
                eventTime=self.clock.now(),
                clientToken=digest("note", record, key),
            ),
        )

    def _found(self, client: SSMIncidentsClient, attempt: Attempt, deadline: Deadline) -> str | None:
        for arn in _candidates(client, attempt, deadline)[:_MOST_CANDIDATES]:
            spend(deadline, _LOOK)
            # The Region answers; among many candidates one call that fails must not spoil the others.
            question = partial(asked, client.list_related_items, incidentRecordArn=arn, maxResults=100)
            try:
                items = patiently(self.clock, deadline, question)
            except ServiceError as error:
                if error.kind != "not_found":
                    raise
                # Somebody has deleted it since it was listed.
                continue
            if any(attempt.mark in str(item.get("title", "")) for item in items.get("relatedItems", ())):
                return arn
        return None

    def _patiently(self, deadline: Deadline, question: Callable[[SSMIncidentsClient], Answer]) -> Answer:
        # For calls that may be sent twice without harm.
        return patiently(self.clock, deadline, lambda: self.regions.ask(self.others, deadline, question))


def _candidates(client: SSMIncidentsClient, attempt: Attempt, deadline: Deadline) -> list[str]:
    since = attempt.since - _CLOCKS_DIFFER_BY
    arguments: dict[str, Any] = {
        "filters": [{"key": "creationTime", "condition": {"after": since}}],
        "maxResults": 100,
    }
    found: list[tuple[datetime, str]] = []
    for _ in range(_MOST_PAGES):
        spend(deadline, _LOOK)
        page = asked(client.list_incident_records, **arguments)
        found += [
            (record["creationTime"], record["arn"])
            for record in page.get("incidentRecordSummaries", ())
            if is_of_plan(record["arn"], attempt.destination) and _is_of_source(record, attempt)
        ]
        if not page.get("nextToken"):
            break
        arguments["nextToken"] = page["nextToken"]
    # What an attempt started was created soon after it began.
    found.sort(key=lambda record: abs(record[0] - attempt.since))
    return [arn for _, arn in found]


def _is_of_source(record: Mapping[str, Any], attempt: Attempt) -> bool:
    told = record.get("incidentRecordSource", {})
    resource = told.get("resourceArn")
    # No document says that the trigger's ARN becomes the record's resource.
    if resource and attempt.trigger_arn and resource != attempt.trigger_arn:
        return False
    return bool(told.get("source") == attempt.incident_source)


def _status(client: SSMIncidentsClient, record: str) -> Status:
    try:
        answer = client.get_incident_record(arn=record)
    except Exception as error:
        told = ServiceError(error)
        # What is no ARN of a record, the service calls invalid.
        raise _NoSuchRecord(error) if told.kind in ("not_found", "permanent") else told from error
    return "RESOLVED" if answer["incidentRecord"]["status"] == "RESOLVED" else "OPEN"


def _record_in(answer: Mapping[str, Any]) -> str:
    arn = answer.get("incidentRecordArn")
    if not isinstance(arn, str) or not arn:
        raise ServiceError(ValueError("the answer to StartIncident names no incident record"))
    return arn
