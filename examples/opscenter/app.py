"""Leaving Incident Manager: the same alarms on the same routes, and OpsItems where incidents were."""

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch

import cdk_incidents as incidents

app = cdk.App()
stack = cdk.Stack(app, "OpsCenter")

# Also what the trigger could not start becomes an OpsItem.
trigger = incidents.IncidentTrigger(stack, "Trigger", fallback=incidents.OpsItems(severity=1))

# Before it was response_plan=plan; nothing else of the route has changed, and no alarm.
critical = trigger.add_route(
    "Critical", ops_items=incidents.OpsItems(category="Availability"), impact=1, auto_resolve=True
)
metric = cloudwatch.Metric(namespace="Shop", metric_name="NoOrders")
critical.watch(
    cloudwatch.Alarm(
        stack, "NoOrders", alarm_name="shop-NoOrders", metric=metric, threshold=1, evaluation_periods=1
    )
)

app.synth()
