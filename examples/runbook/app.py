"""A runbook that starts with every incident, and knows which one."""

import aws_cdk as cdk
from aws_cdk import aws_ssm as ssm

import cdk_incidents as incidents

app = cdk.App()
stack = cdk.Stack(app, "Runbook")

first_aid = ssm.CfnDocument(
    stack,
    "FirstAid",
    document_type="Automation",
    content={
        "schemaVersion": "0.3",
        "description": "What to look at first.",
        "parameters": {
            "Incident": {"type": "String"},
            "Service": {"type": "String"},
        },
        "mainSteps": [
            {
                "name": "Look",
                "action": "aws:pause",
                "inputs": {},
                "description": "Look at the dashboard of {{ Service }}, then approve.",
            }
        ],
    },
)
on_call = incidents.Contact(
    stack,
    "OnCall",
    display_name="On call",
    channels=[incidents.ContactChannel.email("on-call@example.com")],
)
incidents.ResponsePlan(
    stack,
    "Checkout",
    incident=incidents.IncidentTemplate.critical(title="Checkout is failing"),
    engagements=[on_call],
    runbook=incidents.Runbook(
        first_aid,
        parameters={"Incident": incidents.Runbook.INCIDENT_ARN, "Service": "checkout"},
    ),
)

app.synth()
