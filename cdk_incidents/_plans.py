"""What holds for response plans of any origin: ours, imports, and CDK's L1 that was made by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import jsii
from aws_cdk import ArnFormat, Resource
from aws_cdk import aws_ssmincidents as ssmincidents
from aws_cdk.interfaces.aws_ssmincidents import IResponsePlanRef, ResponsePlanReference
from constructs import Construct

from cdk_incidents import _permissions as permissions
from cdk_incidents._arn import deploy_after, response_plan_arn, response_plan_name_of, same_deployment
from cdk_incidents._checks import refusal
from cdk_incidents._contacts import engaged_arns
from cdk_incidents._places import place_of, stands_in
from cdk_incidents._sharing import share

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk import Duration
    from aws_cdk import aws_cloudwatch as cloudwatch
    from aws_cdk import aws_iam as iam
    from aws_cdk.interfaces.aws_ssmcontacts import IContactRef
    from constructs import IConstruct

    from cdk_incidents.incident_template import Impact

# The console calls it `IncidentManager`, but the service-linked role may publish to this one only.
_METRIC_NAMESPACE = "AWS/IncidentManager"
# Beyond that a grant names all contacts of an account and Region: IAM takes 10,240 characters of a role.
_LONGEST_GRANT = 3_000


@jsii.implements(IResponsePlanRef)
class ResponsePlanBase(Resource):
    """All that a plan can do, against its name and ARN alone: owned and imported plans cannot drift."""

    _arn: str
    _name: str
    _has_incident_tags: bool
    _metrics_of: str | None = None
    # Of a plan of this app: its L1, which may be changed by hand, whom it engages, and as what these render.
    _resource: ssmincidents.CfnResponsePlan | None = None
    _engagements: Sequence[IContactRef] = ()
    _engaged: Sequence[str] = ()

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
        grant = _grant(grantee, permissions.START, [self._arn_for(grantee)])
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
        read = _grant(grantee, permissions.READ, [self._arn_for(grantee), self._record_arns()])
        return read.combine(_grant(grantee, permissions.LIST, ["*"]))

    def grant_manage_incidents(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let a principal read, change, annotate, resolve and delete the plan's incidents, not start them.

        Parameters
        ----------
        grantee
            The role, user or function.
        """
        manage = _grant(grantee, permissions.MANAGE, [self._arn_for(grantee), self._record_arns()])
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
        from aws_cdk import aws_cloudwatch as cloudwatch  # noqa: PLC0415 - most plans are not looked at

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

    def _arn_for(self, grantee: iam.IGrantable) -> str:
        # From another stack by name: a grant needs no order, and an export blocks later changes.
        near = Construct.is_construct(grantee) and same_deployment(self, cast("IConstruct", grantee))
        return self._arn if near else arn_by_name(self, self)

    def _record_arns(self) -> str:
        return record_arns(self)


class ImportedResponsePlan(ResponsePlanBase):
    """A plan that exists, of this account or another."""

    def __init__(
        self, scope: Construct, construct_id: str, *, name: str, arn: str, account: str | None = None
    ) -> None:
        # The ARN has no Region, and CDK would take that for the Region ''.
        owner = account or place_of(scope).stack.split_arn(arn, ArnFormat.SLASH_RESOURCE_NAME).account
        super().__init__(scope, construct_id, account=owner, region=place_of(scope).region)
        stands_in(self, scope)
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
    return response_plan_arn(user, name, account=place_of(plan).account)


def _name_in_this_app(plan: IResponsePlanRef) -> str | None:
    if isinstance(plan, ssmincidents.CfnResponsePlan):
        return plan.name
    if isinstance(plan, ResponsePlanBase) and not isinstance(plan, ImportedResponsePlan):
        return plan.response_plan_name
    return None


def is_of_this_app(plan: IResponsePlanRef) -> bool:
    """Tell whether the app makes a plan; an import is there already."""
    return _name_in_this_app(plan) is not None


def arn_by_name(plan: IResponsePlanRef, user: IConstruct) -> str:
    """Return a plan's ARN as a text made of its name, where this app knows the name.

    In what travels with a function's version: a renamed plan must change the text, and so make a version.
    """
    name = _name_in_this_app(plan)
    if name is None:
        return plan.response_plan_ref.response_plan_arn
    return response_plan_arn(user, name, account=place_of(plan).account)


def plan_name(plan: IResponsePlanRef) -> str:
    """Return a plan's name; of a token, an expression that CloudFormation resolves."""
    if isinstance(plan, ResponsePlanBase):
        return plan.response_plan_name
    return _name_in_this_app(plan) or response_plan_name_of("plan", plan.response_plan_ref.response_plan_arn)


def record_arns(plan: IResponsePlanRef) -> str:
    """Return the pattern of the ARNs of all incidents of a plan."""
    records = f"incident-record/{plan_name(plan)}/*"
    return f"arn:{place_of(plan).partition}:ssm-incidents::{_account_of(plan)}:{records}"


def _account_of(plan: IResponsePlanRef) -> str:
    # An import's may be another than its stack's, and somebody else's construct may be one.
    if isinstance(plan, ResponsePlanBase):
        return plan._metrics_of or place_of(plan).account  # noqa: SLF001 - this file's own
    return plan.env.account


def has_incident_tags(plan: IResponsePlanRef) -> bool:
    """Tell whether a plan's incidents carry tags, or may: of another's plan nobody here knows."""
    return plan._has_incident_tags if isinstance(plan, ResponsePlanBase) else True  # noqa: SLF001 - this file's own


def tells_somebody(plan: IResponsePlanRef) -> bool:
    """Tell whether a plan of this app engages, notifies or runs anything; of an import nobody knows here."""
    resource = resource_of(plan)
    return resource is not None and (bool(resource.actions) or tells_people(resource))


def tells_people(resource: ssmincidents.CfnResponsePlan) -> bool:
    """Tell whether a plan's incidents reach anybody; a runbook is nobody."""
    # Each is a round trip to Node, the last one of several: most plans engage somebody.
    return bool(
        resource.engagements
        or resource.chat_channel
        or resource.integrations
        or getattr(resource.incident_template, "notification_targets", None)
    )


def resource_of(plan: IResponsePlanRef) -> ssmincidents.CfnResponsePlan | None:
    """Return a plan's L1; an import has none."""
    if isinstance(plan, ssmincidents.CfnResponsePlan):
        return plan
    return plan._resource if isinstance(plan, ResponsePlanBase) else None  # noqa: SLF001 - this file's own


def check_plan(argument: str, plan: object) -> None:
    """Refuse what is no plan, above all a name or an ARN, which other libraries take."""
    if isinstance(plan, type) or not hasattr(plan, "response_plan_ref"):
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
    resource = resource_of(plan)
    engaged = None if resource is None else resource.engagements
    if resource is not None and not engaged:
        return []
    if resource is not None and isinstance(plan, ResponsePlanBase) and engaged == plan._engaged:  # noqa: SLF001 - this file's own
        contacts = plan._engagements  # noqa: SLF001 - this file's own
        return list(dict.fromkeys(arn for contact in contacts for arn in engaged_arns(contact)))
    return [f"arn:{place_of(plan).partition}:ssm-contacts:*:{_account_of(plan)}:contact/*"]


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


def in_any_region(arns: Sequence[str]) -> list[str]:
    """Return contacts' ARNs for any Region of the replication set."""
    place = 3
    parts = [arn.split(":") for arn in arns]
    wide = [":".join([*p[:place], "*", *p[place + 1 :]]) if len(p) > place else p[0] for p in parts]
    return list(dict.fromkeys(wide))


def _grant(
    grantee: iam.IGrantable, actions: list[str], arns: list[str], *, through_the_service: bool = False
) -> iam.Grant:
    from aws_cdk import aws_iam as iam  # noqa: PLC0415 - who is granted something has loaded it

    return iam.Grant.add_to_principal(
        grantee=grantee,
        actions=actions,
        resource_arns=arns,
        conditions=permissions.CALLED_BY_THE_SERVICE if through_the_service else None,
    )
