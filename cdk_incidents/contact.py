"""The contact: a person, the channels that reach them, and the order in which these are tried."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from aws_cdk import Annotations
from aws_cdk import aws_ssmcontacts as ssmcontacts
from aws_cdk.interfaces.aws_ssmcontacts import IContactRef

from cdk_incidents._checks import check_list, refusal
from cdk_incidents._contacts import (
    PERSONAL,
    ContactBase,
    ImportedContact,
    check_alias,
    check_display_name,
    derived_alias,
    warn_of_a_quota,
    warn_of_refused_contact_tags,
)
from cdk_incidents._durations import minutes_of, whole_minutes
from cdk_incidents._replication import needs_replication_set
from cdk_incidents.contact_channel import ChannelStage, ContactChannel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk import aws_iam as iam
    from constructs import Construct


class IContact(IContactRef, Protocol):
    """A contact, an escalation plan or an on-call schedule, owned or imported. For type hints."""

    @property
    def contact_arn(self) -> str:
        """The ARN; it carries the Region."""
        ...

    @property
    def contact_alias(self) -> str:
        """The alias, unique in its account and Region."""
        ...

    def grant_engage(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let a principal page by hand, outside any incident, and take the page back."""
        ...

    def grant_read(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let a principal read it, its channels and its engagements."""
        ...

    def share_with(
        self,
        id: str,  # noqa: A002 - CDK's own word
        *,
        accounts: Sequence[str] = (),
        organizational_units: Sequence[str] = (),
        organization: str | None = None,
        allow_external_accounts: bool = False,
    ) -> None:
        """Share it with other accounts, which can then engage it in an incident."""
        ...


class Contact(ContactBase):
    """A person who is paged.

    Creates the contact, its channels and its engagement plan, in this order, since channels name the contact
    and the plan names the channels. The service sends each channel an activation code, and **pages nobody by
    a channel until its owner has typed the code** in the console (Incident Manager, Contacts).

    Parameters
    ----------
    scope, id
        Where the contact lives in the app.
    display_name
        The person's name: 1 to 255 letters a to z, digits, spaces, hyphens and underscores.
    channels
        How to reach them, at least one way; AWS recommends two of different types. Their names must differ.
    alias
        1 to 255 lower-case letters, digits, hyphens and underscores, unique in the account and Region. By
        default it is made of the construct's path. Changing it, so by default moving the construct, replaces
        the contact and its channels, which must be activated anew: give an alias to be free to move it.
    plan
        The stages in which the channels are tried; the service's quota is 10. By default all channels at
        once and again every five minutes, for half an hour, the longest that a stage may last: who was asleep
        or in a tunnel gets another chance, and an acknowledgement ends it.

    Raises
    ------
    ValueError
        If a value breaks a limit of the service, two channels have one name, a stage tries a channel that is
        not in `channels`, or the stack's Region does not have the service. Tokens are let through.

    Notes
    -----
    https://docs.aws.amazon.com/incident-manager/latest/userguide/contacts.html
    """

    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002 - CDK's own word
        *,
        display_name: str,
        channels: Sequence[ContactChannel],
        alias: str | None = None,
        plan: Sequence[ChannelStage] | None = None,
    ) -> None:
        super().__init__(scope, id)
        self._kind = PERSONAL
        self._members = ()
        self._alias = alias or derived_alias(self, "contact")
        self._display_name = display_name
        check_alias(alias)
        check_display_name(display_name)
        _check_channels(channels)
        stages = _default_plan(channels) if plan is None else plan
        _check_plan(stages, channels)
        resource = ssmcontacts.CfnContact(
            self, "Resource", alias=self._alias, display_name=display_name, type=PERSONAL
        )
        needs_replication_set(self, resource)
        self._arn = resource.ref
        made = {channel: self._add(channel) for channel in channels}
        # As a resource of its own: inside the contact it would wait for channels that wait for the contact.
        planned = ssmcontacts.CfnPlan(
            self, "Plan", contact_id=self._arn, stages=[_rendered(stage, made) for stage in stages]
        )
        self._parts = [resource, *made.values(), planned]
        self._warn(stages, channels)
        warn_of_refused_contact_tags(self, resource.cdk_tag_manager)

    @staticmethod
    def from_contact_arn(scope: Construct, id: str, contact_arn: str) -> IContact:  # noqa: A002
        """Import a person's contact that exists, e.g. one that was made in the console.

        Parameters
        ----------
        scope, id
            Where the import lives in the app.
        contact_arn
            Like ``arn:aws:ssm-contacts:eu-west-1:111122223333:contact/ALIAS``.

        Raises
        ------
        ValueError
            If it is not the ARN of a contact. Escalation plans and on-call schedules have ARNs of the same
            form: import these by their own class.
        """
        return ImportedContact(scope, id, argument="contact_arn", arn=contact_arn, kind=PERSONAL)

    def _add(self, channel: ContactChannel) -> ssmcontacts.CfnContactChannel:
        return ssmcontacts.CfnContactChannel(
            self,
            channel.construct_id,
            contact_id=self._arn,
            channel_name=channel.name,
            channel_type=channel.channel_type,
            channel_address=channel.address,
            defer_activation=channel.defer_activation,
        )

    def _warn(self, stages: Sequence[ChannelStage], channels: Sequence[ContactChannel]) -> None:
        tried = {channel for stage in stages for channel in stage.channels}
        for channel in channels:
            if channel not in tried:
                Annotations.of(self).add_warning_v2(
                    "cdk-incidents:channel-never-tried",
                    f"plan must have a stage that tries the channel {channel.name!r}, or it never pages: add"
                    " it to a stage, or leave it out of channels.",
                )
        warn_of_a_quota(self, "plan", "stages", stages)
        for stage in stages:
            warn_of_a_quota(self, "plan", "channels in a stage", stage.channels)


def _default_plan(channels: Sequence[ContactChannel]) -> list[ChannelStage]:
    return [ChannelStage(channels=channels, duration=whole_minutes(30))]


def _check_channels(channels: Sequence[ContactChannel]) -> None:
    check_list("channels", channels, ContactChannel, "ContactChannel")
    if not channels:
        raise refusal(
            "channels",
            "at least one channel",
            "none",
            "nobody could be paged; where the channels are kept elsewhere, import the contact with"
            " Contact.from_contact_arn.",
        )
    seen: dict[str, str] = {}
    for channel in channels:
        if channel.construct_id in seen:
            raise refusal(
                "channels",
                "of different names",
                f"{seen[channel.construct_id]} and {channel.name}",
                'give each channel of one type a name, e.g. ContactChannel.sms(…, name="Private phone").',
            )
        seen[channel.construct_id] = channel.name


def _check_plan(stages: Sequence[ChannelStage], channels: Sequence[ContactChannel]) -> None:
    check_list("plan", stages, ChannelStage, "ChannelStage")
    if not stages:
        raise refusal(
            "plan", "at least one stage", "none", "leave it out to try all channels until somebody answers."
        )
    for stage in stages:
        for channel in stage.channels:
            if channel not in channels:
                raise refusal(
                    "plan",
                    f"of the contact's own channels ({', '.join(own.name for own in channels)})",
                    channel.name,
                    "add it to channels as well.",
                )


def _rendered(
    stage: ChannelStage, made: dict[ContactChannel, ssmcontacts.CfnContactChannel]
) -> ssmcontacts.CfnPlan.StageProperty:
    targets = []
    for channel in stage.channels:
        every = stage.retry_interval if channel.retry_interval is None else channel.retry_interval
        info = ssmcontacts.CfnPlan.ChannelTargetInfoProperty(
            channel_id=made[channel].ref, retry_interval_in_minutes=minutes_of(every)
        )
        targets.append(ssmcontacts.CfnPlan.TargetsProperty(channel_target_info=info))
    return ssmcontacts.CfnPlan.StageProperty(duration_in_minutes=minutes_of(stage.duration), targets=targets)
