"""Incidents in a Slack channel, and in a topic that other systems read."""

import aws_cdk as cdk
from aws_cdk import aws_chatbot as chatbot
from aws_cdk import aws_sns as sns

import cdk_incidents as incidents

app = cdk.App()
stack = cdk.Stack(app, "Slack")

channel = chatbot.SlackChannelConfiguration(
    stack,
    "Channel",
    slack_channel_configuration_name="incidents",
    slack_workspace_id="T0123456789",
    slack_channel_id="C0123456789",
)
status_page = sns.Topic(stack, "StatusPage", enforce_ssl=True)

incidents.ResponsePlan(
    stack,
    "Checkout",
    incident=incidents.IncidentTemplate.critical(
        title="Checkout is failing", notification_topics=[status_page]
    ),
    chat_channel=incidents.ChatChannel.slack(channel),
)

app.synth()
