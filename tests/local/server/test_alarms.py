"""What alarms do when their state changes."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from .conftest import ACCOUNT, REGION, unique, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from .conftest import Aws, Function, Stack

_CONFIGURED = "CloudWatch Alarm Configuration Change"
_TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:nobody"
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0000")


def _alarm(aws: Aws, **more: Any) -> str:
    """Make an alarm on a metric of its own and give its name."""
    name = unique("alarm")
    aws.client("cloudwatch").put_metric_alarm(
        AlarmName=name,
        **{
            "Namespace": "App",
            "MetricName": name,
            "Dimensions": [{"Name": "Service", "Value": "checkout"}],
            "Statistic": "Sum",
            "Period": 60,
            "EvaluationPeriods": 1,
            "Threshold": 1.0,
            "ComparisonOperator": "GreaterThanOrEqualToThreshold",
            **more,
        },
    )
    return name


def _set(aws: Aws, name: str, state: str, **more: Any) -> None:
    aws.client("cloudwatch").set_alarm_state(AlarmName=name, StateValue=state, StateReason="a drill", **more)


def _actions(aws: Aws, name: str) -> list[str]:
    items = aws.client("cloudwatch").describe_alarm_history(AlarmName=name, HistoryItemType="Action")
    return [item["HistorySummary"] for item in items["AlarmHistoryItems"]]


def _incidents_of(aws: Aws, plan: str) -> list[dict[str, Any]]:
    """Give the open incidents of a plan."""
    wanted = {"key": "status", "condition": {"equals": {"stringValues": ["OPEN"]}}}
    found = aws.client("ssm-incidents").list_incident_records(filters=[wanted])["incidentRecordSummaries"]
    return [r for r in found if f"/{plan.rpartition('/')[2]}/" in r["arn"]]


def _bus(aws: Aws, name: str) -> str:
    """Let the events of an alarm come into a queue and give its URL."""
    url, arn = aws.queue()
    rule, events = unique("rule"), aws.client("events")
    pattern = {"source": ["aws.cloudwatch"], "detail": {"alarmName": [name]}}
    events.put_rule(Name=rule, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=rule, Targets=[{"Id": "q", "Arn": arn}])
    return url


def test_a_metric_alarm_calls_an_alias_with_its_event(
    aws: Aws, make_function: Callable[..., Function]
) -> None:
    """The event is AWS's direct alarm event, and the function sees the alias it was called by."""
    function = make_function()
    function.permit()
    name = _alarm(aws, AlarmActions=[function.alias], AlarmDescription="Too many errors")
    _set(aws, name, "ALARM", StateReasonData='{"version":"1.0"}')
    (told,) = function.told()
    event = told["event"]
    arn = f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:{name}"
    assert told["arn"] == function.alias
    assert {k: event[k] for k in ("source", "alarmArn", "accountId", "region")} == {
        "source": "aws.cloudwatch",
        "alarmArn": arn,
        "accountId": ACCOUNT,
        "region": REGION,
    }
    data = event["alarmData"]
    assert data["alarmName"] == name
    assert (data["state"]["value"], data["state"]["reason"], data["state"]["reasonData"]) == (
        *("ALARM", "a drill"),
        '{"version":"1.0"}',
    )
    assert data["previousState"]["value"] == "INSUFFICIENT_DATA"
    assert data["configuration"]["description"] == "Too many errors"
    (metric,) = data["configuration"]["metrics"]
    assert metric["metricStat"] == {
        "metric": {"namespace": "App", "name": name, "dimensions": {"Service": "checkout"}},
        "period": 60,
        "stat": "Sum",
    }
    for time in (event["time"], data["state"]["timestamp"], data["previousState"]["timestamp"]):
        assert _TIME.fullmatch(time)


def test_without_a_permission_on_that_very_alias_nothing_is_called(
    aws: Aws, make_function: Callable[..., Function]
) -> None:
    """A permission on the function, or for another service, does not open the alias; the history tells."""
    function = make_function()
    function.permit(qualifier="")
    function.permit(principal="events.amazonaws.com")
    name = _alarm(aws, AlarmActions=[function.alias], OKActions=[function.arn])
    _set(aws, name, "ALARM")
    (failed,) = _actions(aws, name)
    assert failed.startswith(f"Failed to execute action {function.alias}")
    assert "no resource-based policy allows the lambda:InvokeFunction action" in failed
    _set(aws, name, "OK")
    assert [told["arn"] for told in function.told()] == [function.arn]


def test_an_alarm_calls_a_version(aws: Aws, make_function: Callable[..., Function]) -> None:
    """By a permission on that very version."""
    function = make_function()
    function.permit(qualifier="1")
    name = _alarm(aws, AlarmActions=[function.alias, f"{function.arn}:1"])
    _set(aws, name, "ALARM")
    assert [told["arn"] for told in function.told()] == [f"{function.arn}:1"]


def test_actions_follow_the_new_state(aws: Aws, make_function: Callable[..., Function]) -> None:
    """ALARM, OK and INSUFFICIENT_DATA have lists of their own; the event tells the state before."""
    function = make_function()
    function.permit()
    name = _alarm(aws, OKActions=[function.alias], InsufficientDataActions=[function.alias])
    for state in ("ALARM", "OK", "INSUFFICIENT_DATA"):
        _set(aws, name, state)
    states = {
        (told["event"]["alarmData"]["previousState"]["value"], told["event"]["alarmData"]["state"]["value"])
        for told in function.told(2)
    }
    assert states == {("ALARM", "OK"), ("OK", "INSUFFICIENT_DATA")}


def test_the_same_state_again_does_nothing(aws: Aws) -> None:
    """SetAlarmState acts only on a change."""
    plan = aws.plan()
    name = _alarm(aws, AlarmActions=[plan])
    for _ in range(2):
        _set(aws, name, "ALARM")
    assert len(_actions(aws, name)) == 1


def test_disabled_actions_do_nothing_but_the_bus_is_told(aws: Aws) -> None:
    """ActionsEnabled false mutes the actions; the event is sent all the same."""
    plan = aws.plan()
    name = _alarm(aws, AlarmActions=[plan], ActionsEnabled=False)
    queue = _bus(aws, name)
    _set(aws, name, "ALARM")
    (event,) = aws.messages(queue)
    assert event["detail"]["state"]["value"] == "ALARM"
    assert _actions(aws, name) == []


def test_the_bus_gets_the_event_in_eventbridges_shape(aws: Aws) -> None:
    """CloudWatch Alarm State Change, from aws.cloudwatch, about the alarm."""
    name = _alarm(aws)
    queue = _bus(aws, name)
    _set(aws, name, "ALARM")
    (event,) = aws.messages(queue)
    assert (event["source"], event["detail-type"]) == ("aws.cloudwatch", "CloudWatch Alarm State Change")
    assert event["resources"] == [f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:{name}"]
    assert set(event["detail"]) == {"alarmName", "state", "previousState", "configuration"}


def test_the_bus_hears_of_what_is_configured(aws: Aws, stack: Stack) -> None:
    """An alarm that is made, changed, deleted: with its configuration, and the one before."""
    name = unique("alarm")
    queue, watch = _bus(aws, name), aws.client("cloudwatch")
    single = {"Namespace": "App", "MetricName": "m", "Statistic": "Sum", "Period": 60, "EvaluationPeriods": 1}
    made = {"AlarmName": name, **single, "ComparisonOperator": "GreaterThanThreshold", "OKActions": [_TOPIC]}
    stack.deploy({"Alarm": {"Type": "AWS::CloudWatch::Alarm", "Properties": {**made, "Threshold": 1}}})
    watch.put_metric_alarm(**made, Threshold=2, ActionsEnabled=False)
    stack.delete()
    watch.put_composite_alarm(AlarmName=name, AlarmRule="FALSE")
    watch.delete_alarms(AlarmNames=[name])
    # The composite alarm's first state comes between.
    events = [event for event in aws.messages(queue, 6) if event["detail-type"] == _CONFIGURED]
    created, updated, *rest = (event["detail"] for event in events)
    told = created["configuration"]
    assert (created["operation"], created["state"]["value"]) == ("create", "INSUFFICIENT_DATA")
    assert _TIME.fullmatch(told.pop("timestamp"))
    (metric,) = told.pop("metrics")
    assert metric["metricStat"]["metric"] == {"namespace": "App", "name": "m", "dimensions": {}}
    assert told == {
        "alarmName": name,
        "actionsEnabled": True,
        "okActions": [_TOPIC],
        "alarmActions": [],
        "insufficientDataActions": [],
        "evaluationPeriods": 1,
        "comparisonOperator": "GreaterThanThreshold",
        "threshold": 1.0,
        "treatMissingData": "missing",
    }
    thresholds = [updated[name]["threshold"] for name in ("previousConfiguration", "configuration")]
    assert (updated["operation"], thresholds) == ("update", [1.0, 2.0])
    operations = [(detail["operation"], "alarmRule" in detail["configuration"]) for detail in rest]
    assert operations == [("delete", False), ("create", True), ("delete", True)]


def test_an_alarm_starts_an_incident_by_itself(aws: Aws) -> None:
    """The native path: the plan's title, CloudWatch as the source, the alarm as the resource."""
    plan = aws.plan(title="Of the plan", impact=2)
    name = _alarm(aws, AlarmActions=[plan])
    _set(aws, name, "ALARM")
    (record,) = _incidents_of(aws, plan)
    source = record["incidentRecordSource"]
    assert (record["title"], record["impact"]) == ("Of the plan", 2)
    assert source["source"] == "aws.cloudwatch"
    assert source["invokedBy"] == "ssm-incidents.alarms.cloudwatch.amazonaws.com"
    assert source["resourceArn"] == f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:{name}"


def test_the_service_deduplicates_an_alarm_while_its_incident_is_open(aws: Aws) -> None:
    """Flapping joins; another alarm does not."""
    plan = aws.plan()
    first, second = _alarm(aws, AlarmActions=[plan]), _alarm(aws, AlarmActions=[plan])
    for state in ("ALARM", "OK", "ALARM"):
        _set(aws, first, state)
    assert len(_incidents_of(aws, plan)) == 1
    _set(aws, second, "ALARM")
    assert len(_incidents_of(aws, plan)) == 2


def test_a_failed_native_start_stands_in_the_history(aws: Aws) -> None:
    """A plan that does not exist makes no incident."""
    plan = aws.plan() + "-gone"
    name = _alarm(aws, AlarmActions=[plan])
    _set(aws, name, "ALARM")
    (failed,) = _actions(aws, name)
    assert failed.startswith(f"Failed to execute action {plan}")


def _topic(aws: Aws) -> tuple[str, str]:
    """Make a topic that a queue hears, and give its ARN and the queue's URL."""
    url, arn = aws.queue()
    sns = aws.client("sns")
    topic = sns.create_topic(Name=unique("topic"))["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    return topic, url


def test_a_topic_gets_cloudwatchs_message(aws: Aws) -> None:
    """With the alarm's ARN, the Region by its human name, and the metric under Trigger."""
    topic, url = _topic(aws)
    name = _alarm(aws, AlarmActions=[topic])
    _set(aws, name, "ALARM")
    (message,) = aws.messages(url)
    told = json.loads(message["Message"])
    assert message["Subject"] == f'ALARM: "{name}" in US East (N. Virginia)'
    assert (told["AlarmName"], told["AlarmDescription"], told["AWSAccountId"]) == (name, None, ACCOUNT)
    assert told["AlarmArn"] == f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:{name}"
    assert (told["OldStateValue"], told["NewStateValue"]) == ("INSUFFICIENT_DATA", "ALARM")
    assert (told["NewStateReason"], told["Region"]) == ("a drill", "US East (N. Virginia)")
    assert _TIME.fullmatch(told["StateChangeTime"])
    assert told["AlarmActions"] == [topic]
    assert told["Trigger"] == {
        "MetricName": name,
        "Namespace": "App",
        "StatisticType": "Statistic",
        "Statistic": "SUM",
        "Unit": None,
        "Dimensions": [{"value": "checkout", "name": "Service"}],
        "TreatMissingData": "missing",
        "Period": 60,
        "EvaluationPeriods": 1,
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        "Threshold": 1.0,
    }


def test_a_topic_hears_of_a_composite_alarm_and_of_metric_math(aws: Aws) -> None:
    """The one has a rule and children instead of a trigger, the other queries in it."""
    topic, url = _topic(aws)
    single = ("MetricName", "Namespace", "Dimensions", "Statistic", "Period")
    name = unique("alarm")
    aws.client("cloudwatch").put_metric_alarm(
        AlarmName=name,
        Metrics=_math("errors", {"Name": "Service", "Value": "checkout"}),
        EvaluationPeriods=1,
        Threshold=1.0,
        ComparisonOperator="GreaterThanThreshold",
        AlarmActions=[topic],
    )
    composite = _composite(aws, f"ALARM({name})", AlarmActions=[topic])
    _set(aws, name, "ALARM")
    told = {m["AlarmName"]: m for m in (json.loads(body["Message"]) for body in aws.messages(url, 2))}
    expression, query = told[name]["Trigger"]["Metrics"]
    assert (expression["Id"], expression["Expression"]) == ("rate", "errors / 60")
    assert query["MetricStat"]["Metric"]["Dimensions"] == [{"value": "checkout", "name": "Service"}]
    assert set(told[name]["Trigger"]).isdisjoint(single)
    assert "Trigger" not in told[composite]
    assert told[composite]["AlarmRule"] == f"ALARM({name})"
    (child,) = told[composite]["TriggeringChildren"]
    assert (child["Arn"].rpartition(":")[2], child["State"]["Value"]) == (name, "ALARM")


def test_an_alarm_creates_one_ops_item_while_it_is_open(aws: Aws) -> None:
    """With the action's severity and category, and the alarm as its resource."""
    action = f"arn:aws:ssm:{REGION}:{ACCOUNT}:opsitem:2#CATEGORY=Availability"
    name, ssm = _alarm(aws, AlarmActions=[action]), aws.client("ssm")
    wanted = [{"Key": "Title", "Operator": "Contains", "Values": [f"'{name}'"]}]
    for state in ("ALARM", "OK", "ALARM"):
        _set(aws, name, state)
    (item,) = ssm.describe_ops_items(OpsItemFilters=wanted)["OpsItemSummaries"]
    assert (item["Severity"], item["Category"]) == ("2", "Availability")
    (resource,) = json.loads(item["OperationalData"]["/aws/resources"]["Value"])
    assert resource["arn"].endswith(f":alarm:{name}")
    ssm.update_ops_item(OpsItemId=item["OpsItemId"], Status="Resolved")
    for state in ("OK", "ALARM"):
        _set(aws, name, state)
    assert len(ssm.describe_ops_items(OpsItemFilters=wanted)["OpsItemSummaries"]) == 2


def test_a_datum_over_the_threshold_acts_too(aws: Aws) -> None:
    """The emulator's own evaluation goes the same way, on the alarm's own dimensions only."""
    plan = aws.plan()
    name = _alarm(aws, AlarmActions=[plan])

    def put(service: str) -> None:
        dimensions = [{"Name": "Service", "Value": service}]
        data = [{"MetricName": name, "Dimensions": dimensions, "Value": 5.0}]
        aws.client("cloudwatch").put_metric_data(Namespace="App", MetricData=data)

    put("another")
    assert _incidents_of(aws, plan) == []
    put("checkout")
    assert len(_incidents_of(aws, plan)) == 1


def _composite(aws: Aws, rule: str, **more: Any) -> str:
    name = unique("composite")
    aws.client("cloudwatch").put_composite_alarm(AlarmName=name, AlarmRule=rule, **more)
    return name


def _state(aws: Aws, name: str) -> str:
    alarms = aws.client("cloudwatch").describe_alarms(
        AlarmNames=[name], AlarmTypes=["CompositeAlarm", "MetricAlarm"]
    )
    state: str = (alarms["CompositeAlarms"] + alarms["MetricAlarms"])[0]["StateValue"]
    return state


@pytest.mark.parametrize(
    ("rule", "states", "expected"),
    [
        ('ALARM("{a}")', ("ALARM", "OK"), "ALARM"),
        ("ALARM({a}) AND ALARM({b})", ("ALARM", "OK"), "OK"),
        ("ALARM({a}) AND ALARM({b})", ("ALARM", "ALARM"), "ALARM"),
        ("ALARM({a}) OR ALARM({b})", ("OK", "ALARM"), "ALARM"),
        ("ALARM({a}) AND NOT ALARM({b})", ("ALARM", "OK"), "ALARM"),
        ("NOT (OK({a}) OR INSUFFICIENT_DATA({b}))", ("ALARM", "OK"), "ALARM"),
        ("TRUE AND OK({a})", ("OK", "OK"), "ALARM"),
        ("FALSE OR OK({a})", ("ALARM", "OK"), "OK"),
    ],
)
def test_a_composite_alarm_follows_its_rule(
    aws: Aws, rule: str, states: tuple[str, str], expected: str
) -> None:
    """AND, OR, NOT, TRUE, FALSE and the three states, evaluated when a child changes."""
    children = _alarm(aws), _alarm(aws)
    name = _composite(aws, rule.format(a=children[0], b=children[1]))
    for child, state in zip(children, states, strict=True):
        _set(aws, child, state)
    assert _state(aws, name) == expected


def test_a_composite_alarm_acts_with_its_own_event(aws: Aws, make_function: Callable[..., Function]) -> None:
    """The event tells the rule instead of metrics, and which children triggered it."""
    function = make_function()
    function.permit()
    child = _alarm(aws)
    name = _composite(aws, f"ALARM({child})", AlarmActions=[function.alias])
    _set(aws, child, "ALARM")
    (told,) = function.told()
    data = told["event"]["alarmData"]
    assert data["alarmName"] == name
    assert data["configuration"] == {"alarmRule": f"ALARM({child})"}
    (trigger,) = json.loads(data["state"]["reasonData"])["triggeringAlarms"]
    assert trigger["arn"].endswith(f":alarm:{child}")


def _math(name: str, *dimensions: dict[str, str]) -> list[dict[str, Any]]:
    metric = {"Namespace": "App", "MetricName": name, **({"Dimensions": dimensions} if dimensions else {})}
    stat = {"Metric": metric, "Period": 60, "Stat": "Sum"}
    expression = {"Id": "rate", "Expression": "errors / 60", "Label": "rate", "ReturnData": True}
    return [expression, {"Id": "errors", "MetricStat": stat, "ReturnData": False}]


def test_an_alarm_on_metric_math_is_kept_and_told(aws: Aws) -> None:
    """DescribeAlarms gives Metrics back, and the event names them all."""
    name, metrics = unique("alarm"), _math("errors")
    aws.client("cloudwatch").put_metric_alarm(
        AlarmName=name,
        Metrics=metrics,
        EvaluationPeriods=1,
        Threshold=1.0,
        ComparisonOperator="GreaterThanThreshold",
    )
    (alarm,) = aws.client("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"]
    assert alarm["Metrics"] == metrics
    assert "MetricName" not in alarm
    queue = _bus(aws, name)
    _set(aws, name, "ALARM")
    (event,) = aws.messages(queue)
    assert event["detail"]["configuration"]["metrics"] == [
        {"id": "rate", "expression": "errors / 60", "label": "rate", "returnData": True},
        {
            "id": "errors",
            "metricStat": {
                "metric": {"namespace": "App", "name": "errors", "dimensions": {}},
                "period": 60,
                "stat": "Sum",
            },
            "returnData": False,
        },
    ]


def test_alarms_are_found_by_their_actions(aws: Aws) -> None:
    """DescribeAlarms honours ActionPrefix, alone and with names."""
    plan = aws.plan()
    wired, other = _alarm(aws, AlarmActions=[plan]), _alarm(aws)
    watch = aws.client("cloudwatch")
    assert [a["AlarmName"] for a in watch.describe_alarms(ActionPrefix=plan)["MetricAlarms"]] == [wired]
    assert watch.describe_alarms(ActionPrefix=plan, AlarmNames=[other])["MetricAlarms"] == []
    assert watch.describe_alarms(ActionPrefix=f"{plan}-x")["MetricAlarms"] == []


def test_reason_data_does_not_outlive_its_state(aws: Aws) -> None:
    """A state that is set without reason data has none."""
    name = _alarm(aws)
    queue = _bus(aws, name)
    _set(aws, name, "ALARM", StateReasonData="{}")
    _set(aws, name, "OK")
    events = {e["detail"]["state"]["value"]: e["detail"] for e in aws.messages(queue, 2)}
    assert "reasonData" in events["ALARM"]["state"]
    assert "reasonData" not in events["OK"]["state"]
    assert events["OK"]["previousState"]["reasonData"] == "{}"


def test_a_composite_alarm_names_children_that_exist(aws: Aws) -> None:
    """A rule over unknown alarms is refused."""
    client = aws.client("cloudwatch")
    with pytest.raises(client.exceptions.ClientError, match="do not exist"):
        _composite(aws, "ALARM(nobody-made-this-one)")


def test_the_native_incident_carries_the_event_as_raw_data(aws: Aws, incidents: Any) -> None:
    """The runbook's way to the alarm: eventData, rawData, EventBridge's shape."""
    plan = aws.plan()
    name = _alarm(aws, AlarmActions=[plan])
    _set(aws, name, "ALARM")
    wait_until(lambda: bool(_incidents_of(aws, plan)))
    arn = _incidents_of(aws, plan)[0]["arn"]
    (summary,) = incidents.list_timeline_events(incidentRecordArn=arn)["eventSummaries"]
    event = incidents.get_timeline_event(incidentRecordArn=arn, eventId=summary["eventId"])["event"]
    raw = json.loads(json.loads(event["eventData"])["rawData"])
    assert raw["detail"]["configuration"]["metrics"][0]["metricStat"]["metric"]["name"] == name
