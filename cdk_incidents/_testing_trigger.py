"""Triggers and smoke tests as a template shows them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from cdk_incidents._testing_templates import Resource

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cdk_incidents._testing_templates import Templates

ALIAS = "AWS::Lambda::Alias"
FUNCTION = "AWS::Lambda::Function"
TEST = "Custom::IncidentSmokeTest"
_OURS = ("from incidents_runtime", "import incidents_runtime")
# What the trigger's function has in its environment, and no other.
_LEDGER = "INCIDENTS_LEDGER_TABLE"


def is_trigger(function: Resource) -> bool:
    """Tell whether a function is a trigger's."""
    return _LEDGER in function.properties.get("Environment", {}).get("Variables", {})


def function_of(alias: Resource, templates: Templates) -> Resource | None:
    """Return an alias's function, where the app has it."""
    meant = templates.meaning(alias.properties.get("FunctionName"), alias.template)
    return meant if isinstance(meant, Resource) else None


def data_of(function: Resource, templates: Templates) -> Iterator[dict[str, Any]]:
    """Yield what a function of ours reads in its own file."""
    code = templates.text(function.properties.get("Code", {}).get("ZipFile", ""), function.template)
    # Whatever others write into theirs is no data of ours.
    for line in code.splitlines() if code.startswith(_OURS) else ():
        if line.startswith("# {"):
            found: dict[str, Any] = json.loads(line.removeprefix("# "))
            yield found
