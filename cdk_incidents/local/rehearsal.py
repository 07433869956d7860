"""The rehearsal: the whole pipeline of an app deployed to a loopback AWS, exercised, and taken down again."""

from __future__ import annotations

import contextlib
import functools
import time
from typing import TYPE_CHECKING, Any

from .alarms import Alarms, WiredAlarm
from .errors import DeployError, IncidentTimeoutError, LocalCloudError, SynthError
from .leftovers import inventory
from .records import incident_records, wait_for_record
from .report import (
    OUTPUT_DESCRIPTION,
    AlarmResult,
    Page,
    Report,
    StackResult,
    pages_on_purpose,
    read_failed_smoke_test,
    read_smoke_test,
)
from .routed import Routed
from .stand_ins import create_stand_ins, find_imports

if TYPE_CHECKING:
    from collections.abc import Callable

    from .cloud import LocalCloud
    from .deployment import Assembly
    from .progress import Progress

OPEN_S = 30.0
RESOLVE_S = 30.0
SETTLE_S = 5.0
_LOOK_S = 0.3
# What an alarm's signal becomes.
INCIDENT, OPS_ITEM, MESSAGE = "incident", "OpsItem", "message to the topic"
_WORDS = {1: "critical", 2: "high", 3: "medium", 4: "low", 5: "no impact"}


class Rehearsal:
    """One rehearsal of one app.

    Parameters
    ----------
    cloud
        the loopback AWS, not yet started
    app
        the command that runs it; `cdk.json`'s if not given
    progress
        where it is shown
    keep
        called with the running cloud before anything is taken down
    """

    def __init__(
        self,
        cloud: LocalCloud,
        app: str | None,
        progress: Progress,
        *,
        keep: Callable[[LocalCloud], None] | None = None,
    ) -> None:
        self._cloud = cloud
        self._app = app
        self._progress = progress
        self._keep = keep
        self.report: Report = Report()

    def run(self) -> Report:
        """Rehearse; what goes wrong is in the report."""
        # The extra that brings it is there, or there would be no cloud.
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

        begun = time.monotonic()
        try:
            with self._progress.step("loopback"):
                self._cloud.start()
            with self._cloud:
                self._progress.done("loopback", f"AWS at {self._cloud.endpoint_url}, {_seconds(begun)}")
                self._all()
        except SynthError as error:
            self._fail("synthesise", str(error))
        except (LocalCloudError, BotoCoreError, ClientError) as error:
            self._fail("rehearsal", str(error))
        return self.report

    def _all(self) -> None:
        begun = time.monotonic()
        with self._progress.step("synthesise"):
            assembly = self._cloud.cdk.synthesise(self._app, on_line=self._progress.detail)
            self._cloud.cdk.prepare(assembly)
        count = len(assembly.stacks)
        self._progress.done(
            "synthesise",
            f"{count} {'stack' if count == 1 else 'stacks'}, {_seconds(begun)}",
        )
        # Where the app brings the replication set, nothing that it could import is there yet.
        imported = [] if assembly.owns_replication_set else find_imports(assembly.stacks)
        if imported:
            create_stand_ins(self._cloud.client, imported)
            names = ", ".join(known.name for known in imported)
            self._progress.done("imports", f"stand-ins for {names}, which the app does not create")
        before = inventory(self._cloud.client, assembly.regions)
        if self._deploy(assembly):
            if activated := self._cloud.activate_channels():
                owners = dict.fromkeys(channel.partition(" ")[0] for channel in activated)
                told = f"{len(activated)} activated as their owners would: {', '.join(owners)}"
                self._progress.done("channels", told)
            self._exercise(assembly)
        if self._keep is not None:
            self._keep(self._cloud)
        self._take_down(assembly, before)

    # -- deploying and the smoke test --------------------------------------------------------------------

    def _deploy(self, assembly: Assembly) -> bool:
        try:
            with self._progress.step("deploy"):
                deployed = self._cloud.cdk.deploy(assembly, on_line=self._progress.detail)
        except DeployError as error:
            self._fail("deploy", str(error))
            verdicts = [read_failed_smoke_test(error.stack, reason) for reason in error.reasons]
            self.report.smoke_tests += [verdict for verdict in verdicts if verdict]
            return False
        for done in deployed:
            self.report.stacks.append(StackResult(done.name, done.resources, round(done.deploy_s, 1)))
            self._progress.done("deploy", f"{done.name}, {done.resources} resources, {done.deploy_s:.1f} s")
        for stack in assembly.stacks:
            described = self._cloud.cdk.stacks(stack.region).describe(stack.name) or {}
            for output in described.get("Outputs", []):
                if output.get("Description") == OUTPUT_DESCRIPTION:
                    self._smoke_test(stack.name, output["OutputValue"])
        return True

    def _smoke_test(self, stack: str, output: str) -> None:
        result = read_smoke_test(stack, output)
        self.report.smoke_tests.append(result)
        if result.status == "failed" or (result.pages and not pages_on_purpose(output)):
            self._fail("smoke test", f"{stack}: {output}")
        else:
            self._progress.done("smoke test", f"{stack}: {output}")

    # -- alarms ------------------------------------------------------------------------------------------

    def _exercise(self, assembly: Assembly) -> None:
        alarms, routed = Alarms(self._cloud.client), Routed(self._cloud.client)
        wired: list[WiredAlarm] = []
        for stack in assembly.stacks:
            resources = self._cloud.cdk.stacks(stack.region).resources(stack.name)
            wired += alarms.wired(stack, resources)
            alarms.unmute(stack.region, resources)
        if not wired and not self.report.smoke_tests:
            self._start_by_hand(assembly)
            return
        opened = [(alarm, record) for alarm in wired for record in self._fire(alarms, routed, alarm)]
        self._play_out({record["arn"]: alarm.name for alarm, (record, _) in opened})
        for alarm in wired:
            alarms.recover(alarm)
            self._cloud.clock.advance(seconds=alarms.wait_s(alarm))
        for alarm, (record, opened_ms) in opened:
            self._recovered(routed, alarm, record, opened_ms)

    def _start_by_hand(self, assembly: Assembly) -> None:
        """Start an incident of each plan of an app that leaves its alarms to others."""
        plans = [
            (self._cloud.client("ssm-incidents", stack.region), resource["PhysicalResourceId"])
            for stack in assembly.stacks
            for resource in self._cloud.cdk.stacks(stack.region).resources(stack.name)
            if resource["ResourceType"] == "AWS::SSMIncidents::ResponsePlan"
        ]
        if not plans:
            self._fail(
                "alarms",
                "nothing to rehearse: no response plan, no alarm wired to one or to a route, no smoke test",
            )
        opened: list[tuple[Any, str, dict[str, Any]]] = []
        for client, plan in plans:
            name = f"{plan.rpartition('/')[2]} (by hand)"
            arn = client.start_incident(responsePlanArn=plan)["incidentRecordArn"]
            record = client.get_incident_record(arn=arn)["incidentRecord"]
            opened.append((client, name, record))
            self._progress.done("plan", f"{name} → {record['title']!r}, {_impact_of(record)}")
        self._play_out({record["arn"]: name for _, name, record in opened})
        for client, name, record in opened:
            client.update_incident_record(arn=record["arn"], status="RESOLVED")
            self._report_incident(name, record, 0, resolved=False)

    def _fire(self, alarms: Alarms, routed: Routed, alarm: WiredAlarm) -> list[tuple[dict[str, Any], int]]:
        client = self._cloud.client("ssm-incidents", alarm.region)
        there = {record["arn"] for record in incident_records(client)}
        known = routed.entries(alarm)
        asked = len(self._cloud.starts)
        found: list[tuple[dict[str, Any], int]] = []
        with self._progress.step("alarm"):
            self._progress.detail(alarm.name)
            fired, by_itself = alarms.fire(alarm)
            self._cloud.clock.advance(seconds=alarms.wait_s(alarm))
            seen = set() if by_itself else there
            known = {} if by_itself else known
            while len(found) < alarm.actions:
                own = {record["arn"] for record, _ in found}
                on_a_route = functools.partial(_on_a_route, routed, alarm, known, own)
                record = self._opened(client, alarm, seen, asked, on_a_route)
                if record is None:
                    self._fail("alarm", self._why_none(alarm, asked))
                    self.report.alarms.append(AlarmResult(alarm.name))
                    break
                seen.add(record["arn"])
                opened_ms = max(0, round((record["creationTime"].timestamp() - fired) * 1000))
                found.append((record, opened_ms))
        for record, opened_ms in found:
            source = record["incidentRecordSource"]["source"]
            told = f"{record['title']!r}, {_kind_of(record)}, source {source}, after {opened_ms} ms"
            self._progress.done("alarm", f"{alarm.name} → {told}")
        return found

    def _opened(
        self,
        client: Any,
        alarm: WiredAlarm,
        seen: set[str],
        asked: int,
        on_a_route: Callable[[], dict[str, Any] | None],
    ) -> dict[str, Any] | None:
        """Return what an alarm has opened: its own incident or one that it joined, or what stands for one."""
        until = time.monotonic() + OPEN_S
        while time.monotonic() < until:
            with contextlib.suppress(IncidentTimeoutError):
                return wait_for_record(
                    client, resource_arn=alarm.arn, not_in=frozenset(seen), timeout_s=_LOOK_S
                )
            for start in self._cloud.starts[asked:]:
                # The plan's dedupe string may be that of an incident which another alarm has opened.
                if start["outcome"] == "merged":
                    arn = start["incident_record_arn"]
                    record: dict[str, Any] = client.get_incident_record(arn=arn)["incidentRecord"]
                    return record
            if (found := on_a_route()) is not None:
                return found
        return None

    def _why_none(self, alarm: WiredAlarm, asked: int) -> str:
        outcomes = [f"{start['plan']}: {start['outcome']}" for start in self._cloud.starts[asked:]]
        told = "; ".join(outcomes) or "nobody asked the service to start one: look at the alarm's action"
        return f"{alarm.name} opened no incident within {OPEN_S:g} s ({told})"

    def _play_out(self, alarms: dict[str, str]) -> None:
        """Let every engagement come to its end, as if nobody acknowledged, and show the pages."""
        with self._progress.step("pages"):
            self._cloud.clock.play_out()
        minutes: dict[str, list[str]] = {}
        for page in self._cloud.pages:
            if alarm := alarms.get(page["incident_record_arn"]):
                told = f"{alarm} → {page['contact']} by {page['channel']}"
                minutes.setdefault(told, []).append(f"{page['after_s'] / 60:g}")
        for told, after in minutes.items():
            self._progress.done("pages", f"{told} after {', '.join(after)} min")

    def _recovered(self, routed: Routed, alarm: WiredAlarm, record: dict[str, Any], opened_ms: int) -> None:
        what = _what_is(record)
        by_itself = alarm.recovers and _plan_name(record["arn"]) not in alarm.plans and what != MESSAGE
        resolved = False
        if by_itself:
            with self._progress.step("recover"):
                resolved = _wait_until_resolved(routed, alarm, record["arn"])
        if resolved:
            self._progress.done("recover", f"{alarm.name} → its {what} is resolved")
        elif by_itself:
            self._fail("recover", f"{alarm.name} is OK, its {what} was not resolved within {RESOLVE_S:.0f} s")
        elif what != MESSAGE:
            self._progress.done("recover", f"{alarm.name} → its {what} stays open for a person to resolve")
        if not resolved and what == INCIDENT:
            client = self._cloud.client("ssm-incidents", alarm.region)
            client.update_incident_record(arn=record["arn"], status="RESOLVED")
        self._report_incident(alarm.name, record, opened_ms, resolved=resolved)

    def _report_incident(self, name: str, record: dict[str, Any], opened_ms: int, *, resolved: bool) -> None:
        pages = [
            Page(page["contact"], page["channel"], page["after_s"])
            for page in self._cloud.pages
            if page["incident_record_arn"] == record["arn"]
        ]
        self.report.alarms.append(
            AlarmResult(
                name,
                record["arn"],
                record["title"],
                record["impact"],
                opened_ms,
                resolved=resolved,
                pages=pages,
            )
        )

    # -- taking down -------------------------------------------------------------------------------------

    def _take_down(self, assembly: Assembly, before: set[tuple[str, str]]) -> None:
        kept = _retained(self._cloud, assembly)
        begun = time.monotonic()
        try:
            with self._progress.step("destroy"):
                self._cloud.cdk.destroy(assembly, on_line=self._progress.detail)
            self._progress.done("destroy", f"{', '.join(s.name for s in assembly.stacks)}, {_seconds(begun)}")
        except DeployError as error:
            self._fail("destroy", str(error))
        left = _settled(self._cloud, assembly, before, kept)
        self.report.leftovers += left
        self.report.retained += [
            f"stack {name} (bootstrap)" for kind, name in sorted(before) if kind == "stack"
        ]
        self.report.retained += sorted(kept)
        resolved = len(incident_records(self._cloud.client("ssm-incidents")))
        self.report.retained += [f"{resolved} resolved incident records"] if resolved else []
        if left:
            self._progress.failed("left behind", "\n".join(left))
        else:
            self._progress.done("left behind", f"nothing; kept by design: {', '.join(self.report.retained)}")

    def _fail(self, label: str, message: str) -> None:
        self.report.failures.append(message)
        self._progress.failed(label, message)


def _seconds(begun: float) -> str:
    return f"{time.monotonic() - begun:.1f} s"


def _impact_of(record: dict[str, Any]) -> str:
    return f"impact {record['impact']} ({_WORDS.get(record['impact'], '?')})"


def _kind_of(record: dict[str, Any]) -> str:
    what = _what_is(record)
    return _impact_of(record) if what == INCIDENT else f"an {what}" if what == OPS_ITEM else f"a {what}"


def _what_is(record: dict[str, Any]) -> str:
    if ":incident-record/" in record["arn"]:
        return INCIDENT
    return OPS_ITEM if ":opsitem/" in record["arn"] else MESSAGE


def _on_a_route(
    routed: Routed, alarm: WiredAlarm, known: dict[str, tuple[str, str]], own: set[str]
) -> dict[str, Any] | None:
    record = routed.news(alarm, known)
    return None if record is None or record in own else routed.read(record, alarm)


def _plan_name(record_arn: str) -> str:
    return record_arn.rpartition(":incident-record/")[2].partition("/")[0]


def _wait_until_resolved(routed: Routed, alarm: WiredAlarm, arn: str) -> bool:
    until = time.monotonic() + RESOLVE_S
    while time.monotonic() < until:
        if routed.read(arn, alarm)["status"] == "RESOLVED":
            return True
        time.sleep(0.05)
    return False


def _retained(cloud: LocalCloud, assembly: Assembly) -> set[str]:
    """Return the names of what outlives its stack because the app says so."""
    return {
        resource["PhysicalResourceId"]
        for stack in assembly.stacks
        if cloud.cdk.stacks(stack.region).describe(stack.name) is not None
        for resource in cloud.cdk.stacks(stack.region).resources(stack.name)
        if resource["LogicalResourceId"] in stack.retained
    }


def _settled(
    cloud: LocalCloud, assembly: Assembly, before: set[tuple[str, str]], kept: set[str]
) -> list[str]:
    """Return what is there and was not before; what is on its way out gets a moment."""
    until = time.monotonic() + SETTLE_S
    while True:
        left = [
            f"{kind} {name}"
            for kind, name in sorted(inventory(cloud.client, assembly.regions) - before)
            if name not in kept
        ]
        if not left or time.monotonic() > until:
            return left
        time.sleep(0.25)
