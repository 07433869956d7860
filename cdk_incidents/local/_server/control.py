"""The control path, for LocalCloud: the clock, faults, outboxes, audit, health. No part of AWS."""

from __future__ import annotations

import datetime as dt
import difflib
import functools
import json
import math
import os
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any

from cdk_incidents.local.assumptions import Assumptions
from cdk_incidents.local.environment import is_region
from cdk_incidents.local.errors import LocalCloudError

from .faults import CREDENTIALS, SLOW, TIMEOUT, TRANSPORT, Fault
from .incident_manager import replication
from .incident_manager.contacts import activate_all
from .protocol.wire import Request, Response

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from .faults import Faults
    from .services import Service
    from .state import Account, Cloud

_MINUTE_S = 60
_LONGEST_S = 366 * 24 * 3600


class Control:
    """Answers under /_cdk_incidents/, by route; what is asked for stands in a JSON object."""

    def __init__(
        self,
        cloud: Cloud,
        pending: Faults,
        services: Iterable[Service],
        tick: Callable[[], None],
        put_event: Callable[[dict[str, Any]], None],
    ) -> None:
        self._cloud, self._pending, self._services, self._tick = cloud, pending, list(services), tick
        outboxes = ("pages", "messages", "runbooks", "audit")
        self._routes: dict[str, Callable[..., dict[str, Any] | None]] = {
            **{f"GET {name}": functools.partial(self._tell, name) for name in outboxes},
            "GET health": lambda: {"status": "ok", "pid": os.getpid(), "region": cloud.region},
            "GET codes": lambda: {"codes": {k: v for a in self._accounts() for k, v in a.codes.items()}},
            "GET clock": self._time,
            "GET faults": self._faults,
            "POST faults": self._add,
            "DELETE faults": self._clear,
            "POST seed": self._seed,
            "POST twice": self._double,
            "POST activations": lambda: {"activated": [n for a in self._accounts() for n in activate_all(a)]},
            "POST rules": self._rule,
            "POST assumptions": self._assume,
            "POST events": functools.partial(_put, put_event),
            "POST clock": self._move,
            "POST replication": self._replicate,
        }

    def __call__(self, request: Request) -> Response:
        """Answer a request of the control path."""
        route = f"{request.method} {request.path.rpartition('/')[2]}"
        if route not in self._routes:
            return _json({"error": f"{request.method} {request.path} is not known"}, 404)
        try:
            self._cloud.clock.catch_up()
            return _json(self._routes[route](**json.loads(request.body or b"{}")) or {})
        except LocalCloudError as refused:
            return _json({"error": str(refused)}, 400)

    def _accounts(self) -> list[Account]:
        return list(self._cloud.accounts.values())

    def _tell(self, outbox: str) -> dict[str, Any]:
        return {outbox: getattr(self._cloud, outbox)}

    def _time(self) -> dict[str, Any]:
        due = self._cloud.clock.due
        return {"now": self._cloud.clock.now().isoformat(), "due": due.isoformat() if due else None}

    def _move(self, advance_s: Any = None) -> dict[str, Any]:
        """Move the clock: by so many seconds, or until nothing is left to do."""
        clock = self._cloud.clock
        if advance_s is None:
            clock.play_out()
        elif not _is_number(advance_s) or not 0 <= advance_s <= _LONGEST_S:
            raise LocalCloudError(
                f"advance_s must be a number of seconds from 0 to {_LONGEST_S} (got {advance_s!r})"
            )
        else:
            # Schedules are due at full minutes; a tick where none is costs next to nothing.
            begun = clock.now()
            for minute in range(1, int(advance_s // _MINUTE_S) + 1):
                clock.at(begun + dt.timedelta(seconds=minute * _MINUTE_S), self._tick)
            clock.advance(dt.timedelta(seconds=advance_s))
        return self._time()

    def _faults(self) -> dict[str, Any]:
        return {"faults": [asdict(fault) for fault in self._pending.pending()]}

    def _add(self, **asked: Any) -> dict[str, Any]:
        try:
            fault = Fault(**asked)
        except TypeError as wrong:
            names = ", ".join(field.name for field in fields(Fault))
            raise LocalCloudError(f"a fault must be {{{names}}}: {wrong}") from None
        self._check(fault)
        self._pending.add(fault)
        return self._faults()

    def _clear(self) -> dict[str, Any]:
        """Let everything work again, and come once."""
        self._pending.clear()
        self._cloud.twice.clear()
        return self._faults()

    def _seed(self, operations: dict[str, float], seed: int) -> None:
        """Draw faults from now on: each operation's own errors, and those of the transport."""
        for operation, probability in operations.items():
            if not _is_number(probability) or not 0 <= probability <= 1:
                told = f"the probability of {operation} must be from 0 to 1 (got {probability!r})"
                raise LocalCloudError(told)
            services = [s for s in self._services if s.plays(operation)]
            if not services:
                raise LocalCloudError(self._played(operation))
            # Some are of two services, such as TagResource: then what both know.
            known = [set(s.wire.errors(operation)) for s in services]
            errors = [name for name in services[0].wire.errors(operation) if all(name in k for k in known)]
            self._pending.seed(operation, seed, probability, [*errors, *TRANSPORT])

    def _double(self, function: str, times: int) -> None:
        """Let the next events of a function come twice."""
        if not isinstance(function, str):
            raise LocalCloudError(f"function must be a part of its ARN (got {function!r})")
        _check_times(times)
        self._cloud.twice += [function] * times

    def _rule(self, *, rates: bool = False) -> None:
        """Change whether the service's rates hold."""
        self._cloud.rates = rates

    def _assume(self, **assumed: Any) -> None:
        """Take the service to be as told."""
        self._cloud.assumptions = Assumptions(**assumed)

    def _replicate(self, status: str, region: str) -> None:
        """Let every replication set, or one of its Regions, be in a status, as while it changes."""
        allowed = replication.REGION_STATUSES if region else replication.STATUSES
        if status not in allowed:
            raise LocalCloudError(f"status must be one of {', '.join(allowed)} (got {status!r})")
        sets = [account.replication_set for account in self._accounts() if account.replication_set]
        if not sets:
            raise LocalCloudError("there is no replication set: CreateReplicationSet makes one")
        regions = {name for own in sets for name in own["regionMap"]}
        if region and region not in regions:
            told = ", ".join(sorted(regions))
            raise LocalCloudError(f"region must be one of the replication set's, {told} (got {region!r})")
        for own in sets:
            replication.put_status(own, status, region)

    def _check(self, fault: Fault) -> None:
        """Refuse a fault that cannot happen."""
        whole = {s.wire.service: s for s in self._services if not s.shared}
        services = [s for s in self._services if s.plays(fault.operation) or s is whole.get(fault.operation)]
        anywhere = (*TRANSPORT, *CREDENTIALS)
        problem = ""
        if not services:
            problem = self._played(fault.operation, *whole)
        elif fault.error not in anywhere and not any(s.wire.is_error(fault.error) for s in services):
            own = sorted(
                {
                    name
                    for s in services
                    if s.plays(fault.operation)
                    for name in s.wire.errors(fault.operation)
                }
            )
            told = ", ".join((*own, *anywhere))
            problem = f"error must be the service's own, or a broken connection: {told} (got {fault.error!r})"
        elif fault.after_s is not None and fault.error not in (TIMEOUT, SLOW):
            problem = f"after_s must be left out unless error is {TIMEOUT} or {SLOW} (got {fault.error!r})"
        elif fault.after_s is not None and not (_is_number(fault.after_s) and 0 <= fault.after_s < math.inf):
            problem = f"after_s must be a number of seconds from 0 up (got {fault.after_s!r})"
        elif fault.region and not is_region(fault.region):
            problem = f"region must be the name of an AWS Region, or empty for all (got {fault.region!r})"
        if problem:
            raise LocalCloudError(problem)
        if fault.times is not None:
            _check_times(fault.times)

    def _played(self, operation: str, *besides: str) -> str:
        """Say which operations there are: those of a like name, where there are some."""
        names = [*besides, *sorted({name for s in self._services for name in s.played})]
        told = difflib.get_close_matches(str(operation), names, n=5) or names
        return f"operation must be one that is played, such as {', '.join(told)} (got {operation!r})"


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _put(put_event: Callable[[dict[str, Any]], None], **event: Any) -> None:
    """Put an event that an AWS service may have put."""
    if not str(event["source"]).startswith("aws."):
        told = f"source must begin with aws. (got {event['source']!r}): PutEvents takes others"
        raise LocalCloudError(told)
    put_event(event)


def _check_times(times: object) -> None:
    if not isinstance(times, int) or isinstance(times, bool) or times < 1:
        raise LocalCloudError(f"times must be a whole number from 1 up (got {times!r})")


def _json(value: dict[str, Any], status: int = 200) -> Response:
    return Response(status, json.dumps(value).encode(), {"content-type": "application/json"})
