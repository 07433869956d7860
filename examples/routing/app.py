"""Alarms go by their severity: critical ones page and resolve themselves, warnings leave a quiet incident."""

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_sns as sns

import cdk_incidents as incidents

app = cdk.App()
stack = cdk.Stack(app, "Routing")


def alarm(name: str, severity: str) -> cloudwatch.Alarm:
    metric = cloudwatch.Metric(namespace="Shop", metric_name=name)
    made = cloudwatch.Alarm(
        stack, name, alarm_name=f"shop-{name}", metric=metric, threshold=1, evaluation_periods=1
    )
    cdk.Tags.of(made).add("severity", severity)
    return made


alarm("NoOrders", "critical")
alarm("PaymentsFail", "critical")
alarm("SlowSearch", "warning")

on_call = incidents.Contact(
    stack,
    "OnCall",
    display_name="On call",
    channels=[incidents.ContactChannel.email("on-call@example.com")],
)
template = incidents.IncidentTemplate.critical(title="The shop fails")
plan = incidents.ResponsePlan(stack, "Shop", incident=template, engagements=[on_call])
team = sns.Topic(stack, "Team", enforce_ssl=True)

trigger = incidents.IncidentTrigger(stack, "Trigger", fallback=team)
critical = trigger.add_route(
    "Critical",
    response_plan=plan,
    title="[{region}] {title}",
    # However many alarms say so, the shop is down once; it is up when all of them have recovered.
    dedupe_key="shop",
    auto_resolve=True,
    related_items=[
        incidents.RelatedItem.url("Runbook", "https://wiki.example.com/runbooks/{detail.alarmName}")
    ],
)
# Nobody is paged for a warning: the team's topic is told.
warning = trigger.add_route("Warning", topic=team, auto_resolve=True)
incidents.Alarms.of(stack).add_by_severity({"critical": critical, "warning": warning})
incidents.SmokeTest(stack, "SmokeTest", trigger=trigger)

app.synth()
