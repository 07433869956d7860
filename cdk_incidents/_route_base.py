"""All that a route can do, by names alone: owned and imported routes cannot drift."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import jsii
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from cdk_incidents._checks import is_token, refusal
from cdk_incidents._names import dead_letter_queue_name, role_name
from cdk_incidents._own_alarms import is_on
from cdk_incidents._places import identity_of, place_of
from cdk_incidents._route_settings import SMOKE_TEST
from cdk_incidents._route_sharing import INVOKE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aws_cdk import aws_events as events
    from aws_cdk import aws_sns as sns
    from aws_cdk import aws_sqs as sqs
    from constructs import IConstruct

SCALING_ALARMS = ("TargetTracking-",)
"""How the alarms begin that move a number of machines instead of people."""


class RouteBase:
    """What a route's users may do, and what its names are."""

    def __init__(
        self,
        scope: Construct,
        *,
        route_id: str,
        trigger_name: str,
        account: str | None = None,
        region: str | None = None,
    ) -> None:
        place = place_of(scope)
        self._scope = scope
        self._id = route_id
        self._trigger_name = trigger_name
        self._is_placed = account is not None
        self._account = account or place.account
        self._region = region or place.region
        self._partition = place.partition
        self._watched: set[cloudwatch.AlarmBase] = set()
        # By the ARN that they name: an alarm's own stack, or another.
        self._native_actions: dict[str, cloudwatch.IAlarmAction] = {}

    @property
    def route_id(self) -> str:
        """The id of the route, which is the name of its Lambda alias."""
        return self._id

    @property
    def route_arn(self) -> str:
        """The ARN of the route's Lambda alias."""
        return self._arn_by_name

    @property
    def auto_resolve(self) -> bool:
        """Whether alarms must tell of their recovery too."""
        raise NotImplementedError

    def watch(self, *alarms: cloudwatch.AlarmBase) -> None:
        """Let alarms send their ALARM to this route, and their OK where it auto-resolves.

        Parameters
        ----------
        *alarms
            Metric and composite alarms of the same Region, in any stack of the app. They gain an action, and
            no resource; once, however often they are given.

        Raises
        ------
        ValueError
            If something is no alarm, is of another Region, or watches this trigger itself: a broken trigger
            could not report it.
        """
        for alarm in alarms:
            if not hasattr(alarm, "add_alarm_action"):
                remedy = "pass each by itself, a list as *alarms; those of CDK's L1 are found by Alarms.of."
                raise refusal("alarms", "metric or composite alarms", alarm, remedy)
            if alarm in self._watched:
                continue
            self._refuse_own(alarm)
            action = self._native_action(self._arn_for(alarm, "alarm"))
            alarm.add_alarm_action(action)
            if self.auto_resolve:
                alarm.add_ok_action(action)
            self._watched.add(alarm)

    def alarm_action(self) -> cloudwatch.IAlarmAction:
        """Return the action to give to an alarm by hand, or to a library that takes an ``IAlarmAction``.

        As an OK action too it lets the recovery resolve the incident, where the route auto-resolves.
        """
        return _RouteAction(self)

    def rule_target(self, *, recovers: bool = False) -> events.IRuleTarget:
        """Return the target to give to an EventBridge rule: each event that matches is a signal.

        What EventBridge cannot deliver goes to the trigger's dead-letter queue. The rule may stand in any
        stack of the route's Region; one of another account gets a role, and that account must be let in by
        `IncidentTrigger.share_with`.

        Parameters
        ----------
        recovers
            Whether the events say that something is well again: each resolves what an event of the same
            source, account, Region and resources has opened, and of the same detail type too, unless the
            route has a ``dedupe_key`` that both fill alike. By default they open incidents.

        Notes
        -----
        https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-cross-account.html
        """
        if not isinstance(recovers, bool):
            raise refusal("recovers", "True or False", recovers, "True for events that tell of a recovery.")
        from cdk_incidents._route_target import RouteTarget  # noqa: PLC0415 - alarms need none

        return RouteTarget(self, recovers=recovers)

    def subscription(
        self, *, filter_policy: Mapping[str, sns.SubscriptionFilter] | None = None
    ) -> sns.ITopicSubscription:
        """Return the subscription to give to an SNS topic: each notification is a signal.

        A notification of an alarm, or of a service in EventBridge's form, is read as what it is; of any other
        the subject is the title. What SNS cannot deliver goes to the trigger's dead-letter queue.

        Parameters
        ----------
        filter_policy
            Which notifications, by their attributes. By default all.

        Notes
        -----
        SNS wants a subscription across accounts to be made by the account of the function. So a topic of
        another account is subscribed by the trigger's own stack, which imports it by its ARN; the topic's
        policy must let that account ``sns:Subscribe``.
        https://docs.aws.amazon.com/sns/latest/api/API_Subscribe.html
        """
        from cdk_incidents._route_subscription import RouteSubscription  # noqa: PLC0415 - the same

        return RouteSubscription(self, filter_policy)

    def on_queue(
        self, queue: sqs.IQueue | sqs.Queue, *, batch_size: int = 10, max_concurrency: int = 2
    ) -> None:
        """Read an SQS queue: each message is a signal.

        A message may hold an alarm's or a service's event, an SNS notification, raw or not, any other JSON,
        or plain text. What fails for now goes on through the trigger's own retry queue, so that the queue
        waits for nobody.

        Parameters
        ----------
        queue
            A queue of the route's Region, of its account, encrypted by SQS or a key of your own; its
            visibility time-out should be 3 minutes or more. The trigger's own stack may read a queue of
            another account, whose policy must let the trigger's role in.
        batch_size
            How many messages at a time: 1 to 10. By default 10.
        max_concurrency
            How many batches at once: 2 to 1,000. By default 2, which keeps the service's 5 starts a second
            busy.

        Raises
        ------
        ValueError
            If an argument breaks one of these rules, a route of the trigger reads the queue already, or it is
            one of the trigger's own.

        Notes
        -----
        https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
        """
        from cdk_incidents._queue_source import read_queue  # noqa: PLC0415 - the same

        read_queue(self, queue, batch_size=batch_size, max_concurrency=max_concurrency)

    def watch_account(self, *, except_prefixes: Sequence[str] = SCALING_ALARMS) -> events.Rule:
        """Send all alarms of the account and Region to this route by one rule; none of them is touched.

        Alarms that go to ALARM are signals, and those that go to OK where the route auto-resolves. The
        trigger's own alarms are left out, and what is muted or suppressed starts nothing. An alarm that the
        route watches besides is one signal, not two.

        Parameters
        ----------
        except_prefixes
            How the names of alarms begin that are left out. By default ``TargetTracking-``, which scale
            something and page nobody.

        Returns
        -------
        events.Rule
            The rule, which stands beside the route; beside an import, in the import's stack.

        Raises
        ------
        ValueError
            If the route watches the account already.

        Notes
        -----
        An alarm with several contributors is one signal here.
        https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-and-eventbridge.html
        """
        if self._scope.node.try_find_child("Account") is not None:
            raise refusal(
                "watch_account",
                "called once a route",
                self._scope.node.path,
                "list all prefixes in one call.",
            )
        from aws_cdk import aws_events as events  # noqa: PLC0415 - the same

        from cdk_incidents.event_patterns import EventPatterns  # noqa: PLC0415 - the same

        pattern = EventPatterns._of_account(  # noqa: SLF001
            place_of(self._scope).account, except_prefixes, and_ok=self.auto_resolve
        )
        return events.Rule(
            self._scope,
            "Account",
            description=f"All alarms of the account, for {self._trigger_name}:{self._id}",
            event_pattern=pattern,
            targets=[self.rule_target()],
        )

    def grant_start(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let a person or another function start incidents by hand: ``lambda:InvokeFunction`` on the alias.

        They invoke `route_arn` with the fields of ``StartIncident``, e.g. ``{"title": "Checkout is down"}``,
        and are told what became of it. The same ``clientToken`` joins the same incident; with
        ``"status": "RESOLVED"`` it recovers.

        Parameters
        ----------
        grantee
            The role, user, group or function; of another account only where `IncidentTrigger.share_with` lets
            that account in.

        Raises
        ------
        ValueError
            If it is none of these: an account or a service has no policy that could say so.
        """
        if hasattr(grantee, "grant_principal"):
            grant = iam.Grant.add_to_principal(
                grantee=grantee, actions=[INVOKE], resource_arns=[self._arn_granted_to(grantee)]
            )
            if grant.success:
                return grant
        raise refusal(
            "grantee",
            "a role, a user, a group or a function",
            grantee if isinstance(grantee, str) else type(grantee).__name__,
            "import a role with iam.Role.from_role_arn; let in another account by share_with.",
        )

    # --- what an owned route knows better

    def _arn_for(self, user: IConstruct, argument: str) -> str:
        """Return the ARN as a user's stack may name it."""
        self._check_region(user, argument)
        return self._arn_by_name

    def _arn_granted_to(self, grantee: iam.IGrantable) -> str:  # noqa: ARG002
        return self._arn_by_name

    def _dead_letters_for(self, user: IConstruct) -> str:  # noqa: ARG002
        """Return the ARN of the dead-letter queue as a user's stack may name it."""
        name = dead_letter_queue_name(self._trigger_name)
        return f"arn:{self._partition}:sqs:{self._region}:{self._account}:{name}"

    def _take_dead_letters_of(self, topic: sns.ITopic) -> None:
        """Let a topic of another account put dead letters into the queue."""

    def _role_for(self, user: IConstruct) -> iam.IRole:
        """Return the function's role, for a policy in the user's stack."""
        stack = place_of(user).stack
        name = f"{self._trigger_name}-Role"
        made = stack.node.try_find_child(name)
        if made is not None:
            return cast("iam.IRole", made)
        return iam.Role.from_role_name(stack, name, role_name(self._trigger_name, self._region))

    def _reader_scope(self, queue: sqs.IQueue) -> Construct:
        """Return where the reader of a queue stands: beside the queue."""
        return cast("Construct", queue)

    def _has_reader(self, scope: Construct, reader_id: str) -> bool:
        """Tell whether a queue is read already, by this route or another of the trigger."""
        return scope.node.try_find_child(reader_id) is not None

    def _needs_permission(self, allowed: Construct, topic_apart: str) -> bool:  # noqa: ARG002
        """Tell whether one source must be let in by a permission of its own."""
        return True

    def _refuse_own_topic(self, topic: sns.ITopic) -> None:
        """Refuse a topic that the trigger publishes to."""

    @property
    def _parts(self) -> frozenset[str]:
        """The identities of the trigger's function and queues, where they are in the app."""
        return frozenset()

    # --- what both do

    def _refuse_own(self, alarm: IConstruct) -> None:
        """Refuse an alarm on the trigger itself; only the canary comes back by its quiet route."""
        if self._id == SMOKE_TEST or not is_on(alarm, self._trigger_name, self._parts):
            return
        if not self._differs(place_of(alarm).account):
            raise refusal(
                "alarm",
                "other than those on this trigger's own health",
                alarm.node.path,
                "a broken trigger could not report itself: pass it health_plan= or fallback=.",
            )

    def _refuse_own_queue(self, queue: sqs.IQueue) -> None:
        """Refuse the trigger's own queues."""
        resource = queue.node.default_child
        is_part = resource is not None and identity_of(resource) in self._parts
        is_named = queue.queue_name == dead_letter_queue_name(self._trigger_name)
        if is_part or (is_named and not self._differs(queue.env.account)):
            raise refusal(
                "queue",
                "other than the trigger's own",
                queue.node.path,
                "what it could not handle would come back at once.",
            )

    @property
    def _arn_by_name(self) -> str:
        function = f"{self._region}:{self._account}:function:{self._trigger_name}"
        return f"arn:{self._partition}:lambda:{function}:{self._id}"

    def _native_action(self, arn: str) -> cloudwatch.IAlarmAction:
        action = self._native_actions.get(arn)
        if action is None:
            construct_id = "AlarmActionByName" if arn == self._arn_by_name else "AlarmAction"
            from cdk_incidents._native_action import native_action  # noqa: PLC0415 - only alarms need it

            action = self._native_actions[arn] = native_action(self._scope, construct_id, arn)
        return action

    def _is_foreign(self, user: IConstruct) -> bool:
        """Tell whether a user's stack is of another account than the trigger."""
        theirs = place_of(user).account
        if self._is_placed and is_token(theirs):
            raise refusal(
                f"account of {place_of(user).path}",
                f"known at synth, since the trigger's is given as {self._account}",
                "whatever it is deployed to",
                "give the stack an env=, or leave account= out if they are the same.",
            )
        return self._differs(theirs)

    def _differs(self, account: str) -> bool:
        return account != self._account and not is_token(account) and not is_token(self._account)

    def _check_region(self, user: IConstruct, argument: str) -> None:
        theirs = place_of(user).region
        if self._region != theirs and not is_token(self._region) and not is_token(theirs):
            raise refusal(
                argument,
                f"in the trigger's Region, {self._region}",
                theirs,
                "AWS invokes functions of its own Region only: make a trigger there.",
            )

    def _let_invoke(
        self, source: IConstruct, arn: str, service: str, source_arn: str, *, topic_apart: bool = False
    ) -> Construct:
        """Let a rule or a topic invoke the alias, and return what stands for that beside it."""
        construct_id = f"{self._trigger_name}-{self._id}"
        made = source.node.try_find_child(construct_id)
        if isinstance(made, Construct):
            return made
        allowed = Construct(cast("Construct", source), construct_id)
        if self._needs_permission(allowed, source_arn if topic_apart else ""):
            lambda_.CfnPermission(
                allowed,
                "Permission",
                action=INVOKE,
                function_name=arn,
                principal=f"{service}.amazonaws.com",
                source_arn=source_arn,
            )
        return allowed


@jsii.implements(cloudwatch.IAlarmAction)
class _RouteAction:
    def __init__(self, route: RouteBase) -> None:
        self._route = route

    def bind(self, scope: Construct, alarm: cloudwatch.IAlarm) -> cloudwatch.AlarmActionConfig:
        self._route._refuse_own(alarm)  # noqa: SLF001
        return cloudwatch.AlarmActionConfig(alarm_action_arn=self._route._arn_for(scope, "alarm"))  # noqa: SLF001
