"""ARNs of Incident Manager: what they look like, and how one stack names what another stack owns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Arn, ArnFormat

from cdk_incidents._checks import check_length, check_pattern, is_token, refusal
from cdk_incidents._places import Place, place_of

if TYPE_CHECKING:
    from aws_cdk import Stack
    from constructs import IConstruct

PLAN_NAME = r"[a-zA-Z0-9_-]{1,200}"
"""https://docs.aws.amazon.com/incident-manager/latest/APIReference/API_CreateResponsePlan.html"""

_PLAN_ARN = rf"arn:(aws|aws-cn|aws-us-gov):ssm-incidents::[0-9]{{12}}:response-plan/{PLAN_NAME}"


def check_plan_name(argument: str, name: str) -> None:
    """Refuse what the service would refuse as a response plan's name; a token passes."""
    check_length(argument, name, maximum=200)
    check_pattern(
        argument,
        name,
        pattern=PLAN_NAME,
        rule="letters, digits, hyphens and underscores only",
        remedy="put readable words into display_name instead.",
    )


def response_plan_name_of(argument: str, arn: str) -> str:
    """Return the plan's name in an ARN; of a token, an expression that CloudFormation resolves."""
    if not is_token(arn):
        check_pattern(
            argument,
            arn,
            pattern=_PLAN_ARN,
            rule="like arn:aws:ssm-incidents::111122223333:response-plan/NAME, which has no Region",
            remedy="copy it from the response plan, or import by name with from_response_plan_name.",
        )
        return arn.rpartition("/")[2]
    name = Arn.split(arn, ArnFormat.SLASH_RESOURCE_NAME).resource_name
    if name is None:
        raise refusal(argument, "an ARN with a resource name", arn, "pass the response plan's own ARN.")
    return name


def response_plan_arn(user: IConstruct, name: str, *, account: str | None = None) -> str:
    """Return the ARN of a plan by its name, for a construct that uses it; such ARNs carry no Region."""
    place = place_of(user)
    return f"arn:{place.partition}:ssm-incidents::{account or place.account}:response-plan/{name}"


def same_stack(one: IConstruct, other: IConstruct) -> bool:
    """Tell whether both constructs end in one template."""
    return place_of(one) is place_of(other)


def same_deployment(one: IConstruct, other: IConstruct) -> bool:
    """Tell whether both constructs are deployed at once: in one stack, or in nested stacks of one."""
    return place_of(one).outermost is place_of(other).outermost


def outermost_stack(construct: IConstruct) -> Stack:
    """Return the stack that is deployed, where the construct lies in nested ones."""
    return place_of(construct).outermost.stack


def waits_for(later: IConstruct, earlier: IConstruct) -> bool:
    """Tell whether a stack is deployed with or after another, as far as the app has said by now."""
    wanted = place_of(earlier).outermost
    ahead, seen = [place_of(later).outermost], set()
    while ahead:
        place = ahead.pop()
        if place is wanted:
            return True
        if place not in seen:
            seen.add(place)
            ahead += [place_of(stack).outermost for stack in place.stack.dependencies]
    return False


# Pairs of stacks: an order that was given is never taken back.
_ORDERED: set[tuple[Place, Place]] = set()


def deploy_after(later: IConstruct, earlier: IConstruct) -> None:
    """Order two stacks of one stage, so that a name is not used before it stands for something.

    Across stages there is no order to give: the pipeline that deploys them has one.
    """
    last, first = place_of(later).outermost, place_of(earlier).outermost
    if last.stage is None or last.stage != first.stage:
        return
    if (last, first) not in _ORDERED:
        last.stack.add_stack_dependency(first.stack)
        _ORDERED.add((last, first))
