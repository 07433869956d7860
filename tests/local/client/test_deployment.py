"""What a deployment makes of the account before the CDK CLI comes."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from cdk_incidents.local.assembly import AssemblyStack
from cdk_incidents.local.deployment import Assembly, Deployment

if TYPE_CHECKING:
    from pathlib import Path


class ReplicationSets:
    """The service, as far as its one set goes."""

    def __init__(self) -> None:
        self.regions = {"us-east-1"}

    def list_replication_sets(self) -> dict[str, Any]:
        return {"replicationSetArns": ["arn:set"]}

    def get_replication_set(self, *, arn: str) -> dict[str, Any]:
        assert arn == "arn:set"
        return {"replicationSet": {"regionMap": dict.fromkeys(self.regions)}}

    def update_replication_set(self, *, arn: str, actions: list[dict[str, Any]]) -> None:
        assert arn == "arn:set"
        self.regions |= {action["addRegionAction"]["regionName"] for action in actions}


def test_the_set_is_covered_once(tmp_path: Path) -> None:
    """A Region that a test takes out between two deployments stays out; a new one is brought in."""
    service = ReplicationSets()
    place: Any = SimpleNamespace(region="us-east-1")
    cli: Any = None
    deployment = Deployment(cli, place, tmp_path, lambda *_: service)

    def prepare(*regions: str) -> None:
        stacks = [AssemblyStack("S", "S", "1", region, "", {}) for region in regions]
        deployment.prepare(Assembly(tmp_path, tmp_path, stacks))

    prepare("us-east-1", "eu-west-1")
    assert service.regions == {"us-east-1", "eu-west-1"}
    service.regions.remove("eu-west-1")
    prepare("eu-west-1", "eu-central-1")
    assert service.regions == {"us-east-1", "eu-central-1"}
