"""In which other Regions a route's incidents may start."""

from __future__ import annotations

from typing import TYPE_CHECKING

import jsii
from aws_cdk import Stack
from constructs import IValidation

from cdk_incidents._checks import check_list, is_token, refusal
from cdk_incidents._regions import REGIONS
from cdk_incidents._replication import replication_regions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk.interfaces.aws_ssmincidents import IResponsePlanRef
    from constructs import IConstruct

# A replication set has three Regions at most.
_MOST = 2


def check_failover_regions(user: IConstruct, regions: Sequence[str] | None) -> None:
    """Refuse what no replication set could have beside the trigger's own Region."""
    if regions is None:
        return
    check_list("failover_regions", regions, str, "Regions")
    if len(regions) > _MOST or len({*regions}) < len(regions):
        rule = f"at most {_MOST} different Regions"
        raise refusal(
            "failover_regions", rule, regions, "a replication set has three with the trigger's own."
        )
    for region in regions:
        if is_token(region):
            raise refusal("failover_regions", "known at synth", region, "write them out.")
        if region not in REGIONS:
            rule = f"of those that have Incident Manager ({', '.join(sorted(REGIONS))})"
            raise refusal("failover_regions", rule, region, "choose others of the replication set.")
        if region == Stack.of(user).region:
            raise refusal(
                "failover_regions", "other than the trigger's own", region, "it is tried first anyway."
            )


def failover_regions_of(
    user: IConstruct, plan: IResponsePlanRef, given: Sequence[str] | None
) -> Sequence[str]:
    """Return where else incidents of a plan may start: as given, or as the app's replication set has it."""
    if given is not None:
        return given
    return [region for region in _set_of(user, plan) if region != Stack.of(user).region]


@jsii.implements(IValidation)
class FailoverIsInTheSet:
    """Refuse at synth a Region that the app's own replication set lacks, whichever was made first."""

    def __init__(self, user: IConstruct, plan: IResponsePlanRef, given: Sequence[str]) -> None:
        self._user = user
        self._plan = plan
        self._given = given

    def validate(self) -> list[str]:
        known = _set_of(self._user, self._plan)
        if not known or any(map(is_token, known)):
            return []
        rule = f"of the replication set's ({', '.join(known)})"
        remedy = "add them to the set, or choose others."
        others = [region for region in self._given if region not in known]
        return [str(refusal("failover_regions", rule, others, remedy))] if others else []


def _set_of(user: IConstruct, plan: IResponsePlanRef) -> Sequence[str]:
    here, theirs = Stack.of(user).account, plan.env.account
    if here != theirs and not is_token(here) and not is_token(theirs):
        # Another account's plan lives in that account's set.
        return ()
    return replication_regions(user)
