"""Whether a run may work in the account that it was pointed at: one line if not."""

from __future__ import annotations

import re
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from .guard import PREFIX


class RefusedError(Exception):
    """A run does not begin; the message is one line."""


def admit(session: Any, account: str, region: str) -> list[str]:
    """Give the Regions of the account's replication set, the one that is worked in first.

    Parameters
    ----------
    session
        boto3's, with the credentials
    account
        the account that was named
    region
        the Region that was named; by default the session's

    Raises
    ------
    RefusedError
        if the credentials are not that account's, or its replication set is not active there
    """
    if not re.fullmatch(r"\d{12}", account):
        raise RefusedError(f"ACCOUNT must be the account's id, 12 digits (got {account!r})")
    region = region or session.region_name or ""
    if not region:
        raise RefusedError(
            "REGION must be named, since the credentials' profile has none: REGION=eu-central-1"
        )
    try:
        there = session.client("sts", region_name=region).get_caller_identity()["Account"]
    except (BotoCoreError, ClientError) as error:
        raise RefusedError(f"there are no credentials that work: {error}; log in to {account}") from None
    if there != account:
        raise RefusedError(
            f"the credentials are of account {there} (ACCOUNT is {account}): use {account}'s, or name {there}"
        )
    try:
        found = _replication_set(session.client("ssm-incidents", region_name=region))
    except (BotoCoreError, ClientError) as error:
        raise RefusedError(
            f"Incident Manager cannot be asked in {region}: {error}; name another REGION"
        ) from None
    if not found:
        raise RefusedError(f"account {account} has no replication set, and none is made: use one that has")
    if found["status"] != "ACTIVE":
        raise RefusedError(f"the replication set of {account} is {found['status']}: wait until it is ACTIVE")
    regions = [name for name, entry in found["regionMap"].items() if entry["status"] == "ACTIVE"]
    if region not in regions:
        raise RefusedError(
            f"the replication set of {account} does not have {region}: name REGION={' or '.join(regions)}"
        )
    return [region, *(other for other in regions if other != region)]


def whose_leftovers(clean: str) -> str:
    """Give the prefix of what is to be removed: a run's name, or that of all runs.

    Raises
    ------
    RefusedError
        if no run is named so
    """
    if clean and clean != "1" and not re.fullmatch(f"{PREFIX}[0-9a-f]{{8}}", clean):
        raise RefusedError(f"CLEAN must be a run's name, {PREFIX}…, or 1 for all runs (got {clean!r})")
    return PREFIX if clean == "1" else clean


def _replication_set(incidents: Any) -> dict[str, Any]:
    arns = incidents.list_replication_sets()["replicationSetArns"]
    found: dict[str, Any] = incidents.get_replication_set(arn=arns[0])["replicationSet"] if arns else {}
    return found
