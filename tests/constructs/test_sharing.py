"""Sharing by AWS RAM: what is shared with whom, and what cannot be."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import pytest

from cdk_incidents import ResponsePlan

if TYPE_CHECKING:
    from cdk_incidents import IResponsePlan
    from tests.synthesis import Make, Synth

SHARE = "AWS::RAM::ResourceShare"
ORGANIZATION = "arn:aws:organizations::111122223333:organization/o-exampleorg"
PLAN = "AWS::SSMIncidents::ResponsePlan"
THEIR_ARN = {
    "Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"}, ":ssm-incidents::111122223333:response-plan/plan"]]
}
UNIT = "arn:aws:organizations::111122223333:ou/o-exampleorg/ou-abcd-11112222"


def plan_of(origin: str, stack: cdk.Stack, make: Make) -> IResponsePlan:
    """Return a plan of the stack's own account."""
    if origin == "owned":
        return make.plan(stack)
    return ResponsePlan.from_response_plan_name(stack, "Plan", "plan")


@pytest.fixture(scope="module", params=["owned", "imported"])
def shared(request: pytest.FixtureRequest, make: Make) -> Synth:
    """Return a stack with a plan of each origin that is shared twice."""
    stack = make.stack(env=make.env)
    plan = plan_of(request.param, stack, make)
    plan.share_with("Bare", organization=ORGANIZATION)
    plan.share_with(
        "Full",
        accounts=["444455556666", "777788889999"],
        organizational_units=[UNIT],
        organization=ORGANIZATION,
        allow_external_accounts=True,
    )
    return make.synth(stack)


def test_shares_with_the_organization_alone(shared: Synth) -> None:
    """A share names the plan and its principals; accounts outside the organisation are kept out."""
    properties = shared.properties(SHARE, "Bare")
    (arn,) = properties["ResourceArns"]
    assert arn in ({"Ref": next(iter(shared.of_type(PLAN)), "")}, THEIR_ARN)
    assert properties["Principals"] == [ORGANIZATION]
    assert properties["AllowExternalPrincipals"] is False


def test_shares_with_everybody_named(shared: Synth) -> None:
    """Accounts, units and the organisation are principals of one share; outsiders only where allowed."""
    properties = shared.properties(SHARE, "Full")
    assert properties["Principals"] == ["444455556666", "777788889999", UNIT, ORGANIZATION]
    assert properties["AllowExternalPrincipals"] is True


def test_shares_have_names_of_their_own(shared: Synth) -> None:
    """Each share has a name that is made of its path."""
    names = [share["Properties"]["Name"] for share in shared.of_type(SHARE).values()]
    assert [re.sub("-[0-9A-F]{8}$", "", name) for name in names] == ["Stack-Plan-Bare", "Stack-Plan-Full"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {},
            (
                "share_with must be called with whom to share (got 'nobody'): pass accounts,"
                " organizational_units or organization."
            ),
        ),
        (
            {"accounts": ["44445555666"]},
            "accounts must be 12 digits each (got '44445555666'): pass them as texts, zeros kept.",
        ),
        (
            {"accounts": [444455556666]},
            "accounts must be 12 digits each (got 444455556666): pass them as texts, zeros kept.",
        ),
        (
            {"accounts": None},
            "accounts must be a list (got None): put it into brackets.",
        ),
        (
            {"accounts": "444455556666"},
            "accounts must be a list (got '444455556666'): put it into brackets.",
        ),
        (
            {"organizational_units": [ORGANIZATION]},
            (
                "organizational_units must be ARNs like"
                " arn:aws:organizations::111122223333:ou/o-exampleorg/ou-abcd-11112222"
                f" (got '{ORGANIZATION[:59]}…): copy them from AWS Organizations."
            ),
        ),
        (
            {"organizational_units": ["ou-abcd-11112222"]},
            (
                "organizational_units must be ARNs like"
                " arn:aws:organizations::111122223333:ou/o-exampleorg/ou-abcd-11112222"
                " (got 'ou-abcd-11112222'): copy them from AWS Organizations."
            ),
        ),
        (
            {"organization": "o-exampleorg"},
            (
                "organization must be an ARN like"
                " arn:aws:organizations::111122223333:organization/o-exampleorg"
                " (got 'o-exampleorg'): copy it from AWS Organizations."
            ),
        ),
    ],
)
def test_refuses_what_is_no_principal(make: Make, arguments: dict[str, Any], message: str) -> None:
    """Nobody, and a value of another form, are refused with the form that it must have."""
    plan = make.plan(make.stack())
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        plan.share_with("Share", **arguments)
    assert plan.node.try_find_child("Share") is None


def test_takes_principals_that_cloudformation_knows(make: Make) -> None:
    """Principals may be parameters of the stack."""
    stack = make.stack()
    names = ("Account", "Unit", "Organization")
    account, unit, organization = (cdk.CfnParameter(stack, name).value_as_string for name in names)
    make.plan(stack).share_with(
        "Share", accounts=[account], organizational_units=[unit], organization=organization
    )
    assert make.synth(stack).properties(SHARE)["Principals"] == [{"Ref": name} for name in names]


def test_refuses_the_plan_of_another_account(make: Make) -> None:
    """Only the owner can share: a plan that was shared with this account is refused."""
    stack = make.stack(env=make.env)
    plan = ResponsePlan.from_response_plan_name(stack, "Theirs", "plan", account="444455556666")
    expected = (
        r"^Stack/Theirs must be of the stack's account, 111122223333, to be shared \(got '444455556666'\):"
        r" only its owner can share it: do it in a stack of that account\.$"
    )
    with pytest.raises(ValueError, match=expected):
        plan.share_with("Share", accounts=["777788889999"])
