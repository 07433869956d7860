"""hypercorn, the server: it serves an ASGI app, and lets go of a connection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .private import server, server_config, server_run

if TYPE_CHECKING:
    from collections.abc import Callable


class Connections:
    """Lets a connection be broken off: ASGI has no word for that."""

    def __init__(self) -> None:
        open_ones = self._open = {}  # type: dict[tuple[str, int], Any]

        class Remembered(server_run.TCPServer):  # type: ignore[misc] # hypercorn has no types
            async def run(self) -> None:
                peer = self.writer.get_extra_info("peername")
                open_ones[peer] = self.writer
                try:
                    await super().run()
                finally:
                    open_ones.pop(peer, None)

        server_run.TCPServer = Remembered

    def abort(self, client: tuple[str, int]) -> None:
        """Break the connection that comes from a client's address."""
        writer = self._open.get(client)
        if writer:
            writer.transport.abort()


async def serve(app: Any, descriptor: int, until: Callable[[], Any]) -> None:
    """Serve an ASGI app on a socket that is bound already, until told to stop."""
    settings = server_config.Config()
    settings.bind = [f"fd://{descriptor}"]
    settings.keep_alive_timeout = 75
    settings.graceful_timeout = 1
    settings.loglevel = "WARNING"
    settings.accesslog = None
    settings.errorlog = "-"
    await server.serve(app, settings, shutdown_trigger=until)
