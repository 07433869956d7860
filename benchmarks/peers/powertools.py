"""The trigger's features on Powertools: each event once, one open incident an alarm, resolved at OK.

As Powertools' guides show it: clients are made once and shared. The incident that is open for an alarm is an
item beside the records of the idempotency.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

import boto3
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.data_classes import CloudWatchAlarmEvent, event_source
from aws_lambda_powertools.utilities.idempotency import (
    DynamoDBPersistenceLayer,
    IdempotencyConfig,
    idempotent,
)

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

TABLE = os.environ["TABLE"]
PLAN = os.environ["RESPONSE_PLAN_ARN"]
KEPT_S = 90 * 86_400

logger = Logger(service="incidents")
metrics = Metrics(namespace="Incidents", service="incidents")
table = boto3.client("dynamodb")
incidents = boto3.client("ssm-incidents")
once = IdempotencyConfig(
    event_key_jmespath="[alarmArn, alarmData.state.value, alarmData.state.timestamp]",
    raise_on_no_idempotency_key=True,
    expires_after_seconds=86_400,
)


@logger.inject_lambda_context
@metrics.log_metrics
@idempotent(config=once, persistence_store=DynamoDBPersistenceLayer(table_name=TABLE, boto3_client=table))
@event_source(data_class=CloudWatchAlarmEvent)
def handler(event: CloudWatchAlarmEvent, _context: LambdaContext) -> dict[str, Any]:
    """Start an alarm's incident unless one is open, and resolve it when the alarm recovers."""
    key = {"id": {"S": f"open#{event.alarm_arn}"}}
    record = (
        table.get_item(TableName=TABLE, Key=key, ConsistentRead=True)
        .get("Item", {})
        .get("record", {})
        .get("S")
    )
    state = event.alarm_data.state.value
    logger.append_keys(alarm=event.alarm_data.alarm_name, state=state)
    if state == "OK":
        return _recovered(key, record)
    if record and incidents.get_incident_record(arn=record)["incidentRecord"]["status"] == "OPEN":
        metrics.add_metric(name="Joined", unit=MetricUnit.Count, value=1)
        return {"incident": record}
    return _opened(event, key)


def _opened(event: CloudWatchAlarmEvent, key: dict[str, Any]) -> dict[str, Any]:
    alarm = event.alarm_data
    description = alarm.configuration.description if alarm.configuration else None
    started = incidents.start_incident(
        responsePlanArn=PLAN,
        title=f"{alarm.alarm_name}: {description or alarm.state.reason}"[:200],
        clientToken=f"{alarm.alarm_name} {alarm.state.timestamp}"[:128],
        triggerDetails={
            "source": "cloudwatch.alarm",
            "timestamp": alarm.state.timestamp,
            "triggerArn": event.alarm_arn,
        },
    )
    record = started["incidentRecordArn"]
    expires = {"N": str(int(time.time()) + KEPT_S)}
    table.put_item(TableName=TABLE, Item={**key, "record": {"S": record}, "expiration": expires})
    metrics.add_metric(name="Started", unit=MetricUnit.Count, value=1)
    logger.info("incident started", incident=record)
    return {"incident": record}


def _recovered(key: dict[str, Any], record: str | None) -> dict[str, Any]:
    if record is None:
        return {"incident": None}
    if incidents.get_incident_record(arn=record)["incidentRecord"]["status"] == "OPEN":
        incidents.update_incident_record(arn=record, status="RESOLVED")
    table.delete_item(TableName=TABLE, Key=key)
    metrics.add_metric(name="Resolved", unit=MetricUnit.Count, value=1)
    logger.info("incident resolved", incident=record)
    return {"incident": record}
