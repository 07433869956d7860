"""IncidentDashboard: a row for each plan and each trigger, and the trigger's metrics that it shows."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_cloudwatch as cloudwatch
from incidents_runtime import telemetry

from cdk_incidents import IncidentDashboard, IncidentTrigger, ResponsePlan
from cdk_incidents._trigger_metrics import TriggerMetrics

if TYPE_CHECKING:
    from collections.abc import Callable

    from aws_cdk.interfaces.aws_ssmincidents import IResponsePlanRef

    from cdk_incidents import IRoute
    from tests.synthesis import Make, Synth

DASHBOARD = "AWS::CloudWatch::Dashboard"
THEIRS = "arn:aws:ssm-incidents::444455556666:response-plan/theirs"


class Imported(TriggerMetrics):
    """A trigger that is known by its name only."""

    @property
    def trigger_name(self) -> str:
        """Its name."""
        return "trigger"

    def route(self, route_id: str) -> IRoute:
        """No route is asked for here."""
        raise AssertionError(route_id)


def owned(make: Make, stack: cdk.Stack) -> IncidentTrigger:
    """Return a trigger of the stack's own."""
    trigger = IncidentTrigger(stack, "Trigger", trigger_name="trigger")
    trigger.add_route("Critical", response_plan=make.plan(stack))
    return trigger


def body_of(synth: Synth) -> dict[str, Any]:
    """Return the dashboard's body, references as their names in angle brackets."""
    body = synth.properties(DASHBOARD)["DashboardBody"]
    parts = body["Fn::Join"][1] if isinstance(body, dict) else [body]
    texts = [
        part if isinstance(part, str) else f"<{json.dumps(part).translate({34: None})}>" for part in parts
    ]
    found: dict[str, Any] = json.loads("".join(texts))
    return found


def widgets_of(synth: Synth) -> list[dict[str, Any]]:
    """Return the widgets."""
    found: list[dict[str, Any]] = body_of(synth)["widgets"]
    return found


def shown(widget: dict[str, Any]) -> list[tuple[str, ...]]:
    """Return namespace, name and dimensions of the metrics of a widget."""
    return [
        tuple(part for part in metric if isinstance(part, str)) for metric in widget["properties"]["metrics"]
    ]


@pytest.fixture(scope="module")
def full(make: Make) -> Synth:
    """Return a stack with a dashboard of plans of every origin and of a trigger."""
    stack = make.stack()
    trigger = owned(make, stack)
    plans: list[IResponsePlanRef] = [
        make.plan(stack, "Owned", name="owned"),
        ResponsePlan.from_response_plan_name(stack, "ByName", "imported"),
        ResponsePlan.from_response_plan_arn(stack, "ByArn", THEIRS),
        make.cfn_plan(stack, name="cfn"),
    ]
    IncidentDashboard(stack, "Dashboard", plans=plans, triggers=[trigger], dashboard_name="incidents")
    return make.synth(stack)


@pytest.mark.parametrize(("row", "name"), list(enumerate(["owned", "imported", "theirs", "cfn"])))
def test_a_row_for_each_plan(full: Synth, row: int, name: str) -> None:
    """Opened and resolved, the time to acknowledge and resolve, and the month; in either namespace."""
    widgets = [widget for widget in widgets_of(full) if widget["y"] == 6 * row]
    assert [(widget["x"], widget["width"]) for widget in widgets] == [(0, 8), (8, 8), (16, 8)]
    expected = [
        ["NumberOfCreateIncidents", "NumberOfResolveIncidents"],
        ["TimeToFirstAcknowledgement", "TimeToResolveIncident"],
        ["NumberOfCreateIncidents"],
    ]
    for widget, metrics in zip(widgets, expected, strict=True):
        assert widget["properties"]["title"].startswith(f"{name}: ")
        assert [metric for metric in shown(widget) if metric] == [
            (namespace, metric, "ResponsePlan", name)
            for metric in metrics
            for namespace in ("AWS/IncidentManager", "IncidentManager")
        ]


def test_another_accounts_plan_is_asked_for_there(full: Synth) -> None:
    """The metrics of a plan of another account stand in that account."""
    accounts = {
        widget["properties"]["title"].partition(":")[0]: metric[-1].get("accountId")
        for widget in widgets_of(full)[:12]
        for metric in widget["properties"]["metrics"]
        if len(metric) > 1
    }
    ours = "<{Ref: AWS::AccountId}>"
    assert accounts == {"owned": None, "imported": ours, "theirs": "444455556666", "cfn": ours}


def test_shows_how_near_the_month_is_to_its_limit(full: Synth) -> None:
    """The incidents of 30 days are summed up against the 200 that a plan opens in a month."""
    properties = widgets_of(full)[2]["properties"]
    assert properties["start"] == "-P30D"
    (line,) = properties["annotations"]["horizontal"]
    assert line["value"] == 200
    expressions = [metric[0]["expression"] for metric in properties["metrics"] if len(metric) == 1]
    assert expressions == ["RUNNING_SUM(opened)", "RUNNING_SUM(opened_too)"]


def test_a_row_for_each_trigger(full: Synth) -> None:
    """Signals by what became of them, the time to start, and the queues."""
    outcomes, rest, time, queues = [widget for widget in widgets_of(full) if widget["y"] == 24]
    ours = ("Trigger", "trigger")
    assert shown(outcomes) == [("CdkIncidents", name, *ours) for name in ("Started", "Joined", "Resolved")]
    assert shown(rest) == [("CdkIncidents", name, *ours) for name in ("Ignored", "Suppressed", "Failed")]
    assert shown(time) == [("CdkIncidents", "TimeToStart", *ours)] * 2
    assert [metric[-1]["stat"] for metric in time["properties"]["metrics"]] == ["p50", "p99"]
    named = [
        re.sub(r"[0-9A-F]{8}, QueueName\]}>", "", "/".join(metric[1:])) for metric in shown(queues) if metric
    ]
    assert named == [
        "ApproximateNumberOfMessagesVisible/QueueName/<{Fn::GetAtt: [TriggerRetries",
        "ApproximateNumberOfMessagesNotVisible/QueueName/<{Fn::GetAtt: [TriggerRetries",
        "ApproximateNumberOfMessagesVisible/QueueName/<{Fn::GetAtt: [TriggerDeadLetters",
        "ApproximateAgeOfOldestMessage/QueueName/<{Fn::GetAtt: [TriggerRetries",
    ]


def test_names_and_interval(full: Synth, make: Make) -> None:
    """The name is given or made by CloudFormation; the dashboard looks back a week, or as told."""
    assert full.properties(DASHBOARD)["DashboardName"] == "incidents"
    assert body_of(full)["start"] == "-P7D"
    stack = make.stack()
    dashboard = IncidentDashboard(
        stack, "Dashboard", plans=[make.plan(stack)], default_interval=cdk.Duration.days(1)
    )
    dashboard.dashboard.add_widgets(cloudwatch.TextWidget(markdown="More"))
    synth = make.synth(stack)
    assert "DashboardName" not in synth.properties(DASHBOARD)
    assert body_of(synth)["start"] == "-P1D"
    assert len(widgets_of(synth)) == 4


@pytest.mark.parametrize("origin", ["imported", "of another stack"])
def test_a_trigger_from_elsewhere_shows_its_function(make: Make, origin: str) -> None:
    """Where the queues are not known, or would take an export, the function's figures are shown."""
    app = make.app()
    central, team = cdk.Stack(app, "Central"), cdk.Stack(app, "Team")
    trigger = Imported() if origin == "imported" else owned(make, central)
    make.alarm(central)
    IncidentDashboard(team, "Dashboard", triggers=[trigger])
    theirs, synth = make.synth_all(central, team)
    assert [shown(widget)[0][:2] for widget in widgets_of(synth)] == [
        ("CdkIncidents", name) for name in ("Started", "Ignored", "TimeToStart")
    ]
    assert theirs.exports() == []
    assert synth.dependencies == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, r"plans and triggers must be one or more together \(got 'none'\): pass what it should show\."),
        ({"plans": ["checkout"]}, r"plans must be a response plan \(got 'checkout'\): import it with Resp"),
        ({"plans": [None], "dashboard_name": "n"}, r"plans must be a response plan \(got None\)"),
        (
            {"dashboard_name": "a b"},
            r"dashboard_name must be letters, digits, hyphens and underscores \(got 'a",
        ),
        ({"dashboard_name": "n" * 256}, r"dashboard_name must be 1 to 255 characters long"),
    ],
)
def test_refuses(make: Make, arguments: dict[str, Any], message: str) -> None:
    """An empty dashboard, what is no plan, and what is no name, are refused at construction."""
    stack = make.stack()
    if "dashboard_name" in arguments and "plans" not in arguments:
        arguments = {**arguments, "plans": [make.plan(stack)]}
    with pytest.raises(ValueError, match=f"^{message}"):
        IncidentDashboard(stack, "Dashboard", **arguments)


@pytest.mark.parametrize("name", ["n" * 255, "Check_out-7"])
def test_takes_names_that_cloudwatch_takes(make: Make, name: str) -> None:
    """1 to 255 letters, digits, hyphens and underscores are a name."""
    stack = make.stack()
    IncidentDashboard(stack, "Dashboard", plans=[make.plan(stack)], dashboard_name=name)
    assert make.synth(stack).properties(DASHBOARD)["DashboardName"] == name


@pytest.mark.parametrize("origin", ["owned", "imported"])
@pytest.mark.parametrize(
    ("method", "name", "statistic"),
    [
        ("metric_started", "Started", "Sum"),
        ("metric_joined", "Joined", "Sum"),
        ("metric_resolved", "Resolved", "Sum"),
        ("metric_ignored", "Ignored", "Sum"),
        ("metric_suppressed", "Suppressed", "Sum"),
        ("metric_retried", "Retried", "Sum"),
        ("metric_over_budget", "OverBudget", "Sum"),
        ("metric_budget_used", "BudgetUsed", "Maximum"),
        ("metric_failed", "Failed", "Sum"),
        ("metric_time_to_start", "TimeToStart", "Average"),
    ],
)
def test_metrics_are_those_that_the_function_writes(
    make: Make, capsys: pytest.CaptureFixture[str], origin: str, method: str, name: str, statistic: str
) -> None:
    """Namespace, name and dimensions are what the function's log turns into, of all routes and of one."""
    trigger = Imported() if origin == "imported" else owned(make, make.stack())
    metric: Callable[..., cloudwatch.Metric] = getattr(trigger, method)
    telemetry.count("trigger", "Critical", 0, **{name: 1})
    (written,) = json.loads(capsys.readouterr().out)["_aws"]["CloudWatchMetrics"]
    of_all, of_one = metric(), metric(route="Critical", period=cdk.Duration.minutes(1))
    assert {written["Namespace"]} == {of_all.namespace, of_one.namespace}
    assert [entry["Name"] for entry in written["Metrics"]] == [of_all.metric_name] == [of_one.metric_name]
    assert [sorted(each.dimensions or {}) for each in (of_all, of_one)] == [
        sorted(each) for each in sorted(written["Dimensions"])
    ]
    assert (of_one.dimensions or {}) == {"Trigger": "trigger", "Route": "Critical"}
    assert of_all.statistic == of_one.statistic == statistic
    assert (of_all.period.to_minutes(), of_one.period.to_minutes()) == (5, 1)
