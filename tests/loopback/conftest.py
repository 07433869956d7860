"""A cloud to deploy to, and what to deploy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cdk_incidents.local import LocalCloud
from tests.synthesis import Make

from .deploying import tidy

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def make(tmp_path_factory: pytest.TempPathFactory) -> Make:
    """Return the things that most tests start from."""
    return Make(tmp_path_factory.mktemp("apps"))


@pytest.fixture(scope="module")
def own_cloud() -> Iterator[LocalCloud]:
    """Give a cloud that no other module's tests have left anything in."""
    with LocalCloud() as cloud:
        yield cloud


@pytest.fixture
def cloud(own_cloud: LocalCloud) -> Iterator[LocalCloud]:
    """Give the cloud, without what a test before left in it."""
    yield own_cloud
    tidy(own_cloud)
