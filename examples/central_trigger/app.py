"""The platform team has the trigger; app teams, here or in other accounts, use its routes by name."""

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_sns as sns
from constructs import Construct

import cdk_incidents as incidents

TRIGGER = "platform-incidents"


class Platform(cdk.Stack):
    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        plan = incidents.ResponsePlan.from_response_plan_name(self, "Plan", "platform")
        trigger = incidents.IncidentTrigger(
            self, "Trigger", trigger_name=TRIGGER, fallback=sns.Topic(self, "Fallback", enforce_ssl=True)
        )
        trigger.add_route("Critical", response_plan=plan, impact=1, auto_resolve=True)
        trigger.add_route("Warning", response_plan=plan, impact=4)
        trigger.share_with(accounts=["444455556666"])
        incidents.SmokeTest(self, "SmokeTest", trigger=trigger)


class Team(cdk.Stack):
    """Stands in the team's own app and repository as well: nothing here needs the other stack."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        central = incidents.IncidentTrigger.from_trigger_attributes(
            self, "Incidents", trigger_name=TRIGGER, routes=["Critical", "Warning"]
        )
        metric = cloudwatch.Metric(namespace="Payments", metric_name="Errors")
        central.route("Critical").watch(
            cloudwatch.Alarm(
                self, "Errors", alarm_name="payments-Errors", metric=metric, threshold=1, evaluation_periods=1
            )
        )


app = cdk.App()
Platform(app, "Platform")
Team(app, "Payments")
app.synth()
