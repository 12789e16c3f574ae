"""Both comparisons run, of loops and of memory; a bound that is broken ends them with 1."""

import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks import sample_memory, task_loop
from benchmarks.loop_rig import ratios, rounds
from benchmarks.loop_rig.job import BARE, BARE_AGAIN, OURS, THEIR_BARE, THEIRS
from benchmarks.loop_rig.rounds import Different, Found
from benchmarks.loop_rig.subjects import SUBJECTS, make_job, subject_named

TINY = [subject.name for subject in SUBJECTS if subject.size == "tiny"]


def found(ours: float = 1.0, theirs: float | None = None) -> Found:
    """Three rounds of two passes over ten samples; a bare loop takes 1 s for each."""
    runs = {OURS: ours, BARE: 1.0}
    if theirs is not None:
        runs |= {THEIRS: theirs, THEIR_BARE: 1.0}
    return Found(10, drifting(runs), 10, drifting({OURS: ours, BARE: 1.0, BARE_AGAIN: 1.0}))


def drifting(seconds: dict[str, float]) -> dict[str, list[dict[str, float]]]:
    return {
        side: [{"prefill": one * by, "generate": one * by} for by in (1.0, 2.0, 4.0)]
        for side, one in seconds.items()
    }


# ------------------------------------------------------------------ the loops


@pytest.mark.parametrize("name", TINY)
def test_both_sides_compute_the_same_and_are_timed(name: str, tmp_path: Path) -> None:
    job = make_job(subject_named(name), tmp_path / "job", 6)
    measured = rounds.compare(job, rounds.sides_of(None), rounds=2, seconds=0.001, most=6)
    assert measured.samples == 5
    passes = ["prefill", "generate"] if job.new_tokens else ["call" if job.steps else "forward"]
    for side in (OURS, BARE):
        assert [list(times) for times in measured.times[side]] == [passes, passes]
        assert all(seconds > 0 for times in measured.times[side] for seconds in times.values())
    for side in (OURS, BARE, BARE_AGAIN):
        assert [list(times) for times in measured.blocks[side]] == [passes] * 20
        assert all(seconds > 0 for times in measured.blocks[side] for seconds in times.values())
    assert len(ratios.bounds_of(name, measured)) == 1


def test_sides_that_do_not_compute_the_same_are_not_compared(tmp_path: Path) -> None:
    job = make_job(subject_named("text_generation tiny"), tmp_path / "job", 6)
    with pytest.raises(Different, match="forward pass"):
        rounds.compare(replace(job, new_tokens=9), rounds.sides_of(None), 1, 0.001, 6)


def test_a_side_that_cannot_be_measured_says_why(tmp_path: Path) -> None:
    job = make_job(subject_named("text_classification tiny"), tmp_path / "job", 6)
    with pytest.raises(RuntimeError, match="No module named 'optimum_benchmark'"):
        rounds.compare(job, rounds.sides_of(sys.executable), 1, 0.001, 6)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"times": {"forward": 1.0}, "seen": ["a", "c"]}, "forward pass 2 of ours is c"),
        ({"times": {"forward": 1.0}, "seen": ["a"]}, "ours has 1 forward passes"),
        ({"times": {"call": 1.0}, "seen": ["a", "b"]}, "ours has the passes call"),
        ({"times": {"forward": 1.0}, "seen": []}, "no forward pass was seen"),
    ],
)
def test_every_difference_is_told(answer: dict[str, Any], said: str) -> None:
    bare = {"times": {"forward": 2.0}, "seen": ["a", "b"]}
    rounds._refuse_differences({OURS: bare, BARE: bare})
    with pytest.raises(Different, match=said):
        rounds._refuse_differences({OURS: answer, BARE: bare})


# ------------------------------------------------------------------ the bounds


def test_ratios_are_those_of_medians_and_of_rounds() -> None:
    one = ratios.ratio(found(ours=1.5).times, OURS, BARE)
    assert (one.of_medians, one.of_rounds) == (1.5, 1.5)
    assert (one.upper_seconds, one.lower_seconds) == (6.0, 4.0)
    assert one.added_percent == pytest.approx(50)


@pytest.mark.parametrize(
    ("ours", "theirs", "kept"),
    [
        (1.02, None, [True]),
        (1.04, None, [False]),
        (1.02, 1.10, [True, True]),
        (1.04, 1.10, [False, True]),
        (1.02, 0.9, [True, False]),
        (1.02, 1.0, [True, True]),
    ],
)
def test_bounds_on_what_is_added(ours: float, theirs: float | None, kept: list[bool]) -> None:
    bounds = ratios.bounds_of("subject", found(ours, theirs))
    assert [bound.kept for bound in bounds] == kept


def test_a_row_for_every_pass_and_for_all_of_them() -> None:
    alone, beside = ratios.run_rows("subject", found()), ratios.run_rows("subject", found(1.0, 1.2))
    assert [line[2] for line in alone] == ["prefill", "generate", "total"]
    assert alone[0][7:] == ("–",) * 4
    assert beside[0][7:] == ("240.000", "200.000", "1.2000", "1.2000")
    assert len({len(line) for line in ratios.table(ratios.RUN_HEADER, beside).splitlines()}) == 1
    loops = ratios.block_rows("subject", found(ours=1.1))
    assert loops[0][2:] == (*("prefill", "220.000", "200.000", "1.1000", "1.1000", "1.0000"),)


@pytest.mark.parametrize(("ours", "code"), [(1.01, 0), (1.2, 1)])
def test_a_broken_bound_of_the_loop_ends_with_1(
    ours: float,
    code: int,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(task_loop, "_measure", lambda *_: found(ours))
    figures = tmp_path / "figures.json"
    assert task_loop.main(["--subject", TINY[0], "--json", str(figures)]) == code
    said = capsys.readouterr().out
    assert ("NOT KEPT" in said) == bool(code)
    assert "energy_star was not compared" in said
    assert json.loads(figures.read_text())[TINY[0]]["samples"] == 10


def test_a_subject_that_was_not_measured_keeps_no_bound(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def differ(*_: object) -> Found:
        raise Different("not the same")

    monkeypatch.setattr(task_loop, "_measure", differ)
    assert task_loop.main(["--subject", TINY[0]]) == 1
    assert "not the same" in capsys.readouterr().out


# ------------------------------------------------------------------ the memory


def run_memory(few: int, many: int, tasks: Sequence[str]) -> int:
    flags = [flag for task in tasks for flag in ("--task", task)]
    return sample_memory.main(["--few", str(few), "--many", str(many), *flags])


def test_the_peak_of_a_run_in_a_process_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_memory(4, 12, ["image_classification"]) == 0
    assert "from 4 to 12 samples" in capsys.readouterr().out


def test_a_process_that_does_little_has_a_small_peak() -> None:
    assert 5 < sample_memory.own_peak_megabytes() < 10_000


@pytest.mark.parametrize(("many", "code"), [(449.0, 0), (451.0, 1), (None, 1)])
def test_a_broken_bound_of_memory_ends_with_1(
    many: float | None, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    peaks = {1: 400.0, 2: many}
    monkeypatch.setattr(sample_memory, "_peak_megabytes", lambda _, count: peaks[count])
    assert run_memory(1, 2, ["text_generation"]) == code


def test_a_run_that_fails_has_no_peak(capsys: pytest.CaptureFixture[str]) -> None:
    # The samples are fewer than the run is told to have, and it cannot make up others.
    assert sample_memory._peak_megabytes("text_classification", 0) is None
    assert "failed" in capsys.readouterr().out
