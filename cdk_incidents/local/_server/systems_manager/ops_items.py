"""OpsItems of Systems Manager OpsCenter: an incident's parent, an alarm's action, and a way out.

Limits: https://docs.aws.amazon.com/systems-manager/latest/userguide/OpsCenter-working-operationaldata.html
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from cdk_incidents.local._server.incident_manager.resources import is_here
from cdk_incidents.local._server.protocol.errors import ServiceError
from cdk_incidents.local._server.protocol.json_text import NO_JSON, read_json
from cdk_incidents.local._server.protocol.paging import page

if TYPE_CHECKING:
    import datetime as dt

    from cdk_incidents.local._server.state import Account, Caller, Cloud

_DEDUP = "/aws/dedup"
_RESERVED = ("amazon", "aws", "amzn", "ssm", "/amazon", "/aws", "/amzn", "/ssm")
_ALLOWED = (_DEDUP, "/aws/resources", "/aws/automations")
_LONGEST = 20 * 1024
_ENDED = ("Resolved", "Closed")
_NOT_KEPT = ("Tags", "AccountId", "OperationalDataToDelete", "OpsItemArn")
# What an item can be found by here, and how:
# https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_DescribeOpsItems.html
_FILTERS = {
    **dict.fromkeys(("Status", "Priority", "OpsItemId", "OperationalData", "OperationalDataKey"), ("Equal",)),
    **dict.fromkeys(("Title", "Source", "OperationalDataValue"), ("Equal", "Contains")),
}


def create(account: Account, region: str, now: dt.datetime, members: dict[str, Any]) -> str:
    """Put an OpsItem into the account and give its ARN.

    Raises
    ------
    ServiceError
        If one that is not resolved has the same string for deduplication, or its data is against the rules.
    """
    data = members.get("OperationalData", {})
    _check(data)
    dedup = _dedup(data)
    item_id = f"oi-{uuid.uuid4().hex[:12]}"
    place = f"arn:aws:ssm:{region}:{account.id}:opsitem/"
    for known in account.ops_items.values() if dedup else ():  # an incident's has none: thousands of them
        open_here = known["OpsItemArn"].startswith(place) and known["Status"] not in _ENDED
        if open_here and _dedup(known["OperationalData"]) == dedup:
            there = known["OpsItemId"]
            raise ServiceError("OpsItemAlreadyExistsException", f"{there} already exists", OpsItemId=there)
    account.ops_items[item_id] = {
        "OpsItemId": item_id,
        "OpsItemArn": place + item_id,
        "Status": "Open",
        "CreatedTime": now,
        "LastModifiedTime": now,
        "OperationalData": {},
        **members,
    }
    return place + item_id


def create_ops_item(cloud: Cloud, caller: Caller, params: dict[str, Any]) -> dict[str, Any]:
    """Create an OpsItem."""
    given = {name: value for name, value in params.items() if name not in _NOT_KEPT}
    arn = create(caller.account, caller.region, cloud.clock.now(), {"CreatedBy": caller.arn, **given})
    return {"OpsItemId": arn.rpartition("/")[2], "OpsItemArn": arn}


def get_ops_item(_cloud: Cloud, caller: Caller, params: dict[str, Any]) -> dict[str, Any]:
    """Give an OpsItem."""
    return {"OpsItem": _item(caller, params["OpsItemId"])}


def update_ops_item(cloud: Cloud, caller: Caller, params: dict[str, Any]) -> dict[str, Any]:
    """Change what is given; operational data is added to what is there."""
    item = _item(caller, params["OpsItemId"])
    _check(params.get("OperationalData", {}))
    gone = params.get("OperationalDataToDelete", [])
    data = {**item["OperationalData"], **params.get("OperationalData", {})}
    item.update({k: v for k, v in params.items() if k not in _NOT_KEPT})
    item["OperationalData"] = {k: v for k, v in data.items() if k not in gone}
    item.update(LastModifiedBy=caller.arn, LastModifiedTime=cloud.clock.now())
    return {}


def delete_ops_item(_cloud: Cloud, caller: Caller, params: dict[str, Any]) -> dict[str, Any]:
    """Delete an OpsItem, whether there is one or not."""
    caller.account.ops_items.pop(params["OpsItemId"], None)
    return {}


def describe_ops_items(_cloud: Cloud, caller: Caller, params: dict[str, Any]) -> dict[str, Any]:
    """List the OpsItems of a Region that pass every filter, the oldest first."""
    wanted = params.get("OpsItemFilters", [])
    for asked in wanted:
        if asked["Operator"] not in _FILTERS.get(asked["Key"], ()):
            told = f"is not played here (played: {_FILTERS})"
            raise _invalid(f"The filter {asked['Key']} {asked['Operator']} {told}")
    here = [item for item in caller.account.ops_items.values() if is_here(caller, item["OpsItemArn"])]
    found = [item for item in here if all(_passes(item, asked) for asked in wanted)]
    return page(found, params, "OpsItemSummaries")


def _passes(item: dict[str, Any], asked: dict[str, Any]) -> bool:
    # Operational data of type String cannot be searched for.
    told = item["OperationalData"].items()
    data = {key: v["Value"] for key, v in told if "Value" in v and v.get("Type") == "SearchableString"}
    values = {
        "OperationalData": [{"key": key, "value": value} for key, value in data.items()],
        "OperationalDataKey": list(data),
        "OperationalDataValue": list(data.values()),
    }.get(asked["Key"], [str(item.get(asked["Key"], ""))])
    wanted = asked["Values"]
    if asked["Key"] == "OperationalData":
        wanted = [read_json(pair) for pair in wanted]
    if asked["Operator"] == "Equal":
        return any(value in wanted for value in values)
    return any(part in value for value in values for part in wanted)


def _dedup(data: dict[str, Any]) -> str:
    told = read_json(data.get(_DEDUP, {}).get("Value", ""))
    return str(told.get("dedupString", "")) if isinstance(told, dict) else ""


def _check(data: dict[str, Any]) -> None:
    for key, entry in data.items():
        if key.lower().startswith(_RESERVED) and key not in _ALLOWED:
            raise _invalid(f"A key must begin with none of {', '.join(_RESERVED)} (got {key})")
        if len(entry.get("Value", "").encode()) > _LONGEST:
            raise _invalid(f"The value of {key} must have at most {_LONGEST} bytes")
        if key in _ALLOWED and read_json(entry.get("Value", "")) is NO_JSON:
            raise _invalid(f"The value of {key} must be JSON")


def _invalid(message: str) -> ServiceError:
    return ServiceError("OpsItemInvalidParameterException", message)


def _item(caller: Caller, item_id: str) -> dict[str, Any]:
    item = caller.account.ops_items.get(item_id)
    if item is None or not is_here(caller, item["OpsItemArn"]):
        raise ServiceError("OpsItemNotFoundException", f"The OpsItem {item_id} does not exist")
    return item
