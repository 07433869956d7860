"""A platform account's plan and contact, shared with the accounts of its organisation."""

import aws_cdk as cdk

import cdk_incidents as incidents

app = cdk.App()
stack = cdk.Stack(app, "Sharing")

on_call = incidents.Contact(
    stack,
    "OnCall",
    display_name="On call",
    channels=[incidents.ContactChannel.email("on-call@example.com")],
)
plan = incidents.ResponsePlan(
    stack,
    "Platform",
    response_plan_name="platform",
    incident=incidents.IncidentTemplate.high(title="The platform needs a person"),
    engagements=[on_call],
)
# In those accounts: ResponsePlan.from_response_plan_name(…, "platform", account="111122223333").
plan.share_with(
    "Teams",
    accounts=["444455556666"],
    organizational_units=["arn:aws:organizations::111122223333:ou/o-a1b2c3d4e5/ou-ab12-cd34ef56"],
)

app.synth()
