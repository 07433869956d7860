"""What a response plan leads to, as the app has it: whom it engages, what it tells, what it runs.

Read from the plan's L1 when the app synthesises, so that what was changed there by hand counts; what a raw
override hides is not seen.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from aws_cdk import CfnResource, Reference, Stack, Tokenization

from cdk_incidents._checks import is_token
from cdk_incidents._contacts import ContactBase, is_l1
from cdk_incidents._kinds import is_a
from cdk_incidents._plans import ResponsePlanBase, resource_of

if TYPE_CHECKING:
    from aws_cdk.interfaces.aws_ssmcontacts import IContactRef
    from aws_cdk.interfaces.aws_ssmincidents import IResponsePlanRef
    from constructs import IConstruct

# What is made for other purposes may stand below the same constructs: subscriptions, shares.
_PARTS = (
    "aws_iam.CfnManagedPolicy",
    "aws_iam.CfnPolicy",
    "aws_iam.CfnRole",
    "aws_kms.CfnKey",
    "aws_secretsmanager.CfnResourcePolicy",
    "aws_sns.CfnTopic",
    "aws_sns.CfnTopicPolicy",
    "aws_ssm.CfnDocument",
    "aws_ssmcontacts.CfnContact",
    "aws_ssmcontacts.CfnContactChannel",
    "aws_ssmcontacts.CfnPlan",
    "aws_ssmcontacts.CfnRotation",
    "aws_ssmincidents.CfnResponsePlan",
)


def engaged_by(plan: IResponsePlanRef) -> list[IContactRef] | None:
    """Return the contacts that a plan names; None where nobody here knows them."""
    resource = resource_of(plan)
    if resource is None:
        return None
    arns = resource.engagements or []
    if isinstance(plan, ResponsePlanBase) and arns == plan._engaged:  # noqa: SLF001 - what the plan has rendered
        return list(plan._engagements)  # noqa: SLF001 - the same
    contacts = [_target(arn) for arn in arns]
    known = [contact for contact in contacts if is_l1(contact)]
    return list(known) if len(known) == len(contacts) else None


def reached_by(plan: IResponsePlanRef) -> list[IContactRef] | None:
    """Return everybody whom a plan reaches, through escalation plans and schedules; None if it is unknown."""
    named = engaged_by(plan)
    if named is None:
        return None
    reached: dict[str, IContactRef] = {}
    ahead = list(named)
    while ahead:
        contact = ahead.pop(0)
        if contact.node.addr not in reached:
            reached[contact.node.addr] = contact
            ahead += _members(contact)
    return list(reached.values())


def topics_of(plan: IResponsePlanRef) -> list[str] | None:
    """Return the ARNs of the topics that a plan publishes to, for its own stack; None if they are unknown."""
    resource = resource_of(plan)
    if resource is None:
        return None
    told = _field(resource.chat_channel, "chatbot_sns", "chatbotSns")
    targets = _field(resource.incident_template, "notification_targets", "notificationTargets")
    arns = [*_listed(told), *(_field(target, "sns_topic_arn", "snsTopicArn") for target in _listed(targets))]
    return [arn for arn in arns if isinstance(arn, str)]


def runbooks_of(plan: IResponsePlanRef) -> list[Any] | None:
    """Return a plan's automations, as its L1 has them; None if they are unknown."""
    resource = resource_of(plan)
    if resource is None:
        return None
    actions = [_field(action, "ssm_automation", "ssmAutomation") for action in _listed(resource.actions)]
    return [action for action in actions if action is not None]


def document_of(automation: Any) -> str:
    """Return the document that an automation names."""
    return str(_field(automation, "document_name", "documentName"))


def version_of(automation: Any) -> str | None:
    """Return the version of the document, if one is named."""
    version: str | None = _field(automation, "document_version", "documentVersion")
    return version


def resource_named(text: str) -> CfnResource | None:
    """Return the resource of this app that a text is a reference to."""
    return _target(text)


def parts_of(plan: IResponsePlanRef) -> list[CfnResource]:
    """Return the resources of this app that an incident of the plan depends on, in no order that means."""
    owners: list[IConstruct] = [plan, *(reached_by(plan) or [])]
    owners += [owner for text in _named_by(plan) for owner in _owners(text)]
    parts: dict[str, CfnResource] = {}
    for owner in owners:
        for child in owner.node.find_all():
            if isinstance(child, CfnResource) and is_a(child, *_PARTS):
                parts[child.node.addr] = child
    return list(parts.values())


def _named_by(plan: IResponsePlanRef) -> Iterator[str]:
    """Yield what a plan names beside its contacts: topics, documents, roles, secrets."""
    resource = resource_of(plan)
    if resource is None:
        return
    yield from topics_of(plan) or []
    for automation in runbooks_of(plan) or []:
        yield document_of(automation)
        yield _field(automation, "role_arn", "roleArn")
    for integration in _listed(resource.integrations):
        pager_duty = _field(integration, "pager_duty_configuration", "pagerDutyConfiguration")
        yield _field(pager_duty, "secret_id", "secretId")


def _owners(text: str) -> Iterator[IConstruct]:
    """Yield the construct behind a reference, with its policies, and the key of a topic."""
    target = _target(text)
    if target is None:
        return
    scope = target.node.scope
    # By convention the resource of a construct has this id, and its policies stand beside it.
    yield scope if scope is not None and target.node.id == "Resource" else target
    key = getattr(target, "kms_master_key_id", None) if is_a(target, "aws_sns.CfnTopic") else None
    if key is not None:
        yield from _owners(key)


def _members(contact: IContactRef) -> list[IContactRef]:
    members = contact._members if isinstance(contact, ContactBase) else None  # noqa: SLF001 - who belongs to it
    return list(members or ())


def _target(text: object) -> CfnResource | None:
    if not isinstance(text, str) or not is_token(text):
        return None
    references = [token for token in Tokenization.reverse_string(text).tokens if isinstance(token, Reference)]
    targets = [token.target for token in references if isinstance(token.target, CfnResource)]
    return targets[0] if len(targets) == 1 else None


def _listed(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _field(value: object, name: str, in_javascript: str) -> Any:
    """Read a field of one of CDK's structs, or of a mapping that stands for one."""
    if isinstance(value, Mapping):
        return value.get(name, value.get(in_javascript))
    return getattr(value, name, None)


def properties_of(resource: CfnResource) -> dict[str, Any]:
    """Return a resource's properties as its own stack renders them, a token standing for itself."""
    properties: dict[str, Any] = Stack.of(resource).resolve(resource._cfn_properties)  # noqa: SLF001 - no public way
    return properties
