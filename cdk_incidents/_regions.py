"""Where Incident Manager is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Annotations

from cdk_incidents._checks import is_token, refusal
from cdk_incidents._places import place_of

if TYPE_CHECKING:
    from constructs import IConstruct

REGIONS = frozenset(
    {
        *("ap-northeast-1", "ap-northeast-2", "ap-south-1", "ap-southeast-1", "ap-southeast-2"),
        *("ca-central-1", "eu-central-1", "eu-north-1", "eu-west-1", "eu-west-2", "eu-west-3"),
        *("sa-east-1", "us-east-1", "us-east-2", "us-west-1", "us-west-2"),
    }
)
"""https://docs.aws.amazon.com/general/latest/gr/incident-manager.html; the service gets no new ones."""


def check_region(construct: IConstruct) -> None:
    """Refuse a stack of a Region without Incident Manager; there, calls would fail as unknown hosts."""
    region = place_of(construct).region
    if not is_token(region) and region not in REGIONS:
        raise refusal(
            "Region of the stack",
            f"one that has Incident Manager ({', '.join(sorted(REGIONS))})",
            region,
            "put the plan and its trigger into a stack of one of these.",
        )


def check_region_name(argument: str, region: str | None) -> None:
    """Refuse a Region without Incident Manager, or what is none; a token passes."""
    if region is not None and not is_token(region) and region not in REGIONS:
        raise refusal(argument, f"one of {', '.join(sorted(REGIONS))}", region, "copy it from the trigger's.")


def warn_of_region(user: IConstruct) -> None:
    """Warn of an alarm or a rule in a Region without Incident Manager.

    CloudWatch and EventBridge fail over to the Regions of the replication set; whether they do so where the
    service never was, no source settles.
    https://docs.aws.amazon.com/incident-manager/latest/userguide/incident-manager-cross-account-cross-region.html
    """
    region = place_of(user).region
    if not is_token(region) and region not in REGIONS:
        Annotations.of(user).add_warning_v2(
            "cdk-incidents:region-without-service",
            f"{user.node.path} should stand in a Region that has Incident Manager (got {region}): AWS does"
            " not say whether an incident opens from there. Move it, or acknowledge this where one did.",
        )
