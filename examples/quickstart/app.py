"""A checkout whose alarms become incidents, proven in every deployment."""

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_sns as sns

import cdk_incidents as incidents

app = cdk.App()
stack = cdk.Stack(app, "Quickstart")


def alarm(name: str) -> cloudwatch.Alarm:
    metric = cloudwatch.Metric(namespace="Checkout", metric_name=name)
    return cloudwatch.Alarm(
        stack, name, alarm_name=f"checkout-{name}", metric=metric, threshold=1, evaluation_periods=1
    )


email = incidents.ContactChannel.email("on-call@example.com")
on_call = incidents.Contact(stack, "OnCall", display_name="On call", channels=[email])
template = incidents.IncidentTemplate.critical(title="Checkout is failing")
plan = incidents.ResponsePlan(stack, "Checkout", incident=template, engagements=[on_call])

# The service's own path: nothing of ours runs.
alarm("NoOrders").add_alarm_action(incidents.ResponsePlanAction(plan))

# The trigger: the alarm in the title, recovery, retries, a way out.
trigger = incidents.IncidentTrigger(stack, "Trigger", fallback=sns.Topic(stack, "Fallback", enforce_ssl=True))
slow = cloudwatch.AlarmRule.all_of(alarm("Latency"), alarm("Traffic"))
critical = trigger.add_route("Critical", response_plan=plan, auto_resolve=True)
critical.watch(
    alarm("Errors"),
    cloudwatch.CompositeAlarm(stack, "Slow", composite_alarm_name="checkout-Slow", alarm_rule=slow),
)

# The proof: a synthetic incident in every deployment, and nobody is paged.
incidents.SmokeTest(stack, "SmokeTest", trigger=trigger)

app.synth()
