"""ARNs of Incident Manager: what they look like, and how one stack names what another stack owns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Arn, ArnFormat, Stack, Stage

from cdk_incidents._checks import check_length, check_pattern, is_token, refusal

if TYPE_CHECKING:
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


def response_plan_arn(stack: Stack, name: str, *, account: str | None = None) -> str:
    """Return the ARN of a plan by its name; such ARNs carry no Region."""
    return stack.format_arn(
        service="ssm-incidents",
        region="",
        account=account or stack.account,
        resource="response-plan",
        resource_name=name,
    )


def identity_of(construct: object) -> str:
    """Return what stays the same: what Node made comes back as another Python object each time."""
    # jsii's own reference; it types constructs without it.
    identity: str = construct.__jsii_ref__.ref  # type: ignore[attr-defined]
    return identity


def same_stack(one: IConstruct, other: IConstruct) -> bool:
    """Tell whether both constructs end in one template."""
    return Stack.of(one).node.addr == Stack.of(other).node.addr


def same_deployment(one: IConstruct, other: IConstruct) -> bool:
    """Tell whether both constructs are deployed at once: in one stack, or in nested stacks of one."""
    return outermost_stack(one).node.addr == outermost_stack(other).node.addr


def outermost_stack(construct: IConstruct) -> Stack:
    """Return the stack that is deployed, where the construct lies in nested ones."""
    stack = Stack.of(construct)
    while stack.nested_stack_parent is not None:
        stack = stack.nested_stack_parent
    return stack


def waits_for(later: IConstruct, earlier: IConstruct) -> bool:
    """Tell whether a stack is deployed with or after another, as far as the app has said by now."""
    wanted = outermost_stack(earlier).node.addr
    ahead, seen = [outermost_stack(later)], set()
    while ahead:
        stack = ahead.pop()
        if stack.node.addr == wanted:
            return True
        if stack.node.addr not in seen:
            seen.add(stack.node.addr)
            ahead += map(outermost_stack, stack.dependencies)
    return False


def deploy_after(later: IConstruct, earlier: IConstruct) -> None:
    """Order two stacks of one stage, so that a name is not used before it stands for something.

    Across stages there is no order to give: the pipeline that deploys them has one.
    """
    later_stage, earlier_stage = Stage.of(later), Stage.of(earlier)
    if later_stage is None or earlier_stage is None or later_stage.node.addr != earlier_stage.node.addr:
        return
    outermost_stack(later).add_stack_dependency(outermost_stack(earlier))
