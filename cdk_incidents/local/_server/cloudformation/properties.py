"""A template's value, made into the input that botocore's model of an operation wants."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from botocore.model import Shape

# What stands for the key in a list that is a map in the API.
_KEYS = ("Key", "DayOfWeek", "RegionName")
# CloudFormation's words for what a shape wants, and for what it may get instead.
_EXPECTED = {
    "integer": "Number",
    "long": "Number",
    "structure": "JSONObject",
    "map": "JSONObject",
    "list": "JSONArray",
}
_FOUND = {dict: "JSONObject", list: "JSONArray", bool: "Boolean"}


def fit(shape: Shape, value: Any, renamed: Mapping[str, str], path: str = "#") -> Any:
    """Give a value the form of a shape: its names, its maps, and its types, since all may come as texts.

    Parameters
    ----------
    renamed
        what the model names otherwise, for what it has under no such name
    path
        where the value stands, for the error

    Raises
    ------
    ValueError
        If there is a property that the model does not have, or one of another type, as CloudFormation
        refuses it.
    """
    kind = shape.type_name
    if kind == "structure" and isinstance(value, str):
        # "09:30" is {HourOfDay, MinuteOfHour}, and an address {SimpleAddress}.
        value = dict(zip(shape.members, value.split(":", len(shape.members) - 1), strict=False))
    if kind == "structure" and isinstance(value, dict):
        return dict(_members(shape, value, renamed, path))
    if kind == "map" and isinstance(value, list):
        value = dict(_pair(shape, item, path) for item in value)
    if kind == "map" and isinstance(value, dict):
        return {key: fit(shape.value, item, renamed, f"{path}/{key}") for key, item in value.items()}
    if kind == "list" and isinstance(value, list):
        return [fit(shape.member, item, renamed, f"{path}/{number}") for number, item in enumerate(value)]
    if kind == "string" and not isinstance(value, str):
        return json.dumps(value)
    if kind in ("integer", "long") and isinstance(value, str) and value.removeprefix("-").isdecimal():
        return int(value)
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if kind in _EXPECTED and not (number and _EXPECTED[kind] == "Number"):
        found = "Number" if number else _FOUND.get(type(value), "String")
        raise ValueError(
            f"Properties validation failed: {path}: expected type: {_EXPECTED[kind]}, found: {found}"
        )
    return value.lower() == "true" if kind == "boolean" and isinstance(value, str) else value


def _members(
    shape: Shape, value: dict[str, Any], renamed: Mapping[str, str], path: str
) -> Iterator[tuple[str, Any]]:
    for given, item in value.items():
        names = (given, given[0].lower() + given[1:], renamed.get(given, ""))
        name = next((name for name in names if name in shape.members), None)
        if name is None:
            raise ValueError(
                f"Properties validation failed: {path}: extraneous key [{given}] is not permitted"
            )
        if item is not None:
            yield name, fit(shape.members[name], item, renamed, f"{path}/{given}")


def _pair(shape: Shape, item: dict[str, Any], path: str) -> tuple[str, Any]:
    """Take {Key, Value} apart; a Region need have no configuration, and a tag no value."""
    key = next((name for name in _KEYS if name in item), "")
    if not key:
        raise ValueError(f"Properties validation failed: {path}: required key [Key] not found")
    empty = {} if shape.value.type_name == "structure" else ""
    return item[key], next((value for name, value in item.items() if name != key), empty)
