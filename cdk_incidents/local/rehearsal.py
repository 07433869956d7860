"""The rehearsal: the whole pipeline of an app deployed to a loopback AWS, exercised, and taken down again."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from .alarms import Alarms, WiredAlarm
from .cloud import LocalCloud
from .errors import DeployError, IncidentTimeoutError, LocalCloudError, SynthError
from .leftovers import inventory
from .records import incident_records, wait_for_record
from .report import (
    OUTPUT_DESCRIPTION,
    AlarmResult,
    Page,
    Report,
    StackResult,
    read_failed_smoke_test,
    read_smoke_test,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from .deployment import Assembly
    from .progress import Progress

OPEN_S = 30.0
RESOLVE_S = 30.0
SETTLE_S = 5.0
_WORDS = {1: "critical", 2: "high", 3: "medium", 4: "low", 5: "no impact"}


class Rehearsal:
    """One rehearsal of one app.

    Parameters
    ----------
    app
        the command that runs it; `cdk.json`'s if not given
    progress
        where it is shown
    keep
        called with the running cloud before anything is taken down
    """

    def __init__(
        self, app: str | None, progress: Progress, *, keep: Callable[[LocalCloud], None] | None = None
    ) -> None:
        self._app = app
        self._progress = progress
        self._keep = keep
        self.report = Report()

    def run(self) -> Report:
        """Rehearse; what goes wrong is in the report."""
        begun = time.monotonic()
        try:
            cloud = LocalCloud()
            # The extra is there, now that it has been asked for.
            from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415
        except LocalCloudError as error:
            self._fail("loopback", str(error))
            return self.report
        try:
            with self._progress.step("loopback"):
                cloud.start()
            with cloud:
                self._progress.done("loopback", f"AWS at {cloud.endpoint_url}, {_seconds(begun)}")
                self._in(cloud)
        except SynthError as error:
            self._fail("synthesise", str(error))
        except (LocalCloudError, BotoCoreError, ClientError) as error:
            self._fail("rehearsal", str(error))
        return self.report

    def _in(self, cloud: LocalCloud) -> None:
        begun = time.monotonic()
        with self._progress.step("synthesise"):
            assembly = cloud.cdk.synthesise(self._app, on_line=self._progress.detail)
            cloud.cdk.bootstrap(assembly)
        count = len(assembly.stacks)
        self._progress.done(
            "synthesise",
            f"{count} {'stack' if count == 1 else 'stacks'}, account bootstrapped, {_seconds(begun)}",
        )
        before = inventory(cloud.client)
        if self._deploy(cloud, assembly):
            self._exercise(cloud, assembly)
        if self._keep is not None:
            self._keep(cloud)
        self._take_down(cloud, assembly, before)

    # -- deploying and the smoke test --------------------------------------------------------------------

    def _deploy(self, cloud: LocalCloud, assembly: Assembly) -> bool:
        try:
            with self._progress.step("deploy"):
                deployed = cloud.cdk.deploy(assembly, on_line=self._progress.detail)
        except DeployError as error:
            self._fail("deploy", str(error))
            verdicts = [read_failed_smoke_test(error.stack, reason) for reason in error.reasons]
            self.report.smoke_tests += [verdict for verdict in verdicts if verdict]
            return False
        for done in deployed:
            self.report.stacks.append(StackResult(done.name, done.resources, round(done.deploy_s, 1)))
            self._progress.done("deploy", f"{done.name}, {done.resources} resources, {done.deploy_s:.1f} s")
        for stack in assembly.stacks:
            described = cloud.cdk.stacks(stack.region).describe(stack.name) or {}
            for output in described.get("Outputs", []):
                if output.get("Description") == OUTPUT_DESCRIPTION:
                    self._smoke_test(stack.name, output["OutputValue"])
        return True

    def _smoke_test(self, stack: str, output: str) -> None:
        result = read_smoke_test(stack, output)
        self.report.smoke_tests.append(result)
        if result.status == "failed" or result.pages:
            self._fail("smoke test", f"{stack}: {output}")
        else:
            self._progress.done("smoke test", f"{stack}: {output}")

    # -- alarms ------------------------------------------------------------------------------------------

    def _exercise(self, cloud: LocalCloud, assembly: Assembly) -> None:
        alarms = Alarms(cloud.client)
        wired = [
            alarm
            for stack in assembly.stacks
            for alarm in alarms.wired(stack, cloud.cdk.stacks(stack.region).resources(stack.name))
        ]
        if not wired and not self.report.smoke_tests:
            self._fail(
                "alarms",
                "nothing to rehearse: no alarm is wired to a response plan or a route, no smoke test",
            )
        opened = [(alarm, record) for alarm in wired for record in self._fire(cloud, alarms, alarm)]
        for alarm in wired:
            alarms.recover(alarm)
        for alarm, (record, opened_ms) in opened:
            self._recovered(cloud, alarm, record, opened_ms)

    def _fire(self, cloud: LocalCloud, alarms: Alarms, alarm: WiredAlarm) -> list[tuple[dict[str, Any], int]]:
        client = cloud.client("ssm-incidents", alarm.region)
        there = {record["arn"] for record in incident_records(client)}
        found: list[tuple[dict[str, Any], int]] = []
        with self._progress.step("alarm"):
            self._progress.detail(alarm.name)
            fired, by_itself = alarms.fire(alarm)
            seen = set() if by_itself else there
            for _ in range(alarm.actions):
                try:
                    record = wait_for_record(
                        client, resource_arn=alarm.arn, not_in=frozenset(seen), timeout_s=OPEN_S
                    )
                except IncidentTimeoutError as error:
                    self._fail("alarm", f"{alarm.name} opened no incident: {error}")
                    self.report.alarms.append(AlarmResult(alarm.name))
                    break
                seen.add(record["arn"])
                opened_ms = max(0, round((record["creationTime"].timestamp() - fired) * 1000))
                found.append((record, opened_ms))
        for record, opened_ms in found:
            impact = f"impact {record['impact']} ({_WORDS.get(record['impact'], '?')})"
            source = record["incidentRecordSource"]["source"]
            self._progress.done(
                "alarm",
                f"{alarm.name} → {record['title']!r}, {impact}, source {source}, after {opened_ms} ms",
            )
        return found

    def _recovered(
        self, cloud: LocalCloud, alarm: WiredAlarm, record: dict[str, Any], opened_ms: int
    ) -> None:
        client = cloud.client("ssm-incidents", alarm.region)
        by_itself = alarm.recovers and _plan_name(record["arn"]) not in alarm.plans
        resolved = False
        if by_itself:
            with self._progress.step("recover"):
                resolved = _wait_until_resolved(client, record["arn"])
        if resolved:
            self._progress.done("recover", f"{alarm.name} → its incident is resolved")
        elif by_itself:
            self._fail(
                "recover", f"{alarm.name} is OK, its incident was not resolved within {RESOLVE_S:.0f} s"
            )
        else:
            self._progress.done("recover", f"{alarm.name} → its incident stays open for a person to resolve")
        if not resolved:
            client.update_incident_record(arn=record["arn"], status="RESOLVED")
        pages = [
            Page(page["contact"], page["channel"], page["after_s"])
            for page in cloud.pages
            if page["incident_record_arn"] == record["arn"]
        ]
        self.report.alarms.append(
            AlarmResult(
                alarm.name,
                record["arn"],
                record["title"],
                record["impact"],
                opened_ms,
                resolved=resolved,
                pages=pages,
            )
        )

    # -- taking down -------------------------------------------------------------------------------------

    def _take_down(self, cloud: LocalCloud, assembly: Assembly, before: set[tuple[str, str]]) -> None:
        kept = _retained(cloud, assembly)
        begun = time.monotonic()
        try:
            with self._progress.step("destroy"):
                cloud.cdk.destroy(assembly, on_line=self._progress.detail)
            self._progress.done("destroy", f"{', '.join(s.name for s in assembly.stacks)}, {_seconds(begun)}")
        except DeployError as error:
            self._fail("destroy", str(error))
        left = _settled(cloud, before, kept)
        self.report.leftovers += left
        self.report.retained += [
            f"stack {name} (bootstrap)" for kind, name in sorted(before) if kind == "stack"
        ]
        self.report.retained += sorted(kept)
        resolved = len(incident_records(cloud.client("ssm-incidents")))
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


def _plan_name(record_arn: str) -> str:
    return record_arn.rpartition(":incident-record/")[2].partition("/")[0]


def _wait_until_resolved(client: Any, arn: str) -> bool:
    until = time.monotonic() + RESOLVE_S
    while time.monotonic() < until:
        if client.get_incident_record(arn=arn)["incidentRecord"]["status"] == "RESOLVED":
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


def _settled(cloud: LocalCloud, before: set[tuple[str, str]], kept: set[str]) -> list[str]:
    """Return what is there and was not before; what is on its way out gets a moment."""
    until = time.monotonic() + SETTLE_S
    while True:
        left = [
            f"{kind} {name}" for kind, name in sorted(inventory(cloud.client) - before) if name not in kept
        ]
        if not left or time.monotonic() > until:
            return left
        time.sleep(0.25)
