"""Lists page by page: an opaque token that says of which list, and where the next page begins."""

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
    start = 0
    if token := params.get(next_token):
        try:
            start = int(base64.urlsafe_b64decode(token).removeprefix(f"{member}:".encode()))
        except ValueError:
            start = 0
        if token != _token(member, start) or start < 1:
            raise invalid(f"The {next_token} is not one that this list gave")
    end = start + (params.get(most) or _DEFAULT)
    following = {next_token: _token(member, end)} if end < len(items) else {}
    return {member: list(items[start:end]), **following}


def _token(member: str, start: int) -> str:
    return base64.urlsafe_b64encode(f"{member}:{start}".encode()).decode()
