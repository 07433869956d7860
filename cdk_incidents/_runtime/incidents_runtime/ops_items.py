"""The gateway to OpsCenter, for teams that leave Incident Manager.

Notes
-----
The service's own rules: https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_CreateOpsItem.html,
https://docs.aws.amazon.com/systems-manager/latest/userguide/OpsCenter-working-deduplication.html.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from incidents_runtime.calls import asked, patiently, spend
from incidents_runtime.destinations import ServiceError
from incidents_runtime.errors import code_of
from incidents_runtime.shapes import mapping, text, written
from incidents_runtime.signal_model import digest
from incidents_runtime.start_request import start_request
from incidents_runtime.text import one_line, units_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from incidents_runtime.clock import Clock, Deadline
    from incidents_runtime.destinations import Attempt, Order, Status

_SIGNAL = "cdk-incidents-signal"
_SEVERITIES = {1: "1", 2: "2", 3: "3", 4: "4", 5: "4"}
_ENDED = ("Resolved", "Closed")
_LONGEST_DESCRIPTION = 2_000
_LONGEST_TITLE = 1_000
_LONGEST_NOTE = 1_800
_LONGEST_REASON = 1_000
_LONGEST_PART = 100
# Of operational data: 20 KB.
_LONGEST_VALUE = 20_000
_MOST_PAGES = 5
# The service refuses sources that say so.
_NO_SOURCE = re.compile("aws|amazon|amzn", re.IGNORECASE)
# An address that cannot leave its angle brackets.
_ADDRESS = re.compile(r"https?://[\x21-\x3b\x3d\x3f-\x7e]+")


class OpsItemClient(Protocol):
    """What is asked of Systems Manager's client."""

    def create_ops_item(self, **arguments: Any) -> Mapping[str, Any]:
        """Create an OpsItem."""

    def get_ops_item(self, **arguments: Any) -> Mapping[str, Any]:
        """Give an OpsItem."""

    def update_ops_item(self, **arguments: Any) -> Mapping[str, Any]:
        """Change an OpsItem."""

    def describe_ops_items(self, **arguments: Any) -> Mapping[str, Any]:
        """List OpsItems."""


@dataclass(frozen=True)
class OpsItems:
    """What the trigger asks of OpsCenter."""

    client: Callable[[], OpsItemClient]
    """Makes the client at the first call: most functions need none."""
    clock: Clock

    def start(self, order: Order, attempt: Attempt, deadline: Deadline) -> str:
        """Create an OpsItem; a second one for the same signal the service refuses, and names the first.

        Parameters
        ----------
        order
            The signal and its route, which says with what severity, priority and category.
        attempt
            What it is known by.
        deadline
            When the function must have answered.

        Returns
        -------
        str
            The OpsItem's ARN.

        Raises
        ------
        ServiceError
            It was not created, or nobody knows.
        """
        request = ops_item_request(order, attempt.mark)
        return patiently(self.clock, deadline, lambda: self._created(request, deadline))

    def _created(self, request: Mapping[str, Any], deadline: Deadline) -> str:
        try:
            return _arn_in(asked(self.client().create_ops_item, **request))
        except ServiceError as error:
            known = _already_there(error)
            if known is None:
                raise
        spend(deadline, "ask for the OpsItem that is there")
        return self._arn(known)

    def find(self, attempt: Attempt, deadline: Deadline) -> str | None:
        """Look for the OpsItem of an attempt by its signal.

        Parameters
        ----------
        attempt
            What it is known by.
        deadline
            When the function must have answered.

        Returns
        -------
        str or None
            The newest one's ARN, or None if there is none.

        Raises
        ------
        ServiceError
            The service could not be asked, or there was no time to.
        """
        pair = written({"key": _SIGNAL, "value": attempt.mark})
        found: list[tuple[str, str]] = []
        more: dict[str, Any] = {}
        for _ in range(_MOST_PAGES):
            spend(deadline, "look for the OpsItem")
            page = asked(
                self.client().describe_ops_items,
                OpsItemFilters=[{"Key": "OperationalData", "Values": [pair], "Operator": "Equal"}],
                **more,
            )
            found += [
                (str(item.get("CreatedTime", "")), item["OpsItemId"])
                for item in page.get("OpsItemSummaries", ())
            ]
            if not page.get("NextToken"):
                break
            more = {"NextToken": page["NextToken"]}
        if not found:
            return None
        spend(deadline, "ask for the OpsItem")
        return self._arn(max(found)[1])

    def _arn(self, item_id: str) -> str:
        return _arn_in(asked(self.client().get_ops_item, OpsItemId=item_id)["OpsItem"])

    def status(self, record: str, deadline: Deadline) -> Status:
        """Ask for an OpsItem's status.

        Parameters
        ----------
        record
            The OpsItem's ARN.
        deadline
            When the function must have answered.

        Returns
        -------
        Status
            ``RESOLVED`` if somebody resolved or closed it, ``MISSING`` if the service knows no such item,
            else ``OPEN``: an item in progress is open.

        Raises
        ------
        ServiceError
            The service could not be asked.
        """
        try:
            answer = patiently(
                self.clock, deadline, lambda: asked(self.client().get_ops_item, OpsItemId=_id_in(record))
            )
        except ServiceError as error:
            # What is no id of an item, the service calls invalid.
            if error.kind in ("not_found", "permanent"):
                return "MISSING"
            raise
        return "RESOLVED" if answer["OpsItem"].get("Status") in _ENDED else "OPEN"

    def resolve(self, record: str, recovery: Order, deadline: Deadline) -> bool:  # noqa: ARG002 - it is set, not told
        """Resolve an OpsItem unless it is resolved.

        Parameters
        ----------
        record
            The OpsItem's ARN.
        recovery
            The signal that says so.
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
        if self.status(record, deadline) != "OPEN":
            return False
        self._update(record, deadline, Status="Resolved")
        return True

    def note(self, record: str, text: str, key: str, deadline: Deadline) -> None:
        """Put a note into an OpsItem's operational data.

        Parameters
        ----------
        record
            The OpsItem's ARN.
        text
            The note.
        key
            Its first word says of what kind the note is; the newest of a kind stays, so that they are few.
        deadline
            When the function must have answered.

        Raises
        ------
        ServiceError
            It was not added, or nobody knows.
        """
        kind = one_line(key, _LONGEST_PART).partition(" ")[0]
        value = one_line(text, _LONGEST_NOTE)
        self._update(
            record,
            deadline,
            OperationalData={f"cdk-incidents-{kind}": {"Value": value, "Type": "String"}},
        )

    def _update(self, record: str, deadline: Deadline, **changes: Any) -> None:
        patiently(
            self.clock,
            deadline,
            lambda: asked(self.client().update_ops_item, OpsItemId=_id_in(record), **changes),
        )


def ops_item_request(order: Order, mark: str) -> dict[str, Any]:
    """Make the request that creates a signal's OpsItem.

    Parameters
    ----------
    order
        The signal and its route.
    mark
        Names the signal: it makes a second OpsItem for it impossible while this one is open.

    Returns
    -------
    dict
        The arguments of CreateOpsItem, within its limits whatever the event was.
    """
    signal, route = order.signal, order.route
    # One place says how an event becomes a title, links and ten thousand characters.
    told = start_request(signal, route, order.started_by)
    details = told["triggerDetails"]
    values = [(item["title"], item["identifier"]["value"]) for item in told["relatedItems"]]
    arns = [details.get("triggerArn"), *(value.get("arn") for _, value in values)]
    resources = _resources(arn for arn in dict.fromkeys(arns) if arn and arn != order.started_by)
    lines = [
        f"Reason: {_quoted(signal.reason, _LONGEST_REASON)}",
        f"Source: {_quoted(details['source'])}",
        f"Account and Region: {_quoted(signal.account)} {_quoted(signal.region)}",
        f"Time: {signal.time.strftime('%Y-%m-%dT%H:%M:%SZ')}",
        f"Started by route {_quoted(route.id)}, signal {mark}",
        *(
            f"{_quoted(title)}: <{value['url']}>"
            for title, value in values
            if _ADDRESS.fullmatch(value.get("url", ""))
        ),
    ]
    return _request(
        route.ops_item or {},
        severity=_SEVERITIES.get(told.get("impact", 0)),
        Title=told["title"],
        Description=_fitting(lines),
        Source="custom" if _NO_SOURCE.search(details["source"]) else details["source"],
        OperationalData={
            "/aws/dedup": _data(written({"dedupString": mark})),
            _SIGNAL: _data(mark),
            "cdk-incidents-event": {"Value": details["rawData"], "Type": "String"},
            **({"/aws/resources": _data(resources)} if resources else {}),
        },
    )


def tell(client: OpsItemClient, made_with: Mapping[str, Any], *, title: str, lines: Iterable[str]) -> None:
    """Tell people by an OpsItem that an incident is missing: the fallback.

    Parameters
    ----------
    client
        Systems Manager's client.
    made_with
        Its ``severity``, ``priority`` and ``category``, each optional.
    title
        What is missing.
    lines
        What to say; what is too long is left out from the end. Said again, it makes no second OpsItem while
        the first is open.

    Raises
    ------
    Exception
        The service did not take it.
    """
    said = [title, *(line for line in lines if line.strip())]
    request = _request(
        made_with,
        severity="2",
        Title=one_line(title, _LONGEST_TITLE) or "An incident is missing",
        Description=_fitting(_quoted(line, _LONGEST_REASON) for line in said),
        Source="custom",
        OperationalData={"/aws/dedup": _data(written({"dedupString": digest("fallback", *said)}))},
    )
    try:
        client.create_ops_item(**request)
    except Exception as error:
        if code_of(error) != "OpsItemAlreadyExistsException":
            raise


def _request(made_with: Mapping[str, Any], *, severity: str | None, **members: Any) -> dict[str, Any]:
    chosen = {
        "Severity": made_with.get("severity", severity),
        "Priority": made_with.get("priority"),
        "Category": made_with.get("category"),
    }
    return {**members, **{name: value for name, value in chosen.items() if value is not None}}


def _resources(arns: Iterable[str]) -> str:
    told: list[dict[str, str]] = []
    longest = ""
    for arn in arns:
        told.append({"arn": arn})
        longer = written(told)
        if len(longer) > _LONGEST_VALUE:
            break
        longest = longer
    return longest


def _data(value: str) -> dict[str, str]:
    return {"Value": value, "Type": "SearchableString"}


def _quoted(value: str, longest: int = _LONGEST_PART) -> str:
    # The description is Markdown: what an event says stays code, and becomes no link and no picture.
    return f"`{one_line(value, longest).replace('`', chr(39)) or '-'}`"


def _fitting(lines: Iterable[str]) -> str:
    said = ""
    for line in lines:
        longer = f"{said}\n\n{line}" if said else line
        if units_of(longer) > _LONGEST_DESCRIPTION:
            break
        said = longer
    return said


def _arn_in(answer: Mapping[str, Any]) -> str:
    arn = answer.get("OpsItemArn")
    if not isinstance(arn, str) or not arn:
        raise ServiceError(ValueError("the answer names no OpsItem"))
    return arn


def _id_in(record: str) -> str:
    return record.rpartition("/")[2]


def _already_there(error: ServiceError) -> str | None:
    cause = error.__cause__
    if not isinstance(cause, Exception) or code_of(cause) != "OpsItemAlreadyExistsException":
        return None
    return text(mapping(getattr(cause, "response", None)).get("OpsItemId")) or None
