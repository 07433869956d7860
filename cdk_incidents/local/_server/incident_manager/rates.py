"""The service's request rates, where they are switched on: by account, Region and operation.

https://docs.aws.amazon.com/general/latest/gr/incident-manager.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cdk_incidents.local._server.protocol.errors import ServiceError

if TYPE_CHECKING:
    import datetime as dt

    from cdk_incidents.local._server.state import Caller

_WRITES, _READS, _REPLICATION_SETS = 5.0, 10.0, 1.0


class Rates:
    """Buckets of tokens: each holds a second's worth and fills up as time passes."""

    def __init__(self) -> None:
        self._buckets: dict[tuple[str, str, str], tuple[float, dt.datetime]] = {}

    def use(self, caller: Caller, operation: str, now: dt.datetime) -> None:
        """Use a token, or refuse."""
        rate = _rate(operation)
        key = (caller.account.id, caller.region, operation)
        tokens, since = self._buckets.get(key, (rate, now))
        tokens = min(rate, tokens + (now - since).total_seconds() * rate)
        self._buckets[key] = (max(0.0, tokens - 1) if tokens >= 1 else tokens, now)
        if tokens < 1:
            raise ServiceError("ThrottlingException", f"Rate exceeded: {operation}, {rate:g} a second")


def _rate(operation: str) -> float:
    if operation.startswith(("Get", "List")) or operation == "CreateTimelineEvent":
        return _READS
    return _REPLICATION_SETS if "ReplicationSet" in operation else _WRITES
