"""Who calls, and where what is being served happens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote

from cdk_incidents.local._server.protocol.errors import ServiceError
from cdk_incidents.local._server.state import Caller

from .private import evaluator, responses, router

if TYPE_CHECKING:
    from cdk_incidents.local._server.state import Cloud

Scope = dict[str, Any]


def identify(cloud: Cloud, scope: Scope, body: bytes) -> Caller:
    """Authenticate a request and give its caller.

    Raises
    ------
    ServiceError
        If there are no credentials, or the signature is not theirs.
    """
    headers = read_headers(scope)
    query = parse_qs(scope.get("query_string", b"").decode(), keep_blank_values=True)
    evaluator.pin_request_origin("127.0.0.1", secure_transport=True)
    raw_path = (scope.get("raw_path") or quote(scope["path"]).encode()).decode("latin-1")
    evaluator.pin_signed_request(scope["method"], raw_path, query, scope["headers"])
    evaluator.pin_signed_body(body)
    key = router.extract_access_key_id(headers, query)
    responses.set_request_account_id(evaluator.find_iam_access_key_account(key) or key)
    responses.set_request_region(router.extract_region(headers, query))
    if failure := evaluator.check_credentials(key):
        raise ServiceError(failure.code, failure.message)
    account, region = here()

    def may(action: str, resource: str, via: str) -> bool:
        names = ("aws:calledvia", "aws:calledviafirst", "aws:calledvialast")
        context = dict(zip(names, ([via], via, via), strict=True)) if via else {}
        asked = {"resource_arn": resource, "service_context": context}
        return evaluator.enforce(key, action, action.partition(":")[0], region, **asked) is None

    return Caller(cloud.account(account), region, evaluator.request_caller_arn(headers, query), may)


def read_headers(scope: Scope) -> dict[str, str]:
    """Read the headers of an ASGI request."""
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}


def here() -> tuple[str, str]:
    """Tell the account and the Region of the request that is being served."""
    return responses.get_account_id(), responses.get_region()


def owning(arn: str) -> Any:
    """Act in the account and Region of a resource, within a `with`."""
    region, account = arn.split(":")[3:5]
    return responses.request_scope(account, region)
