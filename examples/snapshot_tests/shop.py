"""Who is on call, and a shop whose alarms start incidents."""

from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from constructs import Construct

import cdk_incidents as incidents

SHARED = Path(__file__).parent / "shared"


class OnCall(cdk.Stack):
    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        email = incidents.ContactChannel.email("on-call@example.com")
        ada = incidents.Contact(self, "Ada", display_name="Ada", channels=[email])
        incident = incidents.IncidentTemplate.critical(title="Checkout is failing")
        self.plan = incidents.ResponsePlan(self, "Plan", incident=incident, engagements=[ada])


class Shop(cdk.Stack):
    def __init__(self, scope: Construct, construct_id: str, *, plan: incidents.IResponsePlan) -> None:
        super().__init__(scope, construct_id)
        lambda_.LayerVersion(self, "Shared", code=lambda_.Code.from_asset(str(SHARED)))

        fallback = sns.Topic(self, "Fallback", enforce_ssl=True)
        trigger = incidents.IncidentTrigger(self, "Trigger", fallback=fallback)
        critical = trigger.add_route("Critical", response_plan=plan, auto_resolve=True)
        critical.watch(self._alarm("Errors"), self._alarm("Latency"))
        self._alarm("NoOrders").add_alarm_action(incidents.ResponsePlanAction(plan))
        incidents.SmokeTest(self, "SmokeTest", trigger=trigger)

    def _alarm(self, name: str) -> cloudwatch.Alarm:
        metric = cloudwatch.Metric(namespace="Checkout", metric_name=name)
        return cloudwatch.Alarm(self, name, metric=metric, threshold=1, evaluation_periods=1)
