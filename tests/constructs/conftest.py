"""The fixtures of the construct tests."""

from __future__ import annotations

import pytest

from tests.synthesis import FLAGS, Make, World


@pytest.fixture(scope="session")
def make(tmp_path_factory: pytest.TempPathFactory) -> Make:
    """Return the things that most tests start from."""
    return Make(tmp_path_factory.mktemp("assemblies"))


@pytest.fixture(scope="session", params=FLAGS)
def world(request: pytest.FixtureRequest, make: Make) -> World:
    """Return the stack under each set of feature flags."""
    return World(make, FLAGS[request.param])
