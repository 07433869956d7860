"""An existing setup, made by hand in the console, used and proven from an app; nothing of it is changed."""

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_events as events

import cdk_incidents as incidents

app = cdk.App()
stack = cdk.Stack(app, "Imported")

# A plan that exists, and a contact that exists, in a plan of this app.
checkout = incidents.ResponsePlan.from_response_plan_name(stack, "Checkout", "checkout")
on_call = incidents.Contact.from_contact_arn(
    stack, "OnCall", f"arn:aws:ssm-contacts:us-east-1:{stack.account}:contact/on-call"
)
search = incidents.ResponsePlan(
    stack,
    "Search",
    incident=incidents.IncidentTemplate.medium(title="Search is slow"),
    engagements=[on_call],
)

# An alarm and a rule, by the service's own path.
metric = cloudwatch.Metric(namespace="Checkout", metric_name="Errors")
alarm = cloudwatch.Alarm(stack, "Errors", metric=metric, threshold=1, evaluation_periods=1)
alarm.add_alarm_action(incidents.ResponsePlanAction(checkout))
events.Rule(
    stack,
    "IndexFailed",
    event_pattern=events.EventPattern(source=["com.example.search"], detail_type=["Index failed"]),
    targets=[incidents.ResponsePlanTarget(search)],
)

# Both plans are looked at; the incident that opens in each deployment is of a plan that pages nobody.
incidents.SmokeTest(stack, "SmokeTest", plans=[checkout, search])

app.synth()
