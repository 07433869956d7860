"""What the tests of the smoke test share: ways to look into what its function is told."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from cdk_incidents import IncidentTrigger

if TYPE_CHECKING:
    import aws_cdk as cdk

    from tests.synthesis import Make, Synth

ALARM = "AWS::CloudWatch::Alarm"
FUNCTION = "AWS::Lambda::Function"
PLAN = "AWS::SSMIncidents::ResponsePlan"
ROLE = "AWS::IAM::Role"
SMOKE_TEST = "Custom::IncidentSmokeTest"


def code_of(synth: Synth, like: str = "SmokeTestProviderFunction") -> str:
    """Return the inline code of the test's function, with what CloudFormation fills in between < and >."""
    code = synth.properties(FUNCTION, like)["Code"]["ZipFile"]
    parts = [code] if isinstance(code, str) else code["Fn::Join"][1]
    return "".join(part if isinstance(part, str) else told(part) for part in parts)


def told(reference: dict[str, Any]) -> str:
    """Return a Ref or a GetAtt as a text."""
    ((kind, value),) = reference.items()
    return f"<{kind} {value if isinstance(value, str) else ' '.join(value)}>"


def lines_of(synth: Synth) -> list[Any]:
    """Return what the test's function reads in its own file."""
    return [json.loads(line[2:]) for line in code_of(synth).splitlines() if line.startswith("# {")]


def of_kind(synth: Synth, kind: str) -> list[dict[str, Any]]:
    """Return what the lines of one kind say."""
    return [line[kind] for line in lines_of(synth) if kind in line]


def proves(synth: Synth) -> dict[str, Any]:
    """Return what the test proves, by its digests."""
    found: dict[str, Any] = synth.properties(SMOKE_TEST)["Proves"]
    return found


def small(make: Make, context: dict[str, Any] | None = None) -> tuple[cdk.Stack, IncidentTrigger]:
    """Return a stack with a trigger of one route."""
    stack = make.stack(context=context)
    trigger = IncidentTrigger(stack, "Trigger")
    trigger.add_route("Critical", response_plan=make.plan(stack))
    return stack, trigger
