"""What is in the account: compared before and after, so that nothing stays behind unnoticed."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

# What, service, operation, member of the answer, its name (None: the answer holds names), arguments.
_KINDS: list[tuple[str, str, str, str, str | None, dict[str, Any]]] = [
    ("stack", "cloudformation", "describe_stacks", "Stacks", "StackName", {}),
    ("function", "lambda", "list_functions", "Functions", "FunctionName", {}),
    ("layer", "lambda", "list_layers", "Layers", "LayerName", {}),
    ("event source mapping", "lambda", "list_event_source_mappings", "EventSourceMappings", "UUID", {}),
    ("queue", "sqs", "list_queues", "QueueUrls", None, {}),
    ("table", "dynamodb", "list_tables", "TableNames", None, {}),
    ("topic", "sns", "list_topics", "Topics", "TopicArn", {}),
    ("subscription", "sns", "list_subscriptions", "Subscriptions", "SubscriptionArn", {}),
    ("role", "iam", "list_roles", "Roles", "RoleName", {}),
    ("policy", "iam", "list_policies", "Policies", "PolicyName", {"Scope": "Local"}),
    ("log group", "logs", "describe_log_groups", "logGroups", "logGroupName", {}),
    ("alarm", "cloudwatch", "describe_alarms", "MetricAlarms", "AlarmName", {"AlarmTypes": ["MetricAlarm"]}),
    (
        *("composite alarm", "cloudwatch", "describe_alarms", "CompositeAlarms", "AlarmName"),
        {"AlarmTypes": ["CompositeAlarm"]},
    ),
    ("rule", "events", "list_rules", "Rules", "Name", {}),
    ("bucket", "s3", "list_buckets", "Buckets", "Name", {}),
    ("parameter", "ssm", "describe_parameters", "Parameters", "Name", {}),
    ("key", "kms", "list_keys", "Keys", "KeyId", {}),
    ("secret", "secretsmanager", "list_secrets", "SecretList", "Name", {}),
    ("response plan", "ssm-incidents", "list_response_plans", "responsePlanSummaries", "arn", {}),
    ("contact", "ssm-contacts", "list_contacts", "Contacts", "ContactArn", {}),
    ("rotation", "ssm-contacts", "list_rotations", "Rotations", "RotationArn", {}),
    ("document", "ssm", "list_documents", "DocumentIdentifiers", "Name", {}),
    ("replication set", "ssm-incidents", "list_replication_sets", "replicationSetArns", None, {}),
    (
        *("open incident", "ssm-incidents", "list_incident_records", "incidentRecordSummaries", "arn"),
        {"filters": [{"key": "status", "condition": {"equals": {"stringValues": ["OPEN"]}}}]},
    ),
]


def inventory(client: Callable[[str, str], Any], regions: Sequence[str]) -> set[tuple[str, str]]:
    """Return what there is in some Regions, as pairs of what it is and its name."""
    return {
        (kind, name)
        for region in regions
        for kind, service, operation, member, name_in, arguments in _KINDS
        for name in _names(client(service, region), operation, member, name_in, arguments)
    }


def _names(
    client: Any, operation: str, member: str, name_in: str | None, arguments: dict[str, Any]
) -> Iterator[str]:
    if client.can_paginate(operation):
        answers = client.get_paginator(operation).paginate(**arguments)
    else:
        answers = [getattr(client, operation)(**arguments)]
    # Without a replication set the service has nothing, and says so.
    nothing = getattr(client.exceptions, "ResourceNotFoundException", LookupError)
    with contextlib.suppress(nothing):
        for answer in answers:
            for item in answer.get(member) or []:
                yield str(item if name_in is None else item[name_in])
