"""OpsItems as incidents and ways out need them: deduplicated, found, changed, resolved."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from .rules import ops_api, rule, two_regions

if TYPE_CHECKING:
    from .account import Aws

_DATA = "https://docs.aws.amazon.com/systems-manager/latest/userguide/OpsCenter-working-operationaldata.html"
_DEDUP = "https://docs.aws.amazon.com/systems-manager/latest/userguide/OpsCenter-working-deduplication.html"
_KEY = "verify"


def _dedup(string: str) -> dict[str, Any]:
    entry = {"Type": "SearchableString", "Value": json.dumps({"dedupString": string})}
    return {"OperationalData": {"/aws/dedup": entry}}


def _find(aws: Aws, *filters: tuple[str, str, str]) -> list[str]:
    wanted = [{"Key": key, "Operator": how, "Values": [value]} for key, how, value in filters]
    found = aws.client("ssm").describe_ops_items(OpsItemFilters=wanted)["OpsItemSummaries"]
    return [item["OpsItemId"] for item in found]


@ops_api("CreateOpsItem")
def test_an_item_gives_back_what_went_in(aws: Aws) -> None:
    """It begins open."""
    number = aws.ops_item("Of one's own", Severity="2", Priority=3)
    item = aws.client("ssm").get_ops_item(OpsItemId=number)["OpsItem"]
    assert (item["Title"], item["Description"], item["Source"]) == (aws.title("Of one's own"), "d", "verify")
    assert (item["Severity"], item["Priority"], item["Status"]) == ("2", 3, "Open")


@rule(_DEDUP)
def test_a_string_for_deduplication_is_that_of_one_open_item(aws: Aws) -> None:
    """While it is open; the error names the item that is there."""
    ssm, dedup = aws.client("ssm"), _dedup(aws.name("dedup"))
    first = aws.ops_item(**dedup)
    with pytest.raises(ssm.exceptions.OpsItemAlreadyExistsException) as caught:
        aws.ops_item(**dedup)
    assert caught.value.response["OpsItemId"] == first
    ssm.update_ops_item(OpsItemId=first, Status="Resolved")
    assert aws.ops_item(**dedup) != first


@two_regions
@rule(_DEDUP)
def test_items_are_a_regions(aws: Aws) -> None:
    """Another Region neither gives them, nor holds their strings against its own."""
    dedup, there = _dedup(aws.name("dedup")), aws.client("ssm", aws.regions[1])
    item = aws.ops_item(**dedup)
    assert aws.code(lambda: there.get_ops_item(OpsItemId=item)) == "OpsItemNotFoundException"
    assert aws.ops_item(region=aws.regions[1], **dedup) != item


@ops_api("UpdateOpsItem")
def test_an_item_is_changed_by_what_is_given(aws: Aws) -> None:
    """Operational data is added to, or deleted by key; the rest stays."""
    ssm = aws.client("ssm")
    item = aws.ops_item(OperationalData={_KEY: {"Value": "1"}, "old": {"Value": "2"}}, Priority=3)
    more = {"note": {"Value": "3", "Type": "String"}}
    ssm.update_ops_item(OpsItemId=item, OperationalData=more, OperationalDataToDelete=["old"])
    ssm.update_ops_item(OpsItemId=item, Severity="1", Status="InProgress")
    told = ssm.get_ops_item(OpsItemId=item)["OpsItem"]
    assert {key: entry["Value"] for key, entry in told["OperationalData"].items()} == {_KEY: "1", "note": "3"}
    assert (told["Status"], told["Severity"], told["Priority"]) == ("InProgress", "1", 3)
    assert told["LastModifiedTime"] >= told["CreatedTime"]


@ops_api("DeleteOpsItem")
def test_a_deleted_item_is_gone(aws: Aws) -> None:
    """Deleting it again is no error: the operation is idempotent."""
    ssm, item = aws.client("ssm"), aws.ops_item()
    ssm.delete_ops_item(OpsItemId=item)
    ssm.delete_ops_item(OpsItemId=item)
    found = aws.eventually(lambda: aws.code(lambda: ssm.get_ops_item(OpsItemId=item)))
    assert found == "OpsItemNotFoundException"


@ops_api("DescribeOpsItems")
def test_items_are_found_by_searchable_data(aws: Aws) -> None:
    """By key and value; data of type String is not searched."""
    value = aws.name("value")
    found = aws.ops_item(OperationalData={_KEY: {"Type": "SearchableString", "Value": value}})
    aws.ops_item(OperationalData={_KEY: {"Type": "String", "Value": value}})
    pair = json.dumps({"key": _KEY, "value": value})
    assert aws.eventually(lambda: _find(aws, ("OperationalData", "Equal", pair))) == [found]


@ops_api("DescribeOpsItems")
def test_all_filters_must_hold(aws: Aws) -> None:
    """Of several."""
    title = aws.title(aws.name("filtered"))
    found = aws.client("ssm").create_ops_item(Title=title, Description="d", Source="verify")["OpsItemId"]
    by_title = ("Title", "Contains", title)
    assert aws.eventually(lambda: _find(aws, by_title, ("Status", "Equal", "Open"))) == [found]
    assert _find(aws, by_title, ("Status", "Equal", "Resolved")) == []


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        ({"key": {"Value": "v" * 20480}}, {"key": {"Value": "v" * 20481}}),
        ({"/aws/resources": {"Value": "[]"}}, {"/aws/resources": {"Value": "["}}),
        ({"/other": {"Value": "v"}}, {"/aws/other": {"Value": "v"}}),
    ],
    ids=["20 KB", "JSON", "AWS's own keys"],
)
@rule(_DATA)
def test_operational_data_has_limits(aws: Aws, good: dict[str, Any], bad: dict[str, Any]) -> None:
    """No key of AWS's own but three, values of 20 KB; in creation and change."""
    ssm, wrong = aws.client("ssm"), "OpsItemInvalidParameterException"
    item = aws.ops_item(OperationalData=good)
    assert aws.code(lambda: aws.ops_item(OperationalData=bad)) == wrong
    assert aws.code(lambda: ssm.update_ops_item(OpsItemId=item, OperationalData=bad)) == wrong
