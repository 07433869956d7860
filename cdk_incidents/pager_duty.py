"""PagerDuty: an incident there with each incident of a response plan."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from aws_cdk import aws_ssmincidents as ssmincidents

from cdk_incidents._checks import check_length, refusal

if TYPE_CHECKING:
    from aws_cdk import aws_secretsmanager as secretsmanager


@dataclasses.dataclass(frozen=True, kw_only=True)
class PagerDuty:
    """A service of PagerDuty that gets an incident with each of a plan's, and pages by its own rules.

    Parameters
    ----------
    name
        What the configuration is called; 1 to 200 characters.
    secret
        The secret with ``pagerDutyToken``, ``pagerDutyServiceRegion`` and ``pagerDutyFromEmail``, as JSON. It
        must be encrypted with a customer managed key. The plan lets Incident Manager read it and use the
        key; of an import nobody here knows the policies, and synth warns.
    service_id
        The id of the service in PagerDuty, like ``PABC123``; 1 to 200 characters.

    Raises
    ------
    ValueError
        If an argument breaks one of these limits, or a secret of this app has no key of its own. Tokens are
        let through.

    Notes
    -----
    Who deploys the plan must hold ``secretsmanager:GetSecretValue`` on the secret, and ``kms:Decrypt`` and
    ``kms:GenerateDataKey*`` on its key.
    https://docs.aws.amazon.com/incident-manager/latest/userguide/integrations-pagerduty-secret.html
    """

    name: str
    secret: secretsmanager.ISecret
    service_id: str

    def __post_init__(self) -> None:
        check_length("name", self.name, maximum=200)
        check_length("service_id", self.service_id, maximum=200)
        if not hasattr(self.secret, "secret_arn"):
            raise refusal(
                "secret",
                "a secret of Secrets Manager",
                type(self.secret).__name__,
                "import it with Secret.from_secret_name_v2.",
            )
        # An import has no resource, and mostly does not tell its key.
        if self.secret.node.default_child is not None and self.secret.encryption_key is None:
            raise refusal(
                "secret",
                "encrypted with a customer managed key",
                f"{self.secret.node.path} with AWS's own",
                "Incident Manager cannot read that; pass encryption_key=kms.Key(…).",
            )


def integration_of(pager_duty: PagerDuty) -> ssmincidents.CfnResponsePlan.IntegrationProperty:
    """Return the plan's integration; the secret's value is nowhere in it."""
    secret = pager_duty.secret
    l1 = ssmincidents.CfnResponsePlan
    return l1.IntegrationProperty(
        pager_duty_configuration=l1.PagerDutyConfigurationProperty(
            name=pager_duty.name,
            pager_duty_incident_configuration=l1.PagerDutyIncidentConfigurationProperty(
                service_id=pager_duty.service_id
            ),
            # An import by name has no full ARN, and Secrets Manager may take a part of one for another's.
            secret_id=secret.secret_full_arn or secret.secret_name,
        )
    )
