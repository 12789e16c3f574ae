"""One sweep over a model of every kind in all ten tasks, with the real command and processes."""

import csv
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from benchmark_core.contract import SAMPLES_FILE
from benchmark_core.tasks import registry as tasks
from demo.own_samples import build_samples
from demo.tiny_zoo import build_zoo, zoo_models
from tests.support.runner import command, environment, table
from tests.support.task_catalog import check_run, report_of, run_id_of, write_rows
from tests.support.task_runs import VARIANTS, Variant

SAMPLES = 3
each_variant = pytest.mark.parametrize("one", VARIANTS, ids=lambda one: one.name)


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The results of the sweep, and what it printed."""
    place = tmp_path_factory.mktemp("all tasks")
    build_zoo(place / "hub")
    build_samples(place / "samples")
    write_rows(place / "models.csv", VARIANTS)
    flags = (
        *("--csv", "models.csv", "--dataset-dir", "samples", "--num-prompts", str(SAMPLES)),
        *("--engine", "process", "--device", "cpu", "--meters", "codecarbon"),
        *("--repetitions", "1", "--output-dir", "results"),
    )
    done = subprocess.run(
        command(*flags),
        cwd=place,
        env=environment(HF_HUB_CACHE=str(place / "hub"), HF_HUB_OFFLINE="1", OMP_NUM_THREADS="1"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return place / "results", done.stdout


def test_every_model_and_every_task_is_there(sweep: tuple[Path, str]) -> None:
    results, _ = sweep
    rows = table(results)
    assert set(rows) == {run_id_of(one) for one in VARIANTS}
    assert {row["model_name"] for row in rows.values()} == set(zoo_models())
    assert {row["task"] for row in rows.values()} == set(tasks.PREFERRED_SPELLINGS)
    kinds = Counter(report_of(results, run_id)["applied"]["kind"] for run_id in rows)
    assert kinds == Counter(one.kind for one in VARIANTS)


@each_variant
def test_a_row_has_what_the_method_asks(sweep: tuple[Path, str], one: Variant) -> None:
    results, _ = sweep
    check_run(results, table(results)[run_id_of(one)], one, SAMPLES)


@each_variant
def test_each_sample_has_a_line_for_each_pass(sweep: tuple[Path, str], one: Variant) -> None:
    results, _ = sweep
    path = results / "individual_runs" / run_id_of(one) / SAMPLES_FILE
    with path.open(newline="") as stream:
        lines = list(csv.DictReader(stream))
    passes = {"generate": ["prefill", "generate"], "forward": ["forward"], "call": ["call"]}
    expected = dict.fromkeys(passes[one.kind], SAMPLES)
    assert Counter(line["pass"] for line in lines) == expected
    assert {line["error"] for line in lines} == {""}
    tokens = {line["pass"]: line["completion_tokens"] for line in lines}
    if one.kind == "generate":
        assert tokens == {"prefill": "1", "generate": str(one.new_tokens)}


def test_only_text_generation_has_a_class_and_a_state(sweep: tuple[Path, str]) -> None:
    for row in table(sweep[0]).values():
        own = row["task"] == "text_gen"
        assert row["model_class"] == ("A" if own else "")
        assert row["reasoning_state"] == ("Off" if own else "")


def test_fewer_samples_than_there_are_were_the_first_ones(sweep: tuple[Path, str]) -> None:
    results, _ = sweep
    for run_id in table(results):
        applied = report_of(results, run_id)["applied"]
        assert (applied["samples_available"], applied["samples_used"]) == (6, SAMPLES)
        assert len(applied["folder_sha256"]) == 64
        assert applied["dataset_id"] is None


def test_nothing_here_is_official_and_the_steps_are_no_reason(sweep: tuple[Path, str]) -> None:
    for row in table(sweep[0]).values():
        assert row["official"] == "no"
        deviations = row["official_deviations"]
        for settled in ("token_limits", "steps", "precision", "batch_size"):
            assert settled not in deviations
        assert "repetitions" in deviations


def test_the_screen_shows_every_row(sweep: tuple[Path, str]) -> None:
    _, shown = sweep
    for one in VARIANTS:
        assert run_id_of(one) in shown
    assert f"{len(VARIANTS)} finished" in shown
