"""One kind of resource, whatever service has it: made, found, changed, deleted and listed by its ARN."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any, ClassVar

from cdk_incidents.local._server.protocol.errors import conflict, invalid, not_found, over_quota
from cdk_incidents.local._server.protocol.paging import page

if TYPE_CHECKING:
    from collections.abc import Callable

    from cdk_incidents.local._server.state import Account, Caller, Cloud

    Play = Callable[[Cloud, Caller, dict[str, Any]], dict[str, Any]]

_TAGS_ALLOWED = 50


class Kind:
    """The operations on one kind; a subclass says how the model calls things, and adds the rules.

    Attributes
    ----------
    noun
        as the operations have it: CreateContact, ListContacts
    store
        the account's attribute, with dots between, that holds them by ARN
    arn, key
        the member that holds the ARN in an answer, and in a question
    listed
        the member that holds a list of them
    order
        the member that a list goes by; the ARN unless given
    tags
        the parameter that holds tags; what has none says so by an empty name
    """

    noun: ClassVar[str]
    store: ClassVar[str]
    arn: ClassVar[str] = "arn"
    key: ClassVar[str] = "arn"
    listed: ClassVar[str]
    order: ClassVar[str] = ""
    tags: ClassVar[str] = "Tags"

    def plays(self) -> dict[str, Play]:
        """Give the operations by name."""
        return {
            f"Create{self.noun}": self.create,
            f"Get{self.noun}": lambda _, caller, params: self.find(caller, params[self.key]),
            f"Update{self.noun}": self.update,
            f"Delete{self.noun}": self.delete,
            f"List{self.noun}s": self.list,
        }

    # What a subclass says

    def new_arn(self, caller: Caller, params: dict[str, Any]) -> str:
        """Give the ARN that a new one gets."""
        raise NotImplementedError

    def check(self, cloud: Cloud, caller: Caller, item: dict[str, Any]) -> None:
        """Refuse what the service refuses, before it is made or changed."""

    def change(self, item: dict[str, Any], params: dict[str, Any]) -> dict[str, Any]:
        """Give what an item becomes."""
        return {**item, **params}

    def made(self, cloud: Cloud, caller: Caller, item: dict[str, Any]) -> None:
        """Do what follows a creation."""

    def gone(self, cloud: Cloud, caller: Caller, item: dict[str, Any]) -> None:
        """Do what goes before a deletion, or refuse it."""

    def among(self, item: dict[str, Any], params: dict[str, Any]) -> bool:  # noqa: ARG002
        """Tell whether an item belongs into a list."""
        return True

    # The operations

    @property
    def resource_type(self) -> str:
        """The kind's name in an error."""
        return "".join(f"_{c}" if c.isupper() else c for c in self.noun).strip("_").upper()

    def all(self, account: Account) -> dict[str, dict[str, Any]]:
        """Give all of an account."""
        found: dict[str, dict[str, Any]] = operator.attrgetter(self.store)(account)
        return found

    def here(self, caller: Caller) -> dict[str, dict[str, Any]]:
        """Give all of an account that belong to the caller's Region, or to none."""
        return {arn: item for arn, item in self.all(caller.account).items() if is_here(caller, arn)}

    def find(self, caller: Caller, arn: str) -> dict[str, Any]:
        """Give one of the caller's account and Region."""
        item = self.all(caller.account).get(arn)
        if item is None or not is_here(caller, arn):
            raise not_found(self.resource_type, arn)
        return item

    def create(self, cloud: Cloud, caller: Caller, params: dict[str, Any]) -> dict[str, Any]:
        """Make one."""
        arn, known = self.new_arn(caller, params), self.all(caller.account)
        if arn in known:
            raise conflict(f"{arn} exists", self.resource_type, arn)
        item = {**{k: v for k, v in params.items() if k != self.tags}, self.arn: arn}
        self.check(cloud, caller, item)
        if self.tags:
            put_tags(caller, arn, read_tags(params.get(self.tags, {})))
        known[arn] = item
        self.made(cloud, caller, item)
        return {self.arn: arn}

    def update(self, cloud: Cloud, caller: Caller, params: dict[str, Any]) -> dict[str, Any]:
        """Change what is given."""
        arn = params[self.key]
        given = {k: v for k, v in params.items() if k != self.key}
        item = self.change(self.find(caller, arn), given)
        self.check(cloud, caller, item)
        self.all(caller.account)[arn] = item
        return {}

    def delete(self, cloud: Cloud, caller: Caller, params: dict[str, Any]) -> dict[str, Any]:
        """Delete one."""
        arn = params[self.key]
        self.gone(cloud, caller, self.find(caller, arn))
        del self.all(caller.account)[arn]
        caller.account.tags.pop(arn, None)
        return {}

    def list(self, _cloud: Cloud, caller: Caller, params: dict[str, Any]) -> dict[str, Any]:
        """List those of the caller's Region, in their order."""
        found = [item for item in self.here(caller).values() if self.among(item, params)]
        found.sort(key=lambda item: item[self.order or self.arn])
        return page(found, params, self.listed)


class Tags:
    """The operations on tags: a map in one service, a list of pairs in another.

    Parameters
    ----------
    arn, tags, keys
        the parameters' names
    write
        puts tags into the form of an answer
    """

    def __init__(self, arn: str, tags: str, keys: str, write: Callable[[dict[str, str]], Any]) -> None:
        self._arn, self._member, self._keys, self._write = arn, tags, keys, write

    def plays(self) -> dict[str, Play]:
        """Give the operations by name."""
        return {"TagResource": self._tag, "UntagResource": self._untag, "ListTagsForResource": self._list}

    def _tag(self, _cloud: Cloud, caller: Caller, params: dict[str, Any]) -> dict[str, Any]:
        put_tags(caller, params[self._arn], {**self._of(caller, params), **read_tags(params[self._member])})
        return {}

    def _untag(self, _cloud: Cloud, caller: Caller, params: dict[str, Any]) -> dict[str, Any]:
        tags = self._of(caller, params)
        caller.account.tags[params[self._arn]] = {
            k: v for k, v in tags.items() if k not in params[self._keys]
        }
        return {}

    def _list(self, _cloud: Cloud, caller: Caller, params: dict[str, Any]) -> dict[str, Any]:
        return {self._member: self._write(self._of(caller, params))}

    def _of(self, caller: Caller, params: dict[str, Any]) -> dict[str, str]:
        arn, account = params[self._arn], caller.account
        if arn not in account.tags or not is_here(caller, arn):
            raise not_found("RESOURCE", arn)
        return account.tags[arn]


def put_tags(caller: Caller, arn: str, tags: dict[str, str]) -> None:
    """Give something its tags; a contact has some in the first Region of the replication set alone.

    CHOICE: what it gets elsewhere is not documented.
    """
    regions = (caller.account.replication_set or {}).get("regionMap", {caller.region: {}})
    if tags and ":contact/" in arn and caller.region != (first := next(iter(regions))):
        raise invalid(f"Contacts can be tagged in {first}, the first Region of the replication set, alone")
    if len(tags) > _TAGS_ALLOWED:
        raise over_quota(f"A resource has at most {_TAGS_ALLOWED} tags")
    caller.account.tags[arn] = tags


def read_tags(tags: Any) -> dict[str, str]:
    """Read tags of either form. The model lets a pair have no key; what that gets no document says."""
    if isinstance(tags, dict):
        return dict(tags)
    if any("Key" not in tag for tag in tags):
        raise invalid("Each tag must have a Key")
    return {tag["Key"]: tag.get("Value", "") for tag in tags}


def write_pairs(tags: dict[str, str]) -> list[dict[str, str]]:
    """Write tags as a list of pairs."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def is_here(caller: Caller, arn: str) -> bool:
    """Tell whether something belongs to the caller's Region, or to none."""
    return arn.split(":")[3:4] in ([], [""], [caller.region])
