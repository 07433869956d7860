"""Whom the response plans of a template reach, as far as it shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cdk_incidents._testing_templates import Resource
from cdk_incidents._testing_trigger import FUNCTION, data_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cdk_incidents._testing_templates import Template, Templates

PLAN = "AWS::SSMIncidents::ResponsePlan"
_CONTACT = "AWS::SSMContacts::Contact"
_STAGES = "AWS::SSMContacts::Plan"
_CHANNEL = "AWS::SSMContacts::ContactChannel"


class PlansOf:
    """The response plans of a source, but the quiet ones of smoke tests."""

    def __init__(self, templates: Templates) -> None:
        self._templates = templates
        self._quiet = set(self._quiet_arns())
        self.users = [plan for plan in templates.of_type(PLAN) if not self.is_quiet(plan)]

    def is_quiet(self, plan: Resource | str) -> bool:
        """Tell whether a plan, or the ARN of one, is a smoke test's own, which tells nobody."""
        names = {plan} if isinstance(plan, str) else self._names(plan)
        return bool(names & self._quiet)

    def problem_of(self, plan: Resource) -> str | None:
        """Return why nobody would hear of a plan's incidents, and the remedy."""
        incident = plan.properties.get("IncidentTemplate", {})
        chat = plan.properties.get("ChatChannel", {})
        if any((chat, plan.properties.get("Integrations"), incident.get("NotificationTargets"))):
            return None
        engaged = plan.values("Engagements")
        if not engaged:
            return "it engages nobody, and tells no chat, topic or integration. Pass engagements=[…]."
        if any(self._is_reached(contact, plan.template, ()) for contact in engaged):
            return None
        who = ", ".join(self._path(contact, plan.template) for contact in engaged)
        return f"nobody behind {who} has a channel. Pass channels=[…] to the contacts."

    def _quiet_arns(self) -> Iterator[str]:
        """Yield the ARNs of quiet plans; the functions of ours have them in their own files."""
        for function in self._templates.of_type(FUNCTION, everywhere=True):
            for line in data_of(function, self._templates):
                if line.get("quiet"):
                    yield line.get("response_plan_arn", "")
                yield line.get("path", {}).get("quiet_plan_arn", "")

    def _names(self, plan: Resource) -> set[str]:
        """Return how the ARN of a plan may be written: as a reference, or by its name."""
        name = self._templates.text(plan.properties.get("Name"), plan.template)
        accounts = {"${AWS.AccountId}", plan.template.account}
        partitions = ("${AWS.Partition}", "aws", "aws-cn", "aws-us-gov")
        by_name = {f"arn:{p}:ssm-incidents::{a}:response-plan/{name}" for p in partitions for a in accounts}
        return by_name | {f"${{{plan.logical_id}}}"}

    def _path(self, contact: Any, template: Template) -> str:
        meant = self._templates.meaning(contact, template)
        return meant if isinstance(meant, str) else meant.path

    def _is_reached(self, contact: Any, template: Template, on_the_way: tuple[Resource, ...]) -> bool:
        meant = self._templates.meaning(contact, template)
        if not isinstance(meant, Resource) or meant.type != _CONTACT:
            # Made elsewhere: who that is, the smoke test asks the service.
            return True
        if meant in on_the_way:
            return False
        return any(
            kind == _CHANNEL or self._is_reached(target, place.template, (*on_the_way, meant))
            for kind, target, place in self._targets(meant)
        )

    def _targets(self, contact: Resource) -> Iterator[tuple[str, Any, Resource]]:
        """Yield the channels and contacts that engaging a contact goes to, and where that is said."""
        plans = [
            plan
            for plan in self._templates.of_type(_STAGES, everywhere=True)
            if self._templates.meaning(plan.properties.get("ContactId"), plan.template) is contact
        ]
        # A contact's plan stands in itself or, where it goes to its own channels, beside it.
        stages = [(stage, contact) for stage in contact.values("Plan")]
        stages += [(stage, plan) for plan in plans for stage in (*plan.values("Stages"), plan.properties)]
        for stage, place in stages:
            for target in stage.get("Targets", []):
                if "ChannelTargetInfo" in target:
                    yield _CHANNEL, None, place
                else:
                    yield _CONTACT, target.get("ContactTargetInfo", {}).get("ContactId"), place
            for rotation in stage.get("RotationIds", []):
                meant = self._templates.meaning(rotation, place.template)
                if isinstance(meant, Resource):
                    for member in meant.values("ContactIds"):
                        yield _CONTACT, member, meant
                else:
                    # Of an import nobody here knows who is in it.
                    yield _CHANNEL, None, place
