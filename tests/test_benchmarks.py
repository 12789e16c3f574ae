"""The benchmarks run and understand what they make; how fast they are is not a test's business."""

import importlib.util
import json
import math
import shutil
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from benchmark_core.contract import REPORT_FILE
from benchmarks import many_runs, meters, orchestration, sweep
from benchmarks.finished_rows import write_rows
from benchmarks.many_waiting import LARGEST_SECONDS, MEASURES, TIMES
from benchmarks.meter_rig import bounds, cost_bounds, subjects
from benchmarks.meter_rig.shapes import SHAPES, Shape
from benchmarks.meter_rig.subjects import OURS, PEERS
from benchmarks.meter_rig.windows import Measured, Plan, read_plan, read_results
from tests.support import simulated_driver

pytestmark = pytest.mark.wall_clock

CODECARBON = ("codecarbon start/stop", "codecarbon task")
needs_zeus = pytest.mark.skipif(
    importlib.util.find_spec("zeus") is None,
    reason="Zeus is not installed (benchmarks/requirements.txt)",
)


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("cc") is None:
        pytest.skip("no C compiler (cc) to build the simulated driver with")
    return simulated_driver.build(tmp_path_factory.mktemp("driver"))


def test_rows_made_for_the_benchmark_are_rows_the_program_believes(tmp_path, capsys):
    write_rows(tmp_path / "rows", 12)
    assert orchestration._measure_rows(tmp_path / "rows") == 0
    figures = json.loads(capsys.readouterr().out)
    assert set(figures) == {"plan_seconds", "aggregate_seconds", "peak_megabytes"}
    table = (tmp_path / "rows/results/master_results.csv").read_text().splitlines()
    assert len(table) == 1 + 12
    assert all(",finished," in line for line in table[1:])


def test_every_command_is_measured_on_rows_that_the_same_batch_finds_finished(tmp_path):
    folder = tmp_path / "rows"
    write_rows(folder, 12)
    reports = {path: path.read_bytes() for path in folder.rglob(REPORT_FILE)}
    for command in many_runs.commands(folder).values():
        found = many_runs.measure_command(command)
        assert set(found) == {"seconds", "cpu_seconds", "megabytes"}
    assert len(reports) == 12
    assert {path: path.read_bytes() for path in folder.rglob(REPORT_FILE)} == reports


def test_what_is_done_again_and_again_is_measured_by_the_names_of_its_bounds(tmp_path):
    write_rows(tmp_path / "rows", 2 * TIMES)
    for name, measure in MEASURES.items():
        figures = measure(tmp_path / "rows/results", 2 * TIMES)
        assert set(figures) == {*LARGEST_SECONDS[name], "megabytes"}


def test_a_sweep_over_rows_of_the_catalog_is_compared_with_its_lower_bound(tmp_path):
    filled = sweep.fill(tmp_path, rows=3, seconds=0.2)
    assert len(filled.runs) == 3
    assert filled.lower_bound <= filled.makespan


def test_a_sweep_is_held_to_the_longest_run_or_to_all_gpu_seconds():
    wide, narrow = sweep.Spent(0, 10, 8), sweep.Spent(10, 14, 1)
    filled = sweep.Filled(command_seconds=15, runs=[wide, narrow], launch_seconds=1)
    assert filled.lower_bound == 10.5
    assert not replace(filled, launch_seconds=3.9).is_kept
    assert replace(filled, launch_seconds=4).is_kept


# ------------------------------------------------------------------ the truth


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)
def test_the_truth_of_a_shape_is_its_power_summed_up(shape: Shape) -> None:
    busy = (3.1, 7.7)
    begin, end, pieces = 1.234, 9.021, 20000
    step = (end - begin) / pieces
    edges = [begin + number * step for number in range(pieces + 1)]
    parts = [shape.joules(a, b, busy) for a, b in pairwise(edges)]
    assert sum(parts) == pytest.approx(shape.joules(begin, end, busy), rel=1e-9)
    watts = sorted({round(part / step) for part in parts})
    extremes = {"constant": (350, 350), "square": (100, 700), "ramp": (100, 700)}
    assert (watts[0], watts[-1]) == extremes.get(shape.name, (100, 600))


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)
def test_the_driver_draws_what_the_shape_says(driver: Path, tmp_path: Path, shape: Shape) -> None:
    program = """
import json, time, pynvml
from tests.support import simulated_driver
pynvml.nvmlInit()
begin = time.monotonic()
time.sleep(0.15)
begun = time.monotonic(); simulated_driver.work(True)
time.sleep(0.3)
ended = time.monotonic(); simulated_driver.work(False)
time.sleep(0.15)
end = time.monotonic()
joules = simulated_driver.joules_until(end) - simulated_driver.joules_until(begin)
print(json.dumps([begin, begun, ended, end, joules]))
"""
    environment = simulated_driver.environment(driver, **shape.behaviour)
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=subjects.environment(tmp_path, environment),
        capture_output=True,
        text=True,
        check=True,
    )
    begin, begun, ended, end, joules = json.loads(done.stdout)
    truth = shape.joules(begin, end, (begun, ended))
    # The two switches lie up to a moment after the times taken before them.
    assert joules == pytest.approx(truth, rel=0.02 if shape.name == "work" else 1e-6)


# ------------------------------------------------------------------ the windows


def measure(folder: Path, driver: Path, shape: str, *groups: tuple[str, ...]) -> list[Measured]:
    plan = Plan(shape=shape, lengths=((0.2, 3),), groups=groups, seed=7, folder=str(folder / shape))
    windows = meters.measure_shapes(folder, driver, [plan], jobs=1)
    assert len(windows) == plan.windows
    assert read_plan(folder / shape / "plan.json") == plan
    assert read_results(plan.results_path) == windows
    return windows


@pytest.mark.parametrize("shape", ["constant", "work"])
def test_our_meter_is_measured_and_is_near_the_truth(driver, tmp_path, shape) -> None:
    windows = measure(tmp_path, driver, shape, (OURS,))
    for window in windows:
        assert window.seconds >= 0.2 * 0.85
        watts = 350 if shape == "constant" else 600
        assert window.truth_joules == pytest.approx(watts * window.seconds, rel=0.1)
        # An edge that is not aligned is wrong by a whole step: half of such a window.
        assert window.joules == pytest.approx(window.truth_joules, rel=0.1)


def test_both_ways_of_codecarbon_share_windows_and_see_the_device(driver, tmp_path) -> None:
    windows = measure(tmp_path, driver, "constant", CODECARBON)
    assert {window.meter for window in windows} == set(CODECARBON)
    for window in windows:
        # Whole steps of 100 ms, 35 J each, and at least one of them falls into 0.17 s.
        assert window.joules is not None
        assert window.joules / 35 == pytest.approx(round(window.joules / 35), abs=0.01)
        assert window.joules > 30


@needs_zeus
def test_zeus_is_measured(driver: Path, tmp_path: Path) -> None:
    windows = measure(tmp_path, driver, "constant", ("zeus", "zeus instant"))
    assert {window.meter for window in windows} == {"zeus", "zeus instant"}
    assert all(window.joules and window.joules > 30 for window in windows)


def test_a_failing_measurement_ends_the_comparison_with_its_log(driver, tmp_path) -> None:
    plan = Plan("constant", ((0.2, 1),), (("no such meter",),), 1, str(tmp_path / "x"))
    with pytest.raises(SystemExit, match="constant cannot be measured"):
        meters.measure_shapes(tmp_path, driver, [plan], jobs=1)


# ------------------------------------------------------------------ the bounds


def window(meter: str, shape: str, nominal: float, error_percent: float | None) -> Measured:
    joules = None if error_percent is None else 100 + error_percent
    return Measured(meter, shape, nominal, nominal, 100.0, joules)


def all_windows(ours: float = 0.001, peers: float = 5.0) -> list[Measured]:
    return [
        window(meter, shape.name, length, ours if meter == OURS else peers)
        for shape in SHAPES
        for length in (0.2, 1.0, 5.0)
        for meter in (OURS, *PEERS)
    ]


def broken(windows: list[Measured]) -> list[str]:
    found = bounds.accuracy_bounds(bounds.cells(windows), (0.2, 1.0, 5.0))
    return [bound.what for bound in found if not bound.kept]


def test_a_cell_holds_median_largest_and_root_mean_square() -> None:
    errors = [-1.0, 2.0, -4.0]
    (cell,) = bounds.cells([window(OURS, "ramp", 1.0, error) for error in errors])
    assert (cell.windows, cell.unread) == (3, 0)
    assert cell.median == pytest.approx(2)
    assert cell.largest == pytest.approx(4)
    assert cell.rms == pytest.approx(math.sqrt(7))
    assert "2 / 4 / 2.65" in bounds.table([cell])


def test_all_bounds_are_kept_by_a_good_meter_and_none_is_missing() -> None:
    found = bounds.accuracy_bounds(bounds.cells(all_windows()), (0.2, 1.0, 5.0))
    assert all(bound.kept for bound in found)
    assert len(found) == 3 * 2 * 2 + 3 * 2 + 2 + 1


@pytest.mark.parametrize(
    ("shape", "length", "error", "said"),
    [
        ("constant", 0.2, 3.5, ["median", "largest"]),
        ("work", 1.0, 0.06, ["median"]),
        ("constant", 5.0, 0.03, ["median"]),
        ("square", 5.0, 3.6, ["root mean square"]),
        ("ramp", 1.0, 1.3, ["median"]),
    ],
)
def test_a_bound_that_is_not_kept_is_named(shape, length, error, said) -> None:
    worse = [
        replace(one, joules=100 + error)
        if (one.meter, one.shape, one.nominal_seconds) == (OURS, shape, length)
        else one
        for one in all_windows()
    ]
    names = broken(worse)
    assert len(names) == len(said)
    assert all(
        f"{shape}, {length:g} s, {what}" in name for what, name in zip(said, names, strict=True)
    )


def test_a_window_without_a_figure_and_a_peer_that_is_missing_keep_no_bound() -> None:
    unread = [*all_windows(), window(OURS, "work", 1.0, None)]
    assert broken(unread) == [
        "ours, work, 1 s, median",
        "ours, work, 1 s, largest",
        "ours: windows without a figure",
    ]
    without = [one for one in all_windows() if one.meter != "zeus"]
    assert len(broken(without)) == 8
    assert all("best peer's" in name for name in broken(without))


# ------------------------------------------------------------------ the costs


def test_costs_are_measured_where_they_arise(driver: Path, tmp_path: Path) -> None:
    ours = cost_bounds.measure_one(tmp_path, driver, "creation", OURS)
    theirs = cost_bounds.measure_one(tmp_path, driver, "creation", "codecarbon task")
    edges = cost_bounds.measure_one(tmp_path, driver, "window_cpu", OURS, "3")
    beside = cost_bounds.measure_one(tmp_path, driver, "sampler_cpu", "0.5")
    change = cost_bounds.measure_one(tmp_path, driver, "throughput", "2")
    assert ours["waiting_seconds"] > 0
    assert theirs["waiting_seconds"] == 0
    assert 0 < edges["edges_median_ms"] <= edges["edges_largest_ms"]
    assert beside["beside_percent"] > 0
    assert change["steps_per_second"] > 0
    costs = {
        f"creation {OURS}": ours,
        "creation codecarbon task": theirs,
        f"window_cpu {OURS}": edges,
        "sampler_cpu": beside,
        "throughput": change,
    }
    assert len(cost_bounds.bounds(costs)) == 4
    assert "| throughput | steps_per_second |" in cost_bounds.table(costs)


def test_bounds_of_costs() -> None:
    costs = {
        f"creation {OURS}": {"making_seconds": 0.1},
        "creation codecarbon task": {"making_seconds": 1.5},
        f"window_cpu {OURS}": {"edges_median_ms": 0.1},
        "sampler_cpu": {"beside_percent": 0.6, "here_percent": 0.1},
        "throughput": {"change_percent": -0.4},
    }
    assert all(bound.kept for bound in cost_bounds.bounds(costs))
    for what, figure, value in (
        (f"creation {OURS}", "making_seconds", 0.2),
        (f"window_cpu {OURS}", "edges_median_ms", 2.1),
        ("sampler_cpu", "beside_percent", 1.0),
        ("throughput", "change_percent", -1.1),
    ):
        worse = {**costs, what: {**costs[what], figure: value}}
        assert sum(not bound.kept for bound in cost_bounds.bounds(worse)) == 1
    alone = {name: figures for name, figures in costs.items() if "codecarbon" not in name}
    assert sum(not bound.kept for bound in cost_bounds.bounds(alone)) == 1
