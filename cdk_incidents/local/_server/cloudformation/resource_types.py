"""How CloudFormation's types are played: by a service's operations, or by something that puts them."""

from __future__ import annotations

import uuid
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cdk_incidents.local._server.incident_manager.resources import read_tags
from cdk_incidents.local._server.protocol.constraints import violations
from cdk_incidents.local._server.protocol.errors import ServiceError, invalid
from cdk_incidents.local._server.state import Caller

from .properties import fit

if TYPE_CHECKING:
    from collections.abc import Callable

    from cdk_incidents.local._server.adapter import Emulator
    from cdk_incidents.local._server.services import Service
    from cdk_incidents.local._server.state import Cloud

Props = dict[str, Any]
Created = tuple[str, dict[str, Any]]  # what Ref gives, and the attributes
# What the API names otherwise than the templates do.
_RENAMED = {
    "ChannelAddress": "DeliveryAddress",
    "ChannelId": "ContactChannelId",
    "ChannelName": "Name",
    "ChannelType": "Type",
    "EndTime": "End",
    "StartTime": "Start",
}
_VERBS = ("Create", "Update", "Delete")
_IN_THE_WAY = "CloudFormation cannot update a stack when a custom-named resource requires replacing. Rename"


class Calls:
    """Calls a service's operations in CloudFormation's name, with input that the model is held against."""

    def __init__(self, emulator: Emulator, cloud: Cloud, service: Service) -> None:
        self._emulator, self._cloud, self._service = emulator, cloud, service

    def shape(self, operation: str) -> Any:
        """Give the shape of an operation's input."""
        return self._service.wire.input_shape(operation)

    def fit(self, operation: str, props: Props) -> dict[str, Any]:
        """Make properties into the input of an operation."""
        fitted: dict[str, Any] = fit(self.shape(operation), props, _RENAMED)
        return fitted

    def __call__(self, operation: str, props: Props, *, missing_ok: bool = False) -> dict[str, Any]:
        """Call an operation; what the service refuses fails the resource."""
        account, region = self._emulator.here()
        arn = f"arn:aws:iam::{account}:role/cloudformation"
        caller = Caller(self._cloud.account(account), region, arn, lambda *_: True)
        params = self.fit(operation, props)
        try:
            if problems := violations(self.shape(operation), params):
                raise invalid("; ".join(problems))
            return self._service.call(operation, params, caller)
        except ServiceError as error:
            if missing_ok and error.code in ("ResourceNotFoundException", "InvalidDocument"):
                return {}
            service = self._service.wire.service.title().replace("-", "")
            raise ValueError(f"{error.message} (Service: {service}, Error Code: {error.code})") from None


class Api:
    """A type that operations make, change and delete; Ref and Arn are its ARN.

    Parameters
    ----------
    prepare
        gives the properties the form of the input of Create, as far as `fit` does not
    change
        gives the input of Create that of Update; what Update does not take is dropped afterwards
    """

    def __init__(
        self,
        calls: Calls,
        name: str,
        replacing: tuple[str, ...] = (),
        prepare: Callable[[Props], Props] = dict,
        change: Callable[[Props], Props] = dict,
    ) -> None:
        self.name, self.replacing = name, replacing
        self._call, self._prepare, self._change = calls, prepare, change
        _, service, noun = name.split("::")
        self._create, self._update, self._delete = (f"{verb}{noun}" for verb in _VERBS)
        incidents = service == "SSMIncidents"
        self._arn, self._key = ("arn", "arn") if incidents else (f"{noun}Arn", f"{noun}Id")
        self._tags = ("resourceArn", "tags", "tagKeys") if incidents else ("ResourceARN", "Tags", "TagKeys")

    def params(self, props: Props) -> dict[str, Any]:
        """Give the input of Create."""
        return self._call.fit(self._create, self._prepare(props))

    def create(self, _logical_id: str, props: Props, _stack: str) -> Created:
        """Create the resource."""
        arn = self._call(self._create, self._prepare(props))[self._arn]
        return arn, {"Arn": arn}

    def update(self, arn: str, _old: Props, props: Props, *_: str) -> Created:
        """Change it in place."""
        params, taken = self.params(props), self._call.shape(self._update).members
        changed = {name: value for name, value in self._change(params).items() if name in taken}
        self._call(self._update, {**changed, self._key: arn})
        self.tag(arn, params)
        return arn, {"Arn": arn}

    def tag(self, arn: str, params: dict[str, Any]) -> None:
        """Let it have the tags it has now, if it is of those that have tags."""
        resource, tags, keys = self._tags
        if tags not in self._call.shape(self._create).members:
            return
        wanted = read_tags(params.get(tags, {}))
        known = read_tags(self._call("ListTagsForResource", {resource: arn})[tags])
        if gone := [key for key in known if key not in wanted]:
            self._call("UntagResource", {resource: arn, keys: gone})
        if wanted:
            self._call("TagResource", {resource: arn, tags: params[tags]})

    def delete(self, arn: str, _props: Props) -> None:
        """Delete it; that it is gone already is no fault."""
        self._call(self._delete, {self._key: arn}, missing_ok=True)


class ReplicationSet(Api):
    """AWS::SSMIncidents::ReplicationSet: Regions change one at a time, and a Region's key never."""

    def __init__(self, calls: Calls) -> None:
        super().__init__(calls, "AWS::SSMIncidents::ReplicationSet", prepare=without("DeletionProtected"))

    def create(self, logical_id: str, props: Props, stack: str) -> Created:
        """Create the set with its Regions."""
        created = super().create(logical_id, props, stack)
        self._protect(created[0], {}, props)
        return created

    def update(self, arn: str, old: Props, props: Props, *_: str) -> Created:
        """Change one Region; the model lets no more through."""
        before, after = self.params(old)["regions"], self.params(props)["regions"]
        if any(before[name] != after[name] for name in before.keys() & after.keys()):
            raise ValueError("The key of a Region cannot be changed.")
        actions: list[Props] = [
            {"addRegionAction": {"regionName": name, **after[name]}} for name in after if name not in before
        ]
        actions += [{"deleteRegionAction": {"regionName": name}} for name in before if name not in after]
        if actions:
            self._call(self._update, {"arn": arn, "actions": actions})
        self.tag(arn, self.params(props))
        self._protect(arn, old, props)
        return arn, {"Arn": arn}

    def _protect(self, arn: str, old: Props, props: Props) -> None:
        before, after = (str(each.get("DeletionProtected", False)).lower() for each in (old, props))
        if before != after:
            self._call("UpdateDeletionProtection", {"arn": arn, "deletionProtected": after})


class Document:
    """AWS::SSM::Document: other content is another document, unless UpdateMethod says NewVersion."""

    name = "AWS::SSM::Document"
    replacing = ("Name", "DocumentType")
    _content = ("Content", "DocumentFormat", "TargetType", "VersionName", "Requires", "Attachments")

    def __init__(self, calls: Calls) -> None:
        self._call = calls

    def create(self, logical_id: str, props: Props, stack: str) -> Created:
        """Create the document; Ref is its name."""
        params = without("UpdateMethod")({"Name": _name(stack, logical_id), **props})
        self._call("CreateDocument", params)
        return params["Name"], {}

    def update(self, name: str, old: Props, props: Props, stack: str, logical_id: str) -> Created:
        """Make a new version, or a new document."""
        if all(old.get(key) == props.get(key) for key in self._content):
            return name, {}
        if props.get("UpdateMethod") != "NewVersion":
            if props.get("Name"):
                raise ValueError(f"{_IN_THE_WAY} {name} and update the stack again.")
            return self.create(logical_id, props, stack)
        content = {"Name": name, "Content": props["Content"], "DocumentVersion": "$LATEST"}
        latest = self._call("UpdateDocument", content)["DocumentDescription"]["LatestVersion"]
        self._call("UpdateDocumentDefaultVersion", {"Name": name, "DocumentVersion": latest})
        return name, {}

    def delete(self, name: str, _props: Props) -> None:
        """Delete the document."""
        self._call("DeleteDocument", {"Name": name}, missing_ok=True)


@dataclass(frozen=True)
class Put:
    """A type whose properties are put in one go, be it there already or not.

    Attributes
    ----------
    here
        tells the account and the Region
    ref, arn
        what Ref and Arn give, with account, region and properties in braces; a name of its own is put for
        what is missing in the first, and Ref in the second; without `arn`, there is no such attribute
    put, remove
        what does it, by Ref
    required
        what it cannot do without
    """

    here: Callable[[], tuple[str, str]]
    name: str
    replacing: tuple[str, ...]
    ref: str
    arn: str
    put: Callable[[str, Props], object]
    remove: Callable[[str], object]
    required: tuple[str, ...] = ()

    def create(self, logical_id: str, props: Props, stack: str) -> Created:
        """Put it."""
        return self.update(self._filled(self.ref, props, _name(stack, logical_id)), {}, props)

    def update(self, ref: str, _old: Props, props: Props, *_: str) -> Created:
        """Put it as it is now."""
        if missing := [name for name in self.required if not props.get(name)]:
            raise ValueError(f"Properties validation failed for {self.name}: {', '.join(missing)} is missing")
        self.put(ref, props)
        return ref, {"Arn": self._filled(self.arn, props, ref)} if self.arn else {}

    def delete(self, ref: str, _props: Props) -> None:
        """Remove it."""
        self.remove(ref)

    def _filled(self, text: str, props: Props, missing: str) -> str:
        account, region = self.here()
        known = {**props, "account": account, "region": region}
        return text.format_map(defaultdict(lambda: missing, known))


def without(name: str) -> Callable[[Props], Props]:
    """Give what leaves a property out."""
    return lambda props: {each: value for each, value in props.items() if each != name}


def _name(stack: str, logical_id: str) -> str:
    return f"{stack}-{logical_id}-{uuid.uuid4().hex[:12]}"
