"""What a smoke test's function may do: look at what it proves, move its canaries, remove its own incidents.

All is told when the app synthesises, since routes, and what their plans reach, may come after the test.
"""

from __future__ import annotations

import dataclasses
import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aws_cdk import ArnFormat, Stack

from cdk_incidents import _permissions as permissions
from cdk_incidents._arn import same_deployment
from cdk_incidents._checks import is_token
from cdk_incidents._contacts import ON_CALL, PERSONAL, kind_of
from cdk_incidents._kinds import is_a
from cdk_incidents._plan_reach import document_of, reached_by, resource_named, runbooks_of, topics_of
from cdk_incidents._plans import (
    arn_seen_from,
    contact_arns,
    contact_patterns,
    has_incident_tags,
    record_arns,
)
from cdk_incidents._smoke_test_lines import role_arn_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from aws_cdk import aws_cloudwatch as cloudwatch
    from aws_cdk.interfaces.aws_ssmincidents import IResponsePlanRef
    from constructs import IConstruct

    from cdk_incidents.trigger import IncidentTrigger

# IAM takes 10,240 characters of a role's own policies, this one and what its owner may add.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
_LONGEST_POLICY = 9_000
# What a token may become: a Region at the longest, or an ARN, whose names may be long.
_TOKEN = re.compile(r"\$\{Token\[(AWS\.)?.*?]}")
_LONGEST_REGION, _LONG_ARN = 14, 160
_AWS_OWNED = re.compile("aws|amazon|amzn", re.IGNORECASE)


@dataclass(frozen=True)
class Right:
    """Actions on resources, and why there is a wildcard among these."""

    actions: Sequence[str]
    resources: Sequence[str]
    reason: str = ""
    conditions: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def statement(self) -> dict[str, Any]:
        """Return it as a policy has it."""
        statement: dict[str, Any] = {
            "Effect": "Allow",
            "Action": _alone_or_all(self.actions),
            "Resource": _alone_or_all(self.resources),
        }
        return {**statement, "Condition": self.conditions} if self.conditions else statement


@dataclass(frozen=True, kw_only=True)
class SmokeTestRights:
    """Who asks, and for what."""

    user: IConstruct
    canaries: Sequence[cloudwatch.Alarm]
    quiet_plan: IResponsePlanRef
    trigger: IncidentTrigger | None
    for_real: Sequence[IResponsePlanRef]
    is_exact: bool = True

    def rights(self, looked_at: Sequence[IResponsePlanRef], routes: Sequence[str]) -> list[Right]:
        """Return all of it but the log; no statement names nothing, which IAM refuses.

        Parameters
        ----------
        looked_at
            The plans that are looked at.
        routes
            The live routes' ids.
        """
        every = [
            *self._to_run_it(),
            *self._to_look_at(looked_at),
            *self._to_look_at_routes(routes),
            *self._to_page(),
        ]
        found = [right for right in every if right.resources]
        if self.is_exact and _size_of(found) > _LONGEST_POLICY:
            # Where each thing would be too much, all of its kind are named.
            return dataclasses.replace(self, is_exact=False).rights(looked_at, routes)
        return found

    # --- the test itself

    def _to_run_it(self) -> Iterator[Right]:
        stack = Stack.of(self.user)
        yield Right(
            ["cloudwatch:DescribeAlarmHistory", "cloudwatch:SetAlarmState"],
            [canary.alarm_arn for canary in self.canaries],
        )
        yield Right(
            [*permissions.FIND, "ssm-incidents:ListReplicationSets", *permissions.ASK_ALARMS],
            ["*"],
            "ListIncidentRecords and ListReplicationSets know no resource; DescribeAlarms tells nothing of"
            " composite alarms to a role with less.",
        )
        sets = stack.format_arn(
            service="ssm-incidents", region="", resource="replication-set", resource_name="*"
        )
        yield Right(
            ["ssm-incidents:GetReplicationSet"],
            [sets],
            "The id of the one replication set is random.",
        )
        yield Right(permissions.PROVE, self._plans_and_records([self.quiet_plan]), _RECORDS)
        yield self._to_delete_ops_items(stack)
        if self.trigger is not None:
            log = stack.format_arn(
                service="logs",
                resource="log-group",
                resource_name=self.trigger.log_group_name,
                arn_format=ArnFormat.COLON_RESOURCE_NAME,
            )
            # Its streams too: no document says by which of the two the service checks.
            yield Right(["logs:FilterLogEvents"], [log, f"{log}:*"], "The streams of one log group.")
        yield Right(["cloudformation:DescribeStacks"], [stack.stack_id])

    @staticmethod
    def _to_delete_ops_items(stack: Stack) -> Right:
        ops_items = stack.format_arn(service="ssm", resource="opsitem", resource_name="*")
        reason = "An OpsItem's id is random, and only its record knows it."
        return Right(["ssm:DeleteOpsItem"], [ops_items], reason)

    # --- the look at what matters to people

    def _to_look_at(self, plans: Sequence[IResponsePlanRef]) -> Iterator[Right]:
        arns = [arn_seen_from(plan, self.user, ordered=False) for plan in plans]
        every_plan = self._in_account("ssm-incidents", "response-plan/*", region="")
        yield Right(["ssm-incidents:GetResponsePlan"], self._fitting(arns, every_plan), _MANY)
        contacts = _each(contact_arns(plan) for plan in plans)
        contacts = contacts if self.is_exact else contact_patterns(contacts)
        yield Right(["ssm-contacts:GetContact", "ssm-contacts:ListContactChannels"], contacts, _UNKNOWN)
        for word in ("contactchannel", "contact-channel"):
            channels = [self._beside(contact, word) for contact in contacts]
            yield Right(["ssm-contacts:GetContactChannel"], channels, "A channel's ARN ends in a random id.")
        yield Right(
            ["ssm-contacts:GetRotation", "ssm-contacts:ListRotationShifts"],
            _each(_rotations(plan) for plan in plans),
            "A rotation's ARN ends in a random id.",
        )
        topics = _each(self._topics(plan) for plan in plans)
        yield Right(["sns:GetTopicAttributes"], self._fitting(topics, self._in_account("sns", "*")), _UNKNOWN)
        documents = _each(self._documents(plan) for plan in plans)
        yield Right(["ssm:DescribeDocument"], self._fitting(documents, *self._every_document()), _UNKNOWN)

    def _topics(self, plan: IResponsePlanRef) -> list[str]:
        arns = topics_of(plan)
        if arns is None:
            return [_of_account(plan, "sns", "*")]
        return [arn if self._is_known(arn, plan) else _topic_of_another_stack(arn, plan) for arn in arns]

    def _documents(self, plan: IResponsePlanRef) -> list[str]:
        automations = runbooks_of(plan)
        if automations is None:
            # Its runbook may be one of AWS's own, whose ARN has no account.
            return [_of_account(plan, "ssm", "document/*"), _of_nobody(plan, "document/*")]
        names = [document_of(automation) for automation in automations]
        return [
            _document(name, plan) if self._is_known(name, plan) else _of_account(plan, "ssm", "document/*")
            for name in names
        ]

    def _is_known(self, text: str, plan: IResponsePlanRef) -> bool:
        """Tell whether what a plan's template says means the same in the test's."""
        return not is_token(text) or same_deployment(plan, self.user)

    def _to_look_at_routes(self, routes: Sequence[str]) -> Iterator[Right]:
        if self.trigger is None or not routes:
            return
        # It tells what the role may do without doing it.
        yield Right(["iam:SimulatePrincipalPolicy"], [role_arn_of(self.trigger)])
        # By name, since the aliases wait for the test.
        function = self._in_account("lambda", f"function:{self.trigger.trigger_name}")
        aliases = [f"{function}:{route}" for route in routes]
        # No document says whether a look at an alias's policy is one at the function, too.
        looked_at = [function, *self._fitting(aliases, f"{function}:*")]
        yield Right(["lambda:GetFunctionEventInvokeConfig", "lambda:GetPolicy"], looked_at, _MANY)

    # --- paging for real

    def _to_page(self) -> Iterator[Right]:
        if not self.for_real:
            return
        plans = [arn_seen_from(plan, self.user, ordered=False) for plan in self.for_real]
        yield Right(permissions.START, plans)
        yield Right(permissions.PAGED, self._plans_and_records(self.for_real), _RECORDS)
        tagged = [record_arns(plan) for plan in self.for_real if has_incident_tags(plan)]
        yield Right(permissions.TAG, tagged, _RECORDS)
        contacts = _each(contact_arns(plan) for plan in self.for_real)
        contacts = contacts if self.is_exact else contact_patterns(contacts)
        through = permissions.CALLED_BY_THE_SERVICE
        yield Right(permissions.ENGAGE, contacts, _UNKNOWN, through)
        yield Right(permissions.MAKE_OPS_ITEM, ["*"], "CreateOpsItem knows no resource.", through)
        yield Right(["ssm-contacts:ListEngagements"], ["*"], "ListEngagements knows no resource.")
        for word, action in (("engagement", "ListPagesByEngagement"), ("page", "ListPageReceipts")):
            sent = [self._beside(contact, word) for contact in contacts]
            yield Right([f"ssm-contacts:{action}"], sent, "What was sent has random ids.")

    # --- ARNs

    def _fitting(self, arns: Sequence[str], *patterns: str) -> list[str]:
        return list(arns) if self.is_exact or not arns else list(patterns)

    def _plans_and_records(self, plans: Sequence[IResponsePlanRef]) -> list[str]:
        arns = [arn_seen_from(plan, self.user, ordered=False) for plan in plans]
        return [*arns, *map(record_arns, plans)]

    def _in_account(self, service: str, resource: str, *, region: str | None = None) -> str:
        stack = Stack.of(self.user)
        place = f"{service}:{stack.region if region is None else region}:{stack.account}"
        return f"arn:{stack.partition}:{place}:{resource}"

    def _beside(self, contact_arn: str, word: str) -> str:
        """Return the pattern of what belongs to a contact."""
        place, separator, alias = contact_arn.partition(":contact/")
        if not separator:
            # A token, of which nothing is known but that it is a contact's ARN.
            return self._in_account("ssm-contacts", f"{word}/*", region="*")
        return f"{place}:{word}/*" if alias == "*" else f"{place}:{word}/{alias}/*"

    def _every_document(self) -> list[str]:
        partition = Stack.of(self.user).partition
        return [self._in_account("ssm", "document/*"), f"arn:{partition}:ssm:*::document/*"]


_RECORDS = "A record's ARN ends in a random id."
_MANY = "They are too many to be named one by one."
_UNKNOWN = "The plan does not tell what it reaches, or that is much."


def _alone_or_all(texts: Sequence[str]) -> str | list[str]:
    return texts[0] if len(texts) == 1 else list(texts)


def _each(lists: Iterable[Iterable[str]]) -> list[str]:
    return list(dict.fromkeys(text for texts in lists for text in texts))


def _size_of(rights: Sequence[Right]) -> int:
    text = json.dumps([right.statement() for right in rights], separators=(",", ":"))
    return len(_TOKEN.sub(lambda token: "x" * (_LONGEST_REGION if token[1] else _LONG_ARN), text))


def _of_account(plan: IResponsePlanRef, service: str, resource: str) -> str:
    """Return the pattern of what a plan may name in its own account, in any Region of the replication set."""
    return f"arn:{Stack.of(plan).partition}:{service}:*:{plan.env.account}:{resource}"


def _of_nobody(plan: IResponsePlanRef, resource: str) -> str:
    return f"arn:{Stack.of(plan).partition}:ssm:*::{resource}"


def _topic_of_another_stack(arn: str, plan: IResponsePlanRef) -> str:
    resource = resource_named(arn)
    name = getattr(resource, "topic_name", None) if is_a(resource, "aws_sns.CfnTopic") else None
    if resource is None or name is None or is_token(name):
        return _of_account(plan, "sns", "*")
    return Stack.of(resource).format_arn(service="sns", resource=name)


def _document(name: str, plan: IResponsePlanRef) -> str:
    if ":document/" in name:
        return name
    stack = Stack.of(plan)
    account = "" if not is_token(name) and _AWS_OWNED.match(name) else stack.account
    return stack.format_arn(service="ssm", account=account, resource="document", resource_name=name)


def _rotations(plan: IResponsePlanRef) -> list[str]:
    """Return the patterns of the rotations of a plan's schedules."""
    reached = reached_by(plan)
    if reached is None:
        return [_of_account(plan, "ssm-contacts", "rotation/*")]
    return [
        f"arn:{Stack.of(contact).partition}:ssm-contacts:{contact.env.region}:{contact.env.account}:rotation/*"
        for contact in reached
        if kind_of(contact) != PERSONAL and _may_rotate(contact)
    ]


def _may_rotate(contact: Any) -> bool:
    # Of an escalation plan that was made elsewhere nobody here knows whether a schedule is in it.
    return kind_of(contact) in (ON_CALL, None) or getattr(contact, "_members", None) is None
