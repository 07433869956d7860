"""The replication set: the Regions that Incident Manager keeps its data in, and the keys that encrypt it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import jsii
from aws_cdk import RemovalPolicy, Resource, Stack
from aws_cdk import aws_ssmincidents as ssmincidents
from aws_cdk.interfaces.aws_ssmincidents import IReplicationSetRef, ReplicationSetReference

from cdk_incidents._checks import check_pattern, is_token, refusal
from cdk_incidents._regions import REGIONS
from cdk_incidents._replication import owns_replication_set

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TypeAlias

    from aws_cdk import aws_kms as kms
    from constructs import Construct

    # CDK's class beside its interface: pyright does not take one for the other.
    Key: TypeAlias = kms.IKey | kms.Key | str

_MAX_REGIONS = 3


@jsii.implements(IReplicationSetRef)
class ReplicationSet(Resource):
    """The account's replication set, for who owns it as code. Without one, it is assumed to exist.

    There is one in an account, and everything of Incident Manager lives in it: **deleting it deletes all
    response plans, contacts and incidents**. So it is protected from deletion, and stays when it leaves the
    stack. An existing set, made by hand, comes under CloudFormation with ``cdk import``.

    Everything of this library in the same account and stage is deployed after it without being told,
    whichever was made first, in whatever stack; and a Region that it lacks is refused. So are L1s that were
    made before it; to one that is made later, add the dependency by hand.

    Parameters
    ----------
    scope, id
        Where the set lives in the app; the Region of its stack must be in the set.
    regions
        One to three Regions, e.g. ``["eu-west-1", "eu-central-1"]``. With two or more, alarms and rules go on
        opening incidents when the service fails in one. Change them one at a time, each by a deployment of
        its own; a Region can be removed a day after it was added, at the earliest.
    keys
        For each Region the symmetric KMS key of that Region that encrypts its data, as CDK's object or as an
        ARN; of another Region's stack better as an ARN: CDK carries its object over by custom resources.
        The policy of a key of this app lets the account's principals use it through Incident Manager; to an
        imported key, add ``kms:CreateGrant`` and ``kms:DescribeKey`` with ``kms:ViaService`` of
        ``ssm-incidents.REGION.amazonaws.com`` and ``ssm-contacts.REGION.amazonaws.com``. By default AWS's
        own keys. **It cannot be changed later**, but by deleting the set.
    deletion_protection
        Whether the service refuses to delete the set. By default it does.

    Raises
    ------
    ValueError
        If a Region does not have Incident Manager, the keys are not one a Region, the app owns a set of this
        account already, or one of its users stands in a Region that the set lacks.

    Notes
    -----
    https://docs.aws.amazon.com/incident-manager/latest/userguide/disaster-recovery-resiliency.html
    https://docs.aws.amazon.com/incident-manager/latest/userguide/data-protection.html
    """

    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002 - CDK's own word
        *,
        regions: Sequence[str],
        keys: Mapping[str, Key] | None = None,
        deletion_protection: bool = True,
    ) -> None:
        super().__init__(scope, id)
        _check_regions(regions)
        _check_home(self, regions)
        _check_keys(regions, keys or {})
        self._regions = tuple(regions)
        arns = {region: self._arn_of(key) for region, key in (keys or {}).items()}
        self._resource = ssmincidents.CfnReplicationSet(
            self,
            "Resource",
            deletion_protected=deletion_protection,
            regions=[_rendered(region, arns.get(region)) for region in regions],
        )
        self._resource.apply_removal_policy(RemovalPolicy.RETAIN)
        owns_replication_set(self, self._resource, self._regions)

    @property
    def replication_set_arn(self) -> str:
        """The ARN of the set; it carries no Region."""
        return self._resource.ref

    @property
    def replication_set_ref(self) -> ReplicationSetReference:
        """CDK's own reference to the set."""
        return ReplicationSetReference(replication_set_arn=self._resource.ref)

    @property
    def region_names(self) -> list[str]:
        """The Regions of the set, as they were given."""
        return list(self._regions)

    def _arn_of(self, key: Key) -> str:
        if isinstance(key, str):
            return key
        from aws_cdk import aws_iam as iam  # noqa: PLC0415 - most sets have AWS's own keys

        services = [
            f"{service}.{region}.amazonaws.com"
            for region in self._regions
            for service in ("ssm-incidents", "ssm-contacts")
        ]
        # Of any principal of the account that may use Incident Manager: which one deploys, synth cannot know.
        key.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.AnyPrincipal()],
                actions=["kms:CreateGrant", "kms:DescribeKey"],
                resources=["*"],
                conditions={
                    "StringEquals": {
                        "kms:CallerAccount": Stack.of(self).account,
                        "kms:ViaService": services,
                    }
                },
            )
        )
        return key.key_arn


def _check_regions(regions: Sequence[str]) -> None:
    if (
        # A set has no order of its own: the template would change from run to run.
        not isinstance(regions, list | tuple)
        or not 1 <= len(regions) <= _MAX_REGIONS
        or len({*regions}) < len(regions)
    ):
        raise refusal(
            "regions", f"a list of 1 to {_MAX_REGIONS} different Regions", regions, 'e.g. ["eu-west-1"].'
        )
    for region in regions:
        if not is_token(region) and region not in REGIONS:
            raise refusal(
                "regions",
                f"of those that have Incident Manager ({', '.join(sorted(REGIONS))})",
                region,
                "choose one of these.",
            )


def _check_home(construct: Construct, regions: Sequence[str]) -> None:
    region = Stack.of(construct).region
    if region not in regions and not any(map(is_token, [region, *regions])):
        raise refusal(
            "regions",
            f"with that of the stack, {region}",
            list(regions),
            "add it, or make the set in a stack of one of its Regions.",
        )


def _check_keys(regions: Sequence[str], keys: Mapping[str, Key]) -> None:
    if keys and (not isinstance(keys, Mapping) or {*keys} != {*regions}):
        raise refusal(
            "keys",
            f"for each of the Regions ({', '.join(regions)}) or left out",
            keys if isinstance(keys, str) else list(keys),
            'give each Region a key of its own, e.g. {"eu-west-1": key}, or none.',
        )
    for region, key in keys.items():
        if isinstance(key, str):
            check_pattern(
                f"keys[{region!r}]",
                key,
                pattern=rf"arn:aws[a-z-]*:kms:{_known(region)}:[0-9]{{12}}:(key|alias)/.+",
                rule=f"the ARN of a KMS key in {region}",
                remedy="a key encrypts data of its own Region only.",
            )
        elif not hasattr(key, "key_arn"):
            raise refusal(
                f"keys[{region!r}]", "a KMS key or its ARN", key, "import one with kms.Key.from_key_arn."
            )
        elif key.env.region != region and not any(map(is_token, [key.env.region, region])):
            raise refusal(
                f"keys[{region!r}]",
                f"a key in {region}",
                f"{key.node.path} in {key.env.region}",
                "a key encrypts data of its own Region only.",
            )


def _known(region: str) -> str:
    return "[a-z0-9-]+" if is_token(region) else region


def _rendered(region: str, key_arn: str | None) -> ssmincidents.CfnReplicationSet.ReplicationRegionProperty:
    return ssmincidents.CfnReplicationSet.ReplicationRegionProperty(
        region_name=region,
        region_configuration=None
        if key_arn is None
        else ssmincidents.CfnReplicationSet.RegionConfigurationProperty(sse_kms_key_id=key_arn),
    )
