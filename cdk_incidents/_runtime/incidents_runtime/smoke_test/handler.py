"""Who asks for a smoke test: CloudFormation, by CDK's provider framework, or a schedule."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING, Any

from incidents_runtime.errors import describe
from incidents_runtime.smoke_test import clock
from incidents_runtime.smoke_test.clients import Clients
from incidents_runtime.smoke_test.failures import SmokeTestFailed, log_of, shortened
from incidents_runtime.smoke_test.findings import THE_TRIGGER
from incidents_runtime.smoke_test.means import STEPS_END_S
from incidents_runtime.smoke_test.report import Report
from incidents_runtime.smoke_test.run import Run, never_failing
from incidents_runtime.smoke_test.settings import Settings, SettingsError, load
from incidents_runtime.telemetry import log

if TYPE_CHECKING:
    from collections.abc import Mapping

_ROLE_IS_KNOWN_IN_S = 60.0
# Together no longer than a failure may be that has paged nobody.
_LONGEST_PAGED, _LONGEST_BESIDE = 150, 1_850


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer one request of CloudFormation, handed on by CDK's provider framework.

    Parameters
    ----------
    event
        The request: RequestType, StackId, LogicalResourceId, RequestId, ResourceProperties, and on an update
        OldResourceProperties; of this version of the library or of an older one.
    context
        Lambda's own; tells how much time is left.

    Raises
    ------
    SmokeTestFailed
        If a step fails, unless it is only to warn; the framework hands the message to CloudFormation. Never
        for a Delete.
    """
    invocation = _Invocation(
        event["StackId"], event["LogicalResourceId"], event.get("RequestId", ""), context
    )
    answer = {
        "PhysicalResourceId": event.get("PhysicalResourceId") or f"incident-smoke-test-{invocation.identity}"
    }
    if event["RequestType"] == "Delete":
        with never_failing("what the test left was not removed"):
            invocation.run(_settings_if_any()).clean_up(f"Smoke test of {invocation.stack} is removed")
        return answer
    properties = event.get("ResourceProperties") or {}
    if str(properties.get("Skip", "false")).lower() == "true":
        why = "the context key cdk-incidents:skip-smoke-test is set"
        return answer | {"Data": Report().skipped(why)}
    status = invocation.stack_status()
    if "ROLLBACK" in status or status.startswith("DELETE"):
        # The old code must come back whatever the test of it would say.
        return answer | {"Data": Report().skipped("the stack rolls back")}
    return answer | {"Data": _proven(invocation, changed_plans(event))}


def scheduled(event: dict[str, Any], context: Any) -> dict[str, str]:
    """Repeat the test between deployments; the alarm is on this function's errors.

    Parameters
    ----------
    event
        What the schedule's rule says: ``stack_id`` and ``logical_id`` of the custom resource, so that this
        is the same test as the deployment's.
    context
        Lambda's own.

    Raises
    ------
    SmokeTestFailed
        With all that was found. A plan that is fired for real by deployments is not fired here.
    """
    request = getattr(context, "aws_request_id", "")
    invocation = _Invocation(event["stack_id"], event["logical_id"], request, context)
    if invocation.stack_status().endswith("IN_PROGRESS"):
        return Report().skipped("a deployment is under way")
    try:
        return invocation.run(load(os.environ)).repeat()
    except (SmokeTestFailed, SettingsError) as failed:
        raise _with_its_log(failed, context) from None


def changed_plans(event: Mapping[str, Any]) -> set[str]:
    """Return the names of the plans that a deployment makes or changes; and whether the trigger, too.

    Parameters
    ----------
    event
        CloudFormation's request.
    """
    now = _digests(event.get("ResourceProperties")) or {}
    if event["RequestType"] == "Create":
        return set(now)
    before = _digests(event.get("OldResourceProperties"))
    if before is None:
        # An older version of this library said it in another way, and its plans are no news.
        return set()
    return {name for name, digest in now.items() if before.get(name) != digest}


def _digests(properties: Any) -> dict[str, str] | None:
    match (properties or {}).get("Proves"):
        case {"Plans": dict(plans), **others}:
            return {**plans, THE_TRIGGER: others.get("Trigger", "")}
    return None


class _Invocation:
    """One invocation, and whose test it runs."""

    def __init__(self, stack_id: str, logical_id: str, request_id: str, context: Any) -> None:
        # arn:aws:cloudformation:REGION:ACCOUNT:stack/NAME/UUID
        self.stack = stack_id.partition("/")[2].partition("/")[0] or stack_id
        self.identity = _digest(f"{stack_id} {logical_id}")
        self.context = context
        self._stack_id = stack_id
        self._request = _digest(request_id)
        self._ends_at = clock.monotonic() + context.get_remaining_time_in_millis() / 1000
        self._clients = Clients.default(os.environ.get("AWS_REGION", ""))

    def run(self, settings: Settings) -> Run:
        """Give a run of what is to be tested."""
        return Run(
            settings,
            self._clients,
            stack=self.stack,
            identity=self.identity,
            request=self._request,
            ends_at=self._ends_at,
        )

    def stack_status(self) -> str:
        """Tell what CloudFormation does with the stack; nothing if nobody knows."""
        try:
            # The first question of a run: the look, which asks each thing once, comes when the role is known.
            clients = self._clients.until(
                self._ends_at - STEPS_END_S, patient_until=clock.monotonic() + _ROLE_IS_KNOWN_IN_S
            )
            (stack,) = clients.cloudformation.describe_stacks(StackName=self._stack_id)["Stacks"]
            return str(stack["StackStatus"])
        except Exception as error:  # noqa: BLE001 - not to know is no reason to fail
            log("WARNING", "the stack does not tell whether it rolls back", reason=describe(error))
            return ""


def _proven(invocation: _Invocation, changed: set[str]) -> dict[str, str]:
    try:
        settings = load(os.environ)
    except SettingsError as error:
        raise _with_its_log(error, invocation.context) from None
    run = invocation.run(settings)
    try:
        return run.prove(changed)
    except SmokeTestFailed as failed:
        told = _with_its_log(_and_whom_it_paged(failed, run.report.paged), invocation.context)
    if settings.on_failure == "warn":
        return run.report.failed(str(told))
    raise told


def _and_whom_it_paged(failed: SmokeTestFailed, paged: list[str]) -> SmokeTestFailed:
    # Who was woken asks why, however the test went on.
    whom = shortened(", ".join(paged), _LONGEST_PAGED)
    told = shortened(str(failed), _LONGEST_BESIDE)
    return SmokeTestFailed(f"{told} Paged for real: {whom}.") if paged else failed


def _with_its_log(error: Exception, context: Any) -> SmokeTestFailed:
    # The framework names a log group too, but one that there is none of: ours has a name of its own.
    where = log_of(context.log_group_name, os.environ.get("AWS_REGION", ""))
    told = f"{error} {where}"
    log("ERROR", told)
    return SmokeTestFailed(told)


def _settings_if_any() -> Settings:
    try:
        return load(os.environ)
    except Exception as error:  # noqa: BLE001 - a deletion never fails
        log("WARNING", "nothing tells what to clean up", reason=describe(error))
        return Settings()


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]
