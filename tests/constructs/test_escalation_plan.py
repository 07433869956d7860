"""Escalation plans: whom their stages engage, whose answer ends them, and whom a grant must name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_iam as iam
from aws_cdk import aws_ssmcontacts as ssmcontacts

from cdk_incidents import (
    Contact,
    ContactChannel,
    EscalationPlan,
    IncidentTemplate,
    OnCallSchedule,
    Recurrence,
    ResponsePlan,
    Rotation,
    Stage,
)

if TYPE_CHECKING:
    from tests.synthesis import Make, Synth

CONTACT = "AWS::SSMContacts::Contact"
ARN = "arn:aws:ssm-contacts:eu-west-1:111122223333:contact/theirs"
EMAIL = ContactChannel.email("ada@example.com")


def person(stack: cdk.Stack, name: str) -> Contact:
    """Return a person's contact, its alias its name."""
    return Contact(stack, name, display_name=name, alias=name.lower(), channels=[EMAIL])


def schedule(stack: cdk.Stack, *people: Contact) -> OnCallSchedule:
    """Return a schedule of these people."""
    rotation = Rotation(
        contacts=people,
        start="2027-01-04T09:00:00",
        time_zone="Europe/Berlin",
        recurrence=Recurrence.weekly(monday="09:00"),
    )
    return OnCallSchedule(stack, "OnCall", rotations=[rotation], alias="on-call")


@pytest.fixture(scope="module")
def full(make: Make) -> Synth:
    """Return a stack with a plan that uses every argument, and one that uses none."""
    stack = make.stack()
    ada, bo = person(stack, "Ada"), person(stack, "Bo")
    EscalationPlan(
        stack,
        "Full",
        alias="escalation",
        display_name="When nobody answers",
        stages=[
            Stage(contacts=[schedule(stack, ada)], observers=[bo], duration=cdk.Duration.minutes(0)),
            Stage(contacts=[ada, bo], duration=cdk.Duration.minutes(30)),
            Stage(observers=[Contact.from_contact_arn(stack, "Theirs", ARN)]),
        ],
    )
    EscalationPlan(stack, "Bare", stages=[Stage(contacts=[ada])])
    return make.synth(stack)


def engaged(contact_id: Any, *, is_essential: bool) -> dict[str, Any]:
    """Return how a stage names a contact."""
    return {"ContactTargetInfo": {"ContactId": contact_id, "IsEssential": is_essential}}


def test_renders_every_field(full: Synth) -> None:
    """Contacts are essential, so that their acknowledgement ends the escalation; observers are not."""
    ada, bo, on_call = ({"Ref": full.id_of(CONTACT, name)} for name in ("Ada", "Bo", "OnCall"))
    assert full.properties(CONTACT, "Full") == {
        "Alias": "escalation",
        "DisplayName": "When nobody answers",
        "Type": "ESCALATION",
        "Plan": [
            {
                "DurationInMinutes": 0,
                "Targets": [engaged(on_call, is_essential=True), engaged(bo, is_essential=False)],
            },
            {
                "DurationInMinutes": 30,
                "Targets": [engaged(ada, is_essential=True), engaged(bo, is_essential=True)],
            },
            {"DurationInMinutes": 5, "Targets": [engaged(ARN, is_essential=False)]},
        ],
    }


def test_defaults(full: Synth) -> None:
    """Alias and display name are derived, and end in the kind; a stage lasts five minutes."""
    properties = full.properties(CONTACT, "Bare")
    assert properties["DisplayName"] == properties["Alias"]
    assert properties["Alias"].endswith("-escalation")
    assert [stage["DurationInMinutes"] for stage in properties["Plan"]] == [5]


def test_is_one_resource(full: Synth) -> None:
    """The plan stands in the contact, where it makes no cycle; a second form of it would fight with it."""
    plans = full.of_type("AWS::SSMContacts::Plan").values()
    owners = {plan["Properties"]["ContactId"]["Ref"] for plan in plans}
    assert owners == {full.id_of(CONTACT, "Ada"), full.id_of(CONTACT, "Bo")}


def test_warns_of_nothing(full: Synth) -> None:
    """Plans that are as they should be make no warning."""
    assert full.messages == []


def test_refuses_a_stage_without_target(make: Make) -> None:
    """A stage that engages nobody is no pause, and a plan without stages reaches nobody."""
    expected = r"^contacts must be at least one, unless there are observers \(got 'nobody'\): to wait longer"
    with pytest.raises(ValueError, match=expected):
        Stage()
    expected = r"^stages must be at least one stage \(got 'none'\): a plan without stages reaches nobody\.$"
    with pytest.raises(ValueError, match=expected):
        EscalationPlan(make.stack(), "Escalation", stages=[])


def test_refuses_to_engage_somebody_twice_in_a_stage(make: Make) -> None:
    """One who is essential and an observer at once is a contradiction; twice the same is a slip."""
    ada = person(make.stack(), "Ada")
    expected = (
        r"^contacts must be different from each other and from observers \(got 'Stack/Ada twice'\): name"
    )
    with pytest.raises(ValueError, match=expected):
        Stage(contacts=[ada], observers=[ada])
    with pytest.raises(ValueError, match=expected):
        Stage(contacts=[ada, ada])


@pytest.mark.parametrize("argument", ["contacts", "observers"])
def test_refuses_what_is_no_contact(make: Make, argument: str) -> None:
    """An alias or an ARN is refused with the way to import one, and a plan begins no other plan."""
    expected = (
        rf"^{argument} must be a contact, an escalation plan or an on-call schedule \(got 'ada'\): import"
        r" it with Contact\.from_contact_arn, EscalationPlan\.from_escalation_plan_arn or OnCallSchedule\."
    )
    wrong: dict[str, Any] = {argument: ["ada"]}
    with pytest.raises(ValueError, match=expected):
        Stage(**wrong)
    stack = make.stack()
    nested = {
        "Owned": EscalationPlan(stack, "Owned", stages=[Stage(contacts=[person(stack, "Ada")])]),
        "Imported": EscalationPlan.from_escalation_plan_arn(stack, "Imported", ARN),
        "Cfn": ssmcontacts.CfnContact(stack, "Cfn", alias="e", display_name="E", type="ESCALATION"),
    }
    for name, plan in nested.items():
        expected = (
            rf"^{argument} must be contacts or on-call schedules \(got 'Stack/{name}, an escalation plan'\)"
        )
        wrong = {argument: [plan]}
        with pytest.raises(ValueError, match=expected):
            Stage(**wrong)


def test_warns_beyond_the_quotas(make: Make) -> None:
    """Ten stages and ten targets in one are what the service grants at first; more of either is said."""
    stack = make.stack()
    people = [person(stack, f"P{number}") for number in range(11)]
    EscalationPlan(stack, "Fits", stages=[Stage(contacts=people[:5], observers=people[5:10])] * 10)
    EscalationPlan(stack, "Beyond", stages=[Stage(contacts=people[:5], observers=people[5:])] * 11)
    assert {(path, text.partition(",")[0]) for path, _, text in make.synth(stack).messages} == {
        ("/Stack/Beyond", "stages must have at most 10 stages (got 11)"),
        ("/Stack/Beyond", "stages must have at most 10 contacts and observers in a stage (got 11)"),
    }


def arns_granted(stack: cdk.Stack, make: Make) -> list[str]:
    """Return on whom the stack's user may start an engagement, as aliases."""
    statements = make.synth(stack).properties("AWS::IAM::Policy")["PolicyDocument"]["Statement"]
    (resources,) = (s["Resource"] for s in statements if s["Action"] == "ssm-contacts:StartEngagement")
    return sorted(
        str(resource).rpartition("contact/")[2].strip("]}'")
        for resource in (resources if isinstance(resources, list) else [resources])
    )


def test_a_grant_names_everybody_whom_a_plan_may_reach(make: Make) -> None:
    """Through a schedule's rotations too, once each: the service may ask for each who is engaged."""
    stack = make.stack()
    ada, bo = person(stack, "Ada"), person(stack, "Bo")
    theirs = Contact.from_contact_arn(stack, "Theirs", ARN)
    stages = [Stage(contacts=[schedule(stack, ada)]), Stage(contacts=[bo, ada], observers=[theirs])]
    plan = EscalationPlan(stack, "Escalation", alias="escalation", stages=stages)
    plan.grant_engage(iam.User(stack, "User"))
    assert arns_granted(stack, make) == ["ada", "bo", "escalation", "on-call", "theirs"]


def made_elsewhere(stack: cdk.Stack, kind: str) -> Any:
    """Return something whose members nobody here knows."""
    match kind:
        case "imported plan":
            return EscalationPlan.from_escalation_plan_arn(stack, "It", ARN)
        case "imported schedule":
            return OnCallSchedule.from_on_call_schedule_arn(stack, "It", ARN)
        case _:
            return ssmcontacts.CfnContact(stack, "It", alias="it", display_name="It", type=kind)


@pytest.mark.parametrize("kind", ["ESCALATION", "ONCALL_SCHEDULE", "imported plan", "imported schedule"])
def test_a_grant_on_what_was_made_elsewhere_names_all_contacts(make: Make, kind: str) -> None:
    """Nobody here knows whom an import, or a plan written by hand, reaches: all of its account and Region."""
    stack = make.stack()
    incident = IncidentTemplate.critical(title="Title")
    plan = ResponsePlan(stack, "Plan", incident=incident, engagements=[made_elsewhere(stack, kind)])
    plan.grant_start_incident(iam.User(stack, "User"))
    assert arns_granted(stack, make) == ["*"]


def test_a_grant_on_a_person_names_that_person(make: Make) -> None:
    """A contact written by hand, or imported as a person, reaches itself alone."""
    stack = make.stack()
    by_hand = ssmcontacts.CfnContact(stack, "It", alias="it", display_name="It", type="PERSONAL")
    stages = [Stage(contacts=[by_hand])]
    EscalationPlan(stack, "Escalation", alias="escalation", stages=stages).grant_engage(
        iam.User(stack, "User")
    )
    assert arns_granted(stack, make) == ["escalation", "it"]
