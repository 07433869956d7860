"""Removes what a run made, found by its prefix: whatever happened, nothing else goes and nothing stays."""

from __future__ import annotations

import datetime as dt
import time
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Thing = tuple[str, Callable[[], object]]

_ROUNDS, _PAUSE_S = 6, 5.0
# An OpsItem may come a little after its incident.
_YOUNG_S = 60.0
_DAY = dt.timedelta(days=1)


class Sweep:
    """What begins with a prefix in some Regions of an account.

    Parameters
    ----------
    client
        gives a client for a service and a Region
    regions
        where to look
    prefix
        of a run, or of all runs
    patient
        whether what was made a moment ago may not be listed yet, such as an incident's OpsItem
    sleep
        waits for what the service does not show at once
    """

    def __init__(
        self,
        client: Callable[[str, str], Any],
        regions: list[str],
        prefix: str,
        *,
        patient: bool,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client, self._regions, self._prefix, self._sleep = client, regions, prefix, sleep
        self._patient = patient

    def run(self) -> tuple[int, dict[str, str]]:
        """Remove everything, and give how much that was and what is left: ARNs, with the reason."""
        removed: set[str] = set()
        left: dict[str, str] = {}
        nothing_yet = not self._patient
        for attempt in range(_ROUNDS):
            things, left = self._all()
            for name, remove in things:
                if problem := _attempt(remove):
                    left[name] = problem
                else:
                    removed.add(name)
            if not things and not left:
                # What was made a moment ago may not be listed yet.
                if nothing_yet:
                    break
                nothing_yet = True
            # What was removed may be listed for a moment more; and what was refused may only be young.
            if attempt or not things:
                self._sleep(_PAUSE_S)
        things, unseen = self._all()
        return len(removed), {**unseen, **{name: left.get(name, "is still listed") for name, _ in things}}

    def _all(self) -> tuple[list[Thing], dict[str, str]]:
        """Give each thing with what removes it, the users before the used; and what cannot be listed."""
        things: list[Thing] = []
        unseen: dict[str, str] = {}
        first = self._regions[0]
        # Incidents, plans and roles are the account's, in all of its Regions.
        steps = [
            *((self._engagements, region) for region in self._regions),
            (self._incidents, first),
            (self._plans, first),
            *((step, region) for region in self._regions for step in self._regional),
            (self._roles, first),
        ]
        for step, region in steps:
            # What cannot be listed must not keep the rest from being removed.
            listing = f"{step.__name__.strip('_').replace('_', ' ')} in {region}"
            if problem := _attempt(partial(_take, things, step, region)):
                unseen[listing] = problem
        return things, unseen

    @property
    def _regional(self) -> list[Callable[[str], Iterator[Thing]]]:
        return [self._ops_items, self._contacts, self._topics, self._queues]

    def _engagements(self, region: str) -> Iterator[Thing]:
        contacts = self._client("ssm-contacts", region)
        # None lasts longer: ten stages of half an hour.
        since = {"StartTime": dt.datetime.now(dt.timezone.utc) - _DAY}
        for found in _listed(contacts, "list_engagements", "Engagements", TimeRangeValue=since):
            arn = found["EngagementArn"]
            if f"contact/{self._prefix}" in found["ContactArn"] and "StopTime" not in found:
                yield arn, partial(contacts.stop_engagement, EngagementId=arn)

    def _incidents(self, region: str) -> Iterator[Thing]:
        incidents = self._client("ssm-incidents", region)
        for found in _listed(incidents, "list_incident_records", "incidentRecordSummaries"):
            if f":incident-record/{self._prefix}" in found["arn"]:
                yield found["arn"], partial(self._remove_incident, incidents, found)

    def _remove_incident(self, incidents: Any, found: dict[str, Any]) -> None:
        arn = found["arn"]
        if found["status"] == "OPEN":
            incidents.update_incident_record(arn=arn, status="RESOLVED")
        # The OpsItem first: with the record goes what leads to it.
        for item in self._parents(incidents, found):
            region, number = item.split(":")[3], item.rpartition("/")[2]
            with suppress(self._client("ssm", region).exceptions.OpsItemNotFoundException):
                self._client("ssm", region).delete_ops_item(OpsItemId=number)
        incidents.delete_incident_record(arn=arn)

    def _parents(self, incidents: Any, found: dict[str, Any]) -> list[str]:
        while True:
            items = _listed(incidents, "list_related_items", "relatedItems", incidentRecordArn=found["arn"])
            parents = [i["identifier"] for i in items if i["identifier"]["type"] == "PARENT"]
            if parents or not self._patient or time.time() - found["creationTime"].timestamp() > _YOUNG_S:
                return [identifier["value"]["arn"] for identifier in parents]
            self._sleep(1)

    def _plans(self, region: str) -> Iterator[Thing]:
        incidents = self._client("ssm-incidents", region)
        for found in _listed(incidents, "list_response_plans", "responsePlanSummaries"):
            arn = found["arn"]
            if found["name"].startswith(self._prefix):
                yield arn, partial(incidents.delete_response_plan, arn=arn)

    def _ops_items(self, region: str) -> Iterator[Thing]:
        ssm = self._client("ssm", region)
        by_title = {"Key": "Title", "Operator": "Contains", "Values": [f"({self._prefix}"]}
        for found in _listed(ssm, "describe_ops_items", "OpsItemSummaries", OpsItemFilters=[by_title]):
            number = found["OpsItemId"]
            yield f"{region} {number}", partial(ssm.delete_ops_item, OpsItemId=number)

    def _contacts(self, region: str) -> Iterator[Thing]:
        contacts = self._client("ssm-contacts", region)
        found = list(_listed(contacts, "list_contacts", "Contacts", AliasPrefix=self._prefix))
        # Whoever names others goes first: escalation plans, schedules, then their rotations, then people.
        for kind in ("ESCALATION", "ONCALL_SCHEDULE"):
            for arn in (c["ContactArn"] for c in found if c["Type"] == kind):
                yield arn, partial(contacts.delete_contact, ContactId=arn)
        prefix = self._prefix.replace("-", "_")
        for rotation in _listed(contacts, "list_rotations", "Rotations", RotationNamePrefix=prefix):
            arn = rotation["RotationArn"]
            yield arn, partial(contacts.delete_rotation, RotationId=arn)
        for person in (c["ContactArn"] for c in found if c["Type"] == "PERSONAL"):
            for channel in _listed(contacts, "list_contact_channels", "ContactChannels", ContactId=person):
                arn = channel["ContactChannelArn"]
                yield arn, partial(contacts.delete_contact_channel, ContactChannelId=arn)
            yield person, partial(contacts.delete_contact, ContactId=person)

    def _topics(self, region: str) -> Iterator[Thing]:
        sns = self._client("sns", region)
        for found in _listed(sns, "list_subscriptions", "Subscriptions"):
            arn = found["SubscriptionArn"]
            if f":{self._prefix}" in found["TopicArn"] and arn.startswith("arn:"):
                yield arn, partial(sns.unsubscribe, SubscriptionArn=arn)
        for found in _listed(sns, "list_topics", "Topics"):
            arn = found["TopicArn"]
            if f":{self._prefix}" in arn:
                yield arn, partial(sns.delete_topic, TopicArn=arn)

    def _queues(self, region: str) -> Iterator[Thing]:
        sqs = self._client("sqs", region)
        for page in sqs.get_paginator("list_queues").paginate(QueueNamePrefix=self._prefix):
            for url in page.get("QueueUrls", []):
                yield url, partial(sqs.delete_queue, QueueUrl=url)

    def _roles(self, region: str) -> Iterator[Thing]:
        iam = self._client("iam", region)
        for found in _listed(iam, "list_roles", "Roles"):
            name = found["RoleName"]
            if name.startswith(self._prefix):
                yield found["Arn"], partial(_remove_role, iam, name)


def _attempt(remove: Callable[[], object]) -> str:
    try:
        remove()
    except (BotoCoreError, ClientError) as error:
        return str(error)
    return ""


def _take(things: list[Thing], step: Callable[[str], Iterator[Thing]], region: str) -> None:
    things.extend(step(region))


def _remove_role(iam: Any, name: str) -> None:
    for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
        iam.delete_role_policy(RoleName=name, PolicyName=policy)
    iam.delete_role(RoleName=name)


def _listed(client: Any, operation: str, member: str, **asked: Any) -> Iterator[dict[str, Any]]:
    for page in client.get_paginator(operation).paginate(**asked):
        yield from page[member]
