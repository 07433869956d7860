"""What gets onto a route besides alarms: rules, topics, queues, people; in its stack or another."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import aws_cdk as cdk
import pytest
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs

from cdk_incidents import EventPatterns, IncidentTrigger, OpsItems, SmokeTest
from tests.synthesis import FLAGS

if TYPE_CHECKING:
    from cdk_incidents import IRoute
    from tests.synthesis import Make, Synth

ALIAS = "AWS::Lambda::Alias"
MAPPING = "AWS::Lambda::EventSourceMapping"
PERMISSION = "AWS::Lambda::Permission"
POLICY = "AWS::IAM::Policy"
QUEUE = "AWS::SQS::Queue"
QUEUE_POLICY = "AWS::SQS::QueuePolicy"
ROLE = "AWS::IAM::Role"
RULE = "AWS::Events::Rule"
SUBSCRIPTION = "AWS::SNS::Subscription"
TOPIC = "AWS::SNS::Topic"

OURS = cdk.Environment(account="111122223333", region="eu-west-1")
THEIRS = cdk.Environment(account="444455556666", region="eu-west-1")
HEALTH = events.EventPattern(source=["aws.health"])
READ = ["sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"]


def named(text: str) -> dict[str, Any]:
    """Return an ARN of the trigger's account as CloudFormation puts it together."""
    return {"Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"}, text]]}


ALIAS_ARN = named(":lambda:eu-west-1:111122223333:function:central:Critical")
DEAD_LETTERS = named(":sqs:eu-west-1:111122223333:central-dead-letters")


def trigger_in(make: Make, stack: cdk.Stack, *, auto_resolve: bool = True) -> IncidentTrigger:
    """Return a trigger with one route."""
    trigger = IncidentTrigger(stack, "Trigger", trigger_name="central", fallback=sns.Topic(stack, "Fallback"))
    trigger.add_route("Critical", response_plan=make.plan(stack), auto_resolve=auto_resolve)
    return trigger


def imported(stack: cdk.Stack, **place: str) -> IRoute:
    """Return the same route, imported."""
    trigger = IncidentTrigger.from_trigger_attributes(
        stack, "Central", trigger_name="central", routes=["Critical"], **place
    )
    return trigger.route("Critical")


def feed(route: IRoute, stack: cdk.Stack) -> None:
    """Get one of everything of a stack onto a route."""
    events.Rule(stack, "Opens", event_pattern=HEALTH, targets=[route.rule_target()])
    events.Rule(stack, "Recovers", event_pattern=HEALTH, targets=[route.rule_target(recovers=True)])
    policy = {"severity": sns.SubscriptionFilter.string_filter(allowlist=["high"])}
    sns.Topic(stack, "Topic").add_subscription(route.subscription(filter_policy=policy))
    key = kms.Key(stack, "Key")
    queue = sqs.Queue(stack, "Queue", visibility_timeout=cdk.Duration.minutes(3), encryption_master_key=key)
    route.on_queue(queue)
    route.on_queue(
        sqs.Queue(stack, "Plain", visibility_timeout=cdk.Duration.minutes(3)),
        batch_size=1,
        max_concurrency=1_000,
    )
    route.grant_start(iam.Role(stack, "Person", assumed_by=iam.AccountRootPrincipal()))


class Fed(NamedTuple):
    """A stack that feeds a route."""

    synth: Synth
    alias: Any
    dead_letters: Any
    role: Any
    central: Synth | None


PLACES = [*FLAGS, "another-stack", "import", "import-by-account"]


@pytest.fixture(scope="module", params=PLACES)
def fed(request: pytest.FixtureRequest, make: Make) -> Fed:
    """Return a stack that feeds the route: the trigger's, under each set of flags, and others by names."""
    place = request.param
    app = make.app(FLAGS.get(place))
    if place in FLAGS:
        central = cdk.Stack(app, "Central", env=OURS)
        trigger = trigger_in(make, central)
        SmokeTest(central, "SmokeTest", trigger=trigger)
        feed(trigger.route("Critical"), central)
        synth = make.synth(central)
        return Fed(
            synth,
            {"Ref": synth.id_of(ALIAS, "Critical")},
            {"Fn::GetAtt": [synth.id_of(QUEUE, "DeadLetters"), "Arn"]},
            {"Ref": synth.id_of(ROLE, "TriggerRole")},
            None,
        )
    team = cdk.Stack(app, "Team", env=OURS)
    by_names = (ALIAS_ARN, DEAD_LETTERS, "central-eu-west-1")
    if place == "another-stack":
        central = cdk.Stack(app, "Central", env=OURS)
        feed(trigger_in(make, central).route("Critical"), team)
        centrals, teams = make.synth_all(central, team)
        return Fed(teams, *by_names, centrals)
    where = {"account": "111122223333", "region": "eu-west-1"} if "by" in place else {}
    feed(imported(team, **where), team)
    return Fed(make.synth(team), *by_names, None)


def test_a_rule_invokes_the_alias(fed: Fed) -> None:
    """The alias is the target, without a role; what is not delivered goes to the trigger's dead letters."""
    (target,) = fed.synth.properties(RULE, "Opens")["Targets"]
    assert target.pop("Id")
    assert target == {"Arn": fed.alias, "DeadLetterConfig": {"Arn": fed.dead_letters}}


def test_a_rule_tells_of_recoveries(fed: Fed) -> None:
    """With `recovers` the whole event comes in an envelope; the rest is as for any rule."""
    (target,) = fed.synth.properties(RULE, "Recovers")["Targets"]
    assert target.pop("Id")
    assert target.pop("InputTransformer") == {"InputTemplate": '{"recovered": <aws.events.event.json>}'}
    assert target == {"Arn": fed.alias, "DeadLetterConfig": {"Arn": fed.dead_letters}}


@pytest.mark.parametrize("rule", ["Opens", "Recovers"])
def test_lets_in_that_rule_alone(fed: Fed, rule: str) -> None:
    """The permission stands beside the rule, and names it."""
    assert fed.synth.properties(PERMISSION, rule) == {
        "Action": "lambda:InvokeFunction",
        "FunctionName": fed.alias,
        "Principal": "events.amazonaws.com",
        "SourceArn": {"Fn::GetAtt": [fed.synth.id_of(RULE, rule), "Arn"]},
    }


def test_a_topic_invokes_the_alias(fed: Fed) -> None:
    """The subscription has the filter and the trigger's dead letters, and waits for its permission."""
    topic, permission = {"Ref": fed.synth.id_of(TOPIC, "Topic")}, fed.synth.id_of(PERMISSION, "Topic")
    assert fed.synth.properties(SUBSCRIPTION) == {
        "Protocol": "lambda",
        "TopicArn": topic,
        "Endpoint": fed.alias,
        "FilterPolicy": {"severity": ["high"]},
        "RedrivePolicy": {"deadLetterTargetArn": fed.dead_letters},
    }
    assert fed.synth.resources[permission]["Properties"] == {
        "Action": "lambda:InvokeFunction",
        "FunctionName": fed.alias,
        "Principal": "sns.amazonaws.com",
        "SourceArn": topic,
    }
    assert permission in fed.synth.comes_after(fed.synth.id_of(SUBSCRIPTION))


@pytest.mark.parametrize(("queue", "size", "most"), [("Queue", 10, 2), ("Plain", 1, 1_000)])
def test_reads_a_queue(fed: Fed, queue: str, size: int, most: int) -> None:
    """A mapping on the alias reads the queue, failures one by one, after the role may."""
    arn = {"Fn::GetAtt": [fed.synth.id_of(QUEUE, queue), "Arn"]}
    (mapping_id,) = (
        logical_id
        for logical_id, mapping in fed.synth.of_type(MAPPING).items()
        if mapping["Properties"]["EventSourceArn"] == arn
    )
    assert fed.synth.resources[mapping_id]["Properties"] == {
        "FunctionName": fed.alias,
        "EventSourceArn": arn,
        "BatchSize": size,
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "ScalingConfig": {"MaximumConcurrency": most},
    }
    (policy,) = readers(fed)
    assert policy in fed.synth.comes_after(mapping_id)


def readers(fed: Fed) -> dict[str, dict[str, Any]]:
    """Return the policies that let the trigger's role read queues, by their logical ids."""
    return {
        logical_id: policy["Properties"]
        for logical_id, policy in fed.synth.of_type(POLICY).items()
        if "sqs:ReceiveMessage" in str(policy)
    }


def test_reads_those_queues_and_no_more(fed: Fed) -> None:
    """The trigger's role may read the queues that it was given, and decrypt with their keys."""
    (policy,) = readers(fed).values()
    assert policy["Roles"] == [fed.role]
    queues = [{"Fn::GetAtt": [fed.synth.id_of(QUEUE, like), "Arn"]} for like in ("Queue", "Plain")]
    key = {"Fn::GetAtt": [fed.synth.id_of("AWS::KMS::Key"), "Arn"]}
    # The fallback's policy is in the same document.
    statements = [each for each in policy["PolicyDocument"]["Statement"] if "sns:" not in str(each["Action"])]
    assert fed.synth.permissions_of(statements) == fed.synth.permissions_of(
        [
            {"Effect": "Allow", "Action": READ, "Resource": queues},
            {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": key},
        ]
    )


def test_a_person_may_invoke_the_alias(fed: Fed) -> None:
    """`grant_start` is one action on the alias."""
    (statement,) = fed.synth.properties(POLICY, "Person")["PolicyDocument"]["Statement"]
    assert statement == {"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": fed.alias}


@pytest.mark.parametrize("fed", FLAGS, indirect=True)
def test_the_smoke_test_goes_before_all_of_it(fed: Fed) -> None:
    """What reads or invokes the live alias comes after the test of its code."""
    test = fed.synth.id_of("Custom::IncidentSmokeTest")
    users = [*fed.synth.of_type(RULE), *fed.synth.of_type(MAPPING), *fed.synth.of_type(SUBSCRIPTION)]
    assert len(users) == 2 + 3 + 1
    for logical_id in users:
        assert test in fed.synth.comes_after(logical_id), logical_id


@pytest.mark.parametrize("fed", ["another-stack"], indirect=True)
def test_other_stacks_make_no_cycle_and_no_export(fed: Fed) -> None:
    """The other stack comes after the trigger's, which exports nothing and knows nothing of it."""
    assert fed.central is not None
    assert fed.synth.dependencies == ["Central"]
    assert fed.central.dependencies == []
    assert fed.central.exports() == fed.synth.exports() == []


@pytest.mark.parametrize("fed", ["another-stack"], indirect=True)
def test_the_names_are_those_that_others_use(fed: Fed) -> None:
    """Queue and role are named as another stack expects; any rule and topic of the account may send."""
    central = fed.central
    assert central is not None
    assert central.properties(QUEUE, "DeadLetters")["QueueName"] == "central-dead-letters"
    assert central.properties(ROLE, "TriggerRole")["RoleName"] == "central-eu-west-1"
    queue = {"Fn::GetAtt": [central.id_of(QUEUE, "DeadLetters"), "Arn"]}
    _, allowed = central.properties(QUEUE_POLICY, "DeadLetters")["PolicyDocument"]["Statement"]
    sources = [named(":events:eu-west-1:111122223333:rule/*"), named(":sns:*:111122223333:*")]
    assert allowed == {
        "Effect": "Allow",
        "Principal": {"Service": ["events.amazonaws.com", "sns.amazonaws.com"]},
        "Action": "sqs:SendMessage",
        "Resource": queue,
        "Condition": {"ArnLike": {"aws:SourceArn": sources}},
    }


def test_has_nothing_to_warn_of(fed: Fed) -> None:
    """We have nothing to say about it."""
    assert [text for _, _, text in fed.synth.messages if "no-fallback" not in text] == []


def test_cdk_takes_an_alias_for_an_endpoint(make: Make) -> None:
    """CDK's own validation, which knows functions only, has nothing left to say of the subscription."""
    stack = make.stack()
    sns.Topic(stack, "Topic").add_subscription(trigger_in(make, stack).route("Critical").subscription())
    app = stack.node.root
    assert isinstance(app, cdk.App)
    cdk.Validations.of(app).add_plugins(cdk.CloudFormationValidatePlugin())
    report = json.loads(Path(app.synth().directory, "validation-report.json").read_text())
    (validation,) = (each for each in report["pluginReports"] if "CloudFormation" in each["pluginName"])
    assert validation["violations"] == []


@pytest.mark.parametrize("is_owned", [True, False])
def test_nested_stacks_are_fed_too(make: Make, *, is_owned: bool) -> None:
    """What stands in a nested stack of the trigger's, or of the import's, feeds it without a cycle."""
    stack = make.stack(env=OURS)
    route = trigger_in(make, stack).route("Critical") if is_owned else imported(stack)
    nested = cdk.NestedStack(stack, "Nested")
    feed(route, nested)
    outer, inner = make.synth_all(stack, nested)
    assert len(inner.of_type(PERMISSION)) == 3
    # The reader of an owned route stands beside it.
    assert len(inner.of_type(MAPPING)) == (0 if is_owned else 2)
    assert len(outer.of_type(MAPPING)) == (3 if is_owned else 0)


@pytest.mark.parametrize("auto_resolve", [True, False])
def test_watches_the_account(make: Make, *, auto_resolve: bool) -> None:
    """One rule takes all alarms of the account that go to ALARM, and to OK where the route auto-resolves."""
    stack = make.stack(env=OURS)
    route = trigger_in(make, stack, auto_resolve=auto_resolve).route("Critical")
    rule = route.watch_account()
    synth = make.synth(stack)
    assert stack.resolve(rule.rule_arn) == {"Fn::GetAtt": [synth.id_of(RULE), "Arn"]}
    assert synth.properties(RULE)["EventPattern"] == {
        "source": ["aws.cloudwatch"],
        "detail-type": ["CloudWatch Alarm State Change"],
        "account": ["111122223333"],
        "detail": {
            "state": {"value": ["ALARM", "OK"] if auto_resolve else ["ALARM"]},
            "alarmName": [{"anything-but": {"prefix": "TargetTracking-"}}],
        },
    }


@pytest.mark.parametrize(
    ("prefixes", "expected"),
    [
        ((), None),
        ([], None),
        (["a"], [{"anything-but": {"prefix": "a"}}]),
        (("a", "b"), [{"anything-but": {"prefix": ["a", "b"]}}]),
    ],
)
def test_leaves_out_alarms_by_their_names(make: Make, prefixes: list[str], expected: object) -> None:
    """Alarms whose names begin so are left out; of an empty list none is."""
    stack = make.stack()
    trigger_in(make, stack).route("Critical").watch_account(except_prefixes=prefixes)
    detail = make.synth(stack).properties(RULE)["EventPattern"]["detail"]
    assert detail.get("alarmName") == expected


def test_watches_the_account_of_an_import(make: Make) -> None:
    """The rule stands beside the import, on alarms of its account, and always tells of recoveries."""
    stack = make.stack(env=THEIRS)
    imported(stack, account="111122223333").watch_account()
    pattern = make.synth(stack).properties(RULE)["EventPattern"]
    assert pattern["account"] == ["444455556666"]
    assert pattern["detail"]["state"] == {"value": ["ALARM", "OK"]}


ELSEWHERE = cdk.Environment(account="111122223333", region="us-east-1")


def rule_elsewhere(route: IRoute, stack: cdk.Stack) -> None:
    """Send what happens in another Region."""
    events.Rule(stack, "Rule", event_pattern=HEALTH).add_target(route.rule_target())


def queue_elsewhere(route: IRoute, stack: cdk.Stack) -> None:
    """Read a queue of another Region."""
    route.on_queue(sqs.Queue(stack, "Queue", visibility_timeout=cdk.Duration.minutes(3)))


def topic_elsewhere(route: IRoute, stack: cdk.Stack) -> None:
    """Subscribe to a topic in a stack of another Region."""
    sns.Topic(stack, "Topic").add_subscription(route.subscription())


@pytest.mark.parametrize(
    ("use", "what"), [(rule_elsewhere, "rule"), (queue_elsewhere, "queue"), (topic_elsewhere, "topic")]
)
@pytest.mark.parametrize("is_owned", [True, False])
def test_refuses_another_region(make: Make, use: Any, what: str, *, is_owned: bool) -> None:
    """AWS invokes functions of its own Region, so what stands in another one is refused."""
    app = make.app()
    central, team = cdk.Stack(app, "Central", env=OURS), cdk.Stack(app, "Team", env=ELSEWHERE)
    route = trigger_in(make, central).route("Critical") if is_owned else imported(team, region="eu-west-1")
    message = rf"{what} must be in the trigger's Region, eu-west-1 \(got 'us-east-1'\): "
    with pytest.raises((ValueError, RuntimeError), match=message):
        use(route, team)


def use_twice(route: IRoute, stack: cdk.Stack) -> None:
    """Read a queue twice."""
    queue = sqs.Queue(stack, "Queue", visibility_timeout=cdk.Duration.minutes(3))
    route.on_queue(queue)
    route.on_queue(queue)


def subscribe_twice(route: IRoute, stack: cdk.Stack) -> None:
    """Subscribe to a topic twice."""
    topic = sns.Topic(stack, "Topic")
    topic.add_subscription(route.subscription())
    topic.add_subscription(route.subscription(filter_policy={}))


def watch_twice(route: IRoute, stack: cdk.Stack) -> None:
    """Watch the account twice."""
    assert stack
    route.watch_account()
    route.watch_account(except_prefixes=["a"])


def queue_of(stack: cdk.Stack, seconds: int = 180, **options: Any) -> sqs.Queue:
    """Return a queue that hides its messages for so long."""
    return sqs.Queue(stack, "Queue", visibility_timeout=cdk.Duration.seconds(seconds), **options)


def alarm_of(stack: cdk.Stack) -> cloudwatch.Alarm:
    """Return an alarm."""
    metric = cloudwatch.Metric(namespace="Shop", metric_name="Errors")
    return metric.create_alarm(stack, "Errors", threshold=1, evaluation_periods=1)


@pytest.mark.parametrize(
    ("use", "message"),
    [
        (
            use_twice,
            r"queue must be read once by the trigger \(got '.*Queue'\): two readers would share its mes",
        ),
        (
            watch_twice,
            r"watch_account must be called once a route \(got '.*Critical'\): list all prefixes in on",
        ),
        (
            subscribe_twice,
            r"topic must be subscribed once by a route \(got '.*Topic'\): put all into one filter_policy\.",
        ),
        (
            lambda route, _: route.subscription(filter_policy=["high"]),
            r"filter_policy must be a mapping of attributes to SubscriptionFilter \(got \['high'\]\): e\.g",
        ),
        (
            lambda route, stack: route.watch([alarm_of(stack)]),
            r"alarms must be metric or composite alarms \(got \[.*\): pass each by itself, a list as \*al",
        ),
        (
            lambda route, _: route.watch("checkout-Errors"),
            r"alarms must be .* \(got 'checkout-Errors'\): ",
        ),
        (
            lambda route, _: route.grant_start("arn:aws:iam::111122223333:role/Support"),
            r"grantee must be a role, a user, a group or a function \(got 'arn:aws:iam.*'\): import a role",
        ),
        (
            lambda route, _: route.grant_start(iam.AccountPrincipal("444455556666")),
            r"grantee must be a role, .* \(got 'AccountPrincipal.*'\): .* another account by share_with\.",
        ),
        (
            lambda route, _: route.grant_start(iam.ServicePrincipal("events.amazonaws.com")),
            r"grantee must be a role, .* \(got 'ServicePrincipal.*'\): ",
        ),
        (
            lambda route, stack: route.on_queue(queue_of(stack, 29)),
            r"queue must be hidden for the function's 30 seconds at least \(got 'visibility.* of 29 .*180\.",
        ),
        (
            lambda route, _: route.on_queue("arn:aws:sqs:eu-west-1:111122223333:queue"),
            r"queue must be a queue \(got 'arn:aws:sqs.*'\): import one with sqs\.Queue\.from_queue_arn\.",
        ),
        (
            lambda route, stack: route.on_queue(queue_of(stack), batch_size=0),
            r"batch_size must be a whole number from 1 to 10 \(got 0\): 10 at a time are the most\.",
        ),
        (
            lambda route, stack: route.on_queue(queue_of(stack), batch_size=11),
            r"batch_size must be a whole number from 1 to 10 \(got 11\): ",
        ),
        (
            lambda route, stack: route.on_queue(queue_of(stack), max_concurrency=1),
            r"max_concurrency must be a whole number from 2 to 1000 \(got 1\): Lambda's own limits\.",
        ),
        (
            lambda route, stack: route.on_queue(queue_of(stack), max_concurrency=1_001),
            r"max_concurrency must be a whole number from 2 to 1000 \(got 1001\): ",
        ),
        (
            lambda route, _: route.watch_account(except_prefixes="TargetTracking-"),
            r"except_prefixes must be a list of texts \(got 'TargetTracking-'\): put it into brackets\.",
        ),
        (
            lambda route, _: route.watch_account(except_prefixes=[""]),
            r"except_prefixes must be one or more texts \(got \[''\]\): leave it out to take its default\.",
        ),
        (
            lambda route, _: route.subscription(filter_policy={"severity": ["high"]}),
            r"filter_policy\['severity'\] must be a SubscriptionFilter \(got \['high'\]\): e\.g",
        ),
        (
            lambda route, _: route.rule_target(recovers="yes"),
            r"recovers must be True or False \(got 'yes'\): True for events that tell of a recovery\.",
        ),
        (
            lambda route, stack: sns.Topic(stack, "T", fifo=True).add_subscription(route.subscription()),
            r"topic must be a standard topic \(got '.*T'\): ",
        ),
    ],
)
@pytest.mark.parametrize("is_owned", [True, False])
def test_refuses_what_breaks_a_rule(make: Make, use: Any, message: str, *, is_owned: bool) -> None:
    """Argument, rule, what was received and the remedy, alike for owned and imported routes."""
    stack = make.stack()
    route = trigger_in(make, stack).route("Critical") if is_owned else imported(stack)
    with pytest.raises((ValueError, RuntimeError), match=message):
        use(route, stack)


@pytest.mark.parametrize("is_owned", [True, False])
def test_refuses_a_queue_that_another_route_reads(make: Make, *, is_owned: bool) -> None:
    """Each message would go to one of them, whichever is faster."""
    stack = make.stack()
    trigger = (
        trigger_in(make, stack)
        if is_owned
        else IncidentTrigger.from_trigger_attributes(
            stack, "Imported", trigger_name="central", routes=["Critical", "Minor"]
        )
    )
    if isinstance(trigger, IncidentTrigger):
        trigger.add_route("Minor", ops_items=OpsItems())
    queue = queue_of(stack)
    trigger.route("Critical").on_queue(queue)
    with pytest.raises(ValueError, match=r"^queue must be read once by the trigger \(got '.*Queue'\): two"):
        trigger.route("Minor").on_queue(queue)


def test_watching_twice_is_watching(make: Make) -> None:
    """An alarm has the action once, as with `Alarms`."""
    stack = make.stack()
    route, alarm = trigger_in(make, stack).route("Critical"), alarm_of(stack)
    route.watch(alarm, alarm)
    route.watch(alarm)
    synth = make.synth(stack)
    properties = synth.resources[synth.id_of("AWS::CloudWatch::Alarm", "Errors")]["Properties"]
    assert len(properties["AlarmActions"]) == len(properties["OKActions"]) == 1


@pytest.mark.parametrize(("seconds", "warns"), [(30, True), (179, True), (180, False), (None, True)])
def test_warns_of_a_queue_that_hides_too_short(make: Make, seconds: int | None, *, warns: bool) -> None:
    """AWS wants six times the function's time-out; below it a message may come while it is handled."""
    stack = make.stack()
    timeout = None if seconds is None else cdk.Duration.seconds(seconds)
    trigger_in(make, stack).route("Critical").on_queue(sqs.Queue(stack, "Queue", visibility_timeout=timeout))
    found = [text for _, _, text in make.synth(stack).messages if "cdk-incidents:queue-visibility" in text]
    expected = [f"visibility_timeout of {seconds or 30} at Stack/Queue"] if warns else []
    assert len(found) == len(expected)
    assert all(part in text for part, text in zip(expected, found, strict=True))


def test_visibility_is_held_to_the_functions_time_out(make: Make) -> None:
    """A longer time-out would want a longer visibility."""
    stack = make.stack()
    trigger_in(make, stack)
    assert make.synth(stack).properties("AWS::Lambda::Function", "TriggerFunction")["Timeout"] == 30


def test_does_not_judge_what_it_cannot_know(make: Make) -> None:
    """An imported queue's visibility, and one that is a parameter, are let through."""
    stack = make.stack(env=OURS)
    route = trigger_in(make, stack).route("Critical")
    seconds = cdk.CfnParameter(stack, "Seconds", type="Number").value_as_number
    route.on_queue(sqs.Queue(stack, "Q", visibility_timeout=cdk.Duration.seconds(seconds)))
    route.on_queue(sqs.Queue.from_queue_arn(stack, "I", "arn:aws:sqs:eu-west-1:111122223333:theirs"))
    synth = make.synth(stack)
    assert not [text for _, _, text in synth.messages if "cdk-incidents:queue" in text]
    assert len(synth.of_type(MAPPING)) == 3


def test_reads_a_queue_of_another_account_in_the_triggers_stack(make: Make) -> None:
    """Lambda reads it for the trigger's account, whose role may; what the owner must allow is told."""
    stack = make.stack(env=OURS)
    arn = "arn:aws:sqs:eu-west-1:444455556666:theirs"
    trigger_in(make, stack).route("Critical").on_queue(sqs.Queue.from_queue_arn(stack, "Theirs", arn))
    synth = make.synth(stack)
    (mapping,) = (
        found for found in synth.of_type(MAPPING).values() if found["Properties"]["EventSourceArn"] == arn
    )
    assert mapping["Properties"]["FunctionName"] == {"Ref": synth.id_of(ALIAS, "Critical")}
    (policy,) = (found for found in synth.of_type(POLICY).values() if arn in str(found))
    assert policy["Properties"]["Roles"] == [{"Ref": synth.id_of(ROLE, "TriggerRole")}]
    (text,) = (text for _, _, text in synth.messages if "cdk-incidents:queue-policy" in text)
    assert "central-eu-west-1" in text
    assert "444455556666" in text


def test_refuses_an_imported_queue_of_another_region(make: Make) -> None:
    """Lambda reads queues of its own Region, wherever the import stands."""
    stack = make.stack(env=OURS)
    queue = sqs.Queue.from_queue_arn(stack, "Far", "arn:aws:sqs:us-east-1:111122223333:far")
    message = (
        r"queue must be in the trigger's Region, eu-west-1 \(got 'us-east-1'\): forward its messages to one"
    )
    with pytest.raises(ValueError, match=message):
        trigger_in(make, stack).route("Critical").on_queue(queue)


def test_subscribes_to_a_topic_of_another_account_and_region(make: Make) -> None:
    """The trigger's stack makes the subscription, lets that topic in, and takes its dead letters."""
    stack = make.stack(env=OURS)
    arn = "arn:aws:sns:us-east-1:444455556666:theirs"
    topic = sns.Topic.from_topic_arn(stack, "Theirs", arn)
    topic.add_subscription(trigger_in(make, stack).route("Critical").subscription())
    synth = make.synth(stack)
    subscription = synth.properties(SUBSCRIPTION)
    assert (subscription["TopicArn"], subscription["Region"]) == (arn, "us-east-1")
    assert synth.properties(PERMISSION, "Theirs")["SourceArn"] == arn
    *_, statement = synth.properties(QUEUE_POLICY, "DeadLetters")["PolicyDocument"]["Statement"]
    assert statement["Principal"] == {"Service": "sns.amazonaws.com"}
    assert statement["Condition"] == {"ArnLike": {"aws:SourceArn": arn}}


def test_a_target_may_be_given_twice(make: Make) -> None:
    """Two targets of one rule on one route need one permission."""
    stack = make.stack()
    route = trigger_in(make, stack).route("Critical")
    targets = [route.rule_target(), route.rule_target(recovers=True)]
    events.Rule(stack, "Rule", event_pattern=HEALTH, targets=targets)
    assert len(make.synth(stack).of_type(PERMISSION, "Rule")) == 1


@pytest.mark.parametrize("is_owned", [True, False])
def test_refuses_a_rule_on_incidents_themselves(make: Make, *, is_owned: bool) -> None:
    """Each incident would open the next; synth says so, when the pattern is complete."""
    stack = make.stack()
    route = trigger_in(make, stack).route("Critical") if is_owned else imported(stack)
    pattern = events.EventPattern(source=["aws.ssm-incidents"])
    events.Rule(stack, "Rule", event_pattern=pattern, targets=[route.rule_target()])
    with pytest.raises(RuntimeError, match="rule must be on other events than the start of an incident"):
        make.synth(stack)


def test_ready_patterns() -> None:
    """Each pattern names what AWS sends, and what is left out is not asked for."""
    assert _shown(EventPatterns.health()) == {
        "source": ["aws.health"],
        "detail_type": ["AWS Health Event"],
        "detail": {"eventTypeCategory": ["issue"]},
    }
    narrow = EventPatterns.health(
        categories=["issue", "scheduledChange"], services=["EC2"], regions=["eu-west-1", "global"]
    )
    assert narrow.detail == {
        "eventTypeCategory": ["issue", "scheduledChange"],
        "service": ["EC2"],
        "eventRegion": ["eu-west-1", "global"],
    }
    assert _shown(EventPatterns.devops_guru()) == {
        "source": ["aws.devops-guru"],
        "detail_type": [
            "DevOps Guru New Insight Open",
            "DevOps Guru Insight Severity Upgraded",
            "DevOps Guru Insight Closed",
        ],
    }
    narrow = EventPatterns.devops_guru(severities=["high", "medium"], closed=False)
    assert narrow.detail_type == ["DevOps Guru New Insight Open", "DevOps Guru Insight Severity Upgraded"]
    assert narrow.detail == {"insightSeverity": ["high", "medium", {"exists": False}]}
    assert _shown(EventPatterns.alarms()) == {
        "source": ["aws.cloudwatch"],
        "detail_type": ["CloudWatch Alarm State Change"],
        "detail": {"state": {"value": ["ALARM", "OK"]}},
    }
    narrow = EventPatterns.alarms(name_prefixes=["checkout-", "search-"])
    assert narrow.detail is not None
    assert narrow.detail["alarmName"] == [{"prefix": "checkout-"}, {"prefix": "search-"}]


def _shown(pattern: events.EventPattern) -> dict[str, Any]:
    fields = ("source", "detail_type", "detail", "account", "region", "resources")
    found = {field: getattr(pattern, field) for field in fields}
    return {field: value for field, value in found.items() if value is not None}


@pytest.mark.parametrize(
    ("make_pattern", "message"),
    [
        (
            lambda: EventPatterns.health(categories=["issues"]),
            r"categories must be some of accountNotification, investigation, issue, scheduledChange \(got",
        ),
        (lambda: EventPatterns.health(categories=[]), r"categories must be one or more texts \(got \[\]\): "),
        (
            lambda: EventPatterns.health(services="EC2"),
            r"services must be a list of texts \(got 'EC2'\): put it",
        ),
        (lambda: EventPatterns.health(regions=[""]), r"regions must be one or more texts \(got \[''\]\): "),
        (
            lambda: EventPatterns.devops_guru(severities=["HIGH"]),
            r"severities must be some of high, low, medium \(got 'HIGH'\): spell it so\.",
        ),
        (
            lambda: EventPatterns.devops_guru(closed="no"),  # type: ignore[arg-type]
            r"closed must be True or False \(got 'no'\): False leaves incidents open\.",
        ),
        (
            lambda: EventPatterns.alarms(name_prefixes=[]),
            r"name_prefixes must be one or more texts \(got \[\]\)",
        ),
    ],
)
def test_patterns_refuse_what_would_match_nothing(make_pattern: Any, message: str) -> None:
    """A misspelt word would make a rule that never matches, in silence."""
    with pytest.raises(ValueError, match=f"^{message}"):
        make_pattern()
