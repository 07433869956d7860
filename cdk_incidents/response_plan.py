"""The response plan: what opens when something breaks, and who may open it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import jsii
from aws_cdk import Annotations, ArnFormat, CfnTag, Names, Resource, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_ssmincidents as ssmincidents
from aws_cdk.interfaces.aws_ssmincidents import IResponsePlanRef, ResponsePlanReference

from cdk_incidents import _permissions as permissions
from cdk_incidents._arn import (
    check_plan_name,
    deploy_after,
    response_plan_arn,
    response_plan_name_of,
    same_deployment,
)
from cdk_incidents._checks import check_count, check_length, check_pattern, is_token, refusal
from cdk_incidents._contacts import check_contact, contact_arn_seen_from, engaged_arns, order_after_contact
from cdk_incidents._late_warnings import warn_at_synth
from cdk_incidents._replication import needs_replication_set
from cdk_incidents._service_access import let_publish, let_read
from cdk_incidents._sharing import share
from cdk_incidents._tags import warn_of_refused_tags
from cdk_incidents.chat_channel import ChatChannel, topics_of
from cdk_incidents.pager_duty import PagerDuty, integration_of
from cdk_incidents.runbook import Runbook, action_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from aws_cdk import Duration
    from aws_cdk.interfaces.aws_ssmcontacts import IContactRef
    from constructs import Construct, IConstruct

    from cdk_incidents.incident_template import Impact, IncidentTemplate

# The console calls it `IncidentManager`, but the service-linked role may publish to this one only.
_METRIC_NAMESPACE = "AWS/IncidentManager"
NOBODY_PAGED = "cdk-incidents:nobody-paged"
"""The warning of a plan whose incidents reach nobody."""
_CONTACT_ACCOUNT = "cdk-incidents:contact-of-another-account"
# Beyond that a grant names all contacts of an account and Region: IAM takes 10,240 characters of a role.
_LONGEST_GRANT = 3_000


class IResponsePlan(IResponsePlanRef, Protocol):
    """A response plan, owned or imported. For type hints: concrete plans do not inherit it."""

    @property
    def response_plan_arn(self) -> str:
        """The ARN of the plan; it carries no Region."""
        ...

    @property
    def response_plan_name(self) -> str:
        """The name of the plan, unique in its account across Regions."""
        ...

    def grant_start_incident(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let a principal start incidents of this plan."""
        ...

    def grant_read(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let a principal read the plan, its incidents and their timelines."""
        ...

    def grant_manage_incidents(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let a principal read, change, resolve and delete the plan's incidents."""
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
        """Share the plan and its incidents with other accounts."""
        ...

    def metric(
        self,
        metric_name: str,
        *,
        impact: Impact | int | None = None,
        source: str | None = None,
        statistic: str | None = None,
        period: Duration | None = None,
    ) -> cloudwatch.Metric:
        """Return a metric that the service publishes for this plan."""
        ...


@jsii.implements(IResponsePlanRef)
class _ResponsePlanBase(Resource):
    """All that a plan can do, against its name and ARN alone: owned and imported plans cannot drift."""

    _arn: str
    _name: str
    _has_incident_tags: bool
    _metrics_of: str | None = None

    @property
    def response_plan_arn(self) -> str:
        """The ARN of the plan; it carries no Region."""
        return self._arn

    @property
    def response_plan_name(self) -> str:
        """The name of the plan, unique in its account across Regions."""
        return self._name

    @property
    def response_plan_ref(self) -> ResponsePlanReference:
        """CDK's own reference to the plan: whatever takes an IResponsePlanRef takes this object."""
        return ResponsePlanReference(response_plan_arn=self._arn)

    def grant_start_incident(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let a principal start incidents of this plan, and so page, and make the incident's OpsItem.

        Besides ``ssm-incidents:StartIncident`` on the plan the service wants its caller to hold
        ``ssm-contacts:StartEngagement`` and ``ssm:CreateOpsItem``; both are granted through Incident Manager
        only. The first is granted on everybody whom the plan may reach, through escalation plans and on-call
        schedules too, as the plan is now; of an import nobody here knows them, and it is all contacts of its
        account. With incident tags, ``ssm-incidents:TagResource`` on the plan's incidents is added.

        Parameters
        ----------
        grantee
            The role, user or function.
        """
        grant = _grant(grantee, permissions.START, [self._arn])
        contacts = granted_contacts(self)
        if contacts:
            grant = grant.combine(_grant(grantee, permissions.ENGAGE, contacts, through_the_service=True))
        grant = grant.combine(_grant(grantee, permissions.MAKE_OPS_ITEM, ["*"], through_the_service=True))
        if self._has_incident_tags:
            grant = grant.combine(_grant(grantee, permissions.TAG, [self._record_arns()]))
        return grant

    def grant_read(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let a principal read the plan, its incidents, their timelines and related items.

        ``ListIncidentRecords`` and ``ListResponsePlans`` know no resource, so they are granted on all.

        Parameters
        ----------
        grantee
            The role, user or function.
        """
        read = _grant(grantee, permissions.READ, [self._arn, self._record_arns()])
        return read.combine(_grant(grantee, permissions.LIST, ["*"]))

    def grant_manage_incidents(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let a principal read, change, annotate, resolve and delete the plan's incidents, not start them.

        Parameters
        ----------
        grantee
            The role, user or function.
        """
        manage = _grant(grantee, permissions.MANAGE, [self._arn, self._record_arns()])
        return self.grant_read(grantee).combine(manage)

    def share_with(
        self,
        id: str,  # noqa: A002 - CDK's own word
        *,
        accounts: Sequence[str] = (),
        organizational_units: Sequence[str] = (),
        organization: str | None = None,
        allow_external_accounts: bool = False,
    ) -> None:
        """Share the plan by AWS RAM, with all its past, present and future incidents.

        The others' alarms and rules can then open incidents of it, which page the plan's contacts, of its
        own account. Chat and notification topics, too, stay those of the plan's account.

        Parameters
        ----------
        id
            Names the share below the plan.
        accounts
            12 digits each. Without sharing enabled in AWS Organizations they must accept an invitation.
        organizational_units
            ARNs like ``arn:aws:organizations::111122223333:ou/o-exampleorg/ou-abcd-11112222``.
        organization
            An ARN like ``arn:aws:organizations::111122223333:organization/o-exampleorg``. By default the plan
            is shared with those above only.
        allow_external_accounts
            Whether `accounts` may be outside the organisation. By default they may not.

        Raises
        ------
        ValueError
            If nobody is named, a value has another form, or the plan belongs to another account.

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

    def metric(
        self,
        metric_name: str,
        *,
        impact: Impact | int | None = None,
        source: str | None = None,
        statistic: str | None = None,
        period: Duration | None = None,
    ) -> cloudwatch.Metric:
        """Return a metric that the service publishes for this plan.

        Parameters
        ----------
        metric_name
            E.g. ``NumberOfCreateIncidents``.
        impact
            Count incidents of this impact only. By default of all; not together with `source`.
        source
            Count incidents of this source only, e.g. ``aws.cloudwatch``. By default of all.
        statistic
            By default the average.
        period
            By default five minutes.

        Raises
        ------
        ValueError
            If both `impact` and `source` are given: the service has no such dimension pair.

        Notes
        -----
        https://docs.aws.amazon.com/incident-manager/latest/userguide/monitoring-cloudwatch-metrics.html
        """
        if impact is not None and source is not None:
            raise refusal(
                "source", "left out where impact is given", source, "the service counts by one or the other."
            )
        dimensions = {"ResponsePlan": self._name}
        if impact is not None:
            dimensions["Impact"] = str(int(impact))
        if source is not None:
            dimensions["Source"] = source
        return cloudwatch.Metric(
            namespace=_METRIC_NAMESPACE,
            metric_name=metric_name,
            dimensions_map=dimensions,
            statistic=statistic,
            period=period,
            account=self._metrics_of,
        )

    def metric_incidents_created(
        self, *, impact: Impact | int | None = None, source: str | None = None, period: Duration | None = None
    ) -> cloudwatch.Metric:
        """Return how many incidents opened (sum); the arguments are those of `metric`."""
        return self.metric(
            "NumberOfCreateIncidents", impact=impact, source=source, statistic="Sum", period=period
        )

    def metric_incidents_resolved(
        self, *, impact: Impact | int | None = None, source: str | None = None, period: Duration | None = None
    ) -> cloudwatch.Metric:
        """Return how many incidents were resolved (sum); the arguments are those of `metric`."""
        return self.metric(
            "NumberOfResolveIncidents", impact=impact, source=source, statistic="Sum", period=period
        )

    def metric_time_to_acknowledge(
        self, *, impact: Impact | int | None = None, source: str | None = None, period: Duration | None = None
    ) -> cloudwatch.Metric:
        """Return the seconds to the first acknowledgement (average); the arguments are those of `metric`."""
        return self.metric("TimeToFirstAcknowledgement", impact=impact, source=source, period=period)

    def metric_time_to_resolve(
        self, *, impact: Impact | int | None = None, source: str | None = None, period: Duration | None = None
    ) -> cloudwatch.Metric:
        """Return the seconds from opened to resolved (average); the arguments are those of `metric`."""
        return self.metric("TimeToResolveIncident", impact=impact, source=source, period=period)

    def _record_arns(self) -> str:
        return record_arns(self)


class ResponsePlan(_ResponsePlanBase):
    """A response plan: what an incident looks like when it opens, whom it calls and what it starts.

    Parameters
    ----------
    scope, id
        Where the plan lives in the app.
    incident
        The incident that it opens.
    response_plan_name
        1 to 200 letters, digits, hyphens and underscores, unique in the account across all Regions. By
        default a unique name is made of the construct's path, and of the Region where the stack names one.
        Changing it replaces the plan.
    display_name
        What the console shows; up to 200 characters. By default the name.
    engagements
        Who is paged when an incident opens: up to 5 contacts, escalation plans and on-call schedules, of this
        app, imported, or CDK's ``CfnContact``. AWS advises an escalation plan, which goes on to the next one
        if nobody answers. By default nobody is paged; if no chat channel, notification topic or PagerDuty is
        told either, synth warns.
    runbook
        The Automation document that starts with each incident. By default none.
    chat_channel
        Where responders talk and follow the incident. By default nowhere.
    pager_duty
        The service of PagerDuty that gets an incident too. By default none.

    Raises
    ------
    ValueError
        If a value breaks a limit of the service, or the stack's Region does not have it. Tokens are let
        through.

    Notes
    -----
    The account must be an Incident Manager customer already (the service is closed to new ones) with an
    active replication set that has the stack's Region. A plan is billed by the month, and opens at most 200
    incidents in one. https://docs.aws.amazon.com/general/latest/gr/incident-manager.html
    """

    def __init__(  # noqa: PLR0913 - a plan has that many parts
        self,
        scope: Construct,
        id: str,  # noqa: A002 - CDK's own word
        *,
        incident: IncidentTemplate,
        response_plan_name: str | None = None,
        display_name: str | None = None,
        engagements: Sequence[IContactRef] = (),
        runbook: Runbook | None = None,
        chat_channel: ChatChannel | None = None,
        pager_duty: PagerDuty | None = None,
    ) -> None:
        super().__init__(scope, id)
        self._name = response_plan_name or _derived_name(self)
        check_plan_name("response_plan_name", self._name)
        check_length("display_name", display_name, maximum=200)
        self._has_incident_tags = bool(incident.tags)
        self._resource = ssmincidents.CfnResponsePlan(
            self,
            "Resource",
            name=self._name,
            display_name=display_name,
            incident_template=_rendered(incident),
        )
        needs_replication_set(self, self._resource)
        self._arn = self._resource.ref
        self._runbook_role: iam.IRole | iam.Role | None = None
        let_publish(self, self._resource, "notification_topics", incident.notification_topics)
        self._engage(engagements)
        _check_part("runbook", runbook, Runbook, "e.g. Runbook(document).")
        _check_part("chat_channel", chat_channel, ChatChannel, "e.g. ChatChannel.slack(channel).")
        _check_part("pager_duty", pager_duty, PagerDuty, "e.g. PagerDuty(name=…, secret=…, service_id=…).")
        if runbook is not None:
            action, self._runbook_role = action_of(runbook, self, self._name)
            self._resource.actions = [action]
        if chat_channel is not None:
            self._talk_in(chat_channel)
        if pager_duty is not None:
            self._resource.integrations = [integration_of(pager_duty)]
            let_read(self, self._resource, "pager_duty", pager_duty.secret)
        warn_of_refused_tags(self, self._resource.cfn_resource_type, self._resource.tags)
        warn_at_synth(self, self._nobody_paged)

    @property
    def runbook_role(self) -> iam.IRole | None:
        """The role that starts the runbook, and runs its steps where the document names no other.

        Grant it what the steps need. None if the plan has no runbook.
        """
        return self._runbook_role

    @staticmethod
    def from_response_plan_arn(scope: Construct, id: str, response_plan_arn: str) -> IResponsePlan:  # noqa: A002
        """Import a plan that exists, of this or another account.

        Parameters
        ----------
        scope, id
            Where the import lives in the app.
        response_plan_arn
            Like ``arn:aws:ssm-incidents::111122223333:response-plan/NAME``.

        Raises
        ------
        ValueError
            If it is not the ARN of a response plan.
        """
        name = response_plan_name_of("response_plan_arn", response_plan_arn)
        return _ImportedResponsePlan(scope, id, name=name, arn=response_plan_arn)

    @staticmethod
    def from_response_plan_name(
        scope: Construct,
        id: str,  # noqa: A002
        response_plan_name: str,
        *,
        account: str | None = None,
    ) -> IResponsePlan:
        """Import a plan that exists by its name.

        Parameters
        ----------
        scope, id
            Where the import lives in the app.
        response_plan_name
            The plan's name, not its display name.
        account
            The 12-digit account that owns the plan. By default the stack's own. The other account must share
            the plan by AWS RAM.

        Raises
        ------
        ValueError
            If the name or the account is none.
        """
        check_plan_name("response_plan_name", response_plan_name)
        check_pattern(
            "account",
            account,
            pattern="[0-9]{12}",
            rule="12 digits",
            remedy="pass it as a string, zeros kept.",
        )
        arn = response_plan_arn(Stack.of(scope), response_plan_name, account=account)
        return _ImportedResponsePlan(scope, id, name=response_plan_name, arn=arn, account=account)

    def _engage(self, engagements: Sequence[IContactRef]) -> None:
        if hasattr(engagements, "contact_ref"):
            raise refusal("engagements", "a list", type(engagements).__name__, "put it into brackets.")
        for contact in engagements:
            check_contact("engagements: each", contact)
        check_count("engagements", engagements, maximum=5, remedy="put several into one EscalationPlan.")
        arns = [contact_arn_seen_from(contact, self) for contact in engagements]
        if len(set(arns)) < len(arns):
            paths = [contact.node.path for contact in engagements]
            raise refusal("engagements", "different ones", paths, "give each once.")
        for contact in engagements:
            self._warn_of_another_account(contact)
            order_after_contact(self._resource, contact)
        # CloudFormation would take an empty list; a template without one says the same in fewer words.
        self._resource.engagements = arns or None
        self._engagements = list(engagements)
        self._engaged = arns

    def _warn_of_another_account(self, contact: IContactRef) -> None:
        ours, theirs = Stack.of(self).account, contact.env.account
        if is_token(ours) or is_token(theirs) or ours == theirs:
            return
        Annotations.of(self).add_warning_v2(
            _CONTACT_ACCOUNT,
            f"engagements must be of the plan's own account, {ours}, as far as AWS documents it (got"
            f" {contact.node.path} of {theirs}): make the plan in that account and share it from there, or"
            " acknowledge this where it was seen to page.",
        )

    def _talk_in(self, channel: ChatChannel) -> None:
        topics = topics_of(channel, self)
        self._resource.chat_channel = ssmincidents.CfnResponsePlan.ChatChannelProperty(
            chatbot_sns=[topic.topic_arn for topic in topics]
        )
        let_publish(self, self._resource, "chat_channel", topics)

    def _nobody_paged(self) -> Iterator[tuple[str, str]]:
        if not _tells_people(self._resource):
            text = (
                "engagements must name somebody for an incident to reach them (got none, and no chat channel,"
                " notification topic or PagerDuty): pass engagements=[…], or acknowledge this where a plan is"
                " meant to be quiet."
            )
            yield NOBODY_PAGED, text


class _ImportedResponsePlan(_ResponsePlanBase):
    def __init__(
        self, scope: Construct, construct_id: str, *, name: str, arn: str, account: str | None = None
    ) -> None:
        # The ARN has no Region, and CDK would take that for the Region ''.
        owner = account or Stack.of(scope).split_arn(arn, ArnFormat.SLASH_RESOURCE_NAME).account
        super().__init__(scope, construct_id, account=owner, region=Stack.of(scope).region)
        self._name = name
        self._metrics_of = owner
        self._arn = arn
        # Nobody knows the tags of a plan that was made elsewhere; the permission is for its records only.
        self._has_incident_tags = True


def arn_seen_from(plan: IResponsePlanRef, user: IConstruct, *, ordered: bool = True) -> str:
    """Return a plan's ARN for a construct that uses it, and order the two deployments, unless told not to.

    Within a stack and its nested ones it is a reference, which gives the order. Across stacks of an app it is
    a text, made of the plan's name, with the user's stack deployed after the plan's: an export would block
    later changes.
    """
    name = _name_in_this_app(plan)
    if name is None or same_deployment(plan, user):
        return plan.response_plan_ref.response_plan_arn
    if ordered:
        deploy_after(user, plan)
    return response_plan_arn(Stack.of(user), name, account=Stack.of(plan).account)


def _name_in_this_app(plan: IResponsePlanRef) -> str | None:
    if isinstance(plan, ssmincidents.CfnResponsePlan):
        return plan.name
    return plan.response_plan_name if isinstance(plan, ResponsePlan) else None


def arn_by_name(plan: IResponsePlanRef, user: IConstruct) -> str:
    """Return a plan's ARN as a text made of its name, where this app knows the name.

    In what travels with a function's version: a renamed plan must change the text, and so make a version.
    """
    name = _name_in_this_app(plan)
    if name is None:
        return plan.response_plan_ref.response_plan_arn
    return response_plan_arn(Stack.of(user), name, account=Stack.of(plan).account)


def plan_name(plan: IResponsePlanRef) -> str:
    """Return a plan's name; of a token, an expression that CloudFormation resolves."""
    if isinstance(plan, _ResponsePlanBase):
        return plan.response_plan_name
    return _name_in_this_app(plan) or response_plan_name_of("plan", plan.response_plan_ref.response_plan_arn)


def record_arns(plan: IResponsePlanRef) -> str:
    """Return the pattern of the ARNs of all incidents of a plan."""
    records = f"incident-record/{plan_name(plan)}/*"
    return f"arn:{Stack.of(plan).partition}:ssm-incidents::{plan.env.account}:{records}"


def has_incident_tags(plan: IResponsePlanRef) -> bool:
    """Tell whether a plan's incidents carry tags, or may: of another's plan nobody here knows."""
    return plan._has_incident_tags if isinstance(plan, _ResponsePlanBase) else True  # noqa: SLF001 - this file's own


def tells_somebody(plan: IResponsePlanRef) -> bool:
    """Tell whether a plan of this app engages, notifies or runs anything; of an import nobody knows here."""
    resource = _resource_of(plan)
    return resource is not None and (bool(resource.actions) or _tells_people(resource))


def _tells_people(resource: ssmincidents.CfnResponsePlan) -> bool:
    topics = getattr(resource.incident_template, "notification_targets", None)
    return any((resource.engagements, resource.chat_channel, resource.integrations, topics))


def _resource_of(plan: IResponsePlanRef) -> ssmincidents.CfnResponsePlan | None:
    """Return a plan's L1, which of an owned one may be changed by hand; an import has none."""
    resource = plan._resource if isinstance(plan, ResponsePlan) else plan  # noqa: SLF001 - this file's own
    return resource if isinstance(resource, ssmincidents.CfnResponsePlan) else None


def check_plan(argument: str, plan: object) -> None:
    """Refuse what is no plan, above all a name or an ARN, which other libraries take."""
    if not hasattr(plan, "response_plan_ref"):
        raise refusal(
            argument,
            "a response plan",
            plan,
            "import it with ResponsePlan.from_response_plan_name or from_response_plan_arn.",
        )


def contact_arns(plan: IResponsePlanRef) -> list[str]:
    """Return the ARNs of all contacts that a plan may engage now, as texts; or the pattern of them.

    Whether the service asks for those that the plan names, or for all that their escalation reaches, no
    source settles: all are listed. An import does not tell whom it engages, nor does an L1: there it is all
    contacts of its account, in any Region of the replication set.
    """
    resource = _resource_of(plan)
    if resource is not None and not resource.engagements:
        return []
    if isinstance(plan, ResponsePlan) and plan._resource.engagements == plan._engaged:  # noqa: SLF001
        contacts = plan._engagements  # noqa: SLF001 - this file's own
        return list(dict.fromkeys(arn for contact in contacts for arn in engaged_arns(contact)))
    return [f"arn:{Stack.of(plan).partition}:ssm-contacts:*:{plan.env.account}:contact/*"]


def granted_contacts(plan: IResponsePlanRef) -> list[str]:
    """Return whom a grant names: each contact that a plan may engage now, or the pattern of too many."""
    contacts = contact_arns(plan)
    return contact_patterns(contacts) if sum(map(len, contacts)) > _LONGEST_GRANT else contacts


def contact_patterns(arns: Sequence[str]) -> list[str]:
    """Return fewer and wider ARNs: one of all contacts for each account and Region."""
    place = 5
    parts = [arn.split(":", place) for arn in arns]
    # An ARN that is a single token has no parts to tell.
    wide = [":".join([*p[:place], "contact/*"]) if len(p) > place else p[0] for p in parts]
    return list(dict.fromkeys(wide))


def _grant(
    grantee: iam.IGrantable, actions: list[str], arns: list[str], *, through_the_service: bool = False
) -> iam.Grant:
    return iam.Grant.add_to_principal(
        grantee=grantee,
        actions=actions,
        resource_arns=arns,
        conditions=permissions.CALLED_BY_THE_SERVICE if through_the_service else None,
    )


def _check_part(argument: str, value: object, kind: type, remedy: str) -> None:
    if value is not None and not isinstance(value, kind):
        raise refusal(argument, f"a {kind.__name__}", value, remedy)


def _derived_name(plan: ResponsePlan) -> str:
    # Names are unique in an account across Regions, so two Regional stacks of one shape must not share one.
    region = Stack.of(plan).region
    suffix = "" if is_token(region) else f"-{region}"
    return Names.unique_resource_name(plan, max_length=200 - len(suffix), separator="-") + suffix


def _rendered(incident: IncidentTemplate) -> ssmincidents.CfnResponsePlan.IncidentTemplateProperty:
    tags = [CfnTag(key=key, value=value) for key, value in (incident.tags or {}).items()]
    topics = [
        ssmincidents.CfnResponsePlan.NotificationTargetItemProperty(sns_topic_arn=topic.topic_arn)
        for topic in incident.notification_topics
    ]
    return ssmincidents.CfnResponsePlan.IncidentTemplateProperty(
        title=incident.title,
        impact=incident.impact if is_token(incident.impact) else int(incident.impact),
        summary=incident.summary,
        dedupe_string=incident.dedupe_string,
        incident_tags=tags or None,
        notification_targets=topics or None,
    )
