"""Alarms, trigger and service in one: what a smoke test sees of an account, by a clock that costs nothing."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from incidents_runtime.smoke_test import handler
from incidents_runtime.smoke_test.clients import Clients
from incidents_runtime.smoke_test.failures import SmokeTestFailed
from incidents_runtime.smoke_test.settings import Path, Plan, Settings

from tests.runtime.fakes import refusal

if TYPE_CHECKING:
    from collections.abc import Callable

STACK = "arn:aws:cloudformation:us-east-1:111122223333:stack/Shop/6c1f"
QUIET = "arn:aws:ssm-incidents::111122223333:response-plan/quiet"
REAL = "arn:aws:ssm-incidents::111122223333:response-plan/checkout"
ALARM = "arn:aws:cloudwatch:us-east-1:111122223333:alarm:"
ADA = "arn:aws:ssm-contacts:us-east-1:111122223333:contact/ada"
BEGAN = datetime(2026, 11, 23, 3, 0, tzinfo=timezone.utc)

BY_TRIGGER = Path("trigger", "canary", f"{ALARM}canary", QUIET, "trigger-log")
BY_SERVICE = Path("service", "canary-2", f"{ALARM}canary-2", QUIET)
FOR_REAL = Plan("checkout", REAL, for_real=True)


def gone(operation: str) -> ClientError:
    """Return the service's word for what is not there."""
    return ClientError({"Error": {"Code": "ResourceNotFoundException", "Message": "gone"}}, operation)


class _Client:
    """Hands each call on to the account, which may be watched."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        def call(**arguments: Any) -> Any:
            return self._account.around(operation, lambda: getattr(self._account, operation)(**arguments))

        return call


class Account:
    """The account. A test replaces what is to go wrong."""

    def __init__(self) -> None:
        self.now = 0.0
        self.records: dict[str, dict[str, Any]] = {}
        self.timelines: dict[str, list[tuple[str, str]]] = {}
        self.ops_items: set[str] = set()
        self.alarms: dict[str, dict[str, Any]] = {
            name: {"StateValue": "OK", "StateReason": "made", "StateUpdatedTimestamp": BEGAN}
            for name in ("canary", "canary-2")
        }
        self.states: list[str] = []
        self.titles: list[str] = []
        self.history: list[str] = []
        self.log: list[str] = ["START RequestId: 1"]
        self.stack_status = "UPDATE_IN_PROGRESS"
        # What the trigger does with the canary's signals, and the service with the other canary's.
        self.on_alarm: Callable[[str], object] = self.join_or_open
        self.on_ok: Callable[[str], object] = self.resolve
        self.on_service_alarm: Callable[[], object] = self.merge_or_open
        self.alarm_name = "canary"
        self.plan: dict[str, Any] = {"incidentTemplate": {"title": "Smoke test", "impact": 5}}
        self.real_plan: dict[str, Any] = {
            "incidentTemplate": {"title": "Checkout is failing", "impact": 1},
            "engagements": [ADA],
        }
        self.channels = {"c1": "SMS", "c2": "VOICE"}
        self.tokens: dict[str, tuple[str, dict[str, Any]]] = {}
        self.paged: list[str] = []
        self.pages_after = 0.0
        self.timeline_after = 0.0
        self.page = 100
        self.made = 0
        self.around: Callable[[str, Callable[[], Any]], Any] = lambda _, call: call()
        client = _Client(self)
        self.clients = Clients(
            client, client, client, client, client, client, client, client, region="us-east-1"
        )
        self.settings = Settings(timeout_s=30.0, paths=(BY_TRIGGER,))

    # --- what the trigger and the service do

    def join_or_open(self, title: str) -> None:
        """Let a signal join the open incident of its alarm, or open one."""
        found = self.open_of(f"{ALARM}canary")
        if found is None:
            self.open(title)
        else:
            note = json.dumps(f"1 more signal has joined this incident; the latest: {title}")
            self.timelines[found["arn"]].append(("Custom Event", note))

    def merge_or_open(self) -> None:
        """Do as the service does: one incident for an alarm and a plan."""
        if self.open_of(f"{ALARM}canary-2") is None:
            self.open(self.plan["incidentTemplate"]["title"], alarm="canary-2")

    def open_of(self, alarm_arn: str) -> dict[str, Any] | None:
        """Return the open incident of an alarm."""
        return next(
            (
                record
                for record in self.records.values()
                if record["incidentRecordSource"].get("resourceArn") == alarm_arn
                and record["status"] == "OPEN"
                and "/quiet/" in record["arn"]
            ),
            None,
        )

    def open(self, title: str, plan: str = "quiet", alarm: str = "canary") -> str:
        """Open an incident with its OpsItem."""
        self.titles.append(title)
        self.made += 1
        arn = f"arn:aws:ssm-incidents::111122223333:incident-record/{plan}/{self.made}"
        self.ops_items.add(f"oi-{self.made}")
        self.records[arn] = {
            "arn": arn,
            "title": title,
            "status": "OPEN",
            "impact": 5,
            "creationTime": self.wall(),
            "incidentRecordSource": {"source": "cloudwatch.alarm", "resourceArn": f"{ALARM}{alarm}"},
            "ops_item": f"oi-{self.made}",
        }
        raw = json.dumps({"detail": {"alarmName": alarm if alarm != "canary" else self.alarm_name}})
        self.timelines[arn] = [
            ("Custom Event", '"a note"'),
            ("SSM Incident Trigger", json.dumps({"rawData": raw})),
        ]
        return arn

    def resolve(self, _: str) -> None:
        """Resolve what the canary has opened."""
        found = self.open_of(f"{ALARM}canary")
        if found is not None:
            found["status"] = "RESOLVED"

    def leaves_nothing(self) -> bool:
        """Tell whether nothing is left behind."""
        moved = {name: alarm["StateValue"] for name, alarm in self.alarms.items()}
        return (self.records, self.ops_items, set(moved.values())) == ({}, set(), {"OK"})

    # --- the clock

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def wall(self) -> datetime:
        return BEGAN + timedelta(seconds=self.now)

    # --- replication set

    def list_replication_sets(self) -> dict[str, Any]:
        return {"replicationSetArns": ["arn:aws:ssm-incidents::111122223333:replication-set/1"]}

    def get_replication_set(self, *, arn: str) -> dict[str, Any]:
        assert arn.endswith("/1")
        return {"replicationSet": {"status": "ACTIVE", "regionMap": {"us-east-1": {"status": "ACTIVE"}}}}

    # --- cloudwatch

    def set_alarm_state(self, *, AlarmName: str, StateValue: str, StateReason: str) -> None:  # noqa: N803
        alarm = self.alarms[AlarmName]
        changed = alarm["StateValue"] != StateValue
        alarm.update(StateValue=StateValue, StateReason=StateReason, StateUpdatedTimestamp=self.wall())
        self.states.append(StateValue)
        if changed and AlarmName == "canary" and StateValue in ("ALARM", "OK"):
            {"ALARM": self.on_alarm, "OK": self.on_ok}[StateValue](StateReason)
        if changed and AlarmName == "canary-2" and StateValue == "ALARM":
            self.on_service_alarm()

    def describe_alarms(self, **asked: Any) -> dict[str, Any]:
        # None is wired to anything live.
        names = asked.get("AlarmNames", [])
        found = [{"AlarmName": name, **self.alarms[name]} for name in names]
        return {"MetricAlarms": found, "CompositeAlarms": []}

    def describe_alarm_history(self, **_: Any) -> dict[str, Any]:
        return {"AlarmHistoryItems": [{"HistorySummary": summary} for summary in self.history]}

    # --- ssm-incidents

    def list_incident_records(
        self,
        *,
        filters: list[dict[str, Any]],
        maxResults: int,  # noqa: N803
        nextToken: str = "0",  # noqa: N803
    ) -> dict[str, Any]:
        assert maxResults == 100
        (asked,) = filters
        if asked["key"] == "status":
            assert asked["condition"] == {"equals": {"stringValues": ["OPEN"]}}
            found = [record for record in self.records.values() if record["status"] == "OPEN"]
        else:
            after = asked["condition"]["after"]
            found = [record for record in self.records.values() if record["creationTime"] > after]
        begin, end = int(nextToken), int(nextToken) + self.page
        more = {"nextToken": str(end)} if end < len(found) else {}
        return {"incidentRecordSummaries": found[begin:end], **more}

    def get_incident_record(self, *, arn: str) -> dict[str, Any]:
        return {"incidentRecord": self._record(arn, "GetIncidentRecord")}

    def get_response_plan(self, *, arn: str) -> dict[str, Any]:
        return {QUIET: self.plan, REAL: self.real_plan}[arn]

    def list_timeline_events(self, *, incidentRecordArn: str, **_: Any) -> dict[str, Any]:  # noqa: N803
        self._record(incidentRecordArn, "ListTimelineEvents")
        late = self.now < self.timeline_after
        events = enumerate(self.timelines[incidentRecordArn])
        kept = [(n, kind) for n, (kind, _) in events if not (late and kind == "SSM Incident Trigger")]
        return {"eventSummaries": [{"eventType": kind, "eventId": str(number)} for number, kind in kept]}

    def get_timeline_event(self, *, incidentRecordArn: str, eventId: str) -> dict[str, Any]:  # noqa: N803
        return {"event": {"eventData": self.timelines[incidentRecordArn][int(eventId)][1]}}

    def list_related_items(self, *, incidentRecordArn: str) -> dict[str, Any]:  # noqa: N803
        record = self._record(incidentRecordArn, "ListRelatedItems")
        ops_item = {"arn": f"arn:aws:ssm:us-east-1:111122223333:opsitem/{record['ops_item']}"}
        return {
            "relatedItems": [
                *(
                    {"identifier": {"type": "OTHER", "value": {"url": "https://x"}}, "title": title}
                    for title in ("Started by route smoke-test, signal 1", "Alarm canary")
                ),
                {"identifier": {"type": "PARENT", "value": ops_item}},
            ]
        }

    def update_incident_record(self, *, arn: str, status: str) -> None:
        self._record(arn, "UpdateIncidentRecord")["status"] = status

    def delete_incident_record(self, *, arn: str) -> None:
        assert self._record(arn, "DeleteIncidentRecord")["status"] == "RESOLVED", "resolve before deleting"
        del self.records[arn]

    def start_incident(self, **asked: Any) -> dict[str, Any]:
        assert asked["responsePlanArn"] == REAL
        assert len(asked["title"]) <= 200
        if asked["clientToken"] not in self.tokens:
            arn = self.open(asked["title"], plan="checkout", alarm="none")
            self.records[arn]["dedupeString"] = self.real_plan["incidentTemplate"].get("dedupeString", arn)
            self.paged.append(asked["title"])
            self.tokens[asked["clientToken"]] = (arn, asked)
        arn, before = self.tokens[asked["clientToken"]]
        # No document says what the same token gets with other details.
        if asked != before:
            raise refusal("ConflictException", 409)
        return {"incidentRecordArn": arn}

    def _record(self, arn: str, operation: str) -> dict[str, Any]:
        if arn not in self.records:
            raise gone(operation)
        return self.records[arn]

    # --- ssm-contacts

    def list_engagements(self, *, IncidentId: str) -> dict[str, Any]:  # noqa: N803
        self._record(IncidentId, "ListEngagements")
        engaged = self.real_plan.get("engagements", [])
        return {"Engagements": [{"EngagementArn": f"engagement/{arn}", "ContactArn": arn} for arn in engaged]}

    def list_pages_by_engagement(self, *, EngagementId: str) -> dict[str, Any]:  # noqa: N803
        sent = {} if self.now < self.pages_after else {"SentTime": self.wall()}
        page = {"EngagementArn": EngagementId, "ContactArn": EngagementId.partition("/")[2]}
        return {"Pages": [{**page, **sent, "PageArn": f"page/{channel}"} for channel in self.channels]}

    def list_page_receipts(self, *, PageId: str) -> dict[str, Any]:  # noqa: N803
        return {"Receipts": [{"ContactChannelArn": PageId.partition("/")[2]}, {"ReceiptType": "SENT"}]}

    def get_contact_channel(self, *, ContactChannelId: str) -> dict[str, Any]:  # noqa: N803
        return {"Type": self.channels[ContactChannelId]}

    # --- ssm, logs, cloudformation

    def delete_ops_item(self, *, OpsItemId: str) -> None:  # noqa: N803
        if OpsItemId == "throttled":
            raise refusal("ThrottlingException", 429)
        self.ops_items.discard(OpsItemId)

    def filter_log_events(self, *, logGroupName: str, startTime: int) -> dict[str, Any]:  # noqa: N803
        assert logGroupName == "trigger-log"
        assert startTime > 0
        return {"events": [{"message": line} for line in self.log]}

    def describe_stacks(self, *, StackName: str) -> dict[str, Any]:  # noqa: N803
        assert StackName == STACK
        return {"Stacks": [{"StackStatus": self.stack_status}]}


def request(kind: str = "Create", **properties: Any) -> dict[str, Any]:
    """Return a request as the provider framework hands it on."""
    event = {
        "RequestType": kind,
        "StackId": STACK,
        "LogicalResourceId": "SmokeTest",
        "RequestId": "request-1",
        "ResourceProperties": {"Skip": "false", "Proves": {"Plans": {}}, **properties},
    }
    return event if kind == "Create" else {**event, "PhysicalResourceId": "as-before"}


def context(seconds_left: float = 300) -> Any:
    """Return what Lambda tells of an invocation."""
    return SimpleNamespace(
        get_remaining_time_in_millis=lambda: seconds_left * 1000,
        log_group_name="test-log",
        aws_request_id="invocation-1",
    )


def answer(event: dict[str, Any], *, seconds_left: float = 300) -> dict[str, Any]:
    """Call the handler with Lambda's context."""
    return handler.handler(event, context(seconds_left))


def data(event: dict[str, Any], **options: Any) -> dict[str, str]:
    """Return the attributes that the handler answers."""
    told: dict[str, str] = answer(event, **options)["Data"]
    return told


def reason_of(event: dict[str, Any], **options: Any) -> str:
    """Return why a run failed."""
    with pytest.raises(SmokeTestFailed) as failure:
        answer(event, **options)
    return str(failure.value)
