"""The object that `--json` writes."""

from __future__ import annotations

from cdk_incidents.local.report import (
    AlarmResult,
    Page,
    Report,
    StackResult,
    Step,
    pages_on_purpose,
    read_failed_smoke_test,
    read_smoke_test,
)


def test_form() -> None:
    """The object has the promised members and no other."""
    report = Report(
        stacks=[StackResult("Shop", 41, 5.5)],
        smoke_tests=[read_smoke_test("Shop", "passed: canary 14 ms; pages 0")],
        alarms=[
            AlarmResult("errors", "arn", "Failing", 1, 12, resolved=True, pages=[Page("ann", "SMS", 0.0)])
        ],
        retained=["stack CDKToolkit (bootstrap)"],
    )
    assert report.as_json() == {
        "ok": True,
        "stacks": [{"name": "Shop", "resources": 41, "deploy_s": 5.5}],
        "smoke_tests": [
            {
                "stack": "Shop",
                "status": "passed",
                "steps": [{"name": "canary", "ok": True, "ms": 14}],
                "pages": 0,
            }
        ],
        "alarms": [
            {
                "name": "errors",
                "incident_arn": "arn",
                "title": "Failing",
                "impact": 1,
                "opened_ms": 12,
                "resolved": True,
                "pages": [{"contact": "ann", "channel": "SMS", "after_s": 0.0}],
            }
        ],
        "retained": ["stack CDKToolkit (bootstrap)"],
        "leftovers": [],
        "failures": [],
    }


def test_ok_only_without_failures_and_leftovers() -> None:
    """A failure or a leftover is enough not to be ok; what is retained by design is not."""
    assert Report(retained=["a table"]).ok
    assert not Report(failures=["no"]).ok
    assert not Report(leftovers=["a queue"]).ok


def test_passed_smoke_test() -> None:
    """Every step is read with its time, spaces in a name included."""
    result = read_smoke_test("Shop", "passed: canary 14 ms, record found 520 ms, removal 9 ms; pages 0")
    assert result.status == "passed"
    assert result.steps == [
        Step("canary", ok=True, ms=14),
        Step("record found", ok=True, ms=520),
        Step("removal", ok=True, ms=9),
    ]
    assert result.pages == 0


def test_pages_are_counted() -> None:
    """A smoke test that paged says so."""
    assert read_smoke_test("Shop", "passed: canary 14 ms; pages 2").pages == 2


def test_paging_on_purpose_is_told_apart() -> None:
    """A smoke test that was asked to page says whom it paged; any other page is one too many."""
    assert pages_on_purpose("passed: page Checkout 20 ms; pages 1; paged for real: Checkout: ada (EMAIL)")
    assert not pages_on_purpose("passed: canary 14 ms; pages 1")


def test_warnings_are_no_steps() -> None:
    """What a warning says is not taken for a step, whatever it looks like."""
    output = "passed: preflight 60 ms, canary (plans) 14 ms; pages 0; warning: not-looked: slow, after 9 ms"
    assert read_smoke_test("Shop", output).steps == [
        Step("preflight", ok=True, ms=60),
        Step("canary (plans)", ok=True, ms=14),
    ]


def test_failure_that_only_warns() -> None:
    """With `on_failure="warn"` the output itself says at which step it failed."""
    output = "failed: Smoke test failed at incident (plans): expected one within 5 s, after 3 ms; saw none"
    result = read_smoke_test("Shop", output)
    assert (result.status, result.steps) == ("failed", [Step("incident (plans)", ok=False, ms=None)])


def test_skipped_smoke_test() -> None:
    """A skipped one has no steps."""
    result = read_smoke_test("Shop", "skipped: the context key cdk-incidents:skip-smoke-test is set")
    assert (result.status, result.steps) == ("skipped", [])


def test_failed_smoke_test() -> None:
    """The reason with which it failed its stack names the step."""
    reason = "SmokeTest (Custom::IncidentSmokeTest): … Smoke test failed at incident: none opened within 60 s"
    result = read_failed_smoke_test("Shop", reason)
    assert result is not None
    assert (result.status, result.steps) == ("failed", [Step("incident", ok=False, ms=None)])


def test_another_failure_is_no_smoke_test() -> None:
    """Any other reason is not taken for a smoke test's."""
    assert read_failed_smoke_test("Shop", "Queue (AWS::SQS::Queue): no such attribute") is None
