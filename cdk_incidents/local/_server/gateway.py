"""The front door: an ASGI app that answers for our services, and passes the rest to the emulator."""

from __future__ import annotations

import asyncio
import logging
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from . import looks
from .adapter import read_headers
from .protocol.wire import Request, Response
from .services import BrokenConnection

if TYPE_CHECKING:
    from collections.abc import Callable

    from .adapter import Connections, Emulator
    from .adapter.identity import Scope
    from .services import Service

_SCOPE = re.compile(r"Credential=[^/]*/[^/]*/[^/]*/([^/]+)/")
_LOG = logging.getLogger(__name__)
CONTROL = "/_cdk_incidents/"


class Gateway:
    """The ASGI app."""

    def __init__(
        self,
        emulator: Emulator,
        connections: Connections,
        services: dict[str, Service],
        control: Callable[[Request], Response],
    ) -> None:
        self._emulator = emulator
        self._connections = connections
        self._services = services
        self._control = control

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        """Serve one connection's request."""
        if scope["type"] != "http":
            await self._emulator.app(scope, receive, send)
            return
        headers = read_headers(scope)
        control = scope["path"].startswith(CONTROL)
        service = None if control else self._service(headers)
        if service is None and not control:
            # The emulator's policies see TLS, as they would on AWS.
            secure = {**scope, "headers": [*scope["headers"], (b"x-forwarded-proto", b"https")]}
            if looks.is_the_clis(headers):
                await looks.answer(self._emulator.app, secure, await _body(receive), send)
            else:
                await self._emulator.app(secure, receive, send)
            return
        query = parse_qs(scope["query_string"].decode(), keep_blank_values=True)
        request = Request(scope["method"], _path(scope), query, headers, await _body(receive))
        if service is None:
            await _respond(send, self._control(request))
            return
        try:
            response = service.answer(request, lambda: self._emulator.identify(scope, request.body))
        except BrokenConnection as broken:
            await asyncio.sleep(broken.after_s)
            self._connections.abort(scope["client"])
            return
        except Exception:
            _LOG.exception("%s %s", request.method, request.path)
            raise
        await _respond(send, response)

    def _service(self, headers: dict[str, str]) -> Service | None:
        """Find the service whose name the signature is for, if it plays what the request asks."""
        signed = _SCOPE.search(headers.get("authorization", ""))
        service = self._services.get(signed[1]) if signed else None
        if (
            service
            and service.shared
            and not service.plays(headers.get("x-amz-target", "").rpartition(".")[2])
        ):
            return None
        return service


def _path(scope: Scope) -> str:
    """Give the path as it was sent: an ARN in it has escaped slashes."""
    raw = scope.get("raw_path")
    return raw.decode("latin-1").partition("?")[0] if raw else str(scope["path"])


async def _body(receive: Any) -> bytes:
    chunks = []
    while True:
        message = await receive()
        chunks.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(chunks)


async def _respond(send: Any, response: Response) -> None:
    await asyncio.sleep(response.after_s)
    headers = {**response.headers, "content-length": str(len(response.body))}
    encoded = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": response.status, "headers": encoded})
    await send({"type": "http.response.body", "body": response.body})
