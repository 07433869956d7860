"""Our own alarms: a rule for all alarms would bring them back to the trigger that they are about."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from incidents_runtime.alarms import SOURCE
from incidents_runtime.shapes import items, mapping, text
from incidents_runtime.telemetry import NAMESPACE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from incidents_runtime.settings import Settings
    from incidents_runtime.signal_model import Signal

_CANARY = "Canary"


def unless_our_own(signal: Signal, trigger: str, settings: Settings) -> Signal:
    """Ignore a signal that one of our own alarms gives.

    A canary is moved by a smoke test and means nothing else. An alarm on the trigger itself has a way of its
    own to people: a broken trigger cannot report itself, and a working one would go round in circles.

    Parameters
    ----------
    signal
        The signal, on a route that is not quiet.
    trigger
        The function's name.
    settings
        What names its queues.

    Returns
    -------
    Signal
        The signal, or the same one to be ignored, with the reason. A composite alarm tells no metrics and
        stays.
    """
    if signal.source != SOURCE or signal.transition == "ignored":
        return signal
    metrics = list(_metrics(signal.event))
    if any(_is(metric, NAMESPACE) and text(metric.get("name")) == _CANARY for metric in metrics):
        return replace(signal, transition="ignored", reason="the alarm is the smoke test's canary")
    queues = (settings.retry_queue_url, settings.dead_letter_queue_url)
    about_us = {
        NAMESPACE: ("Trigger", (trigger,)),
        "AWS/Lambda": ("FunctionName", (trigger,)),
        "AWS/SQS": ("QueueName", tuple(url.rpartition("/")[2] for url in queues)),
    }
    for namespace, (dimension, names) in about_us.items():
        for metric in metrics:
            if _is(metric, namespace) and text(mapping(metric.get("dimensions")).get(dimension)) in names:
                return replace(signal, transition="ignored", reason="the alarm watches this trigger itself")
    return signal


def _metrics(event: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    configuration = mapping(mapping(event.get("detail")).get("configuration"))
    for part in items(configuration.get("metrics")):
        yield mapping(mapping(mapping(part).get("metricStat")).get("metric"))


def _is(metric: Mapping[str, Any], namespace: str) -> bool:
    return text(metric.get("namespace")) == namespace
