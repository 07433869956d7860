"""The one exception that becomes an error answer on the wire."""

from __future__ import annotations

from typing import Any


class ServiceError(Exception):
    """An error of the service: its code, its message, and the further members that its shape has."""

    def __init__(self, code: str, message: str, **members: Any) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.members = members


def invalid(message: str) -> ServiceError:
    """Make the error for input that the service refuses."""
    return ServiceError("ValidationException", message)


def not_found(resource_type: str, identifier: str) -> ServiceError:
    """Make the error for a resource that does not exist."""
    return ServiceError(
        "ResourceNotFoundException",
        f"Could not find the {resource_type.lower().replace('_', ' ')} {identifier}.",
        resourceIdentifier=identifier,
        resourceType=resource_type,
    )


def conflict(message: str, resource_type: str, identifier: str, **members: Any) -> ServiceError:
    """Make the error for what stands against another resource."""
    return ServiceError(
        "ConflictException", message, resourceIdentifier=identifier, resourceType=resource_type, **members
    )


def over_quota(message: str) -> ServiceError:
    """Make the error for more than the service allows."""
    return ServiceError("ServiceQuotaExceededException", message)


def denied(principal: str, action: str, resource: str, *, via: str = "") -> ServiceError:
    """Make the error for a caller that may not do what it asked for."""
    through = f" (called via {via})" if via else ""
    return ServiceError(
        "AccessDeniedException",
        f"User: {principal} is not authorized to perform: {action} on resource: {resource}{through}"
        f" because no identity-based policy allows the {action} action",
    )
