"""The process: ``python -m cdk_incidents.local._server --port 0 --dir DIR``.

It prints one JSON line ``{"port": N, "pid": N}`` when it is ready, and ends on SIGTERM or SIGINT, when its
parent dies, or, with --watch-stdin, when its stdin closes; then it removes DIR too, since its owner is gone.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import signal
import socket
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from . import adapter
from .wiring import build

if TYPE_CHECKING:
    from collections.abc import Callable

_PARENT, _PARENT_CHECK_S = os.getppid(), 0.5  # who it is, read before it can be gone


def main() -> int:
    """Run the server until it is told to stop."""
    options = _options()
    if problem := adapter.check_version():
        return _refuse(problem)
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", options.port))
    except OSError as taken:
        return _refuse(
            f"port {options.port} cannot be used ({taken.strerror}); give another, or 0 for a free one"
        )
    directory = Path(options.dir).resolve()
    options.port = listener.getsockname()[1]
    adapter.prepare_environment(directory, options.port, options.account, options.region)
    if asyncio.run(_run(listener, options)):
        shutil.rmtree(directory, ignore_errors=True)
    return 0


def _refuse(reason: str) -> int:
    """Say why it does not start: a line for people on stderr, and one for LocalCloud on stdout."""
    print(f"loopback AWS: {reason}", file=sys.stderr)  # noqa: T201
    print(json.dumps({"error": reason}))  # noqa: T201
    return 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="cdk_incidents.local._server", description="A loopback AWS on 127.0.0.1"
    )
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--dir", required=True, help="where everything is kept; the caller removes it")
    parser.add_argument("--region", default="us-east-1", help="the home Region")
    parser.add_argument("--account", default="000000000000", help="the account of the access key 'test'")
    parser.add_argument(
        "--retry-base-s", type=float, default=0.2, help="the first wait between asynchronous tries"
    )
    parser.add_argument(
        "--no-replication-set", action="store_true", help="accounts are new to Incident Manager"
    )
    parser.add_argument("--watch-stdin", action="store_true", help="end when stdin closes, and remove DIR")
    return parser.parse_args()


async def _run(listener: socket.socket, options: argparse.Namespace) -> bool:
    """Serve until something ends it; tell whether whoever would remove the directory is gone."""
    gateway, emulator = build(options)
    loop, ended, orphaned = asyncio.get_running_loop(), asyncio.Event(), threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)

    def end_after(wait: Callable[[], None], *then: Callable[[], None]) -> None:
        def watch() -> None:
            wait()
            for each in (*then, ended.set):
                loop.call_soon_threadsafe(each)

        threading.Thread(target=watch, daemon=True).start()

    end_after(_outlive_parent)
    if options.watch_stdin:
        end_after(_drain_stdin, orphaned.set)

    async def until_ended() -> None:
        # Called when the socket is about to be served.
        print(json.dumps({"port": options.port, "pid": os.getpid()}), flush=True)  # noqa: T201 - its owner reads it
        await ended.wait()

    try:
        await adapter.serve(gateway, listener.detach(), until_ended)
    finally:
        emulator.stop()
    return orphaned.is_set()


def _outlive_parent() -> None:
    while os.getppid() == _PARENT:
        threading.Event().wait(_PARENT_CHECK_S)


def _drain_stdin() -> None:
    """Wait until nobody holds the other end of our stdin."""
    while os.read(0, 1024):
        pass


if __name__ == "__main__":
    sys.exit(main())
