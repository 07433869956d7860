"""What a service's own model says about an input: required, type, length, range, pattern, enum, union.

Nothing here knows a service: the shapes are botocore's.
"""

from __future__ import annotations

import datetime as dt
import functools
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from botocore.model import Shape

_TYPES: dict[str, Any] = {
    "string": str,
    "boolean": bool,
    "integer": int,
    "long": int,
    "float": (int, float),
    "double": (int, float),
    "timestamp": dt.datetime,
    "structure": dict,
    "map": dict,
    "list": list,
    "blob": (bytes, str),
}
_SIZED = ("string", "list", "map", "blob")
# Classes that Java's patterns have and Python's do not.
_JAVA_CLASSES = {
    r"\p{L}": r"^\W\d_",
    r"\p{N}": r"\d",
    r"\p{Z}": r" \u00a0\u2000-\u200a\u2028\u2029\u202f\u3000",
}


def violations(shape: Shape, value: Any) -> list[str]:
    """Tell each constraint of the model that a value breaks, in the service's words."""
    return list(_violations(shape, value, ""))


def wrong_type(shape: Shape, value: Any) -> str:
    """Tell what is not of the type that the model gives it; empty if all is."""
    if value is None:
        return ""
    expected = _TYPES[shape.type_name]
    if not isinstance(value, expected) or (isinstance(value, bool) and shape.type_name != "boolean"):
        return f"{type(value).__name__} cannot be read as {shape.type_name}"
    parts: list[tuple[Shape, Any]] = []
    if shape.type_name == "structure":
        parts = [(member, value.get(name)) for name, member in shape.members.items()]
    elif shape.type_name == "list":
        parts = [(shape.member, item) for item in value]
    elif shape.type_name == "map":
        parts = [(shape.value, item) for item in value.values()]
    return next((problem for part in parts if (problem := wrong_type(*part))), "")


def _violations(shape: Shape, value: Any, path: str) -> Iterator[str]:
    yield from _out_of_bounds(shape, value, path)
    if shape.type_name == "structure":
        yield from _members(shape, value, path)
    elif shape.type_name == "list":
        for number, item in enumerate(value, 1):
            yield from _violations(shape.member, item, f"{path}.{number}.member")
    elif shape.type_name == "map":
        for key, item in value.items():
            yield from _violations(shape.key, key, f"{path}.{key}.key")
            yield from _violations(shape.value, item, f"{path}.{key}.member")


def _out_of_bounds(shape: Shape, value: Any, path: str) -> Iterator[str]:
    limits = shape.metadata
    shown = f"Value '{value}' at '{path}' failed to satisfy constraint: Member must "
    sized = shape.type_name in _SIZED
    size = len(value) if sized else value
    have = "have length" if sized else "have value"
    if "max" in limits and size > limits["max"]:
        yield f"{shown}{have} less than or equal to {limits['max']}"
    if "min" in limits and size < limits["min"]:
        yield f"{shown}{have} greater than or equal to {limits['min']}"
    if "pattern" in limits and not _pattern(limits["pattern"]).search(value):
        yield f"{shown}satisfy regular expression pattern: {limits['pattern']}"
    enum = getattr(shape, "enum", None)
    if enum and value not in enum:
        yield f"{shown}satisfy enum value set: [{', '.join(enum)}]"


def _members(shape: Shape, value: dict[str, Any], path: str) -> Iterator[str]:
    prefix = f"{path}." if path else ""
    for name in shape.required_members:
        if value.get(name) is None:
            yield f"Value at '{prefix}{name}' failed to satisfy constraint: Member must not be null"
    given = [name for name in shape.members if value.get(name) is not None]
    if shape.is_tagged_union and len(given) != 1:
        yield (
            f"Value at '{path}' failed to satisfy constraint: Member must have exactly one of"
            f" [{', '.join(shape.members)}] set, got [{', '.join(given)}]"
        )
    for name in given:
        yield from _violations(shape.members[name], value[name], f"{prefix}{name}")


@functools.cache
def _pattern(pattern: str) -> re.Pattern[str]:
    # In the models, \p{…} stands only inside [...], where \p{L} alone needs a class of its own.
    if r"\p{L}" in pattern:
        pattern = pattern.replace(r"[\p{L}", r"(?:[^\W\d_]|[").replace("]*$", "])*$")
    for java, python in _JAVA_CLASSES.items():
        pattern = pattern.replace(java, python)
    return re.compile(pattern)
