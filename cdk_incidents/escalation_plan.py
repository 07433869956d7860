"""The escalation plan: who is engaged when the ones before do not answer."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from aws_cdk import Duration
from aws_cdk import aws_ssmcontacts as ssmcontacts

from cdk_incidents._checks import check_list, check_minutes, refusal
from cdk_incidents._contacts import (
    ESCALATION,
    ContactBase,
    ImportedContact,
    check_alias,
    check_contact,
    check_display_name,
    contact_arn_seen_from,
    derived_alias,
    kind_of,
    order_after_contacts,
    warn_of_a_quota,
    warn_of_refused_contact_tags,
)
from cdk_incidents._durations import minutes_of, whole_minutes
from cdk_incidents._places import identity_of
from cdk_incidents._replication import needs_replication_set

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk.interfaces.aws_ssmcontacts import IContactRef
    from constructs import Construct, IConstruct

    from cdk_incidents.contact import IContact

_LONGEST_STAGE = 30


@dataclasses.dataclass(frozen=True, kw_only=True)
class Stage:
    """A stage of an escalation plan: whom it engages, and how long it waits for an answer.

    Parameters
    ----------
    contacts
        Contacts and on-call schedules whose acknowledgement ends the escalation ("essential" to the service).
    observers
        Those who are engaged as well, but whose acknowledgement ends nothing. By default none. A stage needs
        one of either kind; the service's quota is 10 of both.
    duration
        How long the plan waits before it begins the next stage: 0 to 30 whole minutes. By default five.

    Raises
    ------
    ValueError
        If the stage engages nobody or somebody twice, something in it is no contact or itself an escalation
        plan, or the duration breaks its limit.

    Notes
    -----
    https://docs.aws.amazon.com/incident-manager/latest/userguide/escalation.html
    """

    contacts: Sequence[IContactRef] = ()
    observers: Sequence[IContactRef] = ()
    duration: Duration = dataclasses.field(default_factory=lambda: whole_minutes(5))

    def __post_init__(self) -> None:
        for argument, engaged in (("contacts", self.contacts), ("observers", self.observers)):
            check_list(argument, engaged, object, "contacts")
            for contact in engaged:
                check_contact(argument, contact)
                if kind_of(contact) == ESCALATION:
                    raise refusal(
                        argument,
                        "contacts or on-call schedules",
                        f"{contact.node.path}, an escalation plan",
                        "a stage cannot begin another plan; repeat that plan's stages here.",
                    )
        if not self.engaged:
            raise refusal(
                "contacts",
                "at least one, unless there are observers",
                "nobody",
                "to wait longer, give the stage before it a longer duration.",
            )
        seen: set[str] = set()
        for contact in self.engaged:
            if identity_of(contact) in seen:
                raise refusal(
                    "contacts",
                    "different from each other and from observers",
                    f"{contact.node.path} twice",
                    "name everybody once in a stage.",
                )
            seen.add(identity_of(contact))
        check_minutes("duration", self.duration, maximum=_LONGEST_STAGE)

    @property
    def engaged(self) -> list[IContactRef]:
        """Everybody whom the stage engages."""
        return [*self.contacts, *self.observers]


class EscalationPlan(ContactBase):
    """A plan that engages the next ones until somebody acknowledges.

    Parameters
    ----------
    scope, id
        Where the plan lives in the app.
    stages
        Whom it engages, stage by stage; the first at once. The service's quota is 10. It reaches people by
        their own plans and channels.
    alias
        1 to 255 lower-case letters, digits, hyphens and underscores, unique in the account and Region. By
        default it is made of the construct's path. Changing it replaces the plan.
    display_name
        What the console shows: 1 to 255 letters a to z, digits, spaces, hyphens and underscores. By default
        the alias.

    Raises
    ------
    ValueError
        If a value breaks a limit of the service, there is no stage, or the stack's Region does not have the
        service. Tokens are let through.

    Notes
    -----
    https://docs.aws.amazon.com/incident-manager/latest/userguide/escalation.html
    """

    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002 - CDK's own word
        *,
        stages: Sequence[Stage],
        alias: str | None = None,
        display_name: str | None = None,
    ) -> None:
        super().__init__(scope, id)
        self._kind = ESCALATION
        self._alias = alias or derived_alias(self, "escalation")
        self._display_name = display_name or self._alias
        check_alias(alias)
        check_display_name(display_name)
        check_list("stages", stages, Stage, "Stage")
        if not stages:
            raise refusal("stages", "at least one stage", "none", "a plan without stages reaches nobody.")
        self._members = [contact for stage in stages for contact in stage.engaged]
        resource = ssmcontacts.CfnContact(
            self,
            "Resource",
            alias=self._alias,
            display_name=self._display_name,
            type=ESCALATION,
            plan=[_rendered(stage, self) for stage in stages],
        )
        needs_replication_set(self, resource)
        order_after_contacts(resource, self._members, self)
        self._arn = resource.ref
        self._parts = [resource]
        warn_of_a_quota(self, "stages", "stages", stages)
        for stage in stages:
            warn_of_a_quota(self, "stages", "contacts and observers in a stage", stage.engaged)
        warn_of_refused_contact_tags(self, resource.cdk_tag_manager)

    @staticmethod
    def from_escalation_plan_arn(scope: Construct, id: str, escalation_plan_arn: str) -> IContact:  # noqa: A002
        """Import an escalation plan that exists.

        Parameters
        ----------
        scope, id
            Where the import lives in the app.
        escalation_plan_arn
            Like ``arn:aws:ssm-contacts:eu-west-1:111122223333:contact/ALIAS``: the service counts escalation
            plans among the contacts.

        Raises
        ------
        ValueError
            If it has another form.
        """
        return ImportedContact(
            scope, id, argument="escalation_plan_arn", arn=escalation_plan_arn, kind=ESCALATION
        )


def _rendered(stage: Stage, user: IConstruct) -> ssmcontacts.CfnContact.StageProperty:
    targets = [
        ssmcontacts.CfnContact.TargetsProperty(
            contact_target_info=ssmcontacts.CfnContact.ContactTargetInfoProperty(
                contact_id=contact_arn_seen_from(contact, user), is_essential=is_essential
            )
        )
        for engaged, is_essential in ((stage.contacts, True), (stage.observers, False))
        for contact in engaged
    ]
    return ssmcontacts.CfnContact.StageProperty(
        duration_in_minutes=minutes_of(stage.duration), targets=targets
    )
