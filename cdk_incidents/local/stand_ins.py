"""Plans and contacts that an app imports: its account has them, the loopback AWS does not: stand-ins do."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from .assembly import AssemblyStack

# An ARN names its Region, if its service has one, its account, and its resource; a pattern is no name.
_KINDS = {
    (
        "AWS::SSMIncidents::ResponsePlan",
        "Name",
    ): r"ssm-incidents:():([0-9]{12}):response-plan/([a-zA-Z0-9_-]+)",
    ("AWS::SSMContacts::Contact", "Alias"): r"ssm-contacts:([a-z0-9-]+):([0-9]{12}):contact/([a-z0-9_-]+)",
}
_ADDRESS = "stand-in@example.com"


@dataclass(frozen=True, order=True)
class Import:
    """What an app names by ARN and does not create.

    Attributes
    ----------
    type
        CloudFormation's type of it
    region
        empty if it is the account's in all Regions
    name
        the plan's name, or the contact's alias
    """

    type: str
    region: str
    name: str


def find_imports(stacks: Iterable[AssemblyStack]) -> list[Import]:
    """Return the plans and contacts that stacks name by ARN and none of them creates.

    Parameters
    ----------
    stacks
        the stacks of an app

    Returns
    -------
    list of Import
        those of the stacks' own accounts only; sorted
    """
    named: set[Import] = set()
    created: set[tuple[str, str]] = set()
    for stack in stacks:
        values = {"AWS::Partition": "aws", "AWS::AccountId": stack.account, "AWS::Region": stack.region}
        texts = list(_texts(stack.template, values))
        resources: list[dict[str, Any]] = list(stack.template.get("Resources", {}).values())
        for (kind, name_in), arn in _KINDS.items():
            found = (match for text in texts for match in re.findall(rf"arn:aws:{arn}(?![\w*?-])", text))
            named |= {
                Import(kind, region, name) for region, account, name in found if account == stack.account
            }
            names = (
                body.get("Properties", {}).get(name_in) for body in resources if body.get("Type") == kind
            )
            created |= {(kind, name) for name in names if isinstance(name, str)}
    return sorted(known for known in named if (known.type, known.name) not in created)


def create_stand_ins(client: Callable[[str, str], Any], imports: Iterable[Import]) -> None:
    """Create a plan that engages nobody for each plan, and somebody with a mailbox for each contact.

    Whether a contact is a person, an escalation plan or a schedule, its ARN does not tell.

    Parameters
    ----------
    client
        gives boto3's client for a service and a Region
    imports
        what is to be there
    """
    for known in imports:
        if known.region:
            contacts = client("ssm-contacts", known.region)
            _create_contact(contacts, known.name)
        else:
            template = {"title": f"Stand-in for {known.name}"[:200], "impact": 3}
            client("ssm-incidents", "").create_response_plan(name=known.name, incidentTemplate=template)


def _create_contact(contacts: Any, alias: str) -> None:
    told = {"Alias": alias, "DisplayName": f"Stand-in for {alias}"[:255], "Type": "PERSONAL"}
    contact = contacts.create_contact(**told, Plan={"Stages": []})["ContactArn"]
    address = {"SimpleAddress": _ADDRESS}
    mail = {"Name": "Mail", "Type": "EMAIL", "DeliveryAddress": address}
    channel = contacts.create_contact_channel(ContactId=contact, **mail)["ContactChannelArn"]
    target = {"ChannelTargetInfo": {"ContactChannelId": channel}}
    stages = [{"DurationInMinutes": 5, "Targets": [target]}]
    contacts.update_contact(ContactId=contact, Plan={"Stages": stages})


def _texts(value: Any, known: Mapping[str, str]) -> Iterator[str]:
    """Yield each text of a template as CloudFormation would join it, what it alone knows left out."""
    match value:
        case str():
            yield value
        case {"Fn::Join": [str(separator), list(parts)]}:
            yield separator.join(_part(part, known) for part in parts)
        case dict():
            for inner in value.values():
                yield from _texts(inner, known)
        case list():
            for inner in value:
                yield from _texts(inner, known)


def _part(value: Any, known: Mapping[str, str]) -> str:
    match value:
        case str():
            return value
        case {"Ref": str(name)}:
            return known.get(name, "?")
        case _:
            return "?"
