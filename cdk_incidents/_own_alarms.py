"""Alarms on the trigger itself: a broken one could not report itself, a working one would go in circles."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from aws_cdk import CfnResource, Reference, Tokenization
from aws_cdk import aws_cloudwatch as cloudwatch

from cdk_incidents._checks import is_token
from cdk_incidents._names import METRIC_NAMESPACE, PURPOSE, dead_letter_queue_name, smoke_test_name
from cdk_incidents._places import identity_of

if TYPE_CHECKING:
    from collections.abc import Collection

    from constructs import IConstruct

_NAMED_BY = {METRIC_NAMESPACE: "Trigger", "AWS/Lambda": "FunctionName", "AWS/SQS": "QueueName"}


# By the identities of their resources: asking each for its metadata would be a trip to Node.
_MARKED: set[str] = set()


def mark(alarm: cloudwatch.Alarm | CfnResource, purpose: str) -> None:
    """Say in the template what one of our own alarms is for, so that a rehearsal leaves it alone."""
    resource = alarm if isinstance(alarm, CfnResource) else alarm.node.default_child
    if isinstance(resource, CfnResource):
        resource.add_metadata(PURPOSE, purpose)
        _MARKED.add(identity_of(resource))


def is_marked(resource: CfnResource) -> bool:
    """Tell whether an alarm is one of our own."""
    return identity_of(resource) in _MARKED


def is_on(alarm: IConstruct, trigger_name: str, parts: Collection[str]) -> bool:
    """Tell whether an alarm watches a trigger, by one of its metrics or by an alarm in its rule.

    Parameters
    ----------
    alarm
        An alarm of any kind, CDK's own or L1; of an import nothing is known.
    trigger_name
        The trigger's name, and its function's.
    parts
        The identities of its function and queues, where they are in the app.
    """
    # Each look at a construct is a round trip to Node, and there may be a thousand alarms.
    resource = alarm if isinstance(alarm, CfnResource) else alarm.node.default_child
    if isinstance(resource, cloudwatch.CfnCompositeAlarm):
        return any(is_on(child, trigger_name, parts) for child in _named_in(resource.alarm_rule))
    if not isinstance(resource, cloudwatch.CfnAlarm):
        return False
    names = {trigger_name, dead_letter_queue_name(trigger_name), smoke_test_name(trigger_name)}
    return any(
        value in names or any(identity_of(part) in parts for part in _named_in(value))
        for value in _whose(resource)
    )


def _whose(alarm: cloudwatch.CfnAlarm) -> Iterator[str]:
    """Yield the names of functions, queues and triggers whose metrics an alarm takes."""
    namespace = alarm.namespace
    if namespace is not None:
        metrics = [(namespace, alarm.dimensions if namespace in _NAMED_BY else None)]
    else:
        metrics = [_metric_of(part) for part in _listed(alarm.metrics)]
    for namespace, dimensions in metrics:
        for dimension in _listed(dimensions):
            if _field(dimension, "name") == _NAMED_BY.get(namespace):
                yield _field(dimension, "value")


def _metric_of(part: object) -> tuple[str, Any]:
    stat = _field(part, "metric_stat", "metricStat")
    metric = _field(stat, "metric")
    return _field(metric, "namespace"), _field(metric, "dimensions")


def _listed(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _field(value: object, name: str, in_javascript: str = "") -> Any:
    """Read a field of one of CDK's structs, or of what came back from Node as a mapping."""
    if isinstance(value, Mapping):
        return value.get(name, value.get(in_javascript))
    return getattr(value, name, None)


def _named_in(text: object) -> list[CfnResource]:
    """Return the resources of the app that a text refers to."""
    if not isinstance(text, str) or not is_token(text):
        return []
    tokens = Tokenization.reverse_string(text).tokens
    targets = [token.target for token in tokens if isinstance(token, Reference)]
    return [target for target in targets if isinstance(target, CfnResource)]
