"""Templates as a test reads them, those of a stack and of its app, and what a value in one of them means."""

from __future__ import annotations

import json
import re
from collections import abc
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
from aws_cdk import assertions

from cdk_incidents._arn import outermost_stack
from cdk_incidents._checks import is_token, refusal
from cdk_incidents._testing_normal import place_of_assets

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    Source = cdk.Stack | assertions.Template | Mapping[str, Any]

_NESTED = "AWS::CloudFormation::Stack"


class Resource:
    """A resource of a template."""

    def __init__(self, template: Template, logical_id: str, body: Mapping[str, Any]) -> None:
        self.template = template
        self.logical_id = logical_id
        self.body = body
        self.type = str(body.get("Type"))
        self.properties: Mapping[str, Any] = body.get("Properties") or {}
        self.metadata: Mapping[str, Any] = body.get("Metadata") or {}

    @property
    def path(self) -> str:
        """Where its author finds it: its construct's path, or its logical id where nothing tells that."""
        return self.template.paths.get(self.logical_id, self.logical_id)

    def values(self, name: str) -> list[Any]:
        """Return a property that is a list; what is no list is its only item."""
        value = self.properties.get(name)
        if value is None:
            return []
        return list(value) if isinstance(value, list) else [value]


class Template:
    """One template, and what its parameters are bound to where it is nested."""

    def __init__(
        self,
        body: Mapping[str, Any],
        *,
        name: str = "the template",
        account: str | None = None,
        paths: Mapping[str, str] | None = None,
    ) -> None:
        self.body = body
        self.name = name
        self.account = account
        self.paths = paths or {}
        self.resources = {
            id_: Resource(self, id_, found)
            for id_, found in body.get("Resources", {}).items()
            # A loop of CloudFormation's own is a list.
            if isinstance(found, abc.Mapping)
        }
        self.parent: Resource | None = None
        self.nested: dict[str, Template] = {}


class Templates:
    """The templates of a source, and the others of its app, among which references lead."""

    def __init__(self, own: Sequence[Template], others: Sequence[Template] = ()) -> None:
        self.own = own
        self._all = [*own, *others]
        self._exports = {
            name: (template, output["Value"])
            for template in self._all
            for output in template.body.get("Outputs", {}).values()
            if isinstance(name := output.get("Export", {}).get("Name"), str)
        }

    @classmethod
    def of(cls, source: Source) -> Templates:
        """Read what a test has; a stack is synthesised with its app, unless that is done."""
        if isinstance(source, cdk.Stack):
            return _synthesised(source)
        body = body_of(source, "stack")
        return cls([Template(body, account=place_of_assets(body)[0])])

    @property
    def name(self) -> str:
        """What the source is called in a message."""
        return self.own[0].name

    def of_type(self, *types: str, everywhere: bool = False) -> Iterator[Resource]:
        """Yield the source's resources of some types, or those of the whole app."""
        for template in self._all if everywhere else self.own:
            yield from (found for found in template.resources.values() if found.type in types)

    def meaning(self, value: Any, template: Template) -> Resource | str:  # noqa: PLR0911 - one a form
        """Return the resource that a value of a template refers to, or else its text.

        What is known at deployment only stands in the text like ``${AWS.AccountId}``.
        """
        match value:
            case str():
                return value
            case {"Ref": str(name)}:
                return self._referred(name, template)
            case {"Fn::GetAtt": [str(name), str(attribute)]}:
                return self._attribute(f"{name}.{attribute}", template)
            case {"Fn::GetAtt": str(dotted)}:
                return self._attribute(dotted, template)
            case {"Fn::ImportValue": str(name)} if name in self._exports:
                exporter, exported = self._exports[name]
                return self.meaning(exported, exporter)
            case {"Fn::Join": [str(separator), list(parts)]}:
                return separator.join(self.text(part, template) for part in parts)
            case {"Fn::Sub": str(text)}:
                return self._substituted(text, template)
            case _:
                return _unknown(json.dumps(value, sort_keys=True, default=str))

    def text(self, value: Any, template: Template) -> str:
        """Return the text of a value, with the place of a resource for what refers to one."""
        meant = self.meaning(value, template)
        return meant if isinstance(meant, str) else _unknown(meant.logical_id)

    def named_in(self, value: Any, template: Template) -> Iterator[Resource | str]:
        """Yield what a value refers to and the texts in it, however deep."""
        if isinstance(value, str):
            yield value
        elif isinstance(value, list):
            for item in value:
                yield from self.named_in(item, template)
        elif isinstance(value, abc.Mapping):
            match value:
                case {"Ref": _} | {"Fn::GetAtt": _} | {"Fn::ImportValue": _}:
                    yield self.meaning(value, template)
                case {"Fn::Sub": str(text)}:
                    yield text
                    for name in re.findall(r"\$\{([^!}.]+)", text):
                        yield self._referred(name, template)
                case _:
                    for item in value.values():
                        yield from self.named_in(item, template)

    def _referred(self, name: str, template: Template) -> Resource | str:
        if name in template.resources:
            return template.resources[name]
        if template.parent is not None:
            # A nested stack is told by its parent what it needs.
            given = template.parent.properties.get("Parameters", {})
            if name in given:
                return self.meaning(given[name], template.parent.template)
        return _unknown(name)

    def _attribute(self, dotted: str, template: Template) -> Resource | str:
        name, _, attribute = dotted.partition(".")
        nested = template.nested.get(name)
        output = attribute.removeprefix("Outputs.")
        if nested is not None and output in nested.body.get("Outputs", {}):
            return self.meaning(nested.body["Outputs"][output]["Value"], nested)
        found = template.resources.get(name)
        return found if found is not None else _unknown(dotted)

    def _substituted(self, text: str, template: Template) -> Resource | str:
        alone = re.fullmatch(r"\$\{([^!}.]+)(?:\.[^}]+)?\}", text)
        if alone is not None:
            return self._referred(alone[1], template)
        return re.sub(r"\$\{([^!}]+)\}", lambda found: _unknown(found[1]), text)


def body_of(source: Source, argument: str = "source") -> Mapping[str, Any]:
    """Return the template of whatever a test holds."""
    if isinstance(source, cdk.Stack):
        return _read(_assembly_of(source, argument), source.template_file)
    if isinstance(source, assertions.Template):
        found: Mapping[str, Any] = source.to_json()
        return found
    if not isinstance(source, abc.Mapping):
        remedy = (
            "pass one of the app's stacks." if isinstance(source, cdk.Stage) else "e.g. the stack itself."
        )
        raise refusal(argument, "a Stack, an assertions.Template or a template's dict", source, remedy)
    return source


def environment_of(stack: cdk.Stack) -> tuple[str | None, str | None]:
    """Return the account and the Region of a stack, where the app says them."""
    account, region = stack.account, stack.region
    return (None if is_token(account) else account, None if is_token(region) else region)


def _unknown(name: str) -> str:
    # Without colons and braces: a text may be taken apart as an ARN.
    return f"${{{re.sub(r'[^A-Za-z0-9_.-]+', '.', name)}}}"


def _assembly_of(stack: cdk.Stack, argument: str) -> Path:
    stage = cdk.Stage.of(stack)
    if stage is None:
        raise refusal(argument, "in an app", stack.node.path, "give it an App as its scope.")
    # CDK keeps what it synthesised, and does it again only if constructs came in or went since.
    return Path(stage.synth().directory)


def _read(assembly: Path, file: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((assembly / file).read_text(encoding="utf-8"))
    return found


def _synthesised(stack: cdk.Stack) -> Templates:
    assembly = _assembly_of(stack, "stack")
    artifacts = _read(assembly, "manifest.json").get("artifacts", {})
    outermost = outermost_stack(stack)
    here = _with_nested_ones(outermost, assembly, artifacts.get(outermost.artifact_id, {}))
    own = [one for path, one in here.items() if f"{path}/".startswith(f"{stack.node.path}/")]
    others = [one for one in here.values() if one not in own]
    for artifact_id, artifact in artifacts.items():
        if artifact.get("type") == "aws:cloudformation:stack" and artifact_id != outermost.artifact_id:
            account = re.fullmatch(r"aws://([0-9]{12})/.+", artifact.get("environment", ""))
            body = _read(assembly, artifact["properties"]["templateFile"])
            name = artifact.get("displayName", artifact_id)
            paths = _paths_by_stack([name], assembly, artifact)[name]
            others.append(Template(body, name=name, account=account[1] if account else None, paths=paths))
    return Templates(own, others)


def _with_nested_ones(stack: cdk.Stack, assembly: Path, artifact: Mapping[str, Any]) -> dict[str, Template]:
    """Return the templates of a stack and of those nested in it, by their paths."""
    stacks = [stack]
    if _NESTED in {found.get("Type") for found in _resources(assembly, stack).values()}:
        stacks += [found for found in stack.node.find_all() if isinstance(found, cdk.NestedStack)]
    paths = _paths_by_stack([one.node.path for one in stacks], assembly, artifact)
    account, _ = environment_of(stack)
    read = {
        one.node.path: Template(
            _read(assembly, one.template_file),
            name=one.node.path,
            account=account,
            paths=paths[one.node.path],
        )
        for one in stacks
    }
    for one in stacks[1:]:
        resource, parent = one.nested_stack_resource, one.nested_stack_parent
        if resource is not None and parent is not None:
            above, below = read[parent.node.path], read[one.node.path]
            logical_id = parent.resolve(resource.logical_id)
            below.parent = above.resources[logical_id]
            above.nested[logical_id] = below
    return read


def _resources(assembly: Path, stack: cdk.Stack) -> dict[str, Any]:
    found: dict[str, Any] = _read(assembly, stack.template_file).get("Resources", {})
    return found


def _paths_by_stack(
    stacks: list[str], assembly: Path, artifact: Mapping[str, Any]
) -> dict[str, dict[str, str]]:
    """Return the paths of constructs by stack and logical id; CDK's metadata has the nested stacks', too."""
    file = artifact.get("additionalMetadataFile")
    metadata = artifact.get("metadata", {}) if file is None else _read(assembly, file)
    found: dict[str, dict[str, str]] = {stack: {} for stack in stacks}
    for place, entries in metadata.items():
        path = place.removeprefix("/")
        inside = [stack for stack in stacks if path.startswith(f"{stack}/")]
        for entry in entries if inside else ():
            if entry.get("type") == "aws:cdk:logicalId":
                found[max(inside, key=len)][entry["data"]] = path.removesuffix("/Resource")
    return found
