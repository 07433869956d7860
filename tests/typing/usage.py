"""Every public name, used as a user does; mypy in strict mode and pyright find nothing to say about it.

What they must refuse stands here too, each behind the comment that silences it: mypy reports those that are
not needed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import aws_cdk as cdk
from aws_cdk import assertions
from aws_cdk import aws_chatbot as chatbot
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_ssm as ssm
from aws_cdk import aws_ssmcontacts as ssmcontacts
from aws_cdk import aws_ssmincidents as ssmincidents

import cdk_incidents as incidents
from cdk_incidents import testing

if TYPE_CHECKING:
    from aws_cdk.interfaces.aws_ssmcontacts import IContactRef
    from aws_cdk.interfaces.aws_ssmincidents import IReplicationSetRef, IResponsePlanRef


def plans(stack: cdk.Stack, topic: sns.Topic) -> list[incidents.IResponsePlan]:
    """Return owned and imported plans as what they all are."""
    owned = incidents.ResponsePlan(
        stack,
        "Owned",
        response_plan_name="checkout",
        display_name="The checkout",
        incident=incidents.IncidentTemplate(
            title="Checkout is failing",
            impact=incidents.Impact.CRITICAL,
            summary="Look at the dashboard first.",
            dedupe_string="checkout",
            tags={"team": "shop"},
            notification_topics=[topic],
        ),
    )
    by_arn: incidents.IResponsePlan = incidents.ResponsePlan.from_response_plan_arn(
        stack, "ByArn", "arn:aws:ssm-incidents::111122223333:response-plan/theirs"
    )
    by_name: incidents.IResponsePlan = incidents.ResponsePlan.from_response_plan_name(
        stack, "ByName", "theirs", account="111122223333"
    )
    return [owned, by_arn, by_name]


def references(stack: cdk.Stack, topic: sns.Topic) -> list[IResponsePlanRef]:
    """Return plans of ours and CDK's L1 as CDK's own reference to a plan."""
    incident = ssmincidents.CfnResponsePlan.IncidentTemplateProperty(impact=1, title="Title")
    l1 = ssmincidents.CfnResponsePlan(stack, "Cfn", name="l1", incident_template=incident)
    return [*plans(stack, topic), l1]


def templates() -> list[incidents.IncidentTemplate]:
    """Make templates of a member of Impact, of its number, and by a factory each."""
    return [
        incidents.IncidentTemplate(title="Number", impact=3),
        incidents.IncidentTemplate.critical(title="Critical"),
        incidents.IncidentTemplate.high(title="High", summary="Summary"),
        incidents.IncidentTemplate.medium(title="Medium", dedupe_string="dedupe"),
        incidents.IncidentTemplate.low(title="Low", tags={"team": "shop"}),
        incidents.IncidentTemplate.no_impact(title="None", notification_topics=[]),
    ]


def runbooks(document: ssm.CfnDocument, role: iam.IRole) -> list[incidents.Runbook]:
    """Start a document of the app, and one that exists, with static parameters and the incident's own."""
    return [
        incidents.Runbook(document),
        incidents.Runbook(
            "first-aid",
            parameters={
                "Incident": incidents.Runbook.INCIDENT_ARN,
                "Resources": incidents.Runbook.INVOLVED_RESOURCES,
                "Service": "checkout",
                "Teams": ["shop", "search"],
            },
            document_version="$LATEST",
            role=role,
            target_account=incidents.TargetAccount.IMPACTED,
        ),
    ]


def chat_channels(
    slack: chatbot.SlackChannelConfiguration,
    teams: chatbot.CfnMicrosoftTeamsChannelConfiguration,
    topic: sns.Topic,
) -> list[incidents.ChatChannel]:
    """Follow incidents in a channel of each kind."""
    return [
        incidents.ChatChannel.slack(slack),
        incidents.ChatChannel.slack(slack, topic=topic),
        incidents.ChatChannel.teams(teams),
        incidents.ChatChannel.teams(teams, topic=topic),
        incidents.ChatChannel.topics(topic),
    ]


def told(stack: cdk.Stack, topic: sns.Topic) -> incidents.ResponsePlan:
    """Make a plan that uses all that a plan can start."""
    document = ssm.CfnDocument(
        stack, "Document", content={"schemaVersion": "0.3", "mainSteps": []}, document_type="Automation"
    )
    role = iam.Role.from_role_name(stack, "Role", "runbook")
    assert runbooks(document, role)
    slack = chatbot.SlackChannelConfiguration(
        stack, "Slack", slack_channel_configuration_name="shop", slack_workspace_id="T", slack_channel_id="C"
    )
    teams = chatbot.CfnMicrosoftTeamsChannelConfiguration(
        stack,
        "Teams",
        configuration_name="shop",
        iam_role_arn=role.role_arn,
        team_id="t",
        teams_channel_id="c",
        teams_tenant_id="t",
    )
    secret = secretsmanager.Secret.from_secret_name_v2(stack, "Secret", "pager-duty")
    plan = incidents.ResponsePlan(
        stack,
        "Told",
        incident=incidents.IncidentTemplate.critical(title="Title"),
        engagements=[ssmcontacts.CfnContact(stack, "Contact", alias="a", display_name="A", type="PERSONAL")],
        runbook=incidents.Runbook(document),
        chat_channel=chat_channels(slack, teams, topic)[0],
        pager_duty=incidents.PagerDuty(name="shop", secret=secret, service_id="PABC123"),
    )
    made: iam.IRole | None = plan.runbook_role
    assert made
    return plan


def grants(plan: incidents.IResponsePlan, grantee: iam.IGrantable) -> list[iam.Grant]:
    """Grant all that a plan of any origin can."""
    return [
        plan.grant_start_incident(grantee),
        plan.grant_read(grantee),
        plan.grant_manage_incidents(grantee),
    ]


def share(plan: incidents.IResponsePlan) -> None:
    """Share a plan of any origin."""
    plan.share_with(
        "Share",
        accounts=["444455556666"],
        organizational_units=["arn:aws:organizations::111122223333:ou/o-exampleorg/ou-abcd-11112222"],
        organization="arn:aws:organizations::111122223333:organization/o-exampleorg",
        allow_external_accounts=True,
    )


def metrics(plan: incidents.ResponsePlan) -> list[cloudwatch.IMetric]:
    """Return the metrics, which are CDK's own."""
    minute = cdk.Duration.minutes(1)
    return [
        plan.metric("NumberOfCreateIncidents", statistic="Sum", period=minute),
        plan.metric_incidents_created(impact=incidents.Impact.HIGH),
        plan.metric_incidents_resolved(impact=2),
        plan.metric_time_to_acknowledge(source="aws.cloudwatch"),
        plan.metric_time_to_resolve(period=minute),
    ]


def route_of(trigger: incidents.IIncidentTrigger) -> incidents.IRoute:
    """Take a route from a trigger of any origin."""
    return trigger.route("Critical")


def watch(route: incidents.IRoute, stack: cdk.Stack) -> None:
    """Get alarms of both kinds, actions by hand and rules onto a route of any origin."""
    metric = cloudwatch.Metric(namespace="Checkout", metric_name="Errors")
    alarm = cloudwatch.Alarm(stack, "Alarm", metric=metric, threshold=1, evaluation_periods=1)
    rule = cloudwatch.AlarmRule.from_alarm(alarm, cloudwatch.AlarmState.ALARM)
    composite = cloudwatch.CompositeAlarm(stack, "Composite", alarm_rule=rule)
    route.watch(alarm, composite)
    alarm.add_insufficient_data_action(route.alarm_action())
    pattern = events.EventPattern(source=["aws.health"])
    events.Rule(stack, "Rule", event_pattern=pattern, targets=[route.rule_target()])
    names: list[str] = [route.route_id, route.route_arn]
    assert all(names)


def feed(route: incidents.IRoute, stack: cdk.Stack) -> events.Rule:
    """Get everything else onto a route of any origin: recoveries, topics, queues, people, all alarms."""
    insights = incidents.EventPatterns.devops_guru(severities=["high"], closed=False)
    health = incidents.EventPatterns.health(categories=["issue"], services=["EC2"], regions=["eu-west-1"])
    alarms = incidents.EventPatterns.alarms(name_prefixes=["checkout-"])
    for number, pattern in enumerate((insights, health, alarms)):
        target: events.IRuleTarget = route.rule_target(recovers=number == 0)
        events.Rule(stack, f"Events{number}", event_pattern=pattern, targets=[target])
    subscription: sns.ITopicSubscription = route.subscription(
        filter_policy={"severity": sns.SubscriptionFilter.string_filter(allowlist=["high"])}
    )
    sns.Topic(stack, "Notices").add_subscription(subscription)
    queue = sqs.Queue(stack, "Queue", visibility_timeout=cdk.Duration.minutes(3))
    route.on_queue(queue, batch_size=5, max_concurrency=3)
    grant: iam.Grant = route.grant_start(iam.User(stack, "Person"))
    assert grant
    return route.watch_account(except_prefixes=["TargetTracking-", "autoscale-"])


def related_items(stack: cdk.Stack) -> list[incidents.RelatedItem]:
    """Link a page, a resource, a dashboard and a query of logs."""
    group = logs.LogGroup(stack, "Orders")
    dashboard = cloudwatch.Dashboard(stack, "Shop")
    return [
        incidents.RelatedItem.url("Runbook", "https://example.com/{detail.service.name}"),
        incidents.RelatedItem.arn("Resource", "{resources.0}"),
        incidents.RelatedItem.dashboard(dashboard, title="The shop"),
        incidents.RelatedItem.log_query(
            "Errors", log_groups=[group, "orders"], query="filter level = 'ERROR'"
        ),
    ]


def replicate(stack: cdk.Stack) -> None:
    """Own the account's replication set, with keys of both kinds."""
    owned = incidents.ReplicationSet(
        stack,
        "ReplicationSet",
        regions=["eu-west-1", "eu-central-1"],
        keys={
            "eu-west-1": kms.Key(stack, "ReplicationKey"),
            "eu-central-1": "arn:aws:kms:eu-central-1:111122223333:key/1234abcd",
        },
        deletion_protection=True,
    )
    reference: IReplicationSetRef = owned
    names: list[str] = [*owned.region_names, reference.replication_set_ref.replication_set_arn]
    assert names


def people(stack: cdk.Stack) -> list[incidents.IContact]:
    """Make contacts that use every argument, and import some of each kind."""
    minutes = cdk.Duration.minutes
    email = incidents.ContactChannel.email("ada@example.com", name="Work", defer_activation=True)
    sms, voice = incidents.ContactChannel.sms("+14255550101"), incidents.ContactChannel.voice("+14255550101")
    first = incidents.ChannelStage(channels=[email.retried(minutes(1)), sms], retry_interval=minutes(3))
    ada = incidents.Contact(
        stack,
        "Ada",
        display_name="Ada",
        channels=[email, sms, voice],
        alias="ada",
        plan=[first, incidents.ChannelStage(channels=[voice], duration=minutes(10))],
    )
    arn = "arn:aws:ssm-contacts:eu-west-1:111122223333:contact/theirs"
    return [
        ada,
        incidents.Contact.from_contact_arn(stack, "Theirs", arn),
        incidents.EscalationPlan.from_escalation_plan_arn(stack, "TheirEscalation", arn),
        incidents.OnCallSchedule.from_on_call_schedule_arn(stack, "TheirSchedule", arn),
    ]


def recurrences() -> list[incidents.Recurrence]:
    """Let turns change by the day, the week and the month."""
    office = incidents.ShiftCoverage.weekdays("09:00", "17:00")
    saturday = incidents.ShiftCoverage.days(saturday=[("10:00", "12:00"), ("14:00", "16:00")])
    return [
        incidents.Recurrence.daily("08:00", "20:00", recurrence_multiplier=2, number_of_on_calls=2),
        incidents.Recurrence.weekly(monday="09:00", thursday="09:00", shift_coverages=[office, saturday]),
        incidents.Recurrence.monthly(
            {1: "09:00"}, shift_coverages=incidents.ShiftCoverage.weekend("00:00", "00:00")
        ),
    ]


def on_call(stack: cdk.Stack) -> incidents.OnCallSchedule:
    """Make a schedule and preview it, and an escalation plan over it."""
    ada, *_ = people(stack)
    schedule = incidents.OnCallSchedule(
        stack,
        "OnCall",
        rotations=[
            incidents.Rotation(
                contacts=[ada, ada],
                start="2027-01-04T09:00:00",
                time_zone="Europe/Berlin",
                recurrence=recurrence,
                name=f"rotation_{number}",
            )
            for number, recurrence in enumerate(recurrences())
        ],
        alias="on-call",
        display_name="On call",
    )
    shifts: list[incidents.Shift] = schedule.shifts("2027-02-01", "2027-03-01")
    gaps: list[incidents.Gap] = schedule.gaps(shifts[0].start, shifts[0].end)
    names: list[str] = [shifts[0].rotation, *shifts[0].contacts, *(str(gap.end - gap.start) for gap in gaps)]
    assert names
    l1 = ssmcontacts.CfnContact(stack, "ByHand", alias="hand", display_name="Hand", type="PERSONAL")
    stages = [
        incidents.Stage(contacts=[schedule], duration=cdk.Duration.minutes(15)),
        incidents.Stage(contacts=[ada], observers=[l1]),
    ]
    plan = incidents.EscalationPlan(stack, "Plan", stages=stages, alias="plan", display_name="The plan")
    reference: IContactRef = plan
    assert reference.contact_ref.contact_arn == plan.contact_arn
    return schedule


def engage(contact: incidents.IContact, grantee: iam.IGrantable) -> list[iam.Grant]:
    """Grant and share all that a contact of any kind and origin can."""
    contact.share_with("Share", accounts=["444455556666"], allow_external_accounts=True)
    names: list[str] = [contact.contact_arn, contact.contact_alias]
    assert all(names)
    return [contact.grant_engage(grantee), contact.grant_read(grantee)]


def ways_in(stack: cdk.Stack, plan: IResponsePlanRef, role: iam.Role) -> None:
    """Open incidents of a plan of any origin by a rule and by the clock."""
    queue = sqs.Queue(stack, "DeadLetters")
    by_event: events.IRuleTarget = incidents.ResponsePlanTarget(
        plan,
        role=role,
        dead_letter_queue=queue,
        retry_attempts=3,
        max_event_age=cdk.Duration.hours(1),
    )
    pattern = events.EventPattern(source=["aws.devops-guru"])
    events.Rule(stack, "Insights", event_pattern=pattern, targets=[by_event])
    by_the_clock: scheduler.IScheduleTarget = incidents.ResponsePlanSchedule(
        plan,
        title="Drill",
        impact=incidents.Impact.NO_IMPACT,
        role=iam.Role.from_role_name(stack, "Starter", "starter"),
        dead_letter_queue=queue,
        retry_attempts=0,
        max_event_age=cdk.Duration.minutes(5),
    )
    weekly = scheduler.ScheduleExpression.rate(cdk.Duration.days(7))
    scheduler.Schedule(stack, "Drill", schedule=weekly, target=by_the_clock)


def use_everything(stack: cdk.Stack) -> None:
    """Use every public name."""
    replicate(stack)
    topic = sns.Topic(stack, "Topic")
    owned, *imported = plans(stack, topic)
    user = iam.User(stack, "User")
    for plan in (owned, *imported):
        names: list[str] = [plan.response_plan_arn, plan.response_plan_name]
        assert all(names)
        assert grants(plan, user)
        share(plan)
    for contact in (*people(cdk.Stack(stack, "People")), on_call(stack)):
        assert engage(contact, user)
    assert templates()
    assert told(stack, topic)
    trigger = incidents.IncidentTrigger(
        stack,
        "Trigger",
        trigger_name="trigger",
        fallback=topic,
        health_plan=owned,
        budget=incidents.IncidentBudget(ceiling=100, per_cause=10),
        failover_regions=[],
        log_retention=logs.RetentionDays.ONE_MONTH,
    )
    ways_in(stack, owned, trigger.role)
    made: incidents.Route = trigger.add_route(
        "Critical",
        response_plan=imported[0],
        impact=incidents.Impact.LOW,
        title="{source}: {title}",
        auto_resolve=True,
        join_for=cdk.Duration.hours(1),
        dedupe_key="{detail.service.name}",
        related_items=related_items(stack),
        suppression=[
            incidents.Suppression.while_closed("maintenance"),
            incidents.Suppression.while_open("arn:aws:ssm:eu-west-1:444455556666:document/freeze"),
        ],
        failover_regions=["eu-central-1"],
    )
    assert made.route_id == route_of(trigger).route_id
    trigger.add_route("OpsItems", ops_items=incidents.OpsItems(severity=1, priority=2, category="Security"))
    trigger.add_route("Topic", topic=topic)
    watch(made, stack)
    trigger.share_with(accounts=["444455556666"], organization="o-exampleorgid")
    assert feed(made, cdk.Stack(stack, "Feed"))
    team = cdk.Stack(stack, "Team", env=cdk.Environment(account="111122223333", region="eu-west-1"))
    central: incidents.IIncidentTrigger = incidents.IncidentTrigger.from_trigger_attributes(
        team,
        "Central",
        trigger_name="central",
        routes=["Critical"],
        account="111122223333",
        region="eu-west-1",
    )
    assert feed(route_of(central), team)
    incidents.Alarms.of(stack).add(made, name="checkout-*", tag={"team": "shop"})
    incidents.Alarms.of(stack).add_by_severity({"critical": route_of(trigger), "warning": owned}, tag="prio")
    incidents.IncidentDashboard(stack, "Dashboard", plans=[owned], triggers=[trigger], dashboard_name="d")
    figures: list[cloudwatch.IMetric] = [
        trigger.metric_failed(route="Critical"),
        trigger.metric_budget_used(period=cdk.Duration.hours(1)),
        trigger.metric_retrying(),
    ]
    assert figures
    alarm_action: cloudwatch.IAlarmAction = incidents.ResponsePlanAction(owned)
    assert alarm_action
    test = incidents.SmokeTest(
        stack, "SmokeTest", trigger=trigger, quiet_plan=imported[1], timeout=cdk.Duration.seconds(60)
    )
    attributes: list[str] = [test.result, test.status, test.incident_record_arn, test.opened_ms]
    assert [*attributes, test.steps, test.warnings]
    repeated = incidents.SmokeTest(
        stack,
        "Repeated",
        plans=imported,
        pages_for_real=True,
        every_deployment=True,
        every=cdk.Duration.days(1),
        on_failure="warn",
        severities={"rota-gap": "error", "not-looked": "ignore"},
    )
    watched: cloudwatch.Alarm | None = repeated.alarm
    assert watched
    failures: cloudwatch.IMetric = repeated.metric_failures(period=cdk.Duration.days(1))
    assert failures


def tested(stack: cdk.Stack) -> None:
    """Ask of a stack what CI asks, whatever a test holds of it."""
    template = assertions.Template.from_stack(stack)
    named: dict[str, str] = {"Description": "Usage"}
    assert testing.normalised_template(named, account="111122223333", region="eu-west-1") == named
    assert testing.normalised_template(template) == testing.normalised_template(template.to_json())
    testing.assert_alarms_start_incidents(stack)
    testing.assert_plans_reach_somebody(template, except_for=[])
    testing.assert_smoke_tested(stack)


def misuse(stack: cdk.Stack, plan: incidents.ResponsePlan, trigger: incidents.IncidentTrigger) -> None:
    """Do what a checker must refuse."""
    incidents.ResponsePlan(stack, "Plan")  # type: ignore[call-arg]
    incidents.IncidentTemplate("Title", 1)  # type: ignore[call-arg]
    incidents.IncidentTemplate(title="Title", impact="high")  # type: ignore[arg-type]
    incidents.ResponsePlanAction("checkout")  # type: ignore[arg-type]
    trigger.add_route("Critical", response_plan="checkout")  # type: ignore[arg-type]
    trigger.add_route("Critical", plan)  # type: ignore[call-arg]
    trigger.add_route("OpsItems", ops_items=incidents.OpsItems)  # type: ignore[arg-type]
    plan.grant_start_incident("role")  # type: ignore[arg-type]
    incidents.ContactChannel.email()  # type: ignore[call-arg]
    incidents.Contact(stack, "Ada", display_name="Ada")  # type: ignore[call-arg]
    incidents.Stage(contacts=["ada"])  # type: ignore[list-item]
    incidents.Recurrence.weekly("09:00")  # type: ignore[call-arg]
    incidents.Rotation(contacts=[], start=1, time_zone="UTC", recurrence="weekly")  # type: ignore[arg-type]
    assert incidents.ResponsePlans  # type: ignore[attr-defined]
    incidents.SmokeTest(stack, "SmokeTest", plans=["checkout"])  # type: ignore[list-item]
    incidents.SmokeTest(stack, "SmokeTest", on_failure="fail")  # type: ignore[arg-type]
    incidents.SmokeTest(stack, "SmokeTest", severities={"rota": "error"})  # type: ignore[dict-item]
