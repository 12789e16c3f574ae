"""Rows within a budget: by priority, and what is left out is named with the reason."""

import json

import pytest

from orchestrator.batch import run_batch
from orchestrator.budget import within_budget
from orchestrator.catalog import ModelConfig
from orchestrator.errors import UsageError
from orchestrator.estimate import Estimate
from orchestrator.forecast import Forecast
from orchestrator.run_forecast import RunForecast
from orchestrator.run_planner import REFERENCE_GPUS, make_plan
from orchestrator.simulation_file import Simulations
from tests.support import catalogs
from tests.support.settings import settings


def exactly(value):
    return None if value is None else Estimate(low=value / 2, central=value, high=value * 2)


def choose(rows, *flags, gpu_total=8, parallel=8):
    """`rows`: name, priority, hours, Wh, GPUs. Gives the names taken and the reasons by line."""
    made = settings(*flags)
    configs = [
        ModelConfig(
            model_id=f"org/{name}",
            priority=priority,
            model_class="C",
            gpus=gpus,
            task="text_generation",
            reasoning_state="Off",
            line=line,
        )
        for line, (name, priority, _, _, gpus) in enumerate(rows, 2)
    ]
    plan = make_plan(configs, made, REFERENCE_GPUS, None, Simulations())
    runs = {
        run.run_id: RunForecast(gpus, exactly(hours and hours * 3600), exactly(wh))
        for run, (_, _, hours, wh, gpus) in zip(plan.runs, rows, strict=True)
        if hours != 0
    }
    chosen = within_budget(plan, Forecast(runs, gpu_total, parallel), made)
    names = [run.config.model_id.removeprefix("org/") for run in chosen.plan.runs]
    assert set(chosen.forecast.runs) <= {run.run_id for run in chosen.plan.runs}
    return names, {int(why.where.rpartition(" ")[2]): why.what for why in chosen.plan.skipped}


def test_without_a_budget_all_rows_stay():
    assert choose([("a", 1, None, None, 1)]) == (["a"], {})


def test_priority_comes_first_then_the_catalog_and_small_rows_fill_up():
    rows = [
        ("low", 3, 1, 1, 1),
        ("high", 1, 3, 1, 1),
        ("middle", 2, 3, 1, 1),
        ("big", 1, 9, 1, 1),
        ("second", 1, 2, 1, 1),
    ]
    names, reasons = choose(rows, "--budget-hours", "6", parallel=1)
    assert names == ["low", "high", "second"]
    assert set(reasons) == {4, 5}
    assert reasons[5] == (
        "org_big_Off: its 9 h on 1 GPU exceed --budget-hours 6, beside those taken before it (1)"
    )


def test_hours_are_those_of_the_wall_on_all_slots():
    rows = [(f"m{number}", 1, 1, 1, 1) for number in range(20)]
    assert len(choose(rows, "--budget-hours", "2")[0]) == 16
    assert len(choose(rows, "--budget-hours", "2", parallel=3)[0]) == 6


def test_rows_that_cannot_be_spread_evenly_do_not_count_as_if_they_could():
    rows = [(f"wide{number}", 1, 1, 1, 5) for number in range(3)]
    names, reasons = choose(rows, "--budget-hours", "2")
    assert names == ["wide0", "wide1"]
    assert list(reasons) == [4]


def test_energy_is_the_sum_of_all_rows():
    rows = [("a", 1, 1, 40, 1), ("b", 1, 1, 70, 1), ("c", 2, 1, 60, 1)]
    names, reasons = choose(rows, "--budget-wh", "100")
    assert names == ["a", "c"]
    assert "its 70 Wh exceed --budget-wh 100" in reasons[3]
    assert choose(rows, "--budget-wh", "200", "--budget-hours", "1", parallel=1)[0] == ["a"]


def test_a_row_of_which_nothing_is_known_is_left_out_and_a_finished_one_stays():
    rows = [("unknown", 1, None, None, 1), ("over", 3, 0, None, 1), ("dark", 2, 1, None, 1)]
    names, reasons = choose(rows, "--budget-hours", "5")
    assert names == ["over", "dark"]
    assert reasons == {2: "org_unknown_Off: nothing tells how long it takes"}
    names, reasons = choose(rows, "--budget-wh", "5")
    assert names == ["over"]
    assert reasons[4] == "org_dark_Off: nothing tells how much GPU energy it takes"


@pytest.fixture
def batch(tmp_path, capsys):
    """Runs two simulated rows of about two seconds each; gives what was printed."""
    catalog = catalogs.write(
        tmp_path / "mine.csv", "org/late,2,A,text_gen,Off,", "org/early,1,A,text_gen,Off,"
    )
    simulation = tmp_path / "simulation.yaml"
    simulation.write_text("default: {load_seconds: 1.0, watts: 3600}")

    def run(*flags, dry_run, as_json=False):
        made = settings(
            *("--csv", str(catalog), "--output-dir", str(tmp_path / "results")),
            *("--backend", "simulated", "--engine", "process", "--simulation", str(simulation)),
            *("--num-prompts", "1", "--repetitions", "1", *flags),
        )
        code = run_batch(made, dry_run=dry_run, as_json=as_json)
        return code, capsys.readouterr().out

    return run


def test_a_dry_run_shows_what_each_row_takes_and_what_the_budget_leaves_out(batch):
    code, text = batch("--budget-wh", "1.5", dry_run=True)
    assert code == 0
    heading, taken = (line.split("\t") for line in text.splitlines()[:2])
    shown = dict(zip(heading, taken, strict=True))
    assert shown["run_id"] == "org_early_Off"
    assert (shown["time"], shown["GPU energy"]) == ("2 s (1-11)", "1 Wh (1-11)")
    assert "org_late_Off: its 1 Wh exceed --budget-wh 1.5, beside those taken before it (1)" in text
    assert "forecast: 2 s (1-11) on 8 GPUs, one run at a time; " in text
    assert "forecast: 1 runs, 1 by simulation. A forecast knows nothing of downloads" in text


def test_programs_get_the_forecast_with_its_bounds(batch):
    _, text = batch("--parallel", "auto", dry_run=True, as_json=True)
    plan = json.loads(text)
    assert plan["forecast"]["parallel"] == 8
    assert plan["forecast"]["gpu_energy_wh"]["central"] == pytest.approx(2, rel=0.01)
    first = plan["runs"][0]["forecast"]
    assert first["basis"] == "simulation"
    assert first["seconds"]["low"] == pytest.approx(1, rel=0.01)
    assert plan["forecast"]["without_time"] == []


def test_a_sweep_keeps_to_the_budget(batch, tmp_path):
    code, text = batch("--budget-wh", "1.5", dry_run=False)
    assert code == 0
    assert "org_late_Off: its 1 Wh exceed --budget-wh 1.5" in text
    runs = tmp_path / "results" / "individual_runs"
    assert [path.name for path in runs.iterdir()] == ["org_early_Off"]
    code, text = batch("--budget-wh", "1.5", dry_run=True)
    assert "kept: finished before" in text
    assert "org_late_Off" in text.splitlines()[1], "what is finished costs nothing any more"
    (tmp_path / "results" / "master_results.csv").unlink()
    code, text = batch("--budget-wh", "1.5", dry_run=False)
    assert "2 finished, 1 of them skipped" in text, "the folders say what is finished"


def test_a_budget_that_nothing_fits_into_is_refused(batch):
    with pytest.raises(UsageError, match=r"--budget-wh 0.5: no row fits within it"):
        batch("--budget-wh", "0.5", dry_run=False)


@pytest.mark.parametrize("text", ["0", "-1", "nan", "inf", "many"])
@pytest.mark.parametrize("flag", ["--budget-hours", "--budget-wh"])
def test_a_budget_is_above_zero(flag, text, capsys):
    with pytest.raises(SystemExit) as ended:
        settings(flag, text)
    assert ended.value.code == 2
    assert "above 0" in capsys.readouterr().err
