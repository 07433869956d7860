"""The errors of `cdk_incidents.local`: each message says what was wrong and what mends it."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

# hypercorn, the server, comes with ministack.
_EXTRA = ("boto3", "ministack", "hypercorn")


class LocalCloudError(Exception):
    """What the user of the loopback AWS can mend."""


class MissingExtraError(LocalCloudError, ImportError):
    """The extra `local` is not installed."""


class IncidentTimeoutError(LocalCloudError, TimeoutError):
    """The incident that was waited for did not open in time."""


class MessageTimeoutError(LocalCloudError, TimeoutError):
    """The message that was waited for did not come in time."""


class SynthError(LocalCloudError):
    """The app did not synthesise.

    Attributes
    ----------
    output
        what the app and the CDK CLI printed
    """

    def __init__(self, message: str, *, output: str = "") -> None:
        super().__init__(message)
        self.output = output


class DeployError(LocalCloudError):
    """A stack was not created, updated or deleted.

    Attributes
    ----------
    stack
        the stack's name
    output
        what the CDK CLI printed; empty for the calls that need no CLI
    reasons
        why, in CloudFormation's words, the smoke test's verdict first
    """

    def __init__(
        self, message: str, *, stack: str = "", output: str = "", reasons: Sequence[str] = ()
    ) -> None:
        super().__init__(message)
        self.stack = stack
        self.output = output
        self.reasons: list[str] = list(reasons)


def require_extra() -> None:
    """Say once and clearly that the extra is missing, before an import fails with less to go by.

    Raises
    ------
    MissingExtraError
        if a package of the extra `local` cannot be found
    """
    missing = [name for name in _EXTRA if importlib.util.find_spec(name) is None]
    if missing:
        raise MissingExtraError(
            f"cdk_incidents.local needs the extra 'local' (missing: {', '.join(missing)}): "
            "pip install 'cdk_incidents[local]'"
        )
