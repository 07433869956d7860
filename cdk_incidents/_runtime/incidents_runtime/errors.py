"""What an error means for the signal in hand."""

from __future__ import annotations

from typing import Literal

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
    ParamValidationError,
)
from botocore.exceptions import (
    ConnectionError as NoConnectionError,
)

Kind = Literal["retry", "ambiguous", "access", "not_found", "permanent"]

# Refused before any work was done: later it may go through.
_THROTTLED = frozenset(
    {
        "ThrottlingException",
        "Throttling",
        "ThrottledException",
        "TooManyRequestsException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        # SNS, of a topic's key.
        "KMSThrottling",
    }
)
# The credentials of a function are renewed, clocks are set right.
_CREDENTIALS = frozenset(
    {
        "ExpiredToken",
        "ExpiredTokenException",
        "RequestExpired",
        "InvalidSignatureException",
        "SignatureDoesNotMatch",
        "RequestTimeTooSkewed",
        "UnrecognizedClientException",
        "InvalidClientTokenId",
        "IncompleteSignature",
    }
)
_ACCESS = frozenset(
    {
        "AccessDeniedException",
        "AccessDenied",
        "UnauthorizedException",
        "NotAuthorized",
        "OpsItemAccessDeniedException",
        # SNS, which also says so of a topic's key.
        "AuthorizationError",
        "KMSAccessDenied",
    }
)
_NOT_FOUND = frozenset({"ResourceNotFoundException", "OpsItemNotFoundException", "NotFound"})
# Something else changed at the same time, perhaps the same request sent twice: look before sending it again.
_CONFLICT = frozenset({"ConflictException", "InternalServerException", "OpsItemConflictException"})
_TOO_MANY_REQUESTS = 429
_REQUEST_TIMEOUT = 408
_FIRST_SERVER_ERROR = 500


class RetryLater(Exception):  # noqa: N818 - what to do, not what went wrong
    """Nothing is decided yet: the same signal must come again. The message says why."""


class TurnLater(RetryLater):
    """The service throttles, and whoever reads the retry queue waits for its next turn."""


def kind_of(error: Exception) -> Kind:
    """Say what an error of a call to AWS means.

    Parameters
    ----------
    error
        What the call raised.

    Returns
    -------
    Kind
        ``retry``: not done, may succeed later. ``ambiguous``: may have been done, look first.
        ``access``, ``not_found``, ``permanent``: not done, and waiting will not mend it.
    """
    if isinstance(error, ClientError):
        return _kind_of_answer(error)
    if isinstance(error, ParamValidationError):
        return "permanent"
    if isinstance(error, (EndpointConnectionError, ConnectTimeoutError)):
        # No connection, no request.
        return "retry"
    if isinstance(error, BotoCoreError) and type(error).__name__ in (
        "NoCredentialsError",
        "CredentialRetrievalError",
    ):
        return "retry"
    # A time-out, a reset, an answer that is none: the request may have arrived.
    return "ambiguous"


def _kind_of_answer(error: ClientError) -> Kind:
    code = code_of(error)
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if is_throttling(error):
        return "retry"
    kinds: tuple[tuple[frozenset[str], Kind], ...] = (
        (_CREDENTIALS, "retry"),
        (_ACCESS, "access"),
        (_NOT_FOUND, "not_found"),
        (_CONFLICT, "ambiguous"),
    )
    for codes, kind in kinds:
        if code in codes:
            return kind
    return "ambiguous" if status == _REQUEST_TIMEOUT or status >= _FIRST_SERVER_ERROR else "permanent"


def is_of_region(error: Exception) -> bool:
    """Say whether an error is the Region's rather than the request's: no answer, or none but that it failed.

    Parameters
    ----------
    error
        What the call raised.

    Returns
    -------
    bool
        True for what the transport says and for what servers call their own fault. Throttling and refusals
        are answers: another Region would give them too.
    """
    if isinstance(error, ClientError):
        status: int = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return status >= _FIRST_SERVER_ERROR
    return isinstance(error, (HTTPClientError, NoConnectionError))


def is_throttling(error: Exception) -> bool:
    """Say whether a service only has too much to do."""
    if not isinstance(error, ClientError):
        return False
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    # Whatever a service calls it.
    return status == _TOO_MANY_REQUESTS or code_of(error) in _THROTTLED


def code_of(error: Exception) -> str:
    """Name an error as its service does."""
    if isinstance(error, ClientError):
        return str(error.response.get("Error", {}).get("Code", "Unknown"))
    return type(error).__name__


def describe(error: Exception) -> str:
    """Say what an error is, in one short line."""
    return f"{code_of(error)}: {error}"[:500]
