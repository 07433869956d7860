"""AWS's own troubles open incidents: Health's issues, DevOps Guru's insights, all alarms of the account."""

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_sns as sns

import cdk_incidents as incidents

app = cdk.App()
stack = cdk.Stack(app, "Health")

plan = incidents.ResponsePlan.from_response_plan_name(stack, "Operations", "operations")
trigger = incidents.IncidentTrigger(stack, "Trigger", fallback=sns.Topic(stack, "Fallback", enforce_ssl=True))

aws = trigger.add_route("Aws", response_plan=plan, impact=incidents.Impact.HIGH, auto_resolve=True)
events.Rule(
    stack,
    "Issues",
    event_pattern=incidents.EventPatterns.health(services=["EC2", "RDS"]),
    targets=[aws.rule_target()],
)
events.Rule(
    stack,
    "Insights",
    event_pattern=incidents.EventPatterns.devops_guru(severities=["high"]),
    targets=[aws.rule_target()],
)

# One rule for every alarm that the account has or will have; none of them is touched.
alarms = trigger.add_route("Alarms", response_plan=plan, auto_resolve=True)
alarms.watch_account()
incidents.SmokeTest(stack, "SmokeTest", trigger=trigger)

app.synth()
