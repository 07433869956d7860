"""Text from events, made fit for the service: one line, no control characters, a bounded length."""

from __future__ import annotations

import re

ELLIPSIS = "…"
# What cannot be encoded, or is refused by SQS, SNS and logs alike: lone surrogates and two non-characters.
_UNSENDABLE = re.compile("[\ud800-\udfff\ufffe\uffff]")
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
# C0 and C1 controls, line and paragraph separators, and the marks that turn the reading direction around.
_NOT_ONE_LINE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\\s]+")
_FIRST_BEYOND_THE_BASIC_PLANE = "\U00010000"


def sendable(text: str) -> str:
    """Replace what cannot be sent in UTF-8 or is no character."""
    # Nearly all of an event is ASCII, which is known without a look at it.
    return text if text.isascii() else _UNSENDABLE.sub(_REPLACEMENT, text)


def one_line(text: str, limit: int) -> str:
    """Make a line of at most ``limit`` characters out of any text.

    Parameters
    ----------
    text
        Any text, of any length, with any character in it.
    limit
        The most UTF-16 units the line may have: services count in them, and a character
        beyond the basic plane counts twice there.

    Returns
    -------
    str
        The text in one line, shortened with an ellipsis where it was longer.
    """
    line = _NOT_ONE_LINE.sub(" ", sendable(text)).strip()
    if fits(line, limit):
        return line
    line = line[: limit - 1]
    while not fits(line, limit - 1):
        line = line[:-1]
    return line.rstrip() + ELLIPSIS


def fits(text: str, limit: int) -> bool:
    """Say whether a text has at most so many UTF-16 units."""
    # Of a text that is far too long, nothing needs to be counted.
    return len(text) <= limit and units_of(text) <= limit


def units_of(text: str) -> int:
    """Count a text as services do that are written in Java: beyond the basic plane a character is two."""
    if text.isascii():
        return len(text)
    return len(text) + sum(character >= _FIRST_BEYOND_THE_BASIC_PLANE for character in text)
