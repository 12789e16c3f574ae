"""The demo's text rows on real models in real processes, on a driver whose watts are known."""

import csv
import json

import pytest

from demo.tiny_models import build_hub
from tests.support import simulated_driver
from tests.support.runner import ROOT, batch, table
from tests.support.tries import per_try

pytestmark = pytest.mark.wall_clock

WATTS = 350.0
REASONER = "demo_tiny-llama-reasoner"


def swept(place):
    """A sweep over the demo's five text rows, metered on the second of two simulated GPUs."""
    build_hub(place / "hub")
    driver = simulated_driver.build(place / "driver", gpus=2, watts=f"100,{WATTS:g}", step_ms=50)
    found = batch(
        *("--csv", str(ROOT / "demo/catalog.csv"), "--task", "text_gen"),
        *("--prompts-file", str(ROOT / "demo/prompts.jsonl")),
        *("--engine", "process", "--device", "cpu", "--repetitions", "2"),
        *("--meters", "nvml,codecarbon", "--gpus", "1", "--region", "FRA"),
        *("--idle-seconds", "0.5"),
        *("--output-dir", "results"),
        cwd=place,
        HF_HUB_CACHE=str(place / "hub"),
        HF_HUB_OFFLINE="1",
        # On a busy machine threads make a pass with one token last longer than one with ten.
        OMP_NUM_THREADS="1",
        CODECARBON_FORCE_CPU_POWER="5000",
        LD_LIBRARY_PATH=str(driver),
    )
    assert found.returncode == 0, found.stdout + found.stderr
    return place / "results", found


@pytest.fixture(scope="module")
def sweeps():
    return {}


@pytest.fixture
def sweep(request, sweeps, tmp_path_factory):
    return per_try(request, sweeps, lambda: swept(tmp_path_factory.mktemp("demo sweep")))


def test_every_row_succeeds_with_tokens(sweep):
    results, _ = sweep
    rows = table(results)
    assert len(rows) == 5
    for row in rows.values():
        assert row["error_message"] == ""
        assert row["successful_prompts"] == row["total_prompts"] == "8"
        assert int(row["total_completion_tokens"]) > 0
        assert row["dtype"] == "float16"
        assert row["prompt_form"] == "chat"
        assert len(row["model_commit"]) == 40


def test_off_rows_have_exactly_ten_tokens_a_prompt(sweep):
    results, _ = sweep
    for run_id in (f"{REASONER}_Off", "demo_tiny-gpt2-reasoner_Off"):
        path = results / "individual_runs" / run_id / "benchmark_results.csv"
        with path.open(newline="") as stream:
            lines = [row for row in csv.DictReader(stream) if row["pass"] == "generate"]
        assert len(lines) == 2 * 8
        assert {row["completion_tokens"] for row in lines} == {"10"}


def test_on_off_and_high_differ_in_what_they_generate(sweep):
    results, _ = sweep
    rows = table(results)
    tokens = {
        state: int(rows[f"{REASONER}_{state}"]["total_completion_tokens"])
        for state in ("Off", "On", "On_High")
    }
    assert tokens["Off"] < tokens["On"] < tokens["On_High"]


def test_gpu_energy_is_what_the_driver_spent_on_that_device(sweep):
    results, _ = sweep
    for run_id, row in table(results).items():
        folder = results / "individual_runs" / run_id
        report = json.loads((folder / "benchmark_report.json").read_text())
        scored_seconds = []
        for repetition in report["repetitions"]:
            for window in repetition["windows"]:
                joules = window["reading"]["gpu_joules"]
                expected = WATTS * window["duration_seconds"]
                assert joules == pytest.approx(expected, rel=0.02, abs=WATTS * 0.01), window
                assert set(window["reading"]["gpu_joules_by_device"]) == {simulated_driver.uuid(1)}
            scored_seconds.append(
                sum(phase["duration_seconds"] for phase in repetition["phases"].values())
            )
        expected_wh = WATTS * sum(scored_seconds) / len(scored_seconds) / 3600
        assert float(row["gpu_energy_wh"]) == pytest.approx(expected_wh, rel=0.03)
        assert float((folder / "GPU_ENERGY_WH.txt").read_text()) == float(row["gpu_energy_wh"])
        assert row["rehearsal"] == "yes"
        assert row["gpu_name"].startswith("SIMULATED")


def test_cpu_and_ram_say_that_they_are_estimates_and_ignore_ambient_settings(sweep):
    results, _ = sweep
    for run_id, row in table(results).items():
        assert row["cpu_energy_source"].startswith(
            ("estimated: CodeCarbon", "measured: CodeCarbon")
        )
        assert row["ram_energy_source"].startswith(
            ("estimated: CodeCarbon", "measured: CodeCarbon")
        )
        report = json.loads(
            (results / "individual_runs" / run_id / "benchmark_report.json").read_text()
        )
        seconds = report["summary"]["total_duration_seconds"]["mean"]
        assert 0 < float(row["cpu_energy_wh"]) * 3600 < 2000 * max(seconds, 1)
        assert (results / "individual_runs" / run_id / "emissions" / "emissions.csv").exists()


def test_co2_is_energy_times_the_factor_of_the_region(sweep):
    results, _ = sweep
    for row in table(results).values():
        assert row["co2_region"] == "FRA"
        assert row["co2_basis"] == "gpu+cpu+ram"
        energy_wh = sum(float(row[f"{part}_energy_wh"]) for part in ("gpu", "cpu", "ram"))
        factor = float(row["co2_factor_g_per_kwh"])
        assert float(row["co2_emissions_g"]) == pytest.approx(energy_wh / 1000 * factor)


def test_the_table_on_screen_says_what_is_simulated_and_what_estimated(sweep):
    _, found = sweep
    assert "REHEARSAL" in found.stdout
    assert "CPU energy: estimated" in found.stdout or "CPU energy: measured" in found.stdout
