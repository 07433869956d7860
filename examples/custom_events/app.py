"""An application's own events open and resolve incidents: from the bus, a queue, a topic, or a call."""

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs

import cdk_incidents as incidents

app = cdk.App()
stack = cdk.Stack(app, "CustomEvents")

plan = incidents.ResponsePlan.from_response_plan_name(stack, "Shop", "shop")
trigger = incidents.IncidentTrigger(stack, "Trigger", fallback=sns.Topic(stack, "Fallback", enforce_ssl=True))
payments = trigger.add_route(
    "Payments",
    response_plan=plan,
    title="Payments by {detail.provider} fail: {detail.error}",
    # One incident a provider, whatever fails there.
    dedupe_key="{detail.provider}",
    auto_resolve=True,
)


def rule(construct_id: str, detail_type: str, target: events.IRuleTarget) -> None:
    pattern = events.EventPattern(source=["shop.payments"], detail_type=[detail_type])
    events.Rule(stack, construct_id, event_pattern=pattern, targets=[target])


rule("Failing", "Payments failing", payments.rule_target())
rule("Working", "Payments working", payments.rule_target(recovers=True))

# What other teams send: a topic's notifications, a queue's messages.
sns.Topic(stack, "Partners", enforce_ssl=True).add_subscription(payments.subscription())
undelivered = sqs.DeadLetterQueue(queue=trigger.dead_letter_queue, max_receive_count=5)
batch = sqs.Queue(
    stack,
    "Batch",
    enforce_ssl=True,
    visibility_timeout=cdk.Duration.minutes(3),
    dead_letter_queue=undelivered,
)
payments.on_queue(batch)
# For people who see what no alarm sees, to attach to their permission set: aws lambda invoke …:Payments.
payments.grant_start(iam.ManagedPolicy(stack, "MayStart"))
incidents.SmokeTest(stack, "SmokeTest", trigger=trigger)

app.synth()
