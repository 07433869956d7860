"""Whether incidents can start here at all: the replication set is active and has this Region."""

from __future__ import annotations

from typing import TYPE_CHECKING

from incidents_runtime.smoke_test.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from incidents_runtime.smoke_test.preflight_answers import Answers
    from incidents_runtime.smoke_test.settings import Settings

# While another Region is taken in, no document says whether the set serves: its Region's own status is looked
# at, and the incident that follows shows it.
_SERVING = ("ACTIVE", "UPDATING")


def look(settings: Settings, aws: Answers) -> Iterator[Finding]:  # noqa: ARG001 - every check is asked alike
    """Yield what keeps any incident from starting in this Region."""
    arns = aws.incidents.list_replication_sets()["replicationSetArns"]
    if not arns:
        yield Finding(
            "replication-set-missing",
            "",
            "the account has no replication set, so that no incident can start",
            "make one: deploy a stack with ReplicationSet, once an account.",
        )
        return
    found = aws.incidents.get_replication_set(arn=arns[0])["replicationSet"]
    region = aws.region
    if found["status"] not in _SERVING:
        yield Finding(
            "replication-set-not-active",
            "",
            f"the replication set must be ACTIVE (it is {found['status']})",
            "wait until it is, and deploy again.",
        )
    if region not in found["regionMap"]:
        yield Finding(
            "region-not-in-set",
            "",
            f"the replication set must have the Region {region} (it has {', '.join(found['regionMap'])})",
            f"add {region} to the set, or deploy to one of its Regions.",
        )
    elif found["regionMap"][region]["status"] != "ACTIVE":
        yield Finding(
            "replication-set-not-active",
            "",
            f"the replication set must be ACTIVE in {region} (it is {found['regionMap'][region]['status']})",
            "wait until it is, and deploy again.",
        )
