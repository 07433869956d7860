"""The smoke test: a deployment that ends well has shown that an alarm becomes an incident."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import jsii
from aws_cdk import (
    Annotations,
    CfnOutput,
    CfnResource,
    CustomResource,
    Duration,
    Stack,
)
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct, IConstruct, IValidation

from cdk_incidents._arn import same_stack
from cdk_incidents._checks import check_range, refusal
from cdk_incidents._lazy import uncached_any, uncached_text
from cdk_incidents._plans import arn_seen_from, check_plan, plan_name, tells_somebody
from cdk_incidents._replication import needs_replication_set
from cdk_incidents._smoke_test_provider import SmokeTestProvider
from cdk_incidents._trigger_health import METRIC_NAMESPACE, mark
from cdk_incidents.incident_template import IncidentTemplate
from cdk_incidents.response_plan import NOBODY_PAGED, ResponsePlan

if TYPE_CHECKING:
    from aws_cdk.interfaces.aws_ssmincidents import IResponsePlanRef

    from cdk_incidents.trigger import IncidentTrigger

SKIP = "cdk-incidents:skip-smoke-test"


class SmokeTest(Construct):
    """A synthetic incident in every deployment that changes what it proves, and nobody is paged.

    A canary alarm that nothing else moves goes to ALARM. By the way that the trigger's alarms take, an
    incident must open on a quiet plan (one that engages nobody), carry the right content, resolve when the
    alarm recovers, and be deleted with its OpsItem. Else the deployment fails with the step, what was
    expected, what was seen and the remedy, and rolls back. The live aliases move to new code only after it.

    Parameters
    ----------
    scope, id
        Where the test lives in the app; in the trigger's stack, or it cannot hold back the live aliases.
    trigger
        The trigger to prove.
    quiet_plan
        The plan whose incidents wake nobody: no engagement, chat channel or runbook. By default one is made.
        A plan is billed by the month and opens at most 200 incidents in one; an account's smoke tests may
        share one.
    timeout
        How long the incident, and then its resolution, may take: 5 to 240 seconds. By default 90 seconds,
        since IAM may need a minute on a first deployment.

    Raises
    ------
    ValueError
        If `timeout` is out of its range, or the trigger is an import or has a smoke test already.

    Notes
    -----
    The context key ``cdk-incidents:skip-smoke-test`` skips the test for the hotfix at three in the morning:
    ``cdk deploy --context cdk-incidents:skip-smoke-test=true``.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002 - CDK's own word
        *,
        trigger: IncidentTrigger,
        quiet_plan: IResponsePlanRef | None = None,
        timeout: Duration | None = None,
    ) -> None:
        super().__init__(scope, id)
        if not hasattr(trigger, "add_route"):
            raise refusal(
                "trigger",
                "an IncidentTrigger of this app",
                trigger.node.path if hasattr(trigger, "node") else trigger,
                "an import is proven where it is made.",
            )
        timeout = timeout or Duration.seconds(90)
        if timeout.is_unresolved():
            raise refusal("timeout", "known at synth", "a token", "e.g. Duration.seconds(90).")
        check_range(
            "timeout in seconds",
            timeout.to_seconds(integral=False),
            minimum=5,
            maximum=240,
            remedy="e.g. Duration.seconds(90).",
        )
        if quiet_plan is not None:
            check_plan("quiet_plan", quiet_plan)
            self.node.add_validation(_IsQuiet(quiet_plan, trigger))
        self.quiet_plan: IResponsePlanRef = quiet_plan or self._own_plan(trigger)
        """The plan whose incidents wake nobody."""
        Annotations.of(self.quiet_plan).acknowledge_warning(NOBODY_PAGED, "The smoke test's plan is quiet.")
        self._trigger = trigger
        route, alias = trigger._quiet_route(self.quiet_plan)  # noqa: SLF001 - one of a kind with the trigger
        self._alias = alias
        self.canary: cloudwatch.Alarm = self._canary_alarm()
        """The alarm that only this test moves."""
        route.watch(self.canary)
        self._provider = SmokeTestProvider(
            self,
            "Provider",
            canary=self.canary,
            quiet_plan=self.quiet_plan,
            trigger_log=trigger.log_group_name,
            timeout=timeout,
            lines=lambda: self._lines(timeout),
        )
        self._resource = CustomResource(
            self,
            "Resource",
            resource_type="Custom::IncidentSmokeTest",
            service_token=self._provider.service_token,
            service_timeout=self._provider.service_timeout,
            properties={
                "Skip": "true" if self._is_skipped() else "false",
                "Proves": {
                    "Trigger": uncached_text(self._digest_of_the_trigger),
                    "Test": uncached_text(self._digest_of_the_test),
                    "Plans": uncached_any(self._digests_of_the_plans),
                },
            },
        )
        # All of the quiet way must stand: the alias with its permission and its settings; and all of the
        # provider: under a feature flag CDK gives its framework a policy that nothing waits for.
        self._resource.node.add_dependency(alias, self._provider)
        # It calls the service, whose plan may be an import that waits for nothing.
        needs_replication_set(self, _of(self._resource))
        self._hold_back_the_live_aliases()
        CfnOutput(self, "Result", value=self.result, description="Result of the Incident Manager smoke test")

    @property
    def result(self) -> str:
        """What the test says: ``passed:`` with its steps and their milliseconds, or ``skipped:`` and why."""
        return self._resource.get_att_string("Result")

    def _own_plan(self, trigger: IncidentTrigger) -> ResponsePlan:
        return ResponsePlan(
            # The trigger needs the plan, and the canary the trigger: the stacks must not need each other.
            self if same_stack(self, trigger) else trigger,
            "QuietPlan",
            incident=IncidentTemplate.no_impact(
                title="Smoke test",
                summary="Opened and removed by a deployment, to prove that alarms become incidents.",
            ),
            display_name="Smoke test (pages nobody)",
        )

    def _canary_alarm(self) -> cloudwatch.Alarm:
        alarm = cloudwatch.Alarm(
            self,
            "Canary",
            alarm_description="Moved by the smoke test of a deployment only; pages nobody.",
            metric=cloudwatch.Metric(
                namespace=METRIC_NAMESPACE,
                metric_name="Canary",
                dimensions_map={"Trigger": self._trigger.trigger_name},
            ),
            threshold=1,
            evaluation_periods=1,
            # Nobody publishes the metric, and CloudWatch leaves an alarm alone that ignores missing data.
            treat_missing_data=cloudwatch.TreatMissingData.IGNORE,
        )
        mark(alarm, "canary")
        return alarm

    def _hold_back_the_live_aliases(self) -> None:
        if same_stack(self, self._trigger):
            self._trigger._live.node.add_dependency(self._resource)  # noqa: SLF001
            return
        Annotations.of(self).add_warning_v2(
            "cdk-incidents:smoke-test-in-another-stack",
            f"scope must be in the trigger's stack for the test to go before its live aliases (got"
            f" {Stack.of(self).node.path}): this test runs after new code is live. Make it in"
            f" {Stack.of(self._trigger).node.path}.",
        )

    def _is_skipped(self) -> bool:
        value = self.node.try_get_context(SKIP)
        return str(value).lower() in {"true", "1", "yes"}

    def _lines(self, timeout: Duration) -> list[str]:
        """Return what the function reads in its own file, one JSON object a line."""
        path = {
            "kind": "trigger",
            "canary_name": self.canary.alarm_name,
            "canary_arn": self.canary.alarm_arn,
            "quiet_plan_arn": arn_seen_from(self.quiet_plan, self),
            "log_group": self._trigger.log_group_name,
        }
        return [json.dumps({"test": {"timeout_s": int(timeout.to_seconds())}}), json.dumps({"path": path})]

    # Texts that change whenever something changes that the test proves. They are made of what synth knows; a
    # token stands for itself, so that a text is the same in each stage.

    def _digest_of_the_trigger(self) -> str:
        version = _of(self._trigger.function.current_version).logical_id
        return self._digest(self._trigger.role, self._alias, self.canary, beside=version)

    def _digest_of_the_test(self) -> str:
        return self._digest(beside=self._provider.digest)

    def _digests_of_the_plans(self) -> dict[str, str]:
        return {plan_name(plan): self._digest(plan) for plan in self._trigger.plans}

    def _digest(self, *roots: IConstruct, beside: str = "") -> str:
        stack = Stack.of(self)
        parts = [
            stack.resolve(beside),
            *(
                stack.resolve(child._cfn_properties)  # noqa: SLF001 - no public way to what CDK will render
                for root in roots
                for child in root.node.find_all()
                if isinstance(child, CfnResource)
            ),
        ]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


@jsii.implements(IValidation)
class _IsQuiet:
    """Refuse at synth a plan that would wake somebody; of an import the test itself asks the service."""

    def __init__(self, plan: IResponsePlanRef, trigger: IncidentTrigger) -> None:
        self._plan = plan
        self._trigger = trigger

    def validate(self) -> list[str]:
        if self._trigger.sends_people_to(self._plan):
            return [self._refused("used by no route of the trigger")]
        if tells_somebody(self._plan):
            return [self._refused("one that engages, notifies and runs nothing")]
        return []

    def _refused(self, rule: str) -> str:
        remedy = "leave it out to have one made."
        return str(refusal("quiet_plan", rule, self._plan.node.path, remedy))


def _of(construct: Construct) -> CfnResource:
    resource = construct.node.default_child
    if not isinstance(resource, CfnResource):
        raise TypeError(f"{construct.node.path} has no CloudFormation resource")
    return resource
