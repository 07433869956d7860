"""Sharing with other accounts by AWS RAM: response plans, and contacts of every kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Names, Stack
from constructs import Construct

from cdk_incidents._checks import check_pattern, is_token, refusal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk import Resource

_ORGANIZATION = "o-[a-z0-9]{10,32}"
_ORGANIZATIONS = "arn:aws[a-z-]*:organizations::[0-9]{12}"


def share(
    shared: Resource,
    share_id: str,
    *,
    arn: str,
    accounts: Sequence[str],
    organizational_units: Sequence[str],
    organization: str | None,
    allow_external_accounts: bool,
) -> None:
    """Share a resource; the arguments are those of `IResponsePlan.share_with`.

    RAM attaches its default permission for the type of the resource, which lets the others see and use it.
    https://docs.aws.amazon.com/ram/latest/userguide/shareable.html#shareable-incidentmgr
    """
    _check_owner(shared)
    _check("accounts", accounts, "[0-9]{12}", "12 digits each", "pass them as texts, zeros kept.")
    _check(
        "organizational_units",
        organizational_units,
        f"{_ORGANIZATIONS}:ou/{_ORGANIZATION}/ou-[0-9a-z]{{4,32}}-[a-z0-9]{{8,32}}",
        "ARNs like arn:aws:organizations::111122223333:ou/o-exampleorg/ou-abcd-11112222",
        "copy them from AWS Organizations.",
    )
    check_pattern(
        "organization",
        organization,
        pattern=f"{_ORGANIZATIONS}:organization/{_ORGANIZATION}",
        rule="an ARN like arn:aws:organizations::111122223333:organization/o-exampleorg",
        remedy="copy it from AWS Organizations.",
    )
    principals = [*accounts, *organizational_units, *([] if organization is None else [organization])]
    if not principals:
        raise refusal(
            "share_with",
            "called with whom to share",
            "nobody",
            "pass accounts, organizational_units or organization.",
        )
    from aws_cdk import aws_ram as ram  # noqa: PLC0415 - few share

    scope = Construct(shared, share_id)
    ram.CfnResourceShare(
        scope,
        "Resource",
        name=Names.unique_resource_name(scope, max_length=128, separator="-"),
        resource_arns=[arn],
        principals=principals,
        allow_external_principals=allow_external_accounts,
    )


def _check(argument: str, values: Sequence[str], pattern: str, rule: str, remedy: str) -> None:
    if not isinstance(values, list | tuple):
        raise refusal(argument, "a list", values, "put it into brackets.")
    for value in values:
        check_pattern(argument, value, pattern=pattern, rule=rule, remedy=remedy)


def _check_owner(shared: Resource) -> None:
    owner, here = shared.env.account, Stack.of(shared).account
    if owner != here and not is_token(owner) and not is_token(here):
        raise refusal(
            shared.node.path,
            f"of the stack's account, {here}, to be shared",
            owner,
            "only its owner can share it: do it in a stack of that account.",
        )
