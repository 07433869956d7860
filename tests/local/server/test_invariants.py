"""Whatever is called in whatever order, in one cloud with another beside it: what always holds.

In process, with quotas that a short history meets.
"""

from __future__ import annotations

import datetime as dt
from typing import Any
from unittest.mock import patch

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from cdk_incidents.local._server.incident_manager import incidents, timeline

from .model_inputs import NOW, Inputs
from .model_world import BY_THE_RULES, MODELS, Peopled

_MONTH, _ITEMS, _EVENTS = 4, 2, 3
_INCIDENTS, _CONTACTS = "ssm-incidents", "ssm-contacts"
# These are called by rules of their own: the invariants do not speak of a customer's PARENT item, an incident
# that is opened again, or a Region that is no more.
_STEERED = {
    "StartIncident",
    "UpdateIncidentRecord",
    "UpdateRelatedItems",
    "CreateReplicationSet",
    "UpdateReplicationSet",
    "DeleteReplicationSet",
}
_ANY = [
    (service, name)
    for service, model in MODELS.items()
    for name in model.operation_names
    if name not in _STEERED
]
# What people do, and by what they name it.
_TEXTS = {"Sender": "drill", "Subject": "drill", "Content": "drill"}
_ACCEPTED = {"AcceptType": "READ", "AcceptCode": "000000", "AcceptCodeValidation": "IGNORE"}
_ACTIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "StartEngagement": ("ContactId", _TEXTS),
    "StopEngagement": ("EngagementId", {}),
    "AcceptPage": (
        "PageId",
        {"AcceptType": "READ", "AcceptCode": "000000", "AcceptCodeValidation": "IGNORE"},
    ),
    "ActivateContactChannel": ("ContactChannelId", {}),
    "DeactivateContactChannel": ("ContactChannelId", {}),
    "DeleteContactChannel": ("ContactChannelId", {}),
    "DeleteContact": ("ContactId", {}),
}
_DAY = dt.timedelta(days=1)
_SELDOM = 13  # of 20; the tool tries 0 and 1 oftener than others
_GONE = "arn:aws:ssm-contacts:us-east-1:000000000000:contact/gone"
_number = st.integers(0, 3)


class Histories(RuleBasedStateMachine):
    """A cloud in which things happen, and another that was left alone."""

    @initialize()
    def begin(self) -> None:
        self.world, self.beside = Peopled(), Peopled()
        self.world.call(
            "UpdateResponsePlan", arn=self.world.known("arn"), incidentTemplateDedupeString="same"
        )
        self.left_alone = repr(self.beside)
        self.account = self.world.account
        self.told = len(self.world.cloud.pages)
        self.deleted: set[str] = set()
        self.tokens: dict[str, tuple[dict[str, Any], str]] = {}
        self._look()

    def _look(self) -> None:
        """Remember what was so before the next step."""
        self.records = set(self.account.records)
        self.over = {arn for arn, record in self.account.records.items() if not record.is_open}
        self.stopped = {e["EngagementArn"] for e in self._all_engagements() if "StopTime" in e}
        self.reaching = {
            arn
            for arn, channel in self.account.channels.items()
            if channel["ActivationStatus"] == "ACTIVATED"
        }

    def _all_engagements(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.world.call("ListEngagements", MaxResults=1000)["Engagements"]
        return found

    def _call(self, service: str, operation: str, **params: Any) -> dict[str, Any]:
        """Call an operation; one that is refused changes nothing."""
        before = repr(self.world)
        answer: dict[str, Any] = self.world.send(service, operation, params)
        assert "Error" not in answer or repr(self.world) == before, f"{operation} {params} changed something"
        self.deleted |= self.records - set(self.account.records)
        return answer

    def _one(self, known: Any, number: int) -> str:
        """Give the ARN of something that is there, or now and then of what is not."""
        arns = [*known, _GONE]
        return str(arns[number % len(arns)])

    # What happens

    @rule(
        number=_number,
        token=st.sampled_from(["", "", "one", "two"]),
        title=st.sampled_from(["Failing", "Failing again"]),
    )
    def start(self, number: int, token: str, title: str) -> None:
        """Start an incident: a token gives one, and a start that is merged changes nothing."""
        params = {"responsePlanArn": self._one(self.account.plans, number), "title": title}
        before, given = repr(self.world), {"clientToken": token} if token else {}
        answer = self._call(_INCIDENTS, "StartIncident", **params, **given)
        outcome, arn = self.world.cloud.audit[-1]["outcome"], answer.get("incidentRecordArn", "")
        if outcome == "merged" and not token:
            assert repr(self.world) == before
        if outcome == "started":
            plan = params["responsePlanArn"].replace(":response-plan/", ":incident-record/")
            assert arn.rpartition("/")[0] == plan
        asked, earlier = self.tokens.get(token, ({}, ""))
        if earlier in self.account.records:
            assert (arn == earlier) if asked == params else answer["Error"]["Code"] == "ConflictException"
        elif token and arn:
            self.tokens[token] = (params, arn)

    @rule(number=_number)
    def resolve(self, number: int) -> None:
        arn = self._one(self.account.records, number)
        self._call(_INCIDENTS, "UpdateIncidentRecord", arn=arn, status="RESOLVED")

    @rule(number=_number)
    def delete(self, number: int) -> None:
        arn = self._one(self.over or self.account.records, number)
        self._call(_INCIDENTS, "DeleteIncidentRecord", arn=arn)

    @rule(number=_number, url=st.sampled_from(["a", "b", "c"]), add=st.booleans())
    def relate(self, number: int, url: str, add: bool) -> None:  # noqa: FBT001
        identifier = {"type": "OTHER", "value": {"url": url}}
        update = {"itemToAdd": {"identifier": identifier}} if add else {"itemToRemove": identifier}
        named = {"incidentRecordArn": self._one(self.account.records, number)}
        self._call(_INCIDENTS, "UpdateRelatedItems", **named, relatedItemsUpdate=update)

    @rule(number=_number, token=st.sampled_from(["", "one"]))
    def note(self, number: int, token: str) -> None:
        named = {"incidentRecordArn": self._one(self.account.records, number), "eventTime": NOW}
        given = {"clientToken": token} if token else {}
        noted = {**named, "eventType": "Note", "eventData": '"note"'}
        self._call(_INCIDENTS, "CreateTimelineEvent", **noted, **given)

    @rule(number=_number, dedupe=st.sampled_from(["", "same", "other"]))
    def merge_by(self, number: int, dedupe: str) -> None:
        arn = self._one(self.account.plans, number)
        self._call(_INCIDENTS, "UpdateResponsePlan", arn=arn, incidentTemplateDedupeString=dedupe)

    @rule(minutes=st.sampled_from([1, 5, 20]))
    def time_passes(self, minutes: int) -> None:
        self.world.cloud.clock.advance(dt.timedelta(minutes=minutes))

    @rule(asked=st.lists(st.sampled_from(_ANY), min_size=1, max_size=4), number=_number, variant=_number)
    def call_anything(self, asked: list[tuple[str, str]], number: int, variant: int) -> None:
        for service, operation in asked:
            self._call_any(service, operation, number, variant)

    def _call_any(self, service: str, operation: str, number: int, variant: int) -> None:
        kinds = {
            "ContactChannelId": self.account.channels,
            "ContactId": self.account.contacts,
            "EngagementId": self.account.engagements.engagements,
            "PageId": self.account.engagements.pages,
            "RotationId": self.account.rotations,
            "arn": self.account.records if "Record" in operation else self.account.plans,
            "incidentRecordArn": self.account.records,
            "resourceArn": self.account.plans,
            "responsePlanArn": self.account.plans,
        }

        def known(member: str) -> Any:
            if member in kinds:
                return self._one(kinds[member], number)
            return f"alias-{number}" if member in ("Alias", "name") else self.world.known(member)

        inputs = Inputs(MODELS[service].operation_model(operation).input_shape, known)
        least = {**inputs.minimal(), **BY_THE_RULES.get(operation, {})}
        valid = [least, *inputs.full()]
        self._call(service, operation, **valid[variant % len(valid)])

    @rule(number=_number, action=st.sampled_from(list(_ACTIONS)))
    def somebody_acts(self, number: int, action: str) -> None:
        kinds = {
            "ContactId": self.account.contacts,
            "ContactChannelId": self.account.channels,
            "EngagementId": self.account.engagements.engagements,
            "PageId": self.account.engagements.pages,
        }
        key, params = _ACTIONS[action]
        arn = self._one(kinds[key], number)
        codes = {"ActivationCode": self.account.codes.get(arn, "000000")} if action.startswith("Act") else {}
        self._call(_CONTACTS, action, **{key: arn}, **params, **codes)

    @rule(chance=st.integers(0, 19))
    def begin_anew(self, chance: int) -> None:
        """All goes with the replication set."""
        if chance != _SELDOM:
            return
        own = self.account.replication_set or {}
        self._call(_INCIDENTS, "UpdateDeletionProtection", arn=own["arn"], deletionProtected=False)
        self._call(_INCIDENTS, "DeleteReplicationSet", arn=own["arn"])
        for name in ("records", "plans", "contacts", "channels", "rotations"):
            assert not getattr(self.account, name), name
        assert "arn" in self._call(_INCIDENTS, "CreateReplicationSet", regions={"us-east-1": {}})
        self.world.cloud.clock.advance(31 * _DAY)  # another month, for plans of the same name
        self.world.people()
        self.told = len(self.world.cloud.pages)

    def teardown(self) -> None:
        """Let an hour pass, so that whatever would page somebody does."""
        if hasattr(self, "world"):
            self.world.cloud.clock.advance(dt.timedelta(hours=1))
            self.nobody_is_paged_for_nothing()

    # What always holds

    @invariant()
    def what_is_there_is_listed_and_nothing_else(self) -> None:
        """In every list, and one by one."""
        listed = self.world.call("ListIncidentRecords", maxResults=100)["incidentRecordSummaries"]
        assert sorted(record["arn"] for record in listed) == sorted(self.account.records)
        for arn in self.account.records:
            assert self.world.call("GetIncidentRecord", arn=arn)["incidentRecord"]["arn"] == arn
        for arn in self.deleted:
            gone = self.world.send(_INCIDENTS, "GetIncidentRecord", {"arn": arn})
            assert gone["Error"]["Code"] == "ResourceNotFoundException"

    @invariant()
    def counts_add_up(self) -> None:
        """Of starts, related items and events; and one open record at most for each dedupe string."""
        started = [entry for entry in self.world.cloud.audit if entry["outcome"] == "started"]
        assert len(self.account.records) + len(self.deleted) == len(started)
        for arn in self.account.records:
            items = self.world.call("ListRelatedItems", incidentRecordArn=arn)["relatedItems"]
            assert [item["identifier"]["type"] for item in items].count("PARENT") == 1
            assert len(items) <= _ITEMS
            events = self.world.call("ListTimelineEvents", incidentRecordArn=arn)["eventSummaries"]
            assert len(events) <= _EVENTS
            assert {event["incidentRecordArn"] for event in events} == {arn}
        open_ones = [r.data["dedupeString"] for r in self.account.records.values() if r.is_open]
        assert len(open_ones) == len(set(open_ones))

    @invariant()
    def nobody_is_paged_for_nothing(self) -> None:
        """Not for what is over, not by what reaches nobody, not who is not engaged; and in order of time."""
        for page in self.world.cloud.pages[self.told :]:
            assert page["incident_record_arn"] not in self.over | self.deleted
            assert page["engagement_arn"] not in self.stopped
            named = {"PageId": page["page_arn"]}
            receipts = self.world.call("ListPageReceipts", **named)["Receipts"]
            assert {r["ContactChannelArn"] for r in receipts if r["ReceiptType"] == "SENT"} <= self.reaching
            way = self.world.call("ListPageResolutions", **named)["PageResolutions"]
            engaged = self.world.call("DescribeEngagement", EngagementId=page["engagement_arn"])
            assert (way[0]["ContactArn"], way[-1]["ContactArn"]) == (
                engaged["ContactArn"],
                page["contact_arn"],
            )
        times = [page["sent_at"] for page in self.world.cloud.pages]
        assert times == sorted(times)
        self.told = len(times)
        self._look()

    @invariant()
    def the_cloud_beside_is_left_alone(self) -> None:
        """Whatever happens in the other."""
        assert repr(self.beside) == self.left_alone


def test_whatever_happens() -> None:
    """Records, counts, merges, tokens, pages and refusals keep to their rules."""
    profile = settings(
        max_examples=40, stateful_step_count=40, deadline=None, derandomize=True, database=None
    )
    with (
        patch.multiple(incidents, INCIDENTS_A_MONTH=_MONTH, RELATED_ITEMS=_ITEMS),
        patch.object(timeline, "EVENTS", _EVENTS),
    ):
        run_state_machine_as_test(Histories, settings=profile)
