"""What became of a signal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from datetime import datetime

Happened = Literal["started", "joined", "resolved", "ignored", "suppressed", "failed"]


@dataclass(frozen=True)
class Outcome:
    """What became of a signal."""

    happened: Happened
    record: str | None = None
    reason: str = ""
    resolved_at_once: bool = False
    held: bool = False
    """It is suppressed for now, not for good: the same signal must come again."""
    until: datetime | None = None
    """When to bring a held signal again, if anybody knows."""
    over_budget: bool = False
    budget_used: int | None = None
    """How much of the nearer limit of the budget is used, in percent."""
