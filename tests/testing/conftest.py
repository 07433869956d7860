"""What the tests of `cdk_incidents.testing` start from."""

from __future__ import annotations

import pytest

from tests.synthesis import Make


@pytest.fixture(scope="session")
def make(tmp_path_factory: pytest.TempPathFactory) -> Make:
    """Return the things that most tests start from."""
    return Make(tmp_path_factory.mktemp("assemblies"))
