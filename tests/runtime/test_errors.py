"""What an error means for the signal in hand."""

from __future__ import annotations

import pytest
from botocore.exceptions import (
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ParamValidationError,
    ReadTimeoutError,
)
from incidents_runtime.errors import Kind, code_of, describe, kind_of

from tests.runtime.fakes import refusal

URL = "https://example.com"


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (refusal("ThrottlingException", 429), "retry"),
        (refusal("AnyOtherCode", 429), "retry"),
        (refusal("RequestTimeout", 408), "ambiguous"),
        (refusal("ConflictException", 409), "ambiguous"),
        (refusal("InternalServerException", 500), "ambiguous"),
        (refusal("ServiceUnavailable", 503), "ambiguous"),
        (refusal("ExpiredTokenException", 403), "retry"),
        (refusal("AccessDeniedException", 403), "access"),
        (refusal("ResourceNotFoundException", 404), "not_found"),
        (refusal("ValidationException", 400), "permanent"),
        (refusal("ServiceQuotaExceededException", 402), "permanent"),
        (refusal("KMSThrottling", 400), "retry"),
        (refusal("KMSAccessDenied", 400), "access"),
        (refusal("AuthorizationError", 403), "access"),
        (refusal("NotFound", 404), "not_found"),
        (refusal("OpsItemAccessDeniedException", 400), "access"),
        (refusal("OpsItemNotFoundException", 400), "not_found"),
        (refusal("OpsItemConflictException", 400), "ambiguous"),
        (refusal("OpsItemLimitExceededException", 400), "permanent"),
        (refusal("InternalServerError", 500), "ambiguous"),
        (ParamValidationError(report="no"), "permanent"),
        (EndpointConnectionError(endpoint_url=URL), "retry"),
        (ConnectTimeoutError(endpoint_url=URL), "retry"),
        (NoCredentialsError(), "retry"),
        (ReadTimeoutError(endpoint_url=URL), "ambiguous"),
        (ConnectionClosedError(endpoint_url=URL), "ambiguous"),
        (ValueError("no JSON"), "ambiguous"),
    ],
)
def test_kinds(error: Exception, kind: Kind) -> None:
    """Not done and may pass; perhaps done; not done and waiting will not mend it."""
    assert kind_of(error) == kind


def test_an_error_is_named_as_its_service_names_it() -> None:
    """In one short line."""
    assert code_of(refusal("ConflictException")) == "ConflictException"
    assert code_of(KeyError("x")) == "KeyError"
    assert describe(refusal("ConflictException", message="m" * 1_000)).startswith(
        "ConflictException: An error"
    )
    assert len(describe(refusal("ConflictException", message="m" * 1_000))) == 500
