"""Topics that a trigger publishes to: it must not listen to them, or each signal would make the next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cdk_incidents._checks import is_token, refusal
from cdk_incidents._places import identity_of

if TYPE_CHECKING:
    from aws_cdk import aws_sns as sns

    from cdk_incidents._topic import Topic


class OwnTopics:
    """Both kinds, in whatever order they come."""

    def __init__(self) -> None:
        self._told: set[str] = set()
        self._heard: set[str] = set()

    def told(self, topic: Topic) -> None:
        """Enter a topic that the trigger publishes to."""
        self._told.add(_key(topic))
        self._check(topic)

    def heard(self, topic: sns.ITopic) -> None:
        """Enter a topic that a route is subscribed to."""
        self._heard.add(_key(topic))
        self._check(topic)

    def _check(self, topic: Topic) -> None:
        if _key(topic) in self._told & self._heard:
            raise refusal(
                "topic",
                "one that the trigger does not publish to, as its fallback or for a route",
                topic.node.path,
                "each signal would make the next: take another topic.",
            )


def _key(topic: Topic) -> str:
    arn = topic.topic_arn
    return identity_of(topic) if is_token(arn) else arn
