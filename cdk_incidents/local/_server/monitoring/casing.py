"""Names as an API has them, with a capital, and as its events have them, without."""

from __future__ import annotations

from typing import Any


def lower_names(value: Any) -> Any:
    """Give a value with all its names in lower case first; what is not there has no name."""
    if isinstance(value, dict):
        given = {name: item for name, item in value.items() if item is not None}
        return {name[0].lower() + name[1:]: lower_names(item) for name, item in given.items()}
    return [lower_names(item) for item in value] if isinstance(value, list) else value
