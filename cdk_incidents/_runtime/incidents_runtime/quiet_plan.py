"""What makes a response plan loud: a smoke test's incident must tell nobody and join nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


def loud_in(plan: Mapping[str, Any]) -> list[str]:
    """Return the members of a plan that would tell somebody, run something or touch another incident.

    Parameters
    ----------
    plan
        The answer of GetResponsePlan.
    """
    template = plan.get("incidentTemplate", {})
    members = {
        "engagements": plan.get("engagements"),
        # The service's word for none is {"empty": {}}.
        "chatChannel": [kind for kind, value in (plan.get("chatChannel") or {}).items() if value],
        "actions": plan.get("actions"),
        "integrations": plan.get("integrations"),
        "incidentTemplate.notificationTargets": template.get("notificationTargets"),
        # Another plan's open incident may have the same one, and would take the test's in.
        "incidentTemplate.dedupeString": template.get("dedupeString"),
    }
    return [name for name, value in members.items() if value]
