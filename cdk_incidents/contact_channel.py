"""How a contact is reached: channels, and the stages in which they are tried; pure values."""

from __future__ import annotations

import dataclasses
import re
from typing import TYPE_CHECKING

from cdk_incidents._checks import (
    check_length,
    check_list,
    check_minutes,
    check_pattern,
    check_text,
    is_token,
    refusal,
)
from cdk_incidents._durations import whole_minutes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk import Duration

_LONGEST_STAGE = 30
_LONGEST_RETRY = 60


@dataclasses.dataclass(frozen=True, kw_only=True)
class ContactChannel:
    """One way to reach a contact; made by `email`, `sms` and `voice`.

    The address is personal data that ends up in the template. Keep it out with a `CfnParameter`, or with a
    dynamic reference: ``{{resolve:ssm:/on-call/ada/phone}}`` or one of Secrets Manager (CloudFormation takes
    ``ssm-secure`` only in other resources).

    A channel pages nobody until its owner has typed the activation code that the service sends. Replacing a
    channel loses its activation, so its construct id is made of its name: adding, removing or reordering
    others replaces nothing, renaming it does.

    Notes
    -----
    https://docs.aws.amazon.com/incident-manager/latest/userguide/contacts.html
    """

    channel_type: str
    address: str
    name: str
    defer_activation: bool | None = None
    # How a stage tries the channel is not what the channel is.
    retry_interval: Duration | None = dataclasses.field(default=None, compare=False)

    def __post_init__(self) -> None:
        if is_token(self.name):
            rule, remedy = "known at synth", "pass a plain text, since it names the channel's resource."
            raise refusal("name", rule, self.name, remedy)
        check_length("name", self.name, maximum=255)
        check_pattern(
            "name",
            self.name,
            pattern=r"(?=.*[a-zA-Z0-9])[a-zA-Z0-9 _-]+",
            rule="letters a to z, digits, spaces, hyphens and underscores",
            remedy="CloudFormation and the service agree on no others.",
        )

    @classmethod
    def email(
        cls, address: str, *, name: str | None = None, defer_activation: bool | None = None
    ) -> ContactChannel:
        """Return a channel that sends an e-mail.

        Parameters
        ----------
        address
            Like ``ada@example.com``.
        name
            1 to 255 letters a to z, digits, spaces, hyphens and underscores, different from the contact's
            other channels. By default ``Email``: needed for a contact's second channel of one type.
        defer_activation
            Whether the service waits with the activation code until it is asked for one. By default it sends
            the code as soon as the channel is made.

        Raises
        ------
        ValueError
            If the address or the name has another form. Tokens and dynamic references pass as address.
        """
        _check_address(
            address,
            pattern=r"[^@\s]+@[^@\s]+\.[^@\s.]+",
            rule="an e-mail address",
            remedy="write it like ada@example.com, without a display name.",
        )
        return cls(
            channel_type="EMAIL",
            address=address,
            name="Email" if name is None else name,
            defer_activation=defer_activation,
        )

    @classmethod
    def sms(
        cls, phone_number: str, *, name: str | None = None, defer_activation: bool | None = None
    ) -> ContactChannel:
        """Return a channel that sends a text message.

        Parameters
        ----------
        phone_number
            With its country code, like ``+4915112345678``.
        name
            As in `email`; by default ``Sms``.
        defer_activation
            As in `email`.

        Raises
        ------
        ValueError
            If the number or the name has another form. Tokens and dynamic references pass as number.
        """
        _check_phone_number(phone_number)
        return cls(
            channel_type="SMS",
            address=phone_number,
            name="Sms" if name is None else name,
            defer_activation=defer_activation,
        )

    @classmethod
    def voice(
        cls, phone_number: str, *, name: str | None = None, defer_activation: bool | None = None
    ) -> ContactChannel:
        """Return a channel that calls; the arguments are those of `sms`, the default name is ``Voice``.

        Raises
        ------
        ValueError
            If the number or the name has another form. Tokens and dynamic references pass as number.
        """
        _check_phone_number(phone_number)
        return cls(
            channel_type="VOICE",
            address=phone_number,
            name="Voice" if name is None else name,
            defer_activation=defer_activation,
        )

    def retried(self, every: Duration) -> ContactChannel:
        """Return the same channel with its own pace inside a stage, whatever the stage's `retry_interval` is.

        Parameters
        ----------
        every
            Whole minutes, up to an hour.

        Raises
        ------
        ValueError
            If it is longer or not whole.
        """
        check_minutes("every", every, maximum=_LONGEST_RETRY)
        return dataclasses.replace(self, retry_interval=every)

    @property
    def construct_id(self) -> str:
        """The construct id of the channel's resource, made of its name."""
        words = re.findall(r"[a-zA-Z0-9]+", self.name)
        return "".join(word[0].upper() + word[1:] for word in words) + "Channel"


@dataclasses.dataclass(frozen=True, kw_only=True)
class ChannelStage:
    """A stage of a contact's engagement plan: channels that are tried together.

    Parameters
    ----------
    channels
        One or more of the contact's channels; the service's quota is 10.
    duration
        How long the service waits before it begins the next stage: 0 to 30 whole minutes. By default five.
    retry_interval
        How often each of these channels is tried again within the stage, unless it has its own
        (`ContactChannel.retried`): 0 to 60 whole minutes. By default every five minutes.

    Raises
    ------
    ValueError
        If there is no channel, or a time breaks its limit.

    Notes
    -----
    https://docs.aws.amazon.com/incident-manager/latest/APIReference/API_SSMContacts_Stage.html
    """

    channels: Sequence[ContactChannel]
    duration: Duration = dataclasses.field(default_factory=lambda: whole_minutes(5))
    retry_interval: Duration = dataclasses.field(default_factory=lambda: whole_minutes(5))

    def __post_init__(self) -> None:
        check_list("channels", self.channels, ContactChannel, "ContactChannel")
        if not self.channels:
            raise refusal(
                "channels",
                "at least one channel",
                "none",
                "to wait longer, give the stage before it a longer duration.",
            )
        if len(set(self.channels)) < len(self.channels):
            names = ", ".join(channel.name for channel in self.channels)
            raise refusal(
                "channels",
                "different channels",
                names,
                "to try one again, give it ContactChannel.retried(every=…), or a second stage.",
            )
        check_minutes("duration", self.duration, maximum=_LONGEST_STAGE)
        check_minutes("retry_interval", self.retry_interval, maximum=_LONGEST_RETRY)


def _check_phone_number(number: str) -> None:
    _check_address(
        number,
        pattern=r"\+[1-9][0-9]{6,14}",
        rule="a phone number with its country code, in digits only",
        remedy="write it like +4915112345678, without spaces, brackets and hyphens.",
    )


def _check_address(address: str, *, pattern: str, rule: str, remedy: str) -> None:
    check_text("address", address)
    if not address.startswith("{{resolve:"):
        check_pattern("address", address, pattern=pattern, rule=rule, remedy=remedy)
