"""Entries of the ledger, as tests need them."""

from __future__ import annotations

from dataclasses import replace

from incidents_runtime.entry import Cause, Entry, Held, Lease

LEASE = Lease(
    owner="me", until_ms=9, since_ms=7, mark="mark", time_ms=100, plan="plan", cause="a", source="custom"
)
OPEN = Entry(
    record="arn:record",
    plan="plan",
    opened_ms=100,
    started_ms=150,
    joined=3,
    causes=(Cause("a", 200),),
    served=(("mark", "arn:record"),),
    month="2026-03",
    starts=1,
)
FULL = replace(
    OPEN,
    open_ms=160,
    turn_until_ms=8,
    causes=(Cause("a", 200, 150), Cause("b", None, 0), Cause("c", 1)),
    many=True,
    older=("arn:older", "arn:old"),
    lease=replace(LEASE, trigger_arn="arn"),
    resolving=("arn:x", "arn:y"),
    held=(Held("mark", 1, 2, "a mute rule"),),
    held_before_ms=5,
)
