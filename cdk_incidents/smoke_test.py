"""The smoke test: a deployment that ends well has shown that an alarm becomes an incident."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Literal

from aws_cdk import Annotations, CfnOutput, CfnResource, CustomResource, Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from cdk_incidents._arn import same_stack
from cdk_incidents._checks import refusal
from cdk_incidents._late_warnings import warn_at_synth
from cdk_incidents._lazy import uncached_any, uncached_text
from cdk_incidents._names import METRIC_NAMESPACE
from cdk_incidents._own_alarms import mark
from cdk_incidents._plans import arn_by_name, arn_seen_from, check_plan
from cdk_incidents._replication import needs_replication_set
from cdk_incidents._route_settings import SMOKE_TEST
from cdk_incidents._smoke_test_alarms import disabled_alarms
from cdk_incidents._smoke_test_checks import (
    SKIP,
    IsAlone,
    IsQuiet,
    MayPage,
    check_choices,
    check_plans,
    check_trigger,
    checked_timeout,
    is_skipped,
    longest_run,
)
from cdk_incidents._smoke_test_digest import digest_of, digest_of_plan
from cdk_incidents._smoke_test_findings import check_severities
from cdk_incidents._smoke_test_lines import SmokeTestPath, label_of, plan_line, trigger_line
from cdk_incidents._smoke_test_provider import SmokeTestProvider
from cdk_incidents._smoke_test_rights import Right, SmokeTestRights
from cdk_incidents.alarm_action import ResponsePlanAction
from cdk_incidents.incident_template import IncidentTemplate
from cdk_incidents.response_plan import NOBODY_PAGED, ResponsePlan

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aws_cdk import aws_lambda as lambda_
    from aws_cdk.interfaces.aws_ssmincidents import IResponsePlanRef

    from cdk_incidents._smoke_test_findings import Finding, Severity
    from cdk_incidents._smoke_test_schedule import SmokeTestSchedule
    from cdk_incidents.trigger import IncidentTrigger

_FOR_REAL = "cdk-incidents:pages-for-real"
_ELSEWHERE = "cdk-incidents:smoke-test-in-another-stack"


class SmokeTest(Construct):
    """A synthetic incident in every deployment that changes what it proves, and nobody is paged.

    First it looks, without side effect, at what matters to people: the replication set, the plans, contacts,
    channels, rotas, topics and runbooks, the live routes and the wired alarms. What this deployment broke
    fails it; what was so before, or can only be mended after it, warns.

    Then a canary alarm that nothing else moves goes to ALARM. By the way that real alarms take, an incident
    must open on a quiet plan (one that engages nobody), carry the right content, and be deleted with its
    OpsItem; by the trigger's way it must resolve, too, when the alarm recovers. Else the deployment fails
    with the step, what was expected, what was seen and the remedy, and rolls back. A trigger's live aliases
    move to new code only after it.

    Parameters
    ----------
    scope, id
        Where the test lives in the app; in the trigger's stack, or it cannot hold back the live aliases.
    trigger
        The trigger to prove. By default none; then `plans` must be given.
    plans
        The plans that alarms open by the service's own path: they are looked at, and a second canary opens an
        incident of the quiet plan by that path. Of this account; imports, too. By default none.
    quiet_plan
        The plan whose incidents wake nobody: no engagement, chat channel or runbook, and no dedupe string. By
        default one is made. A plan is billed by the month and opens at most 200 incidents in one; an
        account's smoke tests may share one.
    timeout
        How long the incident, and then its resolution, may take: 5 to 240 seconds, or to 180 with both a
        trigger and plans. By default 90 seconds, since IAM may need a minute on a first deployment.
    pages_for_real
        Whether an incident of each of `plans` is started for real, with TEST in its title, so that everybody
        whom it engages is paged; none of them may have a dedupe string. By default nobody is. Synth warns.
    every_deployment
        Whether the test runs in each deployment. By default it does when what it proves changes.
    every
        How often it runs between deployments as well: 1 hour to 7 days. By default it does not. Synth warns
        of less than four hours, or eight with both a trigger and plans: each run spends the quiet plan's 200.
    on_failure
        ``"rollback"`` fails the deployment, ``"warn"`` only says so in the result. By default ``"rollback"``.
    severities
        What a finding does, by its id: ``"error"``, ``"warning"`` or ``"ignore"``. By default the guide's.

    Raises
    ------
    ValueError
        If there is neither a trigger nor a plan, an argument breaks one of these rules, or the trigger is an
        import or has a smoke test already.

    Notes
    -----
    The context key ``cdk-incidents:skip-smoke-test`` skips the test for the hotfix at three in the morning:
    ``cdk deploy --context cdk-incidents:skip-smoke-test=true``.
    """

    def __init__(  # noqa: PLR0913 - each says one thing about the test
        self,
        scope: Construct,
        id: str,  # noqa: A002 - CDK's own word
        *,
        trigger: IncidentTrigger | None = None,
        plans: Sequence[IResponsePlanRef] = (),
        quiet_plan: IResponsePlanRef | None = None,
        timeout: Duration | None = None,
        pages_for_real: bool = False,
        every_deployment: bool = False,
        every: Duration | None = None,
        on_failure: Literal["rollback", "warn"] = "rollback",
        severities: Mapping[Finding, Severity] | None = None,
    ) -> None:
        super().__init__(scope, id)
        check_trigger(trigger)
        check_plans(self, plans)
        number_of_paths = (trigger is not None) + bool(plans)
        if not number_of_paths:
            raise refusal("trigger", "given where plans is not", None, "pass one of the two, or both.")
        timeout_s = checked_timeout(timeout, number_of_paths)
        check_choices(pages_for_real=pages_for_real, every_deployment=every_deployment, on_failure=on_failure)
        if pages_for_real and not plans:
            raise refusal("pages_for_real", "given with plans", "none", "name the plans that may page.")
        if every is not None:
            from cdk_incidents._smoke_test_schedule import check_every  # noqa: PLC0415 - most are not repeated

            check_every(every)
        check_severities({} if severities is None else severities)
        if quiet_plan is not None:
            check_plan("quiet_plan", quiet_plan)
            self.node.add_validation(IsQuiet(quiet_plan, trigger, plans))
        self._trigger = trigger
        self._plans = list(plans)
        self._for_real = self._plans if pages_for_real else []
        self.node.add_validation(MayPage(self._for_real))
        self._settings: dict[str, object] = {"timeout_s": timeout_s}
        if on_failure != "rollback":
            self._settings["on_failure"] = on_failure
        if severities:
            self._settings["severities"] = dict(sorted(severities.items()))
        self.quiet_plan: IResponsePlanRef = quiet_plan or self._own_plan()
        """The plan whose incidents wake nobody."""
        Annotations.of(self.quiet_plan).acknowledge_warning(NOBODY_PAGED, "The smoke test's plan is quiet.")
        self._paths: list[SmokeTestPath] = []
        self._quiet_way = None if trigger is None else (trigger, self._prove_the_trigger(trigger))
        if plans:
            self._prove_the_services_path()
        self.canary: cloudwatch.Alarm = self._paths[0].canary
        """The alarm that only this test moves; with a trigger and plans, the trigger's one."""
        rights = SmokeTestRights(
            user=self,
            canaries=[path.canary for path in self._paths],
            quiet_plan=self.quiet_plan,
            trigger=trigger,
            for_real=self._for_real,
        )
        self._provider = SmokeTestProvider(
            self,
            "Provider",
            longest_run=longest_run(timeout_s, number_of_paths),
            rights=lambda: self._rights(rights),
            lines=self._lines,
        )
        self._resource = CustomResource(
            self,
            "Resource",
            resource_type="Custom::IncidentSmokeTest",
            service_token=self._provider.service_token,
            service_timeout=self._provider.service_timeout,
            properties={
                "Skip": "true" if is_skipped(self.node.try_get_context(SKIP)) else "false",
                "Proves": self._proves(),
                **({"Run": _new_run()} if every_deployment else {}),
            },
        )
        self._order()
        self._schedule = None if every is None else self._repeat(every, number_of_paths, trigger)
        warn_at_synth(self, lambda: disabled_alarms(self, trigger, self._plans))
        if pages_for_real:
            self._say_whom_it_pages()
        CfnOutput(self, "Result", value=self.result, description="Result of the Incident Manager smoke test")

    @property
    def result(self) -> str:
        """What the test says: ``passed:`` with its steps and their milliseconds, or ``skipped:`` and why."""
        return self._resource.get_att_string("Result")

    @property
    def status(self) -> str:
        """``passed``, ``skipped``, or, with ``on_failure="warn"``, ``failed``."""
        return self._resource.get_att_string("Status")

    @property
    def incident_record_arn(self) -> str:
        """The ARN of the synthetic incident, which is deleted by then; empty if there was none."""
        return self._resource.get_att_string("IncidentRecordArn")

    @property
    def opened_ms(self) -> str:
        """How many milliseconds it took from the alarm to the incident; empty if there was none."""
        return self._resource.get_att_string("OpenedMs")

    @property
    def steps(self) -> str:
        """The steps that passed, and their milliseconds, like ``preflight 60 ms, canary 7 ms``."""
        return self._resource.get_att_string("Steps")

    @property
    def warnings(self) -> str:
        """What was found and did not fail the deployment; empty if nothing was."""
        return self._resource.get_att_string("Warnings")

    @property
    def alarm(self) -> cloudwatch.Alarm | None:
        """The alarm on the scheduled runs; None without `every`.

        With a trigger it goes where the trigger's own health alarms go. It stays as the last run has left it.
        """
        return None if self._schedule is None else self._schedule.alarm

    def metric_failures(self, *, period: Duration | None = None) -> cloudwatch.Metric:
        """Return how many scheduled runs have failed (sum).

        Parameters
        ----------
        period
            By default five minutes.

        Raises
        ------
        ValueError
            If the test has no schedule: a deployment reports its failure itself.
        """
        if self._schedule is None:
            raise refusal("every", "given for a metric of scheduled runs", None, "e.g. Duration.days(1).")
        return self._schedule.metric_failures(period)

    # --- what it is made of

    def _own_plan(self) -> ResponsePlan:
        trigger = self._trigger
        return ResponsePlan(
            # The trigger needs the plan, and the canary the trigger: the stacks must not need each other.
            self if trigger is None or same_stack(self, trigger) else trigger,
            "QuietPlan",
            incident=IncidentTemplate.no_impact(
                title="Smoke test",
                summary="Opened and removed by a deployment, to prove that alarms become incidents.",
            ),
            display_name="Smoke test (pages nobody)",
        )

    def _prove_the_trigger(self, trigger: IncidentTrigger) -> lambda_.Alias:
        route, alias = trigger._quiet_route(self.quiet_plan)  # noqa: SLF001 - one of a kind with the trigger
        canary = self._canary_alarm("Canary", {"Trigger": trigger.trigger_name})
        route.watch(canary)
        self._add_path(SmokeTestPath(kind="trigger", canary=canary, log_group=trigger.log_group_name))
        return alias

    def _prove_the_services_path(self) -> None:
        canary = self._canary_alarm("PlanCanary", {"Stack": Stack.of(self).stack_name})
        canary.add_alarm_action(ResponsePlanAction(self.quiet_plan))
        self._add_path(SmokeTestPath(kind="service", canary=canary))

    def _add_path(self, path: SmokeTestPath) -> None:
        self._paths.append(path)
        self.node.add_validation(IsAlone(path.canary))

    def _canary_alarm(self, construct_id: str, dimensions: Mapping[str, str]) -> cloudwatch.Alarm:
        alarm = cloudwatch.Alarm(
            self,
            construct_id,
            alarm_description="Moved by the smoke test of a deployment only; pages nobody.",
            # By this name every trigger knows that it means nothing else.
            metric=cloudwatch.Metric(
                namespace=METRIC_NAMESPACE, metric_name="Canary", dimensions_map=dimensions
            ),
            threshold=1,
            evaluation_periods=1,
            # Nobody publishes the metric, and CloudWatch leaves an alarm alone that ignores missing data.
            treat_missing_data=cloudwatch.TreatMissingData.IGNORE,
        )
        mark(alarm, "canary")
        return alarm

    def _repeat(self, every: Duration, paths: int, trigger: IncidentTrigger | None) -> SmokeTestSchedule:
        from cdk_incidents._smoke_test_schedule import SmokeTestSchedule  # noqa: PLC0415 - most are not

        return SmokeTestSchedule(
            self,
            every=every,
            paths=paths,
            provider=self._provider,
            resource=_of(self._resource),
            trigger=trigger,
        )

    # --- what goes before what

    def _order(self) -> None:
        # All of the quiet way must stand: the alias with its permission and its settings; and all of the
        # provider: under a feature flag CDK gives its framework a policy that nothing waits for.
        after: list[Construct] = [self._provider]
        if self._quiet_way is not None:
            after.append(self._quiet_way[1])
        self._resource.node.add_dependency(*after)
        for plan in self._plans:
            # Orders the stacks, if there are two; within one the function's lines refer to it.
            arn_seen_from(plan, self)
        # It calls the service, whose plan may be an import that waits for nothing.
        needs_replication_set(self, _of(self._resource))
        if self._trigger is not None:
            self._hold_back_the_live_aliases(self._trigger)

    def _hold_back_the_live_aliases(self, trigger: IncidentTrigger) -> None:
        if same_stack(self, trigger):
            trigger._live.node.add_dependency(self._resource)  # noqa: SLF001
            return
        Annotations.of(self).add_warning_v2(
            _ELSEWHERE,
            f"scope must be in the trigger's stack for the test to go before its live aliases (got"
            f" {Stack.of(self).node.path}): this test runs after new code is live. Make it in"
            f" {Stack.of(trigger).node.path}.",
        )

    def _say_whom_it_pages(self) -> None:
        names = ", ".join(map(label_of, self._plans))
        Annotations.of(self).add_warning_v2(
            _FOR_REAL,
            f"pages_for_real pages everybody whom {names} engages in each deployment that runs the test:"
            " acknowledge this where it is meant.",
        )

    # --- what only synth knows

    def _looked_at(self) -> list[IResponsePlanRef]:
        """Return the plans that alarms lead to, each once: those that are named, and those of live routes."""
        return self._each_once([*self._plans, *self._routed()])

    def _routed(self) -> list[IResponsePlanRef]:
        routes = {} if self._trigger is None else self._trigger._plans  # noqa: SLF001
        return self._each_once([plan for route, plan in routes.items() if route != SMOKE_TEST])

    def _each_once(self, plans: Sequence[IResponsePlanRef]) -> list[IResponsePlanRef]:
        by_arn: dict[str, IResponsePlanRef] = {}
        for plan in plans:
            by_arn.setdefault(arn_by_name(plan, self), plan)
        return list(by_arn.values())

    def _live_routes(self) -> list[str]:
        routes = [] if self._trigger is None else list(self._trigger._routes)  # noqa: SLF001
        return [route for route in routes if route != SMOKE_TEST]

    def _rights(self, rights: SmokeTestRights) -> list[Right]:
        return rights.rights(self._looked_at(), self._live_routes())

    def _lines(self) -> list[str]:
        """Return what the function reads in its own file, one JSON object a line."""
        quiet_plan_arn = arn_seen_from(self.quiet_plan, self, ordered=False)
        lines = [json.dumps({"test": self._settings})]
        lines += [path.line(quiet_plan_arn) for path in self._paths]
        if self._trigger is not None:
            lines.append(trigger_line(self._trigger, self._live_routes(), self._routed(), self))
        for_real = {plan.node.addr for plan in self._for_real}
        lines += [plan_line(plan, self, for_real=plan.node.addr in for_real) for plan in self._looked_at()]
        return lines

    def _proves(self) -> dict[str, object]:
        """Return digests: CloudFormation runs the test when one of them changes."""
        proves: dict[str, object] = {
            "Test": uncached_text(self._digest_of_the_test),
            "Plans": uncached_any(self._digests_of_the_plans),
        }
        if self._quiet_way is not None:
            trigger, alias = self._quiet_way
            proves["Trigger"] = uncached_text(lambda: self._digest_of(trigger, alias))
        return proves

    def _digest_of(self, trigger: IncidentTrigger, alias: lambda_.Alias) -> str:
        version = _of(trigger.function.current_version).logical_id
        return digest_of(self, trigger.role, alias, self.canary, beside=version)

    def _digest_of_the_test(self) -> str:
        paths = [path for path in self._paths if path.kind == "service"]
        told = [self._provider.digest, self._settings, list(map(label_of, self._for_real))]
        return digest_of(self, *(path.canary for path in paths), beside=json.dumps(told))

    def _digests_of_the_plans(self) -> dict[str, str]:
        return {label_of(plan): digest_of_plan(plan) for plan in [self.quiet_plan, *self._looked_at()]}


def _of(construct: Construct) -> CfnResource:
    resource = construct.node.default_child
    if not isinstance(resource, CfnResource):
        raise TypeError(f"{construct.node.path} has no CloudFormation resource")
    return resource


def _new_run() -> str:
    import secrets  # noqa: PLC0415 - it loads OpenSSL, slowly

    return secrets.token_hex(8)
