"""A shop with tests of its own, for CI: its alarms start incidents, and its snapshots change when it does."""

import aws_cdk as cdk
from shop import OnCall, Shop

app = cdk.App()
on_call = OnCall(app, "OnCall")
shop = Shop(app, "Shop", plan=on_call.plan)
app.synth()
