"""Contacts with their plans, and the channels that reach them.

Quotas: https://docs.aws.amazon.com/general/latest/gr/incident-manager.html
"""

from __future__ import annotations

import re
import secrets
import uuid
from typing import TYPE_CHECKING, Any

from cdk_incidents.local._server.protocol.errors import conflict, invalid, over_quota
from cdk_incidents.local._server.protocol.json_text import read_json

from .resources import Kind, is_here

if TYPE_CHECKING:
    from collections.abc import Container, Sequence

    from cdk_incidents.local._server.state import Account, Caller, Cloud

    from .resources import Play

_CONTACTS, _STAGES, _CHANNELS_A_STAGE, _ROTATIONS = 1000, 10, 10, 8
# What the targets of a stage are, by the type of contact: a member, and the one in it that names who or what.
_TARGETS = {
    "PERSONAL": ("ChannelTargetInfo", "ContactChannelId"),
    "ESCALATION": ("ContactTargetInfo", "ContactId"),
}
_MAIL, _PHONE = re.compile(r"[^@\s]+@[^@\s]+"), re.compile(r"\+[1-9][0-9]{1,14}")


class Contacts(Kind):
    """Contacts by alias: people, escalation plans, on-call schedules."""

    noun, store, arn, key, listed = "Contact", "contacts", "ContactArn", "ContactId", "Contacts"

    def new_arn(self, caller: Caller, params: dict[str, Any]) -> str:
        """Name it after account, Region and alias."""
        return arn_of(caller, f"contact/{params['Alias']}")

    def check(self, _cloud: Cloud, caller: Caller, item: dict[str, Any]) -> None:
        """Hold the plan to the type: people have channels, escalation plans contacts, schedules rotations."""
        plan, kind, here = item["Plan"], item["Type"], self.here(caller)
        if item["ContactArn"] not in here:
            at_most(_CONTACTS, [*here, item], "An account", "contacts")
        elif here[item["ContactArn"]]["Plan"] == plan:
            return  # it may name what has been deleted since
        stages, rotations = plan.get("Stages", []), plan.get("RotationIds", [])
        against = stages if kind == "ONCALL_SCHEDULE" else rotations
        if against:
            raise invalid("An on-call schedule, and no other contact, has RotationIds, and no stages")
        at_most(_STAGES, stages, "A plan", "stages")
        at_most(_ROTATIONS, rotations, "An on-call schedule", "rotations")
        exist({arn for arn in caller.account.rotations if is_here(caller, arn)}, rotations)
        channels = {k for k, c in caller.account.channels.items() if c["ContactArn"] == item["ContactArn"]}
        for stage in stages:
            info, name = _TARGETS[kind]
            targets = stage["Targets"]
            if not targets and not stage["DurationInMinutes"]:
                raise invalid("DurationInMinutes can be 0 only where the stage has a target")
            if any(list(target) != [info] for target in targets):
                raise invalid(f"Each target of a contact of type {kind} must be a {info}")
            if kind == "PERSONAL":
                at_most(_CHANNELS_A_STAGE, targets, "A stage", "channels")
            named = [target[info][name] for target in targets if name in target[info]]
            exist(channels if kind == "PERSONAL" else here, named)

    def gone(self, cloud: Cloud, caller: Caller, item: dict[str, Any]) -> None:
        """Take the channels along; stages and response plans keep the name, as the API reference says.

        CHOICE: the conflict that the model knows is a rotation that has the contact.
        """
        account, arn = caller.account, item["ContactArn"]
        if users := [k for k, rotation in account.rotations.items() if arn in rotation["ContactIds"]]:
            relation = [{"RelationType": "MEMBER", "DependentResourceIds": users}]
            told = f"{arn} is used by {', '.join(users)}"
            raise conflict(told, self.resource_type, arn, dependentEntities=relation)
        for channel in [k for k, c in account.channels.items() if c["ContactArn"] == arn]:
            CHANNELS.delete(cloud, caller, {"ContactChannelId": channel})
        account.policies.pop(arn, None)

    def among(self, item: dict[str, Any], params: dict[str, Any]) -> bool:
        """Filter by the beginning of the alias and by type."""
        alias, kind = params.get("AliasPrefix", ""), params.get("Type", item["Type"])
        return bool(item["Alias"].startswith(alias) and item["Type"] == kind)

    def plays(self) -> dict[str, Play]:
        """Add the resource policies, which are kept and nothing more."""
        return {**super().plays(), "PutContactPolicy": self._put_policy, "GetContactPolicy": self._get_policy}

    def _put_policy(self, _cloud: Cloud, caller: Caller, params: dict[str, Any]) -> dict[str, Any]:
        if not isinstance(read_json(params["Policy"]), dict):
            raise invalid("The policy must be a JSON object")
        caller.account.policies[self.find(caller, params["ContactArn"])["ContactArn"]] = params["Policy"]
        return {}

    def _get_policy(self, _cloud: Cloud, caller: Caller, params: dict[str, Any]) -> dict[str, Any]:
        arn = self.find(caller, params["ContactArn"])["ContactArn"]
        return {"ContactArn": arn, "Policy": caller.account.policies.get(arn)}


class Channels(Kind):
    """Contact channels; one works once its owner has typed its code."""

    noun, store, arn, tags = "ContactChannel", "channels", "ContactChannelArn", ""
    key, listed = "ContactChannelId", "ContactChannels"

    def new_arn(self, caller: Caller, params: dict[str, Any]) -> str:
        """Name it after its contact."""
        return arn_of(caller, f"contact-channel/{params['ContactId'].rpartition('/')[2]}/{uuid.uuid4()}")

    def check(self, _cloud: Cloud, caller: Caller, item: dict[str, Any]) -> None:
        """Hold the address to the type."""
        item.setdefault("ContactArn", item.pop("ContactId", None))
        item.setdefault("ActivationStatus", "NOT_ACTIVATED")
        contact = CONTACTS.here(caller).get(item["ContactArn"], {})
        if contact.get("Type") != "PERSONAL":
            raise invalid(f"Only a contact of type PERSONAL has channels (got {item['ContactArn']})")
        form, told = (_MAIL, "an e-mail address") if item["Type"] == "EMAIL" else (_PHONE, "E.164")
        if not form.fullmatch(item["DeliveryAddress"].get("SimpleAddress", "")):
            raise invalid(f"The address must be {told}")

    def update(self, cloud: Cloud, caller: Caller, params: dict[str, Any]) -> dict[str, Any]:
        """Change it. CHOICE: a new address has to be activated anew, by a code that is sent to it."""
        before = self.find(caller, params["ContactChannelId"])
        super().update(cloud, caller, params)
        if params.get("DeliveryAddress", before["DeliveryAddress"]) != before["DeliveryAddress"]:
            self._deactivate(cloud, caller, params)
            caller.account.codes.pop(before["ContactChannelArn"], None)
        return {}

    def made(self, cloud: Cloud, caller: Caller, item: dict[str, Any]) -> None:
        """Send the code to its owner, unless that is put off."""
        if not item.pop("DeferActivation", False):
            self._send(cloud, caller, {"ContactChannelId": item["ContactChannelArn"]})

    def gone(self, _cloud: Cloud, caller: Caller, item: dict[str, Any]) -> None:
        """Forget its code; its contact's plan keeps it, as the API reference says."""
        caller.account.codes.pop(item["ContactChannelArn"], None)

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
        caller.account.codes[channel["ContactChannelArn"]] = new_code()
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


def arn_of(caller: Caller, resource: str) -> str:
    """Give the ARN of something of the caller's Region."""
    return f"arn:aws:ssm-contacts:{caller.region}:{caller.account.id}:{resource}"


def new_code() -> str:
    """Make up a code of six digits."""
    return f"{secrets.randbelow(10**6):06d}"


def at_most(limit: int, things: Sequence[Any], owner: str, noun: str) -> None:
    """Hold something to a quota."""
    if len(things) > limit:
        raise over_quota(f"{owner} has at most {limit} {noun} (got {len(things)})")


def exist(known: Container[str], wanted: list[str]) -> None:
    """Refuse what names something that is not there."""
    if missing := [arn for arn in wanted if arn not in known]:
        raise invalid(f"There is no {', no '.join(missing)} here")


def activate_all(account: Account) -> list[str]:
    """Do what the owners of channels would, and tell the names of those that were not activated."""
    waiting = [c for c in account.channels.values() if c["ActivationStatus"] != "ACTIVATED"]
    for channel in waiting:
        channel["ActivationStatus"] = "ACTIVATED"
    return [f"{account.contacts[c['ContactArn']]['Alias']} {c['Type']}" for c in waiting]


CONTACTS, CHANNELS = Contacts(), Channels()
