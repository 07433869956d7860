"""Plans that an app imports: its account has them, the loopback AWS does not, so it gets stand-ins."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from .assembly import AssemblyStack

_PLAN = "AWS::SSMIncidents::ResponsePlan"
_A_PLANS_ARN = re.compile(r"arn:aws:ssm-incidents::([0-9]{12}):response-plan/([a-zA-Z0-9_-]+)")


def imported_plans(stacks: Iterable[AssemblyStack]) -> list[str]:
    """Return the names of the plans that stacks name by ARN and none of them creates.

    Parameters
    ----------
    stacks
        the stacks of an app

    Returns
    -------
    list of str
        the names, of the stacks' own accounts only; sorted
    """
    named: set[str] = set()
    created: set[str] = set()
    for stack in stacks:
        values = {"AWS::Partition": "aws", "AWS::AccountId": stack.account}
        for text in _texts(stack.template, values):
            named |= {name for account, name in _A_PLANS_ARN.findall(text) if account == stack.account}
        resources: Iterable[dict[str, Any]] = stack.template.get("Resources", {}).values()
        names = (body["Properties"].get("Name") for body in resources if body.get("Type") == _PLAN)
        created |= {name for name in names if isinstance(name, str)}
    return sorted(named - created)


def create_stand_ins(incidents: Any, names: Iterable[str]) -> None:
    """Create a plan of each name that engages nobody.

    Parameters
    ----------
    incidents
        boto3's client of Incident Manager
    names
        the plans' names
    """
    for name in names:
        template = {"title": f"Stand-in for {name}"[:200], "impact": 3}
        incidents.create_response_plan(name=name, incidentTemplate=template)


def _texts(value: Any, known: Mapping[str, str]) -> Iterator[str]:
    """Yield each text of a template as CloudFormation would join it, what it alone knows left out."""
    match value:
        case str():
            yield value
        case {"Fn::Join": [str(separator), list(parts)]}:
            yield separator.join(_part(part, known) for part in parts)
        case dict():
            for inner in value.values():
                yield from _texts(inner, known)
        case list():
            for inner in value:
                yield from _texts(inner, known)


def _part(value: Any, known: Mapping[str, str]) -> str:
    match value:
        case str():
            return value
        case {"Ref": str(name)}:
            return known.get(name, "?")
        case _:
            return "?"
