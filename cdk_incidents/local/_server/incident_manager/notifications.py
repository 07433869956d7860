"""Messages to a plan's topics, chat and notification: when it is made, and as its incidents change."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from cdk_incidents.local._server.protocol.errors import invalid

if TYPE_CHECKING:
    from cdk_incidents.local._server.state import Caller, Cloud

_SERVICE = "ssm-incidents.amazonaws.com"
_BEGINNING = '{"source": "aws.ssm-incidents", '  # of Incident Manager's own messages


def verify(cloud: Cloud, caller: Caller, plan: dict[str, Any]) -> None:
    """Publish a test message to each topic of a plan, or refuse the plan."""
    account, region = caller.account.id, caller.region
    topics = _topics({**plan["incidentTemplate"], **plan})
    for topic in topics:
        if topic.split(":")[3:5] != [region, account]:
            raise invalid(
                f"The topic {topic} must be of account {account} and Region {region}, as the plan is"
            )
        if problem := cloud.outside.may_publish(topic, _SERVICE, plan["arn"], account):
            raise invalid(f"Incident Manager cannot publish to the topic {topic}: {problem}")
    for topic in topics:
        cloud.outside.publish(topic, "Test", _message("TEST", plan["arn"], {"plan": plan["name"]}))


def tell(cloud: Cloud, event: str, record: dict[str, Any]) -> None:
    """Tell an incident's topics what became of it. CHOICE: the text is not documented."""
    told = {name: record[name] for name in ("title", "impact", "status", "summary") if record.get(name)}
    account = record["arn"].split(":")[4]
    for topic in _topics(record):
        if not cloud.outside.may_publish(topic, _SERVICE, record["arn"], account):
            subject = f"Incident {event.lower()}: {record['title']}"
            cloud.outside.publish(topic, subject[:100], _message(event, record["arn"], told))


def note(cloud: Cloud, topic: str, subject: str, text: str) -> None:
    """Write down a message that a topic took, whoever sent it."""
    told: dict[str, Any] = json.loads(text) if text.startswith(_BEGINNING) else {}
    incident = told.get("arn", "") if ":incident-record/" in told.get("arn", "") else ""
    cloud.messages.append(
        {
            "topic": topic,
            "subject": subject,
            "message": text,
            "sent_at": cloud.clock.now().isoformat(),
            "event": told.get("event", ""),
            "incident_record_arn": incident,
        }
    )


def _topics(source: dict[str, Any]) -> list[str]:
    targets = [t["snsTopicArn"] for t in source.get("notificationTargets") or [] if "snsTopicArn" in t]
    return list(dict.fromkeys([*targets, *(source.get("chatChannel") or {}).get("chatbotSns", [])]))


def _message(event: str, arn: str, told: dict[str, Any]) -> str:
    return _BEGINNING + json.dumps({"event": event, "arn": arn, **told})[1:]
