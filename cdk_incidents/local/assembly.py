"""Read a cloud assembly: its stacks, where they go, and the files that they need in a bucket."""

from __future__ import annotations

import io
import json
import re
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .errors import LocalCloudError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from .environment import Place

_RETAINED = ("Retain", "RetainExceptOnCreate")


@dataclass(frozen=True)
class AssemblyStack:
    """A stack as it was synthesised.

    Attributes
    ----------
    name
        CloudFormation's name of it
    display_name
        the CDK CLI's name of it
    account, region
        where it goes; the loopback's own where the app leaves it open
    qualifier
        of the bootstrap resources that it uses
    template
        the template
    """

    name: str
    display_name: str
    account: str
    region: str
    qualifier: str
    template: dict[str, Any]

    @property
    def retained(self) -> list[str]:
        """Logical ids of the resources that outlive the stack by design."""
        resources: dict[str, dict[str, Any]] = self.template.get("Resources", {})
        return [name for name, body in resources.items() if body.get("DeletionPolicy") in _RETAINED]

    def purpose(self, logical_id: str) -> str | None:
        """Tell what an alarm of this library's own is for: `canary`, `health`, or None for the user's."""
        metadata = self.template.get("Resources", {}).get(logical_id, {}).get("Metadata", {})
        purpose = metadata.get("cdk-incidents:purpose")
        return None if purpose is None else str(purpose)


def read_assembly(directory: Path, place: Place) -> list[AssemblyStack]:
    """Return the stacks of a cloud assembly and of the stages nested in it, in the order of the manifest."""
    return list(_stacks(directory, place))


def _stacks(directory: Path, place: Place) -> Iterator[AssemblyStack]:
    for name, artifact in _artifacts(directory):
        properties = artifact.get("properties", {})
        if artifact["type"] == "cdk:cloud-assembly":
            yield from _stacks(directory / properties["directoryName"], place)
        if artifact["type"] != "aws:cloudformation:stack":
            continue
        account, region = re.fullmatch(r"aws://([^/]+)/(.+)", artifact["environment"]).groups()  # type: ignore[union-attr]
        parameter = str(properties.get("bootstrapStackVersionSsmParameter", ""))
        qualifier = re.search(r"/cdk-bootstrap/([^/]+)/", parameter)
        yield AssemblyStack(
            name=properties.get("stackName", name),
            display_name=artifact.get("displayName", name),
            account=place.account if account == "unknown-account" else account,
            region=place.region if region == "unknown-region" else region,
            qualifier=qualifier[1] if qualifier else "",
            template=json.loads((directory / properties["templateFile"]).read_text("utf-8")),
        )


def stack_of(name: str, directory: Path, place: Place) -> AssemblyStack:
    """Return the stack of a name in a cloud assembly.

    Raises
    ------
    LocalCloudError
        if it has none; the message lists those that it has
    """
    stacks = {stack.name: stack for stack in _stacks(directory, place)}
    if name not in stacks:
        raise LocalCloudError(
            f"{directory} has no stack {name!r} (got: {', '.join(stacks) or 'none at all'})"
        )
    return stacks[name]


def _artifacts(directory: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    try:
        manifest = json.loads((directory / "manifest.json").read_text("utf-8"))
    except FileNotFoundError:
        raise LocalCloudError(
            f"assets must be the directory of a cloud assembly, app.synth().directory (got {directory},"
            " which has no manifest.json)"
        ) from None
    yield from manifest.get("artifacts", {}).items()


def file_assets(directory: Path, place: Place) -> Iterator[tuple[str, str, bytes]]:
    """Yield bucket, key and content of each file that the stacks of an assembly expect to find.

    For a stack that goes through CloudFormation's API, without the CDK CLI, which publishes them itself.
    """
    for _, artifact in _artifacts(directory):
        properties = artifact.get("properties", {})
        if artifact["type"] == "cdk:cloud-assembly":
            yield from file_assets(directory / properties["directoryName"], place)
        if artifact["type"] == "cdk:asset-manifest":
            manifest = json.loads((directory / properties["file"]).read_text("utf-8"))
            for asset in manifest.get("files", {}).values():
                content = _content(directory / asset["source"]["path"])
                for destination in asset["destinations"].values():
                    yield (
                        _filled(destination["bucketName"], place),
                        _filled(destination["objectKey"], place),
                        content,
                    )


def _filled(text: str, place: Place) -> str:
    values = {"AWS::AccountId": place.account, "AWS::Region": place.region, "AWS::Partition": "aws"}
    return re.sub(r"\$\{(AWS::\w+)\}", lambda found: values.get(found[1], found[0]), text)


def _content(source: Path) -> bytes:
    if source.is_file():
        return source.read_bytes()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(source.rglob("*")):
            if file.is_file():
                archive.write(file, file.relative_to(source))
    return packed.getvalue()
