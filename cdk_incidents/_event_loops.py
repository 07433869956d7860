"""Rules that would feed an incident's own events back: each incident would open the next."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import jsii
from aws_cdk import Stack
from aws_cdk import aws_events as events
from constructs import IValidation

from cdk_incidents._checks import refusal

if TYPE_CHECKING:
    from aws_cdk.interfaces.aws_events import IRuleRef

_START_OF_AN_INCIDENT = {
    "source": "aws.ssm-incidents",
    "detail-type": "AWS API Call via CloudTrail",
    "detail": {"eventSource": "ssm-incidents.amazonaws.com", "eventName": "StartIncident"},
}
"""The only event that an incident makes as it opens: Incident Manager has none of its own."""
_OF_EVERY_EVENT = {"account", "region", "version"}


def refuse_loop(rule: IRuleRef) -> None:
    """Refuse at synth a rule that takes the start of an incident, once its pattern is complete."""
    rule.node.add_validation(_OpensNoLoop(rule))


@jsii.implements(IValidation)
class _OpensNoLoop:
    def __init__(self, rule: IRuleRef) -> None:
        self._rule = rule

    def validate(self) -> list[str]:
        resource = self._rule.node.default_child
        if not isinstance(resource, events.CfnRule):
            return []
        pattern = Stack.of(self._rule).resolve(resource.event_pattern)
        if not pattern or not _matches(pattern, _START_OF_AN_INCIDENT):
            return []
        error = refusal(
            "rule",
            "on other events than the start of an incident",
            self._rule.node.path,
            "each incident would open the next: narrow its event pattern.",
        )
        return [str(error)]


def _matches(pattern: Mapping[str, Any], event: Mapping[str, Any]) -> bool:
    """Tell whether a pattern takes an event; what it asks of other fields is taken to narrow it."""
    return all(
        any(_matches(one, event) for one in wanted)
        if field == "$or"
        else field in event and _takes(wanted, event[field])
        for field, wanted in pattern.items()
        if field not in _OF_EVERY_EVENT
    )


def _takes(wanted: object, value: Any) -> bool:
    if isinstance(wanted, Mapping):
        return isinstance(value, Mapping) and _matches(wanted, value)
    return isinstance(wanted, Sequence) and any(_is(one, value) for one in wanted)


def _is(one: object, value: str) -> bool:
    if not isinstance(one, Mapping):
        return one == value
    ((matcher, wanted),) = one.items()
    if matcher == "exists":
        return bool(wanted)
    if isinstance(wanted, Mapping) and "equals-ignore-case" in wanted:
        return _is({matcher: wanted["equals-ignore-case"].lower()}, value.lower())
    each = wanted if isinstance(wanted, list) else [wanted]
    if matcher == "anything-but":
        return not any(_is(other, value) for other in each)
    matches = _MATCHERS.get(matcher)
    return matches is not None and any(matches(value, other) for other in each)


def _is_in_any_case(value: str, other: str) -> bool:
    return value.lower() == other.lower()


# https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
_MATCHERS: dict[str, Callable[[str, str], bool]] = {
    "equals-ignore-case": _is_in_any_case,
    "prefix": str.startswith,
    "suffix": str.endswith,
    "wildcard": fnmatch.fnmatchcase,
}
