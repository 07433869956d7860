"""What is about ourselves: a rule for all alarms would bring it back to the trigger that it is about."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from incidents_runtime.alarms import SOURCE
from incidents_runtime.shapes import items, mapping, text
from incidents_runtime.telemetry import NAMESPACE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from incidents_runtime.settings import Settings
    from incidents_runtime.signal_model import Signal

_CANARY = "Canary"
_SMOKE_TEST = "smoke-test-"
_LONGEST_FUNCTION = 64
# https://sqs.eu-central-1.amazonaws.com/123456789012/name; a loopback's host has no Region in it.
_QUEUE_URL = re.compile(r"https?://(?:sqs\.([a-z0-9-]+)\.)?[^/]*/(\d{12})/([^/]+)", re.ASCII)
_RESOURCE = re.compile(
    r"arn:[a-z-]+:(?:lambda|sqs):([a-z0-9-]+):(\d{12}):(function:)?([A-Za-z0-9_.-]+)(?::[^:]+)?", re.ASCII
)


def unless_our_own(signal: Signal, trigger: str, settings: Settings) -> Signal:
    """Ignore a signal that is about the trigger itself.

    A canary is moved by a smoke test and means nothing else. An alarm on the trigger itself has a way of its
    own to people: a broken trigger cannot report itself, and a working one would go round in circles. So
    would what the trigger tells its fallback, if that came back.

    Parameters
    ----------
    signal
        The signal, on a route that is not quiet.
    trigger
        The function's name.
    settings
        What names its queues and its fallback.

    Returns
    -------
    Signal
        The signal, or the same one to be ignored, with the reason. A composite alarm tells no metrics and
        stays; so does an event that is about other resources too.
    """
    reason = "" if signal.transition == "ignored" else _Self(trigger, settings).reason_to_ignore(signal)
    return replace(signal, transition="ignored", reason=reason) if reason else signal


@dataclass(frozen=True)
class _Self:
    trigger: str
    settings: Settings

    def reason_to_ignore(self, signal: Signal) -> str:
        if signal.source == SOURCE:
            metrics = list(_metrics(signal.event))
            if any(map(_is_canary, metrics)):
                return "the alarm is the smoke test's canary"
            if self._is_home(signal.region, signal.account) and any(map(self._is_watched, metrics)):
                return "the alarm watches this trigger itself"
            return ""
        fallback = self.settings.fallback_topic_arn
        if signal.source == "sns" and fallback and signal.trigger_arn == fallback:
            return "the message comes from this trigger's own fallback"
        resources = [text(resource) for resource in items(signal.event.get("resources"))]
        if resources and all(map(self._is_ours, resources)):
            return "the event is about this trigger itself"
        return ""

    def _is_watched(self, metric: Mapping[str, Any]) -> bool:
        about_us = {
            NAMESPACE: ("Trigger", [self.trigger]),
            "AWS/Lambda": ("FunctionName", [self.trigger, self._smoke_test()]),
            "AWS/SQS": ("QueueName", self._queues()),
        }
        dimension, names = about_us.get(text(metric.get("namespace")), ("", []))
        return text(mapping(metric.get("dimensions")).get(dimension)) in names

    def _is_ours(self, arn: str) -> bool:
        parts = _RESOURCE.fullmatch(arn)
        if parts is None or not self._is_home(parts[1], parts[2]):
            return False
        return parts[4] == self.trigger if parts[3] else parts[4] in self._queues()

    def _is_home(self, region: str, account: str) -> bool:
        """Say whether it is where the trigger is: elsewhere another one may have its name."""
        home = _QUEUE_URL.fullmatch(self.settings.retry_queue_url)
        if home is None:
            return True
        return region in (home[1] or region, "") and account in (home[2], "")

    def _smoke_test(self) -> str:
        """Return the name of the function that repeats the smoke test; the constructs' `_names` makes it."""
        return f"{_SMOKE_TEST}{self.trigger[len(_SMOKE_TEST) - _LONGEST_FUNCTION :]}"

    def _queues(self) -> list[str]:
        urls = self.settings.retry_queue_url, self.settings.dead_letter_queue_url
        return [url.rpartition("/")[2] for url in urls]


def _metrics(event: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    configuration = mapping(mapping(event.get("detail")).get("configuration"))
    for part in items(configuration.get("metrics")):
        yield mapping(mapping(mapping(part).get("metricStat")).get("metric"))


def _is_canary(metric: Mapping[str, Any]) -> bool:
    return metric.get("namespace") == NAMESPACE and metric.get("name") == _CANARY
