"""Holds a request against botocore's own model, with the lengths, ranges and patterns that botocore skips."""

from __future__ import annotations

import re
from datetime import datetime
from functools import lru_cache
from typing import Any

import botocore.session


@lru_cache
def _service(name: str) -> Any:
    return botocore.session.get_session().get_service_model(name)


def violations(service: str, operation: str, request: dict[str, Any]) -> list[str]:
    """List what the service would refuse in a request."""
    found: list[str] = []
    _check(_service(service).operation_model(operation).input_shape, request, operation, found)
    return found


def _check(shape: Any, value: Any, path: str, found: list[str]) -> None:
    {
        "structure": _structure,
        "list": _list,
        "map": _map,
        "string": _string,
        "integer": _integer,
        "timestamp": _timestamp,
    }[shape.type_name](shape, value, path, found)


def _structure(shape: Any, value: Any, path: str, found: list[str]) -> None:
    if not isinstance(value, dict):
        found.append(f"{path}: no object")
        return
    found += [f"{path}: no {name}" for name in shape.required_members if name not in value]
    found += [f"{path}: unknown {name}" for name in value if name not in shape.members]
    for name, member in shape.members.items():
        if name in value:
            _check(member, value[name], f"{path}.{name}", found)


def _list(shape: Any, value: Any, path: str, found: list[str]) -> None:
    _range(shape, len(value), path, found)
    for number, member in enumerate(value):
        _check(shape.member, member, f"{path}[{number}]", found)


def _map(shape: Any, value: Any, path: str, found: list[str]) -> None:
    for name, member in value.items():
        _string(shape.key, name, f"{path} key", found)
        _check(shape.value, member, f"{path}[{name}]", found)


def _string(shape: Any, value: Any, path: str, found: list[str]) -> None:
    if not isinstance(value, str):
        found.append(f"{path}: no text")
        return
    try:
        # As Java counts, where the service is written.
        _range(shape, len(value.encode("utf-16-le")) // 2, path, found)
    except UnicodeEncodeError:
        found.append(f"{path}: cannot be encoded")
    pattern = shape.metadata.get("pattern")
    if pattern and not re.fullmatch(pattern.removeprefix("^").removesuffix("$"), value):
        found.append(f"{path}: does not match {pattern}")
    if shape.enum and value not in shape.enum:
        found.append(f"{path}: none of {shape.enum}")


def _integer(shape: Any, value: Any, path: str, found: list[str]) -> None:
    if type(value) is not int:
        found.append(f"{path}: no integer")
    else:
        _range(shape, value, path, found)


def _timestamp(_: Any, value: Any, path: str, found: list[str]) -> None:
    if not isinstance(value, datetime) or value.tzinfo is None:
        found.append(f"{path}: no time with a zone")


def _range(shape: Any, size: int, path: str, found: list[str]) -> None:
    least, most = shape.metadata.get("min", 0), shape.metadata.get("max")
    if size < least or (most is not None and size > most):
        found.append(f"{path}: {size} is not within {least} and {most}")
