"""The CloudFormation types that the emulator lacks."""

from __future__ import annotations

import datetime as dt
from functools import partial
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from cdk_incidents.local._server.incident_manager.shifts import read_local_time

from .resource_types import Api, Calls, Document, Props, Put, ReplicationSet

if TYPE_CHECKING:
    from cdk_incidents.local._server.adapter import Emulator
    from cdk_incidents.local._server.services import Service
    from cdk_incidents.local._server.state import Cloud

_ALARMS = "arn:aws:cloudwatch:{region}:{account}:"
_CHAT = "arn:aws:chatbot::{account}:chat-configuration/"
# Types of which only the properties are kept: Ref, and what they cannot do without; all of that but the last
# makes another one.
_KEPT = {
    "AWS::Chatbot::SlackChannelConfiguration": (
        f"{_CHAT}slack-channel/{{ConfigurationName}}",
        ("SlackWorkspaceId", "ConfigurationName", "SlackChannelId"),
    ),
    "AWS::Chatbot::MicrosoftTeamsChannelConfiguration": (
        f"{_CHAT}microsoft-teams-channel/{{ConfigurationName}}",
        ("TeamId", "TeamsTenantId", "ConfigurationName", "TeamsChannelId"),
    ),
    "AWS::RAM::ResourceShare": ("arn:aws:ram:{region}:{account}:resource-share/{id}", ("Name",)),
}


def add_types(emulator: Emulator, cloud: Cloud, services: dict[str, Service]) -> None:
    """Teach the emulator's CloudFormation the types."""
    calls = {name: Calls(emulator, cloud, service) for name, service in services.items()}
    incidents, contacts, alarms = (calls[name] for name in ("ssm-incidents", "ssm-contacts", "monitoring"))
    put = partial(Put, emulator.here)
    plan, mute = partial(_put_plan, contacts), partial(_put_mute_rule, alarms)
    no_policy = partial(emulator.put_function_policy, statements=[])
    kinds: list[Any] = [
        Api(incidents, "AWS::SSMIncidents::ResponsePlan", ("Name",), change=_flat),
        ReplicationSet(incidents),
        Api(contacts, "AWS::SSMContacts::Contact", ("Alias", "Type"), _with_plan, _with_own_plan),
        Api(contacts, "AWS::SSMContacts::ContactChannel", ("ContactId", "ChannelType")),
        Api(contacts, "AWS::SSMContacts::Rotation", prepare=_with_start),
        Document(calls["ssm"]),
        put("AWS::SSMContacts::Plan", ("ContactId",), "{ContactId}", "{Ref}", plan, partial(plan, props={})),
        put(
            *("AWS::CloudWatch::AlarmMuteRule", ("Name",), f"{_ALARMS}alarm-mute-rule:{{Name}}", "{Ref}"),
            *(mute, lambda arn: alarms("DeleteAlarmMuteRule", {"AlarmMuteRuleName": _last(arn)})),
            ("Rule",),
        ),
        put(
            *("AWS::CloudWatch::CompositeAlarm", ("AlarmName",), "{AlarmName}", f"{_ALARMS}alarm:{{Ref}}"),
            *(partial(_put_composite_alarm, emulator), emulator.delete_alarm),
        ),
        # The whole of one qualifier's policy, in place of what permissions put there.
        put(
            *("AWS::Lambda::ResourcePolicy", ("ResourceArn",), "{ResourceArn}", ""),
            lambda arn, props: emulator.put_function_policy(arn, props["PolicyDocument"]["Statement"]),
            no_policy,
            ("PolicyDocument",),
        ),
    ]
    for name, (arn, required) in _KEPT.items():
        kept = cloud.shares if name == "AWS::RAM::ResourceShare" else dict[str, Props]()
        forget = partial(_forget, kept)
        kinds.append(put(name, required[:-1], arn, "{Ref}", kept.__setitem__, forget, required))
    for kind in kinds:
        emulator.add_resource_type(kind)


def _flat(params: Props) -> Props:
    """Name each part of a plan's template as UpdateResponsePlan does, and empty what is no longer there."""
    emptied: Props = {"engagements": [], "actions": [], "integrations": [], "displayName": ""}
    emptied |= {"chatChannel": {"empty": {}}}
    template: Props = {"summary": "", "dedupeString": "", "notificationTargets": [], "incidentTags": {}}
    template |= params["incidentTemplate"]
    template["tags"] = template.pop("incidentTags")
    flat = {f"incidentTemplate{name[0].upper()}{name[1:]}": value for name, value in template.items()}
    return {**emptied, **params, **flat}


def _with_plan(props: Props) -> Props:
    """Make a contact's list of stages a plan; one of them may hold rotations instead."""
    stages = props.get("Plan") or []
    if not isinstance(stages, list):
        raise ValueError("Properties validation failed: #/Plan: expected type: JSONArray, found: JSONObject")  # noqa: TRY004 - what fails a resource
    rotations = [arn for stage in stages for arn in stage.get("RotationIds") or []]
    plan = {"RotationIds": rotations} if rotations else {"Stages": _stages(stages)}
    return {**props, "Plan": plan}


def _stages(stages: list[Props]) -> list[Props]:
    kept = ({name: value for name, value in stage.items() if name != "RotationIds"} for stage in stages)
    return [{"Targets": [], **stage} for stage in kept]


def _with_own_plan(params: Props) -> Props:
    """Leave the plan to AWS::SSMContacts::Plan where the contact has none of its own."""
    none = params["Plan"] == {"Stages": []}
    return {name: value for name, value in params.items() if name != "Plan" or not none}


def _put_plan(contacts: Calls, contact: str, props: Props) -> None:
    """Give a contact a plan, or take it away, if the contact is still there."""
    plan: Props = {"RotationIds": props["RotationIds"]} if props.get("RotationIds") else {}
    if props.get("Stages") or not plan:
        plan["Stages"] = _stages(props.get("Stages") or [])
    contacts("UpdateContact", {"ContactId": contact, "Plan": plan}, missing_ok=not props)


def _with_start(props: Props) -> Props:
    """Read a rotation's start, a local time of its zone; what lacks one, the model refuses."""
    if not {"StartTime", "TimeZoneId"} <= props.keys():
        return props
    return {**props, "StartTime": read_local_time(props["StartTime"], props["TimeZoneId"])}


def _put_mute_rule(alarms: Calls, arn: str, props: Props) -> None:
    """Put a mute rule, whose dates are texts in the schedule's zone."""
    zone = ZoneInfo(props["Rule"]["Schedule"].get("Timezone", "UTC"))
    given = {name: props[name] for name in ("StartDate", "ExpireDate") if name in props}
    dates: Props = {n: dt.datetime.fromisoformat(text).replace(tzinfo=zone) for n, text in given.items()}
    alarms("PutAlarmMuteRule", {**props, **dates, "Name": _last(arn)})


def _put_composite_alarm(emulator: Emulator, name: str, props: Props) -> None:
    enabled = str(props.get("ActionsEnabled", True)).lower() == "true"
    emulator.put_composite_alarm({**props, "AlarmName": name, "ActionsEnabled": enabled})


def _forget(kept: dict[str, Props], ref: str) -> None:
    kept.pop(ref, None)


def _last(arn: str) -> str:
    return arn.rpartition(":")[2]
