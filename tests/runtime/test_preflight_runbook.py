"""A plan's runbook could start."""

from __future__ import annotations

from typing import Any

import pytest

from tests.runtime.preflight_world import World

ARN = "arn:aws:ssm:us-east-1:444455556666:document/Mend"


def account(name: str = "Mend", **automation: Any) -> World:
    """Return an account whose plan starts a document of one text, one list and one default."""
    world = World()
    world.plan(
        engagements=[world.person("ada", sms="ACTIVATED")],
        actions=[{"ssmAutomation": {"documentName": name, "roleArn": "r", **automation}}],
    )
    world.documents[name] = {
        "Name": name,
        "Status": "Active",
        "DocumentType": "Automation",
        "Parameters": [
            {"Name": "Incident", "Type": "String"},
            {"Name": "Resources", "Type": "StringList"},
            {"Name": "Speed", "Type": "String", "DefaultValue": "slow"},
        ],
    }
    return world


GIVEN: dict[str, Any] = {
    "dynamicParameters": {
        "Incident": {"variable": "INCIDENT_RECORD_ARN"},
        "Resources": {"variable": "INVOLVED_RESOURCES"},
    }
}


@pytest.mark.parametrize("name", ["Mend", ARN])
@pytest.mark.parametrize("version", [None, "1", "$DEFAULT", "$LATEST"])
def test_a_runbook_that_starts(name: str, version: str | None) -> None:
    """By name or by another account's ARN, in whatever version there is: all that is needed is given."""
    given = GIVEN if version is None else {**GIVEN, "documentVersion": version}
    assert account(name, **given).found() == []


def test_texts_go_into_any_parameter() -> None:
    """What the plan gives as texts is not held against types."""
    given = {"Incident": ["a"], "Resources": ["b"], "Speed": ["fast"]}
    assert account(parameters=given).found() == []


def test_a_document_that_is_not_there() -> None:
    """A missing document, or one that is not shared, is told by its name."""
    world = account(**GIVEN)
    world.documents.clear()
    finding = world.only()
    assert (finding.id, finding.plan) == ("runbook-missing", "Checkout")
    assert "the runbook Mend must exist, or be shared" in finding.text


def test_a_version_that_is_not_there() -> None:
    """A missing version is told apart from a missing document."""
    finding = account(**GIVEN, documentVersion="7").only()
    assert finding.id == "runbook-version-missing"
    assert "must have the version 7" in finding.text


@pytest.mark.parametrize(
    ("change", "told", "remedy"),
    [
        ({"Status": "Failed"}, "of type Automation and Failed", "mend the document."),
        ({"DocumentType": "Command"}, "of type Command and Active", "name another document in the plan."),
    ],
)
def test_a_document_that_would_not_start(change: dict[str, str], told: str, remedy: str) -> None:
    """A document must be an Automation, and active; what to do differs."""
    world = account(**GIVEN)
    world.documents["Mend"].update(change)
    finding = world.only()
    assert (finding.id, finding.remedy) == ("runbook-missing", remedy)
    assert told in finding.text


def test_what_a_document_does_not_say_is_no_fault() -> None:
    """An answer without status, type and parameters accuses nobody."""
    world = account()
    world.documents["Mend"] = {"Name": "Mend"}
    assert world.found() == []


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({}, "it is given no Incident, Resources, which have no default"),
        ({"parameters": {"Incident": ["a"]}}, "it is given no Resources, which have no default"),
        ({**GIVEN, "parameters": {"Sped": ["1"]}}, "it declares no Sped"),
        (
            {
                "parameters": {"Resources": ["a"]},
                "dynamicParameters": {"Incident": {"variable": "INVOLVED_RESOURCES"}},
            },
            "Incident is given INVOLVED_RESOURCES, which needs a StringList, and is a String",
        ),
        (
            {
                "parameters": {"Incident": ["a"]},
                "dynamicParameters": {"Resources": {"variable": "INCIDENT_RECORD_ARN"}},
            },
            "Resources is given INCIDENT_RECORD_ARN, which needs a String, and is a StringList",
        ),
    ],
)
def test_parameters_that_keep_it_from_starting(given: dict[str, Any], told: str) -> None:
    """A required one that is missing, one that nobody declares, a value in the wrong type: each is told."""
    finding = account(**given).only()
    assert finding.id == "runbook-parameters"
    assert told in finding.text


def test_a_type_that_no_page_explains_is_no_fault() -> None:
    """Documents may have other types than the two that the service documents."""
    world = account(**GIVEN)
    world.documents["Mend"]["Parameters"][0]["Type"] = "AWS::EC2::Instance::Id"
    assert world.found() == []


def test_a_document_of_another_region_is_not_asked_for() -> None:
    """Documents are Regional: of one elsewhere nothing is claimed."""
    world = account(ARN.replace("us-east-1", "eu-west-1"), **GIVEN)
    assert world.ids() == ["not-looked"]
    assert world.asked["describe_document"] == 0
