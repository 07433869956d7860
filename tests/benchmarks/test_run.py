"""`make bench` with small numbers: it runs, and writes its results."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from benchmarks import imports, run
from benchmarks.figures import Figure

if TYPE_CHECKING:
    from pathlib import Path


def test_all_of_them_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each benchmark gives figures, printed and written with the machine and the versions."""
    results = tmp_path / "results.json"
    run.main(["--quick", "--json", str(results)])
    written = json.loads(results.read_text())
    assert list(written) == list(run.BENCHMARKS)
    printed = capsys.readouterr().out
    for taken in written.values():
        assert taken["machine"]["cores"] > 0
        assert "ministack" in taken["versions"]
        for figure in taken["figures"]:
            assert figure["min"] <= figure["median"] <= figure["max"], figure
            # So few records may find room in what the server holds already; and an alarm should add nothing,
            # nor a storm lose anything.
            assert figure["min"] > 0 or figure["unit"] in ("kB", "resources", "signals"), figure
            assert figure["what"] in printed


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    """Give the figures that the only benchmark is to take."""
    figures: list[Figure] = []
    monkeypatch.setattr(run, "BENCHMARKS", {"stub": lambda *, quick: [] if quick else figures})
    return figures


@pytest.mark.parametrize(("at_most", "code"), [(2.0, 0), (1.9, 1)])
def test_a_bound_that_does_not_hold_fails(
    stub: list[Figure], tmp_path: Path, at_most: float, code: int
) -> None:
    """The median is what is held to it: one slow run of several is noise."""
    stub.append(Figure("start-up", "s", (1, 2, 9), at_most=at_most))
    assert run.main(["--json", str(tmp_path / "results.json")]) == code


def test_what_was_not_run_stays(stub: list[Figure], tmp_path: Path) -> None:
    """One benchmark run alone keeps the results of the others, with their own machine and date."""
    results = tmp_path / "results.json"
    results.write_text('{"other": {"taken": "2026-01-01", "figures": []}}')
    stub.append(Figure("rate", "calls/s", (1, 2)))
    run.main(["stub", "--json", str(results)])
    written = json.loads(results.read_text())
    assert written["other"] == {"taken": "2026-01-01", "figures": []}
    assert [figure["what"] for figure in written["stub"]["figures"]] == ["rate"]


def test_small_numbers_are_no_results(
    monkeypatch: pytest.MonkeyPatch, stub: list[Figure], tmp_path: Path
) -> None:
    """A quick run leaves the results of the docs alone; a whole one writes them."""
    results = tmp_path / "results.json"
    monkeypatch.setattr(run, "RESULTS", results)
    stub.append(Figure("rate", "calls/s", (1, 2)))
    run.main(["--quick"])
    assert not results.exists()
    run.main([])
    assert list(json.loads(results.read_text())) == ["stub"]


@pytest.mark.usefixtures("stub")
def test_an_unknown_name(capsys: pytest.CaptureFixture[str]) -> None:
    """It is refused with the names that there are."""
    with pytest.raises(SystemExit):
        run.main(["stbu"])
    assert "no benchmark is named stbu: there are stub" in capsys.readouterr().err


# The code that the benchmark runs is probed from within.
def test_the_import_pays_for_nothing_of_cdks() -> None:
    """All of aws-cdk-lib that our names need is there before the time of ours begins, and so collected."""
    seen = "import gc, sys; full = gc.get_stats()[2]['collections']; there = set(sys.modules)"
    told = "print(*(n for n in set(sys.modules) - there if n.startswith('aws_cdk')))"
    walks = "print(gc.get_stats()[2]['collections'] - full)"
    probe = imports._TIMED.replace("loaded = ", f"{seen}\nloaded = ") + f"\n{told}\n{walks}"
    assert imports._run(probe, *imports._run(imports._NEEDED))[2:] == ["0"]
