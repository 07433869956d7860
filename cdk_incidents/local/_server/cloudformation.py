"""The CloudFormation types that the emulator lacks, played through the services' own operations."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from typing import TYPE_CHECKING, Any, ClassVar
from zoneinfo import ZoneInfo

from .constraints import violations
from .errors import ServiceError, invalid
from .resources import read_tags
from .shifts import read_local_time
from .state import Caller

if TYPE_CHECKING:
    from botocore.model import Shape

    from .adapter import Emulator
    from .services import Service
    from .state import Cloud

Props = dict[str, Any]
Created = tuple[str, dict[str, Any]]
_IN_THE_WAY = "CloudFormation cannot update a stack when a custom-named resource requires replacing. Rename"


class Type:
    """A type whose resources have an ARN, which is what Ref and the attribute Arn give.

    The operations are Create, Update and Delete of its noun, and those on tags.
    """

    name: ClassVar[str]
    replacing: ClassVar[tuple[str, ...]] = ()
    service: ClassVar[str] = "ssm-contacts"
    noun: ClassVar[str]
    arn: ClassVar[str]  # the member of the answer to Create
    key: ClassVar[str]  # the parameter of Update and Delete
    fixed: ClassVar[tuple[str, ...]] = ()  # parameters of Create that Update does not take
    tags: ClassVar[tuple[str, str, str]] = ("ResourceARN", "Tags", "TagKeys")

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def params(self, props: Props) -> dict[str, Any]:
        """Turn properties into the input of Create."""
        raise NotImplementedError

    def changes(self, params: dict[str, Any]) -> dict[str, Any]:
        """Turn the input of Create into that of Update."""
        return {name: value for name, value in params.items() if name not in self.fixed}

    def create(self, _logical_id: str, props: Props, _stack: str) -> Created:
        """Create the resource."""
        arn = self._call("Create", self.params(props))[self.arn]
        return arn, {"Arn": arn}

    def update(self, arn: str, _old: Props, props: Props, _stack: str) -> Created:
        """Change it in place."""
        resource, tags, keys = self.tags
        params = self.params(props)
        wanted = read_tags(params.pop(tags, {}))
        self._call("Update", {**self.changes(params), self.key: arn})
        known = read_tags(self._calls(self.service, "ListTagsForResource", {resource: arn}).get(tags, {}))
        if gone := [key for key in known if key not in wanted]:
            self._calls(self.service, "UntagResource", {resource: arn, keys: gone})
        if wanted:
            pairs = [{"Key": k, "Value": v} for k, v in wanted.items()]
            self._calls(
                self.service, "TagResource", {resource: arn, tags: wanted if tags == "tags" else pairs}
            )
        return arn, {"Arn": arn}

    def delete(self, arn: str, _props: Props) -> None:
        """Delete it; that it is gone already is no fault."""
        self._call("Delete", {self.key: arn}, missing_ok=True)

    def _call(self, verb: str, params: dict[str, Any], *, missing_ok: bool = False) -> dict[str, Any]:
        return self._calls(self.service, verb + self.noun, params, missing_ok=missing_ok)


class ResponsePlanType(Type):
    """AWS::SSMIncidents::ResponsePlan: the API's shapes under capital names."""

    name, service, noun = "AWS::SSMIncidents::ResponsePlan", "ssm-incidents", "ResponsePlan"
    replacing, arn, key, fixed = ("Name",), "arn", "arn", ("name", "incidentTemplate")
    tags = ("resourceArn", "tags", "tagKeys")

    def params(self, props: Props) -> dict[str, Any]:
        """Put the shapes that differ into the API's form."""
        plan: dict[str, Any] = _lower({key: value for key, value in props.items() if key != "Actions"})
        template = plan["incidentTemplate"]
        if "incidentTags" in template:
            template["incidentTags"] = read_tags(props["IncidentTemplate"]["IncidentTags"])
        if "tags" in plan:
            plan["tags"] = read_tags(props["Tags"])
        if props.get("Actions"):
            plan["actions"] = [_action(action) for action in props["Actions"]]
        return plan

    def changes(self, params: dict[str, Any]) -> dict[str, Any]:
        """Name each part of the template, and empty what is no longer there."""
        emptied: dict[str, Any] = {"engagements": [], "actions": [], "integrations": [], "displayName": ""}
        emptied |= {"chatChannel": {"empty": {}}}
        template: dict[str, Any] = {"summary": "", "dedupeString": "", "notificationTargets": []}
        template |= {"incidentTags": {}, **params["incidentTemplate"]}
        names = {name: "Tags" if name == "incidentTags" else name[0].upper() + name[1:] for name in template}
        changed = {f"incidentTemplate{names[name]}": value for name, value in template.items()}
        return {**emptied, **super().changes(params), **changed}


class ContactType(Type):
    """AWS::SSMContacts::Contact, with or without its plan."""

    name, noun = "AWS::SSMContacts::Contact", "Contact"
    replacing, arn, key, fixed = ("Alias", "Type"), "ContactArn", "ContactId", ("Alias", "Type")

    def params(self, props: Props) -> dict[str, Any]:
        """Make the API's plan of the list of stages, one of which may hold rotations instead."""
        stages = props.get("Plan") or []
        rotations = [arn for stage in stages for arn in stage.get("RotationIds") or []]
        plan = {"RotationIds": rotations} if rotations else {"Stages": [_stage(stage) for stage in stages]}
        return {**props, "Plan": plan}

    def changes(self, params: dict[str, Any]) -> dict[str, Any]:
        """Leave the plan to AWS::SSMContacts::Plan where the contact has none of its own."""
        changed = super().changes(params)
        if changed["Plan"] == {"Stages": []}:
            del changed["Plan"]
        return changed


class ContactChannelType(Type):
    """AWS::SSMContacts::ContactChannel."""

    name, noun = "AWS::SSMContacts::ContactChannel", "ContactChannel"
    replacing, arn, key = ("ContactId", "ChannelType"), "ContactChannelArn", "ContactChannelId"
    fixed = ("ContactId", "Type", "DeferActivation")

    def params(self, props: Props) -> dict[str, Any]:
        """Rename what the API names otherwise."""
        names = {"ChannelName": "Name", "ChannelType": "Type"}
        params = {names.get(name, name): value for name, value in props.items() if name != "ChannelAddress"}
        return {**params, "DeliveryAddress": {"SimpleAddress": props.get("ChannelAddress", "")}}

    def update(self, arn: str, _old: Props, props: Props, _stack: str) -> Created:
        """Change it; a channel has no tags."""
        self._call("Update", {**self.changes(self.params(props)), self.key: arn})
        return arn, {"Arn": arn}


class RotationType(Type):
    """AWS::SSMContacts::Rotation: hours are texts, and its start is a local time."""

    name, noun = "AWS::SSMContacts::Rotation", "Rotation"
    arn, key, fixed = "RotationArn", "RotationId", ("Name",)

    def params(self, props: Props) -> dict[str, Any]:
        """Take the texts apart."""
        recurrence = dict(props["Recurrence"])
        if "DailySettings" in recurrence:
            recurrence["DailySettings"] = [_hour(text) for text in recurrence["DailySettings"]]
        for name in ("WeeklySettings", "MonthlySettings"):
            if name in recurrence:
                recurrence[name] = [{**s, "HandOffTime": _hour(s["HandOffTime"])} for s in recurrence[name]]
        if "ShiftCoverages" in recurrence:
            recurrence["ShiftCoverages"] = {
                day["DayOfWeek"]: [
                    {"Start": _hour(time["StartTime"]), "End": _hour(time["EndTime"])}
                    for time in day["CoverageTimes"]
                ]
                for day in recurrence["ShiftCoverages"]
            }
        start = read_local_time(props["StartTime"], props["TimeZoneId"])
        return {**props, "StartTime": start, "Recurrence": recurrence}


class PlanType(Type):
    """AWS::SSMContacts::Plan: the plan of a contact that is made elsewhere; its ARN is the contact's."""

    name, noun, key = "AWS::SSMContacts::Plan", "Contact", "ContactId"
    replacing = ("ContactId",)

    def create(self, _logical_id: str, props: Props, _stack: str) -> Created:
        """Give the contact its plan."""
        plan: dict[str, Any] = {"Stages": [_stage(stage) for stage in props.get("Stages") or []]}
        if props.get("RotationIds"):
            plan = {"RotationIds": props["RotationIds"], **(plan if props.get("Stages") else {})}
        self._call("Update", {"ContactId": props["ContactId"], "Plan": plan})
        return props["ContactId"], {"Arn": props["ContactId"]}

    def update(self, _arn: str, _old: Props, props: Props, stack: str) -> Created:
        """Give the contact another plan."""
        return self.create("", props, stack)

    def delete(self, arn: str, _props: Props) -> None:
        """Leave the contact without a plan."""
        self._call("Update", {"ContactId": arn, "Plan": {"Stages": []}}, missing_ok=True)


class ReplicationSetType(Type):
    """AWS::SSMIncidents::ReplicationSet: Regions change one at a time, and a Region's key never."""

    name, service, noun = "AWS::SSMIncidents::ReplicationSet", "ssm-incidents", "ReplicationSet"
    arn, key = "arn", "arn"
    tags = ("resourceArn", "tags", "tagKeys")

    def create(self, logical_id: str, props: Props, stack: str) -> Created:
        """Create the set with its Regions."""
        created = super().create(logical_id, props, stack)
        if _flag(props):
            self._protect(created[0], props)
        return created

    def params(self, props: Props) -> dict[str, Any]:
        """Key the Regions by name."""
        return {
            "regions": _regions(props),
            **({"tags": read_tags(props["Tags"])} if props.get("Tags") else {}),
        }

    def update(self, arn: str, old: Props, props: Props, _stack: str) -> Created:
        """Change one Region; the model lets no more through."""
        before, after = _regions(old), _regions(props)
        if any(before[name] != after[name] for name in before.keys() & after.keys()):
            raise ValueError(f"The key of a Region cannot be changed. {_where('SsmIncidents')}")
        actions: list[dict[str, Any]] = [
            {"addRegionAction": {"regionName": name, **value}}
            for name, value in after.items()
            if name not in before
        ]
        actions += [{"deleteRegionAction": {"regionName": name}} for name in before if name not in after]
        if actions:
            self._call("Update", {"arn": arn, "actions": actions})
        if _flag(old) != _flag(props):
            self._protect(arn, props)
        return arn, {"Arn": arn}

    def _protect(self, arn: str, props: Props) -> None:
        self._calls(self.service, "UpdateDeletionProtection", {"arn": arn, "deletionProtected": _flag(props)})


class DocumentType:
    """AWS::SSM::Document: other content is another document, unless UpdateMethod says NewVersion."""

    name = "AWS::SSM::Document"
    replacing = ("Name", "DocumentType")
    _content = ("Content", "DocumentFormat", "TargetType", "VersionName", "Requires", "Attachments")

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def create(self, logical_id: str, props: Props, stack: str) -> Created:
        """Create the document; Ref is its name."""
        name = props.get("Name") or f"{stack}-{logical_id}-{uuid.uuid4().hex[:12]}"
        kept: Props = {
            k: props[k] for k in ("DocumentType", "DocumentFormat", "TargetType", "Tags") if k in props
        }
        self._calls("ssm", "CreateDocument", {**kept, "Name": name, "Content": _text(props["Content"])})
        return name, {}

    def update(self, name: str, old: Props, props: Props, stack: str, logical_id: str) -> Created:
        """Make a new version, or a new document."""
        if all(old.get(key) == props.get(key) for key in self._content):
            return name, {}
        if props.get("UpdateMethod") != "NewVersion":
            if props.get("Name"):
                raise ValueError(f"{_IN_THE_WAY} {name} and update the stack again.")
            return self.create(logical_id, props, stack)
        content = {"Name": name, "Content": _text(props["Content"]), "DocumentVersion": "$LATEST"}
        latest = self._calls("ssm", "UpdateDocument", content)["DocumentDescription"]["LatestVersion"]
        self._calls("ssm", "UpdateDocumentDefaultVersion", {"Name": name, "DocumentVersion": latest})
        return name, {}

    def delete(self, name: str, _props: Props) -> None:
        """Delete the document."""
        self._calls("ssm", "DeleteDocument", {"Name": name}, missing_ok=True)


class RememberedType:
    """A type of which only the properties are kept, by the ARN that Ref and Arn give.

    Parameters
    ----------
    kept
        where they are kept
    """

    def __init__(
        self,
        emulator: Emulator,
        kept: dict[str, Props],
        name: str,
        resource: str,
        required: tuple[str, ...],
        replacing: tuple[str, ...] = (),
    ) -> None:
        self.name = name
        self.replacing = replacing
        self._emulator, self._kept, self._resource, self._required = emulator, kept, resource, required

    def create(self, _logical_id: str, props: Props, stack: str) -> Created:
        """Keep it."""
        account, region = self._emulator.here()
        values = {**props, "account": account, "region": region, "uuid": uuid.uuid4()}
        return self.update(self._resource.format_map(_Blank(values)), {}, props, stack)

    def update(self, arn: str, _old: Props, props: Props, _stack: str) -> Created:
        """Keep it as it is now."""
        if missing := [name for name in self._required if not props.get(name)]:
            raise ValueError(f"Properties validation failed for {self.name}: {', '.join(missing)} is missing")
        self._kept[arn] = props
        return arn, {"Arn": arn}

    def delete(self, arn: str, _props: Props) -> None:
        """Forget it."""
        self._kept.pop(arn, None)


class _Blank(dict[str, Any]):
    def __missing__(self, _key: str) -> str:
        return ""


class CompositeAlarmType:
    """AWS::CloudWatch::CompositeAlarm."""

    name = "AWS::CloudWatch::CompositeAlarm"
    replacing = ("AlarmName",)

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator

    def create(self, logical_id: str, props: Props, stack: str) -> Created:
        """Create the alarm; Ref is its name."""
        name = props.get("AlarmName") or self._emulator.physical_name(stack, logical_id)
        return self.update(name, {}, props, stack)

    def update(self, name: str, _old: Props, props: Props, _stack: str) -> Created:
        """Change the alarm in place."""
        enabled = str(props.get("ActionsEnabled", True)).lower() == "true"
        arn = self._emulator.put_composite_alarm({**props, "AlarmName": name, "ActionsEnabled": enabled})
        return name, {"Arn": arn}

    def delete(self, name: str, _props: Props) -> None:
        """Delete the alarm."""
        self._emulator.delete_alarm(name)


class AlarmMuteRuleType(Type):
    """AWS::CloudWatch::AlarmMuteRule: its dates are texts, in the schedule's zone."""

    name, service = "AWS::CloudWatch::AlarmMuteRule", "monitoring"
    replacing = ("Name",)

    def create(self, logical_id: str, props: Props, stack: str) -> Created:
        """Create the rule."""
        named = {"Name": f"{stack}-{logical_id}-{uuid.uuid4().hex[:12]}", **props}
        arn = self._calls.arn("cloudwatch", f"alarm-mute-rule:{named['Name']}")
        return self.update(arn, {}, named, stack)

    def update(self, arn: str, _old: Props, props: Props, _stack: str) -> Created:
        """Put the rule as it is now."""
        zone = ZoneInfo(props["Rule"]["Schedule"].get("Timezone", "UTC"))
        given = {name: props[name] for name in ("StartDate", "ExpireDate") if name in props}
        dates: Props = {n: dt.datetime.fromisoformat(text).replace(tzinfo=zone) for n, text in given.items()}
        rule: Props = {**props, **dates, "Name": arn.rpartition(":")[2]}
        self._calls(self.service, "PutAlarmMuteRule", rule)
        return arn, {"Arn": arn}

    def delete(self, arn: str, _props: Props) -> None:
        """Delete the rule."""
        self._calls(self.service, "DeleteAlarmMuteRule", {"AlarmMuteRuleName": arn.rpartition(":")[2]})


class FunctionPolicyType:
    """AWS::Lambda::ResourcePolicy: all of one qualifier's policy, in place of what permissions put there."""

    name = "AWS::Lambda::ResourcePolicy"
    replacing = ("ResourceArn",)

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator

    def create(self, _logical_id: str, props: Props, stack: str) -> Created:
        """Put the policy; Ref is the ARN of what it is for."""
        return self.update(props["ResourceArn"], {}, props, stack)

    def update(self, arn: str, _old: Props, props: Props, _stack: str) -> Created:
        """Put the policy."""
        self._emulator.put_function_policy(arn, props["PolicyDocument"]["Statement"])
        return arn, {}

    def delete(self, arn: str, _props: Props) -> None:
        """Leave nothing of the policy."""
        self._emulator.put_function_policy(arn, [])


class Calls:
    """Calls operations in CloudFormation's name, with input that the model is held against."""

    def __init__(self, emulator: Emulator, cloud: Cloud, services: dict[str, Service]) -> None:
        self._emulator = emulator
        self._cloud = cloud
        self._services = services

    def arn(self, service: str, resource: str) -> str:
        """Give the ARN of a resource of this account and Region."""
        account, region = self._emulator.here()
        return f"arn:aws:{service}:{region}:{account}:{resource}"

    def __call__(
        self, service: str, operation: str, params: dict[str, Any], *, missing_ok: bool = False
    ) -> dict[str, Any]:
        """Call an operation; what the service refuses fails the resource."""
        account, region = self._emulator.here()
        arn = f"arn:aws:iam::{account}:role/cloudformation"
        caller = Caller(self._cloud.account(account), region, arn, lambda *_: True)
        shape = self._services[service].wire.input_shape(operation)
        fitted = _fit(shape, params)
        try:
            if problems := violations(shape, fitted):
                raise invalid("; ".join(problems))
            result: dict[str, Any] = self._services[service].call(operation, fitted, caller)
        except ServiceError as error:
            if missing_ok and error.code in ("ResourceNotFoundException", "InvalidDocument"):
                return {}
            named = "".join(part.capitalize() for part in service.split("-"))
            raise ValueError(f"{error.message} {_where(named, error.code)}") from None
        return result


def add_types(emulator: Emulator, cloud: Cloud, services: dict[str, Service]) -> None:
    """Teach the emulator's CloudFormation the types."""
    calls, chat = Calls(emulator, cloud, services), dict[str, Props]()
    by_api: tuple[type[Type], ...] = (ResponsePlanType, ReplicationSetType, ContactType, ContactChannelType)
    by_api += (RotationType, PlanType, AlarmMuteRuleType)
    slack, teams = ("SlackWorkspaceId", "ConfigurationName"), ("TeamId", "TeamsTenantId", "ConfigurationName")
    arn = "arn:aws:chatbot::{account}:chat-configuration/%s/{ConfigurationName}"
    share = "arn:aws:ram:{region}:{account}:resource-share/{uuid}"
    remembered = (
        ("AWS::Chatbot::SlackChannelConfiguration", arn % "slack-channel", (*slack, "SlackChannelId"), slack),
        (
            "AWS::Chatbot::MicrosoftTeamsChannelConfiguration",
            *(arn % "microsoft-teams-channel", (*teams, "TeamsChannelId"), teams),
        ),
    )
    kinds: list[Any] = [kind(calls) for kind in by_api]
    kinds += [RememberedType(emulator, chat, *row) for row in remembered]
    kinds += [RememberedType(emulator, cloud.shares, "AWS::RAM::ResourceShare", share, ("Name",))]
    kinds += [DocumentType(calls), CompositeAlarmType(emulator), FunctionPolicyType(emulator)]
    for kind in kinds:
        handlers = {"create": kind.create, "update": kind.update, "delete": kind.delete}
        if isinstance(kind, DocumentType):
            handlers["update_with_logical_id"] = True
        emulator.add_resource_type(kind.name, handlers, kind.replacing)


def _fit(shape: Shape, value: Any) -> Any:
    """Give a value the type that the model wants: CloudFormation's scalars may arrive as texts."""
    if shape.type_name == "structure" and isinstance(value, dict):
        return {
            n: _fit(shape.members[n], v) for n, v in value.items() if n in shape.members and v is not None
        }
    if shape.type_name == "list" and isinstance(value, list):
        return [_fit(shape.member, item) for item in value]
    if shape.type_name == "map" and isinstance(value, dict):
        return {key: _fit(shape.value, item) for key, item in value.items()}
    if shape.type_name in ("integer", "long") and isinstance(value, str):
        return int(value)
    return value == "true" if shape.type_name == "boolean" and isinstance(value, str) else value


def _stage(stage: Props) -> dict[str, Any]:
    targets = [
        {"ChannelTargetInfo": {**_without(t["ChannelTargetInfo"], "ChannelId"), "ContactChannelId": channel}}
        if (channel := t.get("ChannelTargetInfo", {}).get("ChannelId"))
        else t
        for t in stage.get("Targets") or []
    ]
    return {"DurationInMinutes": stage.get("DurationInMinutes"), "Targets": targets}


def _without(value: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: item for key, item in value.items() if key != name}


def _hour(text: str) -> dict[str, int]:
    hour, _, minute = str(text).partition(":")
    return {"HourOfDay": int(hour), "MinuteOfHour": int(minute)}


def _action(props: Props) -> dict[str, Any]:
    automation = dict(props["SsmAutomation"])
    static = automation.pop("Parameters", None) or []
    dynamic = automation.pop("DynamicParameters", None) or []
    action: dict[str, Any] = _lower(automation)
    if static:
        action["parameters"] = {item["Key"]: item["Values"] for item in static}
    if dynamic:
        action["dynamicParameters"] = {
            item["Key"]: {"variable": item["Value"]["Variable"]} for item in dynamic
        }
    return {"ssmAutomation": action}


def _lower(value: Any) -> Any:
    if isinstance(value, dict):
        return {key[0].lower() + key[1:]: _lower(item) for key, item in value.items()}
    return [_lower(item) for item in value] if isinstance(value, list) else value


def _regions(props: Props) -> dict[str, dict[str, Any]]:
    keys = {"SseKmsKeyId": "sseKmsKeyId"}
    return {
        region["RegionName"]: {
            keys[key]: value
            for key, value in (region.get("RegionConfiguration") or {}).items()
            if key in keys
        }
        for region in props["Regions"]
    }


def _text(content: Any) -> str:
    return content if isinstance(content, str) else json.dumps(content)


def _flag(props: Props) -> bool:
    return str(props.get("DeletionProtected", False)).lower() == "true"


def _where(service: str, code: str = "ValidationException") -> str:
    return f"(Service: {service}, Error Code: {code})"
