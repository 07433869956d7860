"""A trigger and its routes, written by hand with the constructs of aws-cdk-lib."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_destinations as destinations
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from benchmarks.trigger import NAME, PLAN

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_CODE = Path(__file__).parents[2] / "cdk_incidents" / "_runtime"
_FOLLOW = [
    "ssm-incidents:CreateTimelineEvent",
    "ssm-incidents:GetIncidentRecord",
    "ssm-incidents:ListRelatedItems",
    "ssm-incidents:UpdateIncidentRecord",
]
_THROUGH = {"StringEquals": {"aws:CalledViaFirst": "ssm-incidents.amazonaws.com"}}


def make(stack: Stack) -> None:
    """Make the trigger of `benchmarks.trigger`, its fallback and its route, which alarms may invoke."""
    trigger = Trigger(stack, "Trigger", fallback=sns.Topic(stack, "Fallback"), plans={"Critical": PLAN})
    trigger.aliases["Critical"].add_permission(
        "Alarms",
        principal=iam.ServicePrincipal("lambda.alarms.cloudwatch.amazonaws.com"),
        source_account=stack.account,
    )


class Trigger(Construct):
    """The trigger.

    Parameters
    ----------
    scope, construct_id
        where it lives
    fallback
        what is told of failures; nothing by default
    plans
        the names of plans by their routes
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        plans: Mapping[str, str],
        fallback: sns.Topic | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        stack = Stack.of(self)
        self._account, self._region, self._partition = stack.account, stack.region, stack.partition
        self._service = f"arn:{self._partition}:ssm-incidents::{self._account}"
        self._plans = plans
        self._dead_letters = self._queue_of_dead_letters()
        self._retries = sqs.Queue(
            self,
            "Retries",
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=Duration.days(14),
            visibility_timeout=Duration.minutes(3),
            dead_letter_queue=sqs.DeadLetterQueue(queue=self._dead_letters, max_receive_count=200),
        )
        self._ledger = dynamodb.TableV2(
            self,
            "Ledger",
            partition_key=dynamodb.Attribute(name="key", type=dynamodb.AttributeType.STRING),
            time_to_live_attribute="expires_at",
            removal_policy=RemovalPolicy.DESTROY,
        )
        self._log = logs.LogGroup(
            self,
            "Log",
            log_group_name=f"/aws/lambda/{NAME}",
            retention=logs.RetentionDays.THREE_MONTHS,
            removal_policy=RemovalPolicy.DESTROY,
        )
        role = self._role()
        told = {}
        if fallback is not None:
            fallback.grant_publish(role)
            told["INCIDENTS_FALLBACK_TOPIC_ARN"] = fallback.topic_arn
        function = self._function(role, told)
        version = function.current_version
        self._read_retries(version)
        self.aliases = {route: self._alias(route, version) for route in plans}
        alarms = self._alarms()
        if fallback is not None:
            self._tell(fallback, alarms)

    def _queue_of_dead_letters(self) -> sqs.Queue:
        queue = sqs.Queue(
            self,
            "DeadLetters",
            queue_name=f"{NAME}-dead-letters",
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=Duration.days(14),
        )
        rules = f"arn:{self._partition}:events:{self._region}:{self._account}:rule/*"
        topics = f"arn:{self._partition}:sns:*:{self._account}:*"
        queue.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[
                    iam.ServicePrincipal("events.amazonaws.com"),
                    iam.ServicePrincipal("sns.amazonaws.com"),
                ],
                actions=["sqs:SendMessage"],
                resources=[queue.queue_arn],
                conditions={"ArnLike": {"aws:SourceArn": [rules, topics]}},
            )
        )
        return queue

    def _role(self) -> iam.Role:
        retries, dead_letters = self._retries.queue_arn, self._dead_letters.queue_arn
        plans = [f"{self._service}:response-plan/{name}" for name in self._plans.values()]
        records = [f"{self._service}:incident-record/{name}/*" for name in self._plans.values()]
        contacts = f"arn:{self._partition}:ssm-contacts:*:{self._account}:contact/*"
        ledger = ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"]
        read = ["ChangeMessageVisibility", "DeleteMessage", "GetQueueAttributes", "ReceiveMessage"]
        write = ["logs:CreateLogStream", "logs:PutLogEvents"]
        start = ["ssm-incidents:StartIncident", *_FOLLOW]
        statements = [
            iam.PolicyStatement(actions=ledger, resources=[self._ledger.table_arn]),
            iam.PolicyStatement(actions=["sqs:SendMessage"], resources=[retries, dead_letters]),
            iam.PolicyStatement(actions=[f"sqs:{action}" for action in read], resources=[retries]),
            iam.PolicyStatement(actions=write, resources=[self._log.log_group_arn]),
            iam.PolicyStatement(actions=["cloudwatch:DescribeAlarms"], resources=["*"]),
            iam.PolicyStatement(actions=["ssm:CreateOpsItem"], resources=["*"], conditions=_THROUGH),
            iam.PolicyStatement(actions=["ssm-incidents:ListIncidentRecords"], resources=["*"]),
            iam.PolicyStatement(actions=start, resources=plans),
            iam.PolicyStatement(actions=[*_FOLLOW, "ssm-incidents:TagResource"], resources=records),
            iam.PolicyStatement(
                actions=["ssm-contacts:StartEngagement"], resources=[contacts], conditions=_THROUGH
            ),
        ]
        return iam.Role(
            self,
            "Role",
            role_name=f"{NAME}-{self._region}",
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
            inline_policies={"Trigger": iam.PolicyDocument(statements=statements)},
        )

    def _function(self, role: iam.Role, told: Mapping[str, str]) -> lambda_.Function:
        layer = lambda_.LayerVersion(
            self,
            "Runtime",
            code=lambda_.Code.from_asset(str(_CODE), exclude=["**/__pycache__"]),
            compatible_architectures=[lambda_.Architecture.ARM_64],
            compatible_runtimes=[lambda_.Runtime.PYTHON_3_13],
            description="cdk_incidents: what its functions run",
            removal_policy=RemovalPolicy.DESTROY,
        )
        routes = "".join(f"# {json.dumps(self._settings(route))}\n" for route in self._plans)
        code = (
            "from incidents_runtime.cold_start import handler\n"
            "# Below is data, not code: one route a line, read when the function starts.\n"
            f"{routes}"
        )
        function = lambda_.Function(
            self,
            "Function",
            function_name=NAME,
            description="Turns signals into incidents (cdk_incidents)",
            runtime=lambda_.Runtime.PYTHON_3_13,
            architecture=lambda_.Architecture.ARM_64,
            code=lambda_.Code.from_inline(code),
            handler="index.handler",
            layers=[layer],
            environment={
                "INCIDENTS_LEDGER_TABLE": self._ledger.table_name,
                "INCIDENTS_RETRY_QUEUE_URL": self._retries.queue_url,
                "INCIDENTS_DEAD_LETTER_QUEUE_URL": self._dead_letters.queue_url,
                **told,
            },
            # The role has all that it needs.
            role=role.without_policy_updates(),
            log_group=self._log,
            memory_size=256,
            timeout=Duration.seconds(30),
        )
        function.node.add_dependency(role)
        return function

    def _settings(self, route: str) -> dict[str, object]:
        return {
            "id": route,
            "response_plan_arn": f"{self._service}:response-plan/{self._plans[route]}",
            "auto_resolve": True,
            "join_for_s": 43_200,
        }

    def _read_retries(self, version: lambda_.IVersion) -> None:
        retry = lambda_.Alias(self, "retry", alias_name="retry", version=version)
        retry.add_event_source_mapping(
            "Retries",
            event_source_arn=self._retries.queue_arn,
            batch_size=1,
            max_concurrency=5,
            report_batch_item_failures=True,
        )

    def _alias(self, route: str, version: lambda_.IVersion) -> lambda_.Alias:
        return lambda_.Alias(
            self,
            route,
            alias_name=route,
            version=version,
            max_event_age=Duration.hours(1),
            retry_attempts=2,
            on_failure=destinations.SqsDestination(self._retries),
        )

    def _tell(self, fallback: sns.Topic, alarms: Sequence[cloudwatch.Alarm]) -> None:
        fallback.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
                actions=["sns:Publish"],
                resources=[fallback.topic_arn],
                conditions={"StringEquals": {"aws:SourceAccount": self._account}},
            )
        )
        action = actions.SnsAction(fallback)
        for alarm in alarms:
            alarm.add_alarm_action(action)

    def _alarms(self) -> list[cloudwatch.Alarm]:
        self._five_minutes = Duration.minutes(5)
        return [
            self._alarm(
                "DeadLettersAlarm",
                self._dead_letters.metric_approximate_number_of_messages_visible(
                    period=self._five_minutes, statistic="Maximum"
                ),
                f"Signals of {NAME} could not become incidents; each message tells why.",
            ),
            self._alarm(
                "FailuresAlarm",
                self._own("Failed", "Sum"),
                f"{NAME} gave up on a signal; its log tells which and why.",
            ),
            self._alarm(
                "RetryingAlarm",
                cloudwatch.MathExpression(
                    expression="FILL(waiting, 0) + FILL(retried, 0)",
                    using_metrics={
                        "waiting": self._retries.metric_approximate_number_of_messages_visible(
                            period=self._five_minutes, statistic="Maximum"
                        ),
                        "retried": self._own("Retried", "Sum"),
                    },
                    period=self._five_minutes,
                    label="Being retried",
                ),
                f"{NAME} has been trying again for 15 minutes; its log tells why.",
                periods=3,
            ),
            self._alarm(
                "BudgetAlarm",
                self._own("BudgetUsed", "Maximum"),
                f"{NAME} has used 80 percent of what it may open of a plan this month; at 100 repeated"
                " causes open no more.",
                periods=288,
                datapoints=1,
                threshold=80,
            ),
            self._alarm(
                "DeliveryAlarm", self._lost(), f"Lambda throttled {NAME}, or lost a failed event of it."
            ),
        ]

    def _alarm(
        self,
        construct_id: str,
        metric: cloudwatch.IMetric,
        description: str,
        *,
        periods: int = 1,
        datapoints: int | None = None,
        threshold: int = 1,
    ) -> cloudwatch.Alarm:
        return cloudwatch.Alarm(
            self,
            construct_id,
            metric=metric,
            threshold=threshold,
            evaluation_periods=periods,
            datapoints_to_alarm=datapoints,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
            alarm_description=description,
        )

    def _own(self, name: str, statistic: str) -> cloudwatch.Metric:
        return self._metric("CdkIncidents", name, statistic, {"Trigger": NAME})

    def _lost(self) -> cloudwatch.MathExpression:
        of_all, of_tests = {"FunctionName": NAME}, {"FunctionName": NAME, "Resource": f"{NAME}:smoke-test"}
        names = {"throttles": "Throttles", "undelivered": "DestinationDeliveryFailures"}
        metrics = {
            f"{variable}{ending}": self._metric("AWS/Lambda", name, "Sum", dimensions)
            for variable, name in names.items()
            for ending, dimensions in (("", of_all), ("_quiet", of_tests))
        }
        return cloudwatch.MathExpression(
            expression=" + ".join(f"FILL({name}, 0) - FILL({name}_quiet, 0)" for name in names),
            using_metrics={**metrics},
            period=self._five_minutes,
            label="Lost or throttled",
        )

    def _metric(
        self, namespace: str, name: str, statistic: str, dimensions: Mapping[str, str]
    ) -> cloudwatch.Metric:
        return cloudwatch.Metric(
            namespace=namespace,
            metric_name=name,
            dimensions_map=dimensions,
            statistic=statistic,
            period=self._five_minutes,
        )
