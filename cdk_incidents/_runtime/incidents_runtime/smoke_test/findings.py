"""What the look at the pipeline finds, and whether it fails the deployment."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

_ALWAYS, _CHANGED, _LATER = "always", "changed", "later"
# Of each kind so many in full.
_TOLD = 3

# What this deployment broke fails it; what was so before, or can only be mended after it, warns. Without a
# replication set in the Region nothing can start at all.
_CLASSES = {
    "replication-set-missing": _ALWAYS,
    "replication-set-not-active": _ALWAYS,
    "region-not-in-set": _ALWAYS,
    "trigger-permissions": _CHANGED,
    "plan-missing": _CHANGED,
    "plan-differs": _CHANGED,
    "plan-reaches-nobody": _LATER,
    "contact-missing": _CHANGED,
    "contact-without-channels": _CHANGED,
    "channel-missing": _CHANGED,
    "channel-not-activated": _LATER,
    "nobody-on-call": _CHANGED,
    "rota-gap": _LATER,
    "topic-missing": _CHANGED,
    "topic-refuses": _CHANGED,
    "runbook-missing": _CHANGED,
    "runbook-version-missing": _CHANGED,
    "runbook-parameters": _CHANGED,
    "route-permission": _LATER,
    "route-destination": _LATER,
    "alarm-actions-disabled": _LATER,
    "not-looked": _LATER,
}
THE_TRIGGER = "<trigger>"
"""What stands for the trigger among the plans that a deployment changes; no plan's name."""
IDS = frozenset(_CLASSES)
"""By these users move findings; they stay."""


@dataclasses.dataclass(frozen=True)
class Finding:
    """One thing that is not as it should be.

    Parameters
    ----------
    id
        What kind of thing, one of `IDS`.
    plan
        The name of the plan whose people it concerns; `THE_TRIGGER` if it concerns that; empty if all.
    text
        What was expected and what was seen.
    remedy
        What to do.
    mends_later
        Whether nobody can mend it before the deployment ends.
    also
        The names of further plans whose people it concerns.
    """

    id: str
    plan: str
    text: str
    remedy: str
    mends_later: bool = False
    also: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Say it to people."""
        return f"{self.id}: {self.text}. Remedy: {self.remedy}"


@dataclasses.dataclass(frozen=True)
class Verdict:
    """The findings by what they do to the deployment."""

    errors: tuple[Finding, ...]
    warnings: tuple[Finding, ...]


def judge(findings: Iterable[Finding], *, changed: Collection[str], severities: Mapping[str, str]) -> Verdict:
    """Tell errors from warnings; what is ignored is in neither.

    Parameters
    ----------
    findings
        What was found.
    changed
        The names of the plans that this deployment makes or changes.
    severities
        What users have moved, by the finding's id.
    """
    errors: list[Finding] = []
    warnings: list[Finding] = []
    for finding in findings:
        severity = severities.get(finding.id) or _severity(finding, changed)
        if severity == "error":
            errors.append(finding)
        elif severity == "warning":
            warnings.append(finding)
    return Verdict(tuple(errors), tuple(warnings))


def summed_up(findings: Iterable[Finding]) -> Iterator[Finding]:
    """Yield one finding of each kind, with the first few and how many more: a message has its limit.

    Parameters
    ----------
    findings
        All of them, which the log has in full.
    """
    kinds: dict[str, list[Finding]] = {}
    for finding in findings:
        kinds.setdefault(finding.id, []).append(finding)
    for those in kinds.values():
        told, more = those[:_TOLD], len(those) - _TOLD
        texts = [finding.text for finding in told]
        if more > 0:
            texts.append(f"and {more} more, which the test's log has")
        remedies = dict.fromkeys(finding.remedy for finding in told)
        yield dataclasses.replace(told[0], text="; ".join(texts), remedy=" ".join(remedies))


def _severity(finding: Finding, changed: Collection[str]) -> str:
    kind = _CLASSES[finding.id]
    concerned = any(plan in changed for plan in (finding.plan, *finding.also))
    if kind == _ALWAYS or (kind == _CHANGED and concerned and not finding.mends_later):
        return "error"
    return "warning"
