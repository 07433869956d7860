"""A trigger never watches itself: a broken one could not report itself, a working one goes in circles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs

from cdk_incidents import Alarms, IncidentTrigger, SmokeTest

if TYPE_CHECKING:
    from cdk_incidents import IRoute
    from tests.synthesis import Make

OWN_HEALTH = (
    r"alarm must be other than those on this trigger's own health \(got '{path}'\): a broken trigger could"
    r" not report itself: pass it health_plan= or fallback=\."
)
OTHERS = cloudwatch.Metric(namespace="Shop", metric_name="Errors")


def trigger_in(
    make: Make, stack: cdk.Stack, construct_id: str = "Trigger", **options: Any
) -> IncidentTrigger:
    """Return a trigger with one route."""
    trigger = IncidentTrigger(stack, construct_id, trigger_name=construct_id.lower(), **options)
    trigger.add_route("Critical", response_plan=make.plan(stack, f"{construct_id}Plan"))
    return trigger


def on_lambda(name: str) -> cloudwatch.Metric:
    """Return a metric of a function."""
    dimensions = {"FunctionName": name}
    return cloudwatch.Metric(namespace="AWS/Lambda", metric_name="Errors", dimensions_map=dimensions)


def alarm_on(scope: cdk.Stack, construct_id: str, metric: cloudwatch.IMetric) -> cloudwatch.Alarm:
    """Return an alarm on a metric."""
    return cloudwatch.Alarm(scope, construct_id, metric=metric, threshold=1, evaluation_periods=1)


def own_metrics(trigger: IncidentTrigger) -> dict[str, cloudwatch.IMetric]:
    """Return a metric of each part of a trigger, of the kinds that there are."""
    return {
        "Function": trigger.function.metric_errors(),
        "Named": on_lambda(trigger.trigger_name),
        "DeadLetters": trigger.dead_letter_queue.metric_approximate_age_of_oldest_message(),
        "Retries": trigger.metric_retry_queue_age(),
        "Figure": trigger.metric_failed(route="Critical"),
        "Math": cloudwatch.MathExpression(
            expression="a + b", using_metrics={"a": OTHERS, "b": trigger.function.metric_throttles()}
        ),
    }


def composite_of(
    scope: cdk.Stack, construct_id: str, *alarms: cloudwatch.IAlarm
) -> cloudwatch.CompositeAlarm:
    """Return a composite alarm over others."""
    rules = [cloudwatch.AlarmRule.from_alarm(alarm, cloudwatch.AlarmState.ALARM) for alarm in alarms]
    return cloudwatch.CompositeAlarm(scope, construct_id, alarm_rule=cloudwatch.AlarmRule.any_of(*rules))


@pytest.mark.parametrize("is_elsewhere", [False, True])
def test_refuses_alarms_on_its_parts(make: Make, *, is_elsewhere: bool) -> None:
    """Whoever made the alarm, in whatever stack, and whatever composite names it."""
    app = make.app()
    home, other = cdk.Stack(app, "Home"), cdk.Stack(app, "Other")
    trigger = trigger_in(make, home)
    route = trigger.route("Critical")
    stack = other if is_elsewhere else home
    fine = alarm_on(stack, "Fine", OTHERS)
    route.watch(fine, composite_of(stack, "FineToo", fine), alarm_on(stack, "Another", on_lambda("checkout")))
    for name, metric in own_metrics(trigger).items():
        alarm = alarm_on(stack, name, metric)
        composite = composite_of(stack, f"{name}Composite", fine, alarm)
        for each in (alarm, composite, composite_of(stack, f"{name}Twice", composite)):
            with pytest.raises(ValueError, match=f"^{OWN_HEALTH.format(path=each.node.path)}$"):
                route.watch(each)
    with pytest.raises(RuntimeError, match=OWN_HEALTH.format(path=alarm.node.path)):
        alarm.add_alarm_action(route.alarm_action())


def test_refuses_them_of_an_import_by_its_name(make: Make) -> None:
    """Of an import nothing but the name is known: alarms that say it are refused, in its own account."""
    stack = make.stack(env=cdk.Environment(account="444455556666", region="eu-west-1"))
    own = IncidentTrigger.from_trigger_attributes(stack, "Own", trigger_name="central", routes=["Critical"])
    alarm = alarm_on(stack, "Alarm", own.metric("Failed"))
    with pytest.raises(ValueError, match=OWN_HEALTH.format(path="Stack/Alarm")):
        own.route("Critical").watch(alarm)
    theirs = IncidentTrigger.from_trigger_attributes(
        stack, "Theirs", trigger_name="central", routes=["Critical"], account="111122223333"
    )
    # One's own trigger of the same name, watched by the platform's.
    theirs.route("Critical").watch(alarm)


def test_refuses_them_among_all_alarms_of_a_scope(make: Make) -> None:
    """`Alarms` asks of each alarm, not of the first of a stack."""
    stack = make.stack()
    trigger = trigger_in(make, stack)
    alarm_on(stack, "First", OTHERS)
    alarm_on(stack, "Second", trigger.function.metric_errors())
    Alarms.of(stack).add(trigger.route("Critical"))
    with pytest.raises(
        RuntimeError, match=f"Stack/Second: {OWN_HEALTH.format(path='Stack/Second/Resource')}"
    ):
        make.synth(stack)


def test_one_trigger_may_watch_another(make: Make) -> None:
    """Another trigger's function, queues and figures are as good as any, in whatever stack."""
    app = make.app()
    stack, twin = cdk.Stack(app, "Stack"), cdk.Stack(app, "Twin")
    watcher = trigger_in(make, stack)
    for trigger in (trigger_in(make, stack, "Watched"), trigger_in(make, twin, "Watched")):
        place = cdk.Stack.of(trigger)
        for name, metric in own_metrics(trigger).items():
            watcher.route("Critical").watch(alarm_on(place, name, metric))


def test_the_smoke_test_has_its_canary(make: Make) -> None:
    """Only the canary comes back, and only by its own quiet route."""
    stack = make.stack()
    trigger = trigger_in(make, stack)
    test = SmokeTest(stack, "SmokeTest", trigger=trigger)
    canary = test.node.find_child("Canary")
    assert isinstance(canary, cloudwatch.Alarm)
    with pytest.raises(ValueError, match="other than those on this trigger's own health"):
        trigger.route("Critical").watch(canary)


@pytest.mark.parametrize("is_owned", [True, False])
def test_refuses_its_own_queues(make: Make, *, is_owned: bool) -> None:
    """What the trigger could not handle would come back at once; so by the queue's name, too."""
    stack = make.stack(env=cdk.Environment(account="111122223333", region="eu-west-1"))
    trigger = trigger_in(make, stack)
    arn = "arn:aws:sqs:eu-west-1:111122223333:trigger-dead-letters"
    queues: list[sqs.IQueue] = [sqs.Queue.from_queue_arn(stack, "ByArn", arn)]
    route: IRoute = trigger.route("Critical")
    if is_owned:
        queues += [trigger.dead_letter_queue, trigger._retries]
    else:
        route = IncidentTrigger.from_trigger_attributes(
            stack, "Import", trigger_name="trigger", routes=["Critical"]
        ).route("Critical")
    for queue in queues:
        message = (
            rf"queue must be other than the trigger's own \(got '{queue.node.path}'\): what it could not"
        )
        with pytest.raises(ValueError, match=message):
            route.on_queue(queue)
    theirs = "arn:aws:sqs:eu-west-1:444455556666:trigger-dead-letters"
    trigger.route("Critical").on_queue(sqs.Queue.from_queue_arn(stack, "Theirs", theirs))


OWN_TOPIC = (
    r"topic must be one that the trigger does not publish to, as its fallback or for a route \(got '{path}'\)"
    r": each signal would make the next: take another topic\."
)


@pytest.mark.parametrize("is_import", [False, True])
def test_refuses_the_fallback_topic(make: Make, *, is_import: bool) -> None:
    """What could not be started is told there, and would be started again."""
    stack = make.stack()
    arn = "arn:aws:sns:eu-west-1:111122223333:fallback"
    topic: Any = sns.Topic.from_topic_arn(stack, "F", arn) if is_import else sns.Topic(stack, "F")
    again: Any = sns.Topic.from_topic_arn(stack, "Again", arn) if is_import else topic
    route = trigger_in(make, stack, fallback=topic).route("Critical")
    with pytest.raises(RuntimeError, match=OWN_TOPIC.format(path=again.node.path)):
        again.add_subscription(route.subscription())
    sns.Topic(stack, "Other").add_subscription(route.subscription())


@pytest.mark.parametrize("is_route_first", [True, False])
def test_refuses_a_routes_own_topic(make: Make, *, is_route_first: bool) -> None:
    """A topic is a destination or a source of a trigger's, whichever came first."""
    stack = make.stack()
    trigger = trigger_in(make, stack)
    topic = sns.Topic(stack, "Topic")

    def publish() -> None:
        trigger.add_route("Notices", topic=topic)

    def listen() -> None:
        topic.add_subscription(trigger.route("Critical").subscription())

    first, second = (publish, listen) if is_route_first else (listen, publish)
    first()
    with pytest.raises((RuntimeError, ValueError), match=OWN_TOPIC.format(path="Stack/Topic")):
        second()
