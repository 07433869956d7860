"""Removes what a run made, found by its prefix: whatever happened, nothing else goes and nothing stays."""

from __future__ import annotations

import datetime as dt
import time
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

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
        whether the OpsItem of a young incident may still come
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
        self._young_s = _YOUNG_S if patient else 0.0

    def run(self) -> tuple[int, dict[str, str]]:
        """Remove everything, and give how much that was and what is left: ARNs, with the reason."""
        removed: set[str] = set()
        left: dict[str, str] = {}
        for attempt in range(_ROUNDS):
            left = {}
            things = list(self._all())
            if not things:
                return len(removed), {}
            for name, remove in things:
                if problem := _attempt(remove):
                    left[name] = problem
                else:
                    removed.add(name)
            # What was removed may be listed for a moment more; and what was refused may only be young.
            if attempt:
                self._sleep(_PAUSE_S)
        return len(removed), {name: left.get(name, "is still listed") for name, _ in self._all()}

    def _all(self) -> Iterator[Thing]:
        """Give each thing with what removes it, in an order in which nothing is in use any more."""
        for region in self._regions:
            yield from self._engagements(self._client("ssm-contacts", region))
        # Incidents, plans and roles are the account's, in all of its Regions.
        yield from self._incidents(self._regions[0])
        yield from self._plans(self._client("ssm-incidents", self._regions[0]))
        for region in self._regions:
            yield from self._ops_items(self._client("ssm", region), region)
            yield from self._contacts(self._client("ssm-contacts", region))
            yield from self._topics(self._client("sns", region))
            yield from self._queues(self._client("sqs", region))
        yield from self._roles(self._client("iam", self._regions[0]))

    def _engagements(self, contacts: Any) -> Iterator[Thing]:
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
            if parents or time.time() - found["creationTime"].timestamp() > self._young_s:
                return [identifier["value"]["arn"] for identifier in parents]
            self._sleep(1)

    def _plans(self, incidents: Any) -> Iterator[Thing]:
        for found in _listed(incidents, "list_response_plans", "responsePlanSummaries"):
            arn = found["arn"]
            if found["name"].startswith(self._prefix):
                yield arn, partial(incidents.delete_response_plan, arn=arn)

    def _ops_items(self, ssm: Any, region: str) -> Iterator[Thing]:
        by_title = {"Key": "Title", "Operator": "Contains", "Values": [f"({self._prefix}"]}
        for found in _listed(ssm, "describe_ops_items", "OpsItemSummaries", OpsItemFilters=[by_title]):
            number = found["OpsItemId"]
            yield f"{region} {number}", partial(ssm.delete_ops_item, OpsItemId=number)

    def _contacts(self, contacts: Any) -> Iterator[Thing]:
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

    def _topics(self, sns: Any) -> Iterator[Thing]:
        for found in _listed(sns, "list_subscriptions", "Subscriptions"):
            arn = found["SubscriptionArn"]
            if f":{self._prefix}" in found["TopicArn"] and arn.startswith("arn:"):
                yield arn, partial(sns.unsubscribe, SubscriptionArn=arn)
        for found in _listed(sns, "list_topics", "Topics"):
            arn = found["TopicArn"]
            if f":{self._prefix}" in arn:
                yield arn, partial(sns.delete_topic, TopicArn=arn)

    def _queues(self, sqs: Any) -> Iterator[Thing]:
        for page in sqs.get_paginator("list_queues").paginate(QueueNamePrefix=self._prefix):
            for url in page.get("QueueUrls", []):
                yield url, partial(sqs.delete_queue, QueueUrl=url)

    def _roles(self, iam: Any) -> Iterator[Thing]:
        for found in _listed(iam, "list_roles", "Roles"):
            name = found["RoleName"]
            if name.startswith(self._prefix):
                yield found["Arn"], partial(_remove_role, iam, name)


def _attempt(remove: Callable[[], object]) -> str:
    try:
        remove()
    except ClientError as error:
        return str(error)
    return ""


def _remove_role(iam: Any, name: str) -> None:
    for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
        iam.delete_role_policy(RoleName=name, PolicyName=policy)
    iam.delete_role(RoleName=name)


def _listed(client: Any, operation: str, member: str, **asked: Any) -> Iterator[dict[str, Any]]:
    for page in client.get_paginator(operation).paginate(**asked):
        yield from page[member]
