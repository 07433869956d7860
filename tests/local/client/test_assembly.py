"""Reading cloud assemblies."""

from __future__ import annotations

import io
import json
import zipfile
from typing import TYPE_CHECKING

from cdk_incidents.local.assembly import file_assets, read_assembly
from cdk_incidents.local.environment import Place

from .assemblies import alarm, template, write_assembly

if TYPE_CHECKING:
    from pathlib import Path


def test_stacks_and_where_they_go(tmp_path: Path) -> None:
    """A stack that leaves its account and Region open goes to the loopback's own."""
    write_assembly(tmp_path, One=template(A=alarm("a")), Two=template())
    one, two = read_assembly(tmp_path, Place())
    assert (one.name, one.account, one.region) == ("One", "000000000000", "us-east-1")
    assert two.name == "Two"
    assert list(one.template["Resources"]) == ["A"]


def test_stacks_of_stages(tmp_path: Path) -> None:
    """Stacks of nested assemblies are found too."""
    write_assembly(tmp_path / "stage", Inner=template())
    write_assembly(tmp_path, Outer=template())
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    manifest["artifacts"]["Stage"] = {
        "type": "cdk:cloud-assembly",
        "properties": {"directoryName": "stage"},
    }
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    assert [stack.name for stack in read_assembly(tmp_path, Place())] == ["Outer", "Inner"]


def test_explicit_environment_and_qualifier(tmp_path: Path) -> None:
    """Account, Region, and the qualifier of the bootstrap resources are read where they are given."""
    write_assembly(tmp_path, One=template())
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    manifest["artifacts"]["One"]["environment"] = "aws://123456789012/eu-west-1"
    manifest["artifacts"]["One"]["properties"]["bootstrapStackVersionSsmParameter"] = (
        "/cdk-bootstrap/mine/version"
    )
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    (stack,) = read_assembly(tmp_path, Place())
    assert (stack.account, stack.region, stack.qualifier) == ("123456789012", "eu-west-1", "mine")


def test_what_is_retained_and_what_is_ours(tmp_path: Path) -> None:
    """Deletion policies tell what outlives the stack, metadata tells which alarms are the library's own."""
    write_assembly(
        tmp_path,
        One=template(
            Mine=alarm("mine"),
            Canary=alarm("canary", Metadata={"cdk-incidents:purpose": "canary"}),
            Kept=alarm("kept", DeletionPolicy="Retain"),
            KeptOnCreate=alarm("kept-too", DeletionPolicy="RetainExceptOnCreate"),
            Gone=alarm("gone", DeletionPolicy="Delete"),
        ),
    )
    (stack,) = read_assembly(tmp_path, Place())
    assert stack.retained == ["Kept", "KeptOnCreate"]
    assert stack.purpose("Canary") == "canary"
    assert stack.purpose("Mine") is None


def test_file_assets(tmp_path: Path) -> None:
    """A file is published as it is, a directory as an archive of its files, in the expected bucket."""
    write_assembly(tmp_path, One=template())
    (tmp_path / "asset.code").mkdir()
    (tmp_path / "asset.code" / "index.py").write_text("x = 1\n")
    destinations = {
        "here": {"bucketName": "assets-${AWS::AccountId}-${AWS::Region}", "objectKey": "code.zip"}
    }
    files = {
        "a": {"source": {"path": "asset.code", "packaging": "zip"}, "destinations": destinations},
        "b": {"source": {"path": "One.template.json", "packaging": "file"}, "destinations": destinations},
    }
    (tmp_path / "One.assets.json").write_text(json.dumps({"files": files}))
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    manifest["artifacts"]["One.assets"] = {
        "type": "cdk:asset-manifest",
        "properties": {"file": "One.assets.json"},
    }
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    (bucket, key, archive), (_, _, plain) = file_assets(tmp_path, Place())
    assert (bucket, key) == ("assets-000000000000-us-east-1", "code.zip")
    with zipfile.ZipFile(io.BytesIO(archive)) as packed:
        assert packed.read("index.py") == b"x = 1\n"
    assert json.loads(plain) == template()
