"""A run against an account: what does not run there, what was seen, and what is removed at the end."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

import pytest

from cdk_incidents.local import Assumptions
from cdk_incidents.local.assumptions import alternatives
from cdk_incidents.local.interrupts import uninterrupted

if TYPE_CHECKING:
    from .account import Aws
    from .sweep import Sweep

_SECOND_REGION = "needs a second Region in the account's replication set"
_ASSUMED = {each.name: each.default for each in fields(Assumptions)}


@dataclass
class Verification:
    """One run, as a plugin of pytest.

    Attributes
    ----------
    aws
        the account
    sweep
        removes what the run made
    """

    aws: Aws
    sweep: Sweep
    not_run: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    seen: list[tuple[str, Any, Any]] = field(default_factory=list)
    removed: int = 0
    left: dict[str, str] = field(default_factory=dict)

    def observe(self, mark: pytest.Mark, seen: Any) -> None:
        """Take note of what the service does."""
        name = mark.args[0]
        self.seen.append((name, mark.kwargs.get("here", _ASSUMED.get(name)), seen))

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Leave out what cannot run in an account."""
        kept, out = [], []
        for item in items:
            only = item.get_closest_marker("loopback_only")
            lacks = item.get_closest_marker("two_regions") and len(self.aws.regions) == 1
            if only or lacks:
                self.not_run[only.args[0] if only else _SECOND_REGION].append(item.name)
                out.append(item)
            else:
                kept.append(item)
        config.hook.pytest_deselected(items=out)
        items[:] = kept

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Remove what was made, whatever ended the run; what cannot be removed makes it fail."""
        try:
            with uninterrupted():
                self.removed, self.left = self.sweep.run()
                self.aws.close()
        except KeyboardInterrupt:
            # It was held back until all is removed; what became of the run is told all the same.
            session.exitstatus = pytest.ExitCode.INTERRUPTED
        if self.left and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Tell what did not run, what was seen and what is left."""
        write = terminalreporter.write_line
        terminalreporter.section(f"account {self.aws.account}, {self.aws.region}")
        if self.not_run:
            write("Not run here:")
            for why, names in sorted(self.not_run.items()):
                write(f"  {why}: {', '.join(names)}")
        if self.seen:
            write("")
            for line in table(self.seen):
                write(line)
            write("")
            write(to_paste(self.seen))
        write("")
        write(f"{self.removed} things were removed; what is left: {len(self.left) or 'nothing'}")
        for arn, why in self.left.items():
            write(f"  {arn}: {why}")
        if self.left:
            where = f"ACCOUNT={self.aws.account} REGION={self.aws.region}"
            write(f"  to try again: make verify-aws {where} CLEAN={self.aws.run}")


def table(seen: list[tuple[str, Any, Any]]) -> list[str]:
    """Write what was assumed and what was seen, a line a rule; a star tells where that differs."""
    rows = [("", "what no document settles", "assumed", "seen")]
    rows += [("" if a == s else "*", name, repr(a), repr(s)) for name, a, s in seen]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    return ["  ".join([*map(str.ljust, row, widths), row[3]]) for row in rows]


def to_paste(seen: list[tuple[str, Any, Any]]) -> str:
    """Write the values that were seen as `Assumptions`, what the loopback AWS cannot play as a remark."""
    known = alternatives()
    values: dict[str, list[Any]] = defaultdict(list)
    for name, _, value in seen:
        if name in _ASSUMED and value not in values[name]:
            values[name].append(value)
    lines, remarks = [], []
    for name, found in sorted(values.items()):
        if len(found) == 1 and found[0] in known.get(name, found):
            lines.append(f"    {name}={found[0]!r},")
        else:
            remarks.append(f"    # {name}: {' and '.join(map(repr, found))}, which is not played")
    return "\n".join(["LocalCloud(assumptions=Assumptions(", *lines, *remarks, "))"])
