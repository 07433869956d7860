"""OpsItems as a way out needs them: deduplicated, found, changed, resolved."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from .conftest import unique

if TYPE_CHECKING:
    from .conftest import Aws

_KEY = "cdk-incidents"


def _create(aws: Aws, dedup: str = "", region: str = "us-east-1", **more: Any) -> str:
    data: dict[str, Any] = dict(more.pop("OperationalData", {}))
    if dedup:
        data["/aws/dedup"] = {"Type": "SearchableString", "Value": json.dumps({"dedupString": dedup})}
    made = aws.client("ssm", region).create_ops_item(
        Title="t", Description="d", Source="s", OperationalData=data, **more
    )
    item: str = made["OpsItemId"]
    return item


def _find(aws: Aws, *filters: tuple[str, str, str]) -> list[str]:
    wanted = [{"Key": key, "Operator": how, "Values": [value]} for key, how, value in filters]
    found = aws.client("ssm").describe_ops_items(OpsItemFilters=wanted)["OpsItemSummaries"]
    return [item["OpsItemId"] for item in found]


def test_a_string_for_deduplication_is_that_of_one_open_item(aws: Aws) -> None:
    """While it is open, in that Region; the error names the item that is there."""
    ssm, dedup = aws.client("ssm"), unique("dedup")
    first = _create(aws, dedup)
    with pytest.raises(ssm.exceptions.OpsItemAlreadyExistsException) as caught:
        _create(aws, dedup)
    assert caught.value.response["OpsItemId"] == first
    assert _create(aws, dedup, "eu-west-1") != first
    assert _create(aws) != _create(aws)
    ssm.update_ops_item(OpsItemId=first, Status="Resolved")
    assert _create(aws, dedup) != first


def test_an_item_is_changed_by_what_is_given(aws: Aws) -> None:
    """Operational data is added to, or deleted by key; the rest stays."""
    ssm = aws.client("ssm")
    item = _create(aws, OperationalData={_KEY: {"Value": "1"}, "old": {"Value": "2"}}, Priority=3)
    more = {"note": {"Value": "3", "Type": "String"}}
    ssm.update_ops_item(OpsItemId=item, OperationalData=more, OperationalDataToDelete=["old"])
    ssm.update_ops_item(OpsItemId=item, Severity="1", Status="InProgress")
    told = ssm.get_ops_item(OpsItemId=item)["OpsItem"]
    assert {key: entry["Value"] for key, entry in told["OperationalData"].items()} == {_KEY: "1", "note": "3"}
    assert (told["Status"], told["Severity"], told["Priority"]) == ("InProgress", "1", 3)
    assert told["LastModifiedTime"] >= told["CreatedTime"]


def test_items_are_a_regions(aws: Aws) -> None:
    """Another Region neither gives nor lists them."""
    item, there = _create(aws), aws.client("ssm", "eu-west-1")
    with pytest.raises(there.exceptions.OpsItemNotFoundException):
        there.get_ops_item(OpsItemId=item)
    assert item not in [i["OpsItemId"] for i in there.describe_ops_items()["OpsItemSummaries"]]


def test_items_are_found_by_filters(aws: Aws) -> None:
    """Each by its operators, all of several; only searchable data is searched."""
    value = unique("value")
    searchable = {_KEY: {"Type": "SearchableString", "Value": value}}
    found = _create(aws, OperationalData=searchable)
    _create(aws, OperationalData={_KEY: {"Type": "String", "Value": value}})
    pair = json.dumps({"value": value, "key": _KEY})
    assert _find(aws, ("OperationalData", "Equal", pair)) == [found]
    assert _find(aws, ("OperationalDataValue", "Contains", value[3:])) == [found]
    assert found in _find(aws, ("OperationalDataKey", "Equal", _KEY))
    by_value = ("OperationalDataValue", "Equal", value)
    assert _find(aws, by_value, ("Status", "Equal", "Open")) == [found]
    assert _find(aws, by_value, ("Status", "Equal", "Resolved")) == []
    assert _find(aws, by_value, ("Title", "Equal", "another")) == []


@pytest.mark.parametrize("wanted", [("Status", "Contains"), ("CreatedTime", "GreaterThan")])
def test_a_filter_that_is_not_played_says_so(aws: Aws, wanted: tuple[str, str]) -> None:
    """Never a list that ignores it."""
    with pytest.raises(aws.client("ssm").exceptions.ClientError, match="not played here"):
        _find(aws, (*wanted, "x"))


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        ({"key": {"Value": "v" * 20480}}, {"key": {"Value": "v" * 20481}}),
        ({"/aws/resources": {"Value": "[]"}}, {"/aws/resources": {"Value": "["}}),
        ({"/other": {"Value": "v"}}, {"/aws/other": {"Value": "v"}}),
    ],
)
def test_operational_data_has_limits(aws: Aws, good: dict[str, Any], bad: dict[str, Any]) -> None:
    """No key of AWS's own but three, values of 20 KB; in creation and change."""
    ssm = aws.client("ssm")
    item = _create(aws, OperationalData=good)
    with pytest.raises(ssm.exceptions.OpsItemInvalidParameterException):
        _create(aws, OperationalData=bad)
    with pytest.raises(ssm.exceptions.OpsItemInvalidParameterException):
        ssm.update_ops_item(OpsItemId=item, OperationalData=bad)


def test_changing_an_item_needs_it_as_a_resource(aws: Aws) -> None:
    """ssm:UpdateOpsItem on that very item; creating and listing know no resource."""
    item, other = _create(aws), _create(aws)
    arn = f"arn:aws:ssm:us-east-1:000000000000:opsitem/{item}"
    statements = [
        {"Effect": "Allow", "Action": "ssm:UpdateOpsItem", "Resource": arn},
        {"Effect": "Allow", "Action": "ssm:DescribeOpsItems", "Resource": arn},
    ]
    client = aws.as_role(aws.role(*statements), "ssm")
    client.update_ops_item(OpsItemId=item, Status="Resolved")
    for call in (lambda: client.update_ops_item(OpsItemId=other), client.describe_ops_items):
        with pytest.raises(client.exceptions.ClientError, match="not authorized"):
            call()
