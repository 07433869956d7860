"""Contacts and their channels: what they render, in which order, what they refuse; imports and grants."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_iam as iam
from aws_cdk import aws_ssmcontacts as ssmcontacts

from cdk_incidents import (
    ChannelStage,
    Contact,
    ContactChannel,
    EscalationPlan,
    OnCallSchedule,
    ReplicationSet,
    Stage,
)
from tests.synthesis import FLAGS

if TYPE_CHECKING:
    from collections.abc import Callable

    from cdk_incidents import IContact
    from tests.synthesis import Make, Synth

CONTACT = "AWS::SSMContacts::Contact"
CHANNEL = "AWS::SSMContacts::ContactChannel"
PLAN = "AWS::SSMContacts::Plan"
ARN = "arn:aws:ssm-contacts:eu-central-1:444455556666:contact/their-contact"
EMAIL = ContactChannel.email("ada@example.com")
SMS = ContactChannel.sms("+14255550101")
VOICE = ContactChannel.voice("+14255550101", name="Home phone", defer_activation=True)
IMPORTS: dict[str, Callable[[cdk.Stack, str, str], IContact]] = {
    "contact_arn": Contact.from_contact_arn,
    "escalation_plan_arn": EscalationPlan.from_escalation_plan_arn,
    "on_call_schedule_arn": OnCallSchedule.from_on_call_schedule_arn,
}


def minutes(number: float) -> cdk.Duration:
    """Return so many minutes."""
    return cdk.Duration.minutes(number)


@pytest.fixture(scope="module")
def full(make: Make) -> Synth:
    """Return a stack with a contact that uses every argument, and one that uses none."""
    stack = make.stack()
    Contact(
        stack,
        "Full",
        display_name="Ada Lovelace",
        alias="ada",
        channels=[EMAIL, SMS, VOICE],
        plan=[
            ChannelStage(
                channels=[EMAIL, SMS.retried(minutes(60))], retry_interval=minutes(0), duration=minutes(0)
            ),
            ChannelStage(channels=[VOICE], duration=minutes(30), retry_interval=minutes(60)),
            ChannelStage(channels=[EMAIL]),
        ],
    )
    Contact(stack, "Bare", display_name="Bo", channels=[EMAIL, SMS])
    return make.synth(stack)


def target(full: Synth, channel: str, retry: int) -> dict[str, Any]:
    """Return how a plan names a channel."""
    info = {"ChannelId": {"Ref": full.id_of(CHANNEL, channel)}, "RetryIntervalInMinutes": retry}
    return {"ChannelTargetInfo": info}


def test_renders_every_field(full: Synth) -> None:
    """Each argument becomes the property that the service documents for it."""
    contact = {"Ref": full.id_of(CONTACT, "Full")}
    assert full.properties(CONTACT, "Full") == {
        "Alias": "ada",
        "DisplayName": "Ada Lovelace",
        "Type": "PERSONAL",
    }
    assert full.properties(CHANNEL, "FullEmailChannel") == {
        "ContactId": contact,
        "ChannelName": "Email",
        "ChannelType": "EMAIL",
        "ChannelAddress": "ada@example.com",
    }
    assert full.properties(CHANNEL, "FullSmsChannel") == {
        "ContactId": contact,
        "ChannelName": "Sms",
        "ChannelType": "SMS",
        "ChannelAddress": "+14255550101",
    }
    assert full.properties(CHANNEL, "FullHomePhoneChannel") == {
        "ContactId": contact,
        "ChannelName": "Home phone",
        "ChannelType": "VOICE",
        "ChannelAddress": "+14255550101",
        "DeferActivation": True,
    }
    email, sms, voice = "FullEmail", "FullSms", "FullHomePhone"
    assert full.properties(PLAN, "Full") == {
        "ContactId": contact,
        "Stages": [
            {"DurationInMinutes": 0, "Targets": [target(full, email, 0), target(full, sms, 60)]},
            {"DurationInMinutes": 30, "Targets": [target(full, voice, 60)]},
            {"DurationInMinutes": 5, "Targets": [target(full, email, 5)]},
        ],
    }


def test_by_default_all_channels_are_tried_for_half_an_hour(full: Synth) -> None:
    """Without a plan a contact is paged by every channel at once, and again every five minutes."""
    assert full.properties(PLAN, "Bare")["Stages"] == [
        {"DurationInMinutes": 30, "Targets": [target(full, "BareEmail", 5), target(full, "BareSms", 5)]}
    ]


def test_no_plan_stands_in_the_contact(full: Synth) -> None:
    """CloudFormation has two places for a plan; of channels it can only be the one that makes no cycle."""
    assert all("Plan" not in contact["Properties"] for contact in full.of_type(CONTACT).values())
    assert len(full.of_type(PLAN)) == 2


def test_warns_of_nothing(full: Synth) -> None:
    """Contacts that are as they should be make no warning."""
    assert full.messages == []


def test_adding_and_reordering_channels_replaces_none(make: Make) -> None:
    """A channel keeps its logical id whatever others there are: replacing it would lose its activation."""

    def ids(*channels: ContactChannel) -> dict[str, str]:
        stack = make.stack()
        Contact(stack, "Ada", display_name="Ada", channels=channels)
        made = make.synth(stack).of_type(CHANNEL)
        return {channel["Properties"]["ChannelName"]: logical_id for logical_id, channel in made.items()}

    before, after = ids(EMAIL, VOICE), ids(SMS, VOICE, EMAIL)
    assert before.items() <= after.items()
    assert len(after) == 3


def test_channels_of_one_type_need_names(make: Make) -> None:
    """Two telephones are told apart by names, and names that would make one construct id count as one."""
    expected = (
        r"^channels must be of different names \(got '{0}'\): give each channel of one type a name, e\.g\."
        r' ContactChannel\.sms\(…, name="Private phone"\)\.$'
    )
    with pytest.raises(ValueError, match=expected.format("Sms and Sms")):
        Contact(make.stack(), "Ada", display_name="Ada", channels=[SMS, ContactChannel.sms("+14255550102")])
    alike = [
        ContactChannel.sms("+14255550101", name="my phone"),
        ContactChannel.voice("+14255550101", name="My-Phone"),
    ]
    with pytest.raises(ValueError, match=expected.format("my phone and My-Phone")):
        Contact(make.stack(), "Ada", display_name="Ada", channels=alike)
    named = ContactChannel.sms("+14255550102", name="Work")
    assert Contact(make.stack(), "Ada", display_name="Ada", channels=[SMS, named]).contact_alias


def test_refuses_a_contact_without_channels(make: Make) -> None:
    """Nobody could be paged; who keeps the channels in the console imports the contact."""
    with pytest.raises(
        ValueError, match=r"^channels must be at least one channel \(got 'none'\): nobody could be pa"
    ):
        Contact(make.stack(), "Ada", display_name="Ada", channels=[])


def test_refuses_a_plan_that_tries_nothing_or_a_strangers_channel(make: Make) -> None:
    """A plan has stages, and these try the contact's own channels."""
    with pytest.raises(
        ValueError, match=r"^plan must be at least one stage \(got 'none'\): leave it out to try all"
    ):
        Contact(make.stack(), "Ada", display_name="Ada", channels=[EMAIL], plan=[])
    with pytest.raises(
        ValueError, match=r"^plan must be of the contact's own channels \(Email\) \(got 'Sms'\): add"
    ):
        Contact(
            make.stack(), "Ada", display_name="Ada", channels=[EMAIL], plan=[ChannelStage(channels=[SMS])]
        )


def test_warns_of_a_channel_that_no_stage_tries(make: Make) -> None:
    """A channel outside of the plan never pages: said at synth, once, by an id."""
    stack = make.stack()
    Contact(stack, "Ada", display_name="Ada", channels=[EMAIL, SMS], plan=[ChannelStage(channels=[SMS])])
    expected = (
        "plan must have a stage that tries the channel 'Email', or it never pages: add it to a stage, or"
        " leave it out of channels. [ack: cdk-incidents:channel-never-tried]"
    )
    assert make.synth(stack).messages == [("/Stack/Ada", "warning", expected)]


def test_warns_beyond_the_quotas(make: Make) -> None:
    """Ten stages and ten channels in one are what the service grants at first; more of either is said."""
    channels = [ContactChannel.email("ada@example.com", name=f"Mail {number}") for number in range(11)]
    stack = make.stack()
    fits = [ChannelStage(channels=channels[:10])] * 10
    Contact(stack, "Fits", display_name="Ada", channels=channels[:10], plan=fits)
    beyond = [ChannelStage(channels=channels)] * 11
    Contact(stack, "Beyond", display_name="Ada", channels=channels, plan=beyond)
    messages = make.synth(stack).messages
    assert {(path, text.partition(",")[0]) for path, _, text in messages} == {
        ("/Stack/Beyond", "plan must have at most 10 stages (got 11)"),
        ("/Stack/Beyond", "plan must have at most 10 channels in a stage (got 11)"),
    }
    assert all(text.endswith("[ack: cdk-incidents:contacts-quota]") for *_, text in messages)


@pytest.mark.parametrize(
    "address", ["a@b.c", "ada.lovelace+on-call@mail.example.co.uk", "{{resolve:ssm:/on-call/ada}}"]
)
def test_takes_email_addresses(address: str) -> None:
    """An address has a name, an at sign and a domain, or is a dynamic reference."""
    assert ContactChannel.email(address).address == address


@pytest.mark.parametrize(
    "address",
    [
        "ada",
        "ada@example",
        "@example.com",
        "ada@",
        "Ada <ada@example.com>",
        "a@b@c.de",
        "a b@c.de",
        "",
        "a@b.c\n",
    ],
)
def test_refuses_what_is_no_email_address(address: str) -> None:
    """Another text is refused with what was received and an example."""
    with pytest.raises(
        ValueError, match=r"^address must be an e-mail address \(got '.*\): write it like ada@example"
    ):
        ContactChannel.email(address)


@pytest.mark.parametrize("make_channel", [ContactChannel.sms, ContactChannel.voice])
def test_phone_numbers_are_e164(make_channel: Callable[[str], ContactChannel]) -> None:
    """A plus sign, the country code and the number, 7 to 15 digits, nothing else; or a dynamic reference."""
    for number in ("+1425555", "+4915112345678", "+123456789012345", "{{resolve:ssm:/on-call/ada/phone}}"):
        assert make_channel(number).address == number
    for number in (
        "+142555",
        "+1234567890123456",
        "4915112345678",
        "+0123456789",
        "+49 151 1234",
        "+1(425)5550101",
        "",
    ):
        with pytest.raises(
            ValueError,
            match=r"^address must be a phone number with its country code, in digits only \(got '.*\): write",
        ):
            make_channel(number)


@pytest.mark.parametrize("name", ["E", "n" * 255, "Work phone_2", "-x-"])
def test_takes_channel_names(name: str) -> None:
    """What both CloudFormation and the service take is a channel's name."""
    assert ContactChannel.email("ada@example.com", name=name).name == name


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", r"name must be 1 to 255 characters long"),
        ("n" * 256, r"name must be 1 to 255 characters long .* it has 256"),
        ("Büro", r"name must be letters a to z, digits, spaces, hyphens and underscores \(got 'Büro'\)"),
        ("a.b", r"name must be letters a to z"),
        ("--", r"name must be letters a to z"),
        ("${Token[TOKEN.1]}", r"name must be known at synth .*: pass a plain text, since it names"),
    ],
)
def test_refuses_channel_names(name: str, message: str) -> None:
    """A name that one of the two would refuse, or that gives no construct id, is refused at once."""
    with pytest.raises(ValueError, match=f"^{message}"):
        ContactChannel.email("ada@example.com", name=name)


@pytest.mark.parametrize("stage", [ChannelStage, Stage])
def test_stages_last_up_to_half_an_hour(make: Make, stage: Any) -> None:
    """A stage lasts 0 to 30 whole minutes, of a contact and of an escalation plan."""
    stack = make.stack()
    engaged: Any = (
        {"channels": [EMAIL]}
        if stage is ChannelStage
        else {"contacts": [Contact(stack, "Ada", display_name="Ada", channels=[EMAIL])]}
    )
    for fits in (minutes(0), minutes(30), cdk.Duration.seconds(60)):
        assert stage(duration=fits, **engaged).duration.to_minutes() in {0, 1, 30}
    for wrong, shown in (
        (minutes(31), "31 minutes"),
        (cdk.Duration.seconds(90), "1 minute 30 seconds"),
        (5, "5"),
    ):
        with pytest.raises(
            ValueError, match=rf"^duration must be a Duration of 0 to 30 whole minutes \(got '?{shown}'?\): "
        ):
            stage(duration=wrong, **engaged)


def test_retries_are_up_to_an_hour_apart() -> None:
    """A retry interval is 0 to 60 whole minutes, of a stage and of one channel in it."""
    assert EMAIL.retried(minutes(60)) == EMAIL
    assert ChannelStage(channels=[EMAIL], retry_interval=minutes(60))
    with pytest.raises(
        ValueError, match=r"^every must be a Duration of 0 to 60 whole minutes \(got '1 hour 1 minute'\)"
    ):
        EMAIL.retried(minutes(61))
    with pytest.raises(ValueError, match=r"^retry_interval must be a Duration of 0 to 60 whole minutes"):
        ChannelStage(channels=[EMAIL], retry_interval=minutes(61))


def test_stages_try_channels_and_each_once() -> None:
    """A stage without a channel is no pause, and a channel twice is not tried twice."""
    with pytest.raises(
        ValueError, match=r"^channels must be at least one channel \(got 'none'\): to wait longer, give"
    ):
        ChannelStage(channels=[])
    with pytest.raises(
        ValueError, match=r"^channels must be different channels \(got 'Email, Email'\): to try one again"
    ):
        ChannelStage(channels=[EMAIL, EMAIL.retried(minutes(1))])


def test_what_is_of_another_type_is_refused_by_name(make: Make) -> None:
    """One instead of several, a text instead of a channel: told with the argument, not from the depth."""
    email: Any = EMAIL
    stage: Any = ChannelStage(channels=[EMAIL])
    number: Any = 4915112345678
    wrong: list[tuple[str, Callable[[], object]]] = [
        ("address must be a text", lambda: ContactChannel.sms(number)),
        ("channels must be a list of ContactChannel", lambda: make_contact(make.stack(), channels=email)),
        ("channels must be a list of ContactChannel", lambda: ChannelStage(channels=["Email"])),  # type: ignore[list-item]
        ("plan must be a list of ChannelStage", lambda: make_contact(make.stack(), plan=stage)),
        ("contacts must be a list of contacts", lambda: Stage(contacts=make_contact(make.stack()))),  # type: ignore[arg-type]
        ("stages must be a list of Stage", lambda: make_escalation(make.stack(), stages=["Ada"])),
        ("contact_arn must be a text", lambda: Contact.from_contact_arn(make.stack(), "It", None)),  # type: ignore[arg-type]
    ]
    for message, make_it in wrong:
        with pytest.raises(ValueError, match=f"^{message}"):
            make_it()


def test_tokens_reach_the_template(make: Make) -> None:
    """Personal data need not stand in the code: addresses, names and times may be the deployment's."""
    stack = make.stack()
    texts = {
        key: cdk.CfnParameter(stack, key).value_as_string for key in ("Alias", "Display", "Mail", "Phone")
    }
    time = minutes(cdk.CfnParameter(stack, "Minutes", type="Number").value_as_number)
    email, sms = ContactChannel.email(texts["Mail"]), ContactChannel.sms(texts["Phone"])
    plan = [ChannelStage(channels=[email, sms.retried(time)], duration=time)]
    Contact(
        stack, "Ada", display_name=texts["Display"], alias=texts["Alias"], channels=[email, sms], plan=plan
    )
    synth = make.synth(stack)
    assert synth.properties(CONTACT) == {
        "Alias": {"Ref": "Alias"},
        "DisplayName": {"Ref": "Display"},
        "Type": "PERSONAL",
    }
    assert synth.properties(CHANNEL, "Email")["ChannelAddress"] == {"Ref": "Mail"}
    assert synth.properties(CHANNEL, "Sms")["ChannelAddress"] == {"Ref": "Phone"}
    (stage,) = synth.properties(PLAN)["Stages"]
    assert stage["DurationInMinutes"] == {"Ref": "Minutes"}
    assert stage["Targets"][1]["ChannelTargetInfo"]["RetryIntervalInMinutes"] == {"Ref": "Minutes"}


def make_contact(stack: cdk.Stack, **changes: Any) -> Contact:
    """Return a person's contact."""
    return Contact(stack, "It", **{"display_name": "Ada", "channels": [EMAIL], **changes})


def make_escalation(stack: cdk.Stack, **changes: Any) -> EscalationPlan:
    """Return an escalation plan over an import."""
    stages = [Stage(contacts=[Contact.from_contact_arn(stack, "Theirs", ARN)])]
    return EscalationPlan(stack, "It", **{"stages": stages, **changes})


@pytest.mark.parametrize("make_it", [make_contact, make_escalation])
def test_aliases_and_display_names_keep_the_rules(make: Make, make_it: Any) -> None:
    """1 to 255 characters, of a few; CloudFormation's display names are stricter than the service's."""
    for name in ("a", "a" * 255, "on-call_2"):
        assert make_it(make.stack(), alias=name).contact_alias == name
    for name, rule in (
        ("", "1 to 255"),
        ("a" * 256, "1 to 255"),
        ("Ada", "lower-case"),
        ("a.b", "lower-case"),
        ("a\n", "lower"),
    ):
        with pytest.raises(ValueError, match=rf"^alias must be {rule}"):
            make_it(make.stack(), alias=name)
    for name in ("A", "A" * 255, "Ada Lovelace_2-x"):
        assert make_it(make.stack(), display_name=name)
    for name, rule in (
        ("", "1 to 255"),
        ("A" * 256, "1 to 255"),
        ("Zoë", "letters a to z"),
        ("J. Doe", "letters a to z"),
    ):
        with pytest.raises(ValueError, match=rf"^display_name must be {rule}"):
            make_it(make.stack(), display_name=name)


def test_derived_aliases_are_unique(make: Make) -> None:
    """Two contacts of a stack, or of two stacks, stages or nested stacks, get different aliases."""
    app = make.app()
    stacks = [
        cdk.Stack(app, "One"),
        cdk.Stack(app, "Two"),
        cdk.Stack(cdk.Stage(app, "Prod"), "One"),
        cdk.NestedStack(cdk.Stack(app, "Parent1"), "Nested"),
        cdk.NestedStack(cdk.Stack(app, "Parent2"), "Nested"),
    ]
    aliases = [
        Contact(stack, construct_id, display_name="Ada", channels=[EMAIL]).contact_alias
        for stack in stacks
        for construct_id in ("Ada", "ada", "Ada.", "ADA-")
    ]
    assert len(set(aliases)) == 20
    assert all(alias.replace("-", "").isalnum() and alias == alias.lower() for alias in aliases)


def test_derived_aliases_fit_and_end_in_their_kind(make: Make) -> None:
    """However deep it lies the alias has 255 characters at most; its kind, at the end, is not cut off."""
    stack = make.stack("S" * 120)
    alias = Contact(stack, "A" * 250, display_name="Ada", channels=[EMAIL]).contact_alias
    assert len(alias) == 255
    assert alias.endswith("-contact")


def test_a_change_of_kind_changes_the_alias(make: Make) -> None:
    """When an id stands for another kind, the new contact is made before the old one goes: aliases differ."""
    aliases = {make_it(make.stack()).contact_alias for make_it in (make_contact, make_escalation)}
    assert len(aliases) == 2


def test_parts_are_made_in_an_order_that_exists(full: Synth) -> None:
    """First the contact, then its channels, then its plan: each knows only what is made before it."""
    contact = full.id_of(CONTACT, "Full")
    channels = set(full.of_type(CHANNEL, "Full"))
    assert full.comes_after(contact) == set()
    assert all(full.comes_after(channel) == {contact} for channel in channels)
    assert full.comes_after(full.id_of(PLAN, "Full")) == {contact, *channels}


def test_whoever_engages_waits_for_channels_and_plan(make: Make) -> None:
    """An escalation plan is made when its contacts can be reached, also by channels that no stage tries."""
    stack = make.stack()
    contact = Contact(
        stack, "Ada", display_name="Ada", channels=[EMAIL, SMS], plan=[ChannelStage(channels=[SMS])]
    )
    EscalationPlan(stack, "Escalation", stages=[Stage(contacts=[contact])])
    synth = make.synth(stack)
    before = synth.comes_after(synth.id_of(CONTACT, "Escalation"))
    assert before == {synth.id_of(CONTACT, "Ada"), *synth.of_type(CHANNEL), *synth.of_type(PLAN)}


def test_another_stack_names_the_contact_and_comes_after_it(make: Make) -> None:
    """Across stacks there is no export, which would block later changes, but a name and an order."""
    app = make.app()
    people, plans = cdk.Stack(app, "People", env=make.env), cdk.Stack(app, "Plans", env=make.env)
    contact = Contact(people, "Ada", display_name="Ada", channels=[EMAIL], alias="ada")
    by_hand = ssmcontacts.CfnContact(people, "Bo", alias="bo", display_name="Bo", type="PERSONAL")
    EscalationPlan(plans, "Escalation", stages=[Stage(contacts=[contact], observers=[by_hand])])
    user = iam.User(plans, "User")
    contact.grant_engage(user)
    contact.grant_read(user)
    first, second = make.synth_all(people, plans)
    assert first.exports() == []
    assert second.dependencies == ["People"]
    ids = [
        target["ContactTargetInfo"]["ContactId"]
        for target in second.properties(CONTACT)["Plan"][0]["Targets"]
    ]
    assert [contact_id["Fn::Join"][1][2] for contact_id in ids] == [
        ":ssm-contacts:eu-west-1:111122223333:contact/ada",
        ":ssm-contacts:eu-west-1:111122223333:contact/bo",
    ]


def test_nested_stacks_are_one_deployment(make: Make) -> None:
    """A contact in a nested stack is referenced, and the plan outside waits for that whole stack."""
    stack = make.stack()
    nested = cdk.NestedStack(stack, "People")
    contact = Contact(nested, "Ada", display_name="Ada", channels=[EMAIL])
    EscalationPlan(stack, "Escalation", stages=[Stage(contacts=[contact])])
    synth = make.synth(stack)
    assert synth.comes_after(synth.id_of(CONTACT)) == {synth.id_of("AWS::CloudFormation::Stack")}


def test_waits_for_the_apps_replication_set(make: Make) -> None:
    """An owned replication set is made before any contact, whichever stands first in the code."""
    stack = make.stack(env=make.env)
    contact = Contact(stack, "Ada", display_name="Ada", channels=[EMAIL])
    ReplicationSet(stack, "ReplicationSet", regions=["eu-west-1"])
    EscalationPlan(stack, "Escalation", stages=[Stage(contacts=[contact])])
    synth = make.synth(stack)
    (replication_set,) = synth.of_type("AWS::SSMIncidents::ReplicationSet")
    assert all(replication_set in synth.comes_after(contact) for contact in synth.of_type(CONTACT))


def test_refuses_a_region_without_the_service(make: Make) -> None:
    """A contact in a Region that Incident Manager does not have is refused at once."""
    stack = make.stack(env=cdk.Environment(region="eu-south-1"))
    with pytest.raises(
        ValueError, match=r"^Region of .* must be one that has Incident Manager .*\(got 'eu-south-1'\)"
    ):
        Contact(stack, "Ada", display_name="Ada", channels=[EMAIL])


def test_warns_of_tags_that_the_service_refuses(make: Make) -> None:
    """Tags of the whole app reach contacts, which take fewer characters than other resources do."""
    stack = make.stack()
    contact = Contact(stack, "Ada", display_name="Ada", channels=[EMAIL])
    fits = {"team/shop_1+2=3-4\\5": "Ünï: code+me@example.com/x=1", "empty": "", "k" * 128: "v" * 256}
    for key, value in fits.items():
        cdk.Tags.of(stack).add(key, value)
    wrong = {
        "cost center": "x",
        "owner@x": "x",
        "cost:center": "x",
        "k" * 129: "x",
        "note": "a;b",
        "long": "v" * 257,
    }
    for key, value in wrong.items():
        cdk.Tags.of(contact).add(key, value)
    messages = make.synth(stack).messages
    assert len(messages) == 6
    assert all(text.endswith("[ack: cdk-incidents:refused-tags]") for *_, text in messages)
    (text,) = (text for *_, text in messages if "cost center" in text)
    assert text.startswith(
        r"The key of a tag must be 1 to 128 letters a to z, digits and \/_+=- (got 'cost center'), or the"
        " deployment fails: rename it, or keep it from here, Tags.of(app).add(…, exclude_resource_types="
    )


def test_leaves_out_tags_that_were_kept_from_it(make: Make) -> None:
    """The remedy in the warning works."""
    stack = make.stack()
    Contact(stack, "Ada", display_name="Ada", channels=[EMAIL])
    cdk.Tags.of(stack).add("cost center", "x", exclude_resource_types=[CONTACT])
    synth = make.synth(stack)
    assert synth.messages == []
    assert "Tags" not in synth.properties(CONTACT)


@pytest.mark.parametrize("argument", IMPORTS)
def test_imports_by_arn(make: Make, argument: str) -> None:
    """An ARN gives alias, account and Region; nothing is made; what takes an IContactRef takes the import."""
    stack = make.stack(env=make.env)
    contact = IMPORTS[argument](stack, "Import", ARN)
    assert (contact.contact_arn, contact.contact_alias) == (ARN, "their-contact")
    assert (contact.env.account, contact.env.region) == ("444455556666", "eu-central-1")
    assert ssmcontacts.CfnContact.arn_for_contact(contact) == ARN
    assert make.synth(stack).resources == {}


@pytest.mark.parametrize("argument", IMPORTS)
def test_imports_by_an_arn_that_cloudformation_knows(make: Make, argument: str) -> None:
    """The ARN may be a parameter of the stack: alias and account are cut out of it at deployment."""
    stack = make.stack()
    arn = cdk.CfnParameter(stack, "Arn").value_as_string
    contact = IMPORTS[argument](stack, "Import", arn)
    parts = {"Fn::Split": [":", {"Ref": "Arn"}]}
    assert stack.resolve(contact.contact_alias) == {
        "Fn::Select": [1, {"Fn::Split": ["/", {"Fn::Select": [5, parts]}]}]
    }
    assert stack.resolve(contact.env.account) == {"Fn::Select": [4, parts]}


@pytest.mark.parametrize("argument", IMPORTS)
@pytest.mark.parametrize(
    "arn",
    [
        "their-contact",
        "",
        "arn:aws:ssm-contacts::444455556666:contact/their-contact",
        "arn:aws:ssm-contacts:eu-west-1:4444:contact/their-contact",
        "arn:aws:ssm-contacts:eu-west-1:444455556666:contact/",
        "arn:aws:ssm-contacts:eu-west-1:444455556666:contact/Their",
        "arn:aws:ssm-contacts:eu-west-1:444455556666:contact-channel/their-contact/0f2c",
        "arn:aws:ssm-incidents::444455556666:response-plan/their-plan",
        f"{ARN}\n",
    ],
)
def test_refuses_what_is_not_the_arn_of_a_contact(make: Make, argument: str, arn: str) -> None:
    """Another ARN or an alias is refused with the form that it must have."""
    expected = (
        rf"^{argument} must be like arn:aws:ssm-contacts:eu-west-1:111122223333:contact/ALIAS \(got '.*\):"
        r" copy it from the contact's page; escalation plans and schedules have the same form\.$"
    )
    with pytest.raises(ValueError, match=expected):
        IMPORTS[argument](make.stack(), "Import", arn)


@pytest.mark.parametrize("origin", ["owned", "imported"])
@pytest.mark.parametrize("flags", FLAGS.values(), ids=FLAGS)
def test_grants_name_the_contact_alone(make: Make, flags: dict[str, Any], origin: str) -> None:
    """To page by hand, and to look: on the contact, its channels, engagements and pages, not on others'."""
    stack = make.stack(env=make.env, context=flags)
    contact: IContact
    if origin == "owned":
        contact = make_contact(stack, alias="their-contact")
        place = "eu-west-1:111122223333"
    else:
        contact = Contact.from_contact_arn(stack, "It", ARN)
        place = "eu-central-1:444455556666"
    for name in ("Engage", "Read"):
        user = iam.User(stack, name)
        contact.grant_engage(user) if name == "Engage" else contact.grant_read(user)
    synth = make.synth(stack)

    def granted(user: str) -> set[tuple[str, str]]:
        statements = synth.properties("AWS::IAM::Policy", user)["PolicyDocument"]["Statement"]
        return {
            (
                action.removeprefix("ssm-contacts:"),
                str(resource).partition(f"{place}:")[2].strip("]}'") or str(resource),
            )
            for statement in statements
            for action in cdk_list(statement["Action"])
            for resource in cdk_list(statement["Resource"])
        }

    assert granted("Engage") == {
        ("StartEngagement", "contact/their-contact"),
        ("StopEngagement", "engagement/their-contact/*"),
        ("DescribeEngagement", "engagement/their-contact/*"),
    }
    read = granted("Read")
    assert {resource for _, resource in read} == {
        "contact/their-contact",
        "contactchannel/their-contact/*",
        "contact-channel/their-contact/*",
        "engagement/their-contact/*",
        "page/their-contact/*",
        "*",
    }
    assert ("GetContact", "contact/their-contact") in read
    assert {action for action, resource in read if resource == "*"} == {
        "ListContacts",
        "ListEngagements",
        "ListPreviewRotationShifts",
        "ListRotations",
    }


def cdk_list(value: Any) -> list[Any]:
    """Return what IAM lets stand alone as a list."""
    return value if isinstance(value, list) else [value]


def test_shares_with_others(make: Make) -> None:
    """A contact of any kind is shared by RAM under its own ARN."""
    stack = make.stack()
    make_contact(stack).share_with("Share", accounts=["444455556666"])
    synth = make.synth(stack)
    share = synth.properties("AWS::RAM::ResourceShare")
    assert share["ResourceArns"] == [{"Ref": synth.id_of(CONTACT)}]
    assert share["Principals"] == ["444455556666"]
