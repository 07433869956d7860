"""Where the constructs may stand."""

from __future__ import annotations

import re

import aws_cdk as cdk
import pytest

import cdk_incidents as incidents
from cdk_incidents._regions import REGIONS

ERROR = re.escape("Region of the stack must be one that has Incident Manager (ap-northeast-1, ")


def stack_in(region: str | None) -> cdk.Stack:
    """Return a stack of a Region."""
    return cdk.Stack(cdk.App(), "Stack", env=cdk.Environment(region=region))


def build(construct: str, stack: cdk.Stack) -> object:
    """Return a construct of the stack."""
    if construct == "trigger":
        return incidents.IncidentTrigger(stack, "Trigger")
    template = incidents.IncidentTemplate.low(title="Title")
    return incidents.ResponsePlan(stack, "Plan", incident=template)


@pytest.mark.parametrize("construct", ["plan", "trigger"])
@pytest.mark.parametrize("region", ["eu-south-1", "us-gov-west-1", "cn-north-1", "nowhere"])
def test_refuses_a_region_without_the_service(construct: str, region: str) -> None:
    """A known Region that Incident Manager is not in is refused before CloudFormation meets it."""
    with pytest.raises(ValueError, match=rf"{ERROR}.*got '{region}'"):
        build(construct, stack_in(region))


@pytest.mark.parametrize("construct", ["plan", "trigger"])
@pytest.mark.parametrize("region", [None, "eu-west-1"])
def test_takes_a_region_with_it_or_an_unknown_one(construct: str, region: str | None) -> None:
    """One of the Regions, and one that is known at deployment only, are taken."""
    assert build(construct, stack_in(region))


def test_knows_sixteen() -> None:
    """The service's page lists sixteen Regions."""
    assert len(REGIONS) == 16
