"""What SmokeTest takes and refuses, and what it says at synth."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, get_args

import aws_cdk as cdk
import pytest
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_sns as sns
from aws_cdk import aws_ssmincidents as ssmincidents
from incidents_runtime.smoke_test import findings

from cdk_incidents import IncidentTemplate, IncidentTrigger, ResponsePlan, ResponsePlanAction, SmokeTest
from cdk_incidents._smoke_test_findings import Finding
from tests.constructs.smoke import ALARM, FUNCTION, PLAN, SMOKE_TEST, lines_of, of_kind, proves, small

if TYPE_CHECKING:
    from tests.synthesis import Make, Synth


def warnings_of(synth: Synth, warning_id: str) -> list[str]:
    """Return the texts of one warning."""
    return [text for _, _, text in synth.messages if f"[ack: cdk-incidents:{warning_id}]" in text]


@pytest.fixture(scope="module")
def of_plans(make: Make) -> Synth:
    """Return the test of a plan by the service's own path alone, with all that it may say."""
    stack = make.stack()
    test = SmokeTest(
        stack,
        "SmokeTest",
        plans=[make.plan(stack, "Checkout", name="checkout")],
        timeout=cdk.Duration.seconds(240),
        pages_for_real=True,
        on_failure="warn",
        severities={"rota-gap": "error", "channel-not-activated": "ignore"},
    )
    assert test.alarm is None
    for name in ("status", "incident_record_arn", "opened_ms", "steps", "warnings"):
        cdk.CfnOutput(stack, name.replace("_", ""), value=getattr(test, name))
    return make.synth(stack)


def test_of_plans_alone_needs_no_trigger(of_plans: Synth) -> None:
    """The second canary acts on the quiet plan by the service's path; nothing of a trigger is there."""
    canary = of_plans.properties(ALARM)
    quiet = of_plans.id_of(PLAN, "QuietPlan")
    assert canary["AlarmActions"] == [{"Ref": quiet}]
    assert "OKActions" not in canary
    assert canary["Dimensions"] == [{"Name": "Stack", "Value": "Stack"}]
    assert (canary["Namespace"], canary["MetricName"]) == ("CdkIncidents", "Canary")
    assert of_plans.id_of(ALARM).startswith("SmokeTestPlanCanary")
    assert of_plans.of_type("AWS::Lambda::Alias") == {}
    assert "Trigger" not in proves(of_plans)


def test_of_plans_goes_after_them(of_plans: Synth) -> None:
    """The plan that is looked at, the quiet one and the canary stand before the test begins."""
    assert of_plans.comes_after(of_plans.id_of(SMOKE_TEST)) >= {
        *of_plans.of_type(PLAN),
        *of_plans.of_type(ALARM),
    }


def test_tells_the_function_how_to_judge(of_plans: Synth) -> None:
    """What differs from the defaults is told, in one order."""
    severities = {"channel-not-activated": "ignore", "rota-gap": "error"}
    expected = {"timeout_s": 240, "on_failure": "warn", "severities": severities}
    assert lines_of(of_plans)[0] == {"test": expected}


def test_says_whom_it_pages(of_plans: Synth) -> None:
    """Paging for real is written down, and said again at each synth, by the plans' names."""
    (text,) = warnings_of(of_plans, "pages-for-real")
    assert "everybody whom checkout engages" in text


def test_has_attributes(of_plans: Synth) -> None:
    """What the test tells is the custom resource's own; one output is made without being asked for."""
    resource = of_plans.id_of(SMOKE_TEST)
    outputs = of_plans.template["Outputs"]
    own = [name for name in outputs if name.startswith("SmokeTest")]
    assert [outputs[name]["Value"]["Fn::GetAtt"][1] for name in own] == ["Result"]
    assert {name: outputs[name]["Value"] for name in outputs if name not in own} == {
        name: {"Fn::GetAtt": [resource, attribute]}
        for name, attribute in {
            "status": "Status",
            "incidentrecordarn": "IncidentRecordArn",
            "openedms": "OpenedMs",
            "steps": "Steps",
            "warnings": "Warnings",
        }.items()
    }


def test_of_both_has_time_for_both(make: Make) -> None:
    """Each path has its canary and its time; both may fit into what Lambda gives."""
    stack, trigger = small(make)
    plans = [make.plan(stack, "Search", name="search")]
    test = SmokeTest(stack, "SmokeTest", trigger=trigger, plans=plans, timeout=cdk.Duration.seconds(180))
    assert test.canary.node.id == "Canary"
    synth = make.synth(stack)
    assert [path["kind"] for path in of_kind(synth, "path")] == ["trigger", "service"]
    assert len({path["quiet_plan_arn"] for path in of_kind(synth, "path")}) == 1
    assert synth.properties(FUNCTION, "SmokeTestProviderFunction")["Timeout"] == 4 * 180 + 120
    assert synth.properties(SMOKE_TEST)["ServiceTimeout"] == "960"


def test_knows_the_findings_of_the_function() -> None:
    """What users may move is what the function may find."""
    assert set(get_args(Finding)) == set(findings.IDS)
    assert list(get_args(Finding)) == sorted(findings.IDS)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, r"trigger must be given where plans is not \(got None\): pass one of the two, or both\."),
        ({"plans": "checkout"}, r"plans must be a list of response plans \(got 'checkout'\): put it into"),
        ({"plans": ["checkout"]}, r"plans: each must be a response plan \(got 'checkout'\): import it with"),
        ({"plans": [ResponsePlan]}, r"plans: each must be a response plan \(got <class 'cdk_incidents\.resp"),
        (
            {"quiet_plan": ResponsePlan, "plans": "one"},
            r"quiet_plan must be a response plan \(got <class 'cdk",
        ),
        (
            {"trigger": IncidentTrigger},
            r"trigger must be an IncidentTrigger of this app \(got <class '.*'>\): pass what IncidentTrigger",
        ),
        (
            {"trigger": "central"},
            r"trigger must be an IncidentTrigger of this app \(got 'central'\): pass what",
        ),
        ({"plans": "two"}, r"plans must be different ones \(got 'Stack/Again'\): give each once\."),
        ({"plans": "theirs"}, r"plans must be of this account, 111122223333 \(got 'Stack/Theirs of 4444"),
        ({"plans": "one", "timeout": 90}, r"timeout must be a Duration \(got 90\): e\.g\. Duration\.sec"),
        (
            {"plans": "one", "timeout": cdk.Duration.seconds(241)},
            r"timeout in seconds must be a whole number from 5 to 240 \(got 241\)",
        ),
        (
            {"plans": "one", "trigger": True, "timeout": cdk.Duration.seconds(181)},
            r"timeout in seconds with both a trigger and plans must be a whole number from 5 to 180 \(got",
        ),
        ({"trigger": True, "pages_for_real": True}, r"pages_for_real must be given with plans \(got 'none'"),
        ({"plans": "one", "pages_for_real": "yes"}, r"pages_for_real must be True or False \(got 'yes'\)"),
        ({"plans": "one", "every_deployment": 1}, r"every_deployment must be True or False \(got 1\)"),
        ({"plans": "one", "on_failure": "fail"}, r"on_failure must be rollback or warn \(got 'fail'\)"),
        ({"plans": "one", "severities": ["rota-gap"]}, r"severities must be a dict \(got \['rota-gap'\]\)"),
        (
            {"plans": "one", "severities": {"rota": "error"}},
            r"severities must be by the ids of findings \(got 'rota'\): there are alarm-actions-disabled, ",
        ),
        (
            {"plans": "one", "severities": {"rota-gap": "fatal"}},
            r"severities: rota-gap must be error, warning or ignore \(got 'fatal'\)",
        ),
        ({"plans": "one", "every": 3600}, r"every must be a Duration of 1 hour to 7 days, in whole minutes"),
        ({"plans": "one", "every": cdk.Duration.minutes(59)}, r"every must be .* \(got '59 minutes'\)"),
        ({"plans": "one", "every": cdk.Duration.days(8)}, r"every must be .* \(got '8 days'\)"),
        (
            {"plans": "one", "every": cdk.Duration.seconds(3601)},
            r"every must be .* \(got '1 hour 1 second'\)",
        ),
    ],
    ids=lambda value: value[:28] if isinstance(value, str) else "",
)
def test_refuses_bad_values(make: Make, options: dict[str, Any], message: str) -> None:
    """Each argument is refused where it is written, by its name and rule."""
    stack = make.stack(env=make.env)
    plans: dict[str, Any] = {"one": [make.plan(stack, "Checkout", name="checkout")]}
    imported = ResponsePlan.from_response_plan_name(stack, "Again", "checkout")
    theirs = ResponsePlan.from_response_plan_name(stack, "Theirs", "theirs", account="444455556666")
    plans |= {"two": [*plans["one"], imported], "theirs": [theirs]}
    named = options.get("plans")
    arguments = {**options, "plans": plans.get(named, named)} if isinstance(named, str) else {**options}
    if options.get("trigger") is True:
        arguments["trigger"] = IncidentTrigger(stack, "Trigger")
    with pytest.raises(ValueError, match=f"^{message}"):
        SmokeTest(stack, "SmokeTest", **arguments)


def test_refuses_a_schedule_that_only_cloudformation_knows(make: Make) -> None:
    """A schedule is checked, so it must be known at synth."""
    stack = make.stack()
    every = cdk.Duration.hours(cdk.Token.as_number(cdk.Fn.ref("Hours")))
    message = r"^every must be known at synth \(got 'a token'\): e\.g\. Duration\.days\(1\)\.$"
    with pytest.raises(ValueError, match=message):
        SmokeTest(stack, "SmokeTest", plans=[make.plan(stack)], every=every)


def test_refuses_the_plan_of_a_later_stack(make: Make) -> None:
    """CDK would speak of a cycle of stacks, and of no remedy."""
    app = make.app()
    platform, team = cdk.Stack(app, "Platform"), cdk.Stack(app, "Team")
    team.add_stack_dependency(platform)
    message = r"^plans must be of a stack that is deployed before .* \(got 'Team/Plan'\): make a SmokeTest in"
    with pytest.raises(ValueError, match=message):
        SmokeTest(platform, "SmokeTest", plans=[make.plan(team)])


def test_has_no_metric_without_a_schedule(make: Make) -> None:
    """A deployment reports its failure itself."""
    stack = make.stack()
    test = SmokeTest(stack, "SmokeTest", plans=[make.plan(stack)])
    with pytest.raises(ValueError, match=r"^every must be given for a metric of scheduled runs \(got None\)"):
        test.metric_failures()


def test_refuses_a_quiet_plan_among_plans(make: Make) -> None:
    """What pages for real is not quiet, by whatever name."""
    stack = make.stack()
    quiet = ResponsePlan.from_response_plan_name(stack, "Quiet", "checkout")
    SmokeTest(stack, "SmokeTest", plans=[make.plan(stack, name="checkout")], quiet_plan=quiet)
    message = r"\[Stack/SmokeTest\] quiet_plan must be none of plans \(got 'Stack/Quiet'\): leave it out"
    with pytest.raises(RuntimeError, match=message):
        make.synth(stack)


@pytest.mark.parametrize("is_owned", [False, True])
def test_refuses_a_quiet_plan_with_a_dedupe_string(make: Make, *, is_owned: bool) -> None:
    """Its incident might join one that is open for real."""
    stack, trigger = small(make)
    plan: Any
    if is_owned:
        incident = IncidentTemplate.no_impact(title="Quiet", dedupe_string="checkout")
        plan = ResponsePlan(stack, "Quiet", incident=incident)
    else:
        template = ssmincidents.CfnResponsePlan.IncidentTemplateProperty(
            impact=5, title="Quiet", dedupe_string="checkout"
        )
        plan = make.cfn_plan(stack, "Quiet", incident_template=template)
    SmokeTest(stack, "SmokeTest", trigger=trigger, quiet_plan=plan)
    with pytest.raises(RuntimeError, match=r"quiet_plan must be one without a dedupe string \(got 'Stack/Q"):
        make.synth(stack)


def test_refuses_to_page_by_a_plan_with_a_dedupe_string(make: Make) -> None:
    """A real alarm that rang meanwhile would join the test's incident, and be removed with it."""
    stack = make.stack()
    incident = IncidentTemplate.high(title="Checkout", dedupe_string="checkout")
    plans = [make.plan(stack, "Search"), ResponsePlan(stack, "Checkout", incident=incident)]
    SmokeTest(stack, "SmokeTest", plans=plans, pages_for_real=True)
    rule = r"pages_for_real must be given with plans without a dedupe string \(got 'Stack/Checkout'"
    with pytest.raises(RuntimeError, match=rule):
        make.synth(stack)


@pytest.mark.parametrize("more", ["alarm", "ok", "insufficient_data"])
@pytest.mark.parametrize("canary", ["Canary", "PlanCanary"])
def test_refuses_a_canary_that_tells_more(make: Make, canary: str, more: str) -> None:
    """What somebody adds to a canary, an Aspect over all alarms perhaps, each run would tell."""
    stack, trigger = small(make)
    test = SmokeTest(stack, "SmokeTest", trigger=trigger, plans=[make.plan(stack, "Checkout")])
    alarm: Any = test.node.find_child(canary)
    getattr(alarm, f"add_{more}_action")(actions.SnsAction(sns.Topic(stack, "Topic")))
    message = (
        rf"\[Stack/SmokeTest\] canary must be without further .*/{canary} with 1 more'\): take them away"
    )
    with pytest.raises(RuntimeError, match=message):
        make.synth(stack)


def test_warns_of_wired_alarms_that_may_not_act(make: Make) -> None:
    """An alarm whose actions are off starts nothing; one that leads elsewhere is none of ours."""
    stack = make.stack()
    trigger = IncidentTrigger(stack, "Trigger")
    checkout, other = make.plan(stack, "Checkout"), make.plan(stack, "Other")
    route = trigger.add_route("Critical", response_plan=checkout)
    by_route, by_hand, by_plan, elsewhere, on = (
        make.alarm(stack, name) for name in ("ByRoute", "ByHand", "ByPlan", "Elsewhere", "On")
    )
    route.watch(by_route, on)
    by_hand.add_alarm_action(route.alarm_action())
    by_plan.add_alarm_action(ResponsePlanAction(checkout))
    elsewhere.add_alarm_action(ResponsePlanAction(other))
    for alarm in (by_route, by_hand, by_plan, elsewhere):
        alarm.node.default_child.actions_enabled = False  # type: ignore[union-attr]
    SmokeTest(stack, "SmokeTest", trigger=trigger, plans=[checkout])
    found = warnings_of(make.synth(stack), "alarm-actions-disabled")
    assert [text.split()[0] for text in found] == ["Stack/ByRoute", "Stack/ByHand", "Stack/ByPlan"]


def test_adds_nothing_that_is_not_asked_for(make: Make) -> None:
    """A test without a schedule has the twelve resources that the README counts, and no property more."""
    stack, trigger = small(make)
    SmokeTest(stack, "SmokeTest", trigger=trigger)
    synth = make.synth(stack)
    quiet = {name for name in synth.resources if "TriggerQuiet" in name}
    assert len(quiet) + len([name for name in synth.resources if name.startswith("SmokeTest")]) == 12
    assert set(synth.properties(SMOKE_TEST)) == {"ServiceToken", "ServiceTimeout", "Skip", "Proves"}
    assert "Scheduled" not in json.dumps(synth.template)
