"""The on-call schedule: rotations of contacts, and who is on call when."""

from __future__ import annotations

import dataclasses
import re
from datetime import datetime, time, timedelta, timezone
from typing import TYPE_CHECKING

from aws_cdk import Annotations
from aws_cdk import aws_ssmcontacts as ssmcontacts

from cdk_incidents._checks import (
    check_count,
    check_length,
    check_list,
    check_pattern,
    check_text,
    is_token,
    refusal,
)
from cdk_incidents._contacts import (
    ON_CALL,
    PERSONAL,
    ContactBase,
    ImportedContact,
    check_alias,
    check_contact,
    check_display_name,
    contact_arn_seen_from,
    derived_alias,
    kind_of,
    order_after_contacts,
    spoken_name,
    warn_of_refused_contact_tags,
)
from cdk_incidents._replication import needs_replication_set
from cdk_incidents._shifts import (
    DAYS,
    Rota,
    gaps_between,
    instant_of,
    load_zone,
    shifts_between,
    zone_names,
)
from cdk_incidents.recurrence import Recurrence, rendered

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk.interfaces.aws_ssmcontacts import IContactRef
    from constructs import Construct

    from cdk_incidents._shifts import Gap, Shift
    from cdk_incidents.contact import IContact

_ROTATIONS = 8
_MEMBERS = 30
# They are in the database, but know no daylight saving time; the service says that it takes none such.
_ABBREVIATIONS = frozenset({"EST", "HST", "MST"})
# Coverages recur by the week, and how the clocks of two zones differ by the year.
_LOOKED_AHEAD = timedelta(days=373)
_ALL_BEGUN = timedelta(weeks=5)
_START = "%Y-%m-%dT%H:%M:%S"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Rotation:
    """Contacts who take turns.

    Parameters
    ----------
    contacts
        1 to 30 people, in the order of their turns; no escalation plans or schedules.
    start
        When the first turn begins: a local time of `time_zone` like ``2027-01-04T09:00:00``. A fixed one: the
        current time would change the schedule, and who is on call, with every synth. Unless it is a hand-off
        of `recurrence`, the first turn is shorter than the others.
    time_zone
        The IANA name of a zone, e.g. ``Europe/Berlin`` or ``UTC``. Hand-offs follow its daylight saving time.
    recurrence
        When turns change, and which hours are covered.
    name
        1 to 255 letters a to z, digits and underscores. By default it is made of the schedule's path. One
        rotation of a schedule can do without: its construct id is made of the name, so that adding, removing
        or reordering others replaces no rotation, and loses no override.

    Raises
    ------
    ValueError
        If a value breaks a limit of the service. Tokens are let through, except as name.

    Notes
    -----
    https://docs.aws.amazon.com/incident-manager/latest/APIReference/API_SSMContacts_CreateRotation.html
    """

    contacts: Sequence[IContactRef]
    start: str
    time_zone: str
    recurrence: Recurrence
    name: str | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.recurrence, Recurrence):
            remedy = 'take one of its factories, e.g. Recurrence.weekly(monday="09:00").'
            raise refusal("recurrence", "a Recurrence", self.recurrence, remedy)
        self._check_contacts()
        _check_start(self.start)
        _check_zone(self.time_zone)
        if self.name is not None and is_token(self.name):
            rule, remedy = "known at synth", "pass a plain text, since it names the rotation's resource."
            raise refusal("name", rule, self.name, remedy)
        check_length("name", self.name, maximum=255)
        check_pattern(
            "name",
            self.name,
            pattern="[a-zA-Z0-9_]+",
            rule="letters a to z, digits and underscores only",
            remedy="CloudFormation takes no others, no hyphen and no space.",
        )

    def _check_contacts(self) -> None:
        check_list("contacts", self.contacts, object, "contacts")
        if not self.contacts:
            raise refusal("contacts", "at least one contact", "none", "nobody would be on call.")
        check_count("contacts", self.contacts, maximum=_MEMBERS, remedy="make a second rotation.")
        for contact in self.contacts:
            check_contact("contacts", contact)
            if kind_of(contact) not in {PERSONAL, None}:
                raise refusal(
                    "contacts",
                    "people",
                    f"{contact.node.path}, which is none",
                    "escalation plans and schedules take no turns; name their contacts.",
                )
        at_once = self.recurrence.number_of_on_calls
        if not is_token(at_once) and at_once > len(self.contacts):
            raise refusal(
                "contacts",
                f"at least number_of_on_calls, {at_once}",
                len(self.contacts),
                "add contacts, or lower number_of_on_calls.",
            )

    @property
    def construct_id(self) -> str:
        """The construct id of the rotation's resource, made of its name."""
        words = re.findall(r"[a-zA-Z0-9]+", self.name or "")
        return "".join(word[0].upper() + word[1:] for word in words) + "Rotation"


class OnCallSchedule(ContactBase):
    """Rotations, whose contacts are engaged while they are on call.

    Parameters
    ----------
    scope, id
        Where the schedule lives in the app.
    rotations
        1 to 8, which together say who is on call; with several, everybody who is on call in one of them. All
        but one need a name. Hours that none of them covers make a synth warning,
        ``cdk-incidents:on-call-gap``, to be acknowledged where they are meant.
    alias
        1 to 255 lower-case letters, digits, hyphens and underscores, unique in the account and Region. By
        default it is made of the construct's path. Changing it replaces the schedule, not its rotations.
    display_name
        What the console shows: 1 to 255 letters a to z, digits, spaces, hyphens and underscores. By default
        the alias.

    Raises
    ------
    ValueError
        If a value breaks a limit of the service, two rotations have one name, or the stack's Region does not
        have the service. Tokens are let through.

    Notes
    -----
    https://docs.aws.amazon.com/incident-manager/latest/userguide/incident-manager-on-call-schedule.html
    """

    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002 - CDK's own word
        *,
        rotations: Sequence[Rotation],
        alias: str | None = None,
        display_name: str | None = None,
    ) -> None:
        super().__init__(scope, id)
        self._kind = ON_CALL
        self._alias = alias or derived_alias(self, "schedule")
        self._display_name = display_name or self._alias
        check_alias(alias)
        check_display_name(display_name)
        _check_rotations(rotations)
        self._members = [contact for rotation in rotations for contact in rotation.contacts]
        names = [rotation.name or derived_alias(self, "rotation").replace("-", "_") for rotation in rotations]
        made = [self._add(rotation, name) for rotation, name in zip(rotations, names, strict=True)]
        # With rotations the contact has no cycle to avoid, so its plan stands in it.
        stage = ssmcontacts.CfnContact.StageProperty(rotation_ids=[rotation.ref for rotation in made])
        resource = ssmcontacts.CfnContact(
            self,
            "Resource",
            alias=self._alias,
            display_name=self._display_name,
            type=ON_CALL,
            plan=[stage],
        )
        needs_replication_set(self, resource)
        self._arn = resource.ref
        self._parts = [resource]
        self._rotas = [_rota_of(rotation, name) for rotation, name in zip(rotations, names, strict=True)]
        self._warn_of_a_gap()
        warn_of_refused_contact_tags(self, resource.cdk_tag_manager)

    @staticmethod
    def from_on_call_schedule_arn(scope: Construct, id: str, on_call_schedule_arn: str) -> IContact:  # noqa: A002
        """Import an on-call schedule that exists.

        Parameters
        ----------
        scope, id
            Where the import lives in the app.
        on_call_schedule_arn
            Like ``arn:aws:ssm-contacts:eu-west-1:111122223333:contact/ALIAS``: the service counts schedules
            among the contacts.

        Raises
        ------
        ValueError
            If it has another form.
        """
        return ImportedContact(
            scope, id, argument="on_call_schedule_arn", arn=on_call_schedule_arn, kind=ON_CALL
        )

    def shifts(self, start: datetime | str, end: datetime | str) -> list[Shift]:
        """List the shifts that have a part between two times, by their start; offline.

        A shift is given whole, even where it begins before `start` or ends after `end`. Overrides, which are
        made in the console, are not known here.

        Parameters
        ----------
        start, end
            Datetimes, or texts like ``2027-03-22`` or ``2027-03-22T09:00:00``; without a zone they are local
            times of the first rotation's.

        Raises
        ------
        ValueError
            If a time cannot be read, `end` is not after `start`, or a rotation has values that only
            CloudFormation knows.
        """
        rotas = self._known_rotas()
        return shifts_between(rotas, *_period(start, end, rotas))

    def gaps(self, start: datetime | str, end: datetime | str) -> list[Gap]:
        """List the times between two times at which nobody is on call; the arguments are those of `shifts`.

        Raises
        ------
        ValueError
            If a time cannot be read, `end` is not after `start`, or a rotation has values that only
            CloudFormation knows.
        """
        rotas = self._known_rotas()
        return list(gaps_between(rotas, *_period(start, end, rotas)))

    def _add(self, rotation: Rotation, name: str) -> ssmcontacts.CfnRotation:
        made = ssmcontacts.CfnRotation(
            self,
            rotation.construct_id,
            name=name,
            contact_ids=[contact_arn_seen_from(contact, self) for contact in rotation.contacts],
            start_time=rotation.start,
            time_zone_id=rotation.time_zone,
            recurrence=rendered(rotation.recurrence),
        )
        needs_replication_set(self, made)
        order_after_contacts(made, rotation.contacts, self)
        warn_of_refused_contact_tags(self, made.tags)
        return made

    def _known_rotas(self) -> list[Rota]:
        rotas = [rota for rota in self._rotas if rota is not None]
        if len(rotas) < len(self._rotas):
            raise refusal(
                "rotations",
                "known at synth to be previewed",
                "tokens",
                "pass start, time_zone and times as plain texts.",
            )
        return rotas

    def _warn_of_a_gap(self) -> None:
        if None in self._rotas:
            return
        rotas = self._known_rotas()
        # Rotations come into effect one after the other; one that begins a year late leaves a gap.
        starts = sorted(rota.start for rota in rotas)
        start = min(starts[-1], starts[0] + _ALL_BEGUN)
        gap = next(gaps_between(rotas, start, starts[-1] + _LOOKED_AHEAD), None)
        if gap is not None:
            Annotations.of(self).add_warning_v2(
                "cdk-incidents:on-call-gap",
                f"rotations must cover all hours (got nobody on call {_spoken(gap)}), or incidents page"
                " nobody then: cover it by a rotation, or acknowledge this where it is meant.",
            )


def _check_rotations(rotations: Sequence[Rotation]) -> None:
    check_list("rotations", rotations, Rotation, "Rotation")
    if not rotations:
        raise refusal("rotations", "at least one rotation", "none", "nobody would be on call.")
    check_count("rotations", rotations, maximum=_ROTATIONS, remedy="make a second schedule.")
    ids = [rotation.construct_id for rotation in rotations]
    for rotation in rotations:
        if ids.count(rotation.construct_id) > 1:
            raise refusal(
                "rotations",
                "of different names",
                f"{rotation.name or 'no name'} twice",
                'give each a name, e.g. Rotation(name="night", …).',
            )


def _check_start(start: str) -> None:
    if isinstance(start, str) and is_token(start):
        return
    try:
        read = datetime.strptime(start, _START)  # noqa: DTZ007 - the zone stands beside it
    except (TypeError, ValueError):
        read = None
    # It reads 2027-1-4 as well, which the service does not.
    if read is None or read.strftime(_START) != start:
        raise refusal(
            "start",
            "a fixed local time like 2027-01-04T09:00:00",
            start,
            "write it out, without a zone; the current time would change who is on call with every synth.",
        )


def _check_zone(zone: str) -> None:
    check_text("time_zone", zone)
    if is_token(zone) or (zone in zone_names() and zone not in _ABBREVIATIONS):
        return
    import difflib  # noqa: PLC0415 - a slip only

    names = {name.lower(): name for name in zone_names() if name not in _ABBREVIATIONS}
    close = difflib.get_close_matches(zone.lower(), names, n=1, cutoff=0.8)
    raise refusal(
        "time_zone",
        "the IANA name of a zone, like Europe/Berlin or UTC",
        zone,
        f"did you mean {names[close[0]]}?"
        if close
        else "abbreviations like PST know no daylight saving time; name a city.",
    )


def _rota_of(rotation: Rotation, name: str) -> Rota | None:
    """Return the rotation in plain values, or nothing where only CloudFormation knows some of them."""
    recurrence = rotation.recurrence
    texts = [rotation.start, rotation.time_zone, *(clock for _, clock in recurrence.hand_offs)]
    texts += [clock for window in recurrence.windows for clock in window[1:]]
    numbers = [recurrence.recurrence_multiplier, recurrence.number_of_on_calls]
    if any(map(is_token, [*texts, *numbers])):
        return None
    start = datetime.fromisoformat(rotation.start)
    return Rota(
        members=tuple(map(spoken_name, rotation.contacts)),
        start=instant_of(start, load_zone(rotation.time_zone)),
        zone=rotation.time_zone,
        unit=recurrence.unit,
        hand_offs=tuple((day, time.fromisoformat(clock)) for day, clock in recurrence.hand_offs),
        multiplier=recurrence.recurrence_multiplier,
        on_call=recurrence.number_of_on_calls,
        coverages=tuple(
            (day, time.fromisoformat(start), time.fromisoformat(end))
            for day, start, end in recurrence.windows
        ),
        name=name,
    )


def _period(start: datetime | str, end: datetime | str, rotas: Sequence[Rota]) -> tuple[datetime, datetime]:
    first, last = _instant("start", start, rotas), _instant("end", end, rotas)
    if last <= first:
        raise refusal("end", "after start", end, f"start is {start}; swap them.")
    return first, last


def _instant(argument: str, value: datetime | str, rotas: Sequence[Rota]) -> datetime:
    rule, remedy = "a datetime or a text like 2027-03-22T09:00:00", "write year, month and day in this order."
    try:
        moment = datetime.fromisoformat(value.replace("Z", "+00:00")) if isinstance(value, str) else value
    except ValueError:
        raise refusal(argument, rule, value, remedy) from None
    if not isinstance(moment, datetime):
        raise refusal(argument, rule, value, remedy)
    if moment.tzinfo is None:
        return instant_of(moment, load_zone(rotas[0].zone))
    return moment.astimezone(timezone.utc)


def _spoken(gap: Gap) -> str:
    first, last = (f"{DAYS[moment.weekday()].title()} {moment:%H:%M}" for moment in (gap.start, gap.end))
    return f"{first} to {last} {gap.start.tzinfo}, first on {gap.start:%Y-%m-%d}"
