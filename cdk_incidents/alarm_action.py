"""The service's own path from an alarm to an incident: nothing of ours runs in between."""

from __future__ import annotations

from typing import TYPE_CHECKING

import jsii
from aws_cdk import aws_cloudwatch as cloudwatch

from cdk_incidents._plans import arn_seen_from, check_plan
from cdk_incidents._regions import warn_of_region

if TYPE_CHECKING:
    from aws_cdk.interfaces.aws_ssmincidents import IResponsePlanRef
    from constructs import Construct


@jsii.implements(cloudwatch.IAlarmAction)
class ResponsePlanAction:
    """Let an alarm, metric or composite, open an incident of a response plan.

    The service deduplicates (one open incident an alarm) and fails over between the Regions of its
    replication set by itself. It neither resolves the incident when the alarm recovers nor changes title or
    impact; for that, route the alarm through an `IncidentTrigger`.

    Parameters
    ----------
    plan
        A plan of this app, an import, or any of CDK's references to one; also of another account, which must
        share it by AWS RAM.

    Notes
    -----
    https://docs.aws.amazon.com/incident-manager/latest/userguide/incident-creation.html

    AWS lists incidents among what composite alarms can start, in the guide and in the API's description; the
    API's list of a composite alarm's action ARNs leaves them out.
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutCompositeAlarm.html
    """

    def __init__(self, plan: IResponsePlanRef) -> None:
        check_plan("plan", plan)
        self._plan = plan

    def bind(self, scope: Construct, alarm: cloudwatch.IAlarm) -> cloudwatch.AlarmActionConfig:  # noqa: ARG002
        """Return the plan's ARN as the alarm's action.

        Parameters
        ----------
        scope
            Where the alarm lives.
        alarm
            The alarm; nothing is added to it or its stack.
        """
        warn_of_region(scope)
        return cloudwatch.AlarmActionConfig(alarm_action_arn=arn_seen_from(self._plan, scope))
