"""What a rehearsal found: the object that `--json` writes."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field
from typing import Any

OUTPUT_DESCRIPTION = "Result of the Incident Manager smoke test"


@dataclass(frozen=True)
class StackResult:
    """A deployed stack."""

    name: str
    resources: int
    deploy_s: float


@dataclass(frozen=True)
class Step:
    """A step of a smoke test."""

    name: str
    ok: bool
    ms: int | None


@dataclass(frozen=True)
class SmokeTestResult:
    """A smoke test's own word: `passed`, `failed` or `skipped`, its steps, the pages it sent."""

    stack: str
    status: str
    steps: list[Step]
    pages: int


@dataclass(frozen=True)
class Page:
    """A page that would have been sent."""

    contact: str
    channel: str
    after_s: float


@dataclass(frozen=True)
class AlarmResult:
    """An alarm that was fired, and its incident; None where none opened."""

    name: str
    incident_arn: str | None = None
    title: str | None = None
    impact: int | None = None
    opened_ms: int | None = None
    resolved: bool = False
    pages: list[Page] = field(default_factory=list)


@dataclass
class Report:
    """The result of a rehearsal, filled as it goes."""

    stacks: list[StackResult] = field(default_factory=list)
    smoke_tests: list[SmokeTestResult] = field(default_factory=list)
    alarms: list[AlarmResult] = field(default_factory=list)
    retained: list[str] = field(default_factory=list)
    leftovers: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether all of it held."""
        return not self.failures and not self.leftovers

    def as_json(self) -> dict[str, Any]:
        """Return the object that `--json` writes."""
        return {"ok": self.ok, **asdict(self)}


def read_smoke_test(stack: str, output: str) -> SmokeTestResult:
    """Read the output of a stack that describes its smoke test's result.

    Its form is `passed: <step> <N> ms, <step> <N> ms; pages 0; warning: <what>`, or `skipped: <why>`, or
    `failed: <why>` where a failure does not fail the deployment.
    """
    failed = read_failed_smoke_test(stack, output)
    if failed is not None:
        return failed
    status = re.match(r"\w+", output)
    pages = re.search(r"; pages (\d+)", output)
    # What comes after the steps may say anything.
    timeline = output.partition(";")[0]
    return SmokeTestResult(
        stack,
        status[0] if status else "failed",
        [
            Step(name, ok=True, ms=int(ms))
            for name, ms in re.findall(r"(?:^\w+:|,)\s*([^,]+?) (\d+) ms", timeline)
        ],
        int(pages[1]) if pages else 0,
    )


def pages_on_purpose(output: str) -> bool:
    """Tell whether a smoke test was asked to page, by what it says of itself."""
    return "; paged for real: " in output


def read_failed_smoke_test(stack: str, reason: str) -> SmokeTestResult | None:
    """Read the reason with which a smoke test failed its stack, None if it is another reason."""
    found = re.search(r"Smoke test failed at ([^:]+):", reason)
    if found is None:
        return None
    return SmokeTestResult(stack, "failed", [Step(found[1].strip(), ok=False, ms=None)], 0)
