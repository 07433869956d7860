"""Who needs the account's replication set, and who owns it: brought together, whichever was made first."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cdk_incidents._checks import is_token, refusal
from cdk_incidents._places import place_of
from cdk_incidents._regions import check_region

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk import CfnResource
    from constructs import IConstruct


@dataclass(frozen=True)
class _Owned:
    """A replication set of the app."""

    construct: IConstruct
    resource: CfnResource
    regions: Sequence[str]

    def serve(self, user: IConstruct, resource: CfnResource | None) -> None:
        """Let a user of the same account wait for the set, and refuse one in a Region that it lacks."""
        if not _same_account(user, self.construct):
            return
        region = place_of(user).region
        if region not in self.regions and not any(map(is_token, [region, *self.regions])):
            raise refusal(
                f"Region of {user.node.path}",
                f"one of the replication set's ({', '.join(self.regions)})",
                region,
                f"add it to the regions of {self.construct.node.path}, or move the construct.",
            )
        # Across stages there is no order to give: the pipeline that deploys them has one.
        if resource is not None and _same_stage(user, self.construct):
            resource.node.add_dependency(self.resource)


@dataclass
class _App:
    users: list[tuple[IConstruct, CfnResource | None]] = field(default_factory=list)
    owned: list[_Owned] = field(default_factory=list)


# By the identity of the app, which is another Python object each time if Node made it, as behind `Stack()`.
_APPS: dict[str, _App] = {}


def needs_replication_set(construct: IConstruct, resource: CfnResource | None = None) -> None:
    """Say that a construct works only where the account's replication set is.

    Refuses a Region without the service, or one that the app's own set lacks. `resource`, which
    CloudFormation cannot make before the set, waits for that of the app, if there is one now or later.
    """
    check_region(construct)
    app = _app_of(construct)
    for owned in app.owned:
        owned.serve(construct, resource)
    app.users.append((construct, resource))


def owns_replication_set(construct: IConstruct, resource: CfnResource, regions: Sequence[str]) -> None:
    """Say that this is the replication set of the account, which all its users in the app wait for."""
    app = _app_of(construct)
    for other in app.owned:
        if _same_account(construct, other.construct):
            raise refusal(
                "ReplicationSet",
                "the only one of its account",
                f"{other.construct.node.path} as well",
                "keep one, with the Regions of both.",
            )
    owned = _Owned(construct, resource, regions)
    for user, waiting in [*app.users, *_written_by_hand(construct)]:
        owned.serve(user, waiting)
    app.owned.append(owned)


def replication_regions(user: IConstruct) -> Sequence[str]:
    """Return the Regions of the set that the app owns for the account of a construct; of none, nothing."""
    for owned in _app_of(user).owned:
        if _same_account(user, owned.construct):
            return owned.regions
    return ()


def _app_of(construct: IConstruct) -> _App:
    return _APPS.setdefault(place_of(construct).app, _App())


def _written_by_hand(construct: IConstruct) -> list[tuple[IConstruct, CfnResource]]:
    """Return the L1s of the service that the app holds so far; each of ours is among them, and no harm."""
    from aws_cdk import aws_ssmcontacts as ssmcontacts  # noqa: PLC0415 - few apps own the set
    from aws_cdk import aws_ssmincidents as ssmincidents  # noqa: PLC0415 - the same

    types = (
        ssmincidents.CfnResponsePlan,
        ssmcontacts.CfnContact,
        ssmcontacts.CfnContactChannel,
        ssmcontacts.CfnPlan,
        ssmcontacts.CfnRotation,
    )
    return [(child, child) for child in construct.node.root.node.find_all() if isinstance(child, types)]


def _same_account(one: IConstruct, other: IConstruct) -> bool:
    """Tell whether both are in one account; where synth does not know, one stage is one account."""
    accounts = [place_of(one).account, place_of(other).account]
    if any(map(is_token, accounts)):
        return _same_stage(one, other)
    return accounts[0] == accounts[1]


def _same_stage(one: IConstruct, other: IConstruct) -> bool:
    stages = [place_of(one).stage, place_of(other).stage]
    return len({stage for stage in stages if stage is not None}) == 1
