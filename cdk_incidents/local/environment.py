"""The environment of what works against the loopback AWS: the caller's own, without its account in it."""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import LocalCloudError

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Place:
    """The account and the Region that the loopback AWS plays."""

    account: str = "000000000000"
    region: str = "us-east-1"

    def __post_init__(self) -> None:
        if not isinstance(self.account, str) or not re.fullmatch(r"[0-9]{12}", self.account):
            raise LocalCloudError(f"account must be a text of 12 digits (got {self.account!r})")
        check_region(self.region)


def is_region(name: object) -> bool:
    """Tell whether something has the form of a Region's name."""
    return isinstance(name, str) and re.fullmatch(r"[a-z]{2}(-[a-z]+)+-[0-9]", name) is not None


def check_region(name: object) -> None:
    """Refuse what cannot be a Region.

    Raises
    ------
    LocalCloudError
        if it has not the form of a Region's name
    """
    if not is_region(name):
        raise LocalCloudError(f"region must be the name of an AWS Region, such as us-east-1 (got {name!r})")


# Credentials, profiles and endpoints of the real thing, and ways round the loopback.
_DROPPED_PREFIXES = ("AWS_", "AMAZON_", "CDK_DEFAULT_")
_DROPPED = {
    *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "FTP_PROXY"),
    *("FORCE_COLOR", "NODE_OPTIONS"),
    # The CDK CLI reads its options from the environment too.
    *("CDK_APP", "CDK_CA_BUNDLE_PATH", "CDK_CONTEXT", "CDK_OUTPUT", "CDK_PLUGIN", "CDK_PROFILE", "CDK_PROXY"),
    *("CDK_QUALIFIER", "CDK_REGION", "CDK_ROLE_ARN", "CDK_TOOLKIT_STACK_NAME", "CDK_ROLE_SESSION_NAME"),
}


def exports(endpoint_url: str, place: Place) -> dict[str, str]:
    """Return what any AWS client needs to reach the loopback AWS."""
    return {
        "AWS_ENDPOINT_URL": endpoint_url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": place.region,
        "AWS_DEFAULT_REGION": place.region,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def child_environment(
    endpoint_url: str, *, place: Place, home: Path, node: Path, base: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Return a whole environment, to be passed as it is.

    The interpreter that runs this comes first on PATH, so `python app.py` is the Python that has
    `cdk_incidents`. HOME stays the caller's: tools that run the app keep their settings, jsii its cache.
    """
    host = os.environ if base is None else base
    kept = {
        name: value
        for name, value in host.items()
        if not (name.upper() in _DROPPED or name.upper().startswith(_DROPPED_PREFIXES))
    }
    return {
        **kept,
        **exports(endpoint_url, place),
        # Files that do not exist: a profile of the host's can neither be found nor be missed.
        "AWS_CONFIG_FILE": str(home / "aws-config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(home / "aws-credentials"),
        "CDK_HOME": str(home / "cdk"),
        "CDK_DISABLE_CLI_TELEMETRY": "true",
        "CDK_DISABLE_VERSION_CHECK": "1",
        "JSII_NODE": str(node),
        "NO_COLOR": "1",
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), host.get("PATH", os.defpath)]),
        "TMPDIR": str(home / "tmp"),
    }
