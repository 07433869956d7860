"""What a request to Lambda asks IAM for, and what IAM tells of a simulation."""

from __future__ import annotations

import dataclasses
import itertools
import re
from typing import Any

from .private import evaluator, iam, iam_actions, replaces

_PARTS = 7  # of a function's ARN without a qualifier
# What a GET asks of a function under a path like …/functions/NAME/aliases/live, by the path's end.
_READS = {
    r"/policy$": "GetPolicy",
    r"/aliases/[^/]+$": "GetAlias",
    r"/event-invoke-config$": "GetFunctionEventInvokeConfig",
}


def put_right() -> None:
    """Ask for the action of each look at an alias, for the qualifier that is named, and for a role.

    CHOICE: whether a look at an alias's policy or settings is one at the function or at the alias is not
    documented; here both must be allowed.
    """
    reads = {f"lambda:{action}" for action in _READS.values()}

    def look(method: str, path: str) -> str | None:
        found = (action for end, action in _READS.items() if re.search(end, path))
        return next(found, None) if method == "GET" and "/functions/" in path else None

    @replaces(iam_actions, "_lambda_action")
    def action_of(named: Any, method: str, path: str) -> Any:
        return look(method, path) or named(method, path)

    @replaces(iam_actions, "extract_resource_arn")
    def resource_of(resource: Any, service: str, method: str, path: str, *rest: Any) -> Any:
        arn, query = resource(service, method, path, *rest), rest[2]
        if service == "iam" and "PolicySourceArn" in query:
            return "".join(query["PolicySourceArn"])  # whose policies are simulated
        alias = re.search(r"/aliases/([^/]+)$", path) if look(method, path) else None
        qualifier = alias[1] if alias else "".join(query.get("Qualifier", ()))
        bare = service == "lambda" and ":function:" in arn and len(arn.split(":")) == _PARTS
        return f"{arn}:{qualifier}" if bare and qualifier else arn

    @replaces(evaluator, "enforce")
    def enforce_both(
        enforce: Any, key: str, action: str, *place: str, resource_arn: str = "*", **more: Any
    ) -> Any:
        denied = enforce(key, action, *place, resource_arn=resource_arn, **more)
        if denied is None and action in reads:
            bare = ":".join(resource_arn.split(":")[:_PARTS])
            denied = enforce(key, action, *place, resource_arn=bare, **more)
        return denied

    _put_simulation_right()


def _put_simulation_right() -> None:
    """Let IAM tell of each resource that is asked about, with the keys that are given."""

    def members(params: Any, start: str, rest: str = "") -> list[str]:
        names = (f"{start}.member.{number}{rest}" for number in itertools.count(1))
        return list(itertools.takewhile(bool, (iam._p(params, name) for name in names)))

    @replaces(iam, "_extract_simulate_params")
    def read_all(read: Any, params: Any) -> tuple[Any, Any]:
        keys = [key.lower() for key in members(params, "ContextEntries", ".ContextKeyName")]
        values = members(params, "ContextEntries", ".ContextKeyValues.member.1")
        actions, _ = read(params)
        return actions, (members(params, "ResourceArns") or ["*"], dict(zip(keys, values, strict=True)))

    @replaces(iam, "_build_simulate_results_real")
    def each(one: Any, actions: Any, about: tuple[list[str], dict[str, str]], *rest: Any) -> str:
        resources, given = about
        evaluate = evaluator.evaluate
        evaluator.evaluate = lambda context, *policies: evaluate(
            dataclasses.replace(context, service_context=given), *policies
        )
        try:
            return "".join(one(actions, resource, *rest) for resource in resources)
        finally:
            evaluator.evaluate = evaluate
