"""By what OpsItems are found here."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from .conftest import unique

if TYPE_CHECKING:
    from .conftest import Aws

_KEY = "cdk-incidents"


def _create(aws: Aws, **more: Any) -> str:
    made = aws.client("ssm").create_ops_item(Title="t", Description="d", Source="s", **more)
    item: str = made["OpsItemId"]
    return item


def _find(aws: Aws, *filters: tuple[str, str, str]) -> list[str]:
    wanted = [{"Key": key, "Operator": how, "Values": [value]} for key, how, value in filters]
    found = aws.client("ssm").describe_ops_items(OpsItemFilters=wanted)["OpsItemSummaries"]
    return [item["OpsItemId"] for item in found]


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


def test_what_is_no_json_is_found_nowhere(aws: Aws) -> None:
    """Nor what has no value; a pair may be written in any way, and then must be one."""
    _create(aws, OperationalData={_KEY: {"Type": "SearchableString"}})
    deep = "[" * 19_000
    assert [_find(aws, ("OperationalData", "Equal", pair)) for pair in ("{", deep, "null")] == [[], [], []]
    data = {"/aws/resources": {"Type": "SearchableString", "Value": deep}}
    with pytest.raises(aws.client("ssm").exceptions.OpsItemInvalidParameterException, match="must be JSON"):
        _create(aws, OperationalData=data)


@pytest.mark.parametrize("wanted", [("Status", "Contains"), ("CreatedTime", "GreaterThan")])
def test_a_filter_that_is_not_played_says_so(aws: Aws, wanted: tuple[str, str]) -> None:
    """Never a list that ignores it."""
    with pytest.raises(aws.client("ssm").exceptions.ClientError, match="not played here"):
        _find(aws, (*wanted, "x"))
