"""The service's own path from an EventBridge rule to an incident: nothing of ours runs in between."""

from __future__ import annotations

from typing import TYPE_CHECKING

import jsii
from aws_cdk import aws_events as events

from cdk_incidents._delivery import check_place, check_queue, check_retries, let_rule_send
from cdk_incidents._event_loops import refuse_loop
from cdk_incidents._plans import arn_seen_from, check_plan
from cdk_incidents._regions import warn_of_region
from cdk_incidents._starting_role import check_role, starting_role

if TYPE_CHECKING:
    from aws_cdk import Duration
    from aws_cdk import aws_iam as iam
    from aws_cdk import aws_sqs as sqs
    from aws_cdk.interfaces.aws_events import IRuleRef
    from aws_cdk.interfaces.aws_ssmincidents import IResponsePlanRef


@jsii.implements(events.IRuleTarget)
class ResponsePlanTarget:
    """Let an EventBridge rule open an incident of a response plan.

    The service deduplicates what comes from one event, and fails over between the Regions of its replication
    set. Title and impact are the plan's, and nothing resolves the incident; for that, or to let signals of
    several sources join, send the rule to a route of an `IncidentTrigger`. However many rules of a stack open
    incidents of a plan, there is one role for them, which only rules of its account can take.

    Parameters
    ----------
    plan
        A plan of this app, an import, or any of CDK's references to one; also of another account, which must
        share it by AWS RAM.
    role
        The role that EventBridge takes; it gains what starting an incident needs, and must trust
        ``events.amazonaws.com``. By default one is made for the plan.
    dead_letter_queue
        A queue of the rule's Region for events that could not be delivered; a queue of this app lets the rule
        send. By default they are lost.
    retry_attempts
        How often EventBridge tries again: 0 to 185 times. By default 185.
    max_event_age
        How long it goes on trying: 1 minute to 1 day. By default a day.

    Raises
    ------
    ValueError
        If the plan is none, or a value breaks a limit; at synth, if the rule takes the start of an incident,
        and each incident would so open the next.

    Notes
    -----
    https://docs.aws.amazon.com/incident-manager/latest/userguide/incident-creation.html
    """

    def __init__(
        self,
        plan: IResponsePlanRef,
        *,
        role: iam.IRole | iam.Role | None = None,
        dead_letter_queue: sqs.IQueue | None = None,
        retry_attempts: int | None = None,
        max_event_age: Duration | None = None,
    ) -> None:
        check_plan("plan", plan)
        check_role(role)
        check_retries(retry_attempts, max_event_age)
        check_queue(dead_letter_queue)
        self._plan = plan
        self._role = role
        self._queue = dead_letter_queue
        self._retries = _retry_policy(retry_attempts, max_event_age)

    def bind(self, rule: IRuleRef, id: str | None = None) -> events.RuleTargetConfig:  # noqa: A002, ARG002 - as CDK calls it
        """Return the plan as a target of the rule.

        Parameters
        ----------
        rule
            The rule; its stack gains the role, if it has none yet.
        id
            CDK's own id of the target.
        """
        warn_of_region(rule)
        refuse_loop(rule)
        arn = arn_seen_from(self._plan, rule)
        role = starting_role(
            self._plan,
            rule,
            arn=arn,
            role_id="ResponsePlanEvents",
            service="events",
            source="rule",
            given=self._role,
        )
        dead_letters = None
        if self._queue is not None:
            check_place(self._queue, rule)
            let_rule_send(rule, self._queue)
            dead_letters = events.CfnRule.DeadLetterConfigProperty(arn=self._queue.queue_arn)
        return events.RuleTargetConfig(
            arn=arn, role=role, dead_letter_config=dead_letters, retry_policy=self._retries
        )


def _retry_policy(attempts: int | None, age: Duration | None) -> events.CfnRule.RetryPolicyProperty | None:
    if attempts is None and age is None:
        return None
    return events.CfnRule.RetryPolicyProperty(
        maximum_retry_attempts=attempts,
        maximum_event_age_in_seconds=None if age is None else age.to_seconds(),
    )
