"""Whom the deployed plans reach: as they say now, through escalation plans, schedules and rotations."""

from __future__ import annotations

import contextlib
import dataclasses
from typing import TYPE_CHECKING, Any, TypeVar

from incidents_runtime.smoke_test.findings import Finding
from incidents_runtime.smoke_test.preflight_answers import MissingError, NotToldError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from incidents_runtime.smoke_test.preflight_answers import Answers
    from incidents_runtime.smoke_test.settings import Plan, Settings

Item = TypeVar("Item")
_NAMED = 3


@dataclasses.dataclass
class Reached:
    """A contact, whose page it would be."""

    arn: str
    by: str
    """Who engages it, for people."""
    plans: list[Plan]

    @property
    def alias(self) -> str:
        """What people call it."""
        return alias_of(self.arn)


def deployed(settings: Settings, aws: Answers) -> Iterator[tuple[Plan, dict[str, Any]]]:
    """Yield the plans that exist, with what the service says of them."""
    for plan in settings.plans:
        with contextlib.suppress(MissingError, NotToldError):
            yield plan, aws.incidents.get_response_plan(arn=plan.arn)


def grouped(uses: Iterable[tuple[Item, Plan]]) -> dict[Item, list[Plan]]:
    """Return each thing once, with the plans that use it."""
    users: dict[Item, list[Plan]] = {}
    for thing, plan in uses:
        plans = users.setdefault(thing, [])
        # A plan has no hash: what it declares has dicts.
        if plan not in plans:
            plans.append(plan)
    return users


def reached(settings: Settings, aws: Answers) -> list[Reached]:
    """Return every contact that the plans reach, each once, those that are not there too."""
    found: dict[str, Reached] = {}
    for plan, answer in deployed(settings, aws):
        seen: set[str] = set()
        waiting = [(arn, f"plan {plan.name}") for arn in answer.get("engagements") or []]
        for arn, by in waiting:
            if arn in seen:
                continue
            seen.add(arn)
            found.setdefault(arn, Reached(arn, by, [])).plans.append(plan)
            # The list grows while it is walked: breadth first.
            waiting += [(member, alias_of(arn)) for member in _engaged_by(arn, aws)]
    return list(found.values())


def each(items: Iterable[Item], look: Callable[[Item], Iterator[Finding]]) -> Iterator[Finding]:
    """Look at each of several things; one that AWS does not tell of keeps no other from being looked at."""
    for item in items:
        with contextlib.suppress(NotToldError):
            yield from look(item)


def finding(
    kind: str, plans: Sequence[Plan], text: str, remedy: str, *, mends_later: bool = False
) -> Finding:
    """Return a finding that concerns the people of some plans, and names them.

    Parameters
    ----------
    kind
        Its id.
    plans
        The plans, at least one.
    text
        What was expected and what was seen.
    remedy
        What to do.
    mends_later
        Whether nobody can mend it before the deployment ends; so it is, too, where each of the plans is
        deployed after it.
    """
    # What comes with a plan of a later stack is not there yet, which is no fault.
    judged = [plan.name for plan in plans if not plan.later]
    names = [plan.name for plan in plans]
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    first, *others = judged or names
    return Finding(
        kind,
        first,
        f"{text} (plan {', '.join(names[:_NAMED])}{more})",
        remedy,
        mends_later=mends_later or not judged,
        also=tuple(others),
    )


def alias_of(arn: str) -> str:
    """Return a contact's alias, or a rotation's id."""
    return arn.rpartition("/")[2]


def _engaged_by(arn: str, aws: Answers) -> list[str]:
    """Return whom a contact's plan engages: none if it is a person, or nobody tells."""
    if aws.elsewhere(arn):
        return []
    try:
        plan = aws.contacts.get_contact(ContactId=arn)["Plan"]
    except (MissingError, NotToldError):
        return []
    members = [
        target["ContactTargetInfo"]["ContactId"]
        for target in targets_of(plan)
        if "ContactId" in target.get("ContactTargetInfo", {})
    ]
    for rotation in plan.get("RotationIds") or []:
        with contextlib.suppress(MissingError, NotToldError):
            members += aws.contacts.get_rotation(RotationId=rotation)["ContactIds"]
    return members


def targets_of(plan: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the targets of all stages of a contact's plan."""
    return [target for stage in plan.get("Stages") or [] for target in stage["Targets"]]
