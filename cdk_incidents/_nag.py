"""Findings of cdk-nag's AwsSolutions pack, and one of CDK's, that are meant to be, acknowledged in place.

A user's own run over an app with our constructs is clean, and finds the reason beside each exception. Without
cdk-nag this does nothing; the template never shows it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_cdk import Acknowledgment, Validations

from cdk_incidents._places import place_of

if TYPE_CHECKING:
    from constructs import IConstruct


def acknowledge_runtime(function: IConstruct) -> None:
    """Acknowledge that a function runs a supported Python that is not the newest one."""
    _acknowledge(function, "L1", "python3.13 is supported to 2029; a newer one comes with a tested release.")


def acknowledge_wildcard(role: IConstruct, resource: str, reason: str) -> None:
    """Acknowledge a wildcard in a role's policy, by the resource as the policy has it."""
    shown = _shown(place_of(role).stack.resolve(resource))
    _acknowledge(role, f"IAM5[Resource::{shown}]", reason)


def acknowledge_key(role: IConstruct) -> None:
    """Acknowledge what CDK grants on the key of a topic that a role publishes to, if it has one."""
    _acknowledge(role, "IAM5[Action::kms:GenerateDataKey*]", "CDK's own grant, on the topic's key alone.")


def acknowledge_alias(subscription: IConstruct) -> None:
    """Acknowledge that a topic invokes an alias, which CDK's own validation takes for no function."""
    acknowledgment = Acknowledgment(
        id="CloudFormation-Validate::W3694", reason="A function's alias is a Lambda endpoint, too."
    )
    Validations.of(subscription).acknowledge(acknowledgment)


def _acknowledge(construct: IConstruct, rule: str, reason: str) -> None:
    acknowledgment = Acknowledgment(id=f"AwsSolutions::AwsSolutions-{rule}", reason=reason)
    Validations.of(construct).acknowledge(acknowledgment)


def _shown(value: Any) -> str:
    """Return a resolved value as cdk-nag writes it: a reference as its name in angle brackets."""
    match value:
        case {"Fn::Join": [str(separator), list(parts)]}:
            return separator.join(_shown(part) for part in parts)
        case {"Fn::GetAtt": [str(name), str(attribute)]}:
            return f"<{name}.{attribute}>"
        case {"Ref": str(name)}:
            return f"<{name}>"
        case _:
            return str(value)
