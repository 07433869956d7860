"""Patterns for EventBridge rules whose events a trigger reads as what they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_cdk import aws_events as events

from cdk_incidents._checks import check_list, is_token, refusal

if TYPE_CHECKING:
    from collections.abc import Sequence

_CATEGORIES = ("accountNotification", "investigation", "issue", "scheduledChange")
_SEVERITIES = ("high", "low", "medium")
_STATE_CHANGE = "CloudWatch Alarm State Change"


class EventPatterns:
    """Ready patterns: what the rule sends to a route, the trigger reads with its key, title and recovery.

    Use them as ``events.Rule(…, event_pattern=EventPatterns.health(), targets=[route.rule_target()])``.
    """

    @staticmethod
    def health(
        *,
        categories: Sequence[str] = ("issue",),
        services: Sequence[str] | None = None,
        regions: Sequence[str] | None = None,
    ) -> events.EventPattern:
        """Return the pattern of AWS Health's events about the account.

        One event of Health, however often it is sent again, is one incident; where the route auto-resolves,
        it is resolved when Health closes the event.

        Parameters
        ----------
        categories
            ``issue``, ``accountNotification``, ``scheduledChange``, ``investigation``. By default issues.
        services
            Services by Health's own names, e.g. ``EC2`` and ``RDS``. By default all.
        regions
            The Regions that are affected, ``global`` among them. By default all.

        Raises
        ------
        ValueError
            If a category is none of these, or a list is empty.

        Notes
        -----
        Health puts an event on the bus of the Region that it is about, and on that of a backup Region.
        https://docs.aws.amazon.com/health/latest/ug/aws-health-events-eventbridge-schema.html
        """
        _check_words("categories", categories, _CATEGORIES)
        detail: dict[str, Any] = {"eventTypeCategory": [*categories]}
        for argument, field, values in (
            ("services", "service", services),
            ("regions", "eventRegion", regions),
        ):
            if values is not None:
                _check_words(argument, values)
                detail[field] = [*values]
        return events.EventPattern(source=["aws.health"], detail_type=["AWS Health Event"], detail=detail)

    @staticmethod
    def devops_guru(*, severities: Sequence[str] | None = None, closed: bool = True) -> events.EventPattern:
        """Return the pattern of DevOps Guru's insights that open, get worse or close.

        Parameters
        ----------
        severities
            ``high``, ``medium``, ``low``. By default all.
        closed
            Whether the end of an insight is a signal too: where the route auto-resolves it resolves the
            incident. By default it is.

        Raises
        ------
        ValueError
            If a severity is none of these, the list is empty, or `closed` is neither True nor False.

        Notes
        -----
        https://docs.aws.amazon.com/devops-guru/latest/userguide/working-with-eventbridge.html
        """
        if not isinstance(closed, bool):
            raise refusal("closed", "True or False", closed, "False leaves incidents open.")
        # One that gets worse may be the first of its severities.
        kinds = ["DevOps Guru New Insight Open", "DevOps Guru Insight Severity Upgraded"]
        kinds += ["DevOps Guru Insight Closed"] if closed else []
        detail: dict[str, Any] | None = None
        if severities is not None:
            _check_words("severities", severities, _SEVERITIES)
            # An event that tells none passes: better a recovery too many than an incident that stays open.
            detail = {"insightSeverity": [*severities, {"exists": False}]}
        return events.EventPattern(source=["aws.devops-guru"], detail_type=kinds, detail=detail)

    @staticmethod
    def alarms(*, name_prefixes: Sequence[str] | None = None) -> events.EventPattern:
        """Return the pattern of CloudWatch alarms that go to ALARM or to OK.

        Parameters
        ----------
        name_prefixes
            How the names of the alarms begin. By default all alarms; `Route.watch_account` knows some to
            leave out.

        Raises
        ------
        ValueError
            If the list is empty.

        Notes
        -----
        https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-and-eventbridge.html
        """
        detail: dict[str, Any] = {"state": {"value": ["ALARM", "OK"]}}
        if name_prefixes is not None:
            _check_words("name_prefixes", name_prefixes)
            detail["alarmName"] = [{"prefix": prefix} for prefix in name_prefixes]
        return events.EventPattern(source=["aws.cloudwatch"], detail_type=[_STATE_CHANGE], detail=detail)

    @staticmethod
    def _of_account(account: str, except_prefixes: Sequence[str], *, and_ok: bool) -> events.EventPattern:
        """Return the pattern of all alarms of an account but some; for `Route.watch_account`."""
        detail: dict[str, Any] = {"state": {"value": ["ALARM", "OK"] if and_ok else ["ALARM"]}}
        check_list("except_prefixes", except_prefixes, str, "texts")
        if except_prefixes:
            _check_words("except_prefixes", except_prefixes)
            prefixes = except_prefixes[0] if len(except_prefixes) == 1 else [*except_prefixes]
            detail["alarmName"] = [{"anything-but": {"prefix": prefixes}}]
        return events.EventPattern(
            source=["aws.cloudwatch"], detail_type=[_STATE_CHANGE], account=[account], detail=detail
        )


def _check_words(argument: str, values: Sequence[str], known: Sequence[str] = ()) -> None:
    check_list(argument, values, str, "texts")
    if not values or not all(values):
        raise refusal(argument, "one or more texts", values, "leave it out to take its default.")
    for value in values:
        if known and value not in known and not is_token(value):
            raise refusal(argument, f"some of {', '.join(known)}", value, "spell it so.")
