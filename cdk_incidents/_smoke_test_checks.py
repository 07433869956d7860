"""What a smoke test refuses: at once where it can be told, else when the app synthesises."""

from __future__ import annotations

from typing import TYPE_CHECKING

import jsii
from aws_cdk import Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import IValidation

from cdk_incidents._arn import same_deployment, waits_for
from cdk_incidents._checks import check_list, check_range, is_token, refusal
from cdk_incidents._plan_reach import properties_of
from cdk_incidents._plans import arn_by_name, check_plan, is_of_this_app, resource_of, tells_somebody

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk.interfaces.aws_ssmincidents import IResponsePlanRef
    from constructs import Construct

    from cdk_incidents.trigger import IncidentTrigger

SKIP = "cdk-incidents:skip-smoke-test"
_SHORTEST_S = 5
# By the number of paths: Lambda runs for 15 minutes, and so does the framework, which must outlive the test.
_LONGEST_S = {1: 240, 2: 180}
_LOOK_AND_CLEAN_UP_S = 120


def check_trigger(trigger: object) -> None:
    """Refuse an import, and what is no trigger."""
    if trigger is None or (hasattr(trigger, "add_route") and not isinstance(trigger, type)):
        return
    path = None if isinstance(trigger, type) else getattr(getattr(trigger, "node", None), "path", None)
    remedy = (
        "pass what IncidentTrigger(…) has made." if path is None else "an import is proven where it is made."
    )
    raise refusal("trigger", "an IncidentTrigger of this app", path or trigger, remedy)


def check_plans(scope: Construct, plans: Sequence[IResponsePlanRef]) -> None:
    """Refuse what is no list of different plans of the account."""
    check_list("plans", plans, object, "response plans")
    seen: set[str] = set()
    for plan in plans:
        check_plan("plans: each", plan)
        ours, theirs = Stack.of(scope).account, plan.env.account
        if theirs != ours and not is_token(theirs) and not is_token(ours):
            raise refusal(
                "plans",
                f"of this account, {ours}",
                f"{plan.node.path} of {theirs}",
                "whom it engages only its own account sees: test it there.",
            )
        if is_of_this_app(plan) and not same_deployment(plan, scope) and waits_for(plan, scope):
            raise refusal(
                "plans",
                "of a stack that is deployed before the test's or with it",
                plan.node.path,
                "make a SmokeTest in that stack; quiet_plan= lets the two share one.",
            )
        arn = arn_by_name(plan, scope)
        if arn in seen:
            raise refusal("plans", "different ones", plan.node.path, "give each once.")
        seen.add(arn)


def checked_timeout(timeout: Duration | None, paths: int) -> int:
    """Return how many seconds a step may take; refuse what the function's own time has no room for."""
    remedy = "e.g. Duration.seconds(90)."
    if timeout is None:
        return 90
    if not isinstance(timeout, Duration):
        raise refusal("timeout", "a Duration", timeout, remedy)
    if timeout.is_unresolved():
        raise refusal("timeout", "known at synth", "a token", remedy)
    both = "" if paths == 1 else " with both a trigger and plans"
    seconds = timeout.to_seconds(integral=False)
    check_range(
        f"timeout in seconds{both}", seconds, minimum=_SHORTEST_S, maximum=_LONGEST_S[paths], remedy=remedy
    )
    return int(seconds)


def is_skipped(value: object) -> bool:
    """Tell whether the context says to skip the test; refuse what says neither yes nor no."""
    text = str(value).lower()
    if text not in {"true", "1", "yes", "false", "0", "no", "", "none"}:
        # Taken for no, the test would run in the hotfix that was to go without it.
        raise refusal(SKIP, "true or false", value, f"e.g. --context {SKIP}=true.")
    return text in {"true", "1", "yes"}


def longest_run(timeout_s: int, paths: int) -> Duration:
    """Return how long the function may run: each incident comes at the last moment, so does its recovery."""
    return Duration.seconds(paths * 2 * timeout_s + _LOOK_AND_CLEAN_UP_S)


def check_choices(*, pages_for_real: object, every_deployment: object, on_failure: object) -> None:
    """Refuse what is none of the few values that there are."""
    for argument, value in (("pages_for_real", pages_for_real), ("every_deployment", every_deployment)):
        if not isinstance(value, bool):
            raise refusal(argument, "True or False", value, "leave it out for False.")
    if on_failure not in ("rollback", "warn"):
        raise refusal("on_failure", "rollback or warn", on_failure, "leave it out for rollback.")


@jsii.implements(IValidation)
class IsQuiet:
    """Refuse at synth a plan that would wake somebody; of an import the test itself asks the service."""

    def __init__(
        self, plan: IResponsePlanRef, trigger: IncidentTrigger | None, plans: Sequence[IResponsePlanRef]
    ) -> None:
        self._plan = plan
        self._trigger = trigger
        self._plans = plans

    def validate(self) -> list[str]:
        """Return why the plan is refused, as CDK asks."""
        return [
            str(refusal("quiet_plan", rule, self._plan.node.path, "leave it out to have one made."))
            for rule in [self._broken_rule()]
            if rule
        ]

    def _broken_rule(self) -> str:
        if self._trigger is not None and self._trigger.sends_people_to(self._plan):
            return "used by no route of the trigger"
        arn = arn_by_name(self._plan, self._plan)
        if any(arn_by_name(plan, self._plan) == arn for plan in self._plans):
            return "none of plans"
        if tells_somebody(self._plan):
            return "one that engages, notifies and runs nothing"
        if _dedupes(self._plan):
            # Its incident might join one that is open for real.
            return "one without a dedupe string"
        return ""


@jsii.implements(IValidation)
class MayPage:
    """Refuse at synth to fire a plan for real whose test incident a real alarm might join, and be lost."""

    def __init__(self, plans: Sequence[IResponsePlanRef]) -> None:
        self._plans = plans

    def validate(self) -> list[str]:
        """Return why plans are refused, as CDK asks."""
        remedy = "name plans without one, or leave pages_for_real out."
        return [
            str(refusal("pages_for_real", "given with plans without a dedupe string", plan.node.path, remedy))
            for plan in self._plans
            if _dedupes(plan)
        ]


def _dedupes(plan: IResponsePlanRef) -> bool:
    resource = resource_of(plan)
    incident = None if resource is None else properties_of(resource).get("incidentTemplate")
    return isinstance(incident, dict) and bool(incident.get("dedupeString"))


@jsii.implements(IValidation)
class IsAlone:
    """Refuse at synth a canary that tells more than the quiet way, which each run would tell, too."""

    def __init__(self, canary: cloudwatch.Alarm) -> None:
        self._canary = canary
        self._own = self._actions()

    def validate(self) -> list[str]:
        """Return why the canary is refused, as CDK asks."""
        more = len(self._actions()) - len(self._own)
        if more < 1:
            return []
        remedy = "take them away: each run would tell somebody; only pages_for_real=True is to page."
        path = self._canary.node.path
        return [str(refusal("canary", "without further actions", f"{path} with {more} more", remedy))]

    def _actions(self) -> list[str]:
        resource = self._canary.node.default_child
        if not isinstance(resource, cloudwatch.CfnAlarm):
            return []
        kinds = (resource.alarm_actions, resource.ok_actions, resource.insufficient_data_actions)
        resolved = Stack.of(self._canary).resolve(list(kinds))
        return [action for kind in resolved for action in kind or ()]
