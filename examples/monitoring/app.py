"""Alarms of cdk-monitoring-constructs open incidents of the plan for how bad they are."""

import aws_cdk as cdk
import cdk_monitoring_constructs as monitoring
from aws_cdk import aws_sqs as sqs

import cdk_incidents as incidents
from cdk_incidents.monitoring import IncidentStrategy

app = cdk.App()
stack = cdk.Stack(app, "Monitoring")

on_call = incidents.Contact(
    stack,
    "OnCall",
    display_name="On call",
    channels=[incidents.ContactChannel.email("on-call@example.com")],
)


def plan(severity: str, incident: incidents.IncidentTemplate) -> incidents.ResponsePlan:
    return incidents.ResponsePlan(stack, severity, incident=incident, engagements=[on_call])


critical = plan("Critical", incidents.IncidentTemplate.critical(title="Orders are lost"))
warning = plan("Warning", incidents.IncidentTemplate.low(title="Orders wait"))
strategy = IncidentStrategy(disambiguators={"Critical": critical, "Warning": warning})

rejected = sqs.DeadLetterQueue(queue=sqs.Queue(stack, "Rejected", enforce_ssl=True), max_receive_count=5)
orders = sqs.Queue(stack, "Orders", enforce_ssl=True, dead_letter_queue=rejected)
facade = monitoring.MonitoringFacade(
    stack,
    "Monitoring",
    alarm_factory_defaults=monitoring.AlarmFactoryDefaults(
        actions_enabled=True, alarm_name_prefix="Shop", action=strategy
    ),
)
facade.monitor_sqs_queue(
    queue=orders,
    add_queue_max_message_age_alarm={
        "Warning": monitoring.MaxMessageAgeThreshold(max_age_in_seconds=300),
        "Critical": monitoring.MaxMessageAgeThreshold(max_age_in_seconds=3600),
    },
)

app.synth()
