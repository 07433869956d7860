"""A rehearsal's progress: a line that lives on a terminal, plain lines elsewhere."""

from __future__ import annotations

import os
import shutil
import sys
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Iterator

_SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_REPAINT_S = 0.1
_LABEL = 12
_GREEN, _RED, _DIM, _OFF = "\x1b[32m", "\x1b[31m", "\x1b[2m", "\x1b[0m"
_CLEAR = "\r\x1b[K"


class Progress:
    """Writes one line a finished step; on a terminal also what is going on in the one under way.

    Parameters
    ----------
    stream
        where to write; standard output by default
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout
        self._lively = self._stream.isatty() and os.environ.get("TERM") != "dumb"
        self._colour = self._lively and not os.environ.get("NO_COLOR")
        self._unicode = (self._stream.encoding or "").lower().startswith("utf")
        self._lock = threading.Lock()
        self._live: tuple[str, float] | None = None
        self._detail = ""

    @contextmanager
    def step(self, label: str) -> Iterator[None]:
        """Show that a step is under way; the block ends it with `done` or `failed`, or leaves no line."""
        self._detail = ""
        if not self._lively:
            yield
            return
        self._live = (label, time.monotonic())
        stop = threading.Event()
        painter = threading.Thread(target=self._paint_until, args=(stop,), daemon=True)
        painter.start()
        try:
            yield
        finally:
            stop.set()
            painter.join()
            self._live = None
            self._write(_CLEAR)

    def detail(self, text: str) -> None:
        """Tell what happens within the step under way."""
        self._detail = text.strip()

    def done(self, label: str, text: str) -> None:
        """Write the line of a step that went well."""
        self._line(self._mark("✓", "ok  ", _GREEN), label, text)

    def failed(self, label: str, text: str) -> None:
        """Write the line of a step that did not."""
        self._line(self._mark("✗", "FAIL", _RED), label, text)

    def say(self, text: str) -> None:
        """Write a line of its own."""
        self._write(f"{_CLEAR if self._lively else ''}{text}\n")

    def _mark(self, sign: str, word: str, colour: str) -> str:
        shown = sign if self._lively and self._unicode else word
        return f"{colour}{shown}{_OFF}" if self._colour else shown

    def _line(self, mark: str, label: str, text: str) -> None:
        # What follows the first line stays under it.
        shown = text.replace("\n", "\n" + " " * 6)
        self.say(f"{mark} {label:<{_LABEL}} {shown}")

    def _paint_until(self, stop: threading.Event) -> None:
        turn = 0
        while not stop.wait(_REPAINT_S):
            turn += 1
            if self._live is None:
                continue
            label, begun = self._live
            sign = _SPINNER[turn % len(_SPINNER)] if self._unicode else "-\\|/"[turn % 4]
            text = f"{sign} {label:<{_LABEL}} {time.monotonic() - begun:.0f} s  {self._detail}"
            text = text[: shutil.get_terminal_size().columns - 1]
            self._write(f"{_CLEAR}{_DIM if self._colour else ''}{text}{_OFF if self._colour else ''}")

    def _write(self, text: str) -> None:
        with self._lock:
            # A terminal that cannot show a character is no reason to stop.
            encoding = self._stream.encoding or "utf-8"
            self._stream.write(text.encode(encoding, "replace").decode(encoding))
            self._stream.flush()
