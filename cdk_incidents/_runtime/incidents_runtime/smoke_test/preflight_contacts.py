"""Whether everybody whom the plans reach has channels to be reached by, and has activated them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from incidents_runtime.smoke_test.preflight_answers import MissingError, every
from incidents_runtime.smoke_test.preflight_reach import each, finding, reached, targets_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from incidents_runtime.smoke_test.findings import Finding
    from incidents_runtime.smoke_test.preflight_answers import Answers
    from incidents_runtime.smoke_test.preflight_reach import Reached
    from incidents_runtime.smoke_test.settings import Settings


def look(settings: Settings, aws: Answers) -> Iterator[Finding]:
    """Yield whom no page would reach."""

    def at(contact: Reached) -> Iterator[Finding]:
        if aws.elsewhere(contact.arn):
            return
        try:
            found = aws.contacts.get_contact(ContactId=contact.arn)
        except MissingError:
            yield finding(
                "contact-missing",
                contact.plans,
                f"the contact {contact.arn} must exist, which {contact.by} engages (there is none)",
                "make it, or take it out there.",
            )
            return
        if found["Type"] == "PERSONAL":
            yield from _at_person(contact, found, aws)
        elif found["Type"] == "ESCALATION" and not targets_of(found["Plan"]):
            yield finding(
                "contact-without-channels",
                contact.plans,
                f"the escalation plan {contact.alias} must engage somebody (its stages have no contact)",
                "give it a stage with contacts.",
            )

    return each(reached(settings, aws), at)


def _at_person(contact: Reached, found: dict[str, Any], aws: Answers) -> Iterator[Finding]:
    wanted = [
        target["ChannelTargetInfo"]["ContactChannelId"]
        for target in targets_of(found["Plan"])
        if "ChannelTargetInfo" in target
    ]
    if not wanted:
        yield finding(
            "contact-without-channels",
            contact.plans,
            f"the contact {contact.alias} must be paged by a channel (its stages have none)",
            f"give it channels and stages: console > Incident Manager > Contacts > {contact.alias}.",
        )
        return
    listed = every(aws.contacts.list_contact_channels, "ContactChannels", ContactId=contact.arn)
    # By their last part: the service's own references write the ARN in two ways.
    there = {_id(channel["ContactChannelArn"]): channel for channel in listed}
    by_id = {_id(arn): arn for arn in wanted}
    for arn in (arn for number, arn in by_id.items() if number not in there):
        yield finding(
            "channel-missing",
            contact.plans,
            f"the contact {contact.alias} must have the channel {arn} of its stages (there is none)",
            "deploy the contact's stack, or take the channel out of its stages.",
        )
    silent = [
        there[number]["Name"]
        for number in by_id
        if there.get(number, {}).get("ActivationStatus") == "NOT_ACTIVATED"
    ]
    if silent:
        nobody = ": no page at all reaches this contact" if len(silent) == len(by_id) else ""
        yield finding(
            "channel-not-activated",
            contact.plans,
            f"the contact {contact.alias} must have activated {', '.join(map(repr, silent))} (not activated"
            f"{nobody})",
            "the owner types the activation code: console > Incident Manager > Contacts > CONTACT > CHANNEL >"
            " Activate, or aws ssm-contacts activate-contact-channel --contact-channel-id ARN"
            " --activation-code CODE (send-activation-code sends another).",
        )


def _id(arn: str) -> str:
    return arn.rpartition("/")[2]
