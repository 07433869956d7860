"""JSON that somebody else wrote."""

from __future__ import annotations

import json
from typing import Any

NO_JSON = object()


def read_json(text: str) -> Any:
    """Read JSON; `NO_JSON` if it is none, or nested deeper than can be read."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return NO_JSON
