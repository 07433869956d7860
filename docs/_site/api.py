"""The pages of the reference: one for each topic, every public name on one of them."""

from __future__ import annotations

import enum
import inspect
from typing import TYPE_CHECKING

import cdk_incidents
import cdk_incidents.local

if TYPE_CHECKING:
    from pathlib import Path

TOPICS: dict[str, tuple[str, ...]] = {
    "Response plans": ("response_plan", "incident_template", "runbook", "chat_channel", "pager_duty"),
    "Contacts": ("contact", "contact_channel"),
    "Escalation and on call": ("escalation_plan", "on_call", "recurrence", "_shifts"),
    "The account": ("replication_set",),
    "What starts an incident": (
        "alarm_action",
        "alarms",
        "event_target",
        "event_patterns",
        "schedule_target",
        "trigger",
        "route",
        "ops_items",
        "related_item",
        "suppression",
        "budget",
    ),
    "What proves and shows it": ("smoke_test", "dashboard"),
}
"""Titles and the modules whose public names they hold; what is new and in none of them has a page, too."""

_MONITORING = """\
.. automodule:: cdk_incidents.monitoring

.. autoclass:: cdk_incidents.monitoring.IncidentStrategy
   :members:
"""
_TESTING = """\
.. automodule:: cdk_incidents.testing
   :members:
"""
_LOCAL = """\
The extra `local`. :doc:`/guide/on-a-laptop` shows it at work.

.. currentmodule:: cdk_incidents.local
"""
# No public names, but what `LocalCloud.clock` and `LocalCloud.faults` are.
_OF_A_CLOUD = ("clock.Clock", "cloud.Faults")
_CLASS = """
.. autoclass:: {module}.{name}
   :members:
"""


def write(directory: Path) -> None:
    """Write a page for each topic, and one that leads to them."""
    folder = directory / "api"
    folder.mkdir(exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    homes = {home for homes in TOPICS.values() for home in homes}
    others = tuple(sorted({home for home in cdk_incidents._HOMES.values() if home not in homes}))  # noqa: SLF001
    topics = {**TOPICS, **({"More": others} if others else {})}
    entries = []
    for title, modules in topics.items():
        names = [name for name, home in cdk_incidents._HOMES.items() if home in modules]  # noqa: SLF001
        names.sort(key=lambda name: (modules.index(cdk_incidents._HOMES[name]), name))  # noqa: SLF001
        if names:
            page = title.lower().replace(" ", "-")
            entries.append(page)
            (folder / f"{page}.rst").write_text(_page(title, names))
    # Not among the lazy names: one needs an extra, the other is for tests.
    local = _LOCAL + "".join(
        _CLASS.format(module="cdk_incidents.local", name=name)
        for name in (
            "LocalCloud",
            *_OF_A_CLOUD,
            *(n for n in cdk_incidents.local.__all__ if n != "LocalCloud"),
        )
    )
    for title, entry in {"Monitoring": _MONITORING, "Testing": _TESTING, "The loopback AWS": local}.items():
        entries.append(title.lower().replace(" ", "-"))
        (folder / f"{entries[-1]}.rst").write_text(_title(title) + entry)
    lines = "\n".join(f"   {entry}" for entry in entries)
    (folder / "index.rst").write_text(f"{_title('API')}\n.. toctree::\n\n{lines}\n")


def _page(title: str, names: list[str]) -> str:
    return _title(title) + ".. currentmodule:: cdk_incidents\n" + "".join(map(_entry, names))


def _title(title: str) -> str:
    return f"{title}\n{'=' * len(title)}\n\n"


def _entry(name: str) -> str:
    value = getattr(cdk_incidents, name)
    entry = _CLASS.format(module="cdk_incidents", name=name)
    if not inspect.isclass(value) or getattr(value, "_is_protocol", False):
        return entry
    if issubclass(value, enum.Enum):
        return entry + "   :undoc-members:\n"
    # What our own private bases give is the class's, what CDK's give is in CDK's reference.
    foreign = [base.__name__ for base in value.__mro__ if not base.__module__.startswith("cdk_incidents")]
    return entry + f"   :inherited-members: {', '.join(foreign)}\n"
