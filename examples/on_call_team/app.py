"""A team that takes turns by the week, its lead when nobody answers, and a look at it every day."""

import aws_cdk as cdk

import cdk_incidents as incidents

app = cdk.App()
stack = cdk.Stack(app, "OnCallTeam")


def person(name: str, phone: str) -> incidents.Contact:
    email = incidents.ContactChannel.email(f"{name.lower()}@example.com")
    sms, voice = incidents.ContactChannel.sms(phone), incidents.ContactChannel.voice(phone)
    first = incidents.ChannelStage(channels=[email, sms], duration=cdk.Duration.minutes(5))
    then = incidents.ChannelStage(
        channels=[voice], duration=cdk.Duration.minutes(10), retry_interval=cdk.Duration.minutes(5)
    )
    return incidents.Contact(stack, name, display_name=name, channels=[email, sms, voice], plan=[first, then])


team = [person("Ada", "+14255550101"), person("Grace", "+14255550102"), person("Edsger", "+14255550103")]
lead = person("Barbara", "+14255550104")

on_call = incidents.OnCallSchedule(
    stack,
    "OnCall",
    rotations=[
        incidents.Rotation(
            contacts=team,
            start="2026-01-05T09:00:00",
            time_zone="Europe/Berlin",
            recurrence=incidents.Recurrence.weekly(monday="09:00"),
        )
    ],
)
escalation = incidents.EscalationPlan(
    stack,
    "Escalation",
    stages=[
        incidents.Stage(contacts=[on_call], duration=cdk.Duration.minutes(15)),
        incidents.Stage(contacts=[lead], duration=cdk.Duration.minutes(15)),
    ],
)
plan = incidents.ResponsePlan(
    stack,
    "Checkout",
    incident=incidents.IncidentTemplate.critical(title="Checkout is failing"),
    engagements=[escalation],
)

# Phones change between deployments, and turns run out: the look is repeated every day.
test = incidents.SmokeTest(stack, "SmokeTest", plans=[plan], every=cdk.Duration.days(1))
if test.alarm:
    test.alarm.add_alarm_action(incidents.ResponsePlanAction(plan))

for shift in on_call.shifts("2027-03-22", "2027-04-05"):
    print(f"{shift.start:%a %d %b %H:%M} to {shift.end:%a %d %b %H:%M}: {', '.join(shift.contacts)}")

app.synth()
