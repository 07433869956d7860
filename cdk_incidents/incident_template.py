"""What an incident looks like when it opens: pure values, checked when they are made."""

from __future__ import annotations

import dataclasses
import enum
from typing import TYPE_CHECKING

from cdk_incidents._checks import check_count, check_length, check_range
from cdk_incidents._tags import check_tags
from cdk_incidents._topic import check_topic

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cdk_incidents._topic import Topic


class Impact(enum.IntEnum):
    """How much an incident hurts, in the service's five steps.

    None of them suppresses anything: an incident without impact pages, runs its runbook and counts against
    the plan's 200 a month like a critical one.
    https://docs.aws.amazon.com/incident-manager/latest/userguide/incident-lifecycle.html
    """

    CRITICAL = 1
    """Full application failure that impacts many or all customers."""
    HIGH = 2
    """Partial application failure with impact to many customers."""
    MEDIUM = 3
    """The application works worse for some customers."""
    LOW = 4
    """Customers are not hurt yet; somebody has to act to keep it so."""
    NO_IMPACT = 5
    """Customers are not hurt; somebody has to act urgently to keep it so."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class IncidentTemplate:
    """The incident that a response plan opens.

    Parameters
    ----------
    title
        What a responder reads first; 1 to 200 characters.
    impact
        An `Impact`, or its number from 1 (critical) to 5 (no impact).
    summary
        What responders should know before they look; up to 4,000 characters. By default there is none.
    dedupe_string
        While an incident with this string is open, further ones of the account are merged into it; up to
        1,000 characters. By default the service deduplicates by the alarm or event that started the
        incident, and incidents started by its API not at all.
    tags
        Tags that every incident of the plan carries; up to 50, keys without space or `@`. By default none.
    notification_topics
        SNS topics that are told when an incident opens, changes or resolves; up to 10, of the plan's own
        account and Region. The plan lets the service publish to them, and use the keys that encrypt them;
        that gives a topic of this app a policy in place of SNS's own: let others publish that must, e.g.
        alarms. By default nobody is told.

    Raises
    ------
    ValueError
        If a value breaks one of these limits. Tokens are let through.

    Notes
    -----
    Limits: https://docs.aws.amazon.com/incident-manager/latest/APIReference/API_IncidentTemplate.html
    """

    title: str
    impact: Impact | int
    summary: str | None = None
    dedupe_string: str | None = None
    tags: Mapping[str, str] | None = None
    notification_topics: Sequence[Topic] = ()

    def __post_init__(self) -> None:
        check_length("title", self.title, maximum=200)
        check_range(
            "impact",
            self.impact,
            minimum=1,
            maximum=5,
            remedy="take a member of Impact, e.g. Impact.CRITICAL.",
        )
        check_length("summary", self.summary, maximum=4000)
        check_length("dedupe_string", self.dedupe_string, maximum=1000)
        check_tags("tags", self.tags or {})
        check_count(
            "notification_topics",
            self.notification_topics,
            maximum=10,
            remedy="subscribe further endpoints to one of the topics.",
        )
        for topic in self.notification_topics:
            check_topic("notification_topics: each", topic)

    @classmethod
    def critical(
        cls,
        *,
        title: str,
        summary: str | None = None,
        dedupe_string: str | None = None,
        tags: Mapping[str, str] | None = None,
        notification_topics: Sequence[Topic] = (),
    ) -> IncidentTemplate:
        """Return a template of impact 1, `Impact.CRITICAL`; the arguments are the class's own."""
        return cls(
            title=title,
            impact=Impact.CRITICAL,
            summary=summary,
            dedupe_string=dedupe_string,
            tags=tags,
            notification_topics=notification_topics,
        )

    @classmethod
    def high(
        cls,
        *,
        title: str,
        summary: str | None = None,
        dedupe_string: str | None = None,
        tags: Mapping[str, str] | None = None,
        notification_topics: Sequence[Topic] = (),
    ) -> IncidentTemplate:
        """Return a template of impact 2, `Impact.HIGH`; the arguments are the class's own."""
        return cls(
            title=title,
            impact=Impact.HIGH,
            summary=summary,
            dedupe_string=dedupe_string,
            tags=tags,
            notification_topics=notification_topics,
        )

    @classmethod
    def medium(
        cls,
        *,
        title: str,
        summary: str | None = None,
        dedupe_string: str | None = None,
        tags: Mapping[str, str] | None = None,
        notification_topics: Sequence[Topic] = (),
    ) -> IncidentTemplate:
        """Return a template of impact 3, `Impact.MEDIUM`; the arguments are the class's own."""
        return cls(
            title=title,
            impact=Impact.MEDIUM,
            summary=summary,
            dedupe_string=dedupe_string,
            tags=tags,
            notification_topics=notification_topics,
        )

    @classmethod
    def low(
        cls,
        *,
        title: str,
        summary: str | None = None,
        dedupe_string: str | None = None,
        tags: Mapping[str, str] | None = None,
        notification_topics: Sequence[Topic] = (),
    ) -> IncidentTemplate:
        """Return a template of impact 4, `Impact.LOW`; the arguments are the class's own."""
        return cls(
            title=title,
            impact=Impact.LOW,
            summary=summary,
            dedupe_string=dedupe_string,
            tags=tags,
            notification_topics=notification_topics,
        )

    @classmethod
    def no_impact(
        cls,
        *,
        title: str,
        summary: str | None = None,
        dedupe_string: str | None = None,
        tags: Mapping[str, str] | None = None,
        notification_topics: Sequence[Topic] = (),
    ) -> IncidentTemplate:
        """Return a template of impact 5, `Impact.NO_IMPACT`; the arguments are the class's own."""
        return cls(
            title=title,
            impact=Impact.NO_IMPACT,
            summary=summary,
            dedupe_string=dedupe_string,
            tags=tags,
            notification_topics=notification_topics,
        )
