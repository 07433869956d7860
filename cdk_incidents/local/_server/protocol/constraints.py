"""What a service's own model says about a value: required, length, range, pattern, enum, union.

Nothing here knows a service: the shapes are botocore's.
"""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from botocore.model import Shape

_SIZED = ("string", "list", "map", "blob")
# Classes that Java's patterns have and Python's do not. That of letters lets digits and the underscore in as
# well, without which it never stands in the models.
_JAVA_CLASSES = {
    r"\p{L}": r"\w",
    r"\p{N}": r"\w",
    r"\p{Z}": r" \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000",
}


def violations(shape: Shape, value: Any) -> list[str]:
    """Tell each constraint of the model that a value breaks, in the service's words."""
    told = []
    for path, found, rule in broken(shape, value):
        shown = "" if found is None else f" '{found}'"
        told.append(f"Value{shown} at '{path}' failed to satisfy constraint: Member must {rule}")
    return told


def broken(shape: Shape, value: Any, path: str = "") -> Iterator[tuple[str, Any, str]]:
    """Tell each constraint that a value breaks: where, what stands there, and the rule."""
    if value is None:
        yield path, None, "not be null"
        return
    for rule in _rules(shape, value):
        yield path, value, rule
    for part, inner, name in _parts(shape, value):
        yield from broken(part, inner, f"{path}.{name}".strip("."))


def _parts(shape: Shape, value: Any) -> Iterator[tuple[Shape, Any, str]]:
    """Take a value apart; a required member that is not there is None."""
    if shape.type_name == "structure":
        for name, member in shape.members.items():
            if name in shape.required_members or value.get(name) is not None:
                yield member, value.get(name), name
    elif shape.type_name == "list":
        for number, item in enumerate(value, 1):
            yield shape.member, item, f"{number}.member"
    elif shape.type_name == "map":
        for key, item in value.items():
            yield shape.key, key, f"{key}.key"
            yield shape.value, item, f"{key}.member"


def _rules(shape: Shape, value: Any) -> Iterator[str]:
    """Tell the rules that a value breaks by itself, whatever is in it."""
    limits = shape.metadata
    size, have = (len(value), "length") if shape.type_name in _SIZED else (value, "value")
    if "max" in limits and size > limits["max"]:
        yield f"have {have} less than or equal to {limits['max']}"
    if "min" in limits and size < limits["min"]:
        yield f"have {have} greater than or equal to {limits['min']}"
    if "pattern" in limits and not _pattern(limits["pattern"]).search(value):
        yield f"satisfy regular expression pattern: {limits['pattern']}"
    if "enum" in limits and value not in limits["enum"]:
        yield f"satisfy enum value set: [{', '.join(limits['enum'])}]"
    if limits.get("union"):
        given = [name for name in shape.members if value.get(name) is not None]
        if len(given) != 1:
            yield f"have exactly one of [{', '.join(shape.members)}] set, got [{', '.join(given)}]"


@functools.cache
def _pattern(pattern: str) -> re.Pattern[str]:
    r"""Compile a pattern of Java's, whose \w, \d and \s are ASCII's."""
    scripts = r"\p{" in pattern
    for java, python in _JAVA_CLASSES.items():
        pattern = pattern.replace(java, python)
    return re.compile(pattern, 0 if scripts else re.ASCII)
