"""What contacts, escalation plans and on-call schedules share: one resource type in three kinds.

Everything here takes CDK's `IContactRef`: our own constructs, imports, and CDK's L1 that was made by hand.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeGuard

import jsii
from aws_cdk import Annotations, Arn, ArnFormat, Resource
from aws_cdk.interfaces.aws_ssmcontacts import ContactReference, IContactRef

from cdk_incidents import _permissions as permissions
from cdk_incidents._arn import deploy_after, same_deployment
from cdk_incidents._checks import check_length, check_pattern, check_text, is_token, refusal
from cdk_incidents._kinds import is_a
from cdk_incidents._late_warnings import warn_at_synth
from cdk_incidents._places import place_of, stands_in
from cdk_incidents._sharing import share

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from aws_cdk import CfnResource, TagManager
    from aws_cdk import aws_iam as iam
    from aws_cdk import aws_ssmcontacts as ssmcontacts
    from constructs import Construct, IConstruct

PERSONAL = "PERSONAL"
ESCALATION = "ESCALATION"
ON_CALL = "ONCALL_SCHEDULE"

_ALIAS = r"[a-z0-9_-]{1,255}"
_ARN = rf"arn:(aws|aws-cn|aws-us-gov):ssm-contacts:[a-z0-9-]+:[0-9]{{12}}:contact/{_ALIAS}"
_LONGEST_ALIAS = 255
_QUOTA = 10
_TAG_KEY = r"[\\/a-zA-Z0-9_+=-]{1,128}"
_TAG_VALUE = r"[\w .:/=+@-]{0,256}"
_TAG_RULES = {
    "key": r"1 to 128 letters a to z, digits and \/_+=-",
    "value": "up to 256 letters, digits, spaces and _.:/=+-@",
}


@jsii.implements(IContactRef)
class ContactBase(Resource):
    """All that the three kinds can do, against alias and ARN alone: owned and imported ones cannot drift."""

    def __init__(
        self, scope: Construct, construct_id: str, *, environment_from_arn: str | None = None
    ) -> None:
        super().__init__(scope, construct_id, environment_from_arn=environment_from_arn)
        stands_in(self, scope)

    _kind: str
    _alias: str
    _arn: str
    _display_name: str | None = None
    # What an engagement may reach; none where it was made elsewhere, and nobody here knows.
    _members: Sequence[IContactRef] | None = None
    # What must exist before the contact is of use: it is created first, its channels and its plan after it.
    _parts: Sequence[CfnResource] = ()

    @property
    def contact_arn(self) -> str:
        """The ARN; it carries the Region."""
        return self._arn

    @property
    def contact_alias(self) -> str:
        """The alias, unique in its account and Region."""
        return self._alias

    @property
    def contact_ref(self) -> ContactReference:
        """CDK's own reference: whatever takes an IContactRef takes this object."""
        return ContactReference(contact_arn=self._arn)

    def grant_engage(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let a principal page by hand, outside any incident, and take the page back.

        Who starts incidents needs no such grant: `ResponsePlan.grant_start_incident` holds it.

        Parameters
        ----------
        grantee
            The role, user or function.
        """
        start = _grant(grantee, permissions.ENGAGE, engaged_arns(self))
        return start.combine(_grant(grantee, permissions.FOLLOW_ENGAGEMENT, [self._arns_of("engagement")]))

    def grant_read(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let a principal read it, its channels, its rotations and its engagements.

        Parameters
        ----------
        grantee
            The role, user or function.
        """
        # By alias, since a reference would tie the grantee's stack to this one by an export.
        read = _grant(grantee, permissions.READ_CONTACT, [arn_by_alias(self)])
        for resource, actions in permissions.READ_OF_CONTACT.items():
            read = read.combine(_grant(grantee, actions, [self._arns_of(resource)]))
        if self._kind == ON_CALL:
            # Their ARNs end in an id that nobody knows before they are made.
            rotations = _arn_in_place_of(self, "rotation/*")
            read = read.combine(_grant(grantee, permissions.READ_ROTATION, [rotations]))
        return read.combine(_grant(grantee, permissions.LIST_CONTACTS, ["*"]))

    def share_with(
        self,
        id: str,  # noqa: A002 - CDK's own word
        *,
        accounts: Sequence[str] = (),
        organizational_units: Sequence[str] = (),
        organization: str | None = None,
        allow_external_accounts: bool = False,
    ) -> None:
        """Share it by AWS RAM: others see it, its channels and engagements, and can engage it in an incident.

        They cannot put it into their own response plans; share the plan for that.

        Parameters
        ----------
        id
            Names the share below the contact.
        accounts
            12 digits each. Without sharing enabled in AWS Organizations they must accept an invitation.
        organizational_units
            ARNs like ``arn:aws:organizations::111122223333:ou/o-exampleorg/ou-abcd-11112222``.
        organization
            An ARN like ``arn:aws:organizations::111122223333:organization/o-exampleorg``. By default it is
            shared with those above only.
        allow_external_accounts
            Whether `accounts` may be outside the organisation. By default they may not.

        Raises
        ------
        ValueError
            If nobody is named, an account or ARN has another form, or another account owns the contact.

        Notes
        -----
        https://docs.aws.amazon.com/incident-manager/latest/userguide/sharing.html
        """
        share(
            self,
            id,
            arn=self._arn,
            accounts=accounts,
            organizational_units=organizational_units,
            organization=organization,
            allow_external_accounts=allow_external_accounts,
        )

    def _arns_of(self, resource: str) -> str:
        return _arn_in_place_of(self, f"{resource}/{self._alias}/*")


class ImportedContact(ContactBase):
    """A contact of one of the three kinds that exists."""

    def __init__(self, scope: Construct, construct_id: str, *, argument: str, arn: str, kind: str) -> None:
        alias = alias_in(argument, arn)
        super().__init__(scope, construct_id, environment_from_arn=arn)
        self._kind = kind
        self._alias = alias
        self._arn = arn
        self._members = () if kind == PERSONAL else None


def check_contact(argument: str, value: object) -> None:
    """Refuse what is no contact of any kind, above all an alias or an ARN."""
    if not hasattr(value, "contact_ref"):
        raise refusal(
            argument,
            "a contact, an escalation plan or an on-call schedule",
            value,
            "import it with Contact.from_contact_arn, EscalationPlan.from_escalation_plan_arn or"
            " OnCallSchedule.from_on_call_schedule_arn.",
        )


def is_l1(contact: object) -> TypeGuard[ssmcontacts.CfnContact]:
    """Tell whether a contact is CDK's L1; a plan that engages nobody does not load its module for that."""
    return is_a(contact, "aws_ssmcontacts.CfnContact")


def kind_of(contact: IContactRef) -> str | None:
    """Return which of the three kinds it is, where anybody here knows."""
    if is_l1(contact):
        return None if is_token(contact.type) else contact.type
    return contact._kind if isinstance(contact, ContactBase) else None  # noqa: SLF001 - this file's own


def contact_arn_seen_from(contact: IContactRef, user: IConstruct) -> str:
    """Return a contact's ARN for a construct that uses it, and order the two deployments.

    Within a stack and its nested ones it is a reference. Across stacks of an app it is a text, made of the
    alias, with the user's stack deployed after the contact's: an export would block later changes.
    """
    if _alias_in_this_app(contact) is None or same_deployment(contact, user):
        return _arn_of(contact)
    deploy_after(user, contact)
    return arn_by_alias(contact)


def order_after_contacts(resource: CfnResource, contacts: Sequence[IContactRef], user: IConstruct) -> None:
    """Let the resource of a user wait until contacts can be engaged: for their channels and plans too."""
    parts: list[CfnResource] = []
    for contact in contacts:
        if not same_deployment(contact, user):
            if _alias_in_this_app(contact) is not None:
                deploy_after(user, contact)
        elif isinstance(contact, ContactBase):
            parts += contact._parts  # noqa: SLF001 - this file's own
    if parts:
        resource.node.add_dependency(*parts)


def engaged_arns(contact: IContactRef) -> list[str]:
    """Return the ARNs of everybody whom engaging a contact may reach, as texts that hold no reference.

    Of an escalation plan or a schedule that was made elsewhere nobody here knows the members: then it is the
    pattern of all contacts of its account and Region.
    """
    members = contact._members if isinstance(contact, ContactBase) else None  # noqa: SLF001 - this file's own
    if members is None and kind_of(contact) != PERSONAL:
        return [_arn_in_place_of(contact, "contact/*")]
    return list(
        dict.fromkeys(
            [arn_by_alias(contact), *(arn for member in members or () for arn in engaged_arns(member))]
        )
    )


def check_alias(alias: str | None) -> None:
    """Refuse what the service would refuse as an alias; a token passes.

    The API is stricter than CloudFormation's schema, which lets dots through.
    https://docs.aws.amazon.com/incident-manager/latest/APIReference/API_SSMContacts_CreateContact.html
    """
    check_length("alias", alias, maximum=_LONGEST_ALIAS)
    check_pattern(
        "alias",
        alias,
        pattern=_ALIAS,
        rule="lower-case letters, digits, hyphens and underscores only",
        remedy="put readable words into display_name instead.",
    )


def check_display_name(display_name: str | None) -> None:
    """Refuse what CloudFormation, stricter than the API, would refuse as a display name."""
    check_length("display_name", display_name, maximum=_LONGEST_ALIAS)
    check_pattern(
        "display_name",
        display_name,
        pattern=r"[a-zA-Z0-9_\-\s]*",
        rule="letters a to z, digits, spaces, hyphens and underscores only",
        remedy="CloudFormation takes no others here; write it without accents and dots.",
    )


def spoken_name(contact: IContactRef) -> str:
    """Return what a person would call the contact: its display name, or else its alias."""
    if is_l1(contact):
        return contact.display_name
    name = contact._display_name if isinstance(contact, ContactBase) else None  # noqa: SLF001 - this file's own
    return name or alias_in("contact", contact.contact_ref.contact_arn)


def warn_of_a_quota(construct: Construct, argument: str, what: str, values: Sequence[object]) -> None:
    """Warn of more than the service grants at first; it may have granted more to this account.

    https://docs.aws.amazon.com/general/latest/gr/incident-manager.html
    """
    if len(values) > _QUOTA:
        Annotations.of(construct).add_warning_v2(
            "cdk-incidents:contacts-quota",
            f"{argument} must have at most {_QUOTA} {what} (got {len(values)}), unless the account's quota is"
            " higher: leave some out, or acknowledge this.",
        )


def warn_of_refused_contact_tags(construct: Construct, tags: TagManager) -> None:
    """Warn of tags that reach a resource, mostly from the whole app, and that fail its deployment.

    Contacts and rotations take fewer than other resources do.
    https://docs.aws.amazon.com/incident-manager/latest/APIReference/API_SSMContacts_Tag.html
    """

    def refused() -> Iterator[tuple[str, str]]:
        for key, value in tags.tag_values().items():
            for what, text, pattern in (("key", key, _TAG_KEY), ("value", value, _TAG_VALUE)):
                if not is_token(text) and not re.fullmatch(pattern, text):
                    message = (
                        f"The {what} of a tag must be {_TAG_RULES[what]} (got {text!r}), or the deployment"
                        " fails: rename it, or keep it from here, Tags.of(app).add(…, exclude_resource_types="
                        '["AWS::SSMContacts::Contact", "AWS::SSMContacts::Rotation"]).'
                    )
                    yield "cdk-incidents:refused-tags", message

    warn_at_synth(construct, refused)


def derived_alias(contact: Construct, kind: str) -> str:
    """Return an alias made of the construct's path, unique in an account and Region.

    It ends in its kind: when a construct id stands for another kind one day, CloudFormation makes the new
    contact before it deletes the old one, and their aliases must differ.
    """
    import hashlib  # noqa: PLC0415 - OpenSSL loads slowly, and an alias may be given

    stack = place_of(contact).outermost
    path = [stack.name, *contact.node.path.removeprefix(stack.path).strip("/").split("/")]
    # The readable part may be cut and loses case; the digest keeps apart what differs.
    digest = hashlib.sha256("/".join(path).encode()).hexdigest()[:8]
    ending = f"-{digest}-{kind}"
    readable = re.sub(r"[^a-z0-9_-]", "", "-".join(path).lower())
    return readable[: _LONGEST_ALIAS - len(ending)] + ending


def _alias_in_this_app(contact: IContactRef) -> str | None:
    if is_l1(contact):
        return contact.alias
    if isinstance(contact, ContactBase) and not isinstance(contact, ImportedContact):
        return contact.contact_alias
    return None


def alias_in(argument: str, arn: str) -> str:
    check_text(argument, arn)
    if not is_token(arn):
        check_pattern(
            argument,
            arn,
            pattern=_ARN,
            rule="like arn:aws:ssm-contacts:eu-west-1:111122223333:contact/ALIAS",
            remedy="copy it from the contact's page; escalation plans and schedules have the same form.",
        )
        return arn.rpartition("/")[2]
    alias = Arn.split(arn, ArnFormat.SLASH_RESOURCE_NAME).resource_name
    if alias is None:
        raise refusal(argument, "an ARN with a resource name", arn, "pass the contact's own ARN.")
    return alias


def arn_by_alias(contact: IContactRef) -> str:
    """Return a contact's ARN as a text made of its alias, where this app knows that."""
    alias = _alias_in_this_app(contact)
    return _arn_of(contact) if alias is None else _arn_in_place_of(contact, f"contact/{alias}")


def _arn_of(contact: IContactRef) -> str:
    # Of ours without the struct that CDK's interface wants around it.
    return contact._arn if isinstance(contact, ContactBase) else contact.contact_ref.contact_arn  # noqa: SLF001 - this file's own


def _arn_in_place_of(contact: IContactRef, resource: str) -> str:
    account, region = environment_of(contact)
    return f"arn:{place_of(contact).partition}:ssm-contacts:{region}:{account}:{resource}"


def environment_of(contact: IContactRef) -> tuple[str, str]:
    """Return the account and the Region that own a contact; an import's may be others than its stack's."""
    is_made_here = isinstance(contact, ContactBase) and not isinstance(contact, ImportedContact)
    # Somebody else's construct may be an import, too.
    whose = place_of(contact) if is_made_here or is_l1(contact) else contact.env
    return whose.account, whose.region


def _grant(grantee: iam.IGrantable, actions: list[str], arns: Sequence[str]) -> iam.Grant:
    from aws_cdk import aws_iam as iam  # noqa: PLC0415 - who is granted something has loaded it

    return iam.Grant.add_to_principal(grantee=grantee, actions=actions, resource_arns=arns)
