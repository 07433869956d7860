"""Who answers CloudFormation for a smoke test: the function that runs it, behind CDK's provider framework."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import jsii
from aws_cdk import Duration, RemovalPolicy, custom_resources
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct, IValidation

from cdk_incidents._lazy import lazy_text, uncached_any
from cdk_incidents._nag import acknowledge_runtime, acknowledge_wildcard
from cdk_incidents._runtime_asset import RuntimeLayer, architecture, runtime
from cdk_incidents._smoke_test_rights import Right

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_CODE = """\
from incidents_runtime.smoke_test.{module} import {name}
# Below is data, not code: what to test, read when the function starts.
"""
_DEPLOYED = _CODE.format(module="handler", name="handler")
_SCHEDULED = _CODE.format(module="handler", name="scheduled as handler")


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
        longest_run: Duration,
        rights: Callable[[], Sequence[Right]],
        lines: Callable[[], Sequence[str]],
    ) -> None:
        super().__init__(scope, construct_id)
        self._longest_run = longest_run
        # Made once, as the trigger's routes: CDK resolves a template several times.
        self._lines = functools.cache(lines)
        self.service_timeout = Duration.seconds(longest_run.to_seconds() + 120)
        """When CloudFormation gives up; framework and function answer well before."""
        self._log = logs.LogGroup(
            self, "Log", retention=logs.RetentionDays.THREE_MONTHS, removal_policy=RemovalPolicy.DESTROY
        )
        may_log = Right(["logs:CreateLogStream", "logs:PutLogEvents"], [self._log.log_group_arn])
        self._role = self._with_role("Role", lambda: [*rights(), may_log])
        self._layer = RuntimeLayer.of(self)
        self.digest = f"{_DEPLOYED}{self._layer.digest}"
        """Changes with the code of the test."""
        function = self._function(
            "Function", "Runs the smoke test of a deployment (cdk_incidents)", _DEPLOYED
        )
        framework_role = self._with_role("FrameworkRole", lambda: [may_log])
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

    def scheduled(self, scope: Construct | None, function_name: str | None) -> lambda_.Function:
        """Return a further function, which runs the same test when a schedule asks for it."""
        return self._function(
            "Scheduled",
            "Runs a smoke test between deployments (cdk_incidents)",
            _SCHEDULED,
            scope=scope,
            function_name=function_name,
            # A test that fails has failed: repeated, it would spend two more incidents to say so.
            retry_attempts=0,
            # Nor is one wanted that comes hours late.
            max_event_age=Duration.minutes(5),
        )

    def _function(
        self,
        construct_id: str,
        description: str,
        code: str,
        *,
        scope: Construct | None = None,
        function_name: str | None = None,
        retry_attempts: int | None = None,
        max_event_age: Duration | None = None,
    ) -> lambda_.Function:
        function = lambda_.Function(
            scope or self,
            construct_id,
            function_name=function_name,
            description=description,
            runtime=runtime(),
            architecture=architecture(),
            # Comments, as the trigger's routes: nothing that is only known at deployment may end up as code.
            code=lambda_.Code.from_inline(
                lazy_text(lambda: code + "".join(f"# {line}\n" for line in self._lines()))
            ),
            handler="index.handler",
            layers=[self._layer],
            role=self._role.without_policy_updates(),
            log_group=self._log,
            memory_size=256,
            timeout=self._longest_run,
            retry_attempts=retry_attempts,
            max_event_age=max_event_age,
        )
        acknowledge_runtime(function)
        return function

    def _with_role(self, construct_id: str, rights: Callable[[], Sequence[Right]]) -> iam.Role:
        made = functools.cache(rights)
        role = iam.Role(self, construct_id, assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        resource = role.node.default_child
        if isinstance(resource, iam.CfnRole):
            # Inline, so that whatever waits for the role waits for its permissions too.
            resource.policies = uncached_any(lambda: [_policy(made())])
        role.node.add_validation(_Acknowledged(role, made))
        return role


def _policy(rights: Sequence[Right]) -> dict[str, object]:
    statements = [right.statement() for right in rights]
    document = {"Version": "2012-10-17", "Statement": statements}
    # As the L1 spells it, which renders it once it is resolved.
    return {"policyName": "SmokeTest", "policyDocument": document}


@jsii.implements(IValidation)
class _Acknowledged:
    """Give the reason of each wildcard when all of them are known."""

    def __init__(self, role: iam.Role, rights: Callable[[], Sequence[Right]]) -> None:
        self._role = role
        self._rights = rights

    def validate(self) -> list[str]:
        for right in self._rights():
            for resource in right.resources:
                if "*" in resource:
                    acknowledge_wildcard(self._role, resource, right.reason)
        return []
