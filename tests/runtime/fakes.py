"""A world for the trigger: clock, table, service, queues and topics that behave like AWS's and can fail."""

from __future__ import annotations

import copy
import json
import re
import uuid
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from botocore.exceptions import ClientError
from incidents_runtime.admission import Admission
from incidents_runtime.budget import Budget
from incidents_runtime.clock import Deadline
from incidents_runtime.dead_letters import DeadLetters
from incidents_runtime.destinations import Destinations
from incidents_runtime.handling import Handling
from incidents_runtime.incidents import Incidents
from incidents_runtime.ledger import Ledger
from incidents_runtime.ops_items import OpsItems
from incidents_runtime.regions import Regions
from incidents_runtime.retries import Retries
from incidents_runtime.settings import Route, Settings
from incidents_runtime.topics import Topics
from incidents_runtime.trigger import Trigger

from tests.runtime.model import violations

if TYPE_CHECKING:
    from collections.abc import Callable

    from incidents_runtime.suppression import Hold

EVENTS = Path(__file__).parents[1] / "events"
NOW = datetime(2026, 3, 5, 12, 0, tzinfo=timezone.utc)
FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:incidents"
PLAN = "arn:aws:ssm-incidents::123456789012:response-plan/checkout"
QUIET_PLAN = "arn:aws:ssm-incidents::123456789012:response-plan/quiet"
TOPIC = "arn:aws:sns:us-east-1:123456789012:fallback"
ROUTE_TOPIC = "arn:aws:sns:us-east-1:123456789012:operations"
REGION = "us-east-1"
DEAD_LETTERS = "https://sqs.us-east-1.amazonaws.com/123456789012/dead-letters"
RETRIES = "https://sqs.us-east-1.amazonaws.com/123456789012/retries"
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
_RESERVED = ("amazon", "aws", "amzn", "ssm", "/amazon", "/aws", "/amzn", "/ssm")
_SQS_TEXT = re.compile("[\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]*")

ROUTES = (
    Route(id="Critical", response_plan_arn=PLAN, impact=1, auto_resolve=True),
    Route(id="Manual", response_plan_arn=PLAN),
    Route(
        id="smoke-test",
        response_plan_arn=QUIET_PLAN,
        title="Smoke test {reason}",
        auto_resolve=True,
        quiet=True,
    ),
)


def sample(name: str) -> dict[str, Any]:
    """Read an event sample."""
    return cast("dict[str, Any]", json.loads((EVENTS / f"{name}.json").read_text(encoding="utf-8")))


def refusal(code: str, status: int = 400, message: str = "no") -> ClientError:
    """Make the error that botocore makes of a service's answer."""
    return ClientError(
        {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}},
        "Operation",
    )


THROTTLED = refusal("ThrottlingException", 429)
EXPIRED = refusal("ExpiredTokenException", 403)
"""Not done, and tried three times in place, as what throttles is not."""
DENIED = refusal("AccessDeniedException", 403)
INTERNAL = refusal("InternalServerException", 500)


class LostAnswerError(Exception):
    """Wraps an error that comes after the work was done: the answer is lost."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


class FakeClock:
    """Time that passes only when somebody sleeps."""

    def __init__(self) -> None:
        self.time = NOW
        self.slept = 0.0
        self.on_sleep: Callable[[], None] = lambda: None

    def now(self) -> datetime:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.slept += seconds
        self.time += timedelta(seconds=seconds)
        self.on_sleep()

    def jitter(self) -> float:
        return 0.5


class Faulty:
    """Every operation can fail before or after its work, once for each fault that was ordered."""

    def __init__(self) -> None:
        self.faults: dict[str, list[Exception]] = defaultdict(list)
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.remembers = True
        """Whether it keeps its calls, of which a storm has a hundred thousand."""
        self.before_call: Callable[[str], None] = lambda _: None

    def fail(self, operation: str, *errors: Exception) -> None:
        self.faults[operation] += errors

    def called(self, operation: str) -> list[dict[str, Any]]:
        return [arguments for name, arguments in self.calls if name == operation]

    def _call(self, operation: str, arguments: dict[str, Any], work: Callable[[], Any]) -> Any:
        self.before_call(operation)
        if self.remembers:
            self.calls.append((operation, copy.deepcopy(arguments)))
        fault = self.faults[operation].pop(0) if self.faults[operation] else None
        if fault is not None and not isinstance(fault, LostAnswerError):
            raise fault
        answer = work()
        if isinstance(fault, LostAnswerError):
            raise fault.error
        return answer


class FakeService(Faulty):
    """Incident Manager, strict by its own model, with a token window of zero, of a day, or without end."""

    def __init__(self, clock: FakeClock, token_window: timedelta | None = timedelta(0)) -> None:
        super().__init__()
        self.clock, self.token_window = clock, token_window
        self.merges = False
        """Whether the plan has a dedupe string, by which its open incident takes in all others."""
        self.plan: dict[str, Any] = {"incidentTemplate": {"title": "Smoke test", "impact": 5}}
        self.records: dict[str, dict[str, Any]] = {}
        self.notes: list[tuple[str, str]] = []
        self._tokens: dict[str, tuple[datetime, str]] = {}
        self.elsewhere: dict[str, FakeService] = {}
        self.region = REGION

    def in_region(self, region: str) -> FakeService:
        """Give the service in a Region: the same plans and records, other faults and tokens."""
        if region == self.region:
            return self
        if region not in self.elsewhere:
            twin = FakeService(self.clock, self.token_window)
            twin.records, twin.notes, twin.region = self.records, self.notes, region
            twin.before_call = lambda operation: self.before_call(operation)  # noqa: PLW0108 - it is set later
            self.elsewhere[region] = twin
        return self.elsewhere[region]

    def start_incident(self, **request: Any) -> dict[str, Any]:
        return cast("dict[str, Any]", self._call("StartIncident", request, lambda: self._start(request)))

    def get_response_plan(self, **request: Any) -> dict[str, Any]:
        return cast("dict[str, Any]", self._call("GetResponsePlan", request, lambda: self.plan))

    def get_incident_record(self, **request: Any) -> dict[str, Any]:
        return cast(
            "dict[str, Any]",
            self._call(
                "GetIncidentRecord", request, lambda: {"incidentRecord": self._record(request["arn"])}
            ),
        )

    def update_incident_record(self, **request: Any) -> dict[str, Any]:
        def work() -> dict[str, Any]:
            self._record(request["arn"])["status"] = request["status"]
            return {}

        return cast("dict[str, Any]", self._call("UpdateIncidentRecord", request, work))

    def list_incident_records(self, **request: Any) -> dict[str, Any]:
        return cast("dict[str, Any]", self._call("ListIncidentRecords", request, lambda: self._list(request)))

    def list_related_items(self, **request: Any) -> dict[str, Any]:
        return cast(
            "dict[str, Any]",
            self._call(
                "ListRelatedItems",
                request,
                lambda: {"relatedItems": self._record(request["incidentRecordArn"])["items"]},
            ),
        )

    def create_timeline_event(self, **request: Any) -> dict[str, Any]:
        def work() -> dict[str, Any]:
            self._record(request["incidentRecordArn"])
            self.notes.append((request["incidentRecordArn"], request["eventData"]))
            return {"eventId": "1", "incidentRecordArn": request["incidentRecordArn"]}

        return cast("dict[str, Any]", self._call("CreateTimelineEvent", request, work))

    def _call(self, operation: str, arguments: dict[str, Any], work: Callable[[], Any]) -> Any:
        found = violations("ssm-incidents", operation, arguments)
        assert not found, found
        return super()._call(operation, arguments, work)

    def _start(self, request: dict[str, Any]) -> dict[str, Any]:
        known = self._tokens.get(request["clientToken"])
        if known and (self.token_window is None or self.clock.now() < known[0] + self.token_window):
            return {"incidentRecordArn": known[1]}
        if self.merges:
            for arn in self.open_records():
                return {"incidentRecordArn": arn}
        details = request["triggerDetails"]
        source = {"source": details["source"], "createdBy": "arn:aws:iam::123456789012:role/r"}
        if "triggerArn" in details:
            source["resourceArn"] = details["triggerArn"]
        arn = request["responsePlanArn"].replace("response-plan", "incident-record") + f"/{uuid.uuid4()}"
        self.records[arn] = {
            "arn": arn,
            "title": request["title"],
            "impact": request.get("impact", 3),
            "status": "OPEN",
            "creationTime": self.clock.now(),
            "incidentRecordSource": source,
            "items": request["relatedItems"],
        }
        self._tokens[request["clientToken"]] = (self.clock.now(), arn)
        return {"incidentRecordArn": arn}

    def _record(self, arn: str) -> dict[str, Any]:
        if arn not in self.records:
            raise refusal("ResourceNotFoundException", 404)
        return self.records[arn]

    def _list(self, request: dict[str, Any]) -> dict[str, Any]:
        after = request["filters"][0]["condition"]["after"]
        found = [record for record in self.records.values() if record["creationTime"] > after]
        begin = int(request.get("nextToken", 0))
        page = {"incidentRecordSummaries": found[begin : begin + request["maxResults"]]}
        if begin + request["maxResults"] < len(found):
            return {**page, "nextToken": str(begin + request["maxResults"])}
        return page

    def open_records(self) -> list[str]:
        return [arn for arn, record in self.records.items() if record["status"] == "OPEN"]


class FakeTable(Faulty):
    """DynamoDB, as far as conditional writes of one item go."""

    def __init__(self) -> None:
        super().__init__()
        self.items: dict[str, dict[str, Any]] = {}

    def get_item(self, **request: Any) -> dict[str, Any]:
        assert request["ConsistentRead"] is True
        return cast("dict[str, Any]", self._call("GetItem", request, lambda: self._get(request)))

    def put_item(self, **request: Any) -> dict[str, Any]:
        return cast("dict[str, Any]", self._call("PutItem", request, lambda: self._put(request)))

    def update_item(self, **request: Any) -> dict[str, Any]:
        return cast("dict[str, Any]", self._call("UpdateItem", request, lambda: self._add(request)))

    def _add(self, request: dict[str, Any]) -> dict[str, Any]:
        item = self.items.setdefault(request["Key"]["key"]["S"], copy.deepcopy(request["Key"]))
        if "ConditionExpression" in request:
            return self._add_to_set(item, request)
        assert request["UpdateExpression"] == "SET expires_at = :expires ADD starts :one"
        item["starts"] = {"N": str(int(item.get("starts", {"N": "0"})["N"]) + 1)}
        item["expires_at"] = request["ExpressionAttributeValues"][":expires"]
        return {"Attributes": {"starts": item["starts"], "expires_at": item["expires_at"]}}

    def _add_to_set(self, item: dict[str, Any], request: dict[str, Any]) -> dict[str, Any]:
        condition = "attribute_not_exists(sharers) OR size(sharers) < :most"
        assert request["ConditionExpression"] == condition
        assert request["UpdateExpression"] == "SET expires_at = :expires ADD sharers :key"
        values = request["ExpressionAttributeValues"]
        known = item.get("sharers", {"SS": []})["SS"]
        if len(known) >= int(values[":most"]["N"]):
            raise refusal("ConditionalCheckFailedException")
        item["sharers"] = {"SS": sorted({*known, *values[":key"]["SS"]})}
        item["expires_at"] = values[":expires"]
        return {}

    def _get(self, request: dict[str, Any]) -> dict[str, Any]:
        item = self.items.get(request["Key"]["key"]["S"])
        return {} if item is None else {"Item": copy.deepcopy(item)}

    def _put(self, request: dict[str, Any]) -> dict[str, Any]:
        item = copy.deepcopy(request["Item"])
        key = item["key"]["S"]
        assert 0 < len(key.encode()) <= 2048
        assert len(json.dumps(item)) < 400_000
        revision = self.items.get(key, {}).get("revision")
        expected = request.get("ExpressionAttributeValues", {}).get(":seen")
        condition = "attribute_not_exists(revision)" if expected is None else "revision = :seen"
        assert request["ConditionExpression"] == condition
        if revision != expected:
            raise refusal("ConditionalCheckFailedException")
        self.items[key] = item
        return {}


class FakeQueues(Faulty):
    """SQS: takes what it would take."""

    def __init__(self, most_receives: int = 100) -> None:
        super().__init__()
        self.most_receives = most_receives
        self.sent: list[dict[str, Any]] = []
        """The dead letters."""
        self.waiting: list[dict[str, Any]] = []
        """What was sent to the retry queue."""
        self.hidden: dict[str, int] = {}

    def send_message(self, **request: Any) -> dict[str, Any]:
        def work() -> dict[str, Any]:
            assert request["QueueUrl"] in (DEAD_LETTERS, RETRIES)
            assert 0 <= request.get("DelaySeconds", 0) <= 900
            size = len(request["MessageBody"].encode())
            texts = [request["MessageBody"]]
            for name, attribute in request["MessageAttributes"].items():
                assert attribute["DataType"] == "String"
                assert attribute["StringValue"]
                size += len(name) + 6 + len(attribute["StringValue"].encode())
                texts.append(attribute["StringValue"])
            assert all(text and _SQS_TEXT.fullmatch(text) for text in texts)
            assert size <= 1_048_576
            (self.waiting if request["QueueUrl"] == RETRIES else self.sent).append(request)
            return {"MessageId": "1"}

        return cast("dict[str, Any]", self._call("SendMessage", request, work))

    def change_message_visibility(self, **request: Any) -> dict[str, Any]:
        def work() -> dict[str, Any]:
            assert request["QueueUrl"] == RETRIES
            assert 0 <= request["VisibilityTimeout"] <= 43_200
            self.hidden[request["ReceiptHandle"]] = request["VisibilityTimeout"]
            return {}

        return cast("dict[str, Any]", self._call("ChangeMessageVisibility", request, work))

    def get_queue_attributes(self, **request: Any) -> dict[str, Any]:
        policy = json.dumps({"deadLetterTargetArn": "arn:aws:sqs:x", "maxReceiveCount": self.most_receives})
        return cast(
            "dict[str, Any]",
            self._call("GetQueueAttributes", request, lambda: {"Attributes": {"RedrivePolicy": policy}}),
        )

    def reasons(self) -> list[str]:
        return [message["MessageAttributes"]["Reason"]["StringValue"] for message in self.sent]


class FakeTopics(Faulty):
    """SNS: takes what it would take."""

    def __init__(self) -> None:
        super().__init__()
        self.published: list[dict[str, Any]] = []

    def publish(self, **request: Any) -> dict[str, Any]:
        def work() -> dict[str, Any]:
            assert not violations("sns", "Publish", request)
            assert request["TopicArn"] in (TOPIC, ROUTE_TOPIC)
            assert len(request["Message"].encode()) <= 262_144
            # https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
            assert re.fullmatch(r"[\x21-\x7e][\x20-\x7e]{0,99}", request["Subject"])
            self.published.append(request)
            return {"MessageId": str(len(self.published))}

        return cast("dict[str, Any]", self._call("Publish", request, work))


class FakeOpsCenter(Faulty):
    """OpsCenter, strict by its model and by what its documents say beyond it."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__()
        self.clock = clock
        self.items: dict[str, dict[str, Any]] = {}
        self.page = 50

    def create_ops_item(self, **request: Any) -> dict[str, Any]:
        return cast("dict[str, Any]", self._call("CreateOpsItem", request, lambda: self._create(request)))

    def get_ops_item(self, **request: Any) -> dict[str, Any]:
        return cast(
            "dict[str, Any]",
            self._call("GetOpsItem", request, lambda: {"OpsItem": self._item(request["OpsItemId"])}),
        )

    def update_ops_item(self, **request: Any) -> dict[str, Any]:
        def work() -> dict[str, Any]:
            item = self._item(request["OpsItemId"])
            item["OperationalData"] |= request.get("OperationalData", {})
            item["Status"] = request.get("Status", item["Status"])
            return {}

        return cast("dict[str, Any]", self._call("UpdateOpsItem", request, work))

    def describe_ops_items(self, **request: Any) -> dict[str, Any]:
        return cast("dict[str, Any]", self._call("DescribeOpsItems", request, lambda: self._list(request)))

    def _call(self, operation: str, arguments: dict[str, Any], work: Callable[[], Any]) -> Any:
        found = violations("ssm", operation, arguments)
        assert not found, found
        for key, value in arguments.get("OperationalData", {}).items():
            assert key in ("/aws/dedup", "/aws/resources") or not key.lower().startswith(_RESERVED)
            assert len(value["Value"].encode()) <= 20 * 1024
        return super()._call(operation, arguments, work)

    def _create(self, request: dict[str, Any]) -> dict[str, Any]:
        assert not re.search("aws|amazon|amzn", request["Source"], re.IGNORECASE)
        data = request["OperationalData"]
        assert len(json.loads(data.get("/aws/resources", {"Value": "[]"})["Value"])) <= 100
        same = (data["/aws/dedup"], data.get("/aws/resources"))
        for item in self.items.values():
            known = item["OperationalData"]
            is_same = (known["/aws/dedup"], known.get("/aws/resources")) == same
            if is_same and item["Status"] in ("Open", "InProgress"):
                response = refusal("OpsItemAlreadyExistsException").response
                raise ClientError(cast("Any", {**response, "OpsItemId": item["OpsItemId"]}), "CreateOpsItem")
        item_id = f"oi-{uuid.uuid4().hex[:12]}"
        arn = f"arn:aws:ssm:us-east-1:123456789012:opsitem/{item_id}"
        self.items[item_id] = {
            **request,
            "OperationalData": dict(data),
            "OpsItemId": item_id,
            "OpsItemArn": arn,
            "Status": "Open",
            "CreatedTime": self.clock.now(),
        }
        return {"OpsItemId": item_id, "OpsItemArn": arn}

    def _item(self, item_id: str) -> dict[str, Any]:
        if item_id not in self.items:
            raise refusal("OpsItemNotFoundException")
        return self.items[item_id]

    def _list(self, request: dict[str, Any]) -> dict[str, Any]:
        (asked,) = request["OpsItemFilters"]
        assert (asked["Key"], asked["Operator"]) == ("OperationalData", "Equal")
        pairs = [json.loads(pair) for pair in asked["Values"]]
        found = [
            item
            for item in self.items.values()
            if any(
                item["OperationalData"].get(pair["key"])
                == {"Value": pair["value"], "Type": "SearchableString"}
                for pair in pairs
            )
        ]
        begin = int(request.get("NextToken", 0))
        page = {"OpsItemSummaries": found[begin : begin + self.page]}
        return page if begin + self.page >= len(found) else {**page, "NextToken": str(begin + self.page)}


@dataclass
class FakeContext:
    """Lambda's context, whose time runs with the clock."""

    clock: FakeClock
    alias: str
    seconds: float = 30.0
    function_name: str = "incidents"
    ends: datetime = field(init=False)

    def __post_init__(self) -> None:
        self.ends = self.clock.now() + timedelta(seconds=self.seconds)

    @property
    def invoked_function_arn(self) -> str:
        return f"{FUNCTION}:{self.alias}" if self.alias else FUNCTION

    def get_remaining_time_in_millis(self) -> int:
        return int((self.ends - self.clock.now()).total_seconds() * 1000)

    def deadline(self, *, patient: bool = False) -> Deadline:
        return Deadline(self.get_remaining_time_in_millis, patient)


class World:
    """Everything that the trigger touches, and the trigger."""

    def __init__(
        self,
        *,
        routes: tuple[Route, ...] = ROUTES,
        token_window: timedelta | None = timedelta(0),
        fallback: str | None = TOPIC,
        fallback_ops_item: dict[str, Any] | None = None,
    ) -> None:
        self.clock = FakeClock()
        self.service = FakeService(self.clock, token_window)
        self.table = FakeTable()
        self.queues = FakeQueues()
        self.topics = FakeTopics()
        self.routes = {route.id: route for route in routes}
        self.hold: Hold | None = None
        self.stands: bool | None = None
        settings = Settings("ledger", RETRIES, DEAD_LETTERS, self.routes, fallback, fallback_ops_item)
        others = tuple(dict.fromkeys(region for route in routes for region in route.regions))
        regions = Regions(REGION, cast("Any", self.service.in_region), self.clock)
        self.incidents = Incidents(regions, self.clock, others)
        self.ops_center = FakeOpsCenter(self.clock)
        self.ops_items = OpsItems(lambda: self.ops_center, self.clock)
        self.destinations = Destinations(
            self.incidents, self.ops_items, Topics(lambda: self.topics, self.clock)
        )
        self.ledger = Ledger(self.table, "ledger", self.clock)
        self.admission = Admission(
            self.ledger,
            self.destinations,
            self.clock,
            Budget(self.table, "ledger", self.clock),
            lambda *_: self.hold,
            lambda _: self.stands,
        )
        self.dead_letters = DeadLetters(
            self.queues, lambda: self.topics, lambda: self.ops_center, settings, "incidents"
        )
        self.trigger = Trigger(
            Handling(settings, self.admission, self.dead_letters, self.clock),
            Retries(self.queues, RETRIES, self.clock, lambda: self.queues.most_receives),
        )

    def deliver(self, event: object, alias: str = "Critical", seconds: float = 30.0) -> dict[str, Any]:
        """Invoke an alias."""
        return self.trigger.handle(event, FakeContext(self.clock, alias, seconds))

    def outcome(self, event: object, alias: str = "Critical") -> str:
        """Invoke an alias and say in a word what became of the event."""
        return cast("str", self.deliver(event, alias)["outcomes"][0]["outcome"])

    def entry(self) -> dict[str, Any]:
        """Give the ledger's only item."""
        (item,) = (item for key, item in self.table.items.items() if not key.startswith(":"))
        return item


def alarm(
    name: str = "ServerCpuTooHigh",
    state: str = "ALARM",
    at: float = 0.0,
    *,
    description: str = "",
    account: str = "123456789012",
    reason: str = "crossed",
) -> dict[str, Any]:
    """Make what an alarm sends to its function, ``at`` seconds before or after now."""
    time = (NOW + timedelta(seconds=at)).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "+0000"
    return {
        "source": "aws.cloudwatch",
        "alarmArn": f"arn:aws:cloudwatch:us-east-1:123456789012:alarm:{name}",
        "accountId": account,
        "time": time,
        "region": "us-east-1",
        "alarmData": {
            "alarmName": name,
            "state": {"value": state, "reason": reason, "timestamp": time},
            "previousState": {"value": "OK", "timestamp": time},
            "configuration": {"description": description, "metrics": []} if description else {"metrics": []},
        },
    }


def bus_alarm(name: str = "ServerCpuTooHigh", state: str = "ALARM", at: float = 0.0) -> dict[str, Any]:
    """Make what the same alarm puts on the event bus."""
    direct = alarm(name, state, at)
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "CloudWatch Alarm State Change",
        "source": "aws.cloudwatch",
        "account": direct["accountId"],
        "time": direct["time"][:19] + "Z",
        "region": "us-east-1",
        "resources": [direct["alarmArn"]],
        "detail": direct["alarmData"],
    }


def message(body: object, *, receives: int = 1, route: str | None = None, number: int = 0) -> dict[str, Any]:
    """Make a record of the retry queue's batch."""
    attributes = {"Route": {"stringValue": route, "dataType": "String"}} if route else {}
    return {
        "messageId": f"message-{number}",
        "receiptHandle": f"handle-{number}",
        "body": body if isinstance(body, str) else json.dumps(body),
        "attributes": {"ApproximateReceiveCount": str(receives)},
        "messageAttributes": attributes,
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:retries",
        "awsRegion": "us-east-1",
    }


def received(sent: dict[str, Any], *, receives: int = 1, number: int = 0) -> dict[str, Any]:
    """Make a record of a batch of what was sent to the retry queue, or moved there by the command."""
    told = {
        name: {"stringValue": value["StringValue"], "dataType": value["DataType"]}
        for name, value in sent["MessageAttributes"].items()
    }
    return {**message(sent["MessageBody"], receives=receives, number=number), "messageAttributes": told}


def failure_record(event: object, alias: str = "Critical") -> dict[str, Any]:
    """Make what Lambda sends to the retry queue when it gives up."""
    return {
        "version": "1.0",
        "requestContext": {"functionArn": f"{FUNCTION}:{alias}", "condition": "RetriesExhausted"},
        "requestPayload": event,
        "responseContext": {"statusCode": 200, "functionError": "Unhandled"},
    }


def told(printed: str) -> list[dict[str, Any]]:
    """Read the lines of the log."""
    return [json.loads(line) for line in printed.splitlines()]


def figures(printed: str) -> dict[str, int]:
    """Sum the metrics that were printed."""
    sums: dict[str, int] = defaultdict(int)
    for line in told(printed):
        for metric in line.get("_aws", {}).get("CloudWatchMetrics", [{}])[0].get("Metrics", []):
            sums[metric["Name"]] += line[metric["Name"]]
    return dict(sums)
