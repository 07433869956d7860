"""What no document settles about the service, as the loopback AWS takes it."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any, Literal, get_args, get_origin, get_type_hints

from .errors import LocalCloudError


@dataclass(frozen=True, kw_only=True)
class Assumptions:
    """What no document settles about Incident Manager, each with the choice made unless told otherwise.

    A team that knows more says so here; one that does not can see whether its pipeline holds either way.
    `make verify-aws` shows what an account does.

    Parameters
    ----------
    incident_quota_error
        what a start gets when its plan has had its 200 incidents of the month
    reserved_source
        whether a source that begins with `aws.` is refused to a customer
    client_token_window_s
        for how long the service knows a client token of StartIncident, in seconds; for ever by default
    client_token_reuse
        what the same client token gets with other details while it is known
    forwarded_permission_missing
        what a start gets whose caller lacks a permission that the service uses on its behalf
        (StartEngagement, CreateOpsItem, TagResource): an error, or an incident without that side effect
    resolving_stops_engagements
        whether nobody is paged any more for an incident that has been resolved
    resolving_closes_ops_item
        whether resolving an incident resolves its parent OpsItem
    open_record_deletion
        whether an incident that is open can be deleted
    outside_replication_set
        what a call gets in a Region that the replication set lacks
    alarm_organization
        whether `aws:SourceOrgID` comes with an alarm's call of a function

    Raises
    ------
    LocalCloudError
        if a value is none of those that a field knows
    """

    incident_quota_error: Literal[
        "ServiceQuotaExceededException", "ThrottlingException", "ConflictException", "ValidationException"
    ] = "ServiceQuotaExceededException"
    reserved_source: Literal["refused", "accepted"] = "refused"
    client_token_window_s: float | None = None
    client_token_reuse: Literal["ConflictException", "ValidationException", "first incident"] = (
        "ConflictException"  # noqa: S105 - an error's name
    )
    forwarded_permission_missing: Literal["AccessDeniedException", "started"] = "AccessDeniedException"
    resolving_stops_engagements: bool = True
    resolving_closes_ops_item: bool = False
    open_record_deletion: Literal["refused", "deleted"] = "refused"
    outside_replication_set: Literal[
        "ResourceNotFoundException", "ValidationException", "AccessDeniedException"
    ] = "ResourceNotFoundException"
    alarm_organization: bool = True

    def __post_init__(self) -> None:
        for name, allowed in alternatives().items():
            value = getattr(self, name)
            if value not in allowed or isinstance(value, bool) != isinstance(allowed[0], bool):
                told = ", ".join(map(repr, allowed))
                raise LocalCloudError(f"{name} must be one of {told} (got {value!r})")
        window: Any = self.client_token_window_s
        is_number = isinstance(window, (int, float)) and not isinstance(window, bool)
        if window is not None and not (is_number and 0 <= window < math.inf):
            raise LocalCloudError(
                "client_token_window_s must be a number of seconds from 0 up, or None for ever"
                f" (got {window!r})"
            )


def alternatives() -> dict[str, tuple[Any, ...]]:
    """Return what each field may be, the choice made here first; a field that takes a number is left out."""
    hints = get_type_hints(Assumptions)
    known: dict[str, tuple[Any, ...]] = {}
    for field in fields(Assumptions):
        if hints[field.name] is bool:
            known[field.name] = (field.default, not field.default)
        elif get_origin(hints[field.name]) is Literal:
            known[field.name] = get_args(hints[field.name])
    return known


def check(assumptions: object) -> None:
    """Refuse what is no `Assumptions`, such as a dict of them.

    Raises
    ------
    LocalCloudError
        if it is none
    """
    if not isinstance(assumptions, Assumptions):
        raise LocalCloudError(
            "assumptions must be an Assumptions, such as Assumptions(reserved_source='accepted')"
            f" (got {assumptions!r})"
        )
