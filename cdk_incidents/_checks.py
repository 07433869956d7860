"""One way to refuse an argument: which one, the rule, what was received, and the remedy."""

from __future__ import annotations

import functools
import re
from collections import abc
from typing import TYPE_CHECKING, TypeVar

from aws_cdk import Duration, Token

from cdk_incidents._durations import seconds_of

if TYPE_CHECKING:
    from collections.abc import Sequence

T = TypeVar("T")

_SHOWN = 60


def is_token(value: object) -> bool:
    """Tell whether CloudFormation will know the value, and we do not.

    Plain values are told apart here: asking CDK costs a round trip to Node, and an enum cannot make it.
    """
    if isinstance(value, int):
        return False
    if isinstance(value, str):
        return "${Token[" in value and _holds_token(value)
    return bool(Token.is_unresolved(value))


@functools.cache
def _holds_token(text: str) -> bool:
    # A stack's Region and account are asked about for everything in it.
    return bool(Token.is_unresolved(text))


def refusal(argument: str, rule: str, received: object, remedy: str) -> ValueError:
    """Return the error to raise; a long value is shown by its beginning."""
    shown = repr(received)
    if len(shown) > _SHOWN:
        shown = f"{shown[:_SHOWN]}…"
    return ValueError(f"{argument} must be {rule} (got {shown}): {remedy}")


def check_length(argument: str, value: str | None, *, maximum: int, minimum: int = 1) -> None:
    """Refuse a text that is too short or too long; a token passes, since its value is not known yet."""
    if value is None or is_token(value):
        return
    if not isinstance(value, str):
        raise refusal(argument, "a text", value, "put it into quotes.")
    if not minimum <= len(value) <= maximum:
        remedy = "shorten it" if len(value) > maximum else "give it a value or leave the argument out"
        rule = f"{minimum} to {maximum} characters long"
        raise refusal(argument, rule, value, f"it has {len(value)}; {remedy}.")


def check_pattern(argument: str, value: str | None, *, pattern: str, rule: str, remedy: str) -> None:
    """Refuse a text of another form; a token passes."""
    if value is None or is_token(value) or (isinstance(value, str) and re.fullmatch(pattern, value)):
        return
    raise refusal(argument, rule, value, remedy)


def check_range(argument: str, value: float | None, *, minimum: int, maximum: int, remedy: str) -> None:
    """Refuse a number outside its range, or one that is not whole; a token passes."""
    if value is None or is_token(value):
        return
    # `in` takes anything, while comparing a text with a number raises an error that names nothing.
    if isinstance(value, bool) or value not in range(minimum, maximum + 1):
        raise refusal(argument, f"a whole number from {minimum} to {maximum}", value, remedy)


def check_count(argument: str, values: Sequence[T], *, maximum: int, remedy: str) -> None:
    """Refuse a list that is too long."""
    if len(values) > maximum:
        raise refusal(argument, f"at most {maximum} items", f"{len(values)} items", remedy)


def check_text(argument: str, value: object) -> None:
    """Refuse what is no text, and nothing; a token is a text."""
    if not isinstance(value, str):
        raise refusal(argument, "a text", value, "put it into quotes.")


def check_list(argument: str, values: object, kind: type, what: str) -> None:
    """Refuse what is no list, or one that holds something else: the usual slip is a single one."""
    rule = f"a list of {what}"
    if isinstance(values, str) or not isinstance(values, abc.Sequence):
        raise refusal(argument, rule, values, "put it into brackets.")
    for value in values:
        if not isinstance(value, kind):
            raise refusal(argument, rule, value, f"it holds a {type(value).__name__}.")


def check_minutes(argument: str, value: Duration, *, maximum: int) -> None:
    """Refuse what is no duration of whole minutes from 0 to a maximum; a token passes."""
    rule = f"a Duration of 0 to {maximum} whole minutes"
    if not isinstance(value, Duration):
        raise refusal(argument, rule, value, f"write it like Duration.minutes({maximum // 2}).")
    seconds = seconds_of(value)
    if seconds is not None and (seconds % 60 or not 0 <= seconds <= maximum * 60):
        raise refusal(argument, rule, value.to_human_string(), "the service counts in minutes.")
