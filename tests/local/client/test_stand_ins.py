"""Plans and contacts that an app imports, in an account that does not have them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from cdk_incidents.local.assembly import AssemblyStack
from cdk_incidents.local.stand_ins import Import, find_imports
from tests.local.client.assemblies import ACCOUNT, alarm, plan, template, write_assembly

if TYPE_CHECKING:
    from pathlib import Path

    from tests.local.client.conftest import Command

JOINED = {
    "Fn::Join": [
        "",
        [
            "arn:",
            {"Ref": "AWS::Partition"},
            ":ssm-incidents::",
            {"Ref": "AWS::AccountId"},
            ":response-plan/mine",
        ],
    ]
}
PLAIN = f"arn:aws:ssm-incidents::{ACCOUNT}:response-plan/mine"


CONTACT = f"arn:aws:ssm-contacts:us-east-1:{ACCOUNT}:contact/ann"


def imported(*stacks: AssemblyStack) -> list[str]:
    """Return the names of what stacks import."""
    return [known.name for known in find_imports(stacks)]


def stack(**resources: Any) -> AssemblyStack:
    """Return a stack of the loopback's account."""
    return AssemblyStack("S", "S", ACCOUNT, "us-east-1", "", template(**resources))


@pytest.mark.parametrize("action", [PLAIN, JOINED], ids=["by-arn", "by-name"])
def test_finds_what_is_named_and_not_created(action: Any) -> None:
    """A plan that is named by ARN or by name is found, once; one that the app creates is none."""
    assert imported(stack(A=alarm("a", action), B=alarm("b", action))) == ["mine"]
    assert imported(stack(A=alarm("a", action)), stack(P=plan("mine", "Mine"))) == []


def test_leaves_other_accounts_alone() -> None:
    """A plan of another account is not this account's to have."""
    theirs = "arn:aws:ssm-incidents::111122223333:response-plan/theirs"
    assert imported(stack(A=alarm("a", theirs), B=alarm("b", {"Fn::GetAtt": ["X", "Arn"]}))) == []


def test_reads_routes_in_the_code() -> None:
    """The plans of routes stand within a longer text, the function's code."""
    ref, account = {"Ref": "AWS::Partition"}, {"Ref": "AWS::AccountId"}
    parts = [
        '{"arn": "arn:',
        ref,
        ":ssm-incidents::",
        account,
        ':response-plan/one", "x": ',
        {"Ref": "Other"},
    ]
    code = {"Type": "AWS::Lambda::Function", "Properties": {"Code": {"ZipFile": {"Fn::Join": ["", parts]}}}}
    assert imported(stack(F=code)) == ["one"]


def test_finds_contacts_in_their_region() -> None:
    """By ARN, not by a pattern; one that another stack creates is none."""
    engaging = plan("mine", "Mine")
    engaging["Properties"]["Engagements"] = [CONTACT, f"{CONTACT}-*"]
    assert find_imports([stack(P=engaging)]) == [Import("AWS::SSMContacts::Contact", "us-east-1", "ann")]
    contact = {"Type": "AWS::SSMContacts::Contact", "Properties": {"Alias": "ann"}}
    assert imported(stack(P=engaging), stack(C=contact)) == []


def test_rehearsal_of_an_app_that_imports(command: Command, tmp_path: Path) -> None:
    """A plan stands in for an imported one, somebody with a mailbox for a contact; it is told."""
    engaging = plan("Checkout", "Checkout is failing")
    engaging["Properties"]["Engagements"] = [CONTACT]
    stack = template(Plan=engaging, Errors=alarm("errors", {"Ref": "Plan"}), Others=alarm("others", PLAIN))
    code, output = command.run("rehearse", "--app", str(write_assembly(tmp_path / "out", Shop=stack)))
    assert code == 0, output
    assert "stand-ins for ann, mine" in output or "stand-ins for mine, ann" in output
    assert "errors → ann by EMAIL after 0 min" in output
    assert "others → 'Stand-in for mine', impact 3" in output
