"""The service's rates: a token bucket for each operation, as full as a second makes it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

# https://docs.aws.amazon.com/general/latest/gr/incident-manager.html
RATES = {
    "StartIncident": 5,
    "UpdateIncidentRecord": 5,
    "GetIncidentRecord": 10,
    "ListIncidentRecords": 10,
    "ListRelatedItems": 10,
    "CreateTimelineEvent": 10,
}


class Rates:
    """What the service takes by now; a call that is throttled costs no token, unless ``refusals_cost``."""

    def __init__(self, now_s: Callable[[], float]) -> None:
        self._now_s = now_s
        self._tokens = {name: (float(rate), 0.0) for name, rate in RATES.items()}
        self.throttled: Counter[str] = Counter()
        self.refusals_cost = False

    def admit(self, operation: str) -> bool:
        """Take a token of an operation, if there is one."""
        if operation not in RATES:
            return True
        tokens, since = self._tokens[operation]
        rate, now = RATES[operation], self._now_s()
        tokens = min(float(rate), tokens + (now - since) * rate)
        admitted = tokens >= 1
        self._tokens[operation] = (max(0.0, tokens - (admitted or self.refusals_cost)), now)
        self.throttled[operation] += not admitted
        return admitted
