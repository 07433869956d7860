"""The CloudFormation types that the emulator lacks, played through the services' own operations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .constraints import violations
from .errors import ServiceError, invalid
from .state import Caller

if TYPE_CHECKING:
    from .adapter import Emulator
    from .services import Service
    from .state import Cloud

Created = tuple[str, dict[str, Any]]


class ResponsePlanType:
    """AWS::SSMIncidents::ResponsePlan: the API's shapes under capital names."""

    name = "AWS::SSMIncidents::ResponsePlan"
    replacing = ("Name",)

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def create(self, _logical_id: str, props: dict[str, Any], _stack: str) -> Created:
        """Create the plan; Ref and Arn are its ARN."""
        arn = self._calls("CreateResponsePlan", _plan(props))["arn"]
        return arn, {"Arn": arn}

    def update(self, arn: str, _old: dict[str, Any], props: dict[str, Any], _stack: str) -> Created:
        """Change the plan in place."""
        plan = _plan(props)
        template = plan.pop("incidentTemplate")
        changed = {f"incidentTemplate{key[0].upper()}{key[1:]}": value for key, value in template.items()}
        if "incidentTags" in template:
            changed["incidentTemplateTags"] = changed.pop("incidentTemplateIncidentTags")
        # What the template no longer has is emptied.
        emptied: dict[str, Any] = {"engagements": [], "actions": [], "integrations": [], "displayName": ""}
        emptied |= {
            "incidentTemplateSummary": "",
            "incidentTemplateDedupeString": "",
            "incidentTemplateTags": {},
        }
        emptied |= {"incidentTemplateNotificationTargets": [], "chatChannel": {"empty": {}}}
        tags = plan.pop("tags", {})
        del plan["name"]
        self._calls("UpdateResponsePlan", {**emptied, **plan, **changed, "arn": arn})
        known = self._calls("ListTagsForResource", {"resourceArn": arn})["tags"]
        if gone := [key for key in known if key not in tags]:
            self._calls("UntagResource", {"resourceArn": arn, "tagKeys": gone})
        if tags:
            self._calls("TagResource", {"resourceArn": arn, "tags": tags})
        return arn, {"Arn": arn}

    def delete(self, arn: str, _props: dict[str, Any]) -> None:
        """Delete the plan."""
        self._calls("DeleteResponsePlan", {"arn": arn})


class ReplicationSetType:
    """AWS::SSMIncidents::ReplicationSet."""

    name = "AWS::SSMIncidents::ReplicationSet"
    replacing: tuple[str, ...] = ()

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def create(self, _logical_id: str, props: dict[str, Any], _stack: str) -> Created:
        """Create the set with its Regions."""
        tags = {"tags": _tags(props["Tags"])} if props.get("Tags") else {}
        arn = self._calls("CreateReplicationSet", {"regions": _regions(props), **tags})["arn"]
        if _flag(props):
            self._calls("UpdateDeletionProtection", {"arn": arn, "deletionProtected": True})
        return arn, {"Arn": arn}

    def update(self, arn: str, old: dict[str, Any], props: dict[str, Any], _stack: str) -> Created:
        """Change one Region; the model lets no more through."""
        before, after = _regions(old), _regions(props)
        actions: list[dict[str, Any]] = [
            {"addRegionAction": {"regionName": name, **value}}
            for name, value in after.items()
            if name not in before
        ]
        actions += [{"deleteRegionAction": {"regionName": name}} for name in before if name not in after]
        if actions:
            self._calls("UpdateReplicationSet", {"arn": arn, "actions": actions})
        if _flag(old) != _flag(props):
            self._calls("UpdateDeletionProtection", {"arn": arn, "deletionProtected": _flag(props)})
        return arn, {"Arn": arn}

    def delete(self, arn: str, _props: dict[str, Any]) -> None:
        """Delete the set and all that needs it."""
        self._calls("DeleteReplicationSet", {"arn": arn})


class CompositeAlarmType:
    """AWS::CloudWatch::CompositeAlarm."""

    name = "AWS::CloudWatch::CompositeAlarm"
    replacing = ("AlarmName",)

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator

    def create(self, logical_id: str, props: dict[str, Any], stack: str) -> Created:
        """Create the alarm; Ref is its name."""
        name = props.get("AlarmName") or self._emulator.physical_name(stack, logical_id)
        return self.update(name, {}, props, stack)

    def update(self, name: str, _old: dict[str, Any], props: dict[str, Any], _stack: str) -> Created:
        """Change the alarm in place."""
        enabled = str(props.get("ActionsEnabled", True)).lower() == "true"
        arn = self._emulator.put_composite_alarm({**props, "AlarmName": name, "ActionsEnabled": enabled})
        return name, {"Arn": arn}

    def delete(self, name: str, _props: dict[str, Any]) -> None:
        """Delete the alarm."""
        self._emulator.delete_alarm(name)


class Calls:
    """Calls operations in CloudFormation's name, with input that the model is held against."""

    def __init__(self, emulator: Emulator, cloud: Cloud, service: Service) -> None:
        self._emulator = emulator
        self._cloud = cloud
        self._service = service

    def __call__(self, operation: str, params: dict[str, Any]) -> dict[str, Any]:
        """Call an operation; what the service refuses fails the resource."""
        account, region = self._emulator.here()
        arn = f"arn:aws:iam::{account}:role/cloudformation"
        caller = Caller(self._cloud.account(account), region, arn, lambda *_: True)
        try:
            if problems := violations(self._service.wire.input_shape(operation), params):
                raise invalid("; ".join(problems))
            result: dict[str, Any] = self._service.call(operation, params, caller)
        except ServiceError as error:
            raise ValueError(f"{error.message} (Service: SsmIncidents, Error Code: {error.code})") from None
        return result


def add_types(emulator: Emulator, cloud: Cloud, service: Service) -> None:
    """Teach the emulator's CloudFormation the types."""
    calls = Calls(emulator, cloud, service)
    for kind in (ResponsePlanType(calls), ReplicationSetType(calls), CompositeAlarmType(emulator)):
        handlers = {"create": kind.create, "update": kind.update, "delete": kind.delete}
        emulator.add_resource_type(kind.name, handlers, kind.replacing)


def _plan(props: dict[str, Any]) -> dict[str, Any]:
    """Turn the properties of a plan into the input of CreateResponsePlan."""
    plan: dict[str, Any] = _lower(
        {key: value for key, value in props.items() if key not in ("Tags", "Actions", "Integrations")}
    )
    template = plan["incidentTemplate"]
    template["impact"] = int(template.get("impact", 0))
    if "incidentTags" in template:
        template["incidentTags"] = _tags(props["IncidentTemplate"]["IncidentTags"])
    if "tags" in plan or props.get("Tags"):
        plan["tags"] = _tags(props.get("Tags"))
    if props.get("Actions"):
        plan["actions"] = [_action(action) for action in props["Actions"]]
    if props.get("Integrations"):
        plan["integrations"] = [_lower(integration) for integration in props["Integrations"]]
    return plan


def _action(props: dict[str, Any]) -> dict[str, Any]:
    automation = dict(props["SsmAutomation"])
    static = automation.pop("Parameters", [])
    dynamic = automation.pop("DynamicParameters", [])
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


def _tags(tags: list[dict[str, str]] | None) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in tags or []}


def _regions(props: dict[str, Any]) -> dict[str, dict[str, Any]]:
    keys = {"SseKmsKeyId": "sseKmsKeyId"}
    return {
        region["RegionName"]: {
            keys[key]: value
            for key, value in (region.get("RegionConfiguration") or {}).items()
            if key in keys
        }
        for region in props["Regions"]
    }


def _flag(props: dict[str, Any]) -> bool:
    return str(props.get("DeletionProtected", False)).lower() == "true"
