"""A strategy for cdk-monitoring-constructs: its alarms start incidents. Needs the extra ``monitoring``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jsii
from aws_cdk import Annotations, Stack
from aws_cdk import aws_cloudwatch as cloudwatch

from cdk_incidents._alarm_lines import check_target
from cdk_incidents._checks import refusal
from cdk_incidents._lazy import lazy_text
from cdk_incidents.alarm_action import ResponsePlanAction

try:
    from cdk_monitoring_constructs import IAlarmActionStrategy
except ModuleNotFoundError as _missing:
    raise ModuleNotFoundError(
        "cdk_incidents.monitoring needs its extra: pip install 'cdk_incidents[monitoring]'",
        name=_missing.name,
    ) from _missing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aws_cdk.interfaces.aws_ssmincidents import IResponsePlanRef

    from cdk_incidents.route import IRoute

__all__ = ["IncidentStrategy"]


@jsii.implements(IAlarmActionStrategy)
class IncidentStrategy:
    """Let the alarms of cdk-monitoring-constructs start incidents, by their tags and disambiguators.

    For ``AlarmFactoryDefaults(action=…)``, or for one alarm's ``action_override``. A tag decides first, then
    the disambiguator, then `default`; an alarm that none of them knows starts nothing, and warns:
    ``cdk-incidents:unknown-severity``.

    Parameters
    ----------
    default
        The route or response plan of alarms that nothing else decides. By default none.
    disambiguators
        Routes and response plans by disambiguator, e.g. ``{"Critical": route, "Warning": plan}``.
    tags
        Routes and response plans by custom tag; the first one in this order that an alarm has.
    join_by_dedupe_string
        Whether alarms of one dedupe string open one incident: they stand behind a composite alarm, which
        starts the incident in their place. By default each alarm is a cause of its own.

    Raises
    ------
    ValueError
        If nothing is mapped, or to what is no route or plan.

    Notes
    -----
    The service and the trigger know a cause by its alarm, and no event of CloudWatch carries a text of one's
    own. So a dedupe string becomes an alarm, which goes off with the first of its alarms and recovers with
    the last. It is billed like any composite alarm. A plan's own ``dedupe_string`` is something else: it
    merges all of the plan's incidents.
    """

    def __init__(
        self,
        default: IRoute | IResponsePlanRef | None = None,
        *,
        disambiguators: Mapping[str, IRoute | IResponsePlanRef] | None = None,
        tags: Mapping[str, IRoute | IResponsePlanRef] | None = None,
        join_by_dedupe_string: bool = False,
    ) -> None:
        self._default = default
        self._disambiguators = dict(disambiguators or {})
        self._tags = dict(tags or {})
        if default is None and not self._disambiguators and not self._tags:
            raise refusal("default, disambiguators and tags", "one or more together", "none", "pass a route.")
        if default is not None:
            check_target("default", default)
        for argument, targets in (("disambiguators", self._disambiguators), ("tags", self._tags)):
            for name, target in targets.items():
                check_target(f"{argument}[{name!r}]", target)
        self._joins = join_by_dedupe_string
        self._joined: dict[tuple[str, int, str], list[cloudwatch.AlarmBase]] = {}

    def add_alarm_actions(
        self,
        *,
        alarm: cloudwatch.AlarmBase,
        action: IAlarmActionStrategy,  # noqa: ARG002 - the library's own signature
        custom_params: Mapping[str, Any] | None = None,  # noqa: ARG002
        custom_tags: Sequence[str] | None = None,
        dedupe_string: str | None = None,
        disambiguator: str | None = None,
    ) -> None:
        """Give an alarm its action; the library calls it.

        Parameters
        ----------
        alarm
            The alarm.
        action, custom_params
            Not looked at.
        custom_tags, disambiguator
            What decides.
        dedupe_string
            What joins alarms to one cause.
        """
        target = self._target_for(custom_tags or (), disambiguator)
        if target is None:
            known = ", ".join(sorted({*self._tags, *self._disambiguators}))
            Annotations.of(alarm).add_warning_v2(
                "cdk-incidents:unknown-severity",
                f"custom_tags or disambiguator must be one of {known} (got {list(custom_tags or ())!r} and"
                f" {disambiguator!r}): this alarm starts no incident. Name it in IncidentStrategy, or give"
                " that a default.",
            )
        elif self._joins and dedupe_string:
            self._join(alarm, target, dedupe_string)
        else:
            _connect(alarm, target)

    def _target_for(
        self, custom_tags: Sequence[str], disambiguator: str | None
    ) -> IRoute | IResponsePlanRef | None:
        for tag, target in self._tags.items():
            if tag in custom_tags:
                return target
        return self._disambiguators.get(disambiguator or "", self._default)

    def _join(
        self, alarm: cloudwatch.AlarmBase, target: IRoute | IResponsePlanRef, dedupe_string: str
    ) -> None:
        stack = Stack.of(alarm)
        key = (stack.node.addr, id(target), dedupe_string)
        if key in self._joined:
            self._joined[key].append(alarm)
            return
        alarms = self._joined[key] = [alarm]
        target_number = len({id_ for addr, id_, text in self._joined if addr == key[0] and text == key[2]})
        composite = cloudwatch.CompositeAlarm(
            stack,
            f"{dedupe_string}-Any" if target_number == 1 else f"{dedupe_string}-Any{target_number}",
            alarm_description=f"Any alarm of {dedupe_string}",
            alarm_rule=_AnyOf(alarms),
        )
        _connect(composite, target)


def _connect(alarm: cloudwatch.AlarmBase, target: IRoute | IResponsePlanRef) -> None:
    if hasattr(target, "watch"):
        target.watch(alarm)
    else:
        alarm.add_alarm_action(ResponsePlanAction(target))


@jsii.implements(cloudwatch.IAlarmRule)
class _AnyOf:
    """A rule whose alarms are known when the app synthesises."""

    def __init__(self, alarms: list[cloudwatch.AlarmBase]) -> None:
        self._alarms = alarms

    def render_alarm_rule(self) -> str:
        return lazy_text(lambda: " OR ".join(f'ALARM("{alarm.alarm_arn}")' for alarm in self._alarms))
