"""The replication set: one an account, without which nothing else goes."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import botocore.session

from cdk_incidents.local._server.protocol.errors import ServiceError, conflict, invalid, not_found
from cdk_incidents.local._server.protocol.paging import page
from cdk_incidents.local._server.state import active_region, new_replication_set

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cdk_incidents.local._server.state import Caller, Cloud

_REGIONS = 3
# What an account has in Incident Manager, and loses with the set.
_GONE = (
    *("plans", "plan_policies", "records", "alike", "tags", "answers"),
    *("contacts", "channels", "codes", "policies", "rotations", "overrides"),
)
STATUSES = ("ACTIVE", "CREATING", "UPDATING", "DELETING", "FAILED")
REGION_STATUSES = ("ACTIVE", "CREATING", "DELETING", "FAILED")


def require(cloud: Cloud, caller: Caller) -> None:
    """Refuse a call from a Region that the replication set does not have, or has not yet."""
    found = caller.account.replication_set
    if found is None or caller.region not in found["regionMap"]:
        # CHOICE: the error that such a call gets is not documented.
        missing = not_found("REPLICATION_SET", f"in {caller.region}")
        raise ServiceError(cloud.assumptions.outside_replication_set, missing.message, **missing.members)
    if "CREATING" in (found["status"], found["regionMap"][caller.region]["status"]):
        # CHOICE: that nothing can be used meanwhile is documented; the error is not.
        raise invalid(f"The replication set is still being created in {caller.region}")


def put_status(own: dict[str, Any], status: str, region: str) -> None:
    """Let a set be in a status, or one of its Regions. CHOICE: unless it is CREATING, all else goes on."""
    if not region:
        own["status"] = status
    elif region in own["regionMap"]:
        own["regionMap"][region]["status"] = status


def create_replication_set(cloud: Cloud, caller: Caller, params: dict[str, Any]) -> dict[str, Any]:
    """Create the account's set."""
    account = caller.account
    if account.replication_set:
        arn = account.replication_set["arn"]
        raise conflict(f"The account has a replication set already: {arn}", "REPLICATION_SET", arn)
    _check_regions(params["regions"])
    account.replication_set = new_replication_set(account, params["regions"], caller.arn, cloud.clock.now())
    account.tags[account.replication_set["arn"]] = params.get("tags", {})
    return {"arn": account.replication_set["arn"]}


def get_replication_set(_cloud: Cloud, caller: Caller, params: dict[str, Any]) -> dict[str, Any]:
    """Give the set."""
    return {"replicationSet": _own(caller, params["arn"])}


def list_replication_sets(_cloud: Cloud, caller: Caller, params: dict[str, Any]) -> dict[str, Any]:
    """List the one set, or none."""
    found = caller.account.replication_set
    return page([found["arn"]] if found else [], params, "replicationSetArns")


def update_replication_set(cloud: Cloud, caller: Caller, params: dict[str, Any]) -> dict[str, Any]:
    """Add or remove one Region."""
    own, now = _own(caller, params["arn"]), cloud.clock.now()
    regions = own["regionMap"]
    (action,) = params["actions"]
    if "addRegionAction" in action:
        added = dict(action["addRegionAction"])
        name = added.pop("regionName")
        _check_regions([name])
        if name in regions or len(regions) >= _REGIONS:
            raise invalid(
                f"A replication set has at most {_REGIONS} different Regions (has {', '.join(regions)})"
            )
        regions[name] = active_region(added, now)
    else:
        name = action["deleteRegionAction"]["regionName"]
        if name not in regions or len(regions) == 1:
            raise invalid(f"Only a Region of several can be removed (has {', '.join(regions)}; got {name})")
        del regions[name]
    own.update(lastModifiedBy=caller.arn, lastModifiedTime=now)
    return {}


def update_deletion_protection(cloud: Cloud, caller: Caller, params: dict[str, Any]) -> dict[str, Any]:
    """Guard the set, or no more."""
    own = _own(caller, params["arn"])
    own.update(
        deletionProtected=params["deletionProtected"],
        lastModifiedBy=caller.arn,
        lastModifiedTime=cloud.clock.now(),
    )
    return {}


def delete_replication_set(_cloud: Cloud, caller: Caller, params: dict[str, Any]) -> dict[str, Any]:
    """Delete the set, and with it every plan, every contact and every incident."""
    if _own(caller, params["arn"])["deletionProtected"]:
        raise invalid("The replication set is protected from deletion")
    account = caller.account
    account.replication_set = None
    account.engagements.forget_all()
    for name in _GONE:
        getattr(account, name).clear()
    return {}


@functools.cache
def _known_regions() -> list[str]:
    return sorted(botocore.session.get_session().get_available_regions("ssm-incidents"))


def _check_regions(names: Iterable[str]) -> None:
    """Refuse Regions that the service is not in. CHOICE: the error is not documented."""
    if strange := [name for name in names if name not in _known_regions()]:
        raise invalid(f"A Region must be one of {', '.join(_known_regions())} (got {', '.join(strange)})")


def _own(caller: Caller, arn: str) -> dict[str, Any]:
    own = caller.account.replication_set
    if own is None or own["arn"] != arn:
        raise not_found("REPLICATION_SET", arn)
    return own
