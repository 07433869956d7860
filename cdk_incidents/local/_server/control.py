"""The control path, for LocalCloud: the clock, faults, outboxes, audit, health. No part of AWS."""

from __future__ import annotations

import datetime as dt
import json
import os
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any

from cdk_incidents.local.assumptions import Assumptions

from . import replication
from .contacts import activate_all
from .faults import CREDENTIALS, TRANSPORT, Fault
from .wire import Request, Response

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from .faults import Faults
    from .services import Service
    from .state import Account, Cloud

_MINUTE_S = 60
_LONGEST_S = 366 * 24 * 3600


class Control:
    """Answers under /_cdk_incidents/."""

    def __init__(
        self,
        cloud: Cloud,
        pending: Faults,
        services: Iterable[Service],
        tick: Callable[[], None],
        put_event: Callable[[dict[str, Any]], None],
    ) -> None:
        self._cloud = cloud
        self._put_event = put_event
        self._tick = tick
        self._pending = pending
        self._services = list(services)

    def __call__(self, request: Request) -> Response:
        """Answer a request of the control path."""
        route = f"{request.method} {request.path.rpartition('/')[2]}"
        takes = {
            "POST faults": self._add,
            "POST seed": self._seed,
            "POST twice": self._double,
            "POST rules": self._rule,
            "POST assumptions": self._assume,
            "POST events": self._event,
            "POST clock": self._move,
            "POST replication": self._replicate,
        }
        if route in takes:
            return takes[route](request.body)
        if route == "DELETE faults":
            self._pending.clear()
            self._cloud.twice.clear()
        self._cloud.clock.catch_up()
        answers: dict[str, Callable[[], dict[str, Any]]] = {
            "GET health": lambda: {"status": "ok", "pid": os.getpid(), "region": self._cloud.region},
            "GET pages": lambda: {"pages": self._cloud.pages},
            "GET messages": lambda: {"messages": self._cloud.messages},
            "GET runbooks": lambda: {"runbooks": self._cloud.runbooks},
            "GET codes": lambda: {"codes": {k: v for a in self._accounts() for k, v in a.codes.items()}},
            "GET clock": self._time,
            "POST activations": lambda: {"activated": [n for a in self._accounts() for n in activate_all(a)]},
            "GET audit": lambda: {"audit": self._cloud.audit},
            "GET faults": lambda: {"faults": [asdict(fault) for fault in self._pending.pending()]},
            "DELETE faults": lambda: {"faults": []},
        }
        if route in answers:
            return _json(answers[route]())
        return _json({"error": f"{request.method} {request.path} is not known"}, 404)

    def _accounts(self) -> list[Account]:
        return list(self._cloud.accounts.values())

    def _time(self) -> dict[str, Any]:
        due = self._cloud.clock.due
        return {"now": self._cloud.clock.now().isoformat(), "due": due.isoformat() if due else None}

    def _move(self, body: bytes) -> Response:
        """Move the clock: by so many seconds, or until nothing is left to do."""
        clock, asked = self._cloud.clock, json.loads(body or b"{}")
        seconds = asked.get("advance_s")
        if seconds is None:
            clock.play_out()
        elif not isinstance(seconds, (int, float)) or not 0 <= seconds <= _LONGEST_S:
            problem = f"advance_s must be a number of seconds from 0 to {_LONGEST_S} (got {seconds!r})"
            return _json({"error": problem}, 400)
        else:
            # Schedules are due at full minutes; a tick where none is costs next to nothing.
            begun = clock.now()
            for minute in range(1, int(seconds // _MINUTE_S) + 1):
                clock.at(begun + dt.timedelta(seconds=minute * _MINUTE_S), self._tick)
            clock.advance(dt.timedelta(seconds=seconds))
        return _json(self._time())

    def _add(self, body: bytes) -> Response:
        try:
            fault = Fault(**json.loads(body))
        except (ValueError, TypeError) as wrong:
            names = ", ".join(field.name for field in fields(Fault))
            return _json({"error": f"a fault must be {{{names}}}: {wrong}"}, 400)
        if problem := self._problem(fault):
            return _json({"error": problem}, 400)
        self._pending.add(fault)
        return _json({"faults": [asdict(f) for f in self._pending.pending()]})

    def _seed(self, body: bytes) -> Response:
        """Draw faults from now on: each operation's own errors, and those of the transport."""
        asked = json.loads(body)
        for operation, probability in asked["operations"].items():
            if not 0 <= probability <= 1:
                told = f"the probability of {operation} must be from 0 to 1 (got {probability!r})"
                return _json({"error": told}, 400)
            if problem := self._problem(Fault(operation, TRANSPORT[0])):
                return _json({"error": problem}, 400)
            (service,) = (s for s in self._services if s.plays(operation))
            errors = [*service.wire.errors(operation), *TRANSPORT]
            self._pending.seed(operation, asked["seed"], probability, errors)
        return _json({})

    def _double(self, body: bytes) -> Response:
        """Let the next events of a function come twice."""
        asked = json.loads(body)
        self._cloud.twice += [asked["function"]] * asked["times"]
        return _json({})

    def _rule(self, body: bytes) -> Response:
        """Change whether the service's rates hold."""
        self._cloud.rates = bool(json.loads(body).get("rates"))
        return _json({})

    def _assume(self, body: bytes) -> Response:
        """Take the service to be as told."""
        self._cloud.assumptions = Assumptions(**json.loads(body))
        return _json({})

    def _event(self, body: bytes) -> Response:
        """Put an event of an AWS service on the bus."""
        self._put_event(json.loads(body))
        return _json({})

    def _replicate(self, body: bytes) -> Response:
        """Let every replication set, or one of its Regions, be in a status, as while it changes."""
        asked = json.loads(body)
        allowed = replication.REGION_STATUSES if asked["region"] else replication.STATUSES
        if asked["status"] not in allowed:
            return _json(
                {"error": f"status must be one of {', '.join(allowed)} (got {asked['status']!r})"}, 400
            )
        for account in self._accounts():
            if account.replication_set:
                replication.put_status(account.replication_set, asked["status"], asked["region"])
        return _json({})

    def _problem(self, fault: Fault) -> str:
        """Tell what a fault asks for that cannot happen; empty if it can."""
        whole = {s.wire.service: s for s in self._services if not s.shared}
        services = [s for s in self._services if s.plays(fault.operation) or s is whole.get(fault.operation)]
        if not services:
            played = [*whole, *sorted(name for s in self._services for name in s.played)]
            return f"operation must be one of {', '.join(played)} (got {fault.operation!r})"
        anywhere = (*TRANSPORT, *CREDENTIALS)
        if fault.error not in anywhere and not any(s.wire.is_error(fault.error) for s in services):
            return f"error must be the service's own or one of {', '.join(anywhere)} (got {fault.error!r})"
        if fault.times is not None and (not isinstance(fault.times, int) or fault.times < 1):
            return f"times must be a whole number from 1 up, or null for ever (got {fault.times!r})"
        return ""


def _json(value: dict[str, Any], status: int = 200) -> Response:
    return Response(status, json.dumps(value).encode(), {"content-type": "application/json"})
