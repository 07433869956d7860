"""SmokeTest: what goes before what, when it runs again, and that it wakes nobody."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_sns as sns

from cdk_incidents import IncidentTemplate, IncidentTrigger, ResponsePlan, SmokeTest
from tests.constructs.smoke import ALARM, FUNCTION, PLAN, ROLE, SMOKE_TEST, code_of, lines_of, small
from tests.synthesis import CONTACT

if TYPE_CHECKING:
    from tests.synthesis import Make, Synth, World

ALIAS = "AWS::Lambda::Alias"
ASYNC = "AWS::Lambda::EventInvokeConfig"
PERMISSION = "AWS::Lambda::Permission"


def statements(synth: Synth, role: str) -> list[dict[str, Any]]:
    """Return the statements of a role's inline policy."""
    (inline,) = synth.properties(ROLE, role)["Policies"]
    found: list[dict[str, Any]] = inline["PolicyDocument"]["Statement"]
    return found


def path_of(synth: Synth) -> dict[str, Any]:
    """Return the one path of the test."""
    (path,) = (line["path"] for line in lines_of(synth) if "path" in line)
    return dict(path)


def digests(proves: dict[str, Any]) -> list[str]:
    """Return all digests, of which there must be some."""
    found = [proves["Trigger"], proves["Test"], *proves["Plans"].values()]
    assert len(found) > 3
    return found


def test_goes_after_all_of_the_quiet_way(world: World) -> None:
    """Plan, canary, alias, its permission and its settings stand before the test begins."""
    synth = world.synth
    assert synth.comes_after(synth.id_of(SMOKE_TEST)) >= {
        synth.id_of(PLAN, "QuietPlan"),
        synth.id_of(ALARM, "Canary"),
        synth.id_of(ALIAS, "Quiet"),
        synth.id_of(PERMISSION, "Quiet"),
        synth.id_of(ASYNC, "Quiet"),
        synth.id_of("AWS::Lambda::Version"),
        synth.id_of(FUNCTION, "TriggerFunction"),
    }


def test_goes_after_every_policy_that_it_needs(world: World) -> None:
    """No role of trigger, test or framework is used before all of its policies stand."""
    synth = world.synth
    before = synth.comes_after(synth.id_of(SMOKE_TEST))
    policies = {
        logical_id
        for logical_id, policy in synth.of_type("AWS::IAM::Policy").items()
        if any(
            "Trigger" in role["Ref"] or "SmokeTest" in role["Ref"] for role in policy["Properties"]["Roles"]
        )
    }
    assert len(policies) >= 2
    assert policies <= before


def test_goes_before_everything_live(world: World) -> None:
    """Live aliases, their permissions and settings, the queue's reader and the user's alarms come later."""
    synth = world.synth
    smoke_test = synth.id_of(SMOKE_TEST)
    live = [
        logical_id
        for resource_type in (ALIAS, ASYNC, PERMISSION, "AWS::Lambda::EventSourceMapping")
        for logical_id in synth.of_type(resource_type, "TriggerLive")
    ]
    alarms = [synth.id_of(ALARM, "Resolving"), synth.id_of(ALARM, "Staying")]
    alarms.append(synth.id_of("AWS::CloudWatch::CompositeAlarm"))
    assert len(live) == 3 + 2 + 2 + 1  # aliases, settings, permissions of alarms, reader
    live.append(synth.id_of(PERMISSION, "Rule"))
    for logical_id in live + alarms:
        assert smoke_test in synth.comes_after(logical_id), logical_id


def test_canary_and_health_alarms_do_not_wait(world: World) -> None:
    """The canary is part of the test, and the trigger's health is watched from the beginning."""
    synth = world.synth
    smoke_test = synth.id_of(SMOKE_TEST)
    early = [synth.id_of(ALARM, "Canary"), *synth.of_type(ALARM, "TriggerHealth")]
    assert len(early) == 6
    for logical_id in early:
        assert smoke_test not in synth.comes_after(logical_id), logical_id


def test_holds_back_routes_that_are_added_later(make: Make) -> None:
    """A route added after the smoke test was made is held back like the others."""
    stack = make.stack()
    trigger = IncidentTrigger(stack, "Trigger")
    SmokeTest(stack, "SmokeTest", trigger=trigger)
    trigger.add_route("Later", response_plan=make.plan(stack))
    synth = make.synth(stack)
    assert synth.id_of(SMOKE_TEST) in synth.comes_after(synth.id_of(ALIAS, "Later"))


def test_hands_the_handler_what_it_reads(world: World) -> None:
    """The properties are those that the handler's settings read, and CloudFormation's own patience."""
    synth = world.synth
    properties = dict(synth.properties(SMOKE_TEST))
    framework = synth.id_of(FUNCTION, "Framework")
    proves = properties.pop("Proves")
    assert all(re.fullmatch("[0-9a-f]{16}", digest) for digest in digests(proves))
    assert properties == {
        "ServiceToken": {"Fn::GetAtt": [framework, "Arn"]},
        "ServiceTimeout": "420",
        "Skip": "false",
    }
    canary = synth.id_of(ALARM, "Canary")
    declared = {"title": "Checkout is failing", "impact": 1, "dedupe": "", "runbooks": []}
    assert lines_of(synth) == [
        {"test": {"timeout_s": 90}},
        {
            "path": {
                "kind": "trigger",
                "canary_name": f"<Ref {canary}>",
                "canary_arn": f"<Fn::GetAtt {canary} Arn>",
                "quiet_plan_arn": f"<Ref {synth.id_of(PLAN, 'QuietPlan')}>",
                "log_group": f"/aws/lambda/{world.trigger_name}",
            }
        },
        {
            "trigger": {
                "function": world.trigger_name,
                "routes": ["Critical", "notice-only"],
                "role_arn": "arn:<Ref AWS::Partition>:iam::<Ref AWS::AccountId>:role/"
                f"{world.trigger_name}-<Ref AWS::Region>",
                "plans": [synth.properties(PLAN, "PlanDAF4E53A")["Name"], "l1-plan"],
                "retry_queue_arn": f"<Fn::GetAtt {synth.id_of('AWS::SQS::Queue', 'Retries')} Arn>",
            }
        },
        {
            "plan": {
                "name": synth.properties(PLAN, "PlanDAF4E53A")["Name"],
                "arn": "<Ref PlanDAF4E53A>",
                "declared": {**declared, "engagements": []},
            }
        },
        {
            "plan": {
                "name": "l1-plan",
                "arn": "<Ref CfnPlan>",
                "declared": {**declared, "engagements": [CONTACT]},
            }
        },
    ]


def test_writes_its_result(world: World) -> None:
    """What the test says is an output of the stack, by the description that a rehearsal looks for."""
    outputs = [output for name, output in world.synth.template["Outputs"].items() if "SmokeTest" in name]
    assert outputs == [
        {
            "Description": "Result of the Incident Manager smoke test",
            "Value": {"Fn::GetAtt": [world.synth.id_of(SMOKE_TEST), "Result"]},
        }
    ]


def test_own_quiet_plan_wakes_nobody(world: World) -> None:
    """The test's own plan engages nobody, posts nowhere, tells no topic and runs nothing."""
    properties = dict(world.synth.properties(PLAN, "QuietPlan"))
    assert properties.pop("Name")
    assert properties.pop("DisplayName") == "Smoke test (pages nobody)"
    assert set(properties) == {"IncidentTemplate"}
    assert set(properties["IncidentTemplate"]) == {"Title", "Summary", "Impact"}
    assert properties["IncidentTemplate"]["Impact"] == 5


def test_quiet_alias_fails_in_silence(world: World) -> None:
    """What fails on the quiet alias is not retried, nor kept for later, and goes nowhere."""
    quiet = world.synth.id_of(ALIAS, "Quiet")
    assert world.synth.properties(ASYNC, "Quiet") == {
        "FunctionName": {"Ref": world.synth.id_of(FUNCTION, "TriggerFunction")},
        "MaximumRetryAttempts": 0,
        # The least that Lambda takes: a throttled one must not come when the deployment is over.
        "MaximumEventAgeInSeconds": 60,
        "Qualifier": {"Fn::Select": [7, {"Fn::Split": [":", {"Ref": quiet}]}]},
    }


def test_canary_is_moved_by_the_test_only(world: World) -> None:
    """The canary ignores missing data of a metric that nobody writes, and acts on the quiet alias alone."""
    synth = world.synth
    canary = synth.one(ALARM, "Canary")
    quiet = [{"Ref": synth.id_of(ALIAS, "Quiet")}]
    assert canary["Metadata"]["cdk-incidents:purpose"] == "canary"
    assert canary["Properties"] == {
        "AlarmActions": quiet,
        "OKActions": quiet,
        "AlarmDescription": "Moved by the smoke test of a deployment only; pages nobody.",
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        "Dimensions": [{"Name": "Trigger", "Value": world.trigger_name}],
        "EvaluationPeriods": 1,
        "MetricName": "Canary",
        "Namespace": "CdkIncidents",
        "Period": 300,
        "Statistic": "Average",
        "Threshold": 1,
        "TreatMissingData": "ignore",
    }


def test_runs_the_handler_of_the_layer(world: World) -> None:
    """The test's function runs the layer's handler, and may run as long as its steps may take."""
    synth = world.synth
    properties = synth.properties(FUNCTION, "SmokeTestProviderFunction")
    assert code_of(synth).startswith("from incidents_runtime.smoke_test.handler import handler\n# ")
    assert properties["Handler"] == "index.handler"
    assert properties["Layers"] == [{"Ref": synth.id_of("AWS::Lambda::LayerVersion")}]
    assert properties["Timeout"] == 2 * 90 + 120
    framework = synth.properties(FUNCTION, "Framework")
    function = {"Fn::GetAtt": [synth.id_of(FUNCTION, "SmokeTestProviderFunction"), "Arn"]}
    assert framework["Environment"]["Variables"]["USER_ON_EVENT_FUNCTION_ARN"] == function


def test_takes_a_quiet_plan_that_is_given(make: Make) -> None:
    """With a plan given, the test makes none, and its function may touch that plan's incidents only."""
    stack, trigger = small(make)
    arn = "arn:aws:ssm-incidents::111122223333:response-plan/quiet"
    plan = ResponsePlan.from_response_plan_arn(stack, "Quiet", arn)
    SmokeTest(stack, "SmokeTest", trigger=trigger, quiet_plan=plan)
    synth = make.synth(stack)
    assert len(synth.of_type(PLAN)) == 1
    assert path_of(synth)["quiet_plan_arn"] == arn
    (touched,) = [
        statement["Resource"]
        for statement in statements(synth, "SmokeTestProviderRole")
        if "ssm-incidents:DeleteIncidentRecord" in statement["Action"]
    ]
    records = ["arn:", {"Ref": "AWS::Partition"}, ":ssm-incidents::111122223333:incident-record/quiet/*"]
    assert touched == [arn, {"Fn::Join": ["", records]}]


def test_a_quiet_plan_may_page_nobody(make: Make) -> None:
    """A plan that is given to be quiet is quiet knowingly: synth does not warn that it pages nobody."""
    stack, trigger = small(make)
    plan = ResponsePlan(stack, "Quiet", incident=IncidentTemplate.no_impact(title="Smoke test"))
    SmokeTest(stack, "SmokeTest", trigger=trigger, quiet_plan=plan)
    assert [text for _, _, text in make.synth(stack).messages if "nobody-paged" in text] == []


@pytest.mark.parametrize("is_added_after", [False, True])
@pytest.mark.parametrize("origin", ["owned", "cfn", "imported"])
def test_refuses_a_quiet_plan_that_a_route_uses(make: Make, origin: str, *, is_added_after: bool) -> None:
    """A plan that people are called by is not quiet, whether its route is there before the test or after."""
    stack, trigger = small(make)
    plan = make.plan_of(origin, stack, "Live")
    if not is_added_after:
        trigger.add_route("Live", response_plan=plan)
    SmokeTest(stack, "SmokeTest", trigger=trigger, quiet_plan=plan)
    if is_added_after:
        trigger.add_route("Live", response_plan=plan)
    message = (
        r"\[Stack/SmokeTest\] quiet_plan must be used by no route of the trigger \(got 'Stack/Live'\): leave"
        r" it out to have one made\."
    )
    with pytest.raises(RuntimeError, match=message):
        make.synth(stack)


def test_refuses_the_name_of_a_plan_that_a_route_uses(make: Make) -> None:
    """An import by the name of a routed plan is that plan."""
    stack, trigger = small(make)
    trigger.add_route("Live", response_plan=make.plan(stack, "Live", name="checkout"))
    plan = ResponsePlan.from_response_plan_name(stack, "Import", "checkout")
    SmokeTest(stack, "SmokeTest", trigger=trigger, quiet_plan=plan)
    message = r"quiet_plan must be used by no route of the trigger \(got 'Stack/Import'\): leave it out"
    with pytest.raises(RuntimeError, match=message):
        make.synth(stack)


TOPIC = "arn:aws:sns:eu-west-1:111122223333:chat"
RUNBOOK = {"documentName": "Restart", "roleArn": "arn:aws:iam::111122223333:role/runbook"}
PAGER = {"name": "Pager", "secretId": "secret", "pagerDutyIncidentConfiguration": {"serviceId": "P1"}}
LOUD: dict[str, dict[str, Any]] = {
    "engagements": {"engagements": [CONTACT]},
    "actions": {"actions": [{"ssmAutomation": RUNBOOK}]},
    "chat-channel": {"chat_channel": {"chatbotSns": [TOPIC]}},
    "integrations": {"integrations": [{"pagerDutyConfiguration": PAGER}]},
    "notifications": {
        "incident_template": {"impact": 5, "title": "T", "notificationTargets": [{"snsTopicArn": TOPIC}]}
    },
}
NOT_QUIET = (
    r"\[Stack/SmokeTest\] quiet_plan must be one that engages, notifies and runs nothing \(got"
    r" 'Stack/Loud'\): leave it out to have one made\."
)


@pytest.mark.parametrize("is_owned", [False, True])
@pytest.mark.parametrize("what", LOUD)
def test_refuses_a_quiet_plan_that_is_loud(make: Make, what: str, *, is_owned: bool) -> None:
    """A plan that engages, posts, runs or tells anything is not quiet, nor is ours with its L1 so changed."""
    stack, trigger = small(make)
    plan: Any
    if is_owned:
        plan = make.plan(stack, "Loud")
        for name, value in LOUD[what].items():
            setattr(plan.node.default_child, name, value)
    else:
        plan = make.cfn_plan(stack, "Loud", **LOUD[what])
    SmokeTest(stack, "SmokeTest", trigger=trigger, quiet_plan=plan)
    with pytest.raises(RuntimeError, match=NOT_QUIET):
        make.synth(stack)


def test_refuses_a_quiet_plan_with_notification_topics(make: Make) -> None:
    """A topic that is told of every incident would be told of every deployment."""
    stack, trigger = small(make)
    incident = IncidentTemplate.no_impact(title="Told", notification_topics=[sns.Topic(stack, "Topic")])
    plan = ResponsePlan(stack, "Loud", incident=incident)
    SmokeTest(stack, "SmokeTest", trigger=trigger, quiet_plan=plan)
    with pytest.raises(RuntimeError, match=NOT_QUIET):
        make.synth(stack)


@pytest.mark.parametrize("origin", ["owned", "cfn"])
def test_takes_a_quiet_plan_of_the_app(make: Make, origin: str) -> None:
    """A plan that nothing else uses, and that wakes nobody, is quiet, whatever its impact."""
    stack, trigger = small(make)
    plan = (make.plan if origin == "owned" else make.cfn_plan)(stack, "Silent")
    SmokeTest(stack, "SmokeTest", trigger=trigger, quiet_plan=plan)
    synth = make.synth(stack)
    assert path_of(synth)["quiet_plan_arn"] == f"<Ref {synth.id_of(PLAN, 'Silent')}>"


@pytest.mark.parametrize(("seconds", "function", "service"), [(5, 130, "250"), (240, 600, "720")])
def test_takes_timeouts_within_the_limits(make: Make, seconds: int, function: int, service: str) -> None:
    """Handler, function and CloudFormation wait one after the other, each a little longer."""
    stack, trigger = small(make)
    SmokeTest(stack, "SmokeTest", trigger=trigger, timeout=cdk.Duration.seconds(seconds))
    synth = make.synth(stack)
    assert lines_of(synth)[0] == {"test": {"timeout_s": seconds}}
    assert synth.properties(FUNCTION, "SmokeTestProviderFunction")["Timeout"] == function
    assert synth.properties(SMOKE_TEST)["ServiceTimeout"] == service


@pytest.mark.parametrize(
    ("timeout", "received"),
    [
        (cdk.Duration.seconds(4), "4"),
        (cdk.Duration.seconds(241), "241"),
        (cdk.Duration.hours(1), "3600"),
        (cdk.Duration.millis(5_500), r"5\.5"),
    ],
)
def test_refuses_timeouts_beyond_the_limits(make: Make, timeout: cdk.Duration, received: str) -> None:
    """A time that CloudFormation or Lambda would not wait is refused."""
    stack, trigger = small(make)
    message = rf"^timeout in seconds must be a whole number from 5 to 240 \(got {received}\): e\.g\. Duration"
    with pytest.raises(ValueError, match=message):
        SmokeTest(stack, "SmokeTest", trigger=trigger, timeout=timeout)


def test_refuses_a_timeout_that_only_cloudformation_knows(make: Make) -> None:
    """Other times are made of it, so it must be known at synth."""
    stack, trigger = small(make)
    timeout = cdk.Duration.seconds(cdk.Token.as_number(cdk.Fn.ref("Timeout")))
    message = r"^timeout must be known at synth \(got 'a token'\): e\.g\. Duration\.seconds\(90\)\.$"
    with pytest.raises(ValueError, match=message):
        SmokeTest(stack, "SmokeTest", trigger=trigger, timeout=timeout)


def test_refuses_a_trigger_that_it_cannot_prove(make: Make) -> None:
    """An import has its test where it is made."""
    stack = make.stack()
    imported = IncidentTrigger.from_trigger_attributes(
        stack, "Central", trigger_name="central", routes=["Critical"]
    )
    message = (
        r"^trigger must be an IncidentTrigger of this app \(got 'Stack/Central'\): an import is proven where"
    )
    with pytest.raises(ValueError, match=message):
        SmokeTest(stack, "SmokeTest", trigger=imported)  # type: ignore[arg-type]
    with pytest.raises(
        ValueError, match=r"^trigger must be an IncidentTrigger of this app \(got 'central'\)"
    ):
        SmokeTest(stack, "SmokeTest2", trigger="central")  # type: ignore[arg-type]


def test_one_test_a_trigger(make: Make) -> None:
    """One smoke test proves all routes; a second one is refused."""
    stack, trigger = small(make)
    SmokeTest(stack, "SmokeTest", trigger=trigger)
    message = (
        r"^trigger must be without a smoke test so far \(got 'Stack/Trigger'\): one proves all of its routes"
    )
    with pytest.raises(ValueError, match=message):
        SmokeTest(stack, "Second", trigger=trigger)


@pytest.mark.parametrize(
    ("value", "skip"),
    [
        ("true", "true"),
        (True, "true"),
        ("1", "true"),
        ("Yes", "true"),
        ("false", "false"),
        (False, "false"),
        ("", "false"),
    ],
)
def test_is_skipped_by_context(make: Make, value: object, skip: str) -> None:
    """The context key skips the test, and a value that says no does not."""
    stack, trigger = small(make, {"cdk-incidents:skip-smoke-test": value})
    SmokeTest(stack, "SmokeTest", trigger=trigger)
    assert make.synth(stack).properties(SMOKE_TEST)["Skip"] == skip


def test_refuses_a_context_that_is_neither(make: Make) -> None:
    """A slip at three in the morning is no no: the hotfix would wait for the test."""
    stack, trigger = small(make, {"cdk-incidents:skip-smoke-test": "ture"})
    message = r"^cdk-incidents:skip-smoke-test must be true or false \(got 'ture'\): e\.g\. --context cdk-inc"
    with pytest.raises(ValueError, match=message):
        SmokeTest(stack, "SmokeTest", trigger=trigger)


def test_in_another_stack_it_only_tests_and_says_so(make: Make) -> None:
    """From another stack the test cannot hold back live aliases: it runs after them, and synth warns."""
    app = make.app()
    central, proof = cdk.Stack(app, "Central"), cdk.Stack(app, "Proof")
    trigger = IncidentTrigger(central, "Trigger")
    trigger.add_route("Critical", response_plan=make.plan(central))
    SmokeTest(proof, "SmokeTest", trigger=trigger)
    centrals, proofs = make.synth_all(central, proof)
    assert proofs.dependencies == ["Central"]
    assert centrals.dependencies == []
    assert centrals.exports() == proofs.exports() == []
    assert "Fn::ImportValue" not in json.dumps(proofs.template)
    assert f'"log_group": "/aws/lambda/{trigger.trigger_name}"' in code_of(proofs)
    ((path, level, text),) = [message for message in proofs.messages if "ack: cdk-incidents:" in message[2]]
    assert (path, level) == ("/Proof/SmokeTest", "warning")
    assert text == (
        "scope must be in the trigger's stack for the test to go before its live aliases (got Proof): this"
        " test runs after new code is live. Make it in Central."
        " [ack: cdk-incidents:smoke-test-in-another-stack]"
    )
    assert "DependsOn" not in centrals.one(ALIAS, "Critical")
    assert all(
        re.fullmatch("[0-9a-f]{16}", each) for each in digests(proofs.properties(SMOKE_TEST)["Proves"])
    )
    assert (
        proofs.properties(ALARM, "Canary")["AlarmActions"] == proofs.properties(ALARM, "Canary")["OKActions"]
    )
