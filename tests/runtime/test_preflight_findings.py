"""What this deployment broke fails it; what was so before, or can be mended only after it, warns."""

from __future__ import annotations

import pytest
from incidents_runtime.smoke_test.findings import IDS, Finding, judge, summed_up


def severity(finding: Finding, *changed: str, **moved: str) -> str:
    """Tell what a finding does to a deployment that changes some plans."""
    severities = {name.replace("_", "-"): value for name, value in moved.items()}
    verdict = judge([finding], changed=changed, severities=severities)
    return "error" if verdict.errors else "warning" if verdict.warnings else "ignore"


ALWAYS = {"replication-set-missing", "replication-set-not-active", "region-not-in-set"}
LATER = {
    *("plan-reaches-nobody", "channel-not-activated", "rota-gap", "not-looked"),
    *("route-permission", "route-destination", "alarm-actions-disabled"),
}


CHANGED = {
    *("trigger-permissions", "plan-missing", "plan-differs", "nobody-on-call"),
    *("contact-missing", "contact-without-channels", "channel-missing", "topic-missing", "topic-refuses"),
    *("runbook-missing", "runbook-version-missing", "runbook-parameters"),
}


def test_ids_stay() -> None:
    """Users' apps move findings by these ids, so none may go or be called otherwise."""
    assert IDS >= ALWAYS | CHANGED | LATER


@pytest.mark.parametrize("kind", sorted(IDS))
def test_each_finding_has_its_class(kind: str) -> None:
    """Without a replication set nothing starts; what nobody can mend in time warns; the rest depends."""
    changed, unchanged = Finding(kind, "A", "t", "r"), Finding(kind, "B", "t", "r")
    assert severity(changed, "A") == ("warning" if kind in LATER else "error")
    assert severity(unchanged, "A") == ("error" if kind in ALWAYS else "warning")


def test_any_changed_plan_makes_it_new() -> None:
    """What two plans reach is new if one of them is."""
    finding = Finding("contact-missing", "A", "t", "r", also=("B",))
    assert [severity(finding, name) for name in "ABC"] == ["error", "error", "warning"]


def test_what_mends_later_warns() -> None:
    """A fault that only a later deployment, or time, can mend does not fail this one."""
    assert severity(Finding("plan-missing", "A", "t", "r", mends_later=True), "A") == "warning"


@pytest.mark.parametrize("moved", ["error", "warning", "ignore"])
def test_users_move_findings(moved: str) -> None:
    """What users say of an id goes before its class."""
    assert severity(Finding("rota-gap", "A", "t", "r"), rota_gap=moved) == moved


def test_those_of_a_kind_are_summed_up() -> None:
    """Of each kind there is one finding: with three of them, the number of the others, each remedy once."""
    many = [Finding("channel-not-activated", "A", f"channel {n}", "type the code.") for n in range(5)]
    few = [Finding("rota-gap", "A", f"gap {n}", f"fill {n}.") for n in range(3)]
    told = summed_up([*many, *few, Finding("not-looked", "", "one", "look.")])
    assert [(finding.text, finding.remedy) for finding in told] == [
        ("channel 0; channel 1; channel 2; and 2 more, which the test's log has", "type the code."),
        ("gap 0; gap 1; gap 2", "fill 0. fill 1. fill 2."),
        ("one", "look."),
    ]


def test_errors_and_warnings_of_a_kind_stay_apart() -> None:
    """What is new fails the deployment, what was so before warns, and each is kept for the log."""
    findings = [Finding("contact-missing", plan, f"of {plan}", "make it.") for plan in "ABAB"]
    verdict = judge(findings, changed={"A"}, severities={})
    assert [finding.text for finding in verdict.errors] == ["of A", "of A"]
    assert [finding.text for finding in verdict.warnings] == ["of B", "of B"]


def test_a_finding_says_what_to_do() -> None:
    """For people: its id, what was seen, the remedy."""
    assert str(Finding("rota-gap", "A", "nobody is there", "go there.")) == (
        "rota-gap: nobody is there. Remedy: go there."
    )
