"""ChatChannel: how an incident gets into Slack, Teams and other channels, and what is refused."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_chatbot as chatbot
from aws_cdk import aws_sns as sns

from cdk_incidents import ChatChannel, IncidentTemplate, ResponsePlan

if TYPE_CHECKING:
    from tests.synthesis import Make, Synth

PLAN = "AWS::SSMIncidents::ResponsePlan"
TOPIC = "AWS::SNS::Topic"
POLICY = "AWS::SNS::TopicPolicy"
SLACK = "AWS::Chatbot::SlackChannelConfiguration"
TEAMS = "AWS::Chatbot::MicrosoftTeamsChannelConfiguration"
SLACK_ARN = "arn:aws:chatbot::111122223333:chat-configuration/slack-channel/theirs"
KINDS = {"slack": SLACK, "teams": TEAMS}


def slack(scope: cdk.Stack, **changes: Any) -> chatbot.SlackChannelConfiguration:
    """Return a Slack channel."""
    arguments = {"slack_workspace_id": "T0123", "slack_channel_id": "C0123", **changes}
    return chatbot.SlackChannelConfiguration(
        scope, "Channel", slack_channel_configuration_name="shop", **arguments
    )


def teams(scope: cdk.Stack, **changes: Any) -> chatbot.CfnMicrosoftTeamsChannelConfiguration:
    """Return a channel of Microsoft Teams."""
    ids = "00000000-0000-0000-0000-000000000000"
    return chatbot.CfnMicrosoftTeamsChannelConfiguration(
        scope,
        "Channel",
        configuration_name="shop",
        iam_role_arn="arn:aws:iam::111122223333:role/shop",
        team_id=ids,
        teams_tenant_id=ids,
        teams_channel_id="19%3aabc%40thread.tacv2",
        **changes,
    )


def channel_of(kind: str, scope: cdk.Stack, topic: sns.ITopic | None = None, **changes: Any) -> ChatChannel:
    """Return a chat channel of a kind."""
    if kind == "slack":
        return ChatChannel.slack(slack(scope, **changes), topic=topic)
    return ChatChannel.teams(teams(scope, **changes), topic=topic)


def plan_of(scope: cdk.Stack, channel: ChatChannel, name: str = "Plan") -> ResponsePlan:
    """Return a plan with a chat channel."""
    return ResponsePlan(scope, name, incident=IncidentTemplate.low(title="Title"), chat_channel=channel)


def topics_of(synth: Synth, plan: str = "") -> Any:
    """Return what the plan publishes to."""
    return synth.properties(PLAN, plan)["ChatChannel"]["ChatbotSns"]


@pytest.fixture(scope="module", params=KINDS)
def made(request: pytest.FixtureRequest, make: Make) -> tuple[str, Synth]:
    """Return a stack with a channel of each kind, for which the plan makes the topic."""
    stack = make.stack()
    plan_of(stack, channel_of(request.param, stack))
    return KINDS[request.param], make.synth(stack)


def test_the_plan_makes_the_topic(made: tuple[str, Synth]) -> None:
    """Without a topic the plan makes one, and both sides name it: the plan and the channel."""
    kind, synth = made
    topic = {"Ref": synth.id_of(TOPIC, "PlanChatTopic")}
    assert topics_of(synth) == [topic]
    assert synth.properties(kind)["SnsTopicArns"] == [topic]


def test_the_topic_takes_the_services_messages_by_tls(made: tuple[str, Synth]) -> None:
    """Incident Manager may publish to the topic for this account, and nobody without TLS."""
    _, synth = made
    topic = {"Ref": synth.id_of(TOPIC, "PlanChatTopic")}
    denied, allowed = synth.properties(POLICY)["PolicyDocument"]["Statement"]
    assert (denied["Effect"], denied["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})
    assert {key: allowed[key] for key in allowed if key != "Sid"} == {
        "Action": "sns:Publish",
        "Effect": "Allow",
        "Principal": {"Service": "ssm-incidents.amazonaws.com"},
        "Resource": topic,
        "Condition": {"StringEqualsIfExists": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}},
    }


def test_the_plan_waits_for_the_topics_policy(made: tuple[str, Synth]) -> None:
    """The service proves a topic while it makes the plan, so the policy must be there."""
    _, synth = made
    assert synth.one(PLAN)["DependsOn"] == [synth.id_of(POLICY)]
    assert synth.messages == []


@pytest.mark.parametrize("kind", KINDS)
def test_takes_a_given_topic(make: Make, kind: str) -> None:
    """A given topic goes to both sides, behind what the channel has already, and none is made."""
    stack = make.stack()
    present, given = sns.Topic(stack, "Present"), sns.Topic(stack, "Given")
    has = {"notification_topics": [present]} if kind == "slack" else {"sns_topic_arns": [present.topic_arn]}
    plan_of(stack, channel_of(kind, stack, given, **has))
    synth = make.synth(stack)
    refs = [{"Ref": synth.id_of(TOPIC, name)} for name in ("Present", "Given")]
    assert topics_of(synth) == refs[1:]
    assert synth.properties(KINDS[kind])["SnsTopicArns"] == refs
    assert len(synth.of_type(TOPIC)) == 2


@pytest.mark.parametrize("kind", KINDS)
def test_a_topic_is_not_added_twice(make: Make, kind: str) -> None:
    """A topic that the channel has, or that two plans share, stands there once."""
    stack = make.stack()
    topic = sns.Topic(stack, "Topic")
    has = {"notification_topics": [topic]} if kind == "slack" else {"sns_topic_arns": [topic.topic_arn]}
    channel = channel_of(kind, stack, topic, **has)
    for name in ("One", "Other"):
        plan_of(stack, channel, name)
    synth = make.synth(stack)
    assert synth.properties(KINDS[kind])["SnsTopicArns"] == [{"Ref": synth.id_of(TOPIC)}]
    assert len(synth.properties(POLICY)["PolicyDocument"]["Statement"]) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_plans_share_a_channel(make: Make, kind: str) -> None:
    """Each plan makes a topic of its own for a channel that it shares, and the channel reads all of them."""
    stack = make.stack()
    channel = channel_of(kind, stack)
    for name in ("One", "Other"):
        plan_of(stack, channel, name)
    synth = make.synth(stack)
    own = [{"Ref": synth.id_of(TOPIC, f"{name}ChatTopic")} for name in ("One", "Other")]
    assert [*topics_of(synth, "One"), *topics_of(synth, "Other")] == own
    assert synth.properties(KINDS[kind])["SnsTopicArns"] == own


def test_an_imported_channel_must_have_the_topic(make: Make) -> None:
    """Nobody can add a topic to an import: one must be given, and synth says that it must be there."""
    stack = make.stack()
    theirs = chatbot.SlackChannelConfiguration.from_slack_channel_configuration_arn(
        stack, "Theirs", SLACK_ARN
    )
    message = (
        r"^topic must be given for an imported channel \(got None\): pass the topic that the channel has,"
    )
    with pytest.raises(ValueError, match=message):
        ChatChannel.slack(theirs)
    plan_of(stack, ChatChannel.slack(theirs, topic=sns.Topic(stack, "Topic")))
    synth = make.synth(stack)
    assert topics_of(synth) == [{"Ref": synth.id_of(TOPIC)}]
    ((path, level, text),) = synth.messages
    assert (path, level) == ("/Stack/Plan", "warning")
    assert text == (
        "chat_channel must have the topic Stack/Topic already (got Stack/Theirs, an import, to which nobody"
        " can add it here): add it where the channel is made. [ack: cdk-incidents:chat-channel-import]"
    )


@pytest.mark.parametrize("count", [1, 5])
def test_takes_topics_that_are_read_already(make: Make, count: int) -> None:
    """One to five topics are a channel of any kind; each gets the statement, and the plan waits for all."""
    stack = make.stack()
    plan_of(stack, ChatChannel.topics(*(sns.Topic(stack, f"Topic{n}") for n in range(count))))
    synth = make.synth(stack)
    assert topics_of(synth) == [{"Ref": synth.id_of(TOPIC, f"Topic{n}")} for n in range(count)]
    assert synth.one(PLAN)["DependsOn"] == sorted(synth.of_type(POLICY))
    assert len(synth.of_type(POLICY)) == count


def test_refuses_no_topic_more_than_five_and_one_twice(make: Make) -> None:
    """The service refuses an empty channel and a sixth topic; one that is there twice was not meant."""
    stack = make.stack()
    topics = [sns.Topic(stack, f"Topic{n}") for n in range(6)]
    with pytest.raises(
        ValueError, match=r"^topics must be at least one \(got 'none'\): leave chat_channel out"
    ):
        ChatChannel.topics()
    with pytest.raises(ValueError, match=r"^topics must be at most 5 items \(got '6 items'\): let further"):
        ChatChannel.topics(*topics)
    message = r"^topics must be different ones \(got \['Stack/Topic0', 'Stack/Topic0'\]\): give each once\.$"
    with pytest.raises(ValueError, match=message):
        ChatChannel.topics(topics[0], topics[0])


def test_refuses_what_is_no_topic(make: Make) -> None:
    """An ARN, a list and a FIFO topic are refused by each factory, with the way out."""
    stack = make.stack()
    fifo = sns.Topic(stack, "Fifo", fifo=True)
    arn: Any = "arn:aws:sns:eu-west-1:111122223333:topic"
    channel = slack(stack)
    no_topic = r"must be an SNS topic \(got 'arn.*\): import one with sns\.Topic\.from_topic_arn\.$"
    no_standard = r"must be a standard topic \(got 'Stack/Fifo'\): the service takes no FIFO topic\.$"
    for topic, message in ((arn, no_topic), (fifo, no_standard)):
        with pytest.raises(ValueError, match=rf"^topics: each {message}"):
            ChatChannel.topics(topic)
        with pytest.raises(ValueError, match=rf"^topic {message}"):
            ChatChannel.slack(channel, topic=topic)
    many: Any = [fifo]
    with pytest.raises(ValueError, match=r"^topics: each must be an SNS topic \(got \[<"):
        ChatChannel.topics(many)


def test_refuses_what_is_no_channel(make: Make) -> None:
    """A channel's ARN, and a channel of the other kind, are refused with what to pass."""
    stack = make.stack()
    arn: Any = SLACK_ARN
    other: Any = slack(stack)
    with pytest.raises(
        ValueError, match=r"^configuration must be an aws_chatbot\.SlackChannelConfiguration "
    ):
        ChatChannel.slack(arn)
    with pytest.raises(ValueError, match=r"^configuration must be an aws_chatbot\.CfnMicrosoftTeams"):
        ChatChannel.teams(other)


def test_refuses_a_teams_channel_whose_topics_are_a_token(make: Make) -> None:
    """To a list that only CloudFormation knows nothing can be added, so another way is named."""
    stack = make.stack()
    topics = cdk.CfnParameter(stack, "Topics", type="CommaDelimitedList").value_as_list
    message = r"^configuration must be one whose sns_topic_arns are a list \(got 'a token'\): put the topic"
    with pytest.raises(ValueError, match=message):
        ChatChannel.teams(teams(stack, sns_topic_arns=topics))


def test_responders_may_act_from_the_channel_once_granted(make: Make) -> None:
    """A Slack channel is a grantee: its role may do what is granted, and nothing is granted by itself."""
    stack = make.stack()
    channel = slack(stack)
    plan = plan_of(stack, ChatChannel.slack(channel))
    other = cdk.Stack(make.app(), "Other")
    plan_of(other, ChatChannel.slack(slack(other)))
    assert make.synth(other).of_type("AWS::IAM::Policy") == {}
    plan.grant_manage_incidents(channel)
    actions = make.synth(stack).properties("AWS::IAM::Policy", "Channel")["PolicyDocument"]["Statement"]
    assert "ssm-incidents:UpdateIncidentRecord" in str(actions)


def test_is_frozen(make: Make) -> None:
    """A value that was checked cannot become another one."""
    with pytest.raises(dataclasses.FrozenInstanceError):
        ChatChannel.slack(slack(make.stack())).configuration = None  # type: ignore[misc]


@pytest.mark.parametrize("kind", [slack, teams])
def test_refuses_to_make_a_topic_for_a_channel_of_another_stack(make: Make, kind: Any) -> None:
    """The channel's stack would wait for the plan's; with a topic of its own it does not."""
    app = make.app()
    platform, shop = cdk.Stack(app, "Platform"), cdk.Stack(app, "Shop")
    channel = kind(platform)
    of_kind = ChatChannel.slack if kind is slack else ChatChannel.teams
    incident = IncidentTemplate.low(title="Title")
    with pytest.raises(ValueError, match="pass topic=, made in the channel's stack"):
        ResponsePlan(shop, "Refused", incident=incident, chat_channel=of_kind(channel))
    topic = sns.Topic(platform, "Topic")
    ResponsePlan(shop, "Plan", incident=incident, chat_channel=of_kind(channel, topic=topic))
    assert "Shop" not in make.synth(platform).dependencies
