"""Incidents by the clock: a target for EventBridge Scheduler, for drills above all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import jsii
from aws_cdk import Duration, Stack
from aws_cdk import aws_scheduler as scheduler

from cdk_incidents._checks import check_length, check_range, is_token
from cdk_incidents._delivery import check_place, check_queue, check_retries, let_role_send
from cdk_incidents._plans import arn_seen_from, check_plan
from cdk_incidents._replication import needs_replication_set
from cdk_incidents._starting_role import check_role, starting_role

if TYPE_CHECKING:
    from aws_cdk import aws_iam as iam
    from aws_cdk import aws_sqs as sqs
    from aws_cdk.interfaces.aws_ssmincidents import IResponsePlanRef

    from cdk_incidents.incident_template import Impact


@jsii.implements(scheduler.IScheduleTarget)
class ResponsePlanSchedule:
    """Let a schedule open an incident of a response plan: a drill that everybody knows of, or a deadline.

    Each time is one incident, however often Scheduler must try. Nothing joins or resolves it. People are
    paged as the plan says: for a drill take a plan of its own, or call the incident one in its title.

    Parameters
    ----------
    plan
        A plan of this app, an import, or any of CDK's references to one; also of another account, which must
        share it by AWS RAM.
    title
        The incident's title, up to 200 characters. By default the plan's.
    impact
        An `Impact` or its number, 1 to 5. By default the plan's.
    role
        The role that Scheduler takes; it gains what starting an incident needs, and must trust
        ``scheduler.amazonaws.com``. By default one is made for the plan, and all schedules of a stack that
        open its incidents share it.
    dead_letter_queue
        A queue of the schedule's Region for what could not be started. By default it is lost.
    retry_attempts
        How often Scheduler tries again: 0 to 185 times. By default 185.
    max_event_age
        How long it goes on trying: 1 minute to 1 day. By default an hour: nobody wants a drill of the morning
        at night.

    Raises
    ------
    ValueError
        If the plan is none, a value breaks a limit, or the schedule's Region does not have Incident Manager:
        Scheduler does not fail over to another one.

    Notes
    -----
    https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-targets-universal.html
    """

    def __init__(
        self,
        plan: IResponsePlanRef,
        *,
        title: str | None = None,
        impact: Impact | int | None = None,
        role: iam.IRole | iam.Role | None = None,
        dead_letter_queue: sqs.IQueue | None = None,
        retry_attempts: int | None = None,
        max_event_age: Duration | None = None,
    ) -> None:
        check_plan("plan", plan)
        check_length("title", title, maximum=200)
        check_range("impact", impact, minimum=1, maximum=5, remedy="take a member of Impact.")
        check_role(role)
        check_retries(retry_attempts, max_event_age)
        check_queue(dead_letter_queue)
        self._plan = plan
        self._title = title
        self._impact = impact if impact is None or is_token(impact) else int(impact)
        self._role = role
        self._queue = dead_letter_queue
        self._retries = scheduler.CfnSchedule.RetryPolicyProperty(
            maximum_retry_attempts=185 if retry_attempts is None else retry_attempts,
            maximum_event_age_in_seconds=(max_event_age or Duration.hours(1)).to_seconds(),
        )

    def bind(self, _schedule: scheduler.ISchedule) -> scheduler.ScheduleTargetConfig:
        """Return the start of an incident as a target of the schedule.

        Parameters
        ----------
        _schedule
            The schedule; its stack gains the role, if it has none yet.
        """
        needs_replication_set(_schedule)
        arn = arn_seen_from(self._plan, _schedule)
        role = starting_role(
            self._plan,
            _schedule,
            arn=arn,
            role_id="ResponsePlanSchedules",
            service="scheduler",
            source="schedule-group",
            given=self._role,
        )
        dead_letters = None
        if self._queue is not None:
            check_place(self._queue, _schedule)
            let_role_send(role, self._queue)
            dead_letters = scheduler.CfnSchedule.DeadLetterConfigProperty(arn=self._queue.queue_arn)
        return scheduler.ScheduleTargetConfig(
            arn=f"arn:{Stack.of(_schedule).partition}:scheduler:::aws-sdk:ssmincidents:startIncident",
            role=role,
            input=self._input(_schedule, arn),
            dead_letter_config=dead_letters,
            retry_policy=self._retries,
        )

    def _input(self, schedule: scheduler.ISchedule, arn: str) -> scheduler.ScheduleTargetInput:
        request = {
            "ResponsePlanArn": arn,
            "Title": self._title,
            "Impact": self._impact,
            # The same at each try of one time, unlike Scheduler's execution id; the address tells schedules
            # apart that have one time.
            "ClientToken": f"{schedule.node.addr}-{scheduler.ContextAttribute.scheduled_time}",
        }
        return scheduler.ScheduleTargetInput.from_object(
            {field: value for field, value in request.items() if value is not None}
        )
