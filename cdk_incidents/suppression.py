"""Suppression: maintenance windows, as a Change Calendar of Systems Manager tells them."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from aws_cdk import ArnFormat, Stack

from cdk_incidents._checks import check_length, check_pattern, is_token, refusal

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Literal

    from aws_cdk import aws_ssm as ssm
    from constructs import IConstruct

_NAME = r"[a-zA-Z0-9_.-]{3,128}"
_ARN = rf"arn:(aws|aws-cn|aws-us-gov):ssm:[a-z0-9-]+:[0-9]{{12}}:document/{_NAME}"
_TYPE = "ChangeCalendar"


@dataclasses.dataclass(frozen=True)
class Suppression:
    """When a route starts nothing; made by one of its factories.

    Signals are held back, recorded and counted, and recoveries pass. When the window ends, a cause that still
    stands starts its incident. A calendar that does not answer suppresses nothing.

    What ``DEFAULT_OPEN`` calendars hold are events in which they are closed, such as a maintenance window or
    a change freeze; ``DEFAULT_CLOSED`` ones are open in their events.

    Notes
    -----
    An alarm's mute, and ``cdk-incidents suppress``, need no argument. A calendar's content is a text, which
    CDK's L1 refuses: make it with ``content={}``, and then ``add_property_override("Content", text)``.
    https://docs.aws.amazon.com/systems-manager/latest/userguide/systems-manager-change-calendar.html
    """

    calendar: str | ssm.CfnDocument
    """The calendar, as it was given."""
    state: Literal["OPEN", "CLOSED"]
    """In which of its states nothing starts."""

    def __post_init__(self) -> None:
        if self.state not in ("OPEN", "CLOSED"):
            remedy = "take Suppression.while_open or Suppression.while_closed."
            raise refusal("state", "OPEN or CLOSED", self.state, remedy)
        if not isinstance(self.calendar, str):
            _check_document(self.calendar)
            return
        check_length("calendar", self.calendar, maximum=1000)
        check_pattern(
            "calendar",
            self.calendar,
            pattern=f"{_NAME}|{_ARN}",
            rule="a Change Calendar's name, or its ARN like arn:aws:ssm:eu-west-1:111122223333:document/NAME",
            remedy="copy it from the calendar's page; that of another account by its ARN.",
        )

    @classmethod
    def while_open(cls, calendar: str | ssm.CfnDocument) -> Suppression:
        """Return a suppression while a calendar is open, e.g. in the events of a ``DEFAULT_CLOSED`` one.

        Parameters
        ----------
        calendar
            An ``ssm.CfnDocument`` of type ``ChangeCalendar`` with a name, or the name or ARN of a calendar
            that exists; one that another account shares by its ARN. It is of the trigger's Region.

        Raises
        ------
        ValueError
            If it is none of these.
        """
        return cls(calendar, "OPEN")

    @classmethod
    def while_closed(cls, calendar: str | ssm.CfnDocument) -> Suppression:
        """Return a suppression while a calendar is closed, e.g. in the events of a ``DEFAULT_OPEN`` one.

        Parameters
        ----------
        calendar
            As for `while_open`.

        Raises
        ------
        ValueError
            If it is none of these.
        """
        return cls(calendar, "CLOSED")


def calendar_seen_from(suppression: Suppression, user: IConstruct) -> tuple[str, str]:
    """Return a calendar's name or ARN for the function, and its ARN for the function's role.

    Stacks are not ordered by it: an app team's may come after a central trigger's.
    """
    home, calendar = Stack.of(user), suppression.calendar
    if isinstance(calendar, str):
        if ":document/" not in calendar:
            return calendar, _arn(home, calendar, account=home.account)
        region = home.split_arn(calendar, ArnFormat.SLASH_RESOURCE_NAME).region or home.region
        _check_region(home, region, calendar)
        return calendar, calendar
    theirs = Stack.of(calendar)
    _check_region(home, theirs.region, calendar.node.path)
    # A text and no reference: no export, and a version of the function keeps what it says.
    arn = _arn(home, str(calendar.name), account=theirs.account)
    return (str(calendar.name) if home.account == theirs.account else arn), arn


def check_windows(calendars: Sequence[tuple[str, str, str]]) -> None:
    """Refuse a calendar that holds back in both of its states; each comes with its name, ARN and state."""
    states: dict[str, str] = {}
    for name, arn, state in calendars:
        # A name's ARN has the stack's partition, which is mostly a token.
        if states.setdefault(arn.partition(":ssm:")[2] or arn, state) != state:
            rule = "while a calendar is open or while it is closed, not both"
            raise refusal("suppression", rule, name, "the route would never start anything: drop one.")


def _check_document(document: ssm.CfnDocument) -> None:
    from aws_cdk import aws_ssm as ssm  # noqa: PLC0415 - most calendars are given by their names

    if not isinstance(document, ssm.CfnDocument):
        raise refusal("calendar", "a name, an ARN or an ssm.CfnDocument", document, "pass one of these.")
    kind = document.document_type
    if not is_token(kind) and kind != _TYPE:
        path = document.node.path
        raise refusal("calendar", f"of type {_TYPE}", f"{path} of type {kind}", f'document_type="{_TYPE}".')
    if document.name is None:
        raise refusal(
            "calendar",
            "named: the function asks for it by a name that must not change behind its back",
            document.node.path,
            'pass name= there, with update_method="NewVersion".',
        )


def _check_region(home: Stack, region: str, shown: str) -> None:
    if region != home.region and not is_token(region) and not is_token(home.region):
        rule = f"in the trigger's Region, {home.region}"
        raise refusal("calendar", rule, f"{shown} in {region}", "make one there.")


def _arn(stack: Stack, name: str, *, account: str) -> str:
    return stack.format_arn(service="ssm", account=account, resource="document", resource_name=name)
