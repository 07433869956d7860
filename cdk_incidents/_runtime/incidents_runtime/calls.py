"""One call to AWS at a time: its error says what it means, and it ends before the function must answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from botocore.config import Config

from incidents_runtime.destinations import ServiceError

if TYPE_CHECKING:
    from collections.abc import Callable

    from incidents_runtime.clock import Clock, Deadline

# One attempt each: botocore would start an incident again after a lost answer without looking whether the
# request had arrived. The gateways retry by themselves, and know what they retry.
CONFIG = Config(
    connect_timeout=1,
    read_timeout=6,
    retries={"total_max_attempts": 1, "mode": "standard"},
    tcp_keepalive=True,
)
ONE_CALL_S = 8.0
"""The longest that one call can take: an endpoint may have two addresses that do not answer."""
TIME_TO_ANSWER_S = 4.0
"""For what follows in any case: the ledger, the log, the dead-letter queue."""
ATTEMPTS = 3

_FIRST_PAUSE_S = 1.0
# The service starts five a second and saves up the turns of a second: five who ask as often miss none of
# them, and those of several triggers have equal shares.
_LONGEST_TURN_S = 0.75

Answer = TypeVar("Answer")


def asked(operation: Callable[..., Answer], **arguments: Any) -> Answer:
    """Call an operation once.

    Parameters
    ----------
    operation
        A method of a client.
    **arguments
        Its arguments.

    Returns
    -------
    Answer
        What it gave.

    Raises
    ------
    ServiceError
        It raised anything at all: botocore raises its own errors, urllib3's and json's.
    """
    try:
        return operation(**arguments)
    except Exception as error:
        raise ServiceError(error) from error


def spend(deadline: Deadline, what_for: str, calls: int = 1) -> None:
    """Make sure that calls can end before the deadline, and leave time to answer.

    Parameters
    ----------
    deadline
        When the function must have answered.
    what_for
        What the calls are for, as a verb.
    calls
        How many they are.

    Raises
    ------
    ServiceError
        There is not enough time.
    """
    if not has_time(deadline, calls):
        raise ServiceError(TimeoutError(f"no time is left to {what_for}"))


def has_time(deadline: Deadline, calls: int = 1) -> bool:
    """Say whether so many calls can end before the deadline, and leave time to answer."""
    return deadline.allows(calls * ONE_CALL_S + TIME_TO_ANSWER_S)


def patiently(clock: Clock, deadline: Deadline, question: Callable[[], Answer]) -> Answer:
    """Ask up to three times what may be asked twice without harm, as far as the time goes.

    Parameters
    ----------
    clock
        What passes between two attempts.
    deadline
        When the function must have answered.
    question
        Makes a call.

    Returns
    -------
    Answer
        What it gave.

    Raises
    ------
    ServiceError
        Its last error, or there was no time.
    """
    spend(deadline, "ask")
    tries = 0
    while True:
        tries += 1
        try:
            return in_turn(clock, deadline, question)
        except ServiceError as error:
            if not error.may_pass or tries == ATTEMPTS or not may_go_on(deadline, tries):
                raise
        back_off(clock, tries)


def in_turn(clock: Clock, deadline: Deadline, question: Callable[[], Answer]) -> Answer:
    """Ask, and where the deadline says so wait for a turn while the service throttles.

    Parameters
    ----------
    clock
        What passes between two turns.
    deadline
        When the function must have answered, and whether it is patient.
    question
        Makes a call.

    Returns
    -------
    Answer
        What it gave.

    Raises
    ------
    ServiceError
        Another error, or there is no time for one more turn.
    """
    while True:
        try:
            return question()
        except ServiceError as error:
            may_wait = deadline.patient and deadline.allows(_LONGEST_TURN_S + ONE_CALL_S + TIME_TO_ANSWER_S)
            if not (error.is_throttling and may_wait):
                raise
        clock.sleep(_LONGEST_TURN_S * (1 + 2 * clock.jitter()) / 3)


def may_go_on(deadline: Deadline, tries: int) -> bool:
    """Say whether there is time for the pause after so many tries, and for another call."""
    return deadline.allows(_FIRST_PAUSE_S * tries + ONE_CALL_S + TIME_TO_ANSWER_S)


def back_off(clock: Clock, tries: int) -> None:
    """Wait a little longer after each try, and not as long as others do."""
    clock.sleep(_FIRST_PAUSE_S * tries * (0.5 + clock.jitter() / 2))
