"""The process: ``python -m cdk_incidents.local._server --port 0 --dir DIR``.

It prints one JSON line ``{"port": N, "pid": N}`` when it is ready, and ends on SIGTERM or SIGINT, when its
parent dies, or, with --watch-stdin, when its stdin closes; then it removes DIR too, since its owner is gone.
"""

from __future__ import annotations

import argparse
import asyncio
import functools
import json
import os
import shutil
import signal
import socket
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import adapter, cloudformation, notifications
from .alarms import Alarms
from .async_invoke import AsyncInvoker
from .control import Control
from .event_targets import EventTargets
from .faults import Faults
from .gateway import Gateway
from .services import CLOUDWATCH, CONTACTS, INCIDENT_MANAGER, SYSTEMS_MANAGER, Service
from .state import Cloud

if TYPE_CHECKING:
    from collections.abc import Callable

_PARENT_CHECK_S = 0.5


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
    port = listener.getsockname()[1]
    directory = Path(options.dir).resolve()
    adapter.prepare_environment(directory, port, options.account, options.region)
    orphaned = threading.Event()
    asyncio.run(_run(listener, port, options, orphaned))
    if orphaned.is_set():
        # Whoever would have removed it is gone.
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


async def _run(
    listener: socket.socket, port: int, options: argparse.Namespace, orphaned: threading.Event
) -> None:
    cloud, pending = Cloud(options.region, replication_set=not options.no_replication_set), Faults()
    services = {
        "ssm-incidents": Service(cloud, "ssm-incidents", INCIDENT_MANAGER, pending),
        "ssm-contacts": Service(cloud, "ssm-contacts", CONTACTS, pending),
        "ssm": Service(cloud, "ssm", SYSTEMS_MANAGER, pending, shared=True),
        "monitoring": Service(cloud, "cloudwatch", CLOUDWATCH, pending, shared=True),
    }
    emulator, connections = adapter.Emulator(cloud), adapter.Connections()
    cloud.outside = emulator
    cloudformation.add_types(emulator, cloud, services)
    invoke = AsyncInvoker(emulator, options.retry_base_s, cloud.twice)
    alarms = Alarms(emulator, cloud, services["ssm-incidents"], invoke)
    emulator.connect(
        invoke,
        alarms.changed,
        alarms.configured,
        functools.partial(notifications.note, cloud),
        EventTargets(emulator, cloud, services["ssm-incidents"]),
    )
    home = f"arn:aws:events:{options.region}:{options.account}:event-bus/default"

    def put_event(event: dict[str, Any]) -> None:
        with emulator.owning(home):
            emulator.put_event(event["detail-type"], event["resources"], event["detail"], event["source"])

    control = Control(cloud, pending, services.values(), emulator.tick, put_event)
    gateway = Gateway(emulator, connections, services, control)
    ended = asyncio.Event()
    _end_with_others(asyncio.get_running_loop(), ended.set, orphaned if options.watch_stdin else None)

    async def until_ended() -> None:
        # Called when the socket is about to be served.
        print(json.dumps({"port": port, "pid": os.getpid()}), flush=True)  # noqa: T201
        await ended.wait()

    try:
        await adapter.serve(gateway, listener.detach(), until_ended)
    finally:
        emulator.stop()


def _end_with_others(
    loop: asyncio.AbstractEventLoop, end: Callable[[], None], orphaned: threading.Event | None
) -> None:
    """End on a signal, with the parent, and with whoever holds the other end of our stdin."""
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end)
    parent = os.getppid()

    def watch_parent() -> None:
        while os.getppid() == parent:
            threading.Event().wait(_PARENT_CHECK_S)
        loop.call_soon_threadsafe(end)

    def watch_stdin(at_end: threading.Event) -> None:
        while os.read(0, 1024):
            pass
        at_end.set()
        loop.call_soon_threadsafe(end)

    threading.Thread(target=watch_parent, daemon=True).start()
    if orphaned:
        threading.Thread(target=watch_stdin, args=(orphaned,), daemon=True).start()


if __name__ == "__main__":
    sys.exit(main())
