"""While the Change Calendar is open for changes, alarms start nothing; what still stands afterwards does."""

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_sns as sns

import cdk_incidents as incidents

app = cdk.App()
stack = cdk.Stack(app, "Maintenance")

on_call = incidents.Contact(
    stack,
    "OnCall",
    display_name="On call",
    channels=[incidents.ContactChannel.email("on-call@example.com")],
)
template = incidents.IncidentTemplate.critical(title="The shop fails")
plan = incidents.ResponsePlan(stack, "Shop", incident=template, engagements=[on_call])

trigger = incidents.IncidentTrigger(stack, "Trigger", fallback=sns.Topic(stack, "Fallback", enforce_ssl=True))
critical = trigger.add_route(
    "Critical",
    response_plan=plan,
    auto_resolve=True,
    # A calendar that people keep in Systems Manager's console: closed but for its events.
    suppression=[incidents.Suppression.while_open("shop-changes")],
)
metric = cloudwatch.Metric(namespace="Orders", metric_name="Missing")
critical.watch(
    cloudwatch.Alarm(
        stack, "Missing", alarm_name="orders-Missing", metric=metric, threshold=1, evaluation_periods=1
    )
)
incidents.SmokeTest(stack, "SmokeTest", trigger=trigger)

app.synth()
