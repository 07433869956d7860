"""The pages on the loopback AWS: no operation, no assumption and no choice is forgotten."""

from __future__ import annotations

import ast
import re
from dataclasses import fields
from pathlib import Path

import botocore.session
import pytest

from cdk_incidents.local import Assumptions
from cdk_incidents.local._server import services
from cdk_incidents.local.assumptions import alternatives

ROOT = Path(__file__).parents[2]
PAGES = ROOT / "docs" / "loopback"
SERVER = ROOT / "cdk_incidents" / "local" / "_server"
WITH_CHOICES = [file for file in sorted(SERVER.rglob("*.py")) if "CHOICE" in file.read_text()]
PLAYED = {
    "ssm-incidents": services.INCIDENT_MANAGER,
    "ssm-contacts": services.CONTACTS,
    "ssm": services.SYSTEMS_MANAGER,
    "CloudWatch": services.CLOUDWATCH,
}


def rows(page: str, heading: str) -> list[list[str]]:
    """Return the cells of the table under a heading, without its head."""
    text = (PAGES / f"{page}.md").read_text()
    _, _, section = text.partition(f"\n## {heading}\n")
    table = re.findall(r"^\| (.+) \|$", section.partition("\n## ")[0], re.MULTILINE)
    return [[cell.strip() for cell in re.split(r" \|(?: |$)", row)] for row in table[1:]]


@pytest.mark.parametrize("service", ["ssm-incidents", "ssm-contacts"])
def test_lists_every_operation_of_the_model(service: str) -> None:
    """What is played is what the server's table has, and what it lacks is said not to be."""
    model = botocore.session.get_session().get_service_model(service)
    told = {name.strip("`"): how for name, how, *_ in rows("operations", service)}
    assert sorted(told) == sorted(model.operation_names)
    assert {name for name, how in told.items() if how != "not played"} == set(PLAYED[service])


@pytest.mark.parametrize("service", ["ssm", "CloudWatch"])
def test_lists_what_is_played_of_other_services(service: str) -> None:
    """Theirs are the server's table, no more and no less."""
    assert [name.strip("`") for name, *_ in rows("operations", service)] == list(PLAYED[service])


@pytest.mark.parametrize("service", PLAYED)
def test_says_what_is_simplified(service: str) -> None:
    """Of what is not played in full the table says in which way, and of the rest nothing."""
    for name, how, *rest in rows("operations", service):
        assert how in {"in full", "simplified", "not played"}, name
        assert any(rest) == (how != "in full"), name


def test_lists_every_assumption_with_its_default_and_the_others() -> None:
    """Each field stands once, in order, with the values that it takes."""
    table = rows("unsettled", "Yours to change")
    assert [field.strip("`") for _, field, *_ in table] == [field.name for field in fields(Assumptions)]
    known, usual = alternatives(), Assumptions()
    for _, field, here, others in table:
        name = field.strip("`")
        assert here.startswith(f"`{getattr(usual, name)}`"), name
        assert re.findall(r"`(.+?)`", others) == [str(other) for other in known.get(name, ())[1:]], name


@pytest.mark.parametrize("file", WITH_CHOICES, ids=lambda file: file.stem)
def test_lists_every_choice(file: Path) -> None:
    """The server's code has no more choices in a file than the page tells of it, fields included."""
    source = file.read_text()
    told = [row for row in rows("unsettled", "Further choices") if row[2] == f"`{file.relative_to(SERVER)}`"]
    chosen = {field.name for field in fields(Assumptions) if f".{field.name}" in source}
    assert len(re.findall("(?<!`)CHOICE", source)) <= len(told) + len(chosen)


def observed() -> dict[str, object]:
    """Return what the behaviour suite observes that has no field, and what it expects here."""
    calls = [
        node
        for file in (ROOT / "tests" / "behaviour").glob("test_*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "unsettled"
    ]
    return {ast.literal_eval(c.args[0]): ast.literal_eval(c.keywords[0].value) for c in calls if c.keywords}


def test_tells_what_an_account_would_show() -> None:
    """What `make verify-aws` observes beside the fields stands on the page, with what it would see here."""
    told = {what: here for what, here, _, seen in rows("unsettled", "Further choices") if seen == "yes"}
    suite = observed()
    assert sorted(told) == sorted(suite)
    for what, here in suite.items():
        assert here is True or told[what].replace("`", "").startswith(str(here)), what


def test_names_files_that_there_are() -> None:
    """What is moved or deleted is moved or deleted here, too."""
    in_server = {row[2].strip("`") for row in rows("unsettled", "Further choices")}
    tests = {name for *_, instead in rows("laxer", "Open") for name in re.findall(r"`(tests/\S+)`", instead)}
    assert len(in_server) > 1
    assert len(tests) > 1
    assert [name for name in in_server if not (SERVER / name).is_file()] == []
    assert [name for name in tests if not (ROOT / name).exists()] == []
