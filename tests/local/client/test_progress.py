"""How a rehearsal is shown."""

from __future__ import annotations

import io
import time

import pytest

from cdk_incidents.local.progress import Progress


class Stream(io.TextIOWrapper):
    """A stream that may claim to be a terminal."""

    def __init__(self, *, tty: bool, encoding: str = "utf-8") -> None:
        self.bytes = io.BytesIO()
        super().__init__(self.bytes, encoding=encoding, write_through=True)
        self._tty = tty

    def isatty(self) -> bool:
        """Claim it."""
        return self._tty

    @property
    def text(self) -> str:
        """What was written."""
        return self.bytes.getvalue().decode(self.encoding)


@pytest.fixture(autouse=True)
def _plain_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")


def test_plain_lines_elsewhere() -> None:
    """Into a pipe go finished steps only, without control characters."""
    stream = Stream(tty=False)
    progress = Progress(stream)
    with progress.step("deploy"):
        progress.detail("1/41")
        time.sleep(0.15)
    progress.done("deploy", "Shop")
    progress.failed("left behind", "a queue\na table")
    assert stream.text == "ok   deploy       Shop\nFAIL left behind  a queue\n      a table\n"


def test_terminal_shows_the_step_under_way() -> None:
    """On a terminal the step under way lives on one line, which is gone when it is done."""
    stream = Stream(tty=True)
    progress = Progress(stream)
    with progress.step("deploy"):
        progress.detail("1/41 AWS::SQS::Queue")
        time.sleep(0.25)
    progress.done("deploy", "Shop")
    assert "1/41 AWS::SQS::Queue" in stream.text
    assert stream.text.endswith("\r\x1b[K\r\x1b[K\x1b[32m✓\x1b[0m deploy       Shop\n")


def test_no_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    """NO_COLOR takes the colours away."""
    monkeypatch.setenv("NO_COLOR", "1")
    stream = Stream(tty=True)
    Progress(stream).done("deploy", "Shop")
    assert "\x1b[3" not in stream.text


def test_stream_without_unicode() -> None:
    """A stream that cannot encode a character gets another one instead of an exception."""
    stream = Stream(tty=True, encoding="ascii")
    Progress(stream).done("alarm", "errors → 'Failing'")
    assert "errors ? 'Failing'" in stream.text
