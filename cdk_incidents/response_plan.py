"""The response plan: what opens when something breaks, and who may open it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from aws_cdk import Annotations, CfnTag, Names
from aws_cdk import aws_ssmincidents as ssmincidents
from aws_cdk.interfaces.aws_ssmincidents import IResponsePlanRef

from cdk_incidents._arn import check_plan_name, response_plan_arn, response_plan_name_of
from cdk_incidents._checks import check_count, check_length, check_pattern, is_token, refusal
from cdk_incidents._contacts import (
    check_contact,
    contact_arn_seen_from,
    environment_of,
    order_after_contacts,
)
from cdk_incidents._late_warnings import warn_at_synth
from cdk_incidents._places import place_of, stands_in
from cdk_incidents._plans import ImportedResponsePlan, ResponsePlanBase, tells_people
from cdk_incidents._replication import needs_replication_set
from cdk_incidents._service_access import let_publish, let_read
from cdk_incidents._tags import warn_of_refused_tags

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from aws_cdk import Duration
    from aws_cdk import aws_cloudwatch as cloudwatch
    from aws_cdk import aws_iam as iam
    from aws_cdk.interfaces.aws_ssmcontacts import IContactRef
    from constructs import Construct

    from cdk_incidents.chat_channel import ChatChannel
    from cdk_incidents.incident_template import Impact, IncidentTemplate
    from cdk_incidents.pager_duty import PagerDuty
    from cdk_incidents.runbook import Runbook

NOBODY_PAGED = "cdk-incidents:nobody-paged"
"""The warning of a plan whose incidents reach nobody."""
_CONTACT_ACCOUNT = "cdk-incidents:contact-of-another-account"


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


class ResponsePlan(ResponsePlanBase):
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

    _resource: ssmincidents.CfnResponsePlan

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
        stands_in(self, scope)
        self._name = response_plan_name or _derived_name(self)
        check_plan_name("response_plan_name", self._name)
        check_length("display_name", display_name, maximum=200)
        self._has_incident_tags = bool(incident.tags)
        self._engaged = self._arns_of(engagements)
        self._engagements = list(engagements)
        self._resource = ssmincidents.CfnResponsePlan(
            self,
            "Resource",
            name=self._name,
            display_name=display_name,
            incident_template=_rendered(incident),
            # CloudFormation would take an empty list; a template without one says the same in fewer words.
            engagements=self._engaged or None,
        )
        needs_replication_set(self, self._resource)
        self._arn = self._resource.ref
        self._runbook_role: iam.IRole | iam.Role | None = None
        let_publish(self, self._resource, "notification_topics", incident.notification_topics)
        order_after_contacts(self._resource, engagements, self)
        # Who has one of these has loaded its module; who has none shall not.
        if runbook is not None:
            self._run(runbook)
        if chat_channel is not None:
            self._talk_in(chat_channel)
        if pager_duty is not None:
            self._integrate(pager_duty)
        warn_of_refused_tags(self, "AWS::SSMIncidents::ResponsePlan", self._resource.tags)
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
        return ImportedResponsePlan(scope, id, name=name, arn=response_plan_arn)

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
        arn = response_plan_arn(scope, response_plan_name, account=account)
        return ImportedResponsePlan(scope, id, name=response_plan_name, arn=arn, account=account)

    def _arns_of(self, engagements: Sequence[IContactRef]) -> list[str]:
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
        return arns

    def _warn_of_another_account(self, contact: IContactRef) -> None:
        ours, (theirs, _) = place_of(self).account, environment_of(contact)
        if is_token(ours) or is_token(theirs) or ours == theirs:
            return
        Annotations.of(self).add_warning_v2(
            _CONTACT_ACCOUNT,
            f"engagements must be of the plan's own account, {ours}, as far as AWS documents it (got"
            f" {contact.node.path} of {theirs}): make the plan in that account and share it from there, or"
            " acknowledge this where it was seen to page.",
        )

    def _run(self, runbook: Runbook) -> None:
        from cdk_incidents.runbook import Runbook, action_of  # noqa: PLC0415 - who has one has loaded it

        _check_part("runbook", runbook, Runbook, "e.g. Runbook(document).")
        action, self._runbook_role = action_of(runbook, self, self._name)
        self._resource.actions = [action]

    def _integrate(self, pager_duty: PagerDuty) -> None:
        from cdk_incidents.pager_duty import PagerDuty, integration_of  # noqa: PLC0415 - who has one has loaded it

        _check_part("pager_duty", pager_duty, PagerDuty, "e.g. PagerDuty(name=…, secret=…, service_id=…).")
        self._resource.integrations = [integration_of(pager_duty)]
        let_read(self, self._resource, "pager_duty", pager_duty.secret)

    def _talk_in(self, channel: ChatChannel) -> None:
        from cdk_incidents.chat_channel import ChatChannel, topics_of  # noqa: PLC0415 - who has one has loaded it

        _check_part("chat_channel", channel, ChatChannel, "e.g. ChatChannel.slack(channel).")
        topics = topics_of(channel, self)
        self._resource.chat_channel = ssmincidents.CfnResponsePlan.ChatChannelProperty(
            chatbot_sns=[topic.topic_arn for topic in topics]
        )
        let_publish(self, self._resource, "chat_channel", topics)

    def _nobody_paged(self) -> Iterator[tuple[str, str]]:
        if not tells_people(self._resource):
            text = (
                "engagements must name somebody for an incident to reach them (got none, and no chat channel,"
                " notification topic or PagerDuty): pass engagements=[…], or acknowledge this where a plan is"
                " meant to be quiet."
            )
            yield NOBODY_PAGED, text


def _check_part(argument: str, value: object, kind: type, remedy: str) -> None:
    if not isinstance(value, kind):
        raise refusal(argument, f"a {kind.__name__}", value, remedy)


def _derived_name(plan: ResponsePlan) -> str:
    # Names are unique in an account across Regions, so two Regional stacks of one shape must not share one.
    region = place_of(plan).region
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
