"""Alarms: every alarm under a scope gets its action by one line."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import jsii
import pytest
from aws_cdk import aws_applicationautoscaling as scaling
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_sns as sns
from jsii import _kernel as kernel

from cdk_incidents import Alarms, IncidentTrigger, ResponsePlan, SmokeTest
from cdk_incidents._alarm_lines import AlarmLines
from tests.synthesis import FLAGS

if TYPE_CHECKING:
    from constructs import IConstruct

    from tests.synthesis import Make, Resource, Synth

METRIC_ALARM = "AWS::CloudWatch::Alarm"
COMPOSITE_ALARM = "AWS::CloudWatch::CompositeAlarm"
LOG_ALARM = "AWS::CloudWatch::LogAlarm"
ASPECTS = {"once": {}, "until-stable": {"@aws-cdk/core:aspectStabilization": True}}
"""CDK invokes aspects in one pass, or, under the flag of `cdk init`, until nothing changes."""
THEIR_PLAN = "arn:aws:ssm-incidents::111122223333:response-plan/theirs"


@pytest.fixture(params=ASPECTS)
def stack(request: pytest.FixtureRequest, make: Make) -> cdk.Stack:
    """Return a stack under both ways of CDK to invoke aspects."""
    return make.stack(context=ASPECTS[request.param])


def cfn_alarm(scope: cdk.Stack, construct_id: str, **properties: Any) -> cloudwatch.CfnAlarm:
    """Return CDK's own L1 of an alarm."""
    properties = {"comparison_operator": "GreaterThanThreshold", "evaluation_periods": 1, **properties}
    return cloudwatch.CfnAlarm(scope, construct_id, metric_name="Errors", namespace="Checkout", **properties)


def every_kind(make: Make, stack: cdk.Stack) -> None:
    """Make an alarm of each kind, by L2 and by L1."""
    make.composite(stack, "Composite")  # and its part
    cloudwatch.PromQLAlarm(stack, "PromQL", query="errors > 1", evaluation_interval=cdk.Duration.minutes(1))
    cfn_alarm(stack, "CfnMetric")
    cloudwatch.CfnCompositeAlarm(stack, "CfnComposite", alarm_rule="ALARM(other)")
    query = cloudwatch.CfnLogAlarm.ScheduledQueryConfigurationProperty(
        aggregation_expression="count(*)",
        query_string="fields @message",
        schedule_configuration=cloudwatch.CfnLogAlarm.ScheduleConfigurationProperty(
            schedule_expression="rate(5 minutes)", start_time_offset=300
        ),
        scheduled_query_role_arn="arn:aws:iam::111122223333:role/query",
    )
    cloudwatch.CfnLogAlarm(
        stack,
        "CfnLog",
        comparison_operator="GreaterThanThreshold",
        query_results_to_alarm=1,
        query_results_to_evaluate=1,
        scheduled_query_configuration=query,
        threshold=1,
    )


def alarms_of(synth: Synth) -> dict[str, Resource]:
    """Return the alarms' properties by the beginning of their logical ids."""
    return {
        re.sub("[0-9A-F]{8}$", "", logical_id): resource["Properties"]
        for kind in (METRIC_ALARM, COMPOSITE_ALARM, LOG_ALARM)
        for logical_id, resource in synth.of_type(kind).items()
        if "Metadata" not in resource or "cdk-incidents:purpose" not in resource["Metadata"]
    }


def wired(synth: Synth) -> set[str]:
    """Return the alarms that have an action."""
    return {name for name, properties in alarms_of(synth).items() if properties.get("AlarmActions")}


def test_every_kind_of_alarm_gets_its_action(make: Make, stack: cdk.Stack) -> None:
    """Metric, composite, PromQL and log alarms, L2 and L1, also those that are made after the line."""
    make.alarm(stack, "Before")
    plan = make.plan(stack)
    Alarms.of(stack).add(plan)
    every_kind(make, stack)
    synth = make.synth(stack)
    names = {
        "Before",
        "CfnComposite",
        "CfnLog",
        "CfnMetric",
        "Composite",
        "CompositePart",
        "PromQL",
    }
    assert set(alarms_of(synth)) == names
    reference = {"Ref": synth.id_of("AWS::SSMIncidents::ResponsePlan")}
    for properties in alarms_of(synth).values():
        assert properties["AlarmActions"] == [reference]
        assert "OKActions" not in properties
    assert synth.messages == []


@pytest.mark.parametrize("auto_resolve", [True, False])
def test_a_route_gets_what_watch_gives_it(make: Make, *, auto_resolve: bool) -> None:
    """The template is the one that `watch` makes: ALARM, and OK where the route auto-resolves."""
    templates = []
    for by_line in (True, False):
        stack = make.stack()
        route = IncidentTrigger(stack, "Trigger").add_route(
            "Critical", response_plan=make.plan(stack), auto_resolve=auto_resolve
        )
        make.alarm(stack)
        make.composite(stack)
        alarms = [child for child in stack.node.children if isinstance(child, cloudwatch.AlarmBase)]
        if by_line:
            Alarms.of(stack).add(route)
        else:
            route.watch(*alarms)
        templates.append(make.synth(stack).template)
    assert templates[0] == templates[1]
    alarm = next(value for key, value in templates[0]["Resources"].items() if key.startswith("Alarm"))
    assert ("OKActions" in alarm["Properties"]) is auto_resolve


@pytest.mark.parametrize("origin", ["owned", "imported", "by-arn", "cfn"])
def test_takes_plans_of_any_origin(make: Make, stack: cdk.Stack, origin: str) -> None:
    """Whatever CDK takes for a response plan is a target; a second line with it adds nothing."""
    alarm, cfn = make.alarm(stack), cfn_alarm(stack, "Cfn")
    by_arn = ResponsePlan.from_response_plan_arn(stack, "ByArn", THEIR_PLAN)
    plan = by_arn if origin == "by-arn" else make.plan_of(origin, stack, "plan")
    Alarms.of(stack).add(plan)
    Alarms.of(stack).add(plan)
    properties = alarms_of(make.synth(stack))
    assert properties["Alarm"]["AlarmActions"] == properties["Cfn"]["AlarmActions"]
    assert len(properties["Alarm"]["AlarmActions"]) == 1
    assert alarm.node.scope is cfn.node.scope is stack


def test_leaves_the_librarys_own_alarms_alone(make: Make, stack: cdk.Stack) -> None:
    """A trigger's health alarms and a smoke test's canary have a way of their own."""
    trigger = IncidentTrigger(stack, "Trigger", health_plan=make.plan(stack, "HealthPlan"))
    route = trigger.add_route("Critical", response_plan=make.plan(stack), auto_resolve=True)
    SmokeTest(stack, "SmokeTest", trigger=trigger)
    make.alarm(stack)
    before = {alarm.node.path: alarm.alarm_action_arns for alarm in own_alarms(stack)}
    Alarms.of(stack).add(route)
    synth = make.synth(stack)
    assert wired(synth) == {"Alarm"}
    assert len(before) == 6
    assert {alarm.node.path: alarm.alarm_action_arns for alarm in own_alarms(stack)} == before


def own_alarms(stack: cdk.Stack) -> list[_Alarm]:
    """Return the alarms that the constructs of this library made."""
    return [
        _Alarm(alarm)
        for name in ("Trigger", "SmokeTest")
        for alarm in stack.node.find_child(name).node.find_all()
        if isinstance(alarm, cloudwatch.Alarm)
    ]


class _Alarm:
    def __init__(self, alarm: cloudwatch.Alarm) -> None:
        self.node = alarm.node
        self.alarm_action_arns = alarm._alarm_action_arns


def test_leaves_alarms_alone_that_scale(make: Make, stack: cdk.Stack) -> None:
    """An alarm whose action is a scaling policy moves machines; people would be woken by a busy hour."""
    target = scaling.ScalableTarget(
        stack,
        "Target",
        service_namespace=scaling.ServiceNamespace.ECS,
        scalable_dimension="ecs:service:DesiredCount",
        resource_id="service/cluster/service",
        min_capacity=1,
        max_capacity=9,
    )
    target.scale_on_metric(
        "Steps",
        metric=cloudwatch.Metric(namespace="Checkout", metric_name="Load"),
        scaling_steps=[
            scaling.ScalingInterval(change=-1, upper=10),
            scaling.ScalingInterval(change=1, lower=50),
            scaling.ScalingInterval(change=3, lower=70),
        ],
    )
    arn = "arn:aws:autoscaling:eu-west-1:111122223333:scalingPolicy:1:autoScalingGroupName/web:policyName/out"
    cfn_alarm(stack, "ByArn", alarm_actions=[arn])
    cfn_alarm(stack, "Ordinary", alarm_actions=["arn:aws:sns:eu-west-1:111122223333:told"])
    Alarms.of(stack).add(make.plan(stack))
    alarms = alarms_of(make.synth(stack))
    assert {name for name, alarm in alarms.items() if len(alarm["AlarmActions"]) > 1} == {"Ordinary"}
    assert len(alarms) == 4


def test_leaves_imported_alarms_alone(make: Make, stack: cdk.Stack) -> None:
    """An import has nothing to add an action to, and the alarm made next to it is not taken for it."""
    cloudwatch.Alarm.from_alarm_name(stack, "Import", "theirs")
    cfn_alarm(stack, "Next")
    Alarms.of(stack).add(make.plan(stack))
    assert wired(make.synth(stack)) == {"Next"}


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("checkout-*", {"Named", "Cfn"}),
        ("checkout-error?", {"Named"}),
        ("Checkout-*", set()),
        ("Stack/Group/*", {"GroupUnnamed"}),
        ("*Unnamed", {"Unnamed", "GroupUnnamed"}),
        ("*", {"Named", "Cfn", "Unnamed", "GroupUnnamed", "Token"}),
        ("*Tok*", {"Token"}),
    ],
)
def test_filters_by_name(make: Make, pattern: str, expected: set[str]) -> None:
    """A pattern is matched with the alarm's name, or with its path where the name is made at deployment."""
    stack = make.stack()
    metric = cloudwatch.Metric(namespace="Checkout", metric_name="Errors")
    cloudwatch.Alarm(
        stack, "Named", alarm_name="checkout-errors", metric=metric, threshold=1, evaluation_periods=1
    )
    cfn_alarm(stack, "Cfn", alarm_name="checkout-latency")
    cfn_alarm(stack, "Token", alarm_name=f"checkout-{cdk.Aws.REGION}")
    make.alarm(stack, "Unnamed")
    group = cdk.NestedStack(stack, "Group")
    make.alarm(group, "Unnamed")
    Alarms.of(stack).add(make.plan(stack), name=pattern)
    outer, inner = make.synth_all(stack, group)
    assert wired(outer) | {f"Group{name}" for name in wired(inner)} == expected


def test_filters_by_tag_whoever_gives_it_and_when(make: Make, stack: cdk.Stack) -> None:
    """The tags that the template ends up with decide: the nearest, be it given after the line."""
    plan = make.plan(stack)
    Alarms.of(stack).add(plan, tag={"team": "shop", "tier": "?"})
    for name in ("Near", "Far", "Untagged", "OtherTier", "Longer"):
        make.alarm(stack, name)
    shop, other = cdk.CfnTag(key="team", value="shop"), cdk.CfnTag(key="team", value="other")
    cfn_alarm(stack, "OwnTag", tags=[other])
    cfn_alarm(stack, "OwnTagWins", tags=[shop])
    cdk.Tags.of(stack).add("tier", "1")
    cdk.Tags.of(stack).add("team", "other")
    cdk.Tags.of(stack.node.find_child("Near")).add("team", "shop")
    cdk.Tags.of(stack.node.find_child("OwnTagWins")).remove("team")
    cdk.Tags.of(stack.node.find_child("OtherTier")).add("tier", "10")
    cdk.Tags.of(stack.node.find_child("OtherTier")).add("team", "shop")
    cdk.Tags.of(stack.node.find_child("Untagged")).remove("team")
    synth = make.synth(stack)
    tagged = {
        name
        for name, properties in alarms_of(synth).items()
        if {"Key": "team", "Value": "shop"} in properties.get("Tags", [])
        and {"Key": "tier", "Value": "1"} in properties["Tags"]
    }
    assert wired(synth) == tagged == {"Near"}


@pytest.mark.parametrize("line_first", [True, False])
def test_finds_alarms_that_aspects_make(make: Make, stack: cdk.Stack, *, line_first: bool) -> None:
    """An aspect may add alarms after the line has had its turn among the aspects; they count, too."""

    @jsii.implements(cdk.IAspect)
    class Watchful:
        def visit(self, node: IConstruct) -> None:
            if isinstance(node, sns.CfnTopic):
                make.alarm(stack, "OfTheTopic")

    plan = make.plan(stack)
    if line_first:
        Alarms.of(stack).add(plan)
    sns.Topic(stack, "Topic")
    cdk.Aspects.of(stack).add(Watchful())
    if not line_first:
        Alarms.of(stack).add(plan)
    assert wired(make.synth(stack)) == {"OfTheTopic"}


def test_aspects_that_look_for_actions_find_them(make: Make, stack: cdk.Stack) -> None:
    """A policy that every alarm must have an action finds it, where the line stands before the alarms."""
    seen = []

    @jsii.implements(cdk.IAspect)
    class Policy:
        def visit(self, node: IConstruct) -> None:
            if isinstance(node, cloudwatch.CfnAlarm):
                seen.append(stack.resolve(node.alarm_actions))

    Alarms.of(stack).add(make.plan(stack))
    make.alarm(stack)
    cdk.Aspects.of(stack).add(Policy())
    synth = make.synth(stack)
    assert seen == [[{"Ref": synth.id_of("AWS::SSMIncidents::ResponsePlan")}]]


def test_adds_no_action_that_is_there(make: Make, stack: cdk.Stack) -> None:
    """An alarm that has the action, by hand or by another line, keeps it once, beside what else it has."""
    plan = make.cfn_plan(stack)
    topic = actions.SnsAction(sns.Topic(stack, "Topic"))
    alarm = make.alarm(stack)
    alarm.add_alarm_action(topic)
    alarm.add_alarm_action(_Own(plan.ref))
    # The same reference by another token.
    cfn_alarm(stack, "Cfn", alarm_actions=[cdk.Lazy.string(_Says(plan.ref))])
    app = stack.node.root
    assert isinstance(app, cdk.App)
    Alarms.of(app).add(plan)
    Alarms.of(stack).add(plan)
    theirs = ResponsePlan.from_response_plan_arn(stack, "Theirs", THEIR_PLAN)
    cfn_alarm(stack, "ByHand", alarm_name="by-hand", alarm_actions=[THEIR_PLAN])
    Alarms.of(stack).add(theirs, name="by-hand")
    synth = make.synth(stack)
    alarms = alarms_of(synth)
    ours, told = {"Ref": stack.resolve(plan.logical_id)}, {"Ref": synth.id_of("AWS::SNS::Topic")}
    assert alarms["Alarm"]["AlarmActions"] == [told, ours]
    assert alarms["Cfn"]["AlarmActions"] == [ours]
    assert alarms["ByHand"]["AlarmActions"] == [THEIR_PLAN, ours]


@jsii.implements(cloudwatch.IAlarmAction)
class _Own:
    def __init__(self, arn: str) -> None:
        self._arn = arn

    def bind(self, scope: IConstruct, alarm: cloudwatch.IAlarm) -> cloudwatch.AlarmActionConfig:  # noqa: ARG002
        return cloudwatch.AlarmActionConfig(alarm_action_arn=self._arn)


@jsii.implements(cdk.IStableStringProducer)
class _Says:
    def __init__(self, text: str) -> None:
        self._text = text

    def produce(self) -> str:
        return self._text


@pytest.mark.parametrize("kind", ["l1", "l2"])
@pytest.mark.parametrize(("before", "state"), [(4, "alarm"), (5, "alarm"), (4, "ok"), (5, "ok")])
def test_at_most_five_actions_a_state(make: Make, before: int, state: str, kind: str) -> None:
    """CloudWatch takes five actions a state; a sixth is refused at synth, with the alarm's path."""
    stack = make.stack()
    arns = [f"arn:aws:sns:eu-west-1:111122223333:topic{number}" for number in range(before)]
    if kind == "l1":
        cfn_alarm(stack, "Alarm", **{f"{state}_actions": arns})
    else:
        alarm = make.alarm(stack)
        for arn in arns:
            getattr(alarm, f"add_{state}_action")(_Own(arn))
    route = IncidentTrigger(stack, "Trigger").add_route(
        "Critical", response_plan=make.plan(stack), auto_resolve=True
    )
    Alarms.of(stack).add(route)
    if before < 5:
        properties = alarms_of(make.synth(stack))["Alarm"]
        assert len(properties["AlarmActions" if state == "alarm" else "OKActions"]) == 5
        return
    with pytest.raises(
        RuntimeError, match=r"\[Stack/IncidentAlarms\] Stack/Alarm: alarm actions must be at most 5 a state"
    ):
        make.synth(stack)


def test_refuses_actions_that_nobody_can_add_to(make: Make) -> None:
    """An L1 whose actions are a list that only synth knows cannot be added to, and says so."""
    stack = make.stack()
    cfn_alarm(stack, "Alarm", alarm_actions=cdk.Fn.split(",", cdk.Fn.import_value("actions")))
    Alarms.of(stack).add(make.plan(stack))
    with pytest.raises(RuntimeError, match=r"Stack/Alarm: alarm actions must be a list known at synth"):
        make.synth(stack)


def test_wires_nested_stacks_and_other_stacks(make: Make, stack: cdk.Stack) -> None:
    """Nested stacks get references, other stacks of the app texts and an order, and nothing is exported."""
    app = stack.node.root
    assert isinstance(app, cdk.App)
    plan = make.plan(stack, name="checkout")
    nested = cdk.NestedStack(stack, "Nested")
    make.alarm(nested)
    team = cdk.Stack(app, "Team")
    make.alarm(team)
    Alarms.of(app).add(plan)
    outer, inner, theirs = make.synth_all(stack, nested, team)
    (action,) = alarms_of(inner)["Alarm"]["AlarmActions"]
    parameters = outer.properties("AWS::CloudFormation::Stack")["Parameters"]
    assert parameters[action["Ref"]] == {"Ref": outer.id_of("AWS::SSMIncidents::ResponsePlan")}
    (text,) = alarms_of(theirs)["Alarm"]["AlarmActions"]
    assert text["Fn::Join"][1][-1] == ":response-plan/checkout"
    assert theirs.dependencies == [stack.stack_name]
    assert outer.exports() == []


def test_a_stage_needs_a_line_of_its_own(make: Make, stack: cdk.Stack) -> None:
    """CDK synthesises a stage before the app, so a line of the app comes too late for it, and says so."""
    app = stack.node.root
    assert isinstance(app, cdk.App)
    stage = cdk.Stage(app, "Prod")
    theirs = cdk.Stack(stage, "Theirs")
    make.alarm(theirs)
    make.alarm(theirs, "Another")
    plan = make.plan(stack)
    Alarms.of(app).add(plan)
    with pytest.raises(
        RuntimeError, match=r"Prod/Theirs/Alarm: scope must be in the stage of its alarms"
    ) as refused:
        make.synth(stack)
    assert "call Alarms.of with that stage" in str(refused.value)


def test_a_line_of_the_stage_serves_it(make: Make, stack: cdk.Stack) -> None:
    """The remedy works: the stage's own line wires its alarms."""
    app = stack.node.root
    assert isinstance(app, cdk.App)
    stage = cdk.Stage(app, "Prod")
    theirs = cdk.Stack(stage, "Theirs")
    make.alarm(theirs)
    Alarms.of(stage).add(make.plan(theirs))
    assert wired(make.synth(theirs)) == {"Alarm"}


def test_says_which_alarm_cannot_reach_its_target(make: Make) -> None:
    """What a target refuses is told with the alarm's path, once for each alarm."""
    app = make.app()
    central = cdk.Stack(app, "Central", env=make.env)
    team = cdk.Stack(app, "Team", env=cdk.Environment(account=make.env.account, region="us-east-1"))
    route = IncidentTrigger(central, "Trigger").add_route("Critical", response_plan=make.plan(central))
    make.alarm(team)
    Alarms.of(team).add(route)
    with pytest.raises(RuntimeError, match=r"Team/Alarm: alarm must be in the trigger's Region, eu-west-1"):
        make.synth(team)


def severities(make: Make, stack: cdk.Stack) -> None:
    """Make alarms of several severities, and of none."""
    for severity in ("critical", "warning", "critcal", "none"):
        alarm = make.alarm(stack, severity.title())
        if severity != "none":
            cdk.Tags.of(alarm).add("severity", severity)


def test_severities_choose_the_target(make: Make, stack: cdk.Stack) -> None:
    """The tag's value chooses among routes and plans; without the tag nothing happens."""
    severities(make, stack)
    plan = make.plan(stack)
    route = IncidentTrigger(stack, "Trigger").add_route("Critical", response_plan=plan, auto_resolve=True)
    Alarms.of(stack).add_by_severity({"critical": route, "warning": plan, "notice": plan})
    synth = make.synth(stack)
    alarms = alarms_of(synth)
    alias = {"Ref": synth.id_of("AWS::Lambda::Alias", "Critical")}
    assert alarms["Critical"]["AlarmActions"] == alarms["Critical"]["OKActions"] == [alias]
    assert alarms["Warning"]["AlarmActions"] == [{"Ref": synth.id_of("AWS::SSMIncidents::ResponsePlan")}]
    assert wired(synth) == {"Critical", "Warning"}
    found = [(path, text) for path, _, text in synth.messages if "unknown-severity" in text]
    ((path, text),) = found
    assert path == "/Stack/Critcal/Resource"
    assert text.startswith(
        "the tag severity must be one of critical, notice, warning (got 'critcal'): this alarm starts no"
    )


def test_severities_stand_in_any_tag_and_are_no_patterns(make: Make, stack: cdk.Stack) -> None:
    """The tag's key is an argument; its values are compared as they are."""
    cdk.Tags.of(make.alarm(stack)).add("prio", "p1")
    Alarms.of(stack).add_by_severity({"p*": make.plan(stack)}, tag="prio")
    assert wired(make.synth(stack)) == set()


def test_warns_of_a_line_that_matches_nothing(make: Make, stack: cdk.Stack) -> None:
    """A filter with a slip of the pen would page nobody, so synth warns; once a line, and by an id."""
    make.alarm(stack)
    plan = make.plan(stack)
    Alarms.of(stack).add(plan, name="chekout-*")
    Alarms.of(stack).add(plan, tag={"team": "shop"})
    Alarms.of(stack).add_by_severity({"critical": plan})
    Alarms.of(stack).add(plan, name="*")
    found = make.synth(stack).messages
    assert [(path, level) for path, level, _ in found] == [("/Stack", "warning")] * 3
    assert [text for _, _, text in found] == [
        f"Alarms.of('Stack') must match an alarm (got {line}, which none does): correct the filter or the"
        " scope, or take the line out. [ack: cdk-incidents:no-alarm-found]"
        for line in ("name='chekout-*'", "tag={'team': 'shop'}", "the tag severity one of critical")
    ]


def test_warns_at_a_stack_where_the_scope_is_the_app(make: Make, stack: cdk.Stack) -> None:
    """CDK shows warnings of stacks only, so a line of the app warns at its first."""
    app = stack.node.root
    assert isinstance(app, cdk.App)
    Alarms.of(app).add(make.plan(stack))
    ((path, _, text),) = make.synth(stack).messages
    assert path == "/Stack"
    assert text.startswith("Alarms.of('the app') must match an alarm (got no filter,")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"target": "checkout"},
            r"target must be a route or a response plan \(got 'checkout'\): take trigger",
        ),
        ({"name": ""}, r"name must be a text known at synth \(got ''\): write it out\."),
        ({"name": cdk.Aws.REGION}, r"name must be a text known at synth"),
        ({"tag": {}}, r"tag must be one or more tags \(got \{\}\): leave it out to take every alarm\."),
        ({"tag": {"": "x"}}, r"tag: a key must be a text known at synth"),
        ({"tag": {"team": 1}}, r"tag: the value of 'team' must be a text known at synth \(got 1\)"),
        ({"tag": {"team": cdk.Aws.REGION}}, r"tag: the value of 'team' must be a text known at synth"),
    ],
)
def test_refuses_what_is_no_filter(make: Make, arguments: dict[str, Any], message: str) -> None:
    """An argument that could match nothing, or no target, is refused where it is written."""
    stack = make.stack()
    with pytest.raises(ValueError, match=f"^{message}"):
        Alarms.of(stack).add(**{"target": make.plan(stack), **arguments})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"targets": {}}, r"targets must be one or more \(got \{\}\)"),
        ({"targets": {"": None}}, r"targets: a severity must be a text known at synth"),
        ({"targets": {"critical": "plan"}}, r"targets\['critical'\] must be a route or a response plan"),
        ({"targets": {"critical": None}, "tag": ""}, r"tag must be a text known at synth"),
    ],
)
def test_refuses_what_are_no_severities(make: Make, arguments: dict[str, Any], message: str) -> None:
    """So it is by severity."""
    with pytest.raises(ValueError, match=f"^{message}"):
        Alarms.of(make.stack()).add_by_severity(**arguments)


@pytest.mark.parametrize("flags", FLAGS)
def test_adds_nothing_to_the_template(make: Make, flags: str) -> None:
    """Not one resource comes with a line, under any set of feature flags."""
    stack = make.stack(context=FLAGS[flags])
    for number in range(3):
        make.alarm(stack, f"Alarm{number}")
    Alarms.of(stack).add(make.plan(stack))
    types = [resource["Type"] for resource in make.synth(stack).resources.values()]
    assert sorted(types) == [METRIC_ALARM] * 3 + ["AWS::SSMIncidents::ResponsePlan"]


def test_costs_the_same_for_each_alarm(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a line costs are round trips to Node: a fixed number an alarm, be there 10 or 40."""
    trips = 0
    send = kernel.providers.process._NodeProcess.send

    def counted(*args: Any) -> Any:
        nonlocal trips
        trips += 1
        return send(*args)

    monkeypatch.setattr(kernel.providers.process._NodeProcess, "send", counted)

    def cost(alarms: int, *, by_line: bool) -> int:
        nonlocal trips
        stack = make.stack()
        trigger = IncidentTrigger(stack, "Trigger")
        route = trigger.add_route("Critical", response_plan=make.plan(stack), auto_resolve=True)
        for number in range(alarms):
            make.alarm(stack, f"Alarm{number}")
        trips = 0
        if by_line:
            Alarms.of(stack).add(route)
        make.synth(stack)
        return trips

    few, many = (cost(alarms, by_line=True) - cost(alarms, by_line=False) for alarms in (10, 40))
    assert (many - few) / 30 == 5


def test_says_when_cdk_no_longer_asks(make: Make) -> None:
    """Were CDK to stop asking for dependencies, synth would fail: no alarm is left out in silence."""
    (message,) = AlarmLines(make.stack(), "Lines")._wrong()
    assert message.startswith(
        "Alarms must be asked for their actions by CDK after all aspects (got 'no word')"
    )
