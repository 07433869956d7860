"""One event, from what it says to what became of its signals."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from incidents_runtime.admission import Admission, Outcome
from incidents_runtime.destinations import ServiceError
from incidents_runtime.errors import RetryLater, TurnLater, describe
from incidents_runtime.ledger import milliseconds
from incidents_runtime.own_alarms import unless_our_own
from incidents_runtime.signals import UnreadableEvent, read
from incidents_runtime.start_request import mark_of, title
from incidents_runtime.telemetry import about, count, known, log
from incidents_runtime.templates import ledger_key

if TYPE_CHECKING:
    from datetime import datetime

    from incidents_runtime.clock import Clock, Deadline
    from incidents_runtime.dead_letters import DeadLetters
    from incidents_runtime.deliveries import Delivery
    from incidents_runtime.settings import Route, Settings
    from incidents_runtime.signal_model import Signal

# Known by its name too, so that not even a function that lost its routes pages anybody for a smoke test.
QUIET_ALIAS = "smoke-test"

# A deployment changes the role before the aliases move, and IAM takes some minutes to tell everybody: so long
# after a signal, a denial is tried again, by Lambda and then by the retry queue.
_ACCESS_SETTLES_IN = timedelta(minutes=15)
# Enough to ask the service once and to write once.
_ONE_SIGNAL_S = 12.0
_METRICS = {
    "started": "Started",
    "joined": "Joined",
    "resolved": "Resolved",
    "ignored": "Ignored",
    "suppressed": "Suppressed",
}


@dataclass(frozen=True)
class Handled:
    """What became of an event's signals."""

    outcomes: tuple[Outcome, ...]
    received: datetime
    """What stood in for times that the event does not tell: read again, it must be the same."""

    @property
    def held(self) -> tuple[Outcome, ...]:
        """Those that must come again when what holds them back ends."""
        return tuple(outcome for outcome in self.outcomes if outcome.held)

    @property
    def until(self) -> datetime | None:
        """When that is, if anybody knows."""
        return min((held.until for held in self.held if held.until is not None), default=None)

    def told(self) -> dict[str, Any]:
        """Give what a caller is answered."""
        return {"outcomes": [_told(outcome) for outcome in self.outcomes]}


@dataclass(frozen=True)
class Handling:
    """The way of an event: read, admit, report."""

    settings: Settings
    admission: Admission
    dead_letters: DeadLetters
    clock: Clock

    def deliver(self, delivery: Delivery, deadline: Deadline) -> Handled:
        """Handle an event to its end.

        Parameters
        ----------
        delivery
            The event and its route.
        deadline
            When the function must have answered.

        Returns
        -------
        Handled
            What became of its signals. What failed for good is a dead letter; what is held back must come
            again.

        Raises
        ------
        Exception
            Nothing is decided about one of its signals: the event must come again.
        """
        # What tells no time of its own happened when it first came, however often it comes again.
        now = self.clock.now()
        # A queue whose clock is ahead of ours would put it before its own recovery.
        received = min(delivery.held_since or delivery.waits_since or now, now)
        route = self.settings.routes.get(delivery.alias)
        if route is None and delivery.alias == QUIET_ALIAS:
            raise LookupError(f"no route is named {QUIET_ALIAS!r}")
        if route is None:
            reason = f"no route is named {delivery.alias!r}"
            return self._failed(delivery, reason, ("A signal without a route",), received)
        try:
            signals = read(delivery.event, received, route)
        except UnreadableEvent as error:
            if route.quiet:
                raise
            titles = ("An event that cannot be read",)
            return self._failed(delivery, f"unreadable: {error}", titles, received)
        if not route.quiet:
            signals = tuple(
                unless_our_own(signal, self.dead_letters.trigger, self.settings) for signal in signals
            )
        known(key=", ".join(dict.fromkeys(ledger_key(signal, route) for signal in signals)))
        admitted = self._admit_each(signals, route, delivery, deadline)
        handled = Handled(tuple(outcome for _, outcome in admitted), received)
        failed = [(signal, outcome) for signal, outcome in admitted if outcome.happened == "failed"]
        # An event that is held for another of its signals comes again: one dead letter, not one each time.
        if failed and not (handled.held and delivery.held_since):
            missing = tuple(title(signal, route) for signal, _ in failed if signal.transition == "opened")
            self._fail(delivery, "; ".join(outcome.reason for _, outcome in failed), missing)
        return handled

    def give_up(self, delivery: Delivery, reason: str) -> None:
        """Let an event end as a dead letter that nothing was decided about."""
        self._fail(delivery, reason, self._titles(delivery))

    def is_quiet(self, delivery: Delivery) -> bool:
        """Say whether an event is a smoke test's, whose failures reach nobody."""
        route = self.settings.routes.get(delivery.alias)
        return delivery.alias == QUIET_ALIAS if route is None else route.quiet

    def count(self, delivery: Delivery, **figures: int) -> None:
        """Add to the metrics of an event's route; a smoke test is none of their business."""
        if figures and not self.is_quiet(delivery):
            now_ms = milliseconds(self.clock.now())
            count(self.dead_letters.trigger, delivery.alias or "unknown", now_ms, **figures)

    def _admit_each(
        self, signals: tuple[Signal, ...], route: Route, delivery: Delivery, deadline: Deadline
    ) -> list[tuple[Signal, Outcome]]:
        admitted: list[tuple[Signal, Outcome]] = []
        errors: list[Exception] = []
        for number, signal in enumerate(signals):
            if number and not deadline.allows(_ONE_SIGNAL_S):
                # Cut off in the middle, it would say nothing of the others.
                errors.append(RetryLater("no time is left for the event's other signals"))
                break
            with about(key=ledger_key(signal, route), signal=mark_of(signal, route)):
                try:
                    admitted.append((signal, self._admit(signal, route, delivery, deadline)))
                except Exception as error:  # noqa: BLE001 - one signal does not keep the others from their incidents
                    log("WARNING", "signal not admitted", reason=describe(error))
                    errors.append(error)
        if errors:
            raise next((error for error in errors if isinstance(error, TurnLater)), errors[0])
        return admitted

    def _admit(self, signal: Signal, route: Route, delivery: Delivery, deadline: Deadline) -> Outcome:
        try:
            started_by = f"{delivery.function_arn}:{route.id}"
            outcome = self.admission.admit(signal, route, started_by, deadline)
        except ServiceError as error:
            # A failed smoke test is the deployment's to report, and nobody's to be paged for.
            if route.quiet or error.may_pass or self._access_may_come(error, signal):
                raise
            outcome = Outcome("failed", reason=f"the service refused: {error}")
        self._report(signal, delivery, outcome)
        return outcome

    def _access_may_come(self, error: ServiceError, signal: Signal) -> bool:
        # By the signal's age, not the function's: an old container meets a new role too.
        return error.kind == "access" and self.clock.now() < signal.time + _ACCESS_SETTLES_IN

    def _report(self, signal: Signal, delivery: Delivery, outcome: Outcome) -> None:
        log(
            "ERROR" if outcome.happened == "failed" else "INFO",
            f"signal {outcome.happened}",
            transition=signal.transition,
            time=signal.time.isoformat(),
            incident_record_arn=outcome.record,
            reason=outcome.reason if signal.transition != "ignored" else signal.reason[:200],
            until=outcome.until.isoformat() if outcome.until else None,
            resolved_at_once=outcome.resolved_at_once or None,
        )
        self.count(delivery, **self._figures(signal, delivery, outcome))

    def _figures(self, signal: Signal, delivery: Delivery, outcome: Outcome) -> dict[str, int]:
        figures = {}
        # What was held was counted when it was first; what failed is counted with its dead letter.
        if outcome.happened in _METRICS and not (outcome.happened == "suppressed" and delivery.held_since):
            figures[_METRICS[outcome.happened]] = 1
        if outcome.happened == "started" and delivery.held_since is None:
            passed = milliseconds(self.clock.now()) - milliseconds(signal.time)
            figures["TimeToStart"] = max(0, passed)
        if outcome.resolved_at_once:
            figures["Resolved"] = 1
        if outcome.over_budget:
            figures["OverBudget"] = 1
        if outcome.budget_used is not None:
            figures["BudgetUsed"] = outcome.budget_used
        return figures

    def _failed(
        self, delivery: Delivery, reason: str, titles: tuple[str, ...], received: datetime
    ) -> Handled:
        self._fail(delivery, reason, titles)
        return Handled((Outcome("failed", reason=reason),), received)

    def _fail(self, delivery: Delivery, reason: str, titles: tuple[str, ...]) -> None:
        log("ERROR", "an event ends as a dead letter", reason=reason)
        self.count(delivery, Failed=1)
        self.dead_letters.add(delivery.event, delivery.alias or "unknown", reason, titles)

    def _titles(self, delivery: Delivery) -> tuple[str, ...]:
        """Name the incidents that there should have been."""
        route = self.settings.routes.get(delivery.alias)
        try:
            signals = read(delivery.event, self.clock.now())
        except UnreadableEvent:
            return ("An event that cannot be read",)
        if route is None:
            return tuple(signal.title for signal in signals)
        return tuple(title(signal, route) for signal in signals if signal.transition == "opened")


def _told(outcome: Outcome) -> dict[str, Any]:
    told = {"outcome": outcome.happened, "incident_record_arn": outcome.record, "reason": outcome.reason}
    return {**told, "until": outcome.until.isoformat()} if outcome.until else told
