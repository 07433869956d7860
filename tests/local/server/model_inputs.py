"""Inputs of any operation, out of botocore's model alone: valid ones, and each rule broken by itself."""

from __future__ import annotations

import datetime as dt
import functools
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cdk_incidents.local._server.protocol.constraints import _pattern

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from botocore.model import Shape

# Python 3.10 has it under another name.
_REGEX: Any = getattr(re, "_parser", None) or __import__("sre_parse")
_A_CLASS_HAS = {"CATEGORY_WORD": "a", "CATEGORY_DIGIT": "0", "CATEGORY_SPACE": " "}
_LIKELY_REFUSED = ("\x00", " ", "é", "!", "A", "aws:")
# A value of each type of JSON, and which of these types a shape takes.
_OF_JSON: tuple[Any, ...] = ("text", 5, 1.5, True, [], {})
_TAKES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "timestamp": (int, float),
    "structure": (dict,),
    "map": (dict,),
    "list": (list,),
}
NOW = dt.datetime(2027, 1, 4, 9, tzinfo=dt.timezone.utc)
GONE: Any = object()  # stands for a member that is taken away
Path = tuple[Any, ...]  # names of members, places in lists, keys of maps


@dataclass(frozen=True)
class Broken:
    """An input of which one thing breaks one rule.

    Attributes
    ----------
    place, rule
        how the refusal is to call them
    params, path, value
        an input, and what breaks the rule if it is put there
    allowed
        what the rule just lets pass instead, where it has such a limit
    """

    place: str
    rule: str
    params: dict[str, Any]
    path: Path
    value: Any
    allowed: Any = GONE

    @property
    def is_type(self) -> bool:
        """Whether it is of a wrong type, which no serializer would write."""
        return self.rule.startswith("cannot")


class Inputs:
    """Makes inputs of a shape; `known` gives what a member that names something real has, or None."""

    def __init__(self, shape: Shape, known: Callable[[str], Any]) -> None:
        self._shape = shape
        self._known = known

    def minimal(self) -> dict[str, Any]:
        """Make an input of what is required alone."""
        made: dict[str, Any] = self._make(self._shape, turn=0, full=False)
        return made

    def full(self) -> list[dict[str, Any]]:
        """Make inputs of every member; among them each member of a union, and each value of an enum."""
        turns = max(
            len(inner.members) if inner.metadata.get("union") else len(inner.metadata.get("enum", "1"))
            for inner in _shapes(self._shape)
        )
        return [self._make(self._shape, turn=turn, full=True) for turn in range(turns)]

    def at_limits(self) -> list[dict[str, Any]]:
        """Make inputs that go to each limit, and not beyond it."""
        limits = [case for case in self.broken() if case.allowed is not GONE]
        return [put(case.params, case.path, case.allowed) for case in limits]

    def broken(self) -> list[Broken]:
        """Make an input for each rule, at each place, however deep, that breaks it alone."""
        found: dict[tuple[str, str, str], Broken] = {}
        for turn, params in enumerate(self.full()):
            for shape, value, path, place in _places(self._shape, params):
                for name, rule, wrong, allowed in (
                    *_wrong(shape, value),
                    *self._wrong_inside(shape, value, turn),
                ):
                    told = f"{place}.{name}".strip(".")
                    inner = path if wrong is not GONE else (*path, name)
                    case = Broken(told, rule, params, inner, wrong, allowed)
                    found.setdefault((told, rule, repr(wrong)), case)
        return list(found.values())

    def _make(self, shape: Shape, *, turn: int, full: bool) -> Any:
        kind, limits = shape.type_name, shape.metadata
        least = max(limits.get("min", 0), 1)
        if kind == "structure":
            names = list(shape.members) if full else list(shape.required_members)
            if limits.get("union"):
                names = [list(shape.members)[turn % len(shape.members)]]
            return {name: self._member(name, shape.members[name], turn=turn, full=full) for name in names}
        if kind == "list":
            return [self._make(shape.member, turn=turn, full=full)] * least
        if kind == "map":
            key = self._make(shape.key, turn=turn, full=full)
            value = self._make(shape.value, turn=turn, full=full)
            return {f"{key}{number or ''}": value for number in range(least)}
        if kind == "string":
            return limits["enum"][turn % len(limits["enum"])] if "enum" in limits else text(shape, least)
        made = {"integer": limits.get("max" if full else "min", 1), "boolean": full, "timestamp": NOW}
        assert kind in made, f"the model has a new type of input, {kind}: add it to {__file__}"
        return made[kind]

    def _member(self, name: str, shape: Shape, *, turn: int, full: bool) -> Any:
        known = self._known(name)
        return self._make(shape, turn=turn, full=full) if known is None else known

    def _wrong_inside(self, shape: Shape, value: Any, turn: int) -> Iterator[tuple[str, str, Any, Any]]:
        """Tell what can be wrong with the parts: (place of the part, rule, value of the whole, allowed)."""
        for name in shape.required_members if shape.type_name == "structure" else ():
            yield name, "not be null", GONE, GONE
        if shape.type_name == "list":
            yield "1.member", f"cannot be read as {shape.member.type_name}", [None], GONE
        if shape.metadata.get("union"):
            yield "", "exactly one of", {}, GONE
            others = [name for name in shape.members if name not in value][:1]
            for name in others:
                second = {name: self._make(shape.members[name], turn=turn, full=True)}
                yield "", "exactly one of", {**value, **second}, GONE
        for key, item in value.items() if shape.type_name == "map" else ():
            yield f"{key}.member", f"cannot be read as {shape.value.type_name}", {key: None}, GONE
            for _, rule, wrong, allowed in _wrong(shape.key, key):
                if isinstance(wrong, str) and not rule.startswith("cannot"):
                    allowed_keys = GONE if allowed is GONE else {allowed: item}
                    yield f"{wrong}.key", rule, {wrong: item}, allowed_keys


def put(whole: Any, path: Path, value: Any) -> Any:
    """Give a copy that has a value at a place, or has nothing there."""
    if not path:
        return value
    copy = whole.copy()
    if value is GONE and len(path) == 1:
        del copy[path[0]]
    else:
        copy[path[0]] = put(whole[path[0]], path[1:], value)
    return copy


def text(shape: Shape, length: int) -> str:
    """Make a text for a shape, of a length, or the next that its pattern has."""
    if "pattern" not in shape.metadata:
        return "t" * length
    return _matching(shape.metadata["pattern"], length)


@functools.cache
def _matching(pattern: str, length: int) -> str:
    parsed = _REGEX.parse(_pattern(pattern).pattern)
    return _text(parsed, length - len(_text(parsed, 0)))


def _text(parsed: Any, more: int) -> str:
    """Write the shortest text of a parsed pattern, and longer what may be repeated, by so many characters."""
    made = ""
    for kind, value in parsed:
        name = str(kind)
        if name == "LITERAL":
            made += chr(value)
        elif name == "ANY":
            made += "x"
        elif name == "IN":
            made += _one_of(value)
        elif name == "SUBPATTERN":
            made += _text(value[-1], 0)
        elif name == "BRANCH":
            made += _text(value[1][0], 0)
        elif name == "MAX_REPEAT":
            least, most, inner = value
            once = _text(inner, 0)
            further = min(int(most) - least, max(more, 0) // len(once)) if most > 1 else 0
            more -= further * len(once)
            made += once * (least + further)
        elif name not in ("AT", "ASSERT_NOT"):
            raise AssertionError(
                f"add {name} of regular expressions to {__file__}: a new pattern of the model has it"
            )
    return made


def _one_of(options: Any) -> str:
    found = [
        chr(value if str(kind) == "LITERAL" else value[0])
        if str(kind) != "CATEGORY"
        else _A_CLASS_HAS.get(str(value), "a")
        for kind, value in options
    ]
    return next((char for char in found if char.isalnum()), found[0])


def _shapes(shape: Shape) -> Iterator[Shape]:
    yield shape
    names = {"structure": ("members",), "list": ("member",), "map": ("key", "value")}
    for name in names.get(shape.type_name, ()):
        found = getattr(shape, name)
        for part in found.values() if name == "members" else [found]:
            yield from _shapes(part)


def _places(
    shape: Shape, value: Any, path: Path = (), place: str = ""
) -> Iterator[tuple[Shape, Any, Path, str]]:
    """Give every part of an input: its shape, its value, where it stands, and how the service calls that."""
    yield shape, value, path, place
    parts: list[tuple[Shape, Any, Any, str]] = []
    if shape.type_name == "structure":
        parts = [(shape.members[name], inner, name, name) for name, inner in value.items()]
    elif shape.type_name == "list":
        parts = [(shape.member, inner, number, f"{number + 1}.member") for number, inner in enumerate(value)]
    elif shape.type_name == "map":
        parts = [(shape.value, inner, key, f"{key}.member") for key, inner in value.items()]
    for part, inner, step, name in parts:
        yield from _places(part, inner, (*path, step), f"{place}.{name}".strip("."))


def _wrong(shape: Shape, value: Any) -> Iterator[tuple[str, str, Any, Any]]:
    """Tell what a value can have wrong by itself: ("", rule, wrong value, allowed value)."""
    kind, limits = shape.type_name, shape.metadata
    for wrong in _OF_JSON:
        if type(wrong) not in _TAKES[kind]:
            yield "", f"cannot be read as {kind}", wrong, GONE
    for name, beyond, told in (("min", -1, "greater"), ("max", 1, "less")):
        if name in limits and limits[name] + beyond >= 0:
            limit = limits[name]
            have = "value" if kind == "integer" else "length"
            at_limit, past = _sized(shape, value, limit), _sized(shape, value, limit + beyond, strict=True)
            yield "", f"have {have} {told} than or equal to {limit}", past, at_limit
    if "enum" in limits:
        yield "", "satisfy enum value set", f"{value}S", GONE
    if "pattern" in limits:
        pattern = _pattern(limits["pattern"])
        for part in _LIKELY_REFUSED:
            candidates = (wrong for wrong in (part + value, value + part, part) if not pattern.search(wrong))
            for wrong in list(candidates)[:1]:
                yield "", "satisfy regular expression pattern", wrong, GONE


def _sized(shape: Shape, value: Any, size: int, *, strict: bool = False) -> Any:
    """Give a value of a size. If its pattern has none: one that breaks that too, or unless strict none."""
    if shape.type_name == "integer":
        return size
    if shape.type_name == "list":
        return value[:1] * size
    if shape.type_name == "map":
        key, item = next(iter(value.items()))
        return {f"{key}{number or ''}": item for number in range(size)}
    made = text(shape, size)
    if len(made) == size:
        return made
    return made.ljust(size, "0")[:size] if strict else GONE
