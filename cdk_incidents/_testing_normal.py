"""A template without what the app does not say: hashes of content, nonces, the account where it goes."""

from __future__ import annotations

import re
from collections import abc
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_SMOKE_TEST = "Custom::IncidentSmokeTest"
_METADATA = "AWS::CDK::Metadata"
# A construct's own hash of its path, then that of a content: versions of functions, deployments of APIs.
_VERSION_ID = re.compile(r"([A-Za-z0-9]*[0-9A-F]{8})[0-9a-f]{32}")
# An export carries the id of what it exports, and a hash of that again.
_EXPORT = re.compile(
    r"(ExportsOutput[A-Za-z0-9]*[0-9A-F]{8})[0-9a-f]{32}([A-Za-z0-9]*?)[0-9A-F]{8}(?![A-Za-z0-9])"
)
_KIND = r"AssetParameters\1"
_PARAMETER = re.compile(
    r"AssetParameters[0-9a-f]{64}(S3Bucket|S3VersionKey|ArtifactHash|ImageName)[0-9A-F]{8}"
)
_STORE = re.compile(
    r"cdk-[a-z0-9]{1,10}-(?:container-)?assets-(?P<account>\$\{AWS::AccountId\}|[0-9]{12})"
    r"-(?P<region>\$\{AWS::Region\}|[a-z]{2,4}(?:-[a-z]+){1,3}-[0-9])"
)
_HASH = re.compile(r"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")
# Where CDK names what it uploads: files by their hashes, images by tags in repositories of its own. Any other
# text of this length may be what somebody has pinned.
_FILE = re.compile(r"(?:\A|/)[0-9a-f]{64}(?:\.[A-Za-z0-9]+)+\Z")
_IMAGES = re.compile(r"cdk-[a-z0-9]{1,10}-container-assets-|/aws-cdk/assets:")
_OUR_CODE = re.compile(r"\A(?:from|import) incidents_runtime[^\n]*\n(?:(?!# \{)[^\n]*\n)*")
# What IAM reads as sets; CDK sorts them, by accounts too.
_SETS = ("Action", "NotAction", "Resource", "NotResource")

ASSET = "[ASSET]"
STORE = "[ASSETS]"
DIGEST = "[DIGEST]"
NONCE = "[NONCE]"
ACCOUNT = "[ACCOUNT]"
REGION = "[REGION]"
OUR_CODE = "# [CODE OF cdk_incidents]\n"


def normalised(body: Mapping[str, Any], account: str | None, region: str | None) -> dict[str, Any]:
    """Return a template as plain JSON, its keys sorted; the one that came in stays as it was."""
    return _Normal(body, account, region).template()


class _Normal:
    def __init__(self, body: Mapping[str, Any], account: str | None, region: str | None) -> None:
        self._body = body
        self._ids = _stable_ids(body.get("Resources", {}))
        self._assets = set(_hashes_of_assets(body))
        self._places: list[tuple[re.Pattern[str], str]] = []
        if account is not None:
            self._places.append((re.compile(rf"(?<![0-9]){account}(?![0-9])"), ACCOUNT))
        if region is not None:
            self._places.append((re.compile(rf"(?<![a-z0-9]){region}(?![0-9])"), REGION))

    def template(self) -> dict[str, Any]:
        sections = {name: self._section(name, section) for name, section in sorted(self._body.items())}
        return {name: section for name, section in sections.items() if section != {}}

    def _section(self, name: str, section: Any) -> Any:
        if not isinstance(section, abc.Mapping):
            return self._value(section)
        if name == "Metadata":
            return _without_cdk(self._value(section))
        return {
            self._id(key): self._resource(value) if name == "Resources" else self._value(value)
            for key, value in sorted(section.items(), key=lambda item: self._id(item[0]))
            if not _is_cdks_own(name, key, value)
        }

    def _resource(self, resource: Any) -> Any:
        found = self._value(resource)
        if not isinstance(found, dict):
            return found
        if isinstance(found.get("Metadata"), dict):
            found["Metadata"] = _without_cdk(found["Metadata"])
            if not found["Metadata"]:
                del found["Metadata"]
        if isinstance(found.get("DependsOn"), list):
            found["DependsOn"] = sorted(found["DependsOn"])
        if found.get("Type") == _SMOKE_TEST and isinstance(found.get("Properties"), dict):
            properties = found["Properties"]
            if "Proves" in properties:
                properties["Proves"] = self._digests(properties["Proves"])
            if "Run" in properties:
                properties["Run"] = NONCE
        return found

    def _digests(self, value: Any) -> Any:
        """Return the same shape, whatever it is, with the same text in each place."""
        if isinstance(value, list):
            return [self._digests(item) for item in value]
        if isinstance(value, dict) and not any(key == "Ref" or key.startswith("Fn::") for key in value):
            # The keys are names of plans, which may end in the stack's Region.
            return {self._text(key): self._digests(item) for key, item in value.items()}
        return DIGEST

    def _value(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, abc.Mapping):
            return self._mapping(value)
        if isinstance(value, list | tuple):
            return [self._value(item) for item in value]
        return value

    def _mapping(self, value: Mapping[str, Any]) -> Any:
        # A nested stack's parameters may be named by those of its assets.
        found = {_PARAMETER.sub(_KIND, key): self._value(item) for key, item in sorted(value.items())}
        match found:
            case {"Effect": _}:
                for name in _SETS:
                    if isinstance(found.get(name), list):
                        found[name].sort(key=str)
            case {"ZipFile": code}:
                found["ZipFile"] = _users_part(code)
        return found

    def _text(self, text: str) -> str:
        text = _STORE.sub(STORE, self._id(text))
        text = _HASH.sub(lambda found: ASSET if found[0] in self._assets else found[0], text)
        for pattern, place in self._places:
            text = pattern.sub(place, text)
        return text

    def _id(self, name: str) -> str:
        """Return a logical id, or a text that names one, without a hash of content."""
        name = _PARAMETER.sub(_KIND, _EXPORT.sub(r"\1\2", name))
        for long, short in self._ids.items():
            name = name.replace(long, short)
        return name


def _stable_ids(resources: Mapping[str, Any]) -> dict[str, str]:
    """Return the logical ids that carry a hash of content, and what they are without it."""
    stems = {id_: found[1] for id_ in resources if (found := _VERSION_ID.fullmatch(id_))}
    taken = [*resources, *stems.values()]
    # Two versions of one function, kept by hand, stay two.
    return {id_: stem for id_, stem in stems.items() if taken.count(stem) == 1}


def place_of_assets(body: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """Return the account and the Region in the name of the bucket of its assets, where that has them."""
    found = {(store["account"], store["region"]) for text in _texts(body) for store in _STORE.finditer(text)}
    if len(found) != 1:
        return None, None
    account, region = found.pop()
    return (account if account.isdecimal() else None, None if region.startswith("$") else region)


def _texts(value: Any) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, abc.Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)


def _is_cdks_own(section: str, key: str, value: Any) -> bool:
    match section:
        case "Resources":
            return isinstance(value, abc.Mapping) and value.get("Type") == _METADATA
        case "Conditions":
            return key == "CDKMetadataAvailable"
        case "Parameters":
            return _PARAMETER.fullmatch(key) is not None or (
                key == "BootstrapVersion" and str(value.get("Type", "")).startswith("AWS::SSM::")
            )
        case "Rules":
            return key == "CheckBootstrapVersion"
    return False


def _without_cdk(metadata: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in metadata.items() if not key.startswith(("aws:cdk:", "aws:asset:"))}


def _hashes_of_assets(value: Any) -> Iterable[str]:
    """Yield the hashes that stand where only CDK puts them; wherever else they stand, they are the same."""
    match value:
        case str():
            if _FILE.search(value) or _IMAGES.search(value):
                yield from _HASH.findall(value)
        case {"Fn::Join": [str(), list(parts)]} if any(_IMAGES.search(text) for text in _texts(parts)):
            for text in _texts(parts):
                yield from _HASH.findall(text)
        case abc.Mapping():
            for item in value.values():
                yield from _hashes_of_assets(item)
        case list() | tuple():
            for item in value:
                yield from _hashes_of_assets(item)


def _users_part(code: Any) -> Any:
    """Return inline code; of ours only the lines of data, which say what the user has asked for."""
    match code:
        case str():
            return _OUR_CODE.sub(OUR_CODE, code)
        case {"Fn::Join": [str(separator), [str(first), *rest]]}:
            return {"Fn::Join": [separator, [_OUR_CODE.sub(OUR_CODE, first), *rest]]}
    return code
