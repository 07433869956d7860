"""What a smoke test reads in its function's own file."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from incidents_runtime.smoke_test.settings import (
    Declared,
    Path,
    Plan,
    Settings,
    SettingsError,
    Trigger,
    load,
    settings_in,
)

if TYPE_CHECKING:
    from pathlib import Path as File

PATH = {"kind": "trigger", "canary_name": "c", "canary_arn": "arn:c", "quiet_plan_arn": "arn:p/quiet"}


def lines(*given: dict[str, Any]) -> list[str]:
    """Return a file with these lines of data."""
    return [
        "from incidents_runtime import handler",
        "# Below is data",
        *(f"# {json.dumps(g)}" for g in given),
    ]


def test_reads_every_kind_of_line() -> None:
    """Each line becomes what it stands for; what is left out has its default."""
    runbook = {"document": "Doc", "version": "3"}
    settings = settings_in(
        lines(
            {"test": {"timeout_s": 30, "on_failure": "warn", "severities": {"rota-gap": "error"}}},
            {"path": PATH},
            {"trigger": {"function": "f", "retry_queue_arn": "arn:q", "routes": ["Critical"]}},
            {"plan": {"name": "a", "arn": "arn:a", "declared": {"title": "t", "runbooks": [runbook]}}},
            {"plan": {"name": "b", "arn": "arn:b", "later": True, "for_real": True}},
        )
    )
    declared = Declared(title="t", runbooks=(runbook,))
    assert settings == Settings(
        timeout_s=30,
        on_failure="warn",
        severities={"rota-gap": "error"},
        paths=(Path("trigger", "c", "arn:c", "arn:p/quiet"),),
        trigger=Trigger("f", "arn:q", ("Critical",)),
        plans=(Plan("a", "arn:a", declared=declared), Plan("b", "arn:b", later=True, for_real=True)),
    )
    assert settings.paths[0].quiet_plan_name == "quiet"
    assert settings_in([]) == Settings()


@pytest.mark.parametrize(
    "line",
    [
        {"test": {"colour": "red"}},
        {"path": {"kind": "trigger"}},
        {"trigger": {"routes": 3}},
        {"plan": {"name": "a", "arn": "b", "declared": {"colour": "red"}}},
        {"colour": {}},
        {"plan": []},
        {},
    ],
)
def test_refuses_what_no_test_knows(line: dict[str, Any]) -> None:
    """A line of another version is named by its number."""
    with pytest.raises(SettingsError, match=r"^index\.py line 3: "):
        settings_in(lines(line))


def test_is_read_from_the_functions_own_file(tmp_path: File) -> None:
    """Lambda tells where the file is; one that cannot be read is said."""
    (tmp_path / "index.py").write_text("\n".join(lines({"path": PATH})))
    assert len(load({"LAMBDA_TASK_ROOT": str(tmp_path)}).paths) == 1
    with pytest.raises(SettingsError, match="must be readable from"):
        load({"LAMBDA_TASK_ROOT": str(tmp_path / "nowhere")})
