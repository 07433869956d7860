"""Whether a resource's policy surely refuses an AWS service; where nobody can tell, it is not said to.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

from __future__ import annotations

import dataclasses
import fnmatch
import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

# Of a service that acts by itself: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
_OF_SERVICES: Mapping[str, tuple[str | None, ...]] = {
    "aws:securetransport": ("true",),
    "aws:principalisawsservice": ("true",),
    # Only services of old send it: https://docs.aws.amazon.com/sns/latest/dg/sns-access-policy-use-cases.html
    "aws:sourceowner": (None,),
}
_NEGATED = re.compile(r"(String|Arn)Not")


@dataclasses.dataclass(frozen=True)
class Request:
    """What a service would ask for.

    Parameters
    ----------
    service
        The service principal.
    action
        The action.
    resource
        The ARN of what has the policy.
    values
        What each condition key may hold, in lower case; None among them if it may be absent. Of a key that is
        not there nobody knows.
    """

    service: str
    action: str
    resource: str
    values: Mapping[str, tuple[str | None, ...]] = dataclasses.field(default_factory=dict)


def refuses(policy: str, request: Request) -> bool:
    """Tell whether a policy surely refuses a request.

    Parameters
    ----------
    policy
        The document, in JSON.
    request
        What is asked for.

    Raises
    ------
    ValueError
        If it is no JSON.
    """
    statements = _list(json.loads(policy).get("Statement"))
    matched = [(statement.get("Effect"), _matches(statement, request)) for statement in statements]
    if ("Deny", True) in matched:
        return True
    return not any(effect == "Allow" and matches is not False for effect, matches in matched)


def _matches(statement: Mapping[str, Any], request: Request) -> bool | None:
    """Tell whether a statement is about the request; None if nobody can tell."""
    return _all(
        [
            _principal(statement, request.service),
            _named(statement, "Action", request.action, ignore_case=True),
            _named(statement, "Resource", request.resource, ignore_case=False),
            *(
                _holds(operator, key.lower(), _list(wanted), request)
                for operator, keys in (statement.get("Condition") or {}).items()
                for key, wanted in keys.items()
            ),
        ]
    )


def _principal(statement: Mapping[str, Any], service: str) -> bool | None:
    if "Principal" not in statement:
        # What a NotPrincipal of somebody else means for a service no document says.
        return None
    principal = statement["Principal"]
    if principal == "*":
        return True
    return "*" in _list(principal.get("AWS")) or service in _list(principal.get("Service"))


def _named(statement: Mapping[str, Any], what: str, value: str, *, ignore_case: bool) -> bool | None:
    for key, is_named in ((what, True), (f"Not{what}", False)):
        if key in statement:
            patterns = _list(statement[key])
            return any(_like(value, pattern, ignore_case=ignore_case) for pattern in patterns) == is_named
    return None


def _holds(operator: str, key: str, wanted: list[Any], request: Request) -> bool | None:
    """Tell whether a condition holds whatever the key may hold."""
    possible = {**_OF_SERVICES, "aws:principalservicename": (request.service,), **request.values}.get(key)
    texts = [str(value) for value in wanted]
    if possible is None or any("${" in text for text in texts):
        return None
    operator, if_exists = operator.removesuffix("IfExists"), operator.endswith("IfExists")
    if operator == "Null":
        outcomes = {str(value is None).lower() in [text.lower() for text in texts] for value in possible}
    else:
        compare = _OPERATORS.get(_NEGATED.sub(r"\1", operator))
        if compare is None:
            return None
        is_negated = _NEGATED.match(operator) is not None
        outcomes = {
            # A negated condition holds of a key that is not there.
            (is_negated or if_exists)
            if value is None
            else any(compare(value, text) for text in texts) != is_negated
            for value in possible
        }
    return outcomes.pop() if len(outcomes) == 1 else None


def _all(parts: Iterable[bool | None]) -> bool | None:
    told = list(parts)
    if False in told:
        return False
    return None if None in told else True


def _like(value: str, pattern: str, *, ignore_case: bool = False) -> bool:
    if ignore_case:
        value, pattern = value.lower(), pattern.lower()
    # A bracket is no wildcard here.
    return fnmatch.fnmatchcase(value, pattern.replace("[", "[[]"))


def _list(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _arn_like(value: str, pattern: str) -> bool:
    # Each of the six parts for itself: a star does not reach over a colon.
    values, patterns = value.split(":", 5), pattern.split(":", 5)
    return len(values) == len(patterns) and all(map(_like, values, patterns))


_OPERATORS: Mapping[str, Callable[[str, str], bool]] = {
    "StringEquals": lambda value, wanted: value == wanted,
    "StringEqualsIgnoreCase": lambda value, wanted: value.lower() == wanted.lower(),
    "StringLike": _like,
    "ArnEquals": _arn_like,
    "ArnLike": _arn_like,
    "Bool": lambda value, wanted: value.lower() == wanted.lower(),
}
