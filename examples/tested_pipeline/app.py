"""A platform team's way from an alarm to whoever is on call, and tests that drill it on a laptop."""

import aws_cdk as cdk
from pipeline import Pipeline

app = cdk.App()
Pipeline(app, "Platform")
app.synth()
