"""Signals that end a program: a step that must not be cut in two, and a SIGTERM that unwinds like Ctrl-C."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

_DEADLY = (signal.SIGTERM, signal.SIGHUP)
_users = 0


class Terminated(KeyboardInterrupt):
    """SIGTERM or SIGHUP came in: what Ctrl-C is to SIGINT.

    Attributes
    ----------
    signum
        the signal's number
    """

    def __init__(self, signum: int) -> None:
        super().__init__(signal.Signals(signum).name)
        self.signum = signum


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Hold those signals and SIGINT back until the block is done, then let them have their effect.

    Between starting a process and writing down that it runs there is a moment in which an exception
    out of a signal handler would leave it behind; while tidying up, every moment is such a one.
    Outside the main thread, where Python runs no handler, this does nothing.
    """
    if not _in_main_thread():
        yield
        return
    held: list[int] = []

    def hold(signum: int, _frame: FrameType | None) -> None:
        held.append(signum)

    # None: a handler that was not installed from Python, which could not be put back.
    before = {
        int(number): handler
        for number in (signal.SIGINT, *_DEADLY)
        if (handler := signal.getsignal(number)) is not None
    }
    for number in before:
        signal.signal(number, hold)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for number in dict.fromkeys(held):
            signal.raise_signal(number)


def start_unwinding() -> bool:
    """Let SIGTERM and SIGHUP raise `Terminated`, where nobody has said what else they should do.

    By default they end Python on the spot, and what tidies up behind a `with` would not run.

    Returns
    -------
    bool
        whether `stop_unwinding` is owed
    """
    global _users  # noqa: PLW0603 - handlers belong to the process
    if not _in_main_thread():
        return False
    for number in _DEADLY:
        if signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, _raise)
    _users += 1
    return True


def stop_unwinding() -> None:
    """Take the handlers back when the last one that asked for them is done."""
    global _users  # noqa: PLW0603 - see above
    _users -= 1
    if _users == 0 and _in_main_thread():
        for number in _DEADLY:
            if signal.getsignal(number) is _raise:
                signal.signal(number, signal.SIG_DFL)


def _raise(signum: int, _frame: FrameType | None) -> None:
    raise Terminated(signum)


def _in_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()
