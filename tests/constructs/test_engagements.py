"""Whom a response plan engages: what it renders, waits for and refuses, and who may page them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_iam as iam
from aws_cdk import aws_ssmcontacts as ssmcontacts

from cdk_incidents import Contact, ContactChannel, EscalationPlan, IncidentTemplate, ResponsePlan, Stage
from tests.synthesis import CONTACT

if TYPE_CHECKING:
    from aws_cdk.interfaces.aws_ssmcontacts import IContactRef

    from tests.synthesis import Make, Synth

PLAN = "AWS::SSMIncidents::ResponsePlan"
ENGAGE = "ssm-contacts:StartEngagement"


def contact(scope: cdk.Stack, name: str) -> Contact:
    """Return a contact of an app."""
    channels = [ContactChannel.email(f"{name}@example.com")]
    return Contact(scope, name, alias=name.lower(), display_name=name, channels=channels)


def l1(scope: cdk.Stack, name: str, kind: str = "PERSONAL") -> ssmcontacts.CfnContact:
    """Return CDK's own contact."""
    return ssmcontacts.CfnContact(scope, name, alias=name.lower(), display_name=name, type=kind)


def imported(scope: cdk.Stack, name: str) -> IContactRef:
    """Return a contact that exists."""
    return Contact.from_contact_arn(scope, name, CONTACT.replace("first", name.lower()))


def plan_of(scope: cdk.Stack, *engagements: IContactRef, name: str = "Plan") -> ResponsePlan:
    """Return a plan that engages these."""
    incident = IncidentTemplate.critical(title="Title")
    return ResponsePlan(
        scope, name, response_plan_name=name, incident=incident, engagements=list(engagements)
    )


def arn_of(alias: str) -> str:
    """Return the ARN of a contact in the stacks here."""
    return f"arn:aws:ssm-contacts:eu-west-1:111122223333:contact/{alias}"


def deployed(value: Any) -> Any:
    """Return a value with what CloudFormation puts in for the partition."""
    match value:
        case {"Fn::Join": [str(separator), list(parts)]}:
            return separator.join(deployed(part) for part in parts)
        case {"Ref": "AWS::Partition"}:
            return "aws"
        case list():
            return [deployed(each) for each in value]
        case _:
            return value


def who_may_be_paged(synth: Synth, policy: str = "") -> list[str]:
    """Return the contacts that a policy of the stack lets page."""
    statements = synth.properties("AWS::IAM::Policy", policy)["PolicyDocument"]["Statement"]
    found = [deployed(each["Resource"]) for each in statements if each["Action"] == ENGAGE]
    return [arn for arns in found for arn in (arns if isinstance(arns, list) else [arns])]


@pytest.fixture(scope="module")
def engaging(make: Make) -> Synth:
    """Return a stack with a plan that engages a contact of each origin."""
    stack = make.stack(env=make.env)
    ours = contact(stack, "Ours")
    plan_of(stack, ours, imported(stack, "Theirs"), l1(stack, "Hand"))
    return make.synth(stack)


def test_engages_contacts_of_each_origin(engaging: Synth) -> None:
    """The app's own contacts and CDK's L1 are references, in the order given; an import is its ARN."""
    ours = engaging.id_of("AWS::SSMContacts::Contact", "Ours")
    assert engaging.properties(PLAN)["Engagements"] == [{"Ref": ours}, arn_of("theirs"), {"Ref": "Hand"}]


def test_waits_for_what_makes_a_contact_reachable(engaging: Synth) -> None:
    """A plan comes after its contacts' channels and plans: nobody is engaged who cannot be reached yet."""
    ahead = engaging.comes_after(engaging.id_of(PLAN))
    assert set(engaging.of_type("AWS::SSMContacts::ContactChannel")) <= ahead
    assert set(engaging.of_type("AWS::SSMContacts::Plan")) <= ahead
    assert "Hand" in ahead


@pytest.mark.parametrize(("count", "is_refused"), [(5, False), (6, True)])
def test_engages_five_at_most(make: Make, count: int, *, is_refused: bool) -> None:
    """Five engagements are taken; at the sixth the message says how to reach more."""
    stack = make.stack(env=make.env)
    contacts = [imported(stack, f"C{number}") for number in range(count)]
    if not is_refused:
        assert plan_of(stack, *contacts).response_plan_name == "Plan"
        return
    message = (
        r"^engagements must be at most 5 items \(got '6 items'\): put several into one EscalationPlan\.$"
    )
    with pytest.raises(ValueError, match=message):
        plan_of(stack, *contacts)


def test_refuses_what_is_no_contact(make: Make) -> None:
    """An alias or ARN, a contact without its list, and the same twice are refused with the way out."""
    stack = make.stack(env=make.env)
    text: Any = CONTACT
    with pytest.raises(
        ValueError, match=r"^engagements: each must be a contact, .* import it with Contact\."
    ):
        plan_of(stack, text)
    alone: Any = imported(stack, "Alone")
    incident = IncidentTemplate.low(title="Title")
    with pytest.raises(
        ValueError, match=r"^engagements must be a list \(got 'Contact'\): put it into brackets\.$"
    ):
        ResponsePlan(stack, "Single", incident=incident, engagements=contact(stack, "Ours"))  # type: ignore[arg-type]
    again = Contact.from_contact_arn(stack, "Again", alone.contact_arn)
    message = (
        r"^engagements must be different ones \(got \['Stack/Alone', 'Stack/Again'\]\): give each once\.$"
    )
    with pytest.raises(ValueError, match=message):
        plan_of(stack, alone, again, name="Twice")


@pytest.mark.parametrize(
    ("account", "env", "is_said"),
    [
        ("111122223333", cdk.Environment(account="111122223333", region="eu-west-1"), False),
        ("444455556666", cdk.Environment(account="111122223333", region="eu-west-1"), True),
        ("444455556666", None, False),
    ],
    ids=["own", "another", "not-known-at-synth"],
)
def test_warns_of_contacts_of_another_account(
    make: Make, account: str, env: cdk.Environment | None, *, is_said: bool
) -> None:
    """Whether a shared contact may be engaged from another account nobody documents: synth says so."""
    stack = make.stack(env=env)
    theirs = Contact.from_contact_arn(stack, "Theirs", CONTACT.replace("111122223333", account))
    plan_of(stack, theirs)
    messages = make.synth(stack).messages
    expected = (
        "engagements must be of the plan's own account, 111122223333, as far as AWS documents it (got"
        " Stack/Theirs of 444455556666): make the plan in that account and share it from there, or"
        " acknowledge this where it was seen to page. [ack: cdk-incidents:contact-of-another-account]"
    )
    assert messages == ([("/Stack/Plan", "warning", expected)] if is_said else [])


def test_engages_across_stacks_without_an_export(make: Make) -> None:
    """A contact of another stack is named by a text, its stack comes first, and nothing is exported."""
    app = make.app()
    people, service = (cdk.Stack(app, name, env=make.env) for name in ("People", "Service"))
    second = contact(people, "Second")
    team = EscalationPlan(
        people, "Team", alias="team", stages=[Stage(contacts=[contact(people, "First"), second])]
    )
    plan = plan_of(service, team)
    plan.grant_start_incident(iam.User(service, "User"))
    there, here = make.synth_all(people, service)
    assert deployed(here.properties(PLAN)["Engagements"]) == [arn_of("team")]
    assert who_may_be_paged(here) == [arn_of("team"), arn_of("first"), arn_of("second")]
    assert here.dependencies == ["People"]
    assert there.exports() == []
    assert "Fn::ImportValue" not in str(here.template)


def test_a_grant_names_all_that_an_engagement_reaches(make: Make) -> None:
    """Through an escalation plan of the app a starter may page its members too, each named once."""
    stack = make.stack(env=make.env)
    first, second = contact(stack, "First"), contact(stack, "Second")
    team = EscalationPlan(
        stack, "Team", alias="team", stages=[Stage(contacts=[first]), Stage(contacts=[second, first])]
    )
    plan_of(stack, team, first).grant_start_incident(iam.User(stack, "User"))
    assert who_may_be_paged(make.synth(stack)) == [arn_of("team"), arn_of("first"), arn_of("second")]


def test_a_grant_names_everybody_where_nobody_knows(make: Make) -> None:
    """An imported escalation plan hides its members, and so does a list that was set by hand on the L1."""
    stack = make.stack(env=make.env)
    theirs = EscalationPlan.from_escalation_plan_arn(stack, "Theirs", arn_of("theirs"))
    plan_of(stack, theirs).grant_start_incident(iam.User(stack, "User"))
    by_hand = plan_of(stack, name="ByHand")
    resource: Any = by_hand.node.default_child
    resource.engagements = [arn_of("someone")]
    by_hand.grant_start_incident(iam.User(stack, "Other"))
    synth = make.synth(stack)
    assert who_may_be_paged(synth, "User") == [arn_of("*")]
    assert who_may_be_paged(synth, "Other") == [arn_of("*").replace("eu-west-1", "*")]


@pytest.mark.parametrize(("count", "is_each"), [(20, True), (60, False)])
def test_a_grant_of_many_contacts_is_short(make: Make, count: int, *, is_each: bool) -> None:
    """A grant names each of some contacts, and all of the account and Region where they would be too long."""
    stack = make.stack(env=make.env)
    people: list[IContactRef] = [l1(stack, f"Person{number}") for number in range(count)]
    stages = [Stage(contacts=people[start : start + 10]) for start in range(0, count, 10)]
    team = EscalationPlan(stack, "Team", alias="team", stages=stages)
    plan_of(stack, team).grant_start_incident(iam.User(stack, "User"))
    named = who_may_be_paged(make.synth(stack))
    assert named == (
        [arn_of("team"), *(arn_of(f"person{n}") for n in range(count))] if is_each else [arn_of("*")]
    )
