"""DevOps Guru: an insight is one cause, from its opening to its closing."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from incidents_runtime.shapes import mapping, text
from incidents_runtime.signal_model import RelatedItem, Signal, Transition, digest, key_of

if TYPE_CHECKING:
    from collections.abc import Mapping

SOURCE = "aws.devops-guru"
# An insight that gets worse may be the first that a rule lets through.
_TRANSITIONS: Mapping[str, Transition] = {
    "DevOps Guru New Insight Open": "opened",
    "DevOps Guru Insight Severity Upgraded": "opened",
    "DevOps Guru Insight Closed": "recovered",
}


def insight_signal(signal: Signal) -> Signal:
    """Read what an event of DevOps Guru says beyond any other event.

    Parameters
    ----------
    signal
        The event, read as any other.

    Returns
    -------
    Signal
        Opened by an insight that opens or gets worse, recovered by one that is closed; the other news of an
        insight are ignored.

    Notes
    -----
    https://docs.aws.amazon.com/devops-guru/latest/userguide/working-with-eventbridge.html
    """
    detail = mapping(signal.event.get("detail"))
    insight = text(detail.get("insightId"))
    kind = text(signal.event.get("detail-type"))
    transition = _TRANSITIONS.get(kind)
    if transition is None or not insight:
        # What is unknown may mean trouble; what is known not to is news of an insight that has its incident.
        news = "DevOps Guru New Anomaly Association", "DevOps Guru New Recommendation Created"
        reason = "news of an insight, which was told of before"
        return replace(signal, transition="ignored", reason=reason) if kind in news else signal
    key = key_of("insight", signal.account, signal.region, insight)
    description, severity = text(detail.get("insightDescription")), text(detail.get("insightSeverity"))
    told = description or f"insight {insight}"
    url = text(detail.get("insightUrl"))
    return replace(
        signal,
        key=key,
        identity=digest(key, signal.identity),
        transition=transition,
        title=f"DevOps Guru: {told}" + (f" ({severity})" if severity else ""),
        reason=description,
        related_items=(
            *((RelatedItem("OTHER", "Insight of DevOps Guru", url=url),) if url else ()),
            *signal.related_items,
        ),
    )
