"""What an alarm's function comes to by hand: an incident for each event, and nothing else."""

import os
from typing import Any

import boto3

incidents = boto3.client("ssm-incidents")


def handler(event: dict[str, Any], _context: object) -> Any:
    """Start an incident; the same event again starts none."""
    alarm, plan = event["alarmData"], os.environ["RESPONSE_PLAN_ARN"]
    token = f"{alarm['alarmName']} {alarm['state']['timestamp']}"[:128]
    return incidents.start_incident(responsePlanArn=plan, title=alarm["alarmName"], clientToken=token)
