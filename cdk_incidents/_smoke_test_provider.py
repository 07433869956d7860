"""Who answers CloudFormation for a smoke test: the function that runs it, behind CDK's provider framework."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import ArnFormat, Duration, RemovalPolicy, Stack, custom_resources
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from cdk_incidents import _permissions as permissions
from cdk_incidents._lazy import lazy_text
from cdk_incidents._nag import acknowledge_runtime, acknowledge_wildcard
from cdk_incidents._plans import arn_seen_from, record_arns
from cdk_incidents._runtime_asset import RuntimeLayer, architecture, runtime

if TYPE_CHECKING:
    from collections.abc import Callable

    from aws_cdk import aws_cloudwatch as cloudwatch
    from aws_cdk.interfaces.aws_ssmincidents import IResponsePlanRef

_CODE = """\
from incidents_runtime.smoke_test.handler import handler
# Below is data, not code: what to test, read when the function starts.
"""


class SmokeTestProvider(Construct):
    """The function of a smoke test, with the least role, and the framework that calls it.

    The framework calls the handler synchronously, so that a crash or a time-out is reported at once; alone,
    it would leave CloudFormation waiting for an hour.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        canary: cloudwatch.IAlarm,
        quiet_plan: IResponsePlanRef,
        trigger_log: str,
        timeout: Duration,
        lines: Callable[[], list[str]],
    ) -> None:
        super().__init__(scope, construct_id)
        # The incident comes at the last moment, so does its recovery, then there is the clean-up.
        longest_run = int(2 * timeout.to_seconds()) + 60
        self.service_timeout = Duration.seconds(longest_run + 120)
        """When CloudFormation gives up; framework and function answer well before."""
        self._log = logs.LogGroup(
            self, "Log", retention=logs.RetentionDays.THREE_MONTHS, removal_policy=RemovalPolicy.DESTROY
        )
        role = self._runner_role(canary, quiet_plan, trigger_log)
        layer = RuntimeLayer.of(self)
        self.digest = f"{_CODE}{layer.digest}"
        """Changes with the code of the test."""
        function = lambda_.Function(
            self,
            "Function",
            description="Runs the smoke test of a deployment (cdk_incidents)",
            runtime=runtime(),
            architecture=architecture(),
            code=lambda_.Code.from_inline(lazy_text(lambda: _index(lines()))),
            handler="index.handler",
            layers=[layer],
            role=role.without_policy_updates(),
            log_group=self._log,
            memory_size=256,
            timeout=Duration.seconds(longest_run),
        )
        acknowledge_runtime(function)
        framework_role = self._role("FrameworkRole", [self._may_log()])
        framework = custom_resources.Provider(
            self,
            "Framework",
            on_event_handler=function,
            log_group=self._log,
            framework_on_event_role=framework_role,
        )
        acknowledge_wildcard(
            framework_role, f"{function.function_arn}:*", "CDK's provider framework calls any version."
        )
        acknowledge_runtime(framework)
        self.service_token = framework.service_token
        """What a custom resource names as its service."""

    def _runner_role(
        self, canary: cloudwatch.IAlarm, quiet_plan: IResponsePlanRef, trigger_log: str
    ) -> iam.Role:
        stack = Stack.of(self)
        plan, records = arn_seen_from(quiet_plan, self), record_arns(quiet_plan)
        ops_items = stack.format_arn(service="ssm", resource="opsitem", resource_name="*")
        sets = stack.format_arn(
            service="ssm-incidents", region="", resource="replication-set", resource_name="*"
        )
        log = stack.format_arn(
            service="logs",
            resource="log-group",
            resource_name=trigger_log,
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )
        may = iam.PolicyStatement
        role = self._role(
            "Role",
            [
                may(
                    actions=["cloudwatch:DescribeAlarmHistory", "cloudwatch:SetAlarmState"],
                    resources=[canary.alarm_arn],
                ),
                may(actions=[*permissions.FIND, "ssm-incidents:ListReplicationSets"], resources=["*"]),
                may(actions=["ssm-incidents:GetReplicationSet"], resources=[sets]),
                may(actions=permissions.PROVE, resources=[plan, records]),
                may(actions=["ssm:DeleteOpsItem"], resources=[ops_items]),
                # Its streams too: no document says by which of the two the service checks.
                may(actions=["logs:FilterLogEvents"], resources=[log, f"{log}:*"]),
                may(actions=["cloudformation:DescribeStacks"], resources=[stack.stack_id]),
                self._may_log(),
            ],
        )
        acknowledge_wildcard(role, "*", "ListIncidentRecords and ListReplicationSets know no resource.")
        acknowledge_wildcard(role, sets, "The id of the account's one replication set is random.")
        acknowledge_wildcard(role, f"{log}:*", "The streams of one log group.")
        acknowledge_wildcard(role, records, "A record's ARN ends in a random id.")
        acknowledge_wildcard(role, ops_items, "An OpsItem's id is random, and only its record knows it.")
        return role

    def _role(self, construct_id: str, statements: list[iam.PolicyStatement]) -> iam.Role:
        # Inline, so that whatever waits for the role waits for its permissions too.
        return iam.Role(
            self,
            construct_id,
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
            inline_policies={"SmokeTest": iam.PolicyDocument(statements=statements)},
        )

    def _may_log(self) -> iam.PolicyStatement:
        return iam.PolicyStatement(
            actions=["logs:CreateLogStream", "logs:PutLogEvents"], resources=[self._log.log_group_arn]
        )


def _index(lines: list[str]) -> str:
    # Comments, as the trigger's routes: nothing that is only known at deployment may end up as code.
    return _CODE + "".join(f"# {line}\n" for line in lines)
