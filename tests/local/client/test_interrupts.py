"""Signals."""

from __future__ import annotations

import signal
import threading

import pytest

from cdk_incidents.local import interrupts
from cdk_incidents.local.interrupts import Terminated, start_unwinding, stop_unwinding, uninterrupted


def test_held_back_until_the_block_is_done() -> None:
    """A signal within the block has its effect after it, and the block is not cut in two."""
    reached = []

    def block() -> None:
        with uninterrupted():
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)
            reached.append("the end")

    with pytest.raises(KeyboardInterrupt):
        block()
    assert reached == ["the end"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_nested() -> None:
    """An inner block hands the signal to the outer one."""
    reached = []

    def block() -> None:
        with uninterrupted():
            with uninterrupted():
                signal.raise_signal(signal.SIGINT)
            reached.append("between")

    with pytest.raises(KeyboardInterrupt):
        block()
    assert reached == ["between"]


def test_another_thread() -> None:
    """Outside the main thread it does nothing and does not fail."""
    done = []

    def work() -> None:
        with uninterrupted():
            done.append(start_unwinding())

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done == [False]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_sigterm_unwinds_like_ctrl_c(number: signal.Signals, monkeypatch: pytest.MonkeyPatch) -> None:
    """SIGTERM and SIGHUP raise what stops a test run or a script as Ctrl-C does, until it is taken back."""
    # The session's cloud may be among those that asked for it.
    monkeypatch.setattr(interrupts, "_users", 0)
    before = signal.getsignal(number)
    signal.signal(number, signal.SIG_DFL)
    try:
        assert start_unwinding()
        assert start_unwinding()
        with pytest.raises(Terminated) as caught:
            signal.raise_signal(number)
        assert caught.value.signum == number
        assert isinstance(caught.value, KeyboardInterrupt)
        stop_unwinding()
        assert signal.getsignal(number) != signal.SIG_DFL
        stop_unwinding()
        assert signal.getsignal(number) == signal.SIG_DFL
    finally:
        signal.signal(number, before)


def test_a_handler_of_the_users_stays() -> None:
    """Where somebody handles SIGTERM, that is left as it is."""
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        start_unwinding()
        assert signal.getsignal(signal.SIGTERM) == signal.SIG_IGN
        stop_unwinding()
        assert signal.getsignal(signal.SIGTERM) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGTERM, before)
