"""A plan that opens PagerDuty's incident with Incident Manager's own."""

import aws_cdk as cdk
from aws_cdk import aws_secretsmanager as secretsmanager

import cdk_incidents as incidents

app = cdk.App()
stack = cdk.Stack(app, "PagerDuty")

# Made by hand once, as PagerDuty gives the token: {"pagerDutyToken": "…"}.
token = secretsmanager.Secret.from_secret_name_v2(stack, "Token", "incident-manager/pagerduty")

plan = incidents.ResponsePlan(
    stack,
    "Checkout",
    incident=incidents.IncidentTemplate.critical(title="Checkout is failing"),
    pager_duty=incidents.PagerDuty(name="checkout", secret=token, service_id="PABC123"),
)
# Synth cannot see the policies of an imported secret and its key; they were made with it, for the service.
cdk.Annotations.of(plan).acknowledge_warning("cdk-incidents:secret-policy")

app.synth()
