"""Text from events, made fit for the service."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from incidents_runtime.text import one_line, sendable

from tests.runtime.strategies import examples

ANY_TEXT = st.text(st.characters(), max_size=600)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("CPU high", "CPU high"),
        ("  a\tb\r\nc\x00d\u2028\u202ee  ", "a b c d e"),
        ("\ud800lone", "\ufffdlone"),
        ("\uffff", "\ufffd"),
        ("", ""),
        ("12345678901", "123456789…"),
        ("12345678 01", "12345678…"),
        ("🚨" * 5, "🚨🚨🚨🚨🚨"),
        ("🚨" * 6, "🚨🚨🚨🚨…"),
    ],
)
def test_one_line_of_ten(text: str, line: str) -> None:
    """Whitespace and controls become a space, what is too long ends with an ellipsis."""
    assert one_line(text, 10) == line


@examples(200)
@given(text=ANY_TEXT, limit=st.integers(min_value=1, max_value=250))
def test_any_text_fits(text: str, limit: int) -> None:
    """However it is counted, the line is short enough, can be sent, and has no control character."""
    line = one_line(text, limit)
    assert len(line.encode("utf-16-le")) // 2 <= limit
    assert len(line) <= limit
    assert line.isprintable() or not any(ord(character) < 32 for character in line)
    assert sendable(line) == line
