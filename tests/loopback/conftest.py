"""A cloud to deploy to, and what to deploy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cdk_incidents.local import LocalCloud
from tests.synthesis import Make

from .deploying import tidy
from .proven import Pipeline, make_legacy

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


@pytest.fixture(scope="session")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    """Return a stack with all that a smoke test looks at."""
    return Pipeline(tmp_path_factory.mktemp("proven"))


@pytest.fixture(scope="module")
def deployed(pipeline: Pipeline) -> Iterator[LocalCloud]:
    """Give a cloud with that stack beside a plan made by hand, its channels activated as by their owners."""
    with LocalCloud() as cloud:
        make_legacy(cloud)
        pipeline.create(cloud)
        cloud.activate_channels()
        yield cloud
