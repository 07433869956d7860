"""The operators' switch: no incident of a route, or of any, until a time, and without a deployment."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from .deployed_trigger import OperationError, said_plainly

if TYPE_CHECKING:
    from .deployed_trigger import DeployedTrigger

EVERY_ROUTE = "*"
# The function reads this item of the ledger; both sides write these names, and a test holds them together.
_ITEM = ":suppressed"
_PREFIX = "for "
# What is held back is kept in a queue, for less than 14 days.
_LONGEST = timedelta(days=13)
_SHORTEST = timedelta(minutes=1)
_LONGEST_REASON = 200
_DURATION = re.compile(r"(?:(\d{1,3})d)?(?:(\d{1,4})h)?(?:(\d{1,5})m)?")


@dataclass(frozen=True, order=True)
class Switch:
    """A switch that is on.

    Attributes
    ----------
    route
        the route's id, or an asterisk for all of them
    until
        when it ends by itself
    reason
        why it was flipped
    by
        the ARN of whoever did so; empty if STS does not say
    """

    route: str
    until: datetime
    reason: str
    by: str


def duration(text: str) -> timedelta:
    """Read how long a switch stays on.

    Parameters
    ----------
    text
        such as `90m`, `2h`, `1d12h`

    Raises
    ------
    OperationError
        if it is no duration, or not between a minute and 13 days
    """
    parts = _DURATION.fullmatch(text)
    days, hours, minutes = (int(part or 0) for part in parts.groups()) if parts else (0, 0, 0)
    length = timedelta(days=days, hours=hours, minutes=minutes)
    if not _SHORTEST <= length <= _LONGEST:
        raise OperationError(f"--for must be 1m to 13d, such as 90m, 2h or 1d12h (got {text})")
    return length


class Switches:
    """The switches of a trigger.

    Parameters
    ----------
    trigger
        the trigger

    Notes
    -----
    Needs `dynamodb:GetItem` and `dynamodb:UpdateItem` on the trigger's ledger.
    """

    def __init__(self, trigger: DeployedTrigger) -> None:
        self._trigger = trigger
        self._table = {"TableName": trigger.ledger_table, "Key": {"key": {"S": _ITEM}}}

    def on(self) -> list[Switch]:
        """Return the switches that are on, sorted by route."""
        now = datetime.now(timezone.utc)
        return sorted(switch for switch in self._known() if switch.until > now)

    def flip(self, length: timedelta, *, route: str | None, reason: str) -> Switch:
        """Flip a switch on; one that is on already gets the new end and reason.

        Parameters
        ----------
        length
            how long it stays on
        route
            the route; all of them if there is none
        reason
            why, in 1 to 200 characters

        Raises
        ------
        OperationError
            if the trigger has no such route, the reason is missing, or AWS refuses
        """
        if route is not None:
            self._trigger.check_route(route)
        if not reason.strip() or len(reason) > _LONGEST_REASON:
            raise OperationError(f"--reason must be 1 to {_LONGEST_REASON} characters (got {len(reason)})")
        now = datetime.now(timezone.utc)
        switch = Switch(route or EVERY_ROUTE, (now + length).replace(microsecond=0), reason, self._caller())
        ended = [old.route for old in self._known() if old.until <= now and old.route != switch.route]
        told = {"until": switch.until.isoformat(), "reason": switch.reason, "by": switch.by}
        value = {"M": {name: {"S": text} for name, text in told.items() if text}}
        self._update("SET #s = :s", {"#s": _PREFIX + switch.route}, ended, {":s": value})
        return switch

    def end(self, *, route: str | None) -> list[Switch]:
        """End a route's switch; or, if no route is named, every one.

        Returns
        -------
        list of Switch
            what was on until now

        Raises
        ------
        OperationError
            if the trigger has no such route, or AWS refuses
        """
        ended = [switch for switch in self.on() if route in (None, switch.route)]
        # A route that is gone by now may still have a switch.
        if route is not None and not ended:
            self._trigger.check_route(route)
        if ended:
            self._update("", {}, [switch.route for switch in ended], {})
        return ended

    def _known(self) -> list[Switch]:
        with said_plainly("dynamodb"):
            answer = self._trigger.client("dynamodb").get_item(**self._table, ConsistentRead=True)
        return [
            Switch(name.removeprefix(_PREFIX), until, _text(value, "reason"), _text(value, "by"))
            for name, value in answer.get("Item", {}).items()
            if name.startswith(_PREFIX) and (until := _time(_text(value, "until"))) is not None
        ]

    def _update(
        self, expression: str, names: dict[str, str], removed: list[str], values: dict[str, Any]
    ) -> None:
        names = {**names, **{f"#r{number}": _PREFIX + route for number, route in enumerate(removed)}}
        gone = ", ".join(f"#r{number}" for number in range(len(removed)))
        arguments: dict[str, Any] = {
            "UpdateExpression": f"{expression} REMOVE {gone}".strip() if gone else expression,
            "ExpressionAttributeNames": names,
        }
        if values:
            arguments["ExpressionAttributeValues"] = values
        with said_plainly("dynamodb"):
            self._trigger.client("dynamodb").update_item(**self._table, **arguments)

    def _caller(self) -> str:
        try:
            with said_plainly("sts"):
                return str(self._trigger.client("sts").get_caller_identity()["Arn"])
        except OperationError:
            return ""


def _text(value: Any, name: str) -> str:
    return str(value.get("M", {}).get(name, {}).get("S", ""))


def _time(text: str) -> datetime | None:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    return time if time.tzinfo else None
