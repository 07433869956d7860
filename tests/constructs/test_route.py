"""Route: the rules of add_route, its line in the function's code, and how alarms and rules get onto it."""

from __future__ import annotations

import ast
import inspect
import json
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_sns as sns
from incidents_runtime.settings import Route, routes_in

from cdk_incidents import (
    Impact,
    IncidentTrigger,
    OpsItems,
    RelatedItem,
    ResponsePlan,
    SmokeTest,
    Suppression,
)
from tests.synthesis import steady

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.synthesis import Make, Synth, World

ALARM = "AWS::CloudWatch::Alarm"
ALIAS = "AWS::Lambda::Alias"
COMPOSITE = "AWS::CloudWatch::CompositeAlarm"
FUNCTION = "AWS::Lambda::Function"
PLAN = "AWS::SSMIncidents::ResponsePlan"


def add_route(make: Make, **changes: Any) -> IncidentTrigger:
    """Return a trigger with one route that is fine but for the changes."""
    stack = make.stack()
    trigger = IncidentTrigger(stack, "Trigger")
    trigger.add_route(**{"id": "Critical", "response_plan": make.plan(stack, name="checkout"), **changes})
    return trigger


def code_of(synth: Synth) -> str:
    """Return the function's code as CloudFormation makes it, each reference as its name in brackets."""
    code = synth.properties(FUNCTION, "TriggerFunction")["Code"]["ZipFile"]
    if isinstance(code, str):
        return code
    return "".join(part if isinstance(part, str) else f"<{part['Ref']}>" for part in code["Fn::Join"][1])


def own_arn(name: str) -> str:
    """Return the ARN of a plan of the stack's own account as `code_of` shows it."""
    return f"arn:<AWS::Partition>:ssm-incidents::<AWS::AccountId>:response-plan/{name}"


def read_by_the_runtime(synth: Synth) -> dict[str, Route]:
    """Return the routes as the function reads them from its code."""
    return routes_in(code_of(synth).splitlines())


def test_the_function_reads_its_routes_from_its_code(world: World) -> None:
    """What `add_route` was told is what the function reads, plans by name; the smoke test's is quiet."""
    synth = world.synth
    plan, l1, quiet = (
        own_arn(synth.properties(PLAN, like)["Name"]) for like in ("PlanDAF", "CfnPlan", "QuietPlan")
    )
    assert read_by_the_runtime(synth) == {
        "Critical": Route(id="Critical", response_plan_arn=plan, auto_resolve=True, join_for_s=43_200),
        "notice-only": Route(
            id="notice-only",
            response_plan_arn=l1,
            impact=4,
            title="{source}: {title}",
            join_for_s=1_800,
        ),
        "smoke-test": Route(
            id="smoke-test",
            response_plan_arn=quiet,
            title="{reason}",
            auto_resolve=True,
            join_for_s=3_600,
            quiet=True,
        ),
    }


def test_the_code_imports_the_handler_and_nothing_else_runs(world: World) -> None:
    """Routes are comments: of the code only one import is ever run."""
    (statement,) = ast.parse(code_of(world.synth)).body
    assert ast.unparse(statement) == "from incidents_runtime.cold_start import handler"


def test_no_title_leaves_its_line(make: Make) -> None:
    """Line breaks, quotes and letters of any script in a title stay within the comment, and come back."""
    title = 'Two\nlines\r\u2028 "quoted" \\ {title} ${AWS::Region} Überlast'
    trigger = add_route(make, title=title)
    synth = make.synth(cdk.Stack.of(trigger))
    assert read_by_the_runtime(synth)["Critical"].title == title
    assert len(ast.parse(code_of(synth)).body) == 1


def test_the_plan_may_be_a_parameter_of_the_stack(make: Make) -> None:
    """The ARN of an imported plan may be known at deployment only; it stands in the line all the same."""
    stack = make.stack()
    parameter = cdk.CfnParameter(stack, "PlanArn")
    plan = ResponsePlan.from_response_plan_arn(stack, "Import", parameter.value_as_string)
    IncidentTrigger(stack, "Trigger").add_route("Critical", response_plan=plan)
    assert read_by_the_runtime(make.synth(stack))["Critical"].response_plan_arn == "<PlanArn>"


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("id", "a"),
        ("id", "a" * 128),
        ("id", "7-and_a-Half"),
        # Names that children of the trigger bear.
        ("id", "Retries"),
        ("id", "Resource"),
        ("id", "Quiet"),
        ("impact", 1),
        ("impact", Impact.NO_IMPACT),
        ("title", "t" * 200),
        ("title", "{account} {reason} {region} {source} {time} {title}"),
        ("title", "100 % of {orders failed"),
        ("title", "{key}: {detail.service.name} {resources.0}"),
        ("dedupe_key", "d" * 200),
        ("dedupe_key", "{detail.service.name}/{region}"),
        ("join_for", cdk.Duration.minutes(1)),
        ("join_for", cdk.Duration.days(30)),
    ],
)
def test_takes_what_is_within_the_rules(make: Make, argument: str, value: Any) -> None:
    """The last value within each rule is taken, and reaches the function."""
    trigger = add_route(make, **{argument: value})
    (route,) = read_by_the_runtime(make.synth(cdk.Stack.of(trigger))).values()
    name = "join_for_s" if argument == "join_for" else argument
    expected = value.to_seconds() if argument == "join_for" else value
    assert getattr(route, name) == expected


TITLE_RULE = (
    r"title must be text with none but these fields: \{account\}, .*\{title\}, or a path such as .*\(got "
)


@pytest.mark.parametrize(
    ("argument", "value", "message"),
    [
        ("id", "", r"route id must be 1 to 128 characters long \(got ''\): it has 0; give it a value"),
        (
            "id",
            "a" * 129,
            r"route id must be 1 to 128 characters long \(got 'a+…\): it has 129; shorten it\.",
        ),
        (
            "id",
            "12345",
            r"route id must be letters, .*, and not digits only \(got '12345'\): rename it, e\.g\.",
        ),
        (
            "id",
            "two words",
            r"route id must be letters, .* \(got 'two words'\): rename it, e\.g\. Critical\.",
        ),
        ("id", "a/b", r"route id must be letters, .* \(got 'a/b'\): rename it"),
        ("id", "a\n", r"route id must be letters, .* \(got 'a\\n'\): rename it"),
        (
            "id",
            "smoke-test",
            r"route id must be other than smoke-test and retry, .* \(got 'smoke-test'\): ren",
        ),
        ("id", "retry", r"route id must be other than smoke-test and retry, our own .* \(got 'retry'\): ren"),
        ("id", cdk.Fn.ref("Id"), r"route id must be known at synth \(got '.*Token.*\): write the name out"),
        ("impact", 0, r"impact must be a whole number from 1 to 5 \(got 0\): take a member of Impact"),
        ("impact", 9, r"impact must be a whole number from 1 to 5 \(got 9\): take a member of Impact"),
        (
            "impact",
            cdk.Token.as_number(cdk.Fn.ref("Impact")),
            r"impact must be known at synth \(got .*\): write it out, or let the plan decide\.",
        ),
        (
            "title",
            "t" * 201,
            r"title must be 1 to 200 characters long \(got 't+…\): it has 201; shorten it\.",
        ),
        ("title", "", r"title must be 1 to 200 characters long \(got ''\): it has 0"),
        ("title", "{alarm} fails", TITLE_RULE + r"'\{alarm\} fails'\): there is no \{alarm\} in a signal\."),
        ("title", "{} fails", TITLE_RULE + r"'\{\} fails'\): there is no \{\} in a signal\."),
        (
            "dedupe_key",
            "d" * 201,
            r"dedupe_key must be 1 to 200 characters long \(got 'd+…\): it has 201; shorten it\.",
        ),
        ("dedupe_key", "{Key}", r"dedupe_key must be text with none .*: there is no \{Key\} in a signal\."),
        (
            "dedupe_key",
            "{ detail.service }",
            r"dedupe_key must be text without other braces than .* \(got '\{ detail\.service \}'\): ",
        ),
        ("dedupe_key", "{detail[service]}", r"dedupe_key must be text without other braces than .*: as it"),
        ("dedupe_key", "{region}/{title!r}", r"dedupe_key must be text without other braces than .*: as it"),
        ("dedupe_key", "{region", r"dedupe_key must be text without other braces than .*: as it"),
        ("dedupe_key", "{{region}}", r"dedupe_key must be text without other braces than .*: as it"),
        (
            "dedupe_key",
            cdk.Fn.ref("K"),
            r"dedupe_key must be known at synth \(got '.*Token.*\): write it out",
        ),
        ("title", cdk.Fn.ref("Title"), r"title must be known at synth \(got '.*Token.*\): write it out"),
        (
            "join_for",
            cdk.Duration.seconds(59),
            r"join_for in seconds must be a whole number from 60 to 2592000 \(got 59\): a minute to 30 days",
        ),
        (
            "join_for",
            cdk.Duration.seconds(30 * 86_400 + 1),
            r"join_for in seconds must be a whole number from 60 to 2592000 \(got 2592001\): a minute to 30",
        ),
        (
            "join_for",
            cdk.Duration.millis(60_500),
            r"join_for in seconds must be a whole number from 60 to 2592000 \(got 60\.5\): a minute to 30",
        ),
        ("join_for", 0, r"join_for must be a Duration \(got 0\): e\.g\. Duration\.hours\(12\)\."),
        ("auto_resolve", "yes", r"auto_resolve must be True or False \(got 'yes'\): the function takes no"),
        ("auto_resolve", 1, r"auto_resolve must be True or False \(got 1\): the function takes no other\."),
        (
            "join_for",
            cdk.Duration.seconds(cdk.Token.as_number(cdk.Fn.ref("JoinFor"))),
            r"join_for must be known at synth \(got 'a token'\): e\.g\. Duration\.hours\(12\)\.",
        ),
    ],
    ids=steady,
)
def test_refuses_what_breaks_a_rule(make: Make, argument: str, value: object, message: str) -> None:
    """The first value beyond each rule is refused: argument, rule, what was received, remedy."""
    with pytest.raises(ValueError, match=f"^{message}"):
        add_route(make, **{argument: value})


CHANGES: dict[str, Callable[[cdk.Stack], dict[str, Any]]] = {
    "ops_items": lambda _: {"response_plan": None, "ops_items": OpsItems()},
    "topic": lambda stack: {"response_plan": None, "topic": sns.Topic(stack, "Topic")},
    "impact": lambda _: {"impact": 3},
    "title": lambda _: {"title": "{key}"},
    "dedupe_key": lambda _: {"dedupe_key": "{account}"},
    "related_items": lambda _: {"related_items": [RelatedItem.url("Runbook", "https://example.com")]},
    "suppression": lambda _: {"suppression": [Suppression.while_open("freeze")]},
    "auto_resolve": lambda _: {"auto_resolve": True},
    "join_for": lambda _: {"join_for": cdk.Duration.hours(1)},
    "failover_regions": lambda _: {"failover_regions": ["eu-central-1"]},
}


def version_and_door(make: Make, change: Callable[[cdk.Stack], dict[str, Any]]) -> tuple[str, Any]:
    """Return the version behind a route, and its alias with all that alarms know of it."""
    stack = make.stack()
    trigger = IncidentTrigger(stack, "Trigger", trigger_name="trigger")
    plan = make.plan(stack, name="checkout")
    trigger.add_route(**{"id": "Critical", "response_plan": plan, **change(stack)})
    synth = make.synth(stack)
    logical_id = synth.id_of(ALIAS, "Critical")
    alias = dict(synth.resources[logical_id]["Properties"])
    version = alias.pop("FunctionVersion")["Fn::GetAtt"][0]
    code = synth.properties("AWS::Lambda::Function")["FunctionName"]
    return version, (logical_id, alias, code, synth.of_type("AWS::Lambda::Permission"))


@pytest.fixture(scope="module")
def unchanged(make: Make) -> tuple[str, Any]:
    """Return the version and the door of a route before it changes."""
    return version_and_door(make, lambda _: {})


@pytest.mark.parametrize("argument", CHANGES)
def test_a_changed_route_keeps_its_door(make: Make, unchanged: tuple[str, Any], argument: str) -> None:
    """Whatever changes, its destination too, alarms keep their action; new code is a new version."""
    version, door = version_and_door(make, CHANGES[argument])
    assert door == unchanged[1]
    assert version != unchanged[0]


def test_every_argument_of_a_route_may_change() -> None:
    """The changes above are all that a route can be told."""
    told = set(inspect.signature(IncidentTrigger.add_route).parameters)
    assert {*CHANGES, "self", "id", "response_plan"} == told


def test_refuses_a_second_route_of_one_id(make: Make) -> None:
    """Two routes of one id would be one alias, so the second is refused."""
    trigger = add_route(make)
    plan = make.plan(cdk.Stack.of(trigger), "Other")
    message = (
        r"^route id must be unique in its trigger \(got 'Critical'\): take route\(id\) to use it again\.$"
    )
    with pytest.raises(ValueError, match=message):
        trigger.add_route("Critical", response_plan=plan)


def test_holds_a_hundred_routes_and_the_smoke_test(make: Make) -> None:
    """A hundred routes and the smoke test's own fit in one stack; the next one is refused."""
    stack = make.stack()
    plan = make.plan(stack)
    trigger = IncidentTrigger(stack, "Trigger")
    for number in range(100):
        trigger.add_route(f"route-{number}", response_plan=plan)
    message = r"^routes must be at most 100 a trigger \(got '101'\): make a second IncidentTrigger\.$"
    with pytest.raises(ValueError, match=message):
        trigger.add_route("one-too-many", response_plan=plan)
    SmokeTest(stack, "SmokeTest", trigger=trigger)
    synth = make.synth(stack)
    assert len(read_by_the_runtime(synth)) == 101
    # https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
    assert len(synth.resources) <= 500


def test_finds_a_route_by_its_id(make: Make) -> None:
    """`route` returns what `add_route` made; of an unknown id it tells which there are."""
    trigger = add_route(make)
    route = trigger.route("Critical")
    assert route.route_id == "Critical"
    stack = cdk.Stack.of(trigger)
    assert stack.resolve(route.route_arn) == {"Ref": make.synth(stack).id_of(ALIAS, "Critical")}
    message = r"^route_id must be one of this trigger's routes \(Critical\) \(got 'critical'\): add_route mak"
    with pytest.raises(ValueError, match=message):
        trigger.route("critical")


def test_watched_alarms_act_on_the_alias(world: World) -> None:
    """A watched alarm, metric or composite, sends its ALARM; its OK only where the route auto-resolves."""
    synth = world.synth
    critical, notice = ([{"Ref": synth.id_of(ALIAS, like)}] for like in ("Critical", "notice"))
    resolving = synth.properties(ALARM, "Resolving")
    composite = synth.properties(COMPOSITE)
    staying = synth.properties(ALARM, "Staying")
    assert resolving["AlarmActions"] == resolving["OKActions"] == critical
    assert composite["AlarmActions"] == composite["OKActions"] == critical
    assert staying["AlarmActions"] == notice
    assert "OKActions" not in staying
    assert not any("InsufficientDataActions" in properties for properties in (resolving, composite, staying))


def test_an_alarm_adds_no_resource(make: Make) -> None:
    """Ten alarms more are ten resources more: no permission, no subscription."""
    counts = []
    for number in (1, 11):
        trigger = add_route(make, auto_resolve=True)
        stack = cdk.Stack.of(trigger)
        trigger.route("Critical").watch(*(make.alarm(stack, f"Alarm{n}") for n in range(number)))
        counts.append(len(make.synth(stack).resources))
    assert counts[1] - counts[0] == 10


def test_alarm_action_by_hand(make: Make) -> None:
    """The action may be given to any alarm for any state, as to a library that takes an IAlarmAction."""
    trigger = add_route(make)
    stack = cdk.Stack.of(trigger)
    action = trigger.route("Critical").alarm_action()
    alarm = make.alarm(stack, "ByHand")
    alarm.add_alarm_action(action)
    alarm.add_ok_action(action)
    synth = make.synth(stack)
    properties = synth.properties(ALARM, "ByHand")
    assert properties["AlarmActions"] == properties["OKActions"] == [{"Ref": synth.id_of(ALIAS, "Critical")}]


@pytest.mark.parametrize("is_by_hand", [False, True])
@pytest.mark.parametrize("number", range(5))
def test_refuses_to_watch_its_own_health(make: Make, number: int, *, is_by_hand: bool) -> None:
    """A broken trigger could not report itself, so none of its health alarms may be its signal."""
    trigger = add_route(make)
    health = trigger.health.alarms[number]
    message = (
        rf"^alarm must be other than those on this trigger's own health \(got '{health.node.path}'\): a"
        r" broken trigger could not report itself: pass it health_plan= or fallback=\.$"
    )
    route = trigger.route("Critical")
    if is_by_hand:
        # It comes back through CDK, which puts its own words before and after.
        with pytest.raises(RuntimeError, match=message.strip("^$")):
            health.add_alarm_action(route.alarm_action())
    else:
        with pytest.raises(ValueError, match=message):
            route.watch(make.alarm(cdk.Stack.of(trigger)), health)


def test_watches_another_triggers_health(make: Make) -> None:
    """One trigger may watch another one."""
    trigger = add_route(make)
    stack = cdk.Stack.of(trigger)
    other = IncidentTrigger(stack, "Other")
    other.add_route("Health", response_plan=make.plan(stack, "Second")).watch(*trigger.health.alarms)
    synth = make.synth(stack)
    for alarm in synth.of_type(ALARM, "TriggerHealth").values():
        assert alarm["Properties"]["AlarmActions"] == [{"Ref": synth.id_of(ALIAS, "OtherLiveHealth")}]


def test_alarms_of_another_stack_name_the_alias(make: Make) -> None:
    """Across stacks the action is a text of fixed names, after the trigger's stack, and no export."""
    app = make.app()
    central, team = cdk.Stack(app, "Central"), cdk.Stack(app, "Team")
    trigger = IncidentTrigger(central, "Trigger", trigger_name="central-trigger")
    route = trigger.add_route("Critical", response_plan=make.plan(central), auto_resolve=True)
    SmokeTest(central, "SmokeTest", trigger=trigger)
    route.watch(make.alarm(team, "Direct"), make.composite(team))
    centrals, teams = make.synth_all(central, team)
    parts = ["arn:", {"Ref": "AWS::Partition"}, ":lambda:", {"Ref": "AWS::Region"}, ":"]
    parts += [{"Ref": "AWS::AccountId"}, ":function:central-trigger:Critical"]
    for properties in (teams.properties(ALARM, "Direct"), teams.properties(COMPOSITE)):
        assert properties["AlarmActions"] == properties["OKActions"] == [{"Fn::Join": ["", parts]}]
    assert teams.dependencies == ["Central"]
    assert centrals.dependencies == []
    assert centrals.exports() == []


EVERYWHERE = [
    cdk.Environment(account="111122223333"),
    cdk.Environment(region="eu-west-1"),
    cdk.Environment(account="111122223333", region="eu-west-1"),
    cdk.Environment(account="444455556666"),
    cdk.Environment(region="us-east-1"),
    cdk.Environment(),
]


@pytest.mark.parametrize("is_by_hand", [False, True])
@pytest.mark.parametrize(
    "theirs",
    [
        cdk.Environment(account="111122223333", region="us-east-1"),
        cdk.Environment(account="444455556666", region="us-east-1"),
        cdk.Environment(region="us-east-1"),
    ],
    ids=["own-account", "other-account", "any-account"],
)
def test_refuses_an_alarm_that_could_not_invoke_it(
    make: Make, theirs: cdk.Environment, *, is_by_hand: bool
) -> None:
    """CloudWatch invokes functions of the alarm's own Region, so others are refused."""
    app = make.app()
    central, team = cdk.Stack(app, "Central", env=make.env), cdk.Stack(app, "Team", env=theirs)
    trigger = IncidentTrigger(central, "Trigger")
    route = trigger.add_route("Critical", response_plan=make.plan(central))
    alarm = make.alarm(team)
    message = (
        r"alarm must be in the trigger's Region, eu-west-1 \(got 'us-east-1'\): AWS invokes functions of its"
        r" own Region only: make a trigger there\."
    )
    with pytest.raises((ValueError, RuntimeError), match=message):
        alarm.add_alarm_action(route.alarm_action()) if is_by_hand else route.watch(alarm)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [(cdk.Environment(), env) for env in EVERYWHERE] + [(env, cdk.Environment()) for env in EVERYWHERE],
    ids=str,
)
def test_takes_alarms_of_stacks_whose_environment_nobody_knows(
    make: Make, ours: cdk.Environment, theirs: cdk.Environment
) -> None:
    """Where one of the two environments comes with the deployment, there is nothing to refuse at synth."""
    app = make.app()
    central, team = cdk.Stack(app, "Central", env=ours), cdk.Stack(app, "Team", env=theirs)
    trigger = IncidentTrigger(central, "Trigger")
    alarm = make.alarm(team)
    trigger.add_route("Critical", response_plan=make.plan(central)).watch(alarm)
    resource = alarm.node.default_child
    assert isinstance(resource, cloudwatch.CfnAlarm)
    (action,) = team.resolve(resource.alarm_actions)
    assert trigger.trigger_name in json.dumps(action)


def test_alarms_of_a_nested_stack_refer_to_the_alias(make: Make) -> None:
    """A nested stack is handed the alias's ARN by its parent, which orders the two."""
    trigger = add_route(make)
    stack = cdk.Stack.of(trigger)
    nested = cdk.NestedStack(stack, "Nested")
    trigger.route("Critical").watch(make.alarm(nested))
    outer, inner = make.synth_all(stack, nested)
    (action,) = inner.properties(ALARM)["AlarmActions"]
    parameters = outer.properties("AWS::CloudFormation::Stack")["Parameters"]
    assert parameters[action["Ref"]] == {"Ref": outer.id_of(ALIAS, "Critical")}


def test_a_rule_invokes_the_alias(world: World) -> None:
    """A rule may invoke the route's alias, alone of all rules; what it cannot deliver is kept."""
    synth = world.synth
    alias = {"Ref": synth.id_of(ALIAS, "notice")}
    rule = synth.id_of("AWS::Events::Rule")
    dead_letters = {"Fn::GetAtt": [synth.id_of("AWS::SQS::Queue", "DeadLetters"), "Arn"]}
    (target,) = synth.properties("AWS::Events::Rule")["Targets"]
    assert target.pop("Id")
    assert target == {"Arn": alias, "DeadLetterConfig": {"Arn": dead_letters}}
    permissions = [
        permission["Properties"]
        for permission in synth.of_type("AWS::Lambda::Permission").values()
        if permission["Properties"]["Principal"] == "events.amazonaws.com"
    ]
    assert permissions == [
        {
            "Action": "lambda:InvokeFunction",
            "FunctionName": alias,
            "Principal": "events.amazonaws.com",
            "SourceArn": {"Fn::GetAtt": [rule, "Arn"]},
        }
    ]
    statements = synth.properties("AWS::SQS::QueuePolicy", "DeadLetters")["PolicyDocument"]["Statement"]
    (allowed,) = [statement for statement in statements if statement["Effect"] == "Allow"]
    assert allowed["Principal"] == {"Service": ["events.amazonaws.com", "sns.amazonaws.com"]}
    assert allowed["Action"] == "sqs:SendMessage"
    assert allowed["Resource"] == dead_letters
    account = {"Ref": "AWS::AccountId"}
    arn = ["arn:", {"Ref": "AWS::Partition"}]
    rules = [*arn, ":events:", {"Ref": "AWS::Region"}, ":", account, ":rule/*"]
    topics = [*arn, ":sns:*:", account, ":*"]
    sources = [{"Fn::Join": ["", rules]}, {"Fn::Join": ["", topics]}]
    assert allowed["Condition"] == {"ArnLike": {"aws:SourceArn": sources}}


def test_one_line_a_route(world: World) -> None:
    """A route is one line of JSON behind a number sign; what is left at its default is left out."""
    lines = [line for line in code_of(world.synth).splitlines() if line.startswith("# {")]
    assert [sorted(json.loads(line[2:])) for line in lines] == [
        ["auto_resolve", "id", "join_for_s", "response_plan_arn"],
        ["id", "impact", "join_for_s", "response_plan_arn", "title"],
        ["auto_resolve", "id", "join_for_s", "quiet", "response_plan_arn", "title"],
    ]
