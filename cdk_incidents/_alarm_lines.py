"""The lines that `Alarms` was given for a scope, and the one moment at which they act."""

from __future__ import annotations

import dataclasses
import fnmatch
from typing import TYPE_CHECKING, Protocol

import jsii
from aws_cdk import Annotations, AspectPriority, Aspects, IAspect, Stack
from constructs import Construct, Dependable, DependencyGroup, IConstruct, IValidation

from cdk_incidents._alarm_wiring import Wiring
from cdk_incidents._checks import refusal
from cdk_incidents._found_alarms import alarms_under

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aws_cdk.interfaces.aws_ssmincidents import IResponsePlanRef

    from cdk_incidents._found_alarms import FoundAlarm
    from cdk_incidents.route import IRoute

_ID = "IncidentAlarms"


def check_target(argument: str, target: object) -> None:
    """Refuse what alarms cannot start incidents with."""
    if not hasattr(target, "response_plan_ref") and not hasattr(target, "route_arn"):
        raise refusal(
            argument,
            "a route or a response plan",
            target,
            "take trigger.route(id), or import the plan with ResponsePlan.from_response_plan_name.",
        )


class _Line(Protocol):
    @property
    def asks_for_tags(self) -> bool: ...

    def target_for(self, alarm: FoundAlarm) -> IRoute | IResponsePlanRef | None: ...


@dataclasses.dataclass(frozen=True, kw_only=True)
class Filtered:
    """One target for the alarms that pass a filter."""

    target: IRoute | IResponsePlanRef
    name: str | None
    tags: Mapping[str, str]

    @property
    def asks_for_tags(self) -> bool:
        """Whether an alarm's tags decide."""
        return bool(self.tags)

    def target_for(self, alarm: FoundAlarm) -> IRoute | IResponsePlanRef | None:
        """Return what an alarm should start, if anything."""
        if self.name is not None and not fnmatch.fnmatchcase(alarm.name, self.name):
            return None
        for key, pattern in self.tags.items():
            value = alarm.tags.get(key)
            if value is None or not fnmatch.fnmatchcase(value, pattern):
                return None
        return self.target

    def __str__(self) -> str:
        filters = [f"name={self.name!r}"] if self.name else []
        filters += [f"tag={dict(self.tags)!r}"] if self.tags else []
        return ", ".join(filters) or "no filter"


@dataclasses.dataclass(frozen=True, kw_only=True)
class BySeverity:
    """A target for each value of a tag."""

    targets: Mapping[str, IRoute | IResponsePlanRef]
    tag: str
    asks_for_tags: bool = True

    def target_for(self, alarm: FoundAlarm) -> IRoute | IResponsePlanRef | None:
        """Return what an alarm should start; a severity that nobody named is told to its author."""
        severity = alarm.tags.get(self.tag)
        if severity is not None and severity not in self.targets:
            known = ", ".join(sorted(self.targets))
            Annotations.of(alarm.resource).add_warning_v2(
                "cdk-incidents:unknown-severity",
                f"the tag {self.tag} must be one of {known} (got {severity!r}): this alarm starts no"
                " incident. Correct the tag, or name the severity in add_by_severity.",
            )
        return self.targets.get(severity or "")

    def __str__(self) -> str:
        return f"the tag {self.tag} one of {', '.join(sorted(self.targets))}"


class AlarmLines(Construct):
    """The one construct of a scope that holds its lines.

    No aspect visits every construct from here, since each visit would be a round trip: one callback finds all
    alarms of the scope at once.
    """

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        self._scope = scope
        self._lines: list[_Line] = []
        self._wiring = Wiring(self)
        self._judged: set[tuple[int, str]] = set()
        self._matched: set[int] = set()
        self._is_settled = False
        # An aspect has its turn when CDK comes by: others may tag and make alarms after it.
        Aspects.of(self).add(_Visit(self._visit), priority=AspectPriority.MUTATING)
        # So the last word is here: CDK asks for dependencies after all aspects, before it renders anything.
        late = DependencyGroup()
        Dependable.implement(late, _Asked(self._settle))
        self.node.add_dependency(late)
        self.node.add_validation(_Validation(self._wrong))

    @staticmethod
    def under(scope: Construct) -> AlarmLines:
        """Return the lines of a scope."""
        existing = scope.node.try_find_child(_ID)
        return existing if isinstance(existing, AlarmLines) else AlarmLines(scope, _ID)

    def add(self, line: _Line) -> None:
        """Add a line, which acts at synth."""
        self._lines.append(line)

    def _visit(self) -> None:
        self._act([line for line in self._lines if not line.asks_for_tags])

    def _settle(self) -> None:
        self._act(self._lines)
        self._is_settled = True
        for line in self._lines:
            if id(line) not in self._matched:
                self._warn_of(line)

    def _act(self, lines: list[_Line]) -> None:
        """Wire the alarms that lines ask for, each pair once."""
        for alarm in alarms_under(self._scope):
            new = [line for line in lines if (id(line), alarm.identity) not in self._judged]
            if not new or alarm.is_left_alone:
                continue
            for line in new:
                self._judged.add((id(line), alarm.identity))
                target = line.target_for(alarm)
                if target is not None:
                    self._matched.add(id(line))
                    self._wiring.connect(alarm, target)

    def _warn_of(self, line: _Line) -> None:
        stack = next((found for found in self.node.scopes if isinstance(found, Stack)), None)
        if stack is None:
            # CDK shows what is said within a stack only.
            stack = next((found for found in self._scope.node.find_all() if isinstance(found, Stack)), None)
        if stack is not None:
            Annotations.of(stack).add_warning_v2(
                "cdk-incidents:no-alarm-found",
                f"Alarms.of({self._scope.node.path or 'the app'!r}) must match an alarm (got {line}, which"
                " none does): correct the filter or the scope, or take the line out.",
            )

    def _wrong(self) -> list[str]:
        if self._is_settled:
            return self._wiring.problems
        remedy = "report it, with the version of aws-cdk-lib."
        return [str(refusal("Alarms", "asked for their actions by CDK after all aspects", "no word", remedy))]


@jsii.implements(IAspect)
class _Visit:
    def __init__(self, act: Callable[[], None]) -> None:
        self._act = act

    def visit(self, node: IConstruct) -> None:  # noqa: ARG002 - the aspect's own construct
        self._act()


class _Asked(Dependable):
    def __init__(self, act: Callable[[], None]) -> None:
        super().__init__()
        self._act = act

    @property
    def dependency_roots(self) -> list[IConstruct]:
        self._act()
        return []


@jsii.implements(IValidation)
class _Validation:
    def __init__(self, validate: Callable[[], list[str]]) -> None:
        self._validate = validate

    def validate(self) -> list[str]:
        return self._validate()
