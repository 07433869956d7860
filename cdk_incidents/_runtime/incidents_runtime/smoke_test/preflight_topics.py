"""Whether the topics of the plans, for chat and notifications, let Incident Manager publish."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from incidents_runtime.smoke_test.preflight_answers import MissingError
from incidents_runtime.smoke_test.preflight_policy import Request, refuses
from incidents_runtime.smoke_test.preflight_reach import deployed, each, finding, grouped

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from incidents_runtime.smoke_test.findings import Finding
    from incidents_runtime.smoke_test.preflight_answers import Answers
    from incidents_runtime.smoke_test.settings import Plan, Settings

_SERVICE = "ssm-incidents.amazonaws.com"


def look(settings: Settings, aws: Answers) -> Iterator[Finding]:
    """Yield the topics that stay silent."""
    users = grouped((topic, plan) for plan, answer in deployed(settings, aws) for topic in _topics_of(answer))

    def at(topic: str) -> Iterator[Finding]:
        if aws.elsewhere(topic):
            return
        plans = users[topic]
        try:
            attributes = aws.sns.get_topic_attributes(TopicArn=topic)["Attributes"]
        except MissingError:
            yield finding(
                "topic-missing",
                plans,
                f"the topic {topic} must exist (there is none)",
                "make it, or take it out of the plan.",
            )
            return
        # A topic of one plan has to let in that plan's incidents, and so on.
        shut_out = [plan for plan in plans if refuses(attributes["Policy"], _publishing(topic, plan))]
        if shut_out:
            yield finding(
                "topic-refuses",
                shut_out,
                f"the topic {topic} must let {_SERVICE} publish (its policy does not)",
                f"allow it sns:Publish in the topic's policy, for aws:SourceAccount {_account(topic)}.",
            )
        if attributes.get("KmsMasterKeyId", "").endswith("alias/aws/sns"):
            yield finding(
                "topic-refuses",
                plans,
                f"the topic {topic} must have a key that {_SERVICE} may use (it has alias/aws/sns, which lets"
                " no service in)",
                "encrypt it with a key of your own whose policy lets the service in, or not at all.",
            )

    return each(users, at)


def _topics_of(answer: Mapping[str, Any]) -> list[str]:
    chat_channel = answer.get("chatChannel") or {}
    targets = answer["incidentTemplate"].get("notificationTargets") or []
    return [
        *(chat_channel.get("chatbotSns") or []),
        *(target["snsTopicArn"] for target in targets if "snsTopicArn" in target),
    ]


def _publishing(topic: str, plan: Plan) -> Request:
    partition, account = topic.split(":")[1], _account(topic)
    name = plan.arn.rpartition("/")[2]
    # No document says which ARN Incident Manager gives as the source, or whether it gives one: AWS's own
    # example lets it in "if exists". A policy that names another plan, or another service, lets in none.
    sources = [
        f"arn:{partition}:ssm-incidents:{region}:{account}:{kind}/{name}{rest}"
        for region in ("", topic.split(":")[3])
        for kind, rest in (
            ("response-plan", ""),
            ("incident-record", "/00000000-0000-0000-0000-000000000000"),
        )
    ]
    return Request(
        service=_SERVICE,
        action="sns:Publish",
        resource=topic,
        values={"aws:sourceaccount": (account, None), "aws:sourcearn": (*sources, None)},
    )


def _account(topic: str) -> str:
    return topic.split(":")[4]
