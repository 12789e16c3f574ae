"""A forecast of a plan: by the best ground for each run, and by none where there is none."""

import pytest

from benchmark_core.contract import Simulation
from benchmark_core.tasks.registry import TASKS
from orchestrator.catalog import ModelConfig
from orchestrator.earlier_runs import EarlierRuns, read_earlier_runs
from orchestrator.engines.base import Nodes
from orchestrator.forecast import find_forecast_warnings, forecast
from orchestrator.gpus import Gpu
from orchestrator.master_columns import COLUMNS
from orchestrator.outcome import Outcome
from orchestrator.own_samples import find_own_samples
from orchestrator.run_directory import RunDirectory
from orchestrator.run_planner import REFERENCE_GPUS, make_plan
from orchestrator.simulation_file import Simulations
from tests.support import builders
from tests.support.settings import settings

H100 = Gpu(0, "GPU-0", "NVIDIA H100 80GB HBM3", 80 * 10**9, simulated=False)


def row(model_id, state="Off", **changes):
    fields = {"task": "text_generation", "model_class": "A", "priority": 1, "line": 2}
    return ModelConfig(**({"model_id": model_id, "reasoning_state": state} | fields | changes))


def plan_of(made, *configs, simulation=None):
    simulations = Simulations(default=simulation or Simulation())
    return make_plan(configs, made, REFERENCE_GPUS, None, simulations)


EARLIER = {
    "model_name": "org/model",
    "task": "text_gen",
    "reasoning_state": "Off",
    "total_prompts": "50",
    "successful_prompts": "50",
    "total_duration_seconds": "10.0",
    "total_completion_tokens": "500",
    "gpu_energy_wh": "1.0",
    "timestamp": "2026-01-02T03:04:05.678+00:00",
    "run_id": "org_model_Off",
    "outcome": "finished",
    "rehearsal": "no",
    "repetitions": "3",
    "gpu_name": H100.name,
    "gpu_count": "1",
    "device": "cuda",
    "backend": "pytorch",
    "max_new_tokens": "10",
    "min_new_tokens": "10",
    "run_seconds": "100.0",
    "run_gpu_energy_wh": "5.0",
}


@pytest.fixture
def directory(tmp_path):
    """Gives an output directory with these rows in its table, and no run folders."""

    def make(*rows):
        directory = RunDirectory(tmp_path)
        lines = [",".join(COLUMNS)]
        lines += [",".join((EARLIER | one).get(name, "") for name in COLUMNS) for one in rows]
        directory.master_path.write_text("\n".join(lines) + "\n")
        return directory

    return make


def only(expected):
    (found,) = expected.runs.values()
    return found


FEW = ("--num-prompts", "50", "--repetitions", "3")


def test_a_model_without_size_and_past_has_no_figures(directory):
    made = settings()
    expected = forecast(plan_of(made, row("org/model")), made, [H100], directory())
    found = only(expected)
    assert (found.seconds, found.gpu_energy_wh, found.disk_bytes, found.basis) == (None,) * 4
    assert (expected.wall_seconds, expected.gpu_hours, expected.gpu_energy_wh) == (None,) * 3
    assert expected.without("seconds") == ["org_model_Off"]


def test_the_same_again_takes_what_it_took(directory):
    made = settings(*FEW)
    found = only(forecast(plan_of(made, row("org/model")), made, [H100], directory({})))
    assert found.basis == "earlier run"
    assert (found.seconds.central, found.gpu_energy_wh.central) == (100.0, 5.0)
    assert found.seconds.high / found.seconds.low < 1.4


def test_more_of_the_same_takes_more_and_loads_once(directory):
    made = settings("--num-prompts", "500", "--repetitions", "3")
    found = only(forecast(plan_of(made, row("org/model")), made, [H100], directory({})))
    assert 100 - 60 + 10 * 30 < found.seconds.central < 10 * 100
    assert found.seconds.low < 70 + 10 * 30
    assert found.seconds.high > 40 + 10 * 60


def test_another_state_of_the_model_is_a_vaguer_ground(directory):
    made = settings(*FEW)
    plan = plan_of(made, row("org/model", "On"))
    found = only(forecast(plan, made, [H100], directory({})))
    assert found.basis == "earlier run"
    assert found.seconds.central > 70 + 30 * 204, "2,048 tokens in place of ten"
    assert found.seconds.high / found.seconds.low > 20
    own = {"reasoning_state": "On", "run_id": "org_model_On", "run_seconds": "900.0"}
    own |= {"max_new_tokens": "8192", "min_new_tokens": "1"}
    found = only(forecast(plan, made, [H100], directory({}, own)))
    assert found.seconds.central == 900.0


def test_another_effort_at_the_same_limits_takes_as_long_for_all_we_know(directory):
    made = settings(*FEW)
    limits = {"max_new_tokens": "8192", "min_new_tokens": "1"}
    low = limits | {"reasoning_state": "On (Low)", "run_id": "org_model_On_Low"}
    plan = plan_of(made, row("org/model", "On (High)"))
    found = only(forecast(plan, made, [H100], directory(low)))
    assert found.seconds.central == 100.0
    assert found.seconds.high / found.seconds.low > 9


@pytest.mark.parametrize(
    "other",
    [
        {"gpu_name": "NVIDIA L4"},
        {"gpu_count": "2"},
        {"device": "cpu"},
        {"backend": "optimum"},
        {"rehearsal": "yes"},
        {"outcome": "failed"},
        {"model_name": "org/other"},
        {"task": "summarization"},
        {"run_seconds": ""},
        {"run_seconds": "nan"},
        {"run_seconds": "1e400"},
        {"run_seconds": "3.0"},
        {"total_prompts": "0"},
        {"repetitions": "-3"},
        {"total_duration_seconds": "what"},
        {"total_completion_tokens": "nan"},
        {"total_completion_tokens": "-500"},
        {"successful_prompts": "0"},
        {"min_new_tokens": "11"},
    ],
)
def test_other_runs_and_damaged_rows_are_no_ground(directory, other):
    made = settings(*FEW)
    found = only(forecast(plan_of(made, row("org/model")), made, [H100], directory(other)))
    assert found.basis is None


@pytest.mark.parametrize("text", ["", "\n", "a,b\n1\n", "model_name\n" * 3, "\xff"])
def test_any_file_can_stand_in_the_place_of_the_table(tmp_path, text):
    path = tmp_path / "master_results.csv"
    path.write_bytes(text.encode("latin-1"))
    assert read_earlier_runs(path) == read_earlier_runs(tmp_path) == EarlierRuns()


def test_a_rehearsal_takes_what_it_sleeps(directory):
    made = settings("--backend", "simulated", "--num-prompts", "20", "--repetitions", "5")
    simulation = Simulation(load_seconds=30, seconds_per_sample=2.0, watts=400)
    plan = plan_of(made, row("org/model", "On"), simulation=simulation)
    found = only(forecast(plan, made, [], directory({"rehearsal": "yes"})))
    slept = 30 + 2.0 * (1.02 + 5 * 20 * (0.02 + 0.1 + 1))
    assert found.basis == "simulation"
    assert found.seconds.low == pytest.approx(slept)
    assert found.seconds.central == pytest.approx(slept, rel=0.01)
    assert found.gpu_energy_wh.low == pytest.approx(slept * 400 / 3600)


def ended(directory, run, name="finished"):
    """The folder of that run, as a sweep leaves it."""
    spec, folder = run.spec, directory.folder(run.run_id)
    folder.path.mkdir(parents=True, exist_ok=True)
    outcome = Outcome(
        run_id=run.run_id,
        spec_hash=run.spec_hash,
        outcome=name,
        engine="process",
        finished_at=builders.NOW,
        log_file="x.log",
    )
    folder.record(spec, builders.launch(), outcome)
    folder.report_path.write_text(builders.report(spec).to_json())
    return folder


def test_finished_runs_cost_nothing_any_more_whatever_the_table_says(directory):
    made = settings(*FEW)
    plan = plan_of(made, row("org/model"))
    there = directory({"spec_hash": plan.runs[0].spec_hash})
    assert list(forecast(plan, made, [H100], there).runs) == ["org_model_Off"]
    folder = ended(there, plan.runs[0])
    assert forecast(plan, made, [H100], there).runs == {}
    there.master_path.unlink()
    assert forecast(plan, made, [H100], there).runs == {}
    other = settings("--num-prompts", "49", "--repetitions", "3")
    again = forecast(plan_of(other, row("org/model")), other, [H100], directory({}))
    assert only(again).basis == "earlier run"
    replaced = settings(*FEW, "--replace")
    assert forecast(plan, replaced, [H100], there).runs == {}
    folder.report_path.write_text("{}")
    assert list(forecast(plan, replaced, [H100], there).runs) == ["org_model_Off"]


def test_failed_runs_cost_something_where_they_run_again(directory):
    made, retried = settings(*FEW), settings(*FEW, "--rerun-failed")
    plan, there = plan_of(made, row("org/model")), directory()
    ended(there, plan.runs[0], "failed")
    assert forecast(plan, made, [H100], there).runs == {}
    assert list(forecast(plan, retried, [H100], there).runs) == ["org_model_Off"]


def test_weights_count_once_and_only_until_they_are_there(directory, tmp_path):
    made = settings(*FEW, hub_cache=tmp_path / "hub")
    plan = plan_of(made, row("org/model-7B"), row("org/model-7B", "On"), row("org/model-3B"))
    expected = forecast(plan, made, [H100], directory())
    first, second, third = (run.disk_bytes for run in expected.runs.values())
    assert 14e9 < first < 14.1e9
    assert second < 1e9
    assert 6e9 < third < 6.1e9
    assert expected.disk_bytes == first + second + third
    (tmp_path / "hub/models--org--model-7B/snapshots/abc").mkdir(parents=True)
    assert 6e9 < forecast(plan, made, [H100], directory()).disk_bytes < 7e9


def test_a_server_elsewhere_takes_time_and_no_energy_of_ours(directory):
    made = settings("--backend", "vllm", "--endpoint", "http://localhost:8000/v1", *FEW)
    found = only(forecast(plan_of(made, row("org/model-7B")), made, [], directory()))
    assert found.seconds
    assert found.gpu_energy_wh is None
    assert found.disk_bytes < 1e9


def test_the_wall_is_that_of_the_slots(directory):
    rows = [row(f"org/m{number}-7B") for number in range(16)]
    walls = {}
    for parallel in ("1", "4", "auto"):
        made = settings(*FEW, "--parallel", parallel)
        expected = forecast(plan_of(made, *rows), made, [], directory())
        walls[parallel] = expected.wall_seconds.central
        alone = next(iter(expected.runs.values())).seconds.central
        assert expected.gpu_hours.central == pytest.approx(16 * alone / 3600)
    assert walls["1"] == pytest.approx(16 * alone)
    assert walls["4"] == pytest.approx(4 * alone)
    assert walls["auto"] == pytest.approx(2 * alone)


def test_the_wall_is_on_the_gpus_that_may_be_used(directory):
    rows = [row(f"org/m{number}-7B") for number in range(4)]
    made = settings(*FEW, "--parallel", "auto")
    two = [H100, Gpu(1, "GPU-1", H100.name, None, simulated=False)]
    expected = forecast(plan_of(made, *rows), made, two, directory())
    alone = next(iter(expected.runs.values())).seconds.central
    assert (expected.gpu_total, expected.parallel) == (2, 2)
    assert expected.wall_seconds.central == pytest.approx(2 * alone)


def test_weeks_are_said_before_and_runs_that_will_be_stopped(directory):
    def warnings(*flags):
        made = settings(*flags)
        plan = plan_of(made, row("org/model-7B", "On", line=7))
        expected = forecast(plan, made, [H100], directory())
        return expected, list(find_forecast_warnings(expected, plan, made))

    _, (long,) = warnings()
    assert "the sweep takes about 4." in long.what
    assert "--preset overnight" in long.remedy
    _, none = warnings("--preset", "overnight")
    assert none == []
    expected, (stopped,) = warnings("--preset", "overnight", "--timeout", "600")
    assert stopped.where == "models.csv, lines 7"
    assert "--timeout 600" in stopped.what
    assert only(expected).seconds.central == 600
    unstopped, _ = warnings("--preset", "overnight")
    assert only(expected).gpu_energy_wh.central < only(unstopped).gpu_energy_wh.central / 5


def test_own_samples_are_as_many_as_there_are(directory, tmp_path):
    prompts = tmp_path / "prompts.txt"
    prompts.write_text("one\ntwo\nthree\n")
    seconds = []
    for flags in ((), ("--num-prompts", "2"), ("--num-prompts", "300")):
        made = settings(
            *("--backend", "simulated", "--repetitions", "1", "--prompts-file", str(prompts)),
            *flags,
        )
        own = find_own_samples({"text_generation"}, made)
        simulations = Simulations(default=Simulation(seconds_per_sample=100))
        plan = make_plan([row("org/model")], made, REFERENCE_GPUS, own, simulations)
        seconds.append(only(forecast(plan, made, [], directory())).seconds.low)
    assert seconds == pytest.approx([102 + 3 * 112, 102 + 2 * 112, 102 + 3 * 112])


def test_every_task_with_a_size_has_a_forecast(directory):
    made = settings(*FEW)
    configs = [
        row(f"org/{name}", None, task=name, model_class=None, parameters_billion=1.0)
        for name in TASKS
        if name != "text_generation"
    ]
    expected = forecast(plan_of(made, *configs), made, [H100], directory())
    assert len(expected.runs) == 9
    assert {run.basis for run in expected.runs.values()} == {"parameters"}
    assert all(run.seconds.central > 20 for run in expected.runs.values())


def test_a_cluster_is_as_wide_as_its_nodes_and_what_is_in_its_queue(directory):
    """Eight rows, each on one GPU; all that is submitted may run at once."""
    nodes = Nodes(count=2, gpus_each=2)
    configs = [row(f"org/model{number}", parameters_billion=1.0) for number in range(8)]
    hours = []
    for flags in (("--detach",), ("--parallel", "auto"), ()):
        made = settings(*FEW, "--engine", "slurm", *flags)
        expected = forecast(plan_of(made, *configs), made, [], directory(), nodes)
        assert expected.gpu_total == 4
        each = expected.runs["org_model0_Off"].seconds.central
        hours.append(expected.wall_seconds.central / each)
    assert hours == pytest.approx([2, 2, 8])
