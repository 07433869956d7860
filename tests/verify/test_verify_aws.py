"""`make verify-aws`, run against a loopback AWS as if it were an account."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
import time
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from cdk_incidents.local import Assumptions, LocalCloud
from cdk_incidents.local.leftovers import inventory
from tests.behaviour.admission import RefusedError, admit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parents[2]
ACCOUNT, REGION, SECOND = "111122223333", "eu-central-1", "eu-west-1"
PREFIX = "cdk-incidents-verify-"
_READY_S = 30
# Tests that soon make something of each kind.
_ENGAGING = ("-k", "test_engagements")
# All that an account shows, each other than what is taken for granted here.
_OTHERWISE = Assumptions(
    reserved_source="accepted",
    client_token_reuse="first incident",
    forwarded_permission_missing="started",
    resolving_stops_engagements=False,
    resolving_closes_ops_item=True,
    open_record_deletion="deleted",
    outside_replication_set="AccessDeniedException",
)


@pytest.fixture(scope="module")
def cloud() -> Iterator[LocalCloud]:
    """Give a cloud that is taken for an account with two Regions."""
    with LocalCloud(account=ACCOUNT, region=REGION) as cloud:
        incidents = cloud.client("ssm-incidents")
        (arn,) = incidents.list_replication_sets()["replicationSetArns"]
        incidents.update_replication_set(arn=arn, actions=[{"addRegionAction": {"regionName": SECOND}}])
        yield cloud


def _make(*asked: str) -> subprocess.CompletedProcess[str]:
    """Run make, whatever make runs this test."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))
    }
    command = ["make", "--no-print-directory", "-o", "setup", "verify-aws", *asked]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def _command(**variables: str) -> list[str]:
    """Give the command that make runs, at any speed."""
    given = [f"{name}={value}" for name, value in {"ACCOUNT": ACCOUNT, "REGION": REGION, **variables}.items()]
    (line,) = (line for line in _make("--dry-run", *given).stdout.splitlines() if "pytest" in line)
    return [sys.executable, "-m", "pytest", *shlex.split(line)[1:], "--aws-writes-per-second", "0"]


def _start(cloud: LocalCloud, *options: str, **variables: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*_command(**variables), *options],
        cwd=ROOT,
        env={**os.environ, **cloud.exports()},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def _run(cloud: LocalCloud, **variables: str) -> tuple[int, str]:
    with _start(cloud, **variables) as process:
        told, _ = process.communicate(timeout=120)
    return process.returncode, told


def _there(cloud: LocalCloud) -> set[tuple[str, str]]:
    """Give everything that is in the account."""
    found = inventory(cloud.client, [REGION, SECOND])
    for region in (REGION, SECOND):
        for page in cloud.client("ssm", region).get_paginator("describe_ops_items").paginate():
            found |= {("OpsItem", item["OpsItemId"]) for item in page["OpsItemSummaries"]}
    return found | {("record", record["arn"]) for record in cloud.incidents()}


class _Others:
    """What somebody else has in the account: a plan that engages a contact, and an open incident."""

    def __init__(self, cloud: LocalCloud) -> None:
        self._cloud = cloud
        contacts, self._incidents = cloud.client("ssm-contacts"), cloud.client("ssm-incidents")
        address = {"SimpleAddress": "+4915112345678"}
        self._person = contacts.create_contact(Alias="ann", Type="PERSONAL", Plan={"Stages": []})[
            "ContactArn"
        ]
        channel = contacts.create_contact_channel(
            ContactId=self._person, Name="phone", Type="SMS", DeliveryAddress=address
        )["ContactChannelArn"]
        cloud.activate_channels()
        target = {"ChannelTargetInfo": {"ContactChannelId": channel, "RetryIntervalInMinutes": 0}}
        plan = {"Stages": [{"DurationInMinutes": 30, "Targets": [target]}]}
        contacts.update_contact(ContactId=self._person, Plan=plan)
        self._plan = self._incidents.create_response_plan(
            name="checkout", incidentTemplate={"title": "t", "impact": 1}, engagements=[self._person]
        )["arn"]
        self._record = self._incidents.start_incident(responsePlanArn=self._plan)["incidentRecordArn"]

    def state(self) -> list[Any]:
        """Tell how all of it stands."""
        answers = [
            self._incidents.get_response_plan(arn=self._plan),
            self._incidents.get_incident_record(arn=self._record),
            self._incidents.list_timeline_events(incidentRecordArn=self._record),
            self._incidents.list_related_items(incidentRecordArn=self._record),
            self._cloud.client("ssm-contacts").get_contact(ContactId=self._person),
            self._cloud.client("ssm-contacts").list_engagements(IncidentId=self._record),
        ]
        return [{k: v for k, v in answer.items() if k != "ResponseMetadata"} for answer in answers]


@pytest.fixture(scope="module")
def others(cloud: LocalCloud) -> _Others:
    """Give what is there beforehand."""
    return _Others(cloud)


def test_a_run_tells_what_the_account_does_and_leaves_nothing(cloud: LocalCloud, others: _Others) -> None:
    """Nothing fails though nothing is as assumed; nobody is paged, and nothing of others is touched."""
    before, state, paged, started = _there(cloud), others.state(), len(cloud.pages), len(cloud.starts)
    cloud.assume(_OTHERWISE)
    code, told = _run(cloud)
    cloud.assume(Assumptions())
    assert code == 0, told
    assert "what is left: nothing" in told
    assert _there(cloud) == before
    assert others.state() == state
    assert len(cloud.pages) == paged
    plans = {start["plan"].partition("/")[2] for start in cloud.starts[started:]}
    assert len(plans) > 1
    assert all(plan.startswith(PREFIX) for plan in plans)
    # What it says can be pasted is what the account does.
    pasted = re.search(r"Assumptions\(.*?^\)", told, re.DOTALL | re.MULTILINE)
    assert pasted
    assert eval(pasted[0], {"Assumptions": Assumptions}) == _OTHERWISE  # noqa: S307
    assert re.search(r"^\*  reserved_source +'refused' +'accepted'$", told, re.MULTILINE)
    for why in ("needs the moved clock", "would use the 200 incidents of a plan's month"):
        assert re.search(rf"^  {why}: test_\w+", told, re.MULTILINE)


def test_a_run_that_is_stopped_leaves_nothing(cloud: LocalCloud, others: _Others) -> None:
    """SIGTERM ends it in order, as Ctrl-C does."""
    before, state = _there(cloud), others.state()
    with _start(cloud, *_ENGAGING) as process:
        _wait_for_incident(cloud, before)
        process.send_signal(signal.SIGTERM)
        told, _ = process.communicate(timeout=60)
    assert process.returncode == pytest.ExitCode.INTERRUPTED
    assert "what is left: nothing" in told
    assert (_there(cloud), others.state()) == (before, state)


def test_a_run_that_is_interrupted_as_it_tidies_up_tells_what_became_of_it(cloud: LocalCloud) -> None:
    """The second Ctrl-C of somebody in a hurry."""
    before = _there(cloud)
    # Each of its attempts to remove the plans waits.
    cloud.faults.add("DeleteResponsePlan", error="slow", times=1)
    with _start(cloud, "-k", "test_an_incident_begins_open") as process:
        _wait_for_incident(cloud, before)
        until = time.monotonic() + _READY_S
        while cloud.faults.pending:
            assert time.monotonic() < until, "it never tidied up"
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        told, _ = process.communicate(timeout=60)
    assert "Traceback" not in told
    assert "what is left: nothing" in told
    assert process.returncode == pytest.ExitCode.INTERRUPTED


def test_what_a_killed_run_left_is_removed(cloud: LocalCloud, others: _Others) -> None:
    """By its prefix, with CLEAN=1, which runs no test."""
    before, state = _there(cloud), others.state()
    with _start(cloud, *_ENGAGING) as process:
        _wait_for_incident(cloud, before)
        process.kill()
    left = _there(cloud) - before
    assert {kind for kind, _ in left} >= {"record", "OpsItem", "response plan"}
    code, told = _run(cloud, CLEAN="1")
    assert code == 0, told
    assert re.fullmatch(r"verify-aws: \d+ things were removed; what is left: nothing\n", told)
    assert (_there(cloud), others.state()) == (before, state)


def test_a_runs_leftovers_go_by_its_name(cloud: LocalCloud) -> None:
    """Those of another run, which may be under way, stay; and nothing goes by a name that is no run's."""
    incidents, template = cloud.client("ssm-incidents"), {"title": "t", "impact": 1}
    before, names = _there(cloud), [f"{PREFIX}{run}-plan-1" for run in ("0000aaaa", "0000bbbb")]
    for name in names:
        incidents.create_response_plan(name=name, incidentTemplate=template)
    code, told = _run(cloud, CLEAN="checkout")
    assert (code, told.partition(" (got")[0]) == (
        2,
        f"verify-aws: CLEAN must be a run's name, {PREFIX}…, or 1 for all runs",
    )
    assert _run(cloud, CLEAN=f"{PREFIX}0000aaaa")[0] == 0
    ((kind, left),) = _there(cloud) - before
    assert (kind, left.rpartition("/")[2]) == ("response plan", names[1])
    incidents.delete_response_plan(arn=left)


def test_a_profile_that_is_not_there_is_refused(cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch) -> None:
    """In one line, as everything that keeps a run from beginning."""
    monkeypatch.setenv("AWS_PROFILE", "nobodys")
    code, told = _run(cloud)
    assert (code, told) == (2, "verify-aws: The config profile (nobodys) could not be found\n")


def _wait_for_incident(cloud: LocalCloud, before: set[tuple[str, str]]) -> None:
    until, known = time.monotonic() + _READY_S, {name for kind, name in before if kind == "record"}
    while {record["arn"] for record in cloud.incidents()} <= known:
        assert time.monotonic() < until, "no incident was started"
        time.sleep(0.05)


def test_another_account_is_refused_before_anything_is_made(cloud: LocalCloud) -> None:
    """In one line that names both, with an exit code of its own."""
    before = _there(cloud)
    code, told = _run(cloud, ACCOUNT="444455556666")
    assert (code, told.count("\n")) == (2, 1)
    assert told.startswith(f"verify-aws: the credentials are of account {ACCOUNT} (ACCOUNT is 444455556666)")
    assert _there(cloud) == before


def test_the_account_must_be_named() -> None:
    """Without ACCOUNT, make says what is wanted."""
    made = _make()
    assert made.returncode != 0
    assert made.stderr.startswith("make: ACCOUNT must be the id of the account")


@pytest.fixture
def session(cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Give what makes boto3 sessions in some account of the cloud."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", cloud.endpoint_url)

    def make(account: str = ACCOUNT, region: str | None = REGION) -> Any:
        return boto3.Session(aws_access_key_id=account, aws_secret_access_key="test", region_name=region)

    return make


def test_the_regions_of_the_replication_set_come_with_the_one_that_was_named(session: Any) -> None:
    """It is the first; without a name the profile's is."""
    assert admit(session(), ACCOUNT, SECOND) == [SECOND, REGION]
    assert admit(session(), ACCOUNT, "") == [REGION, SECOND]


@pytest.mark.parametrize(
    ("account", "region", "told"),
    [
        ("11112222333", REGION, r"ACCOUNT must be the account's id, 12 digits \(got '11112222333'\)"),
        (ACCOUNT, "us-west-2", f"does not have us-west-2: name REGION={REGION} or {SECOND}"),
        ("444455556666", REGION, "are of account 111122223333"),
    ],
)
def test_a_refusal_names_what_was_received_and_what_to_do(
    session: Any, account: str, region: str, told: str
) -> None:
    """Before anything else is asked."""
    with pytest.raises(RefusedError, match=told):
        admit(session(), account, region)


def test_a_region_is_wanted(session: Any) -> None:
    """From the command line or the profile."""
    with pytest.raises(RefusedError, match="REGION must be named"):
        admit(session(region=None), ACCOUNT, "")


def test_credentials_are_wanted(session: Any) -> None:
    """Some that work."""
    with pytest.raises(RefusedError, match=f"no credentials that work: .*; log in to {ACCOUNT}"):
        admit(session("AKIAIOSFODNN7EXAMPLE"), ACCOUNT, REGION)


def test_an_account_without_a_replication_set_is_refused(cloud: LocalCloud, session: Any) -> None:
    """None is made there, and one that changes is waited for."""
    cloud.set_replication_status("UPDATING")
    with pytest.raises(RefusedError, match="is UPDATING: wait until it is ACTIVE"):
        admit(session(), ACCOUNT, REGION)
    cloud.set_replication_status("ACTIVE")
    other = session("777788889999")
    incidents = other.client("ssm-incidents")
    (arn,) = incidents.list_replication_sets()["replicationSetArns"]
    incidents.delete_replication_set(arn=arn)
    with pytest.raises(RefusedError, match="has no replication set, and none is made"):
        admit(other, "777788889999", REGION)


def test_what_an_account_cannot_show_is_at_its_default() -> None:
    """So that what is printed is the whole of it: the others need a month, a clock or an organisation."""
    hidden = {"incident_quota_error", "client_token_window_s", "alarm_organization"}
    plain = Assumptions()
    same = {f.name for f in fields(plain) if getattr(_OTHERWISE, f.name) == getattr(plain, f.name)}
    assert same == hidden
