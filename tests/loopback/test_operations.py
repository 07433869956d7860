"""The operators' commands against a deployed trigger."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import pytest

import cdk_incidents as incidents
from cdk_incidents import cli
from cdk_incidents.local import LocalCloud

if TYPE_CHECKING:
    from collections.abc import Iterator

# One cloud for all of them.
pytestmark = pytest.mark.xdist_group("operations")


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    """Give a cloud with two triggers in it, each with the routes Critical and Minor."""
    directory = tmp_path_factory.mktemp("operations")
    app = cdk.App(analytics_reporting=False, outdir=str(directory))
    stack = cdk.Stack(app, "Operated")
    template = incidents.IncidentTemplate.high(title="Trouble")
    plan = incidents.ResponsePlan(stack, "Plan", incident=template)
    for name in ("suppressed", "redriven"):
        trigger = incidents.IncidentTrigger(stack, name.title(), trigger_name=name)
        trigger.add_route("Critical", response_plan=plan)
        trigger.add_route("Minor", response_plan=plan)
    app.synth()
    with LocalCloud() as running:
        made = json.loads(Path(directory, "Operated.template.json").read_text())
        running.create_stack("Operated", made, assets=directory)
        yield running


@pytest.fixture(autouse=True)
def environment(cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the commands reach the cloud as any AWS client does."""
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    for name, value in cloud.exports().items():
        monkeypatch.setenv(name, value)


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    """Run a command; return its exit code and all that it printed."""
    capsys.readouterr()
    code = cli.main(arguments)
    shown = capsys.readouterr()
    return code, shown.out + shown.err


def call(cloud: LocalCloud, alias: str, event: object) -> dict[str, Any]:
    """Call a route as a person may, and return the outcome."""
    answer = cloud.client("lambda").invoke(FunctionName=alias, Payload=json.dumps(event))
    (outcome,) = json.loads(answer["Payload"].read())["outcomes"]
    return dict(outcome)


def event(title: str) -> dict[str, Any]:
    """Make an event of an application."""
    return {"source": "shop", "detail-type": title, "detail": {}, "time": "2026-01-01T00:00:00Z", "id": title}


def letters(cloud: LocalCloud) -> int:
    """Count the dead letters of the trigger whose letters are brought back."""
    told = cloud.client("lambda").get_function_configuration(FunctionName="redriven")
    url = told["Environment"]["Variables"]["INCIDENTS_DEAD_LETTER_QUEUE_URL"]
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    counted = cloud.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return sum(int(counted[name]) for name in names)


def test_a_switch_suppresses_a_route_until_it_is_ended(
    cloud: LocalCloud, capsys: pytest.CaptureFixture[str]
) -> None:
    """Flipped without a deployment, seen by the function, shown with who and why, ended by hand."""
    assert run(capsys, "suppress", "suppressed") == (0, "nothing is suppressed\n")
    code, shown = run(
        capsys, "suppress", "suppressed", "--for", "2h", "--route", "Critical", "--reason", "move"
    )
    assert code == 0
    assert "suppressed: Critical until" in shown
    assert "UTC: move (arn:aws:" in shown
    outcome = call(cloud, "suppressed:Critical", event("Held"))
    assert outcome["outcome"] == "suppressed"
    assert outcome["reason"].endswith(": move")
    assert call(cloud, "suppressed:Minor", event("Minor"))["outcome"] == "started"
    code, again = run(capsys, "suppress", "suppressed")
    assert again.splitlines() == shown.splitlines()[:1]
    code, shown = run(capsys, "suppress", "suppressed", "--end", "--reason", "moved")
    assert shown.startswith("ended: Critical until")
    assert shown.endswith("nothing is suppressed\n")
    assert run(capsys, "suppress", "suppressed") == (0, "nothing is suppressed\n")


def test_dead_letters_come_back(cloud: LocalCloud, capsys: pytest.CaptureFixture[str]) -> None:
    """Shown, left by a dry run, and sent to become the incident that was missing."""
    cloud.faults.add("StartIncident", error="ValidationException")
    assert call(cloud, "redriven:Critical", event("Missing"))["outcome"] == "failed"
    assert call(cloud, "redriven", event("Nobody's"))["outcome"] == "failed"
    code, shown = run(capsys, "redrive", "redriven", "--dry-run")
    assert code == 0
    assert "UTC  Critical  Missing (shop)\n    the service refused: ValidationException" in shown
    assert "UTC  (no route)  A signal without a route\n    no route is named ''" in shown
    assert "sent to the retry queue: 0; left: 2" in shown
    code, shown = run(capsys, "redrive", "redriven")
    assert code == 1
    assert "sent to the retry queue: 1; left: 1\nThose without a route need --route." in shown
    cloud.wait_for_incident(title="Missing (shop)")
    code, shown = run(capsys, "redrive", "redriven", "--route", "Minor")
    assert code == 0
    cloud.wait_for_incident(title="Nobody's (shop)")
    deadline = time.monotonic() + 10
    while letters(cloud) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert letters(cloud) == 0


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (
            ["suppress", "nobody"],
            "TRIGGER must be an incident trigger's name (got nobody, no function in us-",
        ),
        (["suppress", "suppressed", "--reason", "move"], "--for must be given with --reason (got none): "),
        (["suppress", "suppressed", "--for", ""], "--for must be 1m to 13d"),
        (["suppress", "suppressed", "--for", "1h"], "--reason must be"),
        (["suppress", "suppressed", "--for", "14d", "--reason", "x"], "--for must be 1m to 13d"),
        (["suppress", "suppressed", "--end", "--route", "None"], "routes: Critical, Minor (got None)"),
        (["redrive", "redriven", "--route", "retry"], "routes: Critical, Minor (got retry)"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(
    capsys: pytest.CaptureFixture[str], arguments: list[str], told: str
) -> None:
    """With what mends it, and no traceback."""
    code, shown = run(capsys, *arguments)
    assert code == 1
    assert shown.startswith("cdk-incidents: ")
    assert told in shown
    assert len(shown.splitlines()) == 1
