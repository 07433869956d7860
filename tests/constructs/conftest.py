"""The fixtures of the construct tests."""

from __future__ import annotations

import pytest
from synthesis import FLAGS, Make, World


@pytest.fixture(scope="session")
def make() -> Make:
    """Return the things that most tests start from."""
    return Make()


@pytest.fixture(scope="session", params=FLAGS)
def world(request: pytest.FixtureRequest, make: Make) -> World:
    """Return the stack under each set of feature flags."""
    return World(make, FLAGS[request.param])
