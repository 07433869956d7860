"""Nothing of anybody else's is touched: each write is looked at before it is sent."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

PREFIX = "cdk-incidents-verify-"

_READS = ("Get", "List", "Describe", "BatchGet", "Receive", "AssumeRole", "Simulate")
# What names the thing that a write is about; the first that is there.
_ABOUT = (
    *("responsePlanArn", "incidentRecordArn", "resourceArn", "arn", "name"),
    *("PageId", "EngagementId", "ContactChannelId", "RotationId", "ContactId", "ContactArn", "ResourceARN"),
    *("Alias", "OpsItemId", "Title", "TopicArn", "QueueUrl", "QueueName", "RoleName", "Name"),
)
# What an incident says of other things, and does nothing to.
_SAYS_ONLY = ("relatedItems", "relatedItemsUpdate", "triggerDetails", "eventReferences")
# Nobody's: example domains (RFC 2606) and the numbers that are kept for fiction.
_MAIL = re.compile(r"[^@]+@example\.(com|net|org)")
_PHONE = re.compile(r"\+1[2-9]\d\d55501\d\d")
_CODES = ("ActivateContactChannel", "SendActivationCode")


class NotOursError(AssertionError):
    """A test would have touched what this run did not make, or sent something to somebody."""


class Guard:
    """Looks at each write of a run.

    Parameters
    ----------
    run
        the beginning of every name of the run
    """

    def __init__(self, run: str) -> None:
        self._run = run
        self._made: set[str] = set()

    def look(self, service: str, operation: str, params: dict[str, Any]) -> None:
        """Refuse a write that is about anything but this run's own, or that reaches a person."""
        if operation.startswith(_READS):
            return
        name = next((str(params[key]) for key in _ABOUT if key in params), "")
        if not self._is_ours(name):
            raise NotOursError(f"{service}:{operation} is about {name!r}, which is not of {self._run}")
        for other in _strings({key: value for key, value in params.items() if key not in _SAYS_ONLY}):
            if other.startswith("arn:") and not self._is_ours(other):
                raise NotOursError(f"{service}:{operation} names {other!r}, which is not of {self._run}")
        if operation == "Subscribe" and not self._is_ours(params.get("Endpoint", "")):
            raise NotOursError(
                f"Subscribe would tell {params.get('Endpoint')!r}, which is not of {self._run}"
            )
        if operation in _CODES:
            raise NotOursError(f"{operation}: a channel of this suite is never activated")
        if operation == "CreateContactChannel" and not params.get("DeferActivation"):
            raise NotOursError("CreateContactChannel must have DeferActivation: a code would be sent")
        address = (params.get("DeliveryAddress") or {}).get("SimpleAddress", "")
        if "@" in address and not _MAIL.fullmatch(address):
            raise NotOursError(f"an e-mail address must be of example.com (got {address!r})")
        if address.startswith("+") and not _PHONE.fullmatch(address):
            raise NotOursError(f"a phone number must be one of +1 NXX 555 01XX (got {address!r})")

    def made(self, answer: dict[str, Any]) -> None:
        """Take note of the names that the service gave."""
        for key in ("RotationArn", "OpsItemId", "EngagementArn", "incidentRecordArn", "ContactChannelArn"):
            if key in answer:
                self._made.add(answer[key])

    def own(self, name: str) -> None:
        """Take note of what the service made for something of this run, such as an incident's OpsItem."""
        self._made.add(name)

    def _is_ours(self, name: str) -> bool:
        # A rotation's name has no hyphens.
        return name in self._made or self._run in name.replace("_", "-")


def _strings(value: Any) -> Iterator[str]:
    """Give the strings in a structure."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, (dict, list)):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _strings(inner)
