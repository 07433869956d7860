"""Whether each plan exists, is as the app declares it, and reaches somebody."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from incidents_runtime.smoke_test.preflight_answers import MissingError
from incidents_runtime.smoke_test.preflight_reach import each, finding

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from incidents_runtime.smoke_test.findings import Finding
    from incidents_runtime.smoke_test.preflight_answers import Answers
    from incidents_runtime.smoke_test.settings import Declared, Plan, Settings

_LONGEST = 120


def look(settings: Settings, aws: Answers) -> Iterator[Finding]:
    """Yield what is wrong with the plans themselves."""

    def at(plan: Plan) -> Iterator[Finding]:
        try:
            found = aws.incidents.get_response_plan(arn=plan.arn)
        except MissingError:
            yield _missing(plan)
            return
        # That of a later stack is still the one of the last deployment.
        different = [] if plan.later else list(_different(plan.declared, found))
        if different:
            yield finding(
                "plan-differs",
                [plan],
                f"the plan must be as this app declares it: {'; '.join(different)}",
                f"undo what was changed outside the app (console > Incident Manager > Response plans >"
                f" {plan.name}), or declare it.",
            )
        if not _tells(found):
            yield finding(
                "plan-reaches-nobody",
                [plan],
                "the plan must tell somebody of its incidents (it has no engagement, chat channel,"
                " notification or integration)",
                "give it engagements, a chat channel or a topic.",
            )

    return each(settings.plans, at)


def _missing(plan: Plan) -> Finding:
    if plan.later:
        return finding(
            "plan-missing",
            [plan],
            f"the response plan {plan.arn} is not there yet: its stack is deployed after this one",
            "deploy that stack; the next run looks at it.",
        )
    return finding(
        "plan-missing",
        [plan],
        f"the response plan {plan.arn} must exist (there is none)",
        "make it, or correct the import's name or account.",
    )


def _different(declared: Declared, found: Mapping[str, Any]) -> Iterator[str]:
    template = found["incidentTemplate"]
    there = found.get("engagements") or []
    compared: list[tuple[str, Any, Any]] = [
        ("title", declared.title, template["title"]),
        ("impact", declared.impact, template["impact"]),
        ("dedupe string", declared.dedupe, template.get("dedupeString") or ""),
        ("engagements", _order(declared.engagements), sorted(there)),
        ("runbooks", _runbooks(declared.runbooks), _runbooks(_started(found))),
    ]
    for name, wanted, seen in compared:
        if wanted is not None and wanted != seen:
            yield f"{name} {_short(wanted)} (it is {_short(seen)})"


def _order(engagements: Iterable[str] | None) -> list[str] | None:
    return None if engagements is None else sorted(engagements)


def _runbooks(runbooks: Iterable[Mapping[str, str]] | None) -> list[str] | None:
    """Return runbooks as texts that can be compared: a document by its name or its ARN is the same."""
    if runbooks is None:
        return None
    return sorted(map(_runbook, runbooks))


def _runbook(runbook: Mapping[str, str]) -> str:
    name, version = runbook["document"].rpartition("/")[2], runbook.get("version")
    # To name the default version is to name none, whichever of the two the service tells.
    return name if version in (None, "", "$DEFAULT") else f"{name} version {version}"


def _started(found: Mapping[str, Any]) -> list[dict[str, str]]:
    automations = [
        action["ssmAutomation"] for action in found.get("actions") or [] if "ssmAutomation" in action
    ]
    return [
        {"document": automation["documentName"], "version": automation.get("documentVersion", "")}
        for automation in automations
    ]


def _tells(found: Mapping[str, Any]) -> bool:
    chat_channel = found.get("chatChannel") or {}
    return bool(
        found.get("engagements")
        or chat_channel.get("chatbotSns")
        or found["incidentTemplate"].get("notificationTargets")
        or found.get("integrations")
    )


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
