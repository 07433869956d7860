"""The event in the incident's timeline: valid JSON that runbooks can read, however long the event was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from incidents_runtime.shapes import items, mapping, plain, written

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

LONGEST = 10_000


def raw_data(event: Mapping[str, Any]) -> str:
    """Write an event as JSON of at most 10,000 characters.

    It gets shorter by leaving members out, the least telling first, and is never cut.

    Parameters
    ----------
    event
        The event in EventBridge shape.

    Returns
    -------
    str
        Valid JSON in ASCII.
    """
    kept: dict[str, Any] = plain(event)
    for shorter in _STEPS:
        data = written(kept)
        if len(data) <= LONGEST:
            return data
        kept = shorter(kept)
    return written(kept)


def _without_reason_data(event: dict[str, Any]) -> dict[str, Any]:
    return _with_states(event, lambda state: _without(state, "reasonData"))


def _without_previous_state(event: dict[str, Any]) -> dict[str, Any]:
    return {**event, "detail": _without(event.get("detail"), "previousState")}


def _with_one_metric(event: dict[str, Any]) -> dict[str, Any]:
    # Runbooks read the first one.
    return _with_configuration(event, lambda its: {**its, "metrics": items(its.get("metrics"))[:1]})


def _without_metrics(event: dict[str, Any]) -> dict[str, Any]:
    return _with_configuration(event, lambda its: _without(its, "metrics"))


def _without_description(event: dict[str, Any]) -> dict[str, Any]:
    return _with_configuration(event, lambda its: _without(its, "description"))


def _with_short_texts(event: dict[str, Any]) -> dict[str, Any]:
    return dict(plain(event, longest_text=300, most_items=20, depth=6))


def _with_the_outline(event: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in event.items() if name in _OUTLINE}


def _with_the_bones(event: dict[str, Any]) -> dict[str, Any]:
    # Nine texts of 50 characters, each of twelve when it is escaped: it always fits.
    return {name: plain(value, longest_text=50, depth=0) for name, value in event.items()}


_OUTLINE = ("version", "id", "detail-type", "source", "account", "time", "region", "resources", "detail")
_STEPS: tuple[Callable[[dict[str, Any]], dict[str, Any]], ...] = (
    _without_reason_data,
    _without_previous_state,
    _with_one_metric,
    _without_metrics,
    _without_description,
    _with_short_texts,
    _with_the_outline,
    _with_the_bones,
)


def _with_states(event: dict[str, Any], change: Callable[[dict[str, Any]], dict[str, Any]]) -> dict[str, Any]:
    detail = mapping(event.get("detail"))
    states = {name: change(mapping(detail[name])) for name in ("state", "previousState") if name in detail}
    return {**event, "detail": {**detail, **states}}


def _with_configuration(
    event: dict[str, Any], change: Callable[[dict[str, Any]], dict[str, Any]]
) -> dict[str, Any]:
    detail = mapping(event.get("detail"))
    if "configuration" not in detail:
        return event
    return {**event, "detail": {**detail, "configuration": change(mapping(detail["configuration"]))}}


def _without(value: object, name: str) -> dict[str, Any]:
    return {member: kept for member, kept in mapping(value).items() if member != name}
