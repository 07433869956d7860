"""Where Incident Manager is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Stack

from cdk_incidents._checks import is_token, refusal

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
    region = Stack.of(construct).region
    if not is_token(region) and region not in REGIONS:
        raise refusal(
            "Region of the stack",
            f"one that has Incident Manager ({', '.join(sorted(REGIONS))})",
            region,
            "put the plan and its trigger into a stack of one of these.",
        )
