"""The runbook: an Automation document that starts with each incident of a response plan."""

from __future__ import annotations

import dataclasses
import enum
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from aws_cdk import ArnFormat, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_ssmincidents as ssmincidents

from cdk_incidents._arn import deploy_after, same_deployment
from cdk_incidents._automation_document import check_is_automation, parameters_of
from cdk_incidents._checks import check_count, check_length, check_pattern, is_token, refusal
from cdk_incidents._kinds import is_a
from cdk_incidents._nag import acknowledge_wildcard
from cdk_incidents._service_access import SERVICE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from aws_cdk import aws_ssm as ssm
    from constructs import Construct

_NAME = r"[a-zA-Z0-9_.-]{3,128}"
_ARN = rf"arn:(aws|aws-cn|aws-us-gov):ssm:[a-z0-9-]+:([0-9]{{12}})?:document/{_NAME}"
# The role's name is AWS's own: Systems Manager's quick setup makes it in each account.
_EXECUTION_ROLE = "AWS-SystemsManager-AutomationExecutionRole"
_REASON = "A runbook starts in any Region, in any version, as an execution with a random id."


class TargetAccount(enum.Enum):
    """In which account a runbook runs."""

    PLAN_OWNER = "RESPONSE_PLAN_OWNER_ACCOUNT"
    """In the response plan's own."""
    IMPACTED = "IMPACTED_ACCOUNT"
    """In the account where the incident arose; there the runbook assumes the role
    ``AWS-SystemsManager-AutomationExecutionRole``, and the document must be shared with it."""


class IncidentValue(enum.Enum):
    """What only the incident knows; `Runbook` gives these by its own names."""

    INCIDENT_ARN = "INCIDENT_RECORD_ARN"
    INVOLVED_RESOURCES = "INVOLVED_RESOURCES"


@dataclasses.dataclass(frozen=True)
class Runbook:
    """An Automation document that starts with each incident of a plan.

    A plan starts one. An incident that CloudWatch or EventBridge opened in another Region, since the
    service failed in its own, starts none.

    Parameters
    ----------
    document
        An ``ssm.CfnDocument`` of this app, or the name or ARN of a document that exists: yours, one that was
        shared with you, or AWS's, like ``AWSIncidents-CriticalIncidentRunbookTemplate``. A document of
        another stack needs a name, since it is named by a text and not by an export.
    parameters
        The document's parameters: a text, a list of texts, `Runbook.INCIDENT_ARN` into a ``String`` or
        `Runbook.INVOLVED_RESOURCES` into a ``StringList``. Up to 200 of each kind, 50 characters a name, 10
        different values each of 512 characters. Of an ``ssm.CfnDocument`` whose content is known at synth
        they are held against what it declares. By default none.
    document_version
        A number, ``$LATEST`` or ``$DEFAULT``. By default the document's default version.
    role
        The role that starts the runbook, and runs its steps unless the document names an ``assumeRole``. It
        must trust ``ssm-incidents.amazonaws.com``, and hold ``ssm:StartAutomationExecution`` on the document.
        By default the plan makes one with that and nothing else: grant `ResponsePlan.runbook_role` what the
        steps need, or let it pass the document's own role,
        ``assume_role.grant_pass_role(plan.runbook_role)``.
    target_account
        Where it runs. By default in the plan's own account.

    Raises
    ------
    ValueError
        If an argument breaks one of these limits, or a parameter is none of the document's, is missing, or
        is of another type. Tokens are let through.

    Notes
    -----
    Who deploys the plan must hold ``iam:PassRole`` on the role.
    https://docs.aws.amazon.com/incident-manager/latest/userguide/runbooks.html
    """

    INCIDENT_ARN: ClassVar[IncidentValue] = IncidentValue.INCIDENT_ARN
    """The ARN of the incident record, for a parameter of type ``String``."""
    INVOLVED_RESOURCES: ClassVar[IncidentValue] = IncidentValue.INVOLVED_RESOURCES
    """The ARNs of the resources in the incident's alarm or event, for a parameter of type ``StringList``."""

    document: str | ssm.CfnDocument
    _: dataclasses.KW_ONLY
    parameters: Mapping[str, str | Sequence[str] | IncidentValue] = dataclasses.field(default_factory=dict)
    document_version: str | None = None
    # CDK's class as well, which pyright does not take for the interface.
    role: iam.IRole | iam.Role | None = None
    target_account: TargetAccount | None = None

    def __post_init__(self) -> None:
        _check_document(self.document)
        if not isinstance(self.parameters, Mapping):
            raise refusal("parameters", "a dict", self.parameters, 'e.g. {"Service": "checkout"}.')
        for key, value in self.parameters.items():
            _check_parameter(key, value)
        for kind in (self._static(), self._dynamic()):
            check_count("parameters", list(kind), maximum=200, remedy="put several into one, e.g. as JSON.")
        check_pattern(
            "document_version",
            self.document_version,
            pattern=r"\$LATEST|\$DEFAULT|[1-9][0-9]{0,127}",
            rule="a number, $LATEST or $DEFAULT",
            remedy="leave it out for the default version.",
        )
        if self.role is not None and not hasattr(self.role, "role_arn"):
            raise refusal("role", "a role", self.role, "import one with iam.Role.from_role_arn.")
        if self.target_account is not None and not isinstance(self.target_account, TargetAccount):
            raise refusal(
                "target_account", "a TargetAccount", self.target_account, "e.g. TargetAccount.PLAN_OWNER."
            )
        if not isinstance(self.document, str):
            self._check_against(self.document)

    def _static(self) -> dict[str, list[str]]:
        return {
            key: [value] if isinstance(value, str) else list(value)
            for key, value in self.parameters.items()
            if not isinstance(value, IncidentValue)
        }

    def _dynamic(self) -> dict[str, IncidentValue]:
        return {key: value for key, value in self.parameters.items() if isinstance(value, IncidentValue)}

    def _check_against(self, document: ssm.CfnDocument) -> None:
        check_is_automation(document)
        declared = parameters_of(document)
        if declared is None:
            return
        known = ", ".join(sorted(declared)) or "none"
        for key, value in self.parameters.items():
            if key not in declared:
                raise refusal(
                    "parameters",
                    f"among the document's ({known})",
                    key,
                    "with another the runbook would fail.",
                )
            wanted = _type_of(value)
            if wanted is not None and declared[key].get("type") != wanted:
                raise refusal(
                    f"parameters: {key}",
                    f"declared as {wanted} by the document for this value",
                    declared[key].get("type"),
                    "change its type there; the runbook would fail.",
                )
        missing = [key for key in declared if key not in self.parameters and "default" not in declared[key]]
        if missing:
            raise refusal(
                "parameters",
                "all that have no default in the document",
                f"no {', '.join(missing)}",
                "the runbook would fail; give each a value here or a default there.",
            )


def action_of(
    runbook: Runbook, plan: Construct, plan_name: str
) -> tuple[ssmincidents.CfnResponsePlan.ActionProperty, iam.IRole | iam.Role]:
    """Return a runbook as the plan's action, and the role that starts it."""
    role = runbook.role or _role(runbook, plan, plan_name)
    l1 = ssmincidents.CfnResponsePlan
    static = [
        l1.SsmParameterProperty(key=key, values=values)
        for key, values in runbook._static().items()  # noqa: SLF001 - this file's own
    ]
    dynamic = [
        l1.DynamicSsmParameterProperty(
            key=key, value=l1.DynamicSsmParameterValueProperty(variable=value.value)
        )
        for key, value in runbook._dynamic().items()  # noqa: SLF001 - this file's own
    ]
    automation = l1.SsmAutomationProperty(
        document_name=_name_seen_from(runbook.document, plan),
        document_version=runbook.document_version,
        role_arn=role.role_arn,
        target_account=runbook.target_account.value if runbook.target_account else None,
        # CloudFormation refuses an empty list of them.
        parameters=static or None,
        dynamic_parameters=dynamic or None,
    )
    return l1.ActionProperty(ssm_automation=automation), role


def _check_document(document: object) -> None:
    if is_a(document, "aws_ssm.CfnDocument"):
        return
    if not isinstance(document, str):
        raise refusal("document", "a name, an ARN or an ssm.CfnDocument", document, "pass one of these.")
    check_length("document", document, maximum=128)
    check_pattern(
        "document",
        document,
        pattern=f"{_NAME}|{_ARN}",
        rule="a document's name, or its ARN like arn:aws:ssm:eu-west-1:111122223333:document/NAME",
        remedy="copy it from the document's page, without its version.",
    )


def _check_parameter(key: str, value: str | Sequence[str] | IncidentValue) -> None:
    check_length(f"parameters: the name {key!r}", key, maximum=50)
    if isinstance(value, IncidentValue):
        return
    argument = f"parameters: {key}"
    values = [value] if isinstance(value, str) else value
    if not isinstance(values, (list, tuple)) or not all(isinstance(each, str) for each in values):
        raise refusal(argument, "a text or a list of texts", value, "Automation takes numbers as texts, too.")
    if not values:
        raise refusal(argument, "one value at least", value, "leave the parameter out for its default.")
    check_count(
        argument, values, maximum=10, remedy="CloudFormation takes no more; read them from elsewhere."
    )
    if len(set(values)) < len(values):
        raise refusal(argument, "different values", value, "CloudFormation refuses one that is there twice.")
    for each in values:
        check_length(argument, each, minimum=0, maximum=512)


def _type_of(value: str | Sequence[str] | IncidentValue) -> str | None:
    """Return the only type of parameter that a value goes into; none if there are several."""
    if value is IncidentValue.INCIDENT_ARN:
        return "String"
    if value is IncidentValue.INVOLVED_RESOURCES:
        return "StringList"
    return None


def _name_seen_from(document: str | ssm.CfnDocument, plan: Construct) -> str:
    """Return a document's name for a plan, and order the two deployments.

    Within a deployment it is a reference. Across stacks of an app it is a text, since an export would block
    later changes.
    """
    if isinstance(document, str):
        return document
    if same_deployment(document, plan):
        return document.ref
    if document.name is None:
        raise refusal(
            "document",
            "named, since its stack is another than the plan's",
            document.node.path,
            "pass name= there.",
        )
    deploy_after(plan, document)
    return document.name


def _role(runbook: Runbook, plan: Construct, plan_name: str) -> iam.Role:
    stack = Stack.of(plan)
    records = f"arn:{stack.partition}:ssm-incidents:*:{stack.account}:incident-record/{plan_name}/*"
    startable = list(_startable(_name_seen_from(runbook.document, plan), stack))
    statements = [iam.PolicyStatement(actions=["ssm:StartAutomationExecution"], resources=startable)]
    wildcards = startable
    if runbook.target_account is TargetAccount.IMPACTED:
        execution_role = f"arn:{stack.partition}:iam::*:role/{_EXECUTION_ROLE}"
        wildcards = [*wildcards, execution_role]
        statements.append(
            iam.PolicyStatement(
                actions=["sts:AssumeRole"],
                resources=[execution_role],
                conditions={"StringEquals": {"aws:CalledViaLast": "ssm.amazonaws.com"}},
            )
        )
    role = iam.Role(
        plan,
        "RunbookRole",
        description="Starts the runbook of a response plan, and runs its steps",
        assumed_by=iam.ServicePrincipal(
            SERVICE,
            conditions={
                "StringEquals": {"aws:SourceAccount": stack.account},
                "ArnLike": {"aws:SourceArn": records},
            },
        ),
        # Inline, so that whatever waits for the role waits for its permissions too.
        inline_policies={"Runbook": iam.PolicyDocument(statements=statements)},
    )
    for wildcard in wildcards:
        acknowledge_wildcard(role, wildcard, _REASON)
    return role


def _startable(document: str, stack: Stack) -> Iterator[str]:
    """Yield what StartAutomationExecution is checked against: by today's pages of AWS, and by older ones."""
    account, name = stack.account, document
    if ":document/" in document:
        parts = stack.split_arn(document, ArnFormat.SLASH_RESOURCE_NAME)
        account, name = parts.account or "", parts.resource_name or ""
    elif not is_token(document) and re.match("aws|amazon|amzn", document, re.IGNORECASE):
        # These beginnings are kept for AWS's own documents, whose ARNs have no account.
        account = ""
    prefix = f"arn:{stack.partition}:ssm:*"
    yield f"{prefix}:{account}:document/{name}"
    yield f"{prefix}:{account}:automation-definition/{name}:*"
    yield f"{prefix}:{stack.account}:automation-execution/*"
