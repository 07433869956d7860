"""The code of our functions as a Lambda layer, the same bytes on every machine."""

from __future__ import annotations

import functools
import io
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from aws_cdk import RemovalPolicy
from aws_cdk import aws_lambda as lambda_

from cdk_incidents._places import place_of

if TYPE_CHECKING:
    from constructs import Construct

_SOURCES = Path(__file__).parent / "_runtime"
_PACKAGE = "incidents_runtime"
_EPOCH = (1980, 1, 1, 0, 0, 0)
_READABLE_BY_ALL = 0o644 << 16


@functools.cache
def runtime() -> lambda_.Runtime:
    """Return the Python of our functions; no constant, since asking CDK for it would slow every import."""
    return lambda_.Runtime.PYTHON_3_13


@functools.cache
def architecture() -> lambda_.Architecture:
    """Return the processor of our functions, the cheaper one."""
    return lambda_.Architecture.ARM_64


class RuntimeLayer(lambda_.LayerVersion):
    """The layer that all functions of a stack share; take it with `of`.

    It is an archive of our own making and no directory asset: CDK would take in ``__pycache__``, and the file
    modes that the umask of the machine left, which after ``umask 077`` Lambda could not read.
    """

    def __init__(self, scope: Construct, construct_id: str) -> None:
        import hashlib  # noqa: PLC0415 - OpenSSL loads slowly

        archive = _archive()
        self.digest = hashlib.sha256(archive).hexdigest()
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory, f"{_PACKAGE}.zip")
            path.write_bytes(archive)
            super().__init__(
                scope,
                construct_id,
                code=lambda_.Code.from_asset(str(path)),
                compatible_architectures=[architecture()],
                compatible_runtimes=[runtime()],
                description="cdk_incidents: what its functions run",
                removal_policy=RemovalPolicy.DESTROY,
            )

    @classmethod
    def of(cls, scope: Construct) -> RuntimeLayer:
        """Return the layer of the scope's stack, made when first asked for."""
        stack = place_of(scope).stack
        existing = stack.node.try_find_child(_LAYER_ID)
        return existing if isinstance(existing, cls) else cls(stack, _LAYER_ID)


_LAYER_ID = "IncidentsRuntime"


@functools.cache
def _archive() -> bytes:
    # Stored, not deflated: zlib's output differs between its builds.
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for path in sorted((_SOURCES / _PACKAGE).glob("**/*.py")):
            entry = zipfile.ZipInfo(f"python/{path.relative_to(_SOURCES).as_posix()}", _EPOCH)
            entry.create_system = 3  # Unix, also when made on Windows
            entry.external_attr = _READABLE_BY_ALL
            archive.writestr(entry, path.read_bytes())
    return buffer.getvalue()
