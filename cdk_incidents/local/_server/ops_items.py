"""OpsItems of Systems Manager OpsCenter, as far as an incident's parent and a way out need them."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from .errors import ServiceError

if TYPE_CHECKING:
    import datetime as dt

    from .state import Account, Caller, Cloud


def create(
    account: Account,
    region: str,
    *,
    title: str,
    description: str,
    source: str,
    now: dt.datetime,
    **members: Any,
) -> str:
    """Put an OpsItem into the account and give its ARN."""
    item_id = f"oi-{uuid.uuid4().hex[:12]}"
    arn = f"arn:aws:ssm:{region}:{account.id}:opsitem/{item_id}"
    account.ops_items[item_id] = {
        "OpsItemId": item_id,
        "OpsItemArn": arn,
        "Title": title,
        "Description": description,
        "Source": source,
        "Status": "Open",
        "CreatedTime": now,
        "LastModifiedTime": now,
        **members,
    }
    return arn


def create_ops_item(cloud: Cloud, caller: Caller, params: dict[str, Any]) -> dict[str, Any]:
    """Create an OpsItem."""
    more = {
        k: v for k, v in params.items() if k not in ("Title", "Description", "Source", "Tags", "AccountId")
    }
    arn = create(
        caller.account,
        caller.region,
        title=params["Title"],
        description=params["Description"],
        source=params["Source"],
        now=cloud.clock.now(),
        CreatedBy=caller.arn,
        **more,
    )
    return {"OpsItemId": arn.rpartition("/")[2], "OpsItemArn": arn}


def get_ops_item(_cloud: Cloud, caller: Caller, params: dict[str, Any]) -> dict[str, Any]:
    """Give an OpsItem."""
    return {"OpsItem": _item(caller.account, params["OpsItemId"])}


def delete_ops_item(_cloud: Cloud, caller: Caller, params: dict[str, Any]) -> dict[str, Any]:
    """Delete an OpsItem, whether there is one or not."""
    caller.account.ops_items.pop(params["OpsItemId"], None)
    return {}


def describe_ops_items(_cloud: Cloud, caller: Caller, params: dict[str, Any]) -> dict[str, Any]:
    """List all OpsItems; filters are not played here."""
    if params.get("OpsItemFilters"):
        raise ServiceError("OpsItemInvalidParameterException", "OpsItemFilters are not played here")
    return {"OpsItemSummaries": list(caller.account.ops_items.values())}


def _item(account: Account, item_id: str) -> dict[str, Any]:
    if item_id not in account.ops_items:
        raise ServiceError("OpsItemNotFoundException", f"The OpsItem {item_id} does not exist")
    return account.ops_items[item_id]
