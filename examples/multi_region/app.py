"""A service in two Regions, and the replication set that both need."""

import aws_cdk as cdk

import cdk_incidents as incidents

REGIONS = ["us-east-1", "eu-west-1"]

app = cdk.App()
foundation = cdk.Stack(app, "Foundation", env=cdk.Environment(region=REGIONS[0]))
# One an account, kept when the stack goes: deleting it would delete every plan, contact and incident.
incidents.ReplicationSet(foundation, "ReplicationSet", regions=REGIONS)

for region in REGIONS:
    # Waits for the set without being told.
    stack = cdk.Stack(app, f"Checkout-{region}", env=cdk.Environment(region=region))
    on_call = incidents.Contact(
        stack,
        "OnCall",
        display_name="On call",
        channels=[incidents.ContactChannel.email("on-call@example.com")],
    )
    incidents.ResponsePlan(
        stack,
        "Checkout",
        incident=incidents.IncidentTemplate.critical(title=f"Checkout is failing in {region}"),
        engagements=[on_call],
    )

app.synth()
