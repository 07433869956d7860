"""The alarms under a scope, read and changed in as few round trips as it takes."""

from __future__ import annotations

from functools import cache, cached_property
from typing import TYPE_CHECKING

from aws_cdk import CfnResource, Reference, TagManager, Tokenization
from aws_cdk import aws_cloudwatch as cloudwatch

from cdk_incidents._checks import is_token
from cdk_incidents._own_alarms import is_marked
from cdk_incidents._places import identity_of, learn_places, place_of

if TYPE_CHECKING:
    from constructs import IConstruct

    from cdk_incidents._places import Place

_L1 = (cloudwatch.CfnAlarm, cloudwatch.CfnCompositeAlarm, cloudwatch.CfnLogAlarm)
_L2 = (cloudwatch.Alarm, cloudwatch.CompositeAlarm, cloudwatch.PromQLAlarm)


def alarms_under(scope: IConstruct) -> list[FoundAlarm]:
    """Find the alarms of an app under a scope; imported ones are no resource of it, and are left out."""
    owner: cloudwatch.AlarmBase | None = None
    found = scope.node.find_all()
    alarms: list[FoundAlarm] = []
    for construct in found:
        if isinstance(construct, _L1):
            alarms.append(FoundAlarm(construct, owner))
        # An alarm's own resource is its first child, so it comes next.
        owner = construct if isinstance(construct, _L2) else None
    learn_places(scope, found, [alarm.resource for alarm in alarms])
    return alarms


class FoundAlarm:
    """An alarm of any kind."""

    def __init__(
        self,
        resource: cloudwatch.CfnAlarm | cloudwatch.CfnCompositeAlarm | cloudwatch.CfnLogAlarm,
        owner: cloudwatch.AlarmBase | None,
    ) -> None:
        self.resource = resource
        self.construct: IConstruct = owner or resource
        self.identity = identity_of(resource)
        self._owner = owner
        self._alarm_actions: list[str] | None = None
        self._ok_actions: list[str] | None = None

    @property
    def place(self) -> Place:
        """Where it stands."""
        return place_of(self.resource)

    @property
    def path(self) -> str:
        """Where its author finds it."""
        return self.construct.node.path

    @cached_property
    def name(self) -> str:
        """Its name, or its path where the name is made at deployment."""
        name = self.resource.alarm_name
        return self.path if name is None or is_token(name) else name

    @cached_property
    def tags(self) -> dict[str, str]:
        """Its tags."""
        manager = TagManager.of(self.resource)
        return {} if manager is None else dict(manager.tag_values())

    @property
    def is_left_alone(self) -> bool:
        """Whether it is one of this library's own, or moves a number of machines instead of people."""
        return is_marked(self.resource) or any(map(_scales, self.alarm_actions))

    @property
    def alarm_actions(self) -> list[str]:
        """What it does when it goes to ALARM."""
        if self._alarm_actions is None:
            owner = self._owner
            # CDK renders an L2's actions from this list, and has no public way to read or set it.
            present = self.resource.alarm_actions if owner is None else owner._alarm_action_arns  # noqa: SLF001
            self._alarm_actions = present or []
        return self._alarm_actions

    @alarm_actions.setter
    def alarm_actions(self, arns: list[str]) -> None:
        self._alarm_actions = arns
        # Not by add_alarm_action, which calls back for each alarm.
        if self._owner is None:
            self.resource.alarm_actions = arns
        else:
            self._owner._alarm_action_arns = arns  # noqa: SLF001

    @property
    def ok_actions(self) -> list[str]:
        """What it does when it goes to OK."""
        if self._ok_actions is None:
            owner = self._owner
            present = self.resource.ok_actions if owner is None else owner._ok_action_arns  # noqa: SLF001
            self._ok_actions = present or []
        return self._ok_actions

    @ok_actions.setter
    def ok_actions(self, arns: list[str]) -> None:
        self._ok_actions = arns
        if self._owner is None:
            self.resource.ok_actions = arns
        else:
            self._owner._ok_action_arns = arns  # noqa: SLF001


@cache
def _scales(action: str) -> bool:
    if not is_token(action):
        return ":scalingPolicy:" in action
    targets = [
        token.target for token in Tokenization.reverse_string(action).tokens if isinstance(token, Reference)
    ]
    return any(
        isinstance(target, CfnResource) and target.cfn_resource_type.endswith("::ScalingPolicy")
        for target in targets
    )
