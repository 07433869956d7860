"""Whether each plan's runbook could start: its document, its version, its parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from incidents_runtime.smoke_test.preflight_answers import MissingError
from incidents_runtime.smoke_test.preflight_reach import deployed, each, finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from incidents_runtime.smoke_test.findings import Finding
    from incidents_runtime.smoke_test.preflight_answers import Answers
    from incidents_runtime.smoke_test.settings import Plan, Settings

# https://docs.aws.amazon.com/incident-manager/latest/userguide/runbooks.html
_TYPES = {"INCIDENT_RECORD_ARN": "String", "INVOLVED_RESOURCES": "StringList"}
_KNOWN_TYPES = frozenset(_TYPES.values())


def look(settings: Settings, aws: Answers) -> Iterator[Finding]:
    """Yield what would keep runbooks from starting."""

    def at(use: tuple[Plan, dict[str, Any]]) -> Iterator[Finding]:
        plan, automation = use
        name, version = automation["documentName"], automation.get("documentVersion")
        if aws.elsewhere(name):
            return
        try:
            asked = {"Name": name, **({"DocumentVersion": version} if version else {})}
            document = aws.ssm.describe_document(**asked)["Document"]
        except MissingError as error:
            yield _missing(plan, name, version, str(error))
            return
        yield from _wrong(plan, name, document, automation)

    return each(
        [
            (plan, action["ssmAutomation"])
            for plan, answer in deployed(settings, aws)
            for action in answer.get("actions") or []
            if "ssmAutomation" in action
        ],
        at,
    )


def _missing(plan: Plan, name: str, version: str | None, code: str) -> Finding:
    if code == "InvalidDocumentVersion":
        return finding(
            "runbook-version-missing",
            [plan],
            f"the runbook {name} must have the version {version} (it has not)",
            "deploy that version of the document, or name another in the plan.",
        )
    return finding(
        "runbook-missing",
        [plan],
        f"the runbook {name} must exist, or be shared with this account (it is not to be found)",
        "make or share the document, or name another in the plan.",
    )


def _wrong(
    plan: Plan, name: str, document: Mapping[str, Any], automation: Mapping[str, Any]
) -> Iterator[Finding]:
    kind = document.get("DocumentType", "Automation")
    status = document.get("Status", "Active")
    if kind != "Automation" or status != "Active":
        yield finding(
            "runbook-missing",
            [plan],
            f"the runbook {name} must be of type Automation and Active (it is of type {kind} and {status})",
            "name another document in the plan." if kind != "Automation" else "mend the document.",
        )
    problems = list(_mismatches(document, automation))
    if problems:
        yield finding(
            "runbook-parameters",
            [plan],
            f"the parameters that the plan gives the runbook {name} must be those it declares"
            f" ({'; '.join(problems)})",
            "change the plan's parameters or the document's: the runbook would not start.",
        )


def _mismatches(document: Mapping[str, Any], automation: Mapping[str, Any]) -> Iterator[str]:
    declared = {each["Name"]: each for each in document.get("Parameters") or []}
    dynamic = automation.get("dynamicParameters") or {}
    given = {**(automation.get("parameters") or {}), **dynamic}
    unknown = sorted(set(given) - set(declared))
    if unknown:
        yield f"it declares no {', '.join(unknown)}"
    missing = sorted(key for key in declared if key not in given and "DefaultValue" not in declared[key])
    if missing:
        yield f"it is given no {', '.join(missing)}, which have no default"
    for key, value in dynamic.items():
        wanted, kind = _TYPES.get(value.get("variable")), declared.get(key, {}).get("Type")
        # Documents may have other types, of which no page says what goes into them.
        if wanted and kind in _KNOWN_TYPES and kind != wanted:
            yield f"{key} is given {value['variable']}, which needs a {wanted}, and is a {kind}"
