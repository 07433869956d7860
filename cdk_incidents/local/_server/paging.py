"""Lists page by page: an opaque token that says where the next page begins."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from .errors import invalid

if TYPE_CHECKING:
    from collections.abc import Sequence

_DEFAULT = 50


def page(items: Sequence[Any], params: dict[str, Any], member: str) -> dict[str, Any]:
    """Cut the page that a list call asks for, by the names that its service gives things."""
    next_token, most = ("NextToken", "MaxResults") if member[0].isupper() else ("nextToken", "maxResults")
    token = params.get(next_token, "")
    try:
        start = int(base64.urlsafe_b64decode(token)) if token else 0
    except ValueError:
        raise invalid("The nextToken is not one of ours") from None
    end = start + (params.get(most) or _DEFAULT)
    result: dict[str, Any] = {member: list(items[start:end])}
    if end < len(items):
        result[next_token] = base64.urlsafe_b64encode(str(end).encode()).decode()
    return result
