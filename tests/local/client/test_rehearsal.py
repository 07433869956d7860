"""`cdk-incidents rehearse`, as a process."""

from __future__ import annotations

import json
import signal
import sys
from typing import TYPE_CHECKING, Any

import pytest

from .assemblies import Template, alarm, composite, paging, plan, template, wired, write_assembly
from .conftest import Command, new_command, read_until, wait_for

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

Rehearsed = tuple[dict[str, Any], str, Command]
# In one process, which rehearses once what they look at.
together = pytest.mark.xdist_group("rehearsed")
NO_SUCH_PLAN = "arn:aws:ssm-incidents::111122223333:response-plan/NoSuchPlan"


def result(command: Command) -> dict[str, Any]:
    """Read what a rehearsal wrote."""
    written: dict[str, Any] = json.loads((command.cwd / "result.json").read_text())
    return written


def shop() -> Template:
    """Return a stack with alarms of every kind, of which two are wired to its plan."""
    return template(
        Plan=plan("Checkout", "Checkout is failing"),
        Errors=alarm("errors", {"Ref": "Plan"}),
        Canary=alarm("canary", {"Ref": "Plan"}, Metadata={"cdk-incidents:purpose": "canary"}),
        Health=alarm("health", {"Ref": "Plan"}, Metadata={"cdk-incidents:purpose": "health"}),
        Scaling=alarm("scaling"),
        Any=composite("any", "ALARM(errors) OR ALARM(scaling)", "Errors", "Scaling"),
        Kept={
            "Type": "AWS::SQS::Queue",
            "DeletionPolicy": "Retain",
            "Properties": {"QueueName": "kept"},
        },
    )


def muted() -> Template:
    """Return a stack with an alarm that a rule mutes, and one that waits for its suppressor."""
    schedule = {"Expression": "cron(* * * * *)", "Duration": "P1D"}
    waits = {
        "ActionsSuppressor": "maintenance",
        "ActionsSuppressorWaitPeriod": 120,
        "ActionsSuppressorExtensionPeriod": 120,
    }
    return template(
        Plan=plan("Search", "Search is slow"),
        Slow=alarm("slow", {"Ref": "Plan"}),
        Maintenance=alarm("maintenance"),
        Any=composite("waits", "ALARM(slow)", "Slow", "Maintenance", **waits),
        Mute={
            "Type": "AWS::CloudWatch::AlarmMuteRule",
            "Properties": {"Rule": {"Schedule": schedule}, "MuteTargets": {"AlarmNames": ["slow"]}},
        },
    )


def merging() -> Template:
    """Return a stack whose two alarms a dedupe string merges into one incident."""
    merges = plan("Payment", "Payment is down")
    merges["Properties"]["IncidentTemplate"]["DedupeString"] = "payment"
    return template(
        Plan=merges, One=alarm("one", {"Ref": "Plan"}), Two=alarm("two", {"Ref": "Plan"}, DependsOn="One")
    )


@pytest.fixture(scope="module")
def rehearsed(tmp_path_factory: pytest.TempPathFactory) -> Rehearsed:
    """Rehearse an app of several stacks once; return what was written and printed, and the command."""
    directory = tmp_path_factory.mktemp("rehearsed")
    command = new_command(directory)
    stacks = {
        "Shop": shop(),
        "Search": muted(),
        "Payment": merging(),
        "People": paging(5, 10, 0, plan_name="Paging"),
    }
    app = write_assembly(directory / "out", **stacks)
    code, output = command.run("rehearse", "--app", str(app), "--json", "result.json")
    assert code == 0, output
    return result(command), output, command


def alarms_of(written: dict[str, Any], *names: str) -> list[dict[str, Any]]:
    """Return what became of some alarms."""
    return [alarm for alarm in written["alarms"] if alarm["name"] in names]


@together
def test_alarms_become_incidents(rehearsed: Rehearsed) -> None:
    """Each alarm that is wired to a plan opens its own incident, composite ones too; no other is fired."""
    written, output, command = rehearsed
    assert written["ok"]
    fired = {alarm["name"] for alarm in written["alarms"]}
    assert fired == {"errors", "any", "slow", "waits", "one", "two", "Paging-errors"}
    of_the_shop = alarms_of(written, "errors", "any")
    assert [alarm["name"] for alarm in of_the_shop] == ["errors", "any"]
    assert len({alarm["incident_arn"] for alarm in of_the_shop}) == 2
    for incident in of_the_shop:
        assert incident["title"] == "Checkout is failing"
        assert incident["impact"] == 2
        assert not incident["resolved"]
        assert 0 <= incident["opened_ms"] < 10_000
    assert {stack["name"]: stack["resources"] for stack in written["stacks"]}["Shop"] == 7
    assert any("kept" in name for name in written["retained"])
    assert "6 resolved incident records" in written["retained"]
    assert written["leftovers"] == written["failures"] == []
    assert "'Checkout is failing', impact 2 (high)" in output
    assert "\x1b" not in output
    assert command.left() == []
    assert command.processes() == []


@together
def test_alarms_that_wait_or_are_muted(rehearsed: Rehearsed) -> None:
    """A composite alarm has waited for its suppressor when it acts; a mute rule is not heeded."""
    found = alarms_of(rehearsed[0], "slow", "waits")
    assert [(alarm["name"], alarm["opened_ms"] >= 100_000) for alarm in found] == [
        ("slow", False),
        ("waits", True),
    ]


@together
def test_alarms_that_share_an_incident(rehearsed: Rehearsed) -> None:
    """Where a plan's dedupe string merges two alarms into one incident, both show it."""
    found = alarms_of(rehearsed[0], "one", "two")
    assert len(found) == 2
    assert len({incident["incident_arn"] for incident in found}) == 1


@together
def test_who_would_be_paged(rehearsed: Rehearsed) -> None:
    """Channels are activated, engagements play out, and the result tells each page with its time."""
    written, output, _ = rehearsed
    (incident,) = alarms_of(written, "Paging-errors")
    assert incident["pages"] == [
        {"contact": "ann", "channel": "SMS", "after_s": after} for after in (0.0, 300.0, 900.0)
    ]
    assert "1 activated as their owners would: ann" in output
    assert "Paging-errors → ann by SMS after 0, 5, 15 min" in output
    assert "+49" not in output


def test_an_app_that_brings_the_replication_set(command: Command, tmp_path: Path) -> None:
    """It is rehearsed in an account that has none yet; what it retains is named."""
    replication = {
        "Type": "AWS::SSMIncidents::ReplicationSet",
        "DeletionPolicy": "Retain",
        "Properties": {"Regions": [{"RegionName": "us-east-1"}]},
    }
    stack = wired()
    stack["Resources"]["Set"] = replication
    stack["Resources"]["Plan"]["DependsOn"] = "Set"
    app = write_assembly(tmp_path / "out", Shop=stack)
    code, output = command.run("rehearse", "--app", str(app), "--json", "result.json")
    assert code == 0, output
    written = result(command)
    assert any(":replication-set/" in name for name in written["retained"])
    assert written["leftovers"] == []


def test_another_account_and_region(command: Command, tmp_path: Path) -> None:
    """An app that is meant for one account and Region is rehearsed as that one, and told so if it is not."""
    app = write_assembly(tmp_path / "out", Shop=wired())
    manifest = (app / "manifest.json").read_text()
    manifest = manifest.replace("unknown-account", "123456789012").replace("unknown-region", "eu-west-1")
    (app / "manifest.json").write_text(manifest)
    code, output = command.run("rehearse", "--app", str(app))
    assert code == 1
    assert "stack Shop must leave its account open" in output
    assert "--account" in output
    code, output = command.run(
        "rehearse", "--app", str(app), "--account", "123456789012", "--json", "result.json"
    )
    assert code == 0, output
    (incident,) = result(command)["alarms"]
    assert incident["incident_arn"].startswith("arn:aws:ssm-incidents::123456789012:incident-record/")


def test_alarm_that_opens_nothing(command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An alarm whose incident does not come fails the rehearsal, which goes on to tidy up."""
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    (tmp_path / "sitecustomize.py").write_text("import cdk_incidents.local.rehearsal as r\nr.OPEN_S = 0.5\n")
    app = write_assembly(tmp_path / "out", Shop=template(Errors=alarm("errors", NO_SUCH_PLAN)))
    code, output = command.run("rehearse", "--app", str(app), "--json", "result.json")
    assert code == 1, output
    written = result(command)
    assert not written["ok"]
    assert written["failures"][0].startswith("errors opened no incident within 0.5 s (")
    assert written["alarms"] == [
        {
            "name": "errors",
            "incident_arn": None,
            "title": None,
            "impact": None,
            "opened_ms": None,
            "resolved": False,
            "pages": [],
        }
    ]
    assert written["leftovers"] == []
    assert "destroy" in output


def test_deployment_that_fails(command: Command, tmp_path: Path) -> None:
    """A deployment that fails is told with CloudFormation's reason, without a stack trace."""
    app = write_assembly(tmp_path / "out", Shop=template(Plan=plan("not a name", "Failing")))
    code, output = command.run("rehearse", "--app", str(app), "--json", "result.json")
    assert code == 1
    written = result(command)
    assert not written["ok"]
    assert "deploying Shop failed" in written["failures"][0]
    assert "Plan (AWS::SSMIncidents::ResponsePlan)" in written["failures"][0]
    assert written["leftovers"] == []
    assert "Traceback" not in output
    assert command.processes() == []


def test_plans_without_alarms(command: Command, tmp_path: Path) -> None:
    """Of an app that leaves its alarms to others, each plan's incident is started by hand."""
    stack = template(Plan=plan("Checkout", "Checkout is failing"), Other=plan("Search", "Search is slow"))
    app = write_assembly(tmp_path / "out", Shop=stack)
    code, output = command.run("rehearse", "--app", str(app), "--json", "result.json")
    assert code == 0, output
    told = {alarm["name"]: alarm["title"] for alarm in result(command)["alarms"]}
    assert told == {"Checkout (by hand)": "Checkout is failing", "Search (by hand)": "Search is slow"}
    assert "Checkout (by hand) → 'Checkout is failing', impact 2 (high)" in output
    assert result(command)["leftovers"] == []


def test_nothing_to_rehearse(command: Command, tmp_path: Path) -> None:
    """An app without plan, smoke test or wired alarm has proven nothing."""
    app = write_assembly(tmp_path / "out", Shop=template(Scaling=alarm("scaling")))
    code, output = command.run("rehearse", "--app", str(app))
    assert code == 1
    assert "nothing to rehearse" in output


@pytest.mark.parametrize(
    ("app", "told"),
    [
        (f"{sys.executable} -c 'raise ValueError(\"my own words\")'", "ValueError: my own words"),
        ("no-such-command app.py", "not found"),
        (None, "app must be given, by --app or as 'app' in the cdk.json"),
    ],
)
def test_app_that_does_not_synthesise(command: Command, app: str | None, told: str) -> None:
    """An app that fails is told with its own last words, one that is missing with the remedy."""
    code, output = command.run("rehearse", "--json", "result.json", *(["--app", app] if app else []))
    assert code == 1
    assert told in output
    assert told in result(command)["failures"][0]
    assert "cdk_incidents" not in output.partition("synthesise")[2].replace(sys.executable, "")
    assert command.left() == []


def test_no_cdk_cli(command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a CDK CLI the message says how to install it."""
    (command.cwd / "node_modules").unlink()
    monkeypatch.setenv("PATH", str(tmp_path))
    code, output = command.run("rehearse", "--app", "true")
    assert code == 1
    assert "npm install aws-cdk@2." in output
    assert "Traceback" not in output


def test_result_that_cannot_be_written(command: Command, tmp_path: Path) -> None:
    """A file that cannot be written is refused before the work, not after it."""
    code, output = command.run("rehearse", "--json", str(tmp_path / "no" / "where.json"))
    assert code == 1
    assert "--json must name a file that can be written" in output
    assert "loopback" not in output


@pytest.mark.parametrize(
    ("moment", "number"),
    [("while the app runs", signal.SIGINT), ("while an incident is waited for", signal.SIGTERM)],
)
def test_stopped_half_way(
    number: signal.Signals,
    moment: str,
    command: Command,
    tmp_path: Path,
    ended: list[subprocess.Popen[str]],
) -> None:
    """Ctrl-C or SIGTERM at any moment leaves no process, no temporary directory, and no older result."""
    (command.cwd / "result.json").write_text('{"ok": true}')
    if moment == "while the app runs":
        mark = tmp_path / "running"
        app = f'{sys.executable} -c \'import time; open("{mark}", "w"); time.sleep(600)\''
        process = command.start("rehearse", "--json", "result.json", "--app", app)
        ended.append(process)
        wait_for(mark.exists, "the app runs")
    else:
        assembly = write_assembly(tmp_path / "out", Shop=template(Errors=alarm("errors", NO_SUCH_PLAN)))
        process = command.start("rehearse", "--json", "result.json", "--app", str(assembly))
        ended.append(process)
        read_until(process, "ok   deploy ")
    assert command.processes() != []
    assert command.left() != []
    process.send_signal(number)
    assert process.wait(20) == 128 + number
    assert process.stdout is not None
    assert "Traceback" not in process.stdout.read()
    wait_for(lambda: command.processes() == [], "every process ends", timeout_s=5)
    assert command.left() == []
    assert not (command.cwd / "result.json").exists()


def test_kept(command: Command, tmp_path: Path, ended: list[subprocess.Popen[str]]) -> None:
    """With --keep all stays until Ctrl-C, then it is taken down as ever."""
    app = write_assembly(tmp_path / "out", Shop=wired())
    process = command.start("rehearse", "--app", str(app), "--keep")
    ended.append(process)
    shown = read_until(process, "unset AWS_PROFILE")
    assert "export AWS_ENDPOINT_URL=http://127.0.0.1:" in shown
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 0, output
    assert "ok   destroy" in output
    assert command.left() == []
