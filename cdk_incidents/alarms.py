"""Every alarm under a scope gets its action by one line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cdk_incidents._alarm_lines import AlarmLines, BySeverity, Filtered, check_target
from cdk_incidents._checks import is_token, refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_cdk.interfaces.aws_ssmincidents import IResponsePlanRef
    from constructs import Construct

    from cdk_incidents.route import IRoute


class Alarms:
    """The alarms under a scope: those that are there, and those that will be when the app synthesises.

    Metric, composite, PromQL and log alarms of any origin, CDK's own or L1. Left alone are the alarms that
    a trigger or a smoke test has of its own, alarms that scale something, imported alarms, and alarms that
    have the action already.

    Notes
    -----
    The actions are set when the app synthesises, after all aspects: tags count, whoever gave them. Where no
    tag is asked for they are set once before, too, for aspects that look for alarms without an action.
    """

    def __init__(self, scope: Construct) -> None:
        self._lines = AlarmLines.under(scope)

    @staticmethod
    def of(scope: Construct) -> Alarms:
        """Return the alarms under a scope.

        Parameters
        ----------
        scope
            A construct, a stack, a stage or the app. What a `Stage` holds needs a line of its own:
            CDK synthesises it apart.
        """
        return Alarms(scope)

    def add(
        self,
        target: IRoute | IResponsePlanRef,
        *,
        name: str | None = None,
        tag: Mapping[str, str] | None = None,
    ) -> None:
        """Let the alarms start incidents.

        Parameters
        ----------
        target
            A route, to which alarms send their ALARM, and their OK where it auto-resolves, as by
            `Route.watch`. Or a response plan, which they start as by `ResponsePlanAction`.
        name
            Only alarms whose name matches this pattern, e.g. ``"checkout-*"``; ``*``, ``?`` and ``[…]`` are
            wild, and case counts. An alarm without a name of its own is matched by its construct's path, e.g.
            ``"Shop/*/Errors"``. By default any.
        tag
            Only alarms that have all these tags; the values may be patterns, too. By default any.

        Raises
        ------
        ValueError
            If an argument is none of these. At synth, if an alarm would have more than five actions, is in
            another stage than the scope, or cannot reach the target.

        Notes
        -----
        A line that no alarm matches warns, ``cdk-incidents:no-alarm-found``.
        https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
        """
        check_target("target", target)
        if name is not None:
            _check_text("name", name)
        if tag is not None and not tag:
            raise refusal("tag", "one or more tags", tag, "leave it out to take every alarm.")
        for key, value in (tag or {}).items():
            _check_text("tag: a key", key)
            _check_text(f"tag: the value of {key!r}", value)
        self._lines.add(Filtered(target=target, name=name, tags=dict(tag or {})))

    def add_by_severity(
        self, targets: Mapping[str, IRoute | IResponsePlanRef], *, tag: str = "severity"
    ) -> None:
        """Let the alarms start incidents where the value of one of their tags says so.

        An alarm without the tag is left alone. One with a value that is not named here is, too, and warns:
        ``cdk-incidents:unknown-severity``.

        Parameters
        ----------
        targets
            Routes and response plans by the tag's values, e.g. ``{"critical": route, "warning": plan}``.
        tag
            The tag's key. By default ``severity``.

        Raises
        ------
        ValueError
            As for `add`.
        """
        _check_text("tag", tag)
        if not targets:
            raise refusal("targets", "one or more", targets, 'e.g. {"critical": route}.')
        for severity, target in targets.items():
            _check_text("targets: a severity", severity)
            check_target(f"targets[{severity!r}]", target)
        self._lines.add(BySeverity(targets=dict(targets), tag=tag))


def _check_text(argument: str, value: str) -> None:
    if not isinstance(value, str) or not value or is_token(value):
        raise refusal(argument, "a text known at synth", value, "write it out.")
