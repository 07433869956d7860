"""Rotations, their overrides, and the shifts that come of both."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from cdk_incidents._shifts import zone_names
from cdk_incidents.local._server.protocol.errors import invalid, not_found
from cdk_incidents.local._server.protocol.paging import page

from . import shifts
from .contacts import CONTACTS, arn_of, exist
from .resources import Kind

if TYPE_CHECKING:
    import datetime as dt

    from cdk_incidents.local._server.state import Account, Caller, Cloud

    from .resources import Play


class Rotations(Kind):
    """Rotations: people who take turns."""

    noun, store, arn, key, listed = "Rotation", "rotations", "RotationArn", "RotationId", "Rotations"

    def new_arn(self, caller: Caller, _params: dict[str, Any]) -> str:
        """Give it an id of its own: names may come twice."""
        return arn_of(caller, f"rotation/{uuid.uuid4()}")

    def check(self, cloud: Cloud, caller: Caller, item: dict[str, Any]) -> None:
        """Hold it to what the documents say beside the model."""
        item.setdefault("StartTime", cloud.clock.now())
        people, known = item["ContactIds"], CONTACTS.here(caller)
        _check(item, people)
        for arn in people:
            if known.get(arn, {}).get("Type") != "PERSONAL":
                raise not_found("CONTACT", arn)

    def gone(self, _cloud: Cloud, caller: Caller, item: dict[str, Any]) -> None:
        """Take it out of every schedule, as the API reference says, and its overrides along."""
        account, arn = caller.account, item["RotationArn"]
        for contact in account.contacts.values():
            rotations = contact["Plan"].get("RotationIds", [])
            if arn in rotations:
                contact["Plan"] = {"RotationIds": [one for one in rotations if one != arn]}
        for number in _of(account, arn):
            del account.overrides[number]

    def among(self, item: dict[str, Any], params: dict[str, Any]) -> bool:
        """Filter by the beginning of the name."""
        return bool(item["Name"].startswith(params.get("RotationNamePrefix", "")))

    def plays(self) -> dict[str, Play]:
        """Add the shifts."""
        more = {"ListRotationShifts": self._shifts, "ListPreviewRotationShifts": _preview}
        return {**super().plays(), **more}

    def _shifts(self, cloud: Cloud, caller: Caller, params: dict[str, Any]) -> dict[str, Any]:
        rotation = self.find(caller, params["RotationId"])
        overrides = _of(caller.account, rotation["RotationArn"]).values()
        start = params.get("StartTime", cloud.clock.now())
        return page(shifts.between(rotation, overrides, start, params["EndTime"]), params, "RotationShifts")


class Overrides(Kind):
    """Overrides of a rotation, by an id of their own."""

    noun, store, tags, order = "RotationOverride", "overrides", "", "StartTime"
    arn = key = "RotationOverrideId"
    listed = "RotationOverrides"

    def new_arn(self, _caller: Caller, _params: dict[str, Any]) -> str:
        """Give it an id."""
        return str(uuid.uuid4())

    def check(self, cloud: Cloud, caller: Caller, item: dict[str, Any]) -> None:
        """Refuse one that ends before it starts. CHOICE: only members can stand in, as in the console."""
        _forward(item)
        exist(ROTATIONS.find(caller, item["RotationId"])["ContactIds"], item["NewContactIds"])
        item.update(RotationArn=item["RotationId"], CreateTime=cloud.clock.now())

    def among(self, item: dict[str, Any], params: dict[str, Any]) -> bool:
        """Filter by rotation and time."""
        of_it = item["RotationArn"] == params["RotationId"]
        return bool(of_it and item["StartTime"] < params["EndTime"] and item["EndTime"] > params["StartTime"])

    def plays(self) -> dict[str, Play]:
        """Give the operations, each on an override of a rotation that is there; none changes one."""
        given = {name: play for name, play in super().plays().items() if not name.startswith("Update")}
        return {name: self._of_rotation(play) for name, play in given.items()}

    def _of_rotation(self, play: Play) -> Play:
        def checked(cloud: Cloud, caller: Caller, params: dict[str, Any]) -> dict[str, Any]:
            rotation, number = ROTATIONS.find(caller, params["RotationId"]), params.get(self.key)
            if number and number not in _of(caller.account, rotation["RotationArn"]):
                raise not_found(self.resource_type, number)
            return play(cloud, caller, params)

        return checked


def _check(asked: dict[str, Any], people: list[str]) -> None:
    """Hold a rotation, or the preview of one, to the rules."""
    recurrence = asked["Recurrence"]
    given = [recurrence[name] for name in shifts.SETTINGS if name in recurrence]
    if len(given) != 1 or not given[0]:
        raise invalid(f"A recurrence must have exactly one of {', '.join(shifts.SETTINGS)}, and a hand-off")
    if asked["TimeZoneId"] not in zone_names():
        raise invalid(f"TimeZoneId must be a time zone of the IANA database (got {asked['TimeZoneId']!r})")
    if recurrence["NumberOfOnCalls"] > len(people):
        raise invalid(f"NumberOfOnCalls must be at most {len(people)}, the number of contacts")
    coverages = [time for day in recurrence.get("ShiftCoverages", {}).values() for time in day]
    if not all({"Start", "End"} <= {*time} for time in coverages):
        raise invalid("A coverage must have Start and End")


def _forward(override: dict[str, Any]) -> None:
    if not {"StartTime", "EndTime"} <= {*override} or override["StartTime"] >= override["EndTime"]:
        raise invalid("An override must end after it starts")


def _preview(cloud: Cloud, _caller: Caller, params: dict[str, Any]) -> dict[str, Any]:
    now, overrides = cloud.clock.now(), params.get("Overrides", [])
    _check(params, params["Members"])
    for override in overrides:
        _forward(override)
    rotation = {**params, "ContactIds": params["Members"], "StartTime": params.get("RotationStartTime", now)}
    told = [{**override, "NewContactIds": override.get("NewMembers", [])} for override in overrides]
    found = shifts.between(rotation, told, params.get("StartTime", now), params["EndTime"])
    return page(found, params, "RotationShifts")


def _of(account: Account, rotation_arn: str) -> dict[str, dict[str, Any]]:
    """Give a rotation's overrides, in the order in which they were made."""
    return {k: o for k, o in account.overrides.items() if o["RotationArn"] == rotation_arn}


def on_call(account: Account, schedule: dict[str, Any], now: dt.datetime) -> list[str]:
    """Tell who is on call in a schedule: the contacts' ARNs, each once."""
    found: list[str] = []
    for arn in schedule["Plan"].get("RotationIds", []):
        found += shifts.at(account.rotations[arn], _of(account, arn).values(), now)
    return list(dict.fromkeys(found))


ROTATIONS, OVERRIDES = Rotations(), Overrides()
