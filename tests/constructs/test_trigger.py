"""IncidentTrigger: what it is made of, under every set of feature flags."""

from __future__ import annotations

import json
import re
import runpy
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sns as sns

from cdk_incidents import IncidentTrigger, ResponsePlanAction, SmokeTest, _runtime_asset
from tests.runtime.fakes import FakeClock, FakeContext
from tests.runtime.storm import RETRIED_AFTER_S, Account
from tests.synthesis import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.synthesis import Make, Synth, World

ALIAS = "AWS::Lambda::Alias"
ASYNC = "AWS::Lambda::EventInvokeConfig"
FUNCTION = "AWS::Lambda::Function"
PERMISSION = "AWS::Lambda::Permission"
PLAN = "AWS::SSMIncidents::ResponsePlan"
QUEUE = "AWS::SQS::Queue"
VERSION = "AWS::Lambda::Version"
OF_THIS_ACCOUNT = {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}
CALLED_BY_THE_SERVICE = {"StringEquals": {"aws:CalledViaFirst": "ssm-incidents.amazonaws.com"}}


def arn(synth: Synth, resource_type: str, like: str) -> dict[str, Any]:
    """Return the reference to a resource's ARN."""
    return {"Fn::GetAtt": [synth.id_of(resource_type, like), "Arn"]}


def ref(synth: Synth, resource_type: str, like: str) -> dict[str, Any]:
    """Return the reference to a resource."""
    return {"Ref": synth.id_of(resource_type, like)}


PSEUDO = {
    "{partition}": {"Ref": "AWS::Partition"},
    "{region}": {"Ref": "AWS::Region"},
    "{account}": {"Ref": "AWS::AccountId"},
}


def own_arn(text: str) -> dict[str, Any]:
    """Return an ARN with `{partition}`, `{region}` and `{account}` as CloudFormation makes it."""
    parts = re.split(r"(\{\w+\})", text)
    return {"Fn::Join": ["", [PSEUDO.get(part, part) for part in parts if part]]}


def startable(synth: Synth) -> list[Any]:
    """Return the plans that the trigger's role may start."""
    (inline,) = synth.properties("AWS::IAM::Role", "TriggerRole")["Policies"]
    (statement,) = (
        each
        for each in inline["PolicyDocument"]["Statement"]
        if "ssm-incidents:StartIncident" in each["Action"]
    )
    plans = statement["Resource"]
    return plans if isinstance(plans, list) else [plans]


def test_function(world: World) -> None:
    """The function has a name fixed at synth, the layer, its own log and role, and time for the service."""
    synth = world.synth
    properties = dict(synth.properties(FUNCTION, "TriggerFunction"))
    code = properties.pop("Code")
    assert set(code) == {"ZipFile"}
    assert properties == {
        "Architectures": ["arm64"],
        "Description": "Turns signals into incidents (cdk_incidents)",
        "Environment": {
            "Variables": {
                "INCIDENTS_LEDGER_TABLE": ref(synth, "AWS::DynamoDB::GlobalTable", "Ledger"),
                "INCIDENTS_RETRY_QUEUE_URL": ref(synth, QUEUE, "Retries"),
                "INCIDENTS_DEAD_LETTER_QUEUE_URL": ref(synth, QUEUE, "DeadLetters"),
                "INCIDENTS_FALLBACK_TOPIC_ARN": ref(synth, "AWS::SNS::Topic", "Fallback"),
            }
        },
        "FunctionName": world.trigger_name,
        "Handler": "index.handler",
        "Layers": [ref(synth, "AWS::Lambda::LayerVersion", "")],
        "LoggingConfig": {"LogGroup": ref(synth, "AWS::Logs::LogGroup", "TriggerLog")},
        "MemorySize": 256,
        "Role": arn(synth, "AWS::IAM::Role", "TriggerRole"),
        "Runtime": "python3.13",
        "Timeout": 30,
    }


def test_function_waits_for_all_that_its_role_may_do(world: World) -> None:
    """No invocation meets a role that is not complete: the function comes after each of its policies."""
    synth = world.synth
    role = synth.id_of("AWS::IAM::Role", "TriggerRole")
    policies = {
        logical_id
        for logical_id, policy in synth.of_type("AWS::IAM::Policy").items()
        if {"Ref": role} in policy["Properties"]["Roles"]
    }
    assert policies
    assert policies | {role} <= synth.comes_after(synth.id_of(FUNCTION, "TriggerFunction"))


def test_layer_fits_the_function(world: World) -> None:
    """One layer serves trigger and smoke test; it fits their runtime and architecture, and goes with them."""
    layer = world.synth.one("AWS::Lambda::LayerVersion")
    assert layer["Properties"]["CompatibleRuntimes"] == ["python3.13"]
    assert layer["Properties"]["CompatibleArchitectures"] == ["arm64"]
    assert layer["DeletionPolicy"] == "Delete"
    users = [
        logical_id
        for logical_id, function in world.synth.of_type(FUNCTION).items()
        if function["Properties"].get("Layers") == [ref(world.synth, "AWS::Lambda::LayerVersion", "")]
    ]
    assert len(users) == 2


def test_role_may_do_what_it_needs_and_nothing_else(world: World) -> None:
    """The role's permissions are these, one by one."""
    synth = world.synth
    role = synth.properties("AWS::IAM::Role", "TriggerRole")
    assert set(role) == {"AssumeRolePolicyDocument", "Policies", "RoleName"}
    (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "lambda.amazonaws.com"}
    (inline,) = role["Policies"]
    permissions_of = synth.permissions_of
    attached = [
        statement
        for policy in synth.of_type("AWS::IAM::Policy", "Trigger").values()
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
    ]
    plans = [ref(synth, PLAN, like) for like in ("PlanDAF", "CfnPlan", "QuietPlan")]
    records = [
        own_arn(f"arn:{{partition}}:ssm-incidents::{{account}}:incident-record/{name}/*")
        for name in (
            synth.properties(PLAN, "PlanDAF")["Name"],
            "l1-plan",
            synth.properties(PLAN, "QuietPlan")["Name"],
        )
    ]
    follow = [
        "ssm-incidents:CreateTimelineEvent",
        "ssm-incidents:GetIncidentRecord",
        "ssm-incidents:ListRelatedItems",
        "ssm-incidents:UpdateIncidentRecord",
    ]
    retries, dead_letters = arn(synth, QUEUE, "Retries"), arn(synth, QUEUE, "DeadLetters")
    expected: list[tuple[list[str], list[Any], dict[str, Any] | None]] = [
        (["ssm-incidents:StartIncident"], plans, None),
        (
            ["ssm-contacts:StartEngagement"],
            [own_arn("arn:{partition}:ssm-contacts:*:{account}:contact/*")],
            CALLED_BY_THE_SERVICE,
        ),
        (["ssm:CreateOpsItem"], ["*"], CALLED_BY_THE_SERVICE),
        (follow, plans + records, None),
        (["ssm-incidents:TagResource"], records, None),
        # Before it starts what must wake nobody.
        (["ssm-incidents:GetResponsePlan"], plans[-1:], None),
        (["ssm-incidents:ListIncidentRecords"], ["*"], None),
        (
            ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"],
            [arn(synth, "AWS::DynamoDB::GlobalTable", "Ledger")],
            None,
        ),
        (["sqs:SendMessage"], [retries, dead_letters], None),
        (
            [
                "sqs:ChangeMessageVisibility",
                "sqs:DeleteMessage",
                "sqs:GetQueueAttributes",
                "sqs:ReceiveMessage",
            ],
            [retries],
            None,
        ),
        (
            ["logs:CreateLogStream", "logs:PutLogEvents"],
            [arn(synth, "AWS::Logs::LogGroup", "TriggerLog")],
            None,
        ),
        (
            ["cloudwatch:DescribeAlarms"],
            # With anything narrower CloudWatch tells nothing of composite alarms.
            ["*"],
            None,
        ),
        (["sns:Publish"], [ref(synth, "AWS::SNS::Topic", "Fallback")], None),
    ]
    assert permissions_of(inline["PolicyDocument"]["Statement"] + attached) == permissions_of(
        [
            {"Effect": "Allow", "Action": actions, "Resource": resources, "Condition": condition}
            for actions, resources, condition in expected
        ]
    )


def test_queues_are_encrypted_and_take_tls_only(world: World) -> None:
    """Both queues are encrypted at rest, and refuse what does not come by TLS."""
    for name in ("DeadLetters", "Retries"):
        queue = world.synth.id_of(QUEUE, name)
        assert world.synth.properties(QUEUE, name)["SqsManagedSseEnabled"] is True
        policy = world.synth.properties("AWS::SQS::QueuePolicy", name)
        assert policy["Queues"] == [{"Ref": queue}]
        assert {
            "Action": "sqs:*",
            "Effect": "Deny",
            "Principal": {"AWS": "*"},
            "Resource": {"Fn::GetAtt": [queue, "Arn"]},
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        } in policy["PolicyDocument"]["Statement"]


def test_retry_queue_drains_a_storm_before_it_gives_up(world: World) -> None:
    """Retries wait six time-outs, are received 200 times, then lie in the dead-letter queue; 14 days in all.

    What a maintenance window holds back waits in the same queue, for 13 days if need be.
    """
    retries = world.synth.properties(QUEUE, "Retries")
    dead_letters = world.synth.properties(QUEUE, "DeadLetters")
    timeout = world.synth.properties(FUNCTION, "TriggerFunction")["Timeout"]
    assert retries["RedrivePolicy"] == {
        "deadLetterTargetArn": arn(world.synth, QUEUE, "DeadLetters"),
        "maxReceiveCount": 200,
    }
    # https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
    assert retries["VisibilityTimeout"] == 6 * timeout
    assert retries["MessageRetentionPeriod"] == 14 * 86_400
    assert dead_letters["MessageRetentionPeriod"] == 14 * 86_400


def test_ledger_is_a_cache(world: World) -> None:
    """The ledger has the runtime's key, forgets what has expired, and goes with the stack."""
    table = world.synth.one("AWS::DynamoDB::GlobalTable")
    properties = table["Properties"]
    assert properties["KeySchema"] == [{"AttributeName": "key", "KeyType": "HASH"}]
    assert properties["AttributeDefinitions"] == [{"AttributeName": "key", "AttributeType": "S"}]
    assert properties["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}
    assert properties["BillingMode"] == "PAY_PER_REQUEST"
    assert table["DeletionPolicy"] == table["UpdateReplacePolicy"] == "Delete"


def test_every_live_alias_has_its_own_way_out(world: World) -> None:
    """A failed event of any route is retried twice, then kept; settings on the function would drop it."""
    synth = world.synth
    live = {name: alias for name, alias in synth.of_type(ALIAS, "Live").items() if "retry" not in name}
    assert {alias["Properties"]["Name"] for alias in live.values()} == {"Critical", "notice-only"}
    settings = {
        json.dumps(config["Properties"].pop("Qualifier")): config["Properties"]
        for config in json.loads(json.dumps(synth.of_type(ASYNC, "Live"))).values()
    }
    assert settings == {
        json.dumps({"Fn::Select": [7, {"Fn::Split": [":", {"Ref": alias}]}]}): {
            "FunctionName": ref(synth, FUNCTION, "TriggerFunction"),
            "MaximumRetryAttempts": 2,
            "MaximumEventAgeInSeconds": 3600,
            "DestinationConfig": {"OnFailure": {"Destination": arn(synth, QUEUE, "Retries")}},
        }
        for alias in live
    }


def test_aliases_stand_for_the_current_version(world: World) -> None:
    """Every alias, ours and the routes', invokes the version that this template makes."""
    version = world.synth.id_of(VERSION)
    aliases = world.synth.of_type(ALIAS).values()
    assert {alias["Properties"]["Name"] for alias in aliases} == {
        "Critical",
        "notice-only",
        "retry",
        "smoke-test",
    }
    for alias in aliases:
        assert alias["Properties"]["FunctionVersion"] == {"Fn::GetAtt": [version, "Version"]}
        assert alias["Properties"]["FunctionName"] == ref(world.synth, FUNCTION, "TriggerFunction")


def test_one_permission_per_alias_serves_all_alarms(world: World) -> None:
    """CloudWatch may invoke each route's alias for this account, by one permission; not the retry alias."""
    synth = world.synth
    permissions = [
        permission["Properties"]
        for permission in synth.of_type(PERMISSION).values()
        if permission["Properties"]["Principal"] == "lambda.alarms.cloudwatch.amazonaws.com"
    ]
    doors = [alias for alias in synth.of_type(ALIAS) if "retry" not in alias]
    assert sorted(permissions, key=str) == sorted(
        [
            {
                "Action": "lambda:InvokeFunction",
                "FunctionName": {"Ref": alias},
                "Principal": "lambda.alarms.cloudwatch.amazonaws.com",
                "SourceAccount": {"Ref": "AWS::AccountId"},
            }
            for alias in doors
        ],
        key=str,
    )


def test_retry_queue_is_read_through_a_live_alias(world: World) -> None:
    """The reader is an alias of its own, five at a time, and no message holds another one up."""
    synth = world.synth
    alias = ref(synth, ALIAS, "retry")
    assert synth.properties("AWS::Lambda::EventSourceMapping") == {
        "FunctionName": {
            "Fn::Join": ["", [{"Fn::Select": [6, {"Fn::Split": [":", alias]}]}, ":retry"]],
        },
        "EventSourceArn": arn(synth, QUEUE, "Retries"),
        "BatchSize": 1,
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "ScalingConfig": {"MaximumConcurrency": 5},
    }


def test_storms_are_simulated_with_what_is_deployed(world: World) -> None:
    """Readers, batches, visibility, receives, and how long Lambda keeps an event."""
    synth, simulated = world.synth, Account()
    mapping = synth.properties("AWS::Lambda::EventSourceMapping")
    (retries,) = (queue for queue in synth.of_type(QUEUE).values() if "RedrivePolicy" in queue["Properties"])
    alias = next(
        config["Properties"]
        for config in synth.of_type("AWS::Lambda::EventInvokeConfig").values()
        if "DestinationConfig" in config["Properties"]
    )
    assert simulated == Account(
        readers=mapping["ScalingConfig"]["MaximumConcurrency"],
        batch=mapping["BatchSize"],
        hidden_s=retries["Properties"]["VisibilityTimeout"],
        most_receives=retries["Properties"]["RedrivePolicy"]["maxReceiveCount"],
        oldest_event_s=alias["MaximumEventAgeInSeconds"],
    )
    assert alias["MaximumRetryAttempts"] == len(RETRIED_AFTER_S)
    assert synth.properties(FUNCTION, "TriggerFunction")["Timeout"] == FakeContext(FakeClock(), "").seconds


HEALTH = {
    "DeadLetters": ("AWS/SQS", "ApproximateNumberOfMessagesVisible", "Maximum", 1),
    "Failures": ("CdkIncidents", "Failed", "Sum", 1),
}


@pytest.mark.parametrize("name", HEALTH)
def test_health_alarms_watch_the_trigger(world: World, name: str) -> None:
    """What ends in the dead-letter queue, and the trigger's failures, are watched every five minutes."""
    synth = world.synth
    properties = synth.properties("AWS::CloudWatch::Alarm", f"Health{name}")
    namespace, metric, statistic, threshold = HEALTH[name]
    expected = (
        {"Name": "QueueName", "Value": {"Fn::GetAtt": [synth.id_of(QUEUE, "DeadLetters"), "QueueName"]}}
        if name == "DeadLetters"
        else {"Name": "Trigger", "Value": world.trigger_name}
    )
    assert properties["Namespace"] == namespace
    assert properties["MetricName"] == metric
    assert properties["Statistic"] == statistic
    assert properties["Threshold"] == threshold
    assert properties["Period"] == 300
    assert properties["EvaluationPeriods"] == 1
    assert properties["Dimensions"] == [expected]


def test_health_alarm_on_retries_that_do_not_end(world: World) -> None:
    """A quarter of an hour in which signals wait or were tried in vain all the time is told.

    Not what is in flight, since what a suppression holds back is hidden there; nor the age of the oldest
    message: SQS leaves out what was received three times.
    """
    synth = world.synth
    properties = synth.properties("AWS::CloudWatch::Alarm", "HealthRetrying")
    queue = {"Fn::GetAtt": [synth.id_of(QUEUE, "Retries"), "QueueName"]}
    metrics = {metric.pop("Id"): metric for metric in json.loads(json.dumps(properties["Metrics"]))}
    expected = {
        metric_id: {
            "MetricStat": {
                "Metric": {"Namespace": namespace, "MetricName": name, "Dimensions": [dimension]},
                "Period": 300,
                "Stat": statistic,
            },
            "ReturnData": False,
        }
        for metric_id, namespace, name, dimension, statistic in (
            (
                "waiting",
                "AWS/SQS",
                "ApproximateNumberOfMessagesVisible",
                {"Name": "QueueName", "Value": queue},
                "Maximum",
            ),
            ("retried", "CdkIncidents", "Retried", {"Name": "Trigger", "Value": world.trigger_name}, "Sum"),
        )
    }
    (expression,) = [metrics.pop(name) for name in set(metrics) - set(expected)]
    assert metrics == expected
    assert expression == {
        "Expression": "FILL(waiting, 0) + FILL(retried, 0)",
        "Label": "Being retried",
        "ReturnData": True,
    }
    assert properties["Threshold"] == 1
    assert properties["ComparisonOperator"] == "GreaterThanOrEqualToThreshold"
    assert properties["EvaluationPeriods"] == 3
    # Without it, all of the periods must breach.
    assert properties.get("DatapointsToAlarm", 3) == 3


def test_health_alarm_on_the_budget(world: World) -> None:
    """From 80 percent of a budget on somebody is told at once, and again a day later if it still grows."""
    properties = world.synth.properties("AWS::CloudWatch::Alarm", "HealthBudget")
    assert {
        key: properties[key] for key in properties if key not in {"AlarmActions", "AlarmDescription"}
    } == {
        "Namespace": "CdkIncidents",
        "MetricName": "BudgetUsed",
        "Dimensions": [{"Name": "Trigger", "Value": world.trigger_name}],
        "Statistic": "Maximum",
        "Threshold": 80,
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        "TreatMissingData": "notBreaching",
        "Period": 300,
        "DatapointsToAlarm": 1,
        "EvaluationPeriods": 288,
    }
    # What CloudWatch takes of shorter periods than an hour is a day in all.
    # https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
    assert properties["Period"] * properties["EvaluationPeriods"] <= 86_400


def test_health_alarm_on_lost_events_leaves_the_quiet_alias_out(world: World) -> None:
    """Throttles and lost failure records are summed, less those of the smoke test's alias.

    Not dropped events: those count what went to the retry queue as it should.
    """
    properties = world.synth.properties("AWS::CloudWatch::Alarm", "HealthDelivery")
    metrics = {metric["Id"]: metric for metric in properties["Metrics"]}
    (expression,) = [metric for metric in metrics.values() if "Expression" in metric]
    assert expression["ReturnData"] is True
    terms = set(expression["Expression"].replace(" - ", " + -").split(" + "))
    seen = {}
    for metric_id, metric in metrics.items():
        if metric is expression:
            continue
        stat = metric["MetricStat"]
        assert metric["ReturnData"] is False
        assert (stat["Stat"], stat["Period"], stat["Metric"]["Namespace"]) == ("Sum", 300, "AWS/Lambda")
        dimensions = {item["Name"]: item["Value"] for item in stat["Metric"]["Dimensions"]}
        sign = "-" if "Resource" in dimensions else ""
        assert f"{sign}FILL({metric_id}, 0)" in terms
        seen[stat["Metric"]["MetricName"], sign] = dimensions
    whole = {"FunctionName": world.trigger_name}
    quiet = {**whole, "Resource": f"{world.trigger_name}:smoke-test"}
    assert seen == {
        (name, sign): quiet if sign else whole
        for name in ("Throttles", "DestinationDeliveryFailures")
        for sign in ("", "-")
    }
    assert len(terms) == 4


def test_health_alarms_go_to_the_fallback_and_the_health_plan(world: World) -> None:
    """A broken trigger is reported past itself: to the topic, and by the service's own path to the plan."""
    synth = world.synth
    alarms = synth.of_type("AWS::CloudWatch::Alarm", "TriggerHealth")
    assert len(alarms) == 5
    for alarm in alarms.values():
        assert alarm["Properties"]["AlarmActions"] == [
            ref(synth, "AWS::SNS::Topic", "Fallback"),
            ref(synth, PLAN, "HealthPlan"),
        ]
        assert alarm["Properties"]["TreatMissingData"] == "notBreaching"
        assert alarm["Metadata"]["cdk-incidents:purpose"] == "health"


def may_publish(topic: dict[str, Any]) -> dict[str, Any]:
    """Return the statement that lets alarms of the account publish to a topic."""
    return {
        "Action": "sns:Publish",
        "Effect": "Allow",
        "Principal": {"Service": "cloudwatch.amazonaws.com"},
        "Resource": topic,
        "Condition": OF_THIS_ACCOUNT,
    }


@pytest.mark.parametrize("enforce_ssl", [False, True])
def test_lets_alarms_publish_to_the_fallback(make: Make, *, enforce_ssl: bool) -> None:
    """A topic with a policy of its own has lost SNS's, which let the account's alarms in: ours says so."""
    stack = make.stack()
    fallback = sns.Topic(stack, "Fallback", enforce_ssl=enforce_ssl)
    IncidentTrigger(stack, "Trigger", fallback=fallback).add_route("Critical", response_plan=make.plan(stack))
    synth = make.synth(stack)
    topic = ref(synth, "AWS::SNS::Topic", "Fallback")
    policy = synth.properties("AWS::SNS::TopicPolicy")
    assert policy["Topics"] == [topic]
    allowed = [each for each in policy["PolicyDocument"]["Statement"] if each["Effect"] == "Allow"]
    assert [{key: each[key] for key in each if key != "Sid"} for each in allowed] == [may_publish(topic)]
    assert len(policy["PolicyDocument"]["Statement"]) == 1 + enforce_ssl


def test_lets_alarms_use_the_key_of_the_fallback(make: Make) -> None:
    """To an encrypted topic alarms publish with the key's permission, which only a key of one's own gives."""
    stack = make.stack()
    fallback = sns.Topic(stack, "Fallback", master_key=kms.Key(stack, "Key"))
    IncidentTrigger(stack, "Trigger", fallback=fallback).add_route("Critical", response_plan=make.plan(stack))
    synth = make.synth(stack)
    statements = synth.properties("AWS::KMS::Key")["KeyPolicy"]["Statement"]
    assert {
        "Action": ["kms:Decrypt", "kms:GenerateDataKey*"],
        "Effect": "Allow",
        "Principal": {"Service": "cloudwatch.amazonaws.com"},
        "Resource": "*",
        "Condition": OF_THIS_ACCOUNT,
    } in statements
    document = synth.properties("AWS::SNS::TopicPolicy")["PolicyDocument"]
    assert may_publish(ref(synth, "AWS::SNS::Topic", "Fallback")).items() <= document["Statement"][0].items()


def test_the_quickstarts_fallback_hears_its_alarms(make: Make) -> None:
    """What users copy works: the alarms on the trigger's health may publish to the quickstart's topic."""
    app = runpy.run_path(str(ROOT / "examples" / "quickstart" / "app.py"))
    synth = make.synth(app["stack"])
    topic = synth.id_of("AWS::SNS::Topic", "Fallback")
    statements = synth.properties("AWS::SNS::TopicPolicy")["PolicyDocument"]["Statement"]
    assert any(may_publish({"Ref": topic}).items() <= statement.items() for statement in statements)
    for alarm in synth.of_type("AWS::CloudWatch::Alarm", "TriggerHealth").values():
        assert {"Ref": topic} in alarm["Properties"]["AlarmActions"]


def test_says_nothing_when_there_is_a_fallback(world: World) -> None:
    """With a fallback topic synth has nothing to warn of."""
    assert world.synth.messages == []


def test_warns_when_there_is_no_fallback(make: Make) -> None:
    """Without a fallback synth warns, by an id that a user can acknowledge, and names the remedy."""
    stack = make.stack()
    IncidentTrigger(stack, "Trigger").add_route("Critical", response_plan=make.plan(stack))
    synth = make.synth(stack)
    ((path, level, text),) = synth.messages
    assert (path, level) == ("/Stack/Trigger", "warning")
    assert text.startswith("fallback must be a topic that somebody reads, or OpsItems (got none): ")
    assert text.endswith("Pass fallback=topic. [ack: cdk-incidents:no-fallback]")
    for alarm in synth.of_type("AWS::CloudWatch::Alarm", "TriggerHealth").values():
        assert "AlarmActions" not in alarm["Properties"]
    variables = synth.properties(FUNCTION)["Environment"]["Variables"]
    assert "INCIDENTS_FALLBACK_TOPIC_ARN" not in variables
    assert synth.of_type("AWS::IAM::Policy") == {}


def test_log_is_kept_for_three_months_or_as_told(make: Make, world: World) -> None:
    """The log has the function's own name, is kept for three months or as told, and goes with it."""
    log = world.synth.one("AWS::Logs::LogGroup", "TriggerLog")
    assert log["Properties"] == {
        "LogGroupName": f"/aws/lambda/{world.trigger_name}",
        "RetentionInDays": 90,
    }
    assert log["DeletionPolicy"] == "Delete"
    stack = make.stack()
    trigger = IncidentTrigger(
        stack, "Trigger", trigger_name="mine", log_retention=logs.RetentionDays.ONE_WEEK
    )
    trigger.add_route("Critical", response_plan=make.plan(stack))
    assert trigger.log_group_name == "/aws/lambda/mine"
    properties = make.synth(stack).properties("AWS::Logs::LogGroup")
    assert properties == {"LogGroupName": trigger.log_group_name, "RetentionInDays": 7}


@pytest.mark.parametrize("is_proven", [False, True])
def test_refuses_to_stand_without_a_route(make: Make, *, is_proven: bool) -> None:
    """IAM takes no statement without a resource; the smoke test's own route leads nobody anywhere."""
    stack = make.stack()
    trigger = IncidentTrigger(stack, "Trigger")
    if is_proven:
        SmokeTest(stack, "SmokeTest", trigger=trigger)
    message = r"\[Stack/Trigger\] routes must be at least one a trigger \(got 'none'\): call add_route\."
    with pytest.raises(RuntimeError, match=message):
        make.synth(stack)


@pytest.mark.parametrize("name", ["n", "n" * 64, "Trigger_of-7"])
def test_takes_names_that_lambda_takes(make: Make, name: str) -> None:
    """1 to 64 letters, digits, hyphens and underscores are a function's name."""
    stack = make.stack()
    trigger = IncidentTrigger(stack, "Trigger", trigger_name=name)
    trigger.add_route("Critical", response_plan=make.plan(stack))
    assert trigger.trigger_name == name
    assert make.synth(stack).properties(FUNCTION)["FunctionName"] == name


@pytest.mark.parametrize("name", ["n" * 65, "my trigger", "my:trigger", ""])
def test_refuses_names_that_lambda_refuses(make: Make, name: str) -> None:
    """A name that Lambda would refuse at deployment is refused at synth."""
    message = (
        r"^trigger_name must be 1 to 64 letters, digits, hyphens and underscores \(got '.*\): leave it out to"
        r" have one made\.$"
    )
    with pytest.raises(ValueError, match=message):
        IncidentTrigger(make.stack(), "Trigger", trigger_name=name)


def test_refuses_a_name_that_only_cloudformation_knows(make: Make) -> None:
    """Other stacks name the function's log and its routes, so the name must be known at synth."""
    message = r"^trigger_name must be known at synth \(got '.*Token.*'\): write it out\.$"
    with pytest.raises(ValueError, match=message):
        IncidentTrigger(make.stack(), "Trigger", trigger_name=cdk.Fn.ref("Name"))


@pytest.mark.parametrize("received", ["checkout", "arn:aws:ssm-incidents::111122223333:response-plan/p", 7])
@pytest.mark.parametrize("argument", ["plan", "response_plan", "health_plan", "quiet_plan"])
def test_refuses_what_is_no_plan(make: Make, argument: str, received: Any) -> None:
    """A name or an ARN is no plan; the message says how it becomes one."""
    stack = make.stack()
    trigger = IncidentTrigger(stack, "Trigger")
    uses: dict[str, Callable[[], object]] = {
        "plan": lambda: ResponsePlanAction(received),
        "response_plan": lambda: trigger.add_route("Critical", response_plan=received),
        "health_plan": lambda: IncidentTrigger(stack, "Second", health_plan=received),
        "quiet_plan": lambda: SmokeTest(stack, "SmokeTest", trigger=trigger, quiet_plan=received),
    }
    message = (
        rf"^{argument} must be a response plan \(got {received!r}\): import it with"
        r" ResponsePlan\.from_response_plan_name or from_response_plan_arn\.$"
    )
    with pytest.raises(ValueError, match=message):
        uses[argument]()


def test_derived_names_are_unique_and_fit(make: Make) -> None:
    """Triggers of one app get different names of 64 characters at most, however long their paths are."""
    app = make.app()
    stacks = [cdk.Stack(app, "One"), cdk.Stack(app, "S" * 100), cdk.Stack(cdk.Stage(app, "Prod"), "One")]
    names = [
        IncidentTrigger(stack, construct_id).trigger_name for stack in stacks for construct_id in ("A", "B")
    ]
    assert len(set(names)) == 6
    assert all(len(name) <= 64 for name in names)


def test_shares_the_layer_of_its_stack(make: Make) -> None:
    """Two triggers of a stack run the same layer."""
    stack = make.stack()
    plan = make.plan(stack)
    for construct_id in ("First", "Second"):
        IncidentTrigger(stack, construct_id).add_route("Critical", response_plan=plan)
    synth = make.synth(stack)
    assert len(synth.of_type("AWS::Lambda::LayerVersion")) == 1
    assert len(synth.of_type(FUNCTION)) == 2


def test_publishes_to_an_imported_fallback(make: Make) -> None:
    """A fallback topic that exists elsewhere is published to by its ARN."""
    stack = make.stack(env=make.env)
    topic_arn = "arn:aws:sns:eu-west-1:111122223333:their-topic"
    topic = sns.Topic.from_topic_arn(stack, "Fallback", topic_arn)
    trigger = IncidentTrigger(stack, "Trigger", fallback=topic)
    trigger.add_route("Critical", response_plan=make.plan(stack))
    synth = make.synth(stack)
    (statement,) = synth.properties("AWS::IAM::Policy")["PolicyDocument"]["Statement"]
    assert statement == {"Action": "sns:Publish", "Effect": "Allow", "Resource": topic_arn}
    assert synth.properties(FUNCTION)["Environment"]["Variables"]["INCIDENTS_FALLBACK_TOPIC_ARN"] == topic_arn


@pytest.mark.parametrize("origin", ["owned", "imported", "cfn"])
def test_takes_any_plan_wherever_it_takes_one(make: Make, origin: str) -> None:
    """Routes, health alarms and smoke tests take owned and imported plans and CDK's own L1."""
    stack = make.stack()
    plan, quiet = (make.plan_of(origin, stack, name) for name in ("Live", "Silent"))
    trigger = IncidentTrigger(stack, "Trigger", health_plan=plan)
    trigger.add_route("Critical", response_plan=plan)
    SmokeTest(stack, "SmokeTest", trigger=trigger, quiet_plan=quiet)
    synth = make.synth(stack)
    live, silent = (stack.resolve(each.response_plan_ref.response_plan_arn) for each in (plan, quiet))
    assert startable(synth) == [live, silent]
    for alarm in synth.of_type("AWS::CloudWatch::Alarm", "Health").values():
        assert alarm["Properties"]["AlarmActions"] == [live]
    assert trigger.plans == [plan, quiet]


def test_uses_a_plan_of_another_stack_without_an_export(make: Make) -> None:
    """A plan of another stack is named by its ARN, its stack goes first, and nothing is exported."""
    app = make.app()
    plans, triggers = cdk.Stack(app, "Plans"), cdk.Stack(app, "Triggers")
    plan = make.plan(plans, name="checkout")
    trigger = IncidentTrigger(triggers, "Trigger", health_plan=plan)
    trigger.add_route("Critical", response_plan=plan)
    SmokeTest(triggers, "SmokeTest", trigger=trigger, quiet_plan=make.plan(plans, "Quiet"))
    plans_synth, synth = make.synth_all(plans, triggers)
    expected = own_arn("arn:{partition}:ssm-incidents::{account}:response-plan/checkout")
    assert startable(synth)[0] == expected
    assert plans_synth.exports() == synth.exports() == []
    assert synth.dependencies == ["Plans"]


def test_serves_plans_of_stacks_that_come_after_it(make: Make) -> None:
    """A central trigger opens app teams' plans for their alarms: no cycle, no export, the app comes after."""
    app = make.app()
    central, team = cdk.Stack(app, "Central"), cdk.Stack(app, "Team")
    trigger = IncidentTrigger(central, "Trigger", trigger_name="central-trigger")
    SmokeTest(central, "SmokeTest", trigger=trigger)
    route = trigger.add_route("Critical", response_plan=make.plan(team, name="checkout"))
    route.watch(make.alarm(team))
    centrals, teams = make.synth_all(central, team)
    assert centrals.dependencies == []
    assert teams.dependencies == ["Central"]
    assert centrals.exports() == teams.exports() == []
    expected = own_arn("arn:{partition}:ssm-incidents::{account}:response-plan/checkout")
    assert expected in startable(centrals)


class Versions:
    """What a stack's version and aliases are called, after something was changed."""

    def __init__(
        self,
        make: Make,
        flags: dict[str, Any],
        *,
        origin: str = "owned",
        name: str = "checkout",
        **route: Any,
    ) -> None:
        stack = make.stack(context=flags)
        trigger = IncidentTrigger(stack, "Trigger")
        plan = (make.plan if origin == "owned" else make.cfn_plan)(stack, name=name)
        trigger.add_route("Critical", response_plan=plan, **route)
        self.synth = synth = make.synth(stack)
        self.version = synth.id_of(VERSION)
        self.aliases = sorted(synth.of_type(ALIAS))
        self.content = synth.properties("AWS::Lambda::LayerVersion")["Content"]


@pytest.mark.parametrize("flags", ["no-flags", "cdk-init", "policies-of-their-own"])
def test_changes_make_a_new_version_behind_the_same_aliases(
    make: Make, flags: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A changed route, or changed code of ours alone, makes a new version; aliases keep their identity."""
    before = Versions(make, make.flags[flags])
    again = Versions(make, make.flags[flags])
    changed_route = Versions(make, make.flags[flags], impact=2)
    archive = _runtime_asset._archive()
    monkeypatch.setattr(_runtime_asset, "_archive", lambda: archive + b"changed")
    changed_code = Versions(make, make.flags[flags])
    assert again.version == before.version
    assert changed_route.version != before.version
    assert changed_code.content != before.content
    assert changed_code.version != before.version
    assert before.aliases == changed_route.aliases == changed_code.aliases


@pytest.mark.parametrize("origin", ["owned", "cfn"])
@pytest.mark.parametrize("flags", ["no-flags", "cdk-init", "policies-of-their-own"])
def test_a_renamed_plan_makes_a_new_version(make: Make, flags: str, origin: str) -> None:
    """A route's line names its plan by text, so that a renamed one is a new version; the plan comes first."""
    before = Versions(make, make.flags[flags], origin=origin)
    renamed = Versions(make, make.flags[flags], origin=origin, name="till")
    assert renamed.version != before.version
    assert renamed.aliases == before.aliases
    for synth in (before.synth, renamed.synth):
        plan = synth.id_of(PLAN)
        assert startable(synth) == [{"Ref": plan}]
        assert plan in synth.comes_after(synth.id_of(FUNCTION))
