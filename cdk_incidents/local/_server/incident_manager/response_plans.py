"""Response plans: the account's, in all of its Regions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cdk_incidents.local._server.protocol.errors import invalid

from . import notifications
from .resources import Kind

if TYPE_CHECKING:
    from cdk_incidents.local._server.state import Caller, Cloud

_TEMPLATE_PREFIX = "incidentTemplate"


class ResponsePlans(Kind):
    """Plans by name."""

    noun, store, listed = "ResponsePlan", "plans", "responsePlanSummaries"
    tags = "tags"

    def new_arn(self, caller: Caller, params: dict[str, Any]) -> str:
        """Name it after the account alone, so that two Regions cannot have one name."""
        return caller.account.arn(f"response-plan/{params['name']}")

    def change(self, item: dict[str, Any], params: dict[str, Any]) -> dict[str, Any]:
        """Let `incidentTemplateTitle` and its like change the template, the rest the plan."""
        template, plan = dict(item["incidentTemplate"]), dict(item)
        for name, value in params.items():
            inner = name.removeprefix(_TEMPLATE_PREFIX)
            if inner == name:
                plan[name] = value
            else:
                template["incidentTags" if inner == "Tags" else inner[0].lower() + inner[1:]] = value
        return {**plan, "incidentTemplate": template}

    def check(self, cloud: Cloud, caller: Caller, item: dict[str, Any]) -> None:
        """Refuse other accounts' contacts, and topics that a test message does not reach."""
        if strange := [c for c in item.get("engagements", []) if c.split(":")[4] != caller.account.id]:
            raise invalid(f"engagements must be of the plan's own account (got {', '.join(strange)})")
        if "empty" in (item.get("chatChannel") or {}):
            item["chatChannel"] = None
        notifications.verify(cloud, caller, item)

    def gone(self, _cloud: Cloud, caller: Caller, item: dict[str, Any]) -> None:
        """Take its policies along."""
        caller.account.plan_policies.pop(item["arn"], None)

    def delete(self, cloud: Cloud, caller: Caller, params: dict[str, Any]) -> dict[str, Any]:
        """Delete a plan, whether there is one or not. Its incidents stay."""
        return super().delete(cloud, caller, params) if params["arn"] in caller.account.plans else {}
