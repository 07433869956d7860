"""Which actions of Incident Manager belong together, for grants and for our own functions.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssystemsmanagerincidentmanager.html
"""

from __future__ import annotations

CALLED_BY_THE_SERVICE = {"StringEquals": {"aws:CalledViaFirst": "ssm-incidents.amazonaws.com"}}
"""Since 2025-06-10 the service pages, and makes the OpsItem, with the permissions of its caller."""

START = ["ssm-incidents:StartIncident"]
"""On the plan."""

ENGAGE = ["ssm-contacts:StartEngagement"]
"""On contacts, through the service."""

MAKE_OPS_ITEM = ["ssm:CreateOpsItem"]
"""Knows no resource; through the service."""

TAG = ["ssm-incidents:TagResource"]
"""On the plan's incidents, if they carry tags."""

READ = [
    "ssm-incidents:GetIncidentRecord",
    "ssm-incidents:GetResponsePlan",
    "ssm-incidents:GetTimelineEvent",
    "ssm-incidents:ListRelatedItems",
    "ssm-incidents:ListTagsForResource",
    "ssm-incidents:ListTimelineEvents",
]
"""On the plan and its incidents."""

LIST = ["ssm-incidents:ListIncidentRecords", "ssm-incidents:ListResponsePlans"]
"""Know no resource."""

MANAGE = [
    "ssm-incidents:CreateTimelineEvent",
    "ssm-incidents:DeleteIncidentRecord",
    "ssm-incidents:DeleteTimelineEvent",
    "ssm-incidents:UpdateIncidentRecord",
    "ssm-incidents:UpdateRelatedItems",
    "ssm-incidents:UpdateTimelineEvent",
]
"""On the plan and its incidents: most of these are checked against both."""

FOLLOW = [
    "ssm-incidents:CreateTimelineEvent",
    "ssm-incidents:GetIncidentRecord",
    "ssm-incidents:ListRelatedItems",
    "ssm-incidents:UpdateIncidentRecord",
]
"""What the trigger does with an incident once it has started it: look, note, resolve."""

LOOK = ["ssm-incidents:GetResponsePlan"]
"""What the trigger does before it starts an incident of the quiet plan, which must wake nobody."""

FIND = ["ssm-incidents:ListIncidentRecords"]
"""What the trigger needs after an answer was lost: look before starting again. Knows no resource."""

OPEN_OPS_ITEMS = ["ssm:CreateOpsItem", "ssm:DescribeOpsItems"]
"""What the trigger does in OpsCenter: make OpsItems, and look for them; neither knows a resource."""

FOLLOW_OPS_ITEMS = ["ssm:GetOpsItem", "ssm:UpdateOpsItem"]
"""What the trigger does with its OpsItems: look, note, resolve."""

PUBLISH = ["sns:Publish"]
"""On the topic."""

USE_KEY = ["kms:Decrypt", "kms:GenerateDataKey"]
"""On the key of a topic, through SNS, to publish to it."""

ASK_CALENDAR = ["ssm:GetCalendarState"]
"""On the Change Calendar, which is a document."""

ASK_ALARMS = ["cloudwatch:DescribeAlarms"]
"""Without a resource: to whoever has less than `*` CloudWatch tells nothing of composite alarms.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html
"""

PROVE = [
    "ssm-incidents:DeleteIncidentRecord",
    "ssm-incidents:GetIncidentRecord",
    "ssm-incidents:GetResponsePlan",
    "ssm-incidents:GetTimelineEvent",
    "ssm-incidents:ListRelatedItems",
    "ssm-incidents:ListTimelineEvents",
    "ssm-incidents:UpdateIncidentRecord",
]
"""What the smoke test does with its own incident: check and remove; on the quiet plan and its incidents."""

PAGED = [
    "ssm-incidents:DeleteIncidentRecord",
    "ssm-incidents:GetIncidentRecord",
    "ssm-incidents:ListRelatedItems",
    "ssm-incidents:UpdateIncidentRecord",
]
"""What the smoke test does with an incident that pages for real; on the plan and its incidents."""

FOLLOW_ENGAGEMENT = ["ssm-contacts:DescribeEngagement", "ssm-contacts:StopEngagement"]
"""On a contact's engagements."""

READ_CONTACT = [
    "ssm-contacts:GetContact",
    "ssm-contacts:ListContactChannels",
    "ssm-contacts:ListPagesByContact",
    "ssm-contacts:ListTagsForResource",
]
"""On the contact."""

READ_OF_CONTACT = {
    # The authorization reference writes the one, the ARNs in the CLI's examples the other.
    "contactchannel": ["ssm-contacts:GetContactChannel"],
    "contact-channel": ["ssm-contacts:GetContactChannel"],
    "engagement": ["ssm-contacts:DescribeEngagement", "ssm-contacts:ListPagesByEngagement"],
    "page": ["ssm-contacts:DescribePage", "ssm-contacts:ListPageReceipts"],
}
"""On what belongs to a contact, by the word in its ARN."""

READ_ROTATION = [
    "ssm-contacts:GetRotation",
    "ssm-contacts:ListRotationOverrides",
    "ssm-contacts:ListRotationShifts",
]
"""On the rotations of an on-call schedule."""

LIST_CONTACTS = [
    "ssm-contacts:ListContacts",
    "ssm-contacts:ListEngagements",
    "ssm-contacts:ListPreviewRotationShifts",
    "ssm-contacts:ListRotations",
]
"""Know no resource."""
