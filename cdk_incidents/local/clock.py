"""The loopback AWS's clock: moved on, it plays out at once what takes hours in AWS."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .server import Server


class Clock:
    """The time that the loopback AWS goes by: real time, and what was put on top of it.

    Engagements, on-call shifts, schedules, queues, calendars, suppression and the times of records follow it.
    Functions go by real time.

    Parameters
    ----------
    server
        the loopback AWS
    """

    def __init__(self, server: Server) -> None:
        self._server = server

    def now(self) -> dt.datetime:
        """Tell the time, in UTC."""
        return dt.datetime.fromisoformat(self._server.control("GET", "clock")["now"])

    def advance(self, *, hours: float = 0, minutes: float = 0, seconds: float = 0) -> None:
        """Move on; what falls due on the way happens in order, each at its own time.

        Parameters
        ----------
        hours, minutes, seconds
            by how much, all together; at most a year

        Raises
        ------
        LocalCloudError
            if it is less than nothing, or more than a year
        """
        by = dt.timedelta(hours=hours, minutes=minutes, seconds=seconds)
        self._server.control("POST", "clock", {"advance_s": by.total_seconds()})

    def play_out(self) -> None:
        """Move on until every engagement has come to its end."""
        self._server.control("POST", "clock", {})
