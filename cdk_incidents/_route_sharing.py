"""Who may invoke a trigger's routes: the account's alarms, its rules and topics, other accounts."""

from __future__ import annotations

import collections
from typing import TYPE_CHECKING, Any

import jsii
from aws_cdk import Annotations, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct, IValidation

from cdk_incidents._checks import check_count, check_list, check_pattern, is_token, refusal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk import aws_sqs as sqs
    from constructs import IConstruct

ALARMS = "lambda.alarms.cloudwatch.amazonaws.com"
"""https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-actions-Lambda.html"""

INVOKE = "lambda:InvokeFunction"
# Lambda takes 20,480 characters of an alias's policy, and a statement needs 480 where names are not long.
# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
_MOST_STATEMENTS = 42
# Two statements each, and the rules and topics of the trigger's own account need some too.
_MOST_ACCOUNTS = 15


class RouteShares(Construct):
    """Whom the routes of a trigger let in, in whatever order they are made."""

    def __init__(self, scope: Construct, construct_id: str, dead_letters: sqs.Queue) -> None:
        super().__init__(scope, construct_id)
        self._dead_letters = dead_letters
        self._doors: dict[lambda_.Alias, iam.PolicyDocument | None] = {}
        self._sources: list[tuple[lambda_.Alias, Construct, str]] = []
        self._accounts: list[str] = []
        self._organization: str | None = None
        self._wanted: dict[str, str] = {}
        self.node.add_validation(_LetsIn(self))

    def admit(self, alias: lambda_.Alias) -> None:
        """Let the alarms of the account invoke a route's alias, and all with whom the trigger is shared."""
        self._doors[alias] = None
        let_alarms_invoke(alias)
        for account in self._accounts:
            self._let_account(alias, account)
        if self._organization is not None:
            self._let_organization(alias)

    def allow(self, alias: lambda_.Alias, source: Construct, topic_apart: str) -> bool:
        """Tell whether a rule or a topic needs a permission of its own.

        Parameters
        ----------
        alias
            The route's alias.
        source
            Where that permission will stand; it goes again if the organisation is let in later.
        topic_apart
            The ARN of a topic of another account, or nothing.
        """
        self._sources.append((alias, source, topic_apart))
        document = self._doors[alias]
        if document is not None and topic_apart:
            document.add_statements(_from_topic(alias, topic_apart))
        return document is None

    def want(self, account: str, user: IConstruct) -> None:
        """Remember that something of another account uses a route."""
        self._wanted.setdefault(account, user.node.path)

    def share(self, accounts: Sequence[str], organization: str | None) -> None:
        """Let others in; the arguments are those of `IncidentTrigger.share_with`."""
        self._check(accounts, organization)
        new = [account for account in dict.fromkeys(accounts) if account not in self._accounts]
        self._accounts += new
        check_count(
            "accounts",
            self._accounts,
            maximum=_MOST_ACCOUNTS,
            remedy="an alias's policy takes no more: share with the organization.",
        )
        for account in new:
            rules = Stack.of(self).format_arn(
                service="events", account=account, resource="rule", resource_name="*"
            )
            self._let_rules_send({"ArnLike": {"aws:SourceArn": rules}})
            for alias in self._doors:
                self._let_account(alias, account)
        if organization is not None and self._organization is None:
            self._organization = organization
            self._let_rules_send({"StringEquals": {"aws:SourceOrgID": organization}})
            for alias in self._doors:
                self._let_organization(alias)

    def problems(self) -> list[str]:
        """Return what synth must refuse, and warn of what it must not."""
        if self._organization is not None:
            if not self._accounts:
                Annotations.of(self).add_warning_v2(
                    "cdk-incidents:alarms-of-organization",
                    "share_with should name the accounts whose alarms use a route (got organization only):"
                    " AWS does not say whether an alarm tells its organisation, aws:SourceOrgID, and one that"
                    " does not is turned away. Add accounts=, or acknowledge this once one came through.",
                )
            return []
        return [*self._too_many(), *self._turned_away()]

    def _too_many(self) -> list[str]:
        """Tell of aliases whose policy would be too long; what other apps add nobody here knows."""
        sources = collections.Counter(alias for alias, _, _ in self._sources)
        most = _MOST_STATEMENTS - 1 - 2 * len(self._accounts)
        return [
            str(
                refusal(
                    f"rules and topics of {alias.node.path}",
                    f"at most {most}, or its policy grows too long",
                    f"{number}",
                    "let them share a topic, or share the trigger with the organization.",
                )
            )
            for alias, number in sources.items()
            if number > most
        ]

    def _turned_away(self) -> list[str]:
        return [
            str(
                refusal(
                    "trigger",
                    f"shared with account {account}, for {user}",
                    f"shared with {', '.join(self._accounts) or 'nobody'}",
                    f'call share_with(accounts=["{account}"]).',
                )
            )
            for account, user in self._wanted.items()
            if account not in self._accounts
        ]

    def _check(self, accounts: Sequence[str], organization: str | None) -> None:
        check_list("accounts", accounts, str, "account ids")
        for account in accounts:
            if is_token(account):
                raise refusal("accounts", "known at synth", account, "write them out.")
            check_pattern(
                "accounts",
                account,
                pattern="[0-9]{12}",
                rule="12 digits each",
                remedy="pass them as texts, zeros kept.",
            )
        ours = Stack.of(self).account
        if ours in accounts:
            raise refusal("accounts", "others than the trigger's own", ours, "that one is let in already.")
        check_pattern(
            "organization",
            organization,
            pattern="o-[a-z0-9]{10,32}",
            rule="an id like o-exampleorgid",
            remedy="copy it from AWS Organizations.",
        )
        if not accounts and organization is None:
            remedy = "pass accounts or organization."
            raise refusal("share_with", "called with whom to share", "nobody", remedy)
        if None not in {organization, self._organization} and organization != self._organization:
            raise refusal("organization", "one a trigger", organization, "an account is in one at a time.")

    def _let_rules_send(self, conditions: dict[str, Any]) -> None:
        self._dead_letters.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal("events.amazonaws.com")],
                actions=["sqs:SendMessage"],
                resources=[self._dead_letters.queue_arn],
                conditions=conditions,
            )
        )

    def _let_account(self, alias: lambda_.Alias, account: str) -> None:
        """Let in an account's alarms, and its rules, people and functions, which all come with a role."""
        document = self._doors[alias]
        if document is not None:
            document.add_statements(*_of_account(alias, account))
            return
        account_id = f"Account{account}"
        for child_id, principal, source in (("Alarms", ALARMS, account), ("Callers", account, None)):
            lambda_.CfnPermission(
                _under(alias, account_id),
                child_id,
                action=INVOKE,
                function_name=alias.function_arn,
                principal=principal,
                source_account=source,
            )

    def _let_organization(self, alias: lambda_.Alias) -> None:
        # An AWS::Lambda::Permission knows an organisation by its caller only, and the caller of an alarm is
        # CloudWatch. The resource that takes any condition may overwrite permissions of the other kind, so
        # all move into it; other stacks may have made some, so it lets in the account's rules and topics.
        # https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-lambda-resourcepolicy.html
        stack = Stack.of(alias)
        for child_id in ("Alarms", *(f"Account{account}" for account in self._accounts)):
            alias.node.try_remove_child(child_id)
        caller = {"StringEquals": {"aws:PrincipalOrgID": self._organization}}
        alarm = {"StringEquals": {"aws:SourceOrgID": self._organization}}
        rules = stack.format_arn(service="events", resource="rule", resource_name="*")
        document = iam.PolicyDocument(
            statements=[
                *_of_account(alias, stack.account)[:1],
                _statement(alias, iam.ServicePrincipal("events.amazonaws.com"), _like(rules)),
                _from_topic(alias, stack.format_arn(service="sns", region="*", resource="*")),
                _statement(alias, iam.ServicePrincipal(ALARMS), alarm),
                _statement(alias, iam.AnyPrincipal(), caller),
            ]
        )
        lambda_.CfnResourcePolicy(alias, "Policy", resource_arn=alias.function_arn, policy_document=document)
        self._doors[alias] = document
        for account in self._accounts:
            self._let_account(alias, account)
        for door, source, topic_apart in self._sources:
            if door is alias:
                source.node.try_remove_child("Permission")
                if topic_apart:
                    document.add_statements(_from_topic(alias, topic_apart))


def let_alarms_invoke(alias: lambda_.Alias) -> None:
    """Let every alarm of the account that there will ever be invoke an alias, by one permission."""
    alias.add_permission(
        "Alarms",
        principal=iam.ServicePrincipal(ALARMS),
        action=INVOKE,
        source_account=Stack.of(alias).account,
    )


@jsii.implements(IValidation)
class _LetsIn:
    """Refuse at synth, when all is said, what other accounts' alarms and rules would be turned away for."""

    def __init__(self, shares: RouteShares) -> None:
        self._shares = shares

    def validate(self) -> list[str]:
        return self._shares.problems()


def _under(scope: Construct, construct_id: str) -> Construct:
    made = scope.node.try_find_child(construct_id)
    return made if isinstance(made, Construct) else Construct(scope, construct_id)


def _of_account(alias: lambda_.Alias, account: str) -> list[iam.PolicyStatement]:
    of_account = {"StringEquals": {"aws:SourceAccount": account}}
    return [
        _statement(alias, iam.ServicePrincipal(ALARMS), of_account),
        _statement(alias, iam.AccountPrincipal(account), None),
    ]


def _from_topic(alias: lambda_.Alias, topic_arn: str) -> iam.PolicyStatement:
    return _statement(alias, iam.ServicePrincipal("sns.amazonaws.com"), _like(topic_arn))


def _like(source_arn: str) -> dict[str, Any]:
    return {"ArnLike": {"aws:SourceArn": source_arn}}


def _statement(
    alias: lambda_.Alias, principal: iam.IPrincipal, conditions: dict[str, Any] | None
) -> iam.PolicyStatement:
    return iam.PolicyStatement(
        principals=[principal], actions=[INVOKE], resources=[alias.function_arn], conditions=conditions
    )
