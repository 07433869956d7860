"""assert_alarms_start_incidents: which alarms start incidents, and what is said of those that do not."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import pytest
from aws_cdk import assertions
from aws_cdk import aws_applicationautoscaling as autoscaling
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import RootConstruct

import cdk_incidents as incidents
from cdk_incidents.testing import assert_alarms_start_incidents

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.synthesis import Make

    Arrange = Callable[[Make, cdk.Stack, cloudwatch.Alarm], object]

ROUTE = "arn:aws:lambda:eu-west-1:111122223333:function:platform-incidents:Critical"
PLAN = "arn:aws:ssm-incidents::111122223333:response-plan/checkout"
FILTER = sns.SubscriptionFilter.string_filter(allowlist=["high"])


def trigger_in(make: Make, stack: cdk.Stack) -> incidents.IncidentTrigger:
    """Return a trigger with one route."""
    trigger = incidents.IncidentTrigger(stack, "Trigger", trigger_name="ours")
    trigger.add_route("Critical", response_plan=make.plan(stack), auto_resolve=True)
    return trigger


def override(alarm: cloudwatch.AlarmBase, name: str, value: Any) -> None:
    """Set a property of an alarm by hand."""
    resource = alarm.node.default_child
    assert isinstance(resource, cdk.CfnResource)
    resource.add_property_override(name, value)


def act_on(alarm: cloudwatch.AlarmBase, *arns: Any) -> None:
    """Let an alarm do what is written by hand."""
    override(alarm, "AlarmActions", list(arns))


def function_in(stack: cdk.Stack) -> lambda_.Function:
    """Return some function."""
    return lambda_.Function(
        stack,
        "Function",
        function_name="theirs",
        runtime=lambda_.Runtime.PYTHON_3_13,
        handler="index.handler",
        code=lambda_.Code.from_inline("def handler(event, context): ..."),
    )


def act_on_a_topic(alarm: cloudwatch.Alarm, route: incidents.IRoute | None, **options: Any) -> None:
    """Let an alarm publish to a topic, to which a route may subscribe."""
    topic = sns.Topic(alarm.stack, "Topic")
    alarm.add_alarm_action(actions.SnsAction(topic))
    if route is not None:
        topic.add_subscription(route.subscription(**options))


def act_on_a_topic_of(alarm: cloudwatch.Alarm, endpoint: str) -> None:
    """Let an alarm publish to a topic, to which a function subscribes by its ARN."""
    topic = sns.Topic(alarm.stack, "Topic")
    alarm.add_alarm_action(actions.SnsAction(topic))
    sns.CfnSubscription(
        alarm.stack, "Subscription", topic_arn=topic.topic_arn, protocol="lambda", endpoint=endpoint
    )


def act_on_an_imported_topic(alarm: cloudwatch.Alarm, route: incidents.Route) -> None:
    """Let an alarm publish to a topic that was made elsewhere, and a route of the app subscribe to it."""
    topic = sns.Topic.from_topic_arn(alarm.stack, "Topic", "arn:aws:sns:eu-west-1:111122223333:alarms")
    alarm.add_alarm_action(actions.SnsAction(topic))
    topic.add_subscription(route.subscription())


def imported_route(stack: cdk.Stack) -> incidents.IRoute:
    """Return a route of a trigger that another app has."""
    central = incidents.IncidentTrigger.from_trigger_attributes(
        stack, "Central", trigger_name="platform-incidents", routes=["Critical"]
    )
    return central.route("Critical")


def both(*steps: Arrange) -> Arrange:
    """Do one thing after the other."""

    def arrange(make: Make, stack: cdk.Stack, alarm: cloudwatch.Alarm) -> None:
        for step in steps:
            step(make, stack, alarm)

    return arrange


def watched_by_a_shared_route(make: Make, stack: cdk.Stack, alarm: cloudwatch.Alarm) -> None:
    """Let a route watch an alarm whose permissions are one policy."""
    trigger = trigger_in(make, stack)
    trigger.share_with(organization="o-exampleorgid", accounts=["444455556666"])
    trigger.route("Critical").watch(alarm)


STARTS: dict[str, Arrange] = {
    "watched": lambda make, stack, alarm: trigger_in(make, stack).route("Critical").watch(alarm),
    "route's action": lambda make, stack, alarm: alarm.add_alarm_action(
        trigger_in(make, stack).route("Critical").alarm_action()
    ),
    "plan": lambda make, stack, alarm: alarm.add_alarm_action(incidents.ResponsePlanAction(make.plan(stack))),
    "plan of L1": lambda make, stack, alarm: alarm.add_alarm_action(
        incidents.ResponsePlanAction(make.cfn_plan(stack))
    ),
    "plan by name": lambda _make, stack, alarm: alarm.add_alarm_action(
        incidents.ResponsePlanAction(incidents.ResponsePlan.from_response_plan_name(stack, "P", "checkout"))
    ),
    "CDK's own action": lambda _make, _stack, alarm: alarm.add_alarm_action(
        actions.SsmIncidentAction("checkout")
    ),
    "plan by ARN": lambda _make, _stack, alarm: act_on(alarm, PLAN),
    "plan in a Sub": lambda _make, _stack, alarm: act_on(
        alarm, {"Fn::Sub": "arn:${AWS::Partition}:ssm-incidents::${AWS::AccountId}:response-plan/checkout"}
    ),
    "plan named by a parameter": lambda _make, _stack, alarm: act_on(
        alarm, {"Fn::Sub": "arn:aws:ssm-incidents::111122223333:response-plan/${Stage}-checkout"}
    ),
    "attribute of a plan": lambda make, stack, alarm: act_on(
        alarm, {"Fn::GetAtt": f"{stack.get_logical_id(make.cfn_plan(stack))}.Arn"}
    ),
    "plan as a Sub": lambda make, stack, alarm: act_on(
        alarm, {"Fn::Sub": f"${{{stack.get_logical_id(make.cfn_plan(stack))}}}"}
    ),
    "imported route": lambda _make, stack, alarm: imported_route(stack).watch(alarm),
    "route by ARN": lambda _make, _stack, alarm: act_on(alarm, ROUTE),
    "topic of a route": lambda make, stack, alarm: act_on_a_topic(
        alarm, trigger_in(make, stack).route("Critical")
    ),
    "topic of a route in another stack": lambda make, stack, alarm: act_on_a_topic(
        alarm, trigger_in(make, cdk.Stack(cdk.App.of(stack), "Platform")).route("Critical")
    ),
    "topic of an imported route": lambda _make, stack, alarm: act_on_a_topic(alarm, imported_route(stack)),
    "imported topic of a route": lambda make, stack, alarm: act_on_an_imported_topic(
        alarm, trigger_in(make, stack).route("Critical")
    ),
    "one action of two": both(
        lambda _make, _stack, alarm: act_on_a_topic(alarm, None),
        lambda make, stack, alarm: trigger_in(make, stack).route("Critical").watch(alarm),
    ),
    "under either condition": lambda _make, _stack, alarm: act_on(
        alarm, {"Fn::If": ["IsProduction", PLAN, ROUTE]}
    ),
    "all under either condition": lambda _make, _stack, alarm: override(
        alarm, "AlarmActions", {"Fn::If": ["IsProduction", [PLAN], ["arn:aws:sns:::topic", ROUTE]]}
    ),
    "organisation let in": watched_by_a_shared_route,
}


@pytest.mark.parametrize("way", STARTS)
def test_takes_every_way_that_starts_incidents(make: Make, way: str) -> None:
    """A plan, or a route, however the alarm names it."""
    stack = make.stack()
    STARTS[way](make, stack, make.alarm(stack))
    assert_alarms_start_incidents(stack)


def without_permission(make: Make, stack: cdk.Stack, alarm: cloudwatch.Alarm) -> None:
    """Let a route watch an alarm, and take away what lets CloudWatch in."""
    trigger = trigger_in(make, stack)
    trigger.route("Critical").watch(alarm)
    (alias,) = (one for one in trigger.node.find_all() if one.node.path.endswith("/Critical"))
    assert alias.node.try_remove_child("Alarms")


def with_the_alias_of_a_function(_make: Make, stack: cdk.Stack, alarm: cloudwatch.Alarm) -> None:
    """Let an alarm invoke somebody's own function."""
    alias = lambda_.Alias(stack, "Alias", alias_name="live", version=function_in(stack).current_version)
    alarm.add_alarm_action(actions.LambdaAction(alias))


def with_the_quiet_alias(make: Make, stack: cdk.Stack, alarm: cloudwatch.Alarm) -> None:
    """Let an alarm act on the smoke test's own route."""
    trigger = trigger_in(make, stack)
    incidents.SmokeTest(stack, "SmokeTest", trigger=trigger)
    alarm.add_alarm_action(trigger.route("smoke-test").alarm_action())


STARTS_NOT: dict[str, tuple[Arrange, str]] = {
    "no action": (lambda *_: None, "it has no alarm action. Let a route watch it, "),
    "actions disabled": (
        both(
            lambda _make, _stack, alarm: act_on(alarm, PLAN),
            lambda _make, _stack, alarm: override(alarm, "ActionsEnabled", value=False),
        ),
        "its actions are disabled. Take actions_enabled=False out.",
    ),
    "another action": (
        lambda _make, _stack, alarm: act_on_a_topic(alarm, None),
        "its action is Stack/Topic, an AWS::SNS::Topic. Let a route",
    ),
    "two others": (
        lambda _make, _stack, alarm: act_on(alarm, "arn:aws:sns:eu-west-1:1:a", "arn:aws:sns:eu-west-1:1:b"),
        ":1:a, no ARN of a response plan or a route, its action is arn:aws:sns:eu-west-1:1:b, no ARN of",
    ),
    "a filtered subscription": (
        lambda make, stack, alarm: act_on_a_topic(
            alarm, trigger_in(make, stack).route("Critical"), filter_policy={"severity": FILTER}
        ),
        "its action is Stack/Topic, an AWS::SNS::Topic.",
    ),
    "an OK action": (
        lambda make, stack, alarm: alarm.add_ok_action(incidents.ResponsePlanAction(make.plan(stack))),
        "it has no alarm action.",
    ),
    "an ARN given for a name": (
        lambda _make, _stack, alarm: alarm.add_alarm_action(actions.SsmIncidentAction(PLAN)),
        "SsmIncidentAction takes a name; take ResponsePlanAction.",
    ),
    "a plan's own ARN given for a name": (
        lambda make, stack, alarm: alarm.add_alarm_action(
            actions.SsmIncidentAction(make.plan(stack).response_plan_arn)
        ),
        "SsmIncidentAction takes a name; take ResponsePlanAction.",
    ),
    "actions disabled under a condition": (
        both(
            lambda _make, _stack, alarm: act_on(alarm, PLAN),
            lambda _make, _stack, alarm: override(
                alarm, "ActionsEnabled", {"Fn::If": ["IsProduction", True, False]}
            ),
        ),
        "its actions are disabled. Take actions_enabled=False out.",
    ),
    "a topic that another function hears": (
        lambda _make, _stack, alarm: act_on_a_topic_of(alarm, "arn:aws:lambda:eu-west-1:1:function:theirs"),
        "its action is Stack/Topic, an AWS::SNS::Topic.",
    ),
    "a topic of a route that is not there": (
        both(
            lambda make, stack, _alarm: trigger_in(make, stack),
            lambda _make, _stack, alarm: act_on_a_topic_of(
                alarm, ROUTE.replace("platform-incidents:Critical", "ours:Warning")
            ),
        ),
        "its action is Stack/Topic, an AWS::SNS::Topic.",
    ),
    "a function": (
        lambda _make, stack, alarm: alarm.add_alarm_action(actions.LambdaAction(function_in(stack))),
        "its action is Stack/Function, an AWS::Lambda::Function.",
    ),
    "somebody's alias": (
        with_the_alias_of_a_function,
        "its action is Stack/Alias, an alias that is no route of a trigger. Take route.alarm_action().",
    ),
    "somebody's alias by name": (
        both(
            lambda _make, stack, _alarm: function_in(stack),
            lambda _make, _stack, alarm: act_on(alarm, ROUTE.replace("platform-incidents", "theirs")),
        ),
        ":theirs:Critical, which Stack/Function does not have. Take route",
    ),
    "an unqualified trigger": (
        lambda make, stack, alarm: alarm.add_alarm_action(
            actions.LambdaAction(trigger_in(make, stack).function)
        ),
        "its action is Stack/Trigger/Function, an AWS::Lambda::Function.",
    ),
    "a route that is not there": (
        both(
            lambda make, stack, _alarm: trigger_in(make, stack),
            lambda _make, _stack, alarm: act_on(
                alarm, ROUTE.replace("platform-incidents:Critical", "ours:Warning")
            ),
        ),
        ":ours:Warning, which Stack/Trigger/Function does not have. Take route.alarm_action().",
    ),
    "the smoke test's plan": (
        lambda make, stack, alarm: alarm.add_alarm_action(
            incidents.ResponsePlanAction(
                incidents.SmokeTest(stack, "SmokeTest", plans=[make.plan(stack)]).quiet_plan
            )
        ),
        "its action is Stack/SmokeTest/QuietPlan, the quiet plan of a smoke test, which tells nobody. Let a",
    ),
    "a shared quiet plan by its ARN": (
        both(
            lambda make, stack, _alarm: incidents.SmokeTest(
                stack,
                "SmokeTest",
                plans=[make.plan(stack)],
                quiet_plan=incidents.ResponsePlan.from_response_plan_arn(stack, "Quiet", PLAN),
            ),
            lambda _make, _stack, alarm: act_on(alarm, PLAN),
        ),
        f"its action is {PLAN}, the quiet plan of a smoke test",
    ),
    "the smoke test's route": (with_the_quiet_alias, "Stack/Trigger/Quiet, an alias that is no route"),
    "the smoke test's route elsewhere": (
        lambda _make, _stack, alarm: act_on(alarm, ROUTE.replace("Critical", "smoke-test")),
        "platform-incidents:smoke-test, which is no route. Take route.alarm_action().",
    ),
    "a version": (
        lambda _make, _stack, alarm: act_on(alarm, ROUTE.replace("Critical", "12")),
        "platform-incidents:12, which is no route.",
    ),
    "nobody let in": (
        without_permission,
        "Stack/Trigger/Live/Critical does not let CloudWatch invoke it for this alarm. add_route makes",
    ),
    "one condition only": (
        lambda _make, _stack, alarm: act_on(
            alarm, {"Fn::If": ["IsProduction", PLAN, {"Ref": "AWS::NoValue"}]}
        ),
        "it has no alarm action. Let a route",
    ),
    "none under a condition": (
        lambda _make, _stack, alarm: override(
            alarm, "AlarmActions", {"Fn::If": ["IsProduction", [PLAN], []]}
        ),
        "it has no alarm action.",
    ),
}


@pytest.mark.parametrize("way", STARTS_NOT)
def test_says_why_an_alarm_starts_none(make: Make, way: str) -> None:
    """The message names the alarm, what it does instead, and the remedy."""
    arrange, why = STARTS_NOT[way]
    stack = make.stack()
    arrange(make, stack, make.alarm(stack))
    with pytest.raises(AssertionError) as raised:
        assert_alarms_start_incidents(stack)
    first, *lines, last = str(raised.value).splitlines()
    assert first == "1 of 1 alarms of Stack start no incident:"
    assert [line[: len("- Stack/Alarm: ")] for line in lines] == ["- Stack/Alarm: "]
    assert why in lines[0]
    assert last == "What is meant to be so is named in except_for."


def test_lists_all_at_once(make: Make) -> None:
    """Every alarm that starts none has its line, by path and name; those that do have none."""
    stack = make.stack("Shop")
    trigger_in(make, stack).route("Critical").watch(make.alarm(stack, "Fine"))
    make.alarm(stack, "Errors")
    metric = cloudwatch.Metric(namespace="Checkout", metric_name="Orders")
    cloudwatch.Alarm(
        stack, "Orders", alarm_name="checkout-orders", metric=metric, threshold=1, evaluation_periods=1
    )
    message = r"^2 of 3 alarms of Shop .*:\n- Shop/Errors: .*\n- Shop/Orders \(checkout-orders\): .*\nWhat "
    with pytest.raises(AssertionError, match=message):
        assert_alarms_start_incidents(stack)


@pytest.mark.parametrize("pattern", ["Stack/Errors", "*/Errors", "checkout-errors", "checkout-*", "Errors*"])
def test_leaves_out_what_is_named(make: Make, pattern: str) -> None:
    """An alarm is named by its path, its own name or its logical id."""
    stack = make.stack()
    override(make.alarm(stack, "Errors"), "AlarmName", "checkout-errors")
    act_on(make.alarm(stack, "Fine"), PLAN)
    assert_alarms_start_incidents(stack, except_for=[pattern])
    with pytest.raises(AssertionError, match="- Stack/Errors"):
        assert_alarms_start_incidents(stack)


def test_refuses_exceptions_that_are_out_of_date(make: Make) -> None:
    """An exception that matches no alarm would one day hide another one."""
    stack = make.stack()
    act_on(make.alarm(stack), PLAN)
    message = "^except_for: 'Stack/Gone' is none of the alarms of Stack; take it out.$"
    with pytest.raises(AssertionError, match=message):
        assert_alarms_start_incidents(stack, except_for=["Stack/Gone"])


def test_refuses_a_single_text_as_exceptions(make: Make) -> None:
    """A text is no list of texts, though Python takes it for one."""
    stack = make.stack()
    make.alarm(stack)
    with pytest.raises(ValueError, match=r"^except_for must be a list of names, paths or logical ids"):
        assert_alarms_start_incidents(stack, except_for="Alarm")


def test_refuses_an_app(make: Make) -> None:
    """The usual slip; the argument is called as it is here."""
    app = make.app()
    make.alarm(cdk.Stack(app, "Stack"))
    with pytest.raises(ValueError, match=r"^stack must be a Stack, .*: pass one of the app's stacks\.$"):
        assert_alarms_start_incidents(app)  # type: ignore[arg-type]


def test_refuses_a_stack_without_an_app() -> None:
    """Nothing could synthesise it."""
    with pytest.raises(ValueError, match=r"^stack must be in an app \(got 'Shop'\): give it an App"):
        assert_alarms_start_incidents(cdk.Stack(RootConstruct(), "Shop"))


@pytest.mark.parametrize("alarms", ["none", "ours", "left out"])
def test_fails_where_there_is_nothing_to_assert(make: Make, alarms: str) -> None:
    """No alarm, the library's own ones only, or all of them excepted: a green test would mean nothing."""
    stack = make.stack()
    if alarms == "ours":
        incidents.SmokeTest(stack, "SmokeTest", trigger=trigger_in(make, stack))
    elif alarms == "left out":
        make.alarm(stack)
    except_for = ["*"] if alarms == "left out" else []
    found = "All alarms are left out by except_for" if except_for else "Stack has no alarm"
    with pytest.raises(AssertionError, match=f"^{found}: there is nothing to assert, and so no test.$"):
        assert_alarms_start_incidents(stack, except_for=except_for)


def test_leaves_alarms_alone_that_scale_something(make: Make) -> None:
    """What moves a number of machines pages nobody, by a reference or an ARN."""
    stack = make.stack()
    target = autoscaling.ScalableTarget(
        stack,
        "Target",
        service_namespace=autoscaling.ServiceNamespace.ECS,
        resource_id="service/shop/checkout",
        scalable_dimension="ecs:service:DesiredCount",
        min_capacity=1,
        max_capacity=9,
    )
    steps = [autoscaling.ScalingInterval(change=n, lower=5 * n) for n in (1, 2)]
    metric = cloudwatch.Metric(namespace="Checkout", metric_name="Load")
    target.scale_on_metric("Load", metric=metric, scaling_steps=steps)
    act_on(make.alarm(stack, "ByArn"), "arn:aws:autoscaling:eu-west-1:1:scalingPolicy:id:policyName/up")
    act_on(make.alarm(stack), PLAN)
    assert_alarms_start_incidents(stack)


def rule_of(*alarms: cloudwatch.AlarmBase) -> cloudwatch.IAlarmRule:
    """Return a rule over alarms."""
    return cloudwatch.AlarmRule.any_of(*alarms)


class Composed:
    """An alarm in a composite alarm in another one, which alone has an action."""

    def __init__(self, make: Make) -> None:
        self.stack = make.stack()
        self.leaf, self.free = make.alarm(self.stack, "Leaf"), make.alarm(self.stack, "Free")
        self.inner = cloudwatch.CompositeAlarm(self.stack, "Inner", alarm_rule=rule_of(self.leaf))
        self.outer = cloudwatch.CompositeAlarm(self.stack, "Outer", alarm_rule=rule_of(self.inner))
        act_on(self.free, PLAN)


def test_counts_what_a_composite_alarm_names(make: Make) -> None:
    """The parts of a composite alarm that starts incidents count, at any depth."""
    composed = Composed(make)
    act_on(composed.outer, PLAN)
    assert_alarms_start_incidents(composed.stack)


def test_does_not_count_the_composite_of_a_part(make: Make) -> None:
    """A part that starts incidents says nothing of the composite alarms above it."""
    composed = Composed(make)
    act_on(composed.inner, PLAN)
    with pytest.raises(AssertionError, match=r"^1 of 4 .*\n- Stack/Outer \(.*\): it has no alarm action"):
        assert_alarms_start_incidents(composed.stack)


def test_does_not_count_parts_of_a_composite_without_actions(make: Make) -> None:
    """Where the composite alarm is mute, so are its parts."""
    composed = Composed(make)
    act_on(composed.outer, PLAN)
    override(composed.outer, "ActionsEnabled", value=False)
    with pytest.raises(AssertionError, match=r"^3 of 4 alarms"):
        assert_alarms_start_incidents(composed.stack)


def test_does_not_count_what_only_suppresses(make: Make) -> None:
    """An alarm that holds the actions of a composite one is not in its rule."""
    composed = Composed(make)
    act_on(composed.outer, PLAN)
    override(
        composed.outer, "ActionsSuppressor", composed.stack.resolve(make.alarm(composed.stack).alarm_arn)
    )
    with pytest.raises(AssertionError, match=r"^1 of 5 .*\n- Stack/Alarm: it has no alarm action"):
        assert_alarms_start_incidents(composed.stack)


@pytest.mark.parametrize(
    "rule",
    [
        'ALARM("checkout-errors") AND OK(other)',
        "ALARM( checkout-errors )",
        'NOT (ALARM("arn:aws:cloudwatch:eu-west-1:111122223333:alarm:checkout-errors"))',
        {"Fn::Sub": 'ALARM("arn:aws:cloudwatch:${AWS::Region}:${AWS::AccountId}:alarm:checkout-errors")'},
        {"Fn::Sub": "ALARM(${Errors})"},
    ],
)
def test_reads_a_rule_that_was_written_by_hand(rule: Any) -> None:
    """A rule names alarms by name, by ARN or by reference."""

    def template(rule: Any) -> dict[str, Any]:
        named = {"AlarmName": "checkout-errors"}
        outer = {"AlarmRule": rule, "AlarmActions": [PLAN]}
        return {
            "Resources": {
                "Errors": {"Type": "AWS::CloudWatch::Alarm", "Properties": named},
                "Any": {"Type": "AWS::CloudWatch::CompositeAlarm", "Properties": outer},
            }
        }

    with pytest.raises(AssertionError, match=r"- Errors \(checkout-errors\): "):
        assert_alarms_start_incidents(template("ALARM(checkout-errors-of-others)"))
    assert_alarms_start_incidents(template(rule))


class Company:
    """A central trigger and an app team's alarm, of one app or two, of one account or two."""

    def __init__(self, make: Make, *, theirs: str, shared: bool = True, one_app: bool = True) -> None:
        app = make.app()
        region = "eu-west-1"
        platform = cdk.Stack(app, "Platform", env=cdk.Environment(account="111122223333", region=region))
        self.trigger = trigger_in(make, platform)
        self.team = cdk.Stack(
            app if one_app else make.app(), "Team", env=cdk.Environment(account=theirs, region=region)
        )
        if shared:
            self.trigger.share_with(accounts=["444455556666"])
        self.alarm = make.alarm(self.team)
        arn = f"arn:aws:lambda:{region}:111122223333:function:ours:Critical"
        act_on(self.alarm, arn)


@pytest.mark.parametrize("one_app", [True, False])
@pytest.mark.parametrize("theirs", ["111122223333", "444455556666"])
def test_takes_the_route_of_another_stack(make: Make, theirs: str, *, one_app: bool) -> None:
    """An alarm of the trigger's account, or of one that it is shared with, is let in."""
    assert_alarms_start_incidents(Company(make, theirs=theirs, one_app=one_app).team)


def test_sees_that_another_account_is_not_let_in(make: Make) -> None:
    """A trigger that the app has must be shared with the account of the alarm."""
    team = Company(make, theirs="444455556666", shared=False).team
    message = "- Team/Alarm: Platform/Trigger/Live/Critical does not let CloudWatch invoke it for this alarm"
    with pytest.raises(AssertionError, match=message):
        assert_alarms_start_incidents(team)


@pytest.mark.parametrize("source", ["reference", "text"])
def test_takes_the_permission_of_one_alarm_for_that_one(make: Make, source: str) -> None:
    """A permission with a source lets that alarm in, and no other."""
    stack = make.stack()
    one, other = make.alarm(stack, "One"), make.alarm(stack, "Other")
    override(one, "AlarmName", "checkout-one")
    override(other, "AlarmName", "search-other")
    without_permission(make, stack, one)
    (alias,) = (each for each in stack.node.find_all() if each.node.path.endswith("/Critical"))
    assert isinstance(alias, lambda_.Alias)
    act_on(other, stack.resolve(alias.function_arn))
    text = "arn:aws:cloudwatch:eu-west-1:111122223333:alarm:checkout-*"
    lambda_.CfnPermission(
        stack,
        "Permission",
        action="lambda:InvokeFunction",
        function_name=alias.function_arn,
        principal="lambda.alarms.cloudwatch.amazonaws.com",
        source_arn=one.alarm_arn if source == "reference" else text,
    )
    with pytest.raises(AssertionError, match=r"^1 of 2 .*\n- Stack/Other .*Critical does not let CloudWatch"):
        assert_alarms_start_incidents(stack)


@pytest.mark.parametrize("change", [{"Principal": "events.amazonaws.com"}, {"Action": "lambda:GetAlias"}])
def test_takes_no_permission_for_another(make: Make, change: dict[str, str]) -> None:
    """A permission that lets somebody else in, or to do something else, lets no alarm invoke the route."""
    stack = make.stack()
    trigger_in(make, stack).route("Critical").watch(make.alarm(stack))
    template = assertions.Template.from_stack(stack).to_json()
    (permission,) = (
        body for body in template["Resources"].values() if body["Type"] == "AWS::Lambda::Permission"
    )
    assert_alarms_start_incidents(template)
    permission["Properties"].update(change)
    with pytest.raises(AssertionError, match="does not let CloudWatch invoke it"):
        assert_alarms_start_incidents(template)


def test_takes_the_policy_of_one_route_for_that_one(make: Make) -> None:
    """The policy of another route says nothing of this one; nor does one that lets somebody else in."""
    stack = make.stack()
    trigger = trigger_in(make, stack)
    trigger.share_with(organization="o-exampleorgid", accounts=["444455556666"])
    warning = trigger.add_route("Warning", response_plan=make.plan(stack, "Another"))
    trigger.route("Critical").watch(make.alarm(stack, "One"))
    warning.watch(make.alarm(stack, "Other"))
    template = assertions.Template.from_stack(stack).to_json()
    (policy,) = (body for id_, body in template["Resources"].items() if "WarningPolicy" in id_)
    statements = policy["Properties"]["PolicyDocument"]["Statement"]
    assert_alarms_start_incidents(template)
    for statement in statements:
        statement["Principal"] = {"Service": "events.amazonaws.com"}
    with pytest.raises(AssertionError, match=r"^1 of 2 .*\n- Other\w+: .*Warning\w+ does not let CloudWatch"):
        assert_alarms_start_incidents(template)


def nested_app(make: Make, *, wired: bool) -> tuple[cdk.Stack, cdk.Stack, cdk.Stack]:
    """Return a stack and two in it: one has the trigger, the other an alarm."""
    stack = make.stack()
    inside, beside = cdk.NestedStack(stack, "Inside"), cdk.NestedStack(stack, "Beside")
    route = trigger_in(make, inside).route("Critical")
    alarms = [make.alarm(one) for one in (stack, beside)]
    if wired:
        route.watch(*alarms)
    return stack, inside, beside


@pytest.mark.parametrize("which", [0, 2])
def test_follows_references_through_nested_stacks(make: Make, which: int) -> None:
    """Parameters and outputs of nested stacks lead to the route; a nested stack may be asserted alone."""
    assert_alarms_start_incidents(nested_app(make, wired=True)[which])


def test_looks_into_nested_stacks(make: Make) -> None:
    """Their alarms are deployed with the stack, and found by their paths."""
    stack, *_ = nested_app(make, wired=False)
    with pytest.raises(AssertionError, match=r"^2 of 2 .*\n- Stack/Alarm: .*\n- Stack/Beside/Alarm: "):
        assert_alarms_start_incidents(stack)


def test_follows_exports(make: Make) -> None:
    """What other stacks of the app export is found where it is made."""
    app = make.app()
    platform, team = cdk.Stack(app, "Platform"), cdk.Stack(app, "Team")
    queue = sqs.Queue(platform, "Queue")
    for name, value in {"plan": make.cfn_plan(platform).attr_arn, "queue": queue.queue_arn}.items():
        cdk.CfnOutput(platform, f"{name}-output", value=value, export_name=f"the-{name}")
        act_on(make.alarm(team, name), {"Fn::ImportValue": f"the-{name}"})
    make.alarm(team, "topic").add_alarm_action(actions.SnsAction(sns.Topic(platform, "Topic")))
    message = r"^2 of 3 .*\n- Team/queue: .*, an AWS::SQS::Queue.*\n- Team/topic: .*, an AWS::SNS::Topic"
    with pytest.raises(AssertionError, match=message):
        assert_alarms_start_incidents(team)


def test_is_of_its_own_stack_only(make: Make) -> None:
    """The alarms of other stacks are asserted where they are."""
    app = make.app()
    one, another = cdk.Stack(app, "One"), cdk.Stack(app, "Another")
    act_on(make.alarm(one), PLAN)
    make.alarm(another)
    app.synth()
    assert_alarms_start_incidents(one)
    with pytest.raises(AssertionError, match="- Another/Alarm"):
        assert_alarms_start_incidents(another)


def test_passes_over_loops_of_cloudformation() -> None:
    """What CloudFormation repeats at deployment is no resource that a test could judge."""
    loop = ["Name", ["A", "B"], {"Topic${Name}": {"Type": "AWS::SNS::Topic"}}]
    alarm = {"Type": "AWS::CloudWatch::Alarm", "Properties": {"AlarmActions": [PLAN]}}
    assert_alarms_start_incidents({"Resources": {"Fn::ForEach::Topics": loop, "Alarm": alarm}})


@pytest.mark.parametrize("source", ["template", "dict"])
def test_takes_a_template(make: Make, source: str) -> None:
    """Of a template the logical ids are what an alarm is called by."""
    stack = make.stack()
    act_on(make.alarm(stack), PLAN)
    make.alarm(stack, "Errors")
    template = assertions.Template.from_stack(stack)
    logical_id = next(id_ for id_ in template.to_json()["Resources"] if id_.startswith("Errors"))
    given = template if source == "template" else template.to_json()
    assert_alarms_start_incidents(given, except_for=[logical_id])
    with pytest.raises(AssertionError, match=f"alarms of the template .*\n- {re.escape(logical_id)}: "):
        assert_alarms_start_incidents(given)
