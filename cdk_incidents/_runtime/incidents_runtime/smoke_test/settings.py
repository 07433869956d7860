"""What to test: read from the function's own file, as the trigger reads its routes."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path as File
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

_LINE = "# {"


class SettingsError(Exception):
    """The function's own file does not say what to test."""


@dataclasses.dataclass(frozen=True)
class Path:
    """A way from the canary to an incident: through the trigger's quiet route, or the service's own."""

    kind: str
    canary_name: str
    canary_arn: str
    quiet_plan_arn: str
    log_group: str = ""

    @property
    def quiet_plan_name(self) -> str:
        """The plan's name, the last part of its ARN and a part of every record's."""
        return self.quiet_plan_arn.rpartition("/")[2]


@dataclasses.dataclass(frozen=True)
class Trigger:
    """The trigger's function, where its failed events must go if that is known, and what its routes need."""

    function: str
    retry_queue_arn: str = ""
    routes: tuple[str, ...] = ()
    """The live routes' ids."""
    role_arn: str = ""
    plans: tuple[str, ...] = ()
    """The names of the plans that they lead to."""


@dataclasses.dataclass(frozen=True)
class Declared:
    """What the app says of a plan; None where synth does not know it."""

    title: str | None = None
    impact: int | None = None
    dedupe: str | None = None
    engagements: tuple[str, ...] | None = None
    runbooks: tuple[Mapping[str, str], ...] | None = None


@dataclasses.dataclass(frozen=True)
class Plan:
    """A response plan that alarms lead to: looked at, and started only if it is `for_real`."""

    name: str
    arn: str
    later: bool = False
    for_real: bool = False
    declared: Declared = Declared()


@dataclasses.dataclass(frozen=True)
class Settings:
    """What to test, and how patiently."""

    timeout_s: float = 90.0
    on_failure: str = "rollback"
    severities: Mapping[str, str] = dataclasses.field(default_factory=dict)
    paths: tuple[Path, ...] = ()
    trigger: Trigger | None = None
    plans: tuple[Plan, ...] = ()


def load(environment: Mapping[str, str]) -> Settings:
    """Read the settings from ``index.py``, which Lambda tells the place of.

    Parameters
    ----------
    environment
        The function's environment.

    Raises
    ------
    SettingsError
        The file cannot be read, or one of its lines is wrong.
    """
    index = File(environment.get("LAMBDA_TASK_ROOT", ".")) / "index.py"
    try:
        return settings_in(index.read_text(encoding="utf-8").splitlines())
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"what to test must be readable from {index} (got {error})") from error


def settings_in(lines: Iterable[str]) -> Settings:
    """Read the settings from the lines of ``index.py``, one JSON object a comment line.

    Parameters
    ----------
    lines
        The lines of the function's inline code.

    Raises
    ------
    SettingsError
        A line says something that no test knows.
    """
    read: dict[str, list[Any]] = {kind: [] for kind in _READERS}
    for number, line in enumerate(lines, start=1):
        if line.startswith(_LINE):
            try:
                ((kind, fields),) = json.loads(line[2:]).items()
                read[kind].append(_READERS[kind](fields))
            except (ValueError, TypeError, KeyError, AttributeError) as error:
                raise SettingsError(f"index.py line {number}: no test knows it ({error!r})") from error
    test = Settings(paths=tuple(read["path"]), plans=tuple(read["plan"]))
    for trigger in read["trigger"]:
        test = dataclasses.replace(test, trigger=trigger)
    for fields in read["test"]:
        test = dataclasses.replace(test, **fields)
    return test


def _plan(fields: dict[str, Any]) -> Plan:
    declared = Declared(**_tuples(fields.pop("declared", {}), "engagements", "runbooks"))
    return Plan(**fields, declared=declared)


def _trigger(fields: dict[str, Any]) -> Trigger:
    return Trigger(**_tuples(fields, "routes", "plans"))


def _path(fields: dict[str, Any]) -> Path:
    return Path(**fields)


def _test(fields: dict[str, Any]) -> dict[str, Any]:
    # Tried, so that what no test knows is refused by the number of its line.
    Settings(**fields)
    return fields


def _tuples(fields: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: tuple(value) if name in names else value for name, value in fields.items()}


_READERS: Mapping[str, Callable[[dict[str, Any]], Any]] = {
    "test": _test,
    "path": _path,
    "trigger": _trigger,
    "plan": _plan,
}
