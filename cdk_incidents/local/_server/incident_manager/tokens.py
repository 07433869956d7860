"""Client tokens: a call that comes again with its token does nothing twice."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from cdk_incidents.local._server.protocol.errors import ServiceError

if TYPE_CHECKING:
    from cdk_incidents.local._server.state import Account, Caller, Cloud

    from .resources import Play

_TOKENS = ("clientToken", "IdempotencyToken")


def once(operation: str, play: Play) -> Play:
    """Let an operation give its first answer again where a token comes again.

    CHOICE: how long a token is known, and what it gets with other details, are not documented; both are
    Assumptions. A token of contacts stands for "the specified details": with others it is a new one. What has
    been deleted since is made anew.
    """

    def play_once(cloud: Cloud, caller: Caller, params: dict[str, Any]) -> dict[str, Any]:
        account, now = caller.account, cloud.clock.now()
        reuse = cloud.assumptions.client_token_reuse
        window = cloud.assumptions.client_token_window_s
        asked = {name: value for name, value in params.items() if name not in _TOKENS}
        details = hash(json.dumps(asked, sort_keys=True, default=str))
        token = next((params[name] for name in _TOKENS if name in params), "")
        contacts = (caller.region, details) if "IdempotencyToken" in params else ()
        key = (operation, token, *contacts)
        since, about, earlier = account.answers.get(key, (now, 0, None))
        in_time = window is None or (now - since).total_seconds() < window
        if earlier is not None and in_time and _is_there(account, earlier):
            if about != details and reuse.endswith("Exception"):
                raise ServiceError(reuse, "The clientToken was used before, with other details")
            return {**earlier, "outcome": "repeated"}
        answer = play(cloud, caller, asked)
        if token:
            account.answers[key] = (now, details, answer)
        return answer

    return play_once


def _is_there(account: Account, answer: dict[str, Any]) -> bool:
    known = (account.tags, account.channels, account.overrides, account.engagements.engagements)
    return not answer or any(told in things for told in answer.values() for things in known)
