"""JSON that somebody else wrote."""

from __future__ import annotations

import json
from typing import Any


def read_json(text: str) -> Any:
    """Read JSON; nothing if it is none."""
    try:
        return json.loads(text)
    except ValueError:
        return None
