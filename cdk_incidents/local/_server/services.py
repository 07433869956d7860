"""What is played here: each service's operations, and the way of a request through checks to its play."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from . import faults, permissions
from .incident_manager import (
    contacts,
    engagements,
    findings,
    incidents,
    replication,
    response_plans,
    rotations,
    sharing,
    timeline,
)
from .incident_manager.rates import Rates
from .incident_manager.resources import Tags, write_pairs
from .incident_manager.tokens import once
from .monitoring import mutes
from .protocol.constraints import violations
from .protocol.errors import ServiceError, invalid
from .protocol.wire import Request, Response, Wire
from .systems_manager import calendars, documents, ops_items

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from .incident_manager.resources import Play
    from .state import Caller, Cloud


def _named(*modules: ModuleType) -> dict[str, Play]:
    """Give the plays of modules by operation: the functions of a cloud, a caller and parameters."""
    takes = ["cloud", "caller", "params", "return"]
    return {
        "".join(part.capitalize() for part in name.split("_")): play
        for module in modules
        for name, play in vars(module).items()
        if name[0] != "_" and [n.strip("_") for n in getattr(play, "__annotations__", ())] == takes
    }


INCIDENT_MANAGER: dict[str, Play] = {
    **_named(incidents, timeline, findings, sharing, replication),
    **response_plans.ResponsePlans().plays(),
    **Tags("resourceArn", "tags", "tagKeys", dict).plays(),
}
CONTACTS: dict[str, Play] = {
    **contacts.CONTACTS.plays(),
    **contacts.CHANNELS.plays(),
    **rotations.ROTATIONS.plays(),
    **rotations.OVERRIDES.plays(),
    **engagements.ENGAGEMENTS.plays(),
    **engagements.PAGES.plays(),
    **Tags("ResourceARN", "Tags", "TagKeys", write_pairs).plays(),
}
for plays in (INCIDENT_MANAGER, CONTACTS):
    plays.update({name: once(name, play) for name, play in plays.items()})
INCIDENT_MANAGER["StartIncident"] = incidents.audited(INCIDENT_MANAGER["StartIncident"])
SYSTEMS_MANAGER: dict[str, Play] = {**_named(ops_items, calendars), **documents.plays()}
CLOUDWATCH: dict[str, Play] = _named(mutes)
_REGION = re.compile(r"Credential=[^/]*/[^/]*/([^/]*)/")
# CHOICE: when the service is not available to CloudWatch and EventBridge in a Region is not documented.
_DOWN = ("InternalServerException", faults.RESET, faults.TIMEOUT)
# These work without a replication set, or in a Region that it lacks.
_SET = {"CreateReplicationSet", "ListReplicationSets", "GetReplicationSet"}
_ANYWHERE = {*_SET, *SYSTEMS_MANAGER, *CLOUDWATCH}


class BrokenConnection(Exception):  # noqa: N818 - what happens, not what went wrong
    """The connection is to break, after a while, instead of an answer."""

    def __init__(self, after_s: float = 0.0) -> None:
        super().__init__()
        self.after_s = after_s


class Service:
    """One service of AWS, as far as it is played here."""

    def __init__(
        self, cloud: Cloud, name: str, plays: dict[str, Play], pending: faults.Faults, *, shared: bool = False
    ) -> None:
        self.wire = Wire(name)
        self.shared = shared  # what is not played here is the emulator's to play
        self.played = list(plays)
        self._cloud = cloud
        self._plays = plays
        self._faults = pending
        self._rates = Rates()

    def plays(self, operation: str) -> bool:
        """Tell whether an operation is played here."""
        return operation in self._plays

    def answer(self, request: Request, identify: Callable[[], Caller]) -> Response:
        """Answer a request: known, authentic, well formed, allowed, then played.

        Raises
        ------
        BrokenConnection
            Where a fault says so.
        """
        operation = self.wire.operation(request)
        signed = _REGION.search(request.headers.get("authorization", ""))
        fault = self._faults.take(operation, signed[1] if signed else "", self.wire.service)
        if fault and fault.error in (faults.RESET, faults.TIMEOUT):
            raise BrokenConnection(fault.wait_s)
        try:
            caller = identify()
            _raise(fault)
            if self._cloud.rates and self.wire.service == "ssm-incidents":
                self._rates.use(caller, operation, self._cloud.clock.now())
            params = self.wire.read(operation, request) if operation else {}
            response = self.wire.write(operation, self.call(operation, params, caller))
        except ServiceError as error:
            response = self.wire.write_error(error)
        if fault and fault.error == faults.LOST:
            raise BrokenConnection
        return replace(response, after_s=fault.wait_s) if fault else response

    def call(self, operation: str, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Play an operation for a caller, with input that has been checked."""
        if not operation:
            raise ServiceError("UnknownOperationException", f"{self.wire.service} has no such operation")
        if operation not in self._plays:
            raise ServiceError(
                "NotPlayedHereException",
                f"{self.wire.service}:{operation} is not played by the loopback AWS of cdk_incidents"
                f" (played: {', '.join(self._plays)})",
            )
        with self._cloud.clock.lock:
            self._cloud.clock.catch_up()
            acting = sharing.owner_for(self._cloud, caller, operation, params)
            permissions.check(acting, self.wire.service, operation, params)
            if operation not in _ANYWHERE:
                replication.require(self._cloud, acting)
            return self._plays[operation](self._cloud, acting, params)

    def call_for_aws(self, operation: str, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Play an operation that another service of AWS calls; what is to go wrong does so for it too.

        Where the service fails in a Region, CloudWatch and EventBridge turn to the others of the set:
        https://docs.aws.amazon.com/incident-manager/latest/userguide/incident-manager-cross-account-cross-region.html
        """
        own = caller.account.replication_set
        others = [r for r in own["regionMap"] if r != caller.region] if own and caller.service else []
        for place in (caller, *(replace(caller, region=other, failed_over=True) for other in others)):
            fault = self._faults.take(operation, place.region, self.wire.service)
            if not fault or fault.error not in _DOWN:
                _raise(fault)
                return self.call(operation, params, place)
        raise ServiceError(_DOWN[0], "A fault that was asked for")

    def start(self, params: dict[str, Any], caller: Caller) -> None:
        """Start an incident for another service of AWS, with input that has not been checked yet."""
        shape = self.wire.input_shape("StartIncident")
        if problems := violations(shape, params):
            raise invalid("; ".join(problems))
        self.call_for_aws("StartIncident", params, caller)


def _raise(fault: faults.Fault | None) -> None:
    if fault and fault.error not in faults.TRANSPORT:
        raise ServiceError(fault.error, "A fault that was asked for")
