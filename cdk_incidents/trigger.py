"""The trigger: a function with its queues and its ledger that turns any signal into one open incident."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Protocol

import jsii
from aws_cdk import Annotations, Duration, Names, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_destinations as destinations
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sqs as sqs
from constructs import Construct, IValidation

from cdk_incidents import _permissions as permissions
from cdk_incidents._checks import check_count, check_list, refusal
from cdk_incidents._failover import FailoverIsInTheSet, check_failover_regions, failover_regions_of
from cdk_incidents._imported_trigger import ImportedTrigger
from cdk_incidents._lazy import lazy_text
from cdk_incidents._nag import acknowledge_key
from cdk_incidents._names import check_trigger_name
from cdk_incidents._own_topics import OwnTopics
from cdk_incidents._places import stands_in
from cdk_incidents._plan_permissions import PlanPolicies
from cdk_incidents._plans import arn_by_name, check_plan
from cdk_incidents._replication import needs_replication_set
from cdk_incidents._route_rights import RouteRights
from cdk_incidents._route_settings import SMOKE_TEST, RouteSettings, index_of
from cdk_incidents._route_sharing import RouteShares, let_alarms_invoke
from cdk_incidents._route_topic import (
    check_region_of_topic,
    check_topic_of_ours,
    topic_arn_seen_from,
    warn_of_foreign_topic,
)
from cdk_incidents._trigger_function import least_role, read_retries, trigger_function
from cdk_incidents._trigger_health import TriggerHealth, waiting_or_in_flight
from cdk_incidents._trigger_metrics import TriggerMetrics
from cdk_incidents._trigger_store import dead_letter_queue, ledger_table, retry_queue
from cdk_incidents.budget import IncidentBudget
from cdk_incidents.ops_items import FALLBACK_SEVERITY, OpsItems, check_ops_items
from cdk_incidents.ops_items import rendered as rendered_ops_items
from cdk_incidents.related_item import RelatedItem
from cdk_incidents.related_item import rendered as rendered_item
from cdk_incidents.route import Route
from cdk_incidents.suppression import Suppression, calendar_seen_from, check_windows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk import aws_cloudwatch as cloudwatch
    from aws_cdk.interfaces.aws_ssmincidents import IResponsePlanRef

    from cdk_incidents._topic import Topic
    from cdk_incidents.incident_template import Impact
    from cdk_incidents.route import IRoute

MAX_ROUTES = 100
_MAX_RELATED_ITEMS = 20
_MAX_SUPPRESSIONS = 10


class IIncidentTrigger(Protocol):
    """A trigger, owned or imported. For type hints: concrete triggers do not inherit it."""

    @property
    def trigger_name(self) -> str:
        """The name of the trigger, which is its function's."""
        ...

    def route(self, route_id: str) -> IRoute:
        """Return a route by its id."""
        ...

    def metric(
        self,
        metric_name: str,
        *,
        route: str | None = None,
        statistic: str | None = None,
        period: Duration | None = None,
    ) -> cloudwatch.Metric:
        """Return a metric that the trigger writes."""
        ...


class IncidentTrigger(TriggerMetrics, Construct):
    """A Lambda function with a retry queue that turns signals into incidents.

    A signal that joins an open incident of the same cause is noted there; a recovery resolves it where the
    route says so. What fails is retried for hours, then kept for 14 days in a dead-letter queue that an alarm
    watches: no signal is lost in silence.

    Parameters
    ----------
    scope, id
        Where the trigger lives in the app.
    trigger_name
        The name of the function, 1 to 64 letters, digits, hyphens and underscores. By default a unique name
        is made of the construct's path. It is fixed at synth, so that other stacks can name the routes.
    fallback
        The topic that is told what could not be started, and of the trigger's own health; or `OpsItems`,
        which are opened for both. By default nobody is told, and synth warns.
    health_plan
        The response plan that the health alarms open, by the service's own path. By default none.
    budget
        How many incidents of each plan and month repeated causes may open. By default
        ``IncidentBudget(ceiling=150, per_cause=20)``.
    failover_regions
        Where else incidents are started, in this order, while Incident Manager does not answer in the
        trigger's Region: one or two others of the replication set. By default the others of a
        `ReplicationSet` that the app owns, else none. A route may have its own.
    log_retention
        How long the function's log is kept. By default three months.

    Raises
    ------
    ValueError
        If an argument breaks one of these rules, or the stack's Region does not have Incident Manager.

    Notes
    -----
    The README says which resources it creates and what they cost.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002 - CDK's own word
        *,
        trigger_name: str | None = None,
        fallback: Topic | OpsItems | None = None,
        health_plan: IResponsePlanRef | None = None,
        budget: IncidentBudget | None = None,
        failover_regions: Sequence[str] | None = None,
        log_retention: logs.RetentionDays = logs.RetentionDays.THREE_MONTHS,
    ) -> None:
        super().__init__(scope, id)
        stands_in(self, scope)
        needs_replication_set(self)
        check_trigger_name(trigger_name, remedy="leave it out to have one made.")
        if health_plan is not None:
            check_plan("health_plan", health_plan)
        if fallback is not None and not isinstance(fallback, OpsItems):
            check_topic_of_ours("fallback", fallback, "an SNS topic or OpsItems")
            check_region_of_topic(self, "fallback", fallback)
        if budget is not None and not isinstance(budget, IncidentBudget):
            raise refusal("budget", "an IncidentBudget", budget, "e.g. IncidentBudget(ceiling=100).")
        check_failover_regions(self, failover_regions)
        self._failover_regions = failover_regions
        self._name = trigger_name or Names.unique_resource_name(self, max_length=64, separator="-")
        self._settings: dict[str, RouteSettings] = {}
        self._plans: dict[str, IResponsePlanRef] = {}
        policies = PlanPolicies(self, self._fails_over)
        self._routes: dict[str, Route] = {}
        self._topics = OwnTopics()
        if fallback is not None and not isinstance(fallback, OpsItems):
            self._topics.told(fallback)
            warn_of_foreign_topic(self, "fallback", fallback, self._name)

        self.dead_letter_queue: sqs.Queue = dead_letter_queue(self, self._name)
        """Where a signal ends that could not become an incident, with its reason, for up to 14 days."""
        self._shares = RouteShares(self, "Shares", self.dead_letter_queue)
        self._retries = retry_queue(self, self.dead_letter_queue)
        ledger = ledger_table(self)
        self.log_group: logs.LogGroup = logs.LogGroup(
            self,
            "Log",
            # Where an operator looks for it, and a text that other stacks can name.
            log_group_name=self.log_group_name,
            retention=log_retention,
            removal_policy=RemovalPolicy.DESTROY,
        )
        """The function's log: one JSON object a line."""
        self.role: iam.Role = least_role(
            self,
            policies.document,
            trigger_name=self._name,
            ledger=ledger,
            retries=self._retries,
            dead_letters=self.dead_letter_queue,
            log_group=self.log_group,
        )
        """The role of the function; what it may do is in its own policies."""
        if isinstance(fallback, OpsItems):
            policies.document.add_statements(
                iam.PolicyStatement(actions=permissions.MAKE_OPS_ITEM, resources=["*"])
            )
        elif fallback is not None:
            fallback.grant_publish(self.role)
            acknowledge_key(self.role)
        self.function: lambda_.Function = trigger_function(
            self,
            trigger_name=self._name,
            index=lazy_text(lambda: index_of(self._settings.values())),
            environment={
                "INCIDENTS_LEDGER_TABLE": ledger.table_name,
                "INCIDENTS_RETRY_QUEUE_URL": self._retries.queue_url,
                "INCIDENTS_DEAD_LETTER_QUEUE_URL": self.dead_letter_queue.queue_url,
                **_told_of(fallback, budget),
            },
            role=self.role,
            log_group=self.log_group,
        )
        """The function. Its unqualified ARN is no door: invoke a route's alias."""
        self._rights = RouteRights(self, policies, self.role, self.function)
        # Live aliases, and what uses them, under one construct: a smoke test goes before all of it.
        self._live = Construct(self, "Live")
        read_retries(self._live, self.function, self._retries)
        self.health: TriggerHealth = TriggerHealth(
            self,
            "Health",
            function_name=self._name,
            retries=self._retries,
            dead_letters=self.dead_letter_queue,
            fallback=fallback,
            health_plan=health_plan,
        )
        """The alarms on the trigger itself."""
        self.node.add_validation(_HasARoute(self._settings))
        if fallback is None:
            Annotations.of(self).add_warning_v2(
                "cdk-incidents:no-fallback",
                "fallback must be a topic that somebody reads, or OpsItems (got none): what the trigger"
                " cannot start is told to nobody and waits in the dead-letter queue. Pass fallback=topic.",
            )

    @property
    def trigger_name(self) -> str:
        """The name of the trigger, which is its function's."""
        return self._name

    @property
    def log_group_name(self) -> str:
        """The name of the function's log group, known at synth."""
        return f"/aws/lambda/{self._name}"

    @property
    def plans(self) -> list[IResponsePlanRef]:
        """The response plans of all routes, each once; a smoke test's quiet one included."""
        return list({plan.node.addr: plan for plan in self._plans.values()}.values())

    def metric_retry_queue_age(self, *, period: Duration | None = None) -> cloudwatch.Metric:
        """Return the age of the oldest signal that waits to be tried again, in seconds (maximum).

        Parameters
        ----------
        period
            By default five minutes.

        Notes
        -----
        SQS leaves out a message that was received three times: read it with `metric_retrying`.
        https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
        """
        return self._retries.metric_approximate_age_of_oldest_message(statistic="Maximum", period=period)

    def metric_retrying(self, *, period: Duration | None = None) -> cloudwatch.MathExpression:
        """Return how many signals wait to be tried again, or until a suppression ends (maximum).

        Parameters
        ----------
        period
            By default five minutes.
        """
        return waiting_or_in_flight(self._retries, period=period)

    def metric_dead_letters(self, *, period: Duration | None = None) -> cloudwatch.Metric:
        """Return how many signals lie in the dead-letter queue (maximum).

        Parameters
        ----------
        period
            By default five minutes.
        """
        return self.dead_letter_queue.metric_approximate_number_of_messages_visible(
            statistic="Maximum", period=period
        )

    def sends_people_to(self, plan: IResponsePlanRef) -> bool:
        """Tell whether a route other than the smoke test's leads to a plan."""
        arn = arn_by_name(plan, self)
        return any(
            arn == settings.response_plan_arn and not settings.quiet for settings in self._settings.values()
        )

    def add_route(  # noqa: PLR0913 - what a route may say is all here
        self,
        id: str,  # noqa: A002
        *,
        response_plan: IResponsePlanRef | None = None,
        ops_items: OpsItems | None = None,
        topic: Topic | None = None,
        impact: Impact | int | None = None,
        title: str | None = None,
        dedupe_key: str | None = None,
        related_items: Sequence[RelatedItem] = (),
        suppression: Sequence[Suppression] = (),
        auto_resolve: bool = False,
        join_for: Duration | None = None,
        failover_regions: Sequence[str] | None = None,
    ) -> Route:
        """Return a new route to a response plan, to OpsCenter or to a topic.

        A template holds any of the fields ``{title}``, ``{reason}``, ``{source}``, ``{account}``,
        ``{region}``, ``{time}`` and ``{key}`` of the signal, or a path into its event such as
        ``{detail.service.name}`` or ``{resources.0}``.

        Parameters
        ----------
        id
            Its name, and its Lambda alias's: 1 to 128 letters, digits, hyphens and underscores, not digits
            only, and neither ``smoke-test`` nor ``retry``. Changing it gives the alarms another ARN.
        response_plan
            The plan whose incident a signal opens. Exactly one of this, `ops_items` and `topic` is given;
            changing from one to another changes nothing for the alarms.
        ops_items
            The OpsItems that signals open in OpsCenter instead.
        topic
            The standard topic of the trigger's Region that signals are published to instead.
        impact
            An `Impact` or its number, 1 to 5. By default the signal's own, if it has one, or the plan's.
        title
            The incident's title, a template of up to 200 characters. By default ``{title}``: an alarm's name
            and description.
        dedupe_key
            A template of up to 200 characters: signals that fill it alike are of one cause and share an
            incident, such as ``{detail.service.name}``. A signal without one of its fields has its own key.
            By default each has: an alarm's ARN, an event's resources.
        related_items
            Up to 20 links for responders. By default those that the signal brings.
        suppression
            Up to 10 maintenance windows in which nothing starts. By default none, but alarm mutes and
            ``cdk-incidents suppress`` hold for any route.
        auto_resolve
            Whether a recovery resolves the incident that its own alarm opened. By default it does not.
        join_for
            How long later signals of one cause may join its open incident: 1 minute to 30 days. By default
            12 hours; then a signal opens a new one.
        failover_regions
            As for the trigger, whose they are by default; ``[]`` for none. Only with `response_plan`.

        Raises
        ------
        ValueError
            If an argument breaks one of these rules, the trigger has that route, or it has 100 already.
        """
        if response_plan is not None:
            check_plan("response_plan", response_plan)
        if ops_items is not None:
            check_ops_items("ops_items", ops_items)
        if topic is not None:
            check_topic_of_ours("topic", topic, "an SNS topic")
            check_region_of_topic(self, "topic", topic)
            warn_of_foreign_topic(self, "topic", topic, self._name)
        _check_one(response_plan=response_plan, ops_items=ops_items, topic=topic)
        check_failover_regions(self, failover_regions)
        if failover_regions and response_plan is None:
            remedy = "OpsItems and topics are of one Region."
            raise refusal("failover_regions", "left out without response_plan", failover_regions, remedy)
        check_list("related_items", related_items, RelatedItem, "RelatedItem")
        check_count(
            "related_items", related_items, maximum=_MAX_RELATED_ITEMS, remedy="the signal's own need room."
        )
        check_list("suppression", suppression, Suppression, "Suppression")
        check_count(
            "suppression", suppression, maximum=_MAX_SUPPRESSIONS, remedy="put the events into one calendar."
        )
        calendars = [(*calendar_seen_from(each, self), each.state) for each in suppression]
        check_windows(calendars)
        settings = RouteSettings(
            id=id,
            response_plan_arn=None if response_plan is None else arn_by_name(response_plan, self),
            ops_items=ops_items,
            topic_arn=None if topic is None else topic_arn_seen_from(topic, self),
            regions=lambda: self._regions_of(response_plan, failover_regions),
            impact=impact,
            title=title,
            dedupe_key=dedupe_key,
            related_items=[rendered_item(item, self) for item in related_items],
            calendars=[{"name": name, "state": state} for name, _, state in calendars],
            auto_resolve=auto_resolve,
            join_for=Duration.hours(12) if join_for is None else join_for,
        )
        self._admit(settings)
        given = self._failover_regions if failover_regions is None else failover_regions
        if response_plan is not None and given:
            self.node.add_validation(FailoverIsInTheSet(self, response_plan, given))
        if response_plan is not None:
            # App teams' plans may stand in stacks that come after a central trigger's.
            self._use_plan(settings, response_plan, ordered=False)
        if topic is not None and settings.topic_arn is not None:
            self._topics.told(topic)
            self._rights.use_topic(topic, settings.topic_arn)
        if ops_items is not None:
            self._rights.use_ops_items()
        for _, calendar, _ in calendars:
            self._rights.ask_calendar(calendar)
        self._settings[id] = settings
        alias = lambda_.Alias(
            self._live,
            id,
            alias_name=id,
            version=self.function.current_version,
            retry_attempts=2,
            max_event_age=Duration.hours(1),
            # Failed events of an alias without settings of its own are dropped, whatever the function says.
            on_failure=destinations.SqsDestination(self._retries),
        )
        return self._door(settings, alias)

    def route(self, route_id: str) -> Route:
        """Return a route by its id.

        Raises
        ------
        ValueError
            If the trigger has no such route.
        """
        if route_id not in self._routes:
            known = ", ".join(sorted(self._routes)) or "none yet"
            raise refusal(
                "route_id", f"one of this trigger's routes ({known})", route_id, "add_route makes one."
            )
        return self._routes[route_id]

    @staticmethod
    def from_trigger_attributes(
        scope: Construct,
        id: str,  # noqa: A002
        *,
        trigger_name: str,
        routes: Sequence[str],
        account: str | None = None,
        region: str | None = None,
    ) -> IIncidentTrigger:
        """Return a trigger that another stack, app or account has, such as a platform team's.

        Its routes take alarms, rules, topics, queues and people as one's own do: by their names, without an
        export. Of another account, the trigger must let this one in, by `share_with`.

        Parameters
        ----------
        scope, id
            Where the import lives in the app.
        trigger_name
            The trigger's name.
        routes
            The ids of the routes that are used here.
        account
            The trigger's account. By default the stack's.
        region
            The trigger's Region. By default the stack's; AWS invokes functions of its own Region only.

        Raises
        ------
        ValueError
            If a name, an id, the account or the Region cannot be one.

        Notes
        -----
        Alarms send their OK to any of its routes: what a recovery means, the trigger knows.
        """
        return ImportedTrigger(
            scope, id, trigger_name=trigger_name, routes=routes, account=account, region=region
        )

    def share_with(self, *, accounts: Sequence[str] = (), organization: str | None = None) -> None:
        """Let other accounts use all routes, now and later.

        Their alarms and rules, their people and functions that may invoke the alias. Their topics and queues
        are brought in by this trigger's own stack: ``Topic.from_topic_arn(…)`` is subscribed, and
        ``Queue.from_queue_arn(…)`` is read. Whoever is let in decides what pages the routes' people.

        Parameters
        ----------
        accounts
            Up to 15 accounts, by their ids. By default none.
        organization
            The organisation's id, like ``o-exampleorgid``: all of its accounts, now and later. By default
            none. It makes the policy of each alias one `AWS::Lambda::ResourcePolicy`, which lets in all
            rules and topics of the trigger's own account, too.

        Raises
        ------
        ValueError
            If an id cannot be one, an account is the trigger's own, there are too many, or none.

        Notes
        -----
        AWS does not say whether alarms tell their organisation; synth warns until the accounts of those that
        use a route are named as well.
        https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-actions-Lambda.html
        https://docs.aws.amazon.com/lambda/latest/dg/permissions-function-cross-account.html
        """
        self._shares.share(accounts, organization)

    def _admit(self, settings: RouteSettings) -> None:
        if settings.id in self._settings:
            raise refusal("route id", "unique in its trigger", settings.id, "take route(id) to use it again.")
        if len(self._settings) >= MAX_ROUTES and not settings.quiet:
            raise refusal(
                "routes",
                f"at most {MAX_ROUTES} a trigger",
                f"{MAX_ROUTES + 1}",
                "make a second IncidentTrigger.",
            )

    def _use_plan(self, settings: RouteSettings, plan: IResponsePlanRef, *, ordered: bool) -> None:
        self._rights.use_plan(plan, ordered=ordered)
        self._plans[settings.id] = plan

    def _regions_of(self, plan: IResponsePlanRef | None, given: Sequence[str] | None) -> Sequence[str]:
        """Return at synth, when the replication set is known, where else a route's incidents may start."""
        if plan is None:
            return ()
        return failover_regions_of(self, plan, self._failover_regions if given is None else given)

    def _fails_over(self) -> bool:
        return any(settings.regions() for settings in self._settings.values())

    def _door(self, settings: RouteSettings, alias: lambda_.Alias) -> Route:
        if settings.quiet:
            # Nothing but the canary comes here.
            let_alarms_invoke(alias)
        else:
            self._shares.admit(alias)
        route = Route(self, route_id=settings.id, alias=alias, auto_resolve=settings.auto_resolve)
        self._routes[settings.id] = route
        return route

    def _quiet_route(self, plan: IResponsePlanRef) -> tuple[Route, lambda_.Alias]:
        """Return the smoke test's own route, whose failures go nowhere; for `SmokeTest`."""
        if SMOKE_TEST in self._settings:
            raise refusal(
                "trigger", "without a smoke test so far", self.node.path, "one proves all of its routes."
            )
        settings = RouteSettings(
            id=SMOKE_TEST,
            response_plan_arn=arn_by_name(plan, self),
            impact=None,
            title="{reason}",
            auto_resolve=True,
            join_for=Duration.hours(1),
            quiet=True,
        )
        self._admit(settings)
        self._use_plan(settings, plan, ordered=True)
        self._rights.look_at_plan(plan)
        self._settings[SMOKE_TEST] = settings
        alias = lambda_.Alias(
            self,
            "Quiet",
            alias_name=SMOKE_TEST,
            version=self.function.current_version,
            # No destination: a failed smoke test is the deployment's to report, and nobody's to be paged for.
            retry_attempts=0,
            # Nor may a throttled one come back when the test has long been over.
            max_event_age=Duration.minutes(1),
        )
        return self._door(settings, alias), alias


@jsii.implements(IValidation)
class _HasARoute:
    """Refuse at synth what IAM would refuse at deployment: a role whose statements name no plan."""

    def __init__(self, settings: dict[str, RouteSettings]) -> None:
        self._settings = settings

    def validate(self) -> list[str]:
        # The smoke test's own leads nobody anywhere.
        if any(not settings.quiet for settings in self._settings.values()):
            return []
        return [str(refusal("routes", "at least one a trigger", "none", "call add_route."))]


def _told_of(fallback: Topic | OpsItems | None, budget: IncidentBudget | None) -> dict[str, str]:
    """Return what the function's environment says beyond its own tables and queues."""
    told: dict[str, str] = {}
    if isinstance(fallback, OpsItems):
        items = {"severity": str(FALLBACK_SEVERITY), **rendered_ops_items(fallback)}
        told["INCIDENTS_FALLBACK_OPS_ITEM"] = json.dumps(items)
    elif fallback is not None:
        told["INCIDENTS_FALLBACK_TOPIC_ARN"] = fallback.topic_arn
    if budget is not None:
        told["INCIDENTS_CEILING"] = str(budget.ceiling)
        told["INCIDENTS_PER_CAUSE"] = str(budget.per_cause)
    return told


def _check_one(**destinations: object) -> None:
    named = [name for name, value in destinations.items() if value is not None]
    if len(named) != 1:
        rule = "exactly one of response_plan, ops_items and topic"
        raise refusal("destination", rule, " and ".join(named) or "none", "pass one of these.")
