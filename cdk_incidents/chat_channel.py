"""The chat channel: where an incident's responders talk, and are told what happens."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from aws_cdk import Annotations, Stack
from aws_cdk import aws_chatbot as chatbot

from cdk_incidents._arn import same_deployment
from cdk_incidents._checks import check_count, is_token, refusal
from cdk_incidents._topic import check_topic

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TypeAlias

    from constructs import Construct, IConstruct

    from cdk_incidents._topic import Topic

    # CDK's class as well, which pyright does not take for the interface.
    Slack: TypeAlias = chatbot.ISlackChannelConfiguration | chatbot.SlackChannelConfiguration
    Teams: TypeAlias = chatbot.CfnMicrosoftTeamsChannelConfiguration

_IMPORT = "cdk-incidents:chat-channel-import"


@dataclasses.dataclass(frozen=True)
class ChatChannel:
    """A channel of Slack or Microsoft Teams that follows a plan's incidents; made by one of its factories.

    Incident Manager publishes to SNS topics, and Amazon Q Developer in chat applications (AWS Chatbot) brings
    them into the channel. For responders to act from there too, grant the channel what they may do, e.g.
    ``plan.grant_manage_incidents(slack)`` and ``plan.grant_start_incident(slack)``, and mind its guardrail
    policies; AWS suggests its managed policy ``AWSIncidentManagerResolverAccess`` for both.

    Notes
    -----
    https://docs.aws.amazon.com/incident-manager/latest/userguide/chat.html
    """

    given_topics: tuple[Topic, ...]
    """The topics, where they were given; else each plan makes one."""
    configuration: Slack | Teams | None = None
    """The channel that is told by the topics; with `topics`, none that is known here."""

    @classmethod
    def slack(cls, configuration: Slack, *, topic: Topic | None = None) -> ChatChannel:
        """Return a Slack channel.

        Parameters
        ----------
        configuration
            The channel, as ``aws_chatbot`` has it.
        topic
            The topic between the plan and the channel, of the plan's own account and Region. By default the
            plan makes one. An imported channel takes none here, so that it must have this one already.

        Raises
        ------
        ValueError
            If it is no channel, or an import without `topic`.
        """
        if not hasattr(configuration, "slack_channel_configuration_arn"):
            raise refusal(
                "configuration",
                "an aws_chatbot.SlackChannelConfiguration",
                configuration,
                "import it with SlackChannelConfiguration.from_slack_channel_configuration_arn.",
            )
        if topic is None and not isinstance(configuration, chatbot.SlackChannelConfiguration):
            raise refusal(
                "topic",
                "given for an imported channel",
                None,
                "pass the topic that the channel has, e.g. by sns.Topic.from_topic_arn.",
            )
        return cls(_given(topic), configuration)

    @classmethod
    def teams(cls, configuration: Teams, *, topic: Topic | None = None) -> ChatChannel:
        """Return a channel of Microsoft Teams.

        Parameters
        ----------
        configuration
            The channel, as ``aws_chatbot`` has it.
        topic
            The topic between the plan and the channel, of the plan's own account and Region. By default the
            plan makes one.

        Raises
        ------
        ValueError
            If it is no channel, or one whose topics are a token.
        """
        if not isinstance(configuration, chatbot.CfnMicrosoftTeamsChannelConfiguration):
            raise refusal(
                "configuration",
                "an aws_chatbot.CfnMicrosoftTeamsChannelConfiguration",
                configuration,
                "pass the construct; for a channel that exists, ChatChannel.topics(its topic).",
            )
        if is_token(configuration.sns_topic_arns):
            raise refusal(
                "configuration",
                "one whose sns_topic_arns are a list",
                "a token",
                "put the topic in there, and take ChatChannel.topics(topic).",
            )
        return cls(_given(topic), configuration)

    @classmethod
    def topics(cls, *topics: Topic) -> ChatChannel:
        """Return a channel that reads topics already, known here or not.

        Parameters
        ----------
        topics
            1 to 5 topics of the plan's own account.

        Raises
        ------
        ValueError
            If there is none or more than five, one is there twice, or one is no topic.
        """
        if not topics:
            raise refusal("topics", "at least one", "none", "leave chat_channel out for a plan without.")
        check_count("topics", topics, maximum=5, remedy="let further channels read one of these.")
        for topic in topics:
            check_topic("topics: each", topic)
        if len({topic.topic_arn for topic in topics}) < len(topics):
            raise refusal(
                "topics", "different ones", [topic.node.path for topic in topics], "give each once."
            )
        return cls(topics)


def topics_of(channel: ChatChannel, plan: Construct) -> Sequence[Topic]:
    """Return the topics between a plan and its channel; one is made if there is none, and subscribed."""
    configuration = channel.configuration
    if configuration is not None and not channel.given_topics and not same_deployment(configuration, plan):
        raise refusal(
            "chat_channel",
            "in the plan's stack, or given a topic of its own",
            f"{configuration.node.path} for {plan.node.path}",
            "pass topic=, made in the channel's stack: with one made here that stack would wait for this.",
        )
    topics: Sequence[Topic] = channel.given_topics or [_new_topic(plan)]
    if channel.configuration is not None:
        for topic in topics:
            _subscribe(channel.configuration, topic, plan)
    return topics


def _new_topic(plan: Construct) -> Topic:
    from aws_cdk import aws_sns as sns  # noqa: PLC0415 - only who gives no topic

    return sns.Topic(plan, "ChatTopic", enforce_ssl=True)


def _given(topic: Topic | None) -> tuple[Topic, ...]:
    if topic is None:
        return ()
    check_topic("topic", topic)
    return (topic,)


def _subscribe(configuration: Slack | Teams, topic: Topic, plan: Construct) -> None:
    if isinstance(configuration, chatbot.CfnMicrosoftTeamsChannelConfiguration):
        present = configuration.sns_topic_arns or []
        if not _is_among(topic, present, configuration):
            configuration.sns_topic_arns = [*present, topic.topic_arn]
    elif isinstance(configuration, chatbot.SlackChannelConfiguration):
        resource = configuration.node.default_child
        present = getattr(resource, "sns_topic_arns", None) or []
        if not _is_among(topic, present, configuration):
            configuration.add_notification_topic(topic)
    else:
        Annotations.of(plan).add_warning_v2(
            _IMPORT,
            f"chat_channel must have the topic {topic.node.path} already (got {configuration.node.path}, an"
            " import, to which nobody can add it here): add it where the channel is made.",
        )


def _is_among(topic: Topic, present: Sequence[str], configuration: IConstruct) -> bool:
    # Of Slack's construct they are a token, since topics may be added until synth.
    resolve = Stack.of(configuration).resolve
    return resolve(topic.topic_arn) in (resolve(present) or [])
