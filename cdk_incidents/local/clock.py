"""The loopback AWS's clock: moved on, it plays out at once what takes hours in AWS."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from .errors import LocalCloudError

if TYPE_CHECKING:
    from .server import Server

_LONGEST_S = 366 * 24 * 3600


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
            by how much, all together; nothing by default, at most 366 days

        Raises
        ------
        LocalCloudError
            if it is less than nothing, or more than 366 days
        """
        by_s = hours * 3600 + minutes * 60 + seconds
        if not 0 <= by_s <= _LONGEST_S:
            raise LocalCloudError(
                "hours, minutes and seconds must be together from nothing to a year, 366 days"
                f" (got {hours!r}, {minutes!r} and {seconds!r})"
            )
        self._server.control("POST", "clock", {"advance_s": by_s})

    def play_out(self) -> None:
        """Move on until every engagement has come to its end."""
        self._server.control("POST", "clock", {})
