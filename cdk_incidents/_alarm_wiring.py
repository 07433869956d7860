"""Alarms and what they start, brought together: each pair once, and within CloudWatch's limit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Stage

from cdk_incidents._checks import is_token, refusal
from cdk_incidents.alarm_action import ResponsePlanAction

if TYPE_CHECKING:
    from aws_cdk import Stack
    from aws_cdk import aws_cloudwatch as cloudwatch
    from aws_cdk.interfaces.aws_ssmincidents import IResponsePlanRef
    from constructs import IConstruct

    from cdk_incidents._found_alarms import FoundAlarm
    from cdk_incidents._places import Place
    from cdk_incidents.route import IRoute

_MOST_ACTIONS = 5
_LIST_TOKEN = "#{Token["  # noqa: S105 - CDK's word, no secret


class Wiring:
    """One round of it; what it asks about a stack it asks once."""

    def __init__(self, here: IConstruct) -> None:
        self._stage = Stage.of(here)
        self._arns: dict[tuple[int, Place, type], str | ValueError] = {}
        self.problems: list[str] = []
        """What could not be wired, and why, for the synth to refuse."""

    def connect(self, alarm: FoundAlarm, target: IRoute | IResponsePlanRef) -> None:
        """Let an alarm start incidents by a target, unless it does already."""
        try:
            place = alarm.place
            arn = self._arn_for(alarm, place, target)
            # What is bound once for a stack must be asked of each. Plans need nothing of a route's module.
            refuse_own = getattr(target, "_refuse_own", None)
            if refuse_own is not None:
                refuse_own(alarm.resource)
            present = alarm.alarm_actions
            if not _is_among(arn, present, place.stack):
                alarm.alarm_actions = _longer(present, arn)
            if getattr(target, "auto_resolve", False):
                present = alarm.ok_actions
                if not _is_among(arn, present, place.stack):
                    alarm.ok_actions = _longer(present, arn)
        except ValueError as problem:
            self.problems.append(f"{alarm.path}: {problem}")

    def _arn_for(self, alarm: FoundAlarm, place: Place, target: IRoute | IResponsePlanRef) -> str:
        key = (id(target), place, type(alarm.resource))
        if key not in self._arns:
            try:
                self._check_stage(place)
                self._arns[key] = _bound(target, alarm)
            except ValueError as problem:
                self._arns[key] = problem
        arn = self._arns[key]
        if isinstance(arn, ValueError):
            raise arn
        return arn

    def _check_stage(self, place: Place) -> None:
        stage = Stage.of(place.stack)
        if stage is not None and self._stage is not None and stage.node.addr != self._stage.node.addr:
            raise refusal(
                "scope",
                "in the stage of its alarms",
                stage.node.path,
                "CDK synthesises a stage apart and first: call Alarms.of with that stage.",
            )


def _bound(target: IRoute | IResponsePlanRef, alarm: FoundAlarm) -> str:
    action: cloudwatch.IAlarmAction = (
        target.alarm_action() if hasattr(target, "alarm_action") else ResponsePlanAction(target)
    )
    # Our own actions read no more of the alarm than an L1 has.
    return action.bind(alarm.construct, alarm.construct).alarm_action_arn  # type: ignore[arg-type]


def _is_among(arn: str, actions: list[str], stack: Stack) -> bool:
    if arn in actions:
        return True
    # Two tokens may come to the same reference.
    return any(map(is_token, actions)) and stack.resolve(arn) in stack.resolve(actions)


def _longer(actions: list[str], arn: str) -> list[str]:
    if actions and actions[0].startswith(_LIST_TOKEN):
        raise refusal(
            "alarm actions", "a list known at synth", "a token", "give the alarm its action by hand."
        )
    if len(actions) >= _MOST_ACTIONS:
        raise refusal(
            "alarm actions",
            f"at most {_MOST_ACTIONS} a state",
            f"{len(actions)} before this one",
            "take one away, or let a topic or a route fan out.",
        )
    return [*actions, arn]
