"""The table of properties: what aws-cdk-lib can set, this library sets, or says why not."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest
from aws_cdk import aws_ssmcontacts as ssmcontacts
from aws_cdk import aws_ssmincidents as ssmincidents

import cdk_incidents

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "properties.md").read_text()
L1S = {
    "AWS::SSMContacts::Contact": (ssmcontacts.CfnContact, ssmcontacts.CfnContactProps),
    "AWS::SSMContacts::ContactChannel": (ssmcontacts.CfnContactChannel, ssmcontacts.CfnContactChannelProps),
    "AWS::SSMContacts::Plan": (ssmcontacts.CfnPlan, ssmcontacts.CfnPlanProps),
    "AWS::SSMContacts::Rotation": (ssmcontacts.CfnRotation, ssmcontacts.CfnRotationProps),
    "AWS::SSMIncidents::ResponsePlan": (ssmincidents.CfnResponsePlan, ssmincidents.CfnResponsePlanProps),
    "AWS::SSMIncidents::ReplicationSet": (
        ssmincidents.CfnReplicationSet,
        ssmincidents.CfnReplicationSetProps,
    ),
}


def rows(kind: str) -> dict[str, str]:
    """Return the table of a type: its properties, and what sets them."""
    _, _, section = PAGE.partition(f"\n## {kind}\n")
    section = section.partition("\n## ")[0]
    return dict(re.findall(r"^\| ([\w.]+) \| (.+) \|$", section, re.MULTILINE)[1:])


def properties(l1: type, props: type) -> set[str]:
    """Return what an L1 takes, nested properties behind the name of their own type."""
    nested = {
        name.removesuffix("Property"): value for name, value in vars(l1).items() if inspect.isclass(value)
    }
    found = {_camel(name) for name in _arguments(props)}
    return found | {f"{name}.{_camel(each)}" for name, value in nested.items() for each in _arguments(value)}


def _arguments(function: object) -> list[str]:
    # jsii's classes hide their constructor's signature behind a metaclass.
    called = function.__init__ if inspect.isclass(function) else function
    assert callable(called)
    return [name for name in inspect.signature(called).parameters if name != "self"]


def _camel(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))


@pytest.mark.parametrize("kind", L1S)
def test_lists_every_property(kind: str) -> None:
    """A property that aws-cdk-lib gains shows up here as missing, one that it loses as left over."""
    assert set(rows(kind)) == properties(*L1S[kind])


def test_lists_the_types_that_there_are() -> None:
    """A type that aws-cdk-lib gains in one of the two services shows up here as missing."""
    modules = (ssmcontacts, ssmincidents)
    types = {
        value.CFN_RESOURCE_TYPE_NAME
        for module in modules
        for name, value in vars(module).items()
        if re.fullmatch(r"Cfn\w+", name) and hasattr(value, "CFN_RESOURCE_TYPE_NAME")
    }
    assert types == set(L1S) == set(re.findall(r"^## (AWS::.+)$", PAGE, re.MULTILINE))


@pytest.mark.parametrize("kind", L1S)
def test_every_argument_exists(kind: str) -> None:
    """Whatever the table calls an argument is one, of a public name."""
    for said in rows(kind).values():
        named = re.findall(r"`(\w+)((?:\.\w+)?)(?:\((\w+)=…\))?`", said)
        assert named or said.startswith(("`Tags", "nothing", "the contact"))
        for name, member, argument in named:
            value = getattr(cdk_incidents, name)
            value = getattr(value, member[1:]) if member else value
            assert not argument or argument in _arguments(value), (name, member, argument)
