"""The synthetic incident of a deployment: a canary alarm must become an incident and go away again.

The canary is wired to its route as every alarm is wired to its own, so what this proves is the way that real
alarms take: the alarm's permission, alias, function, role, ledger, service, and the way back.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import time
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# CloudFormation takes 4,096 bytes in all, and CDK's provider framework adds a trace to the message.
_LONGEST_MESSAGE = 2_000
_SEEN_FROM_ELSEWHERE = 600
# Time to clean up in, before Lambda ends the function.
_CLEAN_UP_S = 25.0
_POLL_S = 0.25
# How long one ALARM is given before the canary is fired again: the first may have met a role that is too new.
_ONE_TRY_S = 20.0
_CLOCKS_DIFFER = timedelta(seconds=60)
_GONE = "ResourceNotFoundException"


class SmokeTestFailed(Exception):  # noqa: N818 - CloudFormation shows the name to people
    """What CloudFormation shows: the step, what was expected, what was seen, what to do."""


@dataclasses.dataclass(frozen=True)
class Settings:
    """The properties of the custom resource; they arrive as strings."""

    canary_name: str
    canary_arn: str
    response_plan_arn: str
    log_group: str
    timeout_s: float
    skip: bool

    @classmethod
    def of(cls, properties: Mapping[str, Any]) -> Settings:
        """Read the properties, also those of an older version, which may lack some."""
        return cls(
            canary_name=str(properties.get("CanaryName", "")),
            canary_arn=str(properties.get("CanaryArn", "")),
            response_plan_arn=str(properties.get("ResponsePlanArn", "")),
            log_group=str(properties.get("LogGroupName", "")),
            timeout_s=float(properties.get("TimeoutSeconds", "90")),
            skip=str(properties.get("Skip", "false")).lower() == "true",
        )

    @property
    def response_plan_name(self) -> str:
        """The plan's name, the last part of its ARN and a part of every record's."""
        return self.response_plan_arn.rpartition("/")[2]


@dataclasses.dataclass
class Clients:
    """What the test talks to; made once, passed in."""

    cloudwatch: Any
    incidents: Any
    ssm: Any
    logs: Any
    cloudformation: Any

    @classmethod
    def default(cls) -> Clients:
        """Make the clients, with time-outs that leave room to answer."""
        config = Config(
            connect_timeout=3, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 3}
        )
        services = ("cloudwatch", "ssm-incidents", "ssm", "logs", "cloudformation")
        return cls(*(boto3.client(service, config=config) for service in services))


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer one request of CloudFormation, handed on by CDK's provider framework.

    Parameters
    ----------
    event
        The request: RequestType, StackId, LogicalResourceId, RequestId, ResourceProperties.
    context
        Lambda's own; tells how much time is left.

    Raises
    ------
    SmokeTestFailed
        If a step fails; the framework hands the message to CloudFormation. Never for a Delete.
    """
    settings = Settings.of(event.get("ResourceProperties", {}))
    identity = _identity(event)
    answer = {"PhysicalResourceId": event.get("PhysicalResourceId") or f"incident-smoke-test-{identity}"}
    ends_at = time.monotonic() + context.get_remaining_time_in_millis() / 1000 - _CLEAN_UP_S
    run = Run(settings, Clients.default(), stack=_stack_name(event), identity=identity, ends_at=ends_at)
    if event["RequestType"] == "Delete":
        with _never_failing("delete"):
            run.clean_up(f"Smoke test of {run.stack} is removed")
        return answer
    if settings.skip:
        return answer | {"Data": _skipped("the context key cdk-incidents:skip-smoke-test is set")}
    if event["RequestType"] == "Update" and run.stack_rolls_back(event["StackId"]):
        # The old code must come back whatever the test of it would say.
        return answer | {"Data": _skipped("the stack rolls back")}
    try:
        return answer | {"Data": run.prove(nonce=_digest(event["RequestId"]))}
    except SmokeTestFailed as failure:
        # The framework names a log group too, but one that there is none of: ours has a name of its own.
        raise SmokeTestFailed(f"{failure} The test's log: {context.log_group_name}") from None


class Run:
    """One run of the test: six steps, and the way back from any of them."""

    def __init__(
        self, settings: Settings, clients: Clients, *, stack: str, identity: str, ends_at: float
    ) -> None:
        self.stack = stack
        self._settings = settings
        self._clients = clients
        self._identity = identity
        self._ends_at = ends_at
        self._began = datetime.now(timezone.utc)
        self._steps: list[tuple[str, int]] = []

    def stack_rolls_back(self, stack_id: str) -> bool:
        """Tell whether CloudFormation is on its way back to the old template."""
        stacks = self._clients.cloudformation.describe_stacks(StackName=stack_id)["Stacks"]
        return any("ROLLBACK" in stack["StackStatus"] for stack in stacks)

    def prove(self, *, nonce: str) -> dict[str, str]:
        """Run all steps; return the attributes of the custom resource."""
        title = f"Smoke test of {self.stack} ({self._identity} {nonce})"
        try:
            with self._step("canary"):
                self._remove_leftovers()
            record = self._open_incident(title)
            with self._step("content"):
                self._check(record, title)
            with self._step("recovery"):
                self._set_canary("OK", f"{title} is over")
                self._wait_until_resolved(record["arn"])
            with self._step("removal"):
                self._remove(record["arn"])
        except Exception as error:  # noqa: BLE001 - whatever it is, nothing may be left behind
            with _never_failing("clean-up"):
                self.clean_up(f"{title} has failed")
            raise _shown(error) from None
        steps = ", ".join(f"{name} {ms} ms" for name, ms in self._steps)
        result = f"passed: {steps}; pages 0"
        _log("INFO", result, incident_record_arn=record["arn"])
        return {"Result": result, "IncidentRecordArn": record["arn"]}

    def clean_up(self, reason: str) -> None:
        """Leave nothing behind: the canary at OK, no record and no OpsItem of ours."""
        self._set_canary("OK", reason)
        self._remove_leftovers()

    def _open_incident(self, title: str) -> dict[str, Any]:
        # Fired again while there is time: on a first deployment the role may be seconds old, and IAM is slow.
        with self._step("incident"):
            gives_up_at = min(time.monotonic() + self._settings.timeout_s, self._ends_at)
            while True:
                # CloudWatch acts on a change of state only, and nothing acts on this one.
                self._set_canary("INSUFFICIENT_DATA", f"{title} begins")
                self._set_canary("ALARM", title)
                record = self._wait_for_record(title, until=min(time.monotonic() + _ONE_TRY_S, gives_up_at))
                if record:
                    return record
                if time.monotonic() >= gives_up_at:
                    raise _failure(
                        "incident",
                        expected=f"an incident titled {title!r} of plan {self._settings.response_plan_name}"
                        f" within {self._settings.timeout_s:.0f} s",
                        seen=self._diagnosis(),
                        remedy="mend what is named there, or give it longer with SmokeTest(timeout=…).",
                    )

    def _wait_for_record(self, title: str, *, until: float) -> dict[str, Any] | None:
        while True:
            for summary in self._records():
                if summary["title"] == title:
                    return self._record(summary["arn"])
            if time.monotonic() >= until:
                return None
            time.sleep(_POLL_S)

    def _check(self, record: dict[str, Any], title: str) -> None:
        plan = self._clients.incidents.get_response_plan(arn=self._settings.response_plan_arn)
        trigger = record.get("incidentRecordSource", {})
        for field, expected, seen in (
            ("title", title, record["title"]),
            ("status", "OPEN", record["status"]),
            ("impact", plan["incidentTemplate"]["impact"], record["impact"]),
            ("source's ARN", self._settings.canary_arn, trigger.get("resourceArn")),
            ("trigger event's alarm", self._settings.canary_name, self._alarm_in_timeline(record["arn"])),
        ):
            if expected != seen:
                raise _failure(
                    "content",
                    expected=f"the incident's {field} to be {expected!r}",
                    seen=f"{seen!r}",
                    remedy="deploy this version of the trigger and its smoke test together.",
                )

    def _alarm_in_timeline(self, record_arn: str) -> Any:
        """Return what runbooks read: the alarm's name in the event that the trigger handed over."""
        events = self._clients.incidents.list_timeline_events(incidentRecordArn=record_arn)["eventSummaries"]
        for summary in events:
            if summary["eventType"] != "SSM Incident Trigger":
                continue
            event = self._clients.incidents.get_timeline_event(
                incidentRecordArn=record_arn, eventId=summary["eventId"]
            )["event"]
            with _never_failing("the trigger event"):
                raw = json.loads(json.loads(event["eventData"])["rawData"])
                return raw["detail"]["alarmName"]
        return None

    def _wait_until_resolved(self, record_arn: str) -> None:
        gives_up_at = min(time.monotonic() + self._settings.timeout_s, self._ends_at)
        while True:
            record = self._record(record_arn)
            if record["status"] == "RESOLVED":
                return
            if time.monotonic() >= gives_up_at:
                raise _failure(
                    "recovery",
                    expected=f"the incident to be resolved within {self._settings.timeout_s:.0f} s of OK",
                    seen=f"status {record['status']}; {self._diagnosis()}",
                    remedy="mend what is named there.",
                )
            time.sleep(_POLL_S)

    def _remove_leftovers(self) -> None:
        # A run that was killed leaves its record; the identity in the title tells whose it is.
        for summary in self._records(since=datetime.fromtimestamp(0, timezone.utc)):
            if f"({self._identity} " in summary["title"]:
                self._remove(summary["arn"])

    def _remove(self, record_arn: str) -> None:
        incidents = self._clients.incidents
        with _tolerating(_GONE):
            # Read before the record is gone: it alone knows its OpsItem.
            items = incidents.list_related_items(incidentRecordArn=record_arn)["relatedItems"]
            incidents.update_incident_record(arn=record_arn, status="RESOLVED")
            incidents.delete_incident_record(arn=record_arn)
            for item in items:
                if item["identifier"]["type"] == "PARENT":
                    ops_item = item["identifier"]["value"].get("arn", "").rpartition("/")[2]
                    self._clients.ssm.delete_ops_item(OpsItemId=ops_item)

    def _record(self, arn: str) -> dict[str, Any]:
        return dict(self._clients.incidents.get_incident_record(arn=arn)["incidentRecord"])

    def _records(self, *, since: datetime | None = None) -> Iterator[dict[str, Any]]:
        """Yield the summaries of the quiet plan's incidents, and of no other plan's."""
        after = since or self._began - _CLOCKS_DIFFER
        pages = self._clients.incidents.get_paginator("list_incident_records").paginate(
            filters=[{"key": "creationTime", "condition": {"after": after}}]
        )
        marker = f":incident-record/{self._settings.response_plan_name}/"
        for page in pages:
            yield from (summary for summary in page["incidentRecordSummaries"] if marker in summary["arn"])

    def _set_canary(self, state: str, reason: str) -> None:
        self._clients.cloudwatch.set_alarm_state(
            AlarmName=self._settings.canary_name, StateValue=state, StateReason=reason[:1023]
        )

    def _diagnosis(self) -> str:
        """Say what the alarm and the trigger's own log tell about an incident that did not come."""
        with _never_failing("the alarm's history"):
            if failed := self._failed_action():
                return f"the alarm's action fail: {_short(failed)}"
        log = self._settings.log_group
        try:
            lines = self._logged_since_the_beginning()
        except Exception as error:  # noqa: BLE001 - a diagnosis that fails says so
            return f"nothing, since the trigger's log {log} could not be read: {_short(str(error))}"
        if not lines:
            return (
                f"nothing in the trigger's log {log}: it was not invoked. Does its alias smoke-test let"
                " lambda.alarms.cloudwatch.amazonaws.com invoke it?"
            )
        errors = [text for text in map(_error_in, lines) if text]
        return f"{_short(errors[0])} (in the trigger's log {log})" if errors else f"no error in its log {log}"

    def _failed_action(self) -> str | None:
        history = self._clients.cloudwatch.describe_alarm_history(
            AlarmName=self._settings.canary_name, HistoryItemType="Action", StartDate=self._began
        )
        summaries = (item.get("HistorySummary", "") for item in history["AlarmHistoryItems"])
        return next((summary for summary in summaries if "fail" in summary.lower()), None)

    def _logged_since_the_beginning(self) -> list[str]:
        began_ms = int((self._began - timedelta(seconds=1)).timestamp() * 1000)
        pages = self._clients.logs.get_paginator("filter_log_events").paginate(
            logGroupName=self._settings.log_group, startTime=began_ms
        )
        return [event["message"].strip() for page in pages for event in page["events"]]

    @contextlib.contextmanager
    def _step(self, name: str) -> Iterator[None]:
        began = time.monotonic()
        try:
            yield
        except SmokeTestFailed:
            raise
        except Exception as error:
            raise _failure(
                name,
                expected="the step to pass",
                seen=f"{type(error).__name__}: {error}",
                remedy="mend what is named there; the log of the smoke test has the trace.",
            ) from error
        milliseconds = round((time.monotonic() - began) * 1000)
        self._steps.append((name, milliseconds))
        _log("INFO", f"step {name} passed", milliseconds=milliseconds)


def _failure(step: str, *, expected: str, seen: str, remedy: str) -> SmokeTestFailed:
    return SmokeTestFailed(f"Smoke test failed at {step}: expected {expected}; saw {seen}. Remedy: {remedy}")


def _shown(error: Exception) -> SmokeTestFailed:
    message = str(error)
    _log("ERROR", message)
    if len(message) > _LONGEST_MESSAGE:
        message = f"{message[:_LONGEST_MESSAGE]}…"
    return SmokeTestFailed(message)


def _skipped(why: str) -> dict[str, str]:
    _log("WARNING", f"skipped: {why}")
    return {"Result": f"skipped: {why}", "IncidentRecordArn": ""}


def _error_in(line: str) -> str | None:
    """Return what a line of the trigger's log says went wrong; None where it does not."""
    try:
        entry = json.loads(line)
    except ValueError:
        # Lambda's own: an exception at import, a time-out, a crash. Its first line is the heading of a trace.
        telling = any(word in line for word in ("Error", "ERROR", "timed out", "Exception"))
        return line if telling and not line.startswith("Traceback") else None
    if not isinstance(entry, dict) or entry.get("level") != "ERROR":
        return None
    return str(entry.get("reason") or entry.get("message"))


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _SEEN_FROM_ELSEWHERE else f"{text[:_SEEN_FROM_ELSEWHERE]}…"


@contextlib.contextmanager
def _never_failing(what: str) -> Iterator[None]:
    # Whatever fails here must not hide what failed before, nor block a deletion.
    try:
        yield
    except Exception as error:  # noqa: BLE001
        _log("WARNING", f"{what}: {type(error).__name__}: {error}")


@contextlib.contextmanager
def _tolerating(code: str) -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        if error.response["Error"]["Code"] != code:
            raise


def _identity(event: Mapping[str, Any]) -> str:
    return _digest(f"{event['StackId']} {event['LogicalResourceId']}")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _stack_name(event: Mapping[str, Any]) -> str:
    # arn:aws:cloudformation:REGION:ACCOUNT:stack/NAME/UUID
    return str(event["StackId"]).split("/")[1]


def _log(level: str, message: str, **fields: object) -> None:
    print(json.dumps({"level": level, "message": message, **fields}))
