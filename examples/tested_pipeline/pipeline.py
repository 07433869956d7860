"""Two people, a plan that pages one after the other, and the alarm that starts it."""

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_sns as sns
from constructs import Construct

import cdk_incidents as incidents


class Pipeline(cdk.Stack):
    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        ten_minutes = cdk.Duration.minutes(10)
        escalation = incidents.EscalationPlan(
            self,
            "Escalation",
            stages=[
                incidents.Stage(contacts=[self._person("ada")], duration=ten_minutes),
                incidents.Stage(contacts=[self._person("grace")], duration=ten_minutes),
            ],
        )
        incident = incidents.IncidentTemplate.high(title="Orders wait")
        plan = incidents.ResponsePlan(self, "Orders", incident=incident, engagements=[escalation])

        fallback = sns.Topic(self, "Fallback", enforce_ssl=True)
        trigger = incidents.IncidentTrigger(self, "Trigger", fallback=fallback)
        route = trigger.add_route("Orders", response_plan=plan, title="Orders: {title}", auto_resolve=True)
        route.watch(self._alarm("orders-wait"))
        incidents.SmokeTest(self, "SmokeTest", trigger=trigger)

    def _person(self, alias: str) -> incidents.Contact:
        email = incidents.ContactChannel.email(f"{alias}@example.com")
        name = alias.title()
        return incidents.Contact(self, name, alias=alias, display_name=name, channels=[email])

    def _alarm(self, name: str) -> cloudwatch.Alarm:
        metric = cloudwatch.Metric(namespace="Orders", metric_name="AgeOfOldest")
        return cloudwatch.Alarm(
            self, name, alarm_name=name, metric=metric, threshold=300, evaluation_periods=1
        )
