"""Contacts with their channels and plans, rotations with their overrides."""

from __future__ import annotations

import re
import secrets
import uuid
from typing import TYPE_CHECKING, Any

from cdk_incidents._shifts import zone_names

from . import shifts
from .errors import conflict, invalid, not_found, over_quota
from .paging import page
from .resources import Kind

if TYPE_CHECKING:
    from .resources import Play
    from .state import Account, Caller, Cloud

_STAGES = 10
_CHANNELS_A_STAGE = 10
_ROTATIONS = 8
_PHONE = re.compile(r"\+[1-9][0-9]{1,14}")
_MAIL = re.compile(r"[^@\s]+@[^@\s]+")


class Contacts(Kind):
    """Contacts by alias: people, escalation plans, on-call schedules."""

    noun, store, arn, key, listed = "Contact", "contacts", "ContactArn", "ContactId", "Contacts"

    def new_arn(self, caller: Caller, params: dict[str, Any]) -> str:
        """Name it after account, Region and alias."""
        return _arn(caller, f"contact/{params['Alias']}")

    def check(self, _cloud: Cloud, caller: Caller, item: dict[str, Any]) -> None:
        """Hold the plan to the type: people have channels, escalation plans contacts, schedules rotations."""
        plan, kind, account = item["Plan"], item["Type"], caller.account
        stages, rotations = plan.get("Stages", []), plan.get("RotationIds", [])
        if rotations and (stages or kind != "ONCALL_SCHEDULE"):
            raise invalid("RotationIds are an on-call schedule's, which has no stages")
        if stages and kind == "ONCALL_SCHEDULE":
            raise invalid("An on-call schedule has no stages: give RotationIds")
        if len(stages) > _STAGES:
            raise over_quota(f"A plan has at most {_STAGES} stages (got {len(stages)})")
        if len(rotations) > _ROTATIONS:
            raise over_quota(f"An on-call schedule has at most {_ROTATIONS} rotations (got {len(rotations)})")
        _exist(account.rotations, rotations)
        wanted = "ChannelTargetInfo" if kind == "PERSONAL" else "ContactTargetInfo"
        for stage in stages:
            targets = stage["Targets"]
            if any(wanted not in target or len(target) != 1 for target in targets):
                raise invalid(f"Each target of a contact of type {kind} must be a {wanted}")
            if kind == "PERSONAL" and len(targets) > _CHANNELS_A_STAGE:
                raise over_quota(f"A stage has at most {_CHANNELS_A_STAGE} channels (got {len(targets)})")
            if kind == "PERSONAL":
                ids = [target[wanted]["ContactChannelId"] for target in targets]
                _exist({k for k, c in account.channels.items() if c["ContactArn"] == item["ContactArn"]}, ids)
            else:
                _exist(
                    account.contacts, [t[wanted]["ContactId"] for t in targets if "ContactId" in t[wanted]]
                )

    def gone(self, _cloud: Cloud, caller: Caller, item: dict[str, Any]) -> None:
        """Take the channels along; stages and response plans keep the name, as the API reference says.

        CHOICE: the conflict that the model knows is a rotation that has the contact.
        """
        account, arn = caller.account, item["ContactArn"]
        _unless_used(arn, "CONTACT", {k: r["ContactIds"] for k, r in account.rotations.items()})
        for channel in [k for k, c in account.channels.items() if c["ContactArn"] == arn]:
            del account.channels[channel]
        account.policies.pop(arn, None)

    def among(self, item: dict[str, Any], params: dict[str, Any]) -> bool:
        """Filter by the beginning of the alias and by type."""
        alias, kind = params.get("AliasPrefix", ""), params.get("Type", item["Type"])
        return bool(item["Alias"].startswith(alias) and item["Type"] == kind)

    def plays(self) -> dict[str, Play]:
        """Add the resource policies, which are kept and nothing more."""
        return {**super().plays(), "PutContactPolicy": self._put_policy, "GetContactPolicy": self._get_policy}

    def _put_policy(self, _cloud: Cloud, caller: Caller, params: dict[str, Any]) -> dict[str, Any]:
        caller.account.policies[self.find(caller, params["ContactArn"])["ContactArn"]] = params["Policy"]
        return {}

    def _get_policy(self, _cloud: Cloud, caller: Caller, params: dict[str, Any]) -> dict[str, Any]:
        arn = self.find(caller, params["ContactArn"])["ContactArn"]
        return {"ContactArn": arn, "Policy": caller.account.policies.get(arn)}


class Channels(Kind):
    """Contact channels; one works once its owner has typed its code."""

    noun, store, arn = "ContactChannel", "channels", "ContactChannelArn"
    key, listed = "ContactChannelId", "ContactChannels"

    def new_arn(self, caller: Caller, params: dict[str, Any]) -> str:
        """Name it after its contact."""
        return _arn(caller, f"contact-channel/{params['ContactId'].rpartition('/')[2]}/{uuid.uuid4()}")

    def check(self, _cloud: Cloud, caller: Caller, item: dict[str, Any]) -> None:
        """Hold the address to the type."""
        item.setdefault("ContactArn", item.pop("ContactId", None))
        item.setdefault("ActivationStatus", "NOT_ACTIVATED")
        contact = caller.account.contacts.get(item["ContactArn"])
        if contact is None or contact["Type"] != "PERSONAL":
            raise invalid(f"Only a contact of type PERSONAL has channels (got {item['ContactArn']})")
        address = item["DeliveryAddress"].get("SimpleAddress", "")
        if not (_MAIL if item["Type"] == "EMAIL" else _PHONE).fullmatch(address):
            raise invalid(
                f"The address must be {'an e-mail address' if item['Type'] == 'EMAIL' else 'E.164'}"
            )

    def change(self, item: dict[str, Any], params: dict[str, Any]) -> dict[str, Any]:
        """Change it. CHOICE: a new address has to be activated anew."""
        moved = params.get("DeliveryAddress", item["DeliveryAddress"]) != item["DeliveryAddress"]
        return {**item, **params, **({"ActivationStatus": "NOT_ACTIVATED"} if moved else {})}

    def made(self, cloud: Cloud, caller: Caller, item: dict[str, Any]) -> None:
        """Send the code to its owner, unless that is put off."""
        if not item.pop("DeferActivation", False):
            self._send(cloud, caller, {"ContactChannelId": item["ContactChannelArn"]})

    def list(self, cloud: Cloud, caller: Caller, params: dict[str, Any]) -> dict[str, Any]:
        """List those of a contact."""
        CONTACTS.find(caller, params["ContactId"])
        return super().list(cloud, caller, params)

    def among(self, item: dict[str, Any], params: dict[str, Any]) -> bool:
        """Filter by contact."""
        return bool(item["ContactArn"] == params["ContactId"])

    def plays(self) -> dict[str, Play]:
        """Add the activation."""
        more = {
            "SendActivationCode": self._send,
            "ActivateContactChannel": self._activate,
            "DeactivateContactChannel": self._deactivate,
        }
        return {**super().plays(), **more}

    def _send(self, _cloud: Cloud, caller: Caller, params: dict[str, Any]) -> dict[str, Any]:
        channel = self.find(caller, params["ContactChannelId"])
        caller.account.codes[channel["ContactChannelArn"]] = f"{secrets.randbelow(10**6):06d}"
        return {}

    def _activate(self, _cloud: Cloud, caller: Caller, params: dict[str, Any]) -> dict[str, Any]:
        channel = self.find(caller, params["ContactChannelId"])
        if caller.account.codes.get(channel["ContactChannelArn"]) != params["ActivationCode"]:
            raise invalid("The activation code is not the one that was sent")
        channel["ActivationStatus"] = "ACTIVATED"
        return {}

    def _deactivate(self, _cloud: Cloud, caller: Caller, params: dict[str, Any]) -> dict[str, Any]:
        self.find(caller, params["ContactChannelId"])["ActivationStatus"] = "NOT_ACTIVATED"
        return {}


class Rotations(Kind):
    """Rotations, their overrides and the shifts that come of both."""

    noun, store, arn, key, listed = "Rotation", "rotations", "RotationArn", "RotationId", "Rotations"

    def new_arn(self, caller: Caller, _params: dict[str, Any]) -> str:
        """Give it an id of its own: names may come twice."""
        return _arn(caller, f"rotation/{uuid.uuid4()}")

    def check(self, cloud: Cloud, caller: Caller, item: dict[str, Any]) -> None:
        """Hold it to what the documents say beside the model."""
        recurrence, people = item["Recurrence"], item["ContactIds"]
        item.setdefault("StartTime", cloud.clock.now())
        if sum(name in recurrence for name in shifts.SETTINGS) != 1:
            raise invalid(f"A recurrence must have exactly one of {', '.join(shifts.SETTINGS)}")
        if item["TimeZoneId"] not in zone_names():
            raise invalid(f"TimeZoneId must be a time zone of the IANA database (got {item['TimeZoneId']!r})")
        if recurrence["NumberOfOnCalls"] > len(people):
            raise invalid(f"NumberOfOnCalls must be at most {len(people)}, the number of contacts")
        known = caller.account.contacts
        for arn in people:
            if known.get(arn, {}).get("Type") != "PERSONAL":
                raise not_found("CONTACT", arn)

    def gone(self, _cloud: Cloud, caller: Caller, item: dict[str, Any]) -> None:
        """Refuse it while a schedule has it. CHOICE, as for contacts."""
        plans = {k: c["Plan"].get("RotationIds", []) for k, c in caller.account.contacts.items()}
        _unless_used(item["RotationArn"], "ROTATION", plans)

    def among(self, item: dict[str, Any], params: dict[str, Any]) -> bool:
        """Filter by the beginning of the name."""
        return bool(item["Name"].startswith(params.get("RotationNamePrefix", "")))

    def plays(self) -> dict[str, Play]:
        """Add overrides and shifts."""
        more = {
            "CreateRotationOverride": self._override,
            "GetRotationOverride": self._get_override,
            "DeleteRotationOverride": self._delete_override,
            "ListRotationOverrides": self._list_overrides,
            "ListRotationShifts": self._list_shifts,
            "ListPreviewRotationShifts": _preview,
        }
        return {**super().plays(), **more}

    def _overrides(self, caller: Caller, params: dict[str, Any]) -> dict[str, dict[str, Any]]:
        arn = self.find(caller, params["RotationId"])["RotationArn"]
        return caller.account.overrides.setdefault(arn, {})

    def _override(self, cloud: Cloud, caller: Caller, params: dict[str, Any]) -> dict[str, Any]:
        overrides, members = self._overrides(caller, params), self.find(caller, params["RotationId"])
        if params["StartTime"] >= params["EndTime"]:
            raise invalid("An override must end after it starts")
        # CHOICE: only members of the rotation can stand in, as in the console.
        _exist(members["ContactIds"], params["NewContactIds"])
        number = str(uuid.uuid4())
        overrides[number] = {
            **{k: params[k] for k in ("NewContactIds", "StartTime", "EndTime")},
            "RotationOverrideId": number,
            "RotationArn": members["RotationArn"],
            "CreateTime": cloud.clock.now(),
        }
        return {"RotationOverrideId": number}

    def _get_override(self, _cloud: Cloud, caller: Caller, params: dict[str, Any]) -> dict[str, Any]:
        overrides = self._overrides(caller, params)
        return overrides[_override_id(overrides, params)]

    def _delete_override(self, _cloud: Cloud, caller: Caller, params: dict[str, Any]) -> dict[str, Any]:
        overrides = self._overrides(caller, params)
        del overrides[_override_id(overrides, params)]
        return {}

    def _list_overrides(self, _cloud: Cloud, caller: Caller, params: dict[str, Any]) -> dict[str, Any]:
        start, end = params["StartTime"], params["EndTime"]
        found = [
            o
            for o in self._overrides(caller, params).values()
            if o["StartTime"] < end and o["EndTime"] > start
        ]
        return page(sorted(found, key=lambda o: o["StartTime"]), params, "RotationOverrides")

    def _list_shifts(self, cloud: Cloud, caller: Caller, params: dict[str, Any]) -> dict[str, Any]:
        rotation, overrides = self.find(caller, params["RotationId"]), self._overrides(caller, params)
        start = params.get("StartTime", cloud.clock.now())
        told = shifts.between(rotation, overrides.values(), start, params["EndTime"])
        return page(told, params, "RotationShifts")


def _preview(cloud: Cloud, _caller: Caller, params: dict[str, Any]) -> dict[str, Any]:
    now = cloud.clock.now()
    rotation = {**params, "ContactIds": params["Members"], "StartTime": params.get("RotationStartTime", now)}
    overrides = [{**o, "NewContactIds": o.get("NewMembers", [])} for o in params.get("Overrides", [])]
    told = shifts.between(rotation, overrides, params.get("StartTime", now), params["EndTime"])
    return page(told, params, "RotationShifts")


def _override_id(overrides: dict[str, Any], params: dict[str, Any]) -> str:
    number: str = params["RotationOverrideId"]
    if number not in overrides:
        raise not_found("ROTATION_OVERRIDE", number)
    return number


def activate_all(account: Account) -> list[str]:
    """Do what the owners of channels would, and tell the names of those that were not activated."""
    waiting = [c for c in account.channels.values() if c["ActivationStatus"] != "ACTIVATED"]
    for channel in waiting:
        channel["ActivationStatus"] = "ACTIVATED"
    return [f"{account.contacts[c['ContactArn']]['Alias']} {c['Type']}" for c in waiting]


def on_call(account: Account, schedule: dict[str, Any], now: Any) -> list[str]:
    """Tell who is on call in a schedule: the contacts' ARNs, each once."""
    found: list[str] = []
    for arn in schedule["Plan"].get("RotationIds", []):
        overrides = account.overrides.get(arn, {}).values()
        found += shifts.at(account.rotations[arn], overrides, now)
    return list(dict.fromkeys(found))


def _arn(caller: Caller, resource: str) -> str:
    return f"arn:aws:ssm-contacts:{caller.region}:{caller.account.id}:{resource}"


def _exist(known: Any, wanted: list[str]) -> None:
    if missing := [arn for arn in wanted if arn not in known]:
        raise invalid(f"There is no {', no '.join(missing)} here")


def _unless_used(arn: str, kind: str, users: dict[str, list[str]]) -> None:
    if dependent := [user for user, used in users.items() if arn in used]:
        relation = [{"RelationType": "MEMBER", "DependentResourceIds": dependent}]
        raise conflict(f"{arn} is used by {', '.join(dependent)}", kind, arn, dependentEntities=relation)


CONTACTS, CHANNELS, ROTATIONS = Contacts(), Channels(), Rotations()
