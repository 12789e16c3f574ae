"""Whole runs on the simulated driver: every fault gets its reason, and no fault gives a figure.

The real bindings, the real sampling process, a backend that sleeps. Each run is a process of its
own, because the driver library is chosen when a process starts; a few run at a time.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from benchmark_core.contract import BackendSpec, DeviceSpec, RunSpec, SampleSource, Simulation
from benchmark_core.power_trace import rows
from benchmark_core.report.run_report import RunReport
from tests.support import builders, simulated_driver
from tests.support.simulated_driver import uuid
from tests.support.tries import per_try

pytestmark = pytest.mark.wall_clock

ROOT = Path(__file__).parents[2]
WATTS = 350.0
AT_ONCE = 3
IDLE_SECONDS = 0.6
# All drivers are simulated, and all models on the CPU.
USUAL = {"rehearsal", "model_not_on_gpu"}
# When the first repetition has surely begun, and not yet all of them are done.
DURING = 5.0

# The behaviour of the driver, what the verdict is, and every reason for it beside the usual ones.
FINISHED: dict[str, tuple[dict[str, object], str, set[str]]] = {
    "nothing": ({}, "flagged", set()),
    "foreign_before": ({"foreign": "0:1.2"}, "flagged", {"foreign_process_before"}),
    "foreign_during": (
        {"foreign": f"{DURING}:1000"},
        "invalid",
        {"foreign_process_during", "foreign_process_after"},
    ),
    "throttle": ({"throttle": "0:1000"}, "flagged", {"throttled"}),
    "power_cap": ({"limit_change": f"{DURING}:500"}, "invalid", {"power_limit_changed"}),
    "disagreeing": ({"power_scale": "1.2"}, "flagged", {"meters_disagree"}),
    "no_counter": ({"fault": "no_energy"}, "flagged", {"gpu_energy_integrated_from_power"}),
    "warming": ({"celsius": "40:90:12"}, "flagged", {"temperature_drift"}),
    "no_power": ({"fault": "no_power"}, "flagged", {"not_at_rest", "trace_incomplete"}),
    "nan_power": (
        {"fault": f"nan_power:{DURING}"},
        "flagged",
        {"trace_incomplete"},
    ),
}
FAILED: dict[str, tuple[dict[str, object], str]] = {
    "reset": ({"fault": f"reset_after:{DURING}"}, "counter_reset"),
    "lost": ({"fault": f"lost_after:{DURING}"}, "gpu_lost"),
    "stuck": ({"fault": f"stuck_after:{DURING}"}, "counter_stuck"),
    "no_value": ({"fault": f"no_value:{DURING}"}, "counter_without_value"),
    "no_driver": ({"fault": "no_driver"}, "driver_error"),
    "neither": ({"fault": "no_energy;no_power"}, "power_not_readable"),
    "power_lost": ({"fault": "no_energy;nan_power:3"}, "power_not_readable"),
    "mig": ({"mig": 1}, "driver_error"),
}


def spec(**changes: Any) -> RunSpec:
    simulation = Simulation(seconds_per_sample=0.15, load_seconds=0.2)
    fields: dict[str, Any] = {
        "backend": BackendSpec(name="simulated", simulation=simulation),
        "device": DeviceSpec(kind="cpu", gpu_count=1),
        "meters": ("nvml",),
        "samples": SampleSource(synthetic=True, count=3),
        "repetitions": 3,
        "idle_seconds": IDLE_SECONDS,
    }
    return builders.spec(**(fields | changes))


def measure(folder: Path, driver: Path, asked: RunSpec, **behaviour: object) -> RunReport:
    """Run it in a process that sees the simulated devices; answers its report."""
    measure_all([prepare(folder, asked)], driver, **behaviour)
    return report_of(folder)


def prepare(folder: Path, asked: RunSpec) -> Path:
    folder.mkdir(parents=True)
    (folder / "run_spec.json").write_text(asked.to_json())
    gpus = tuple(uuid(index) for index in range(asked.device.gpu_count))
    (folder / "launch.json").write_text(builders.launch(gpu_uuids=gpus).to_json())
    return folder


def measure_all(folders: Sequence[Path], driver: Path, **behaviour: object) -> None:
    environment = simulated_driver.environment(driver, **({"watts": WATTS} | behaviour))
    done = subprocess.run(
        [sys.executable, "-m", "benchmark_core", "run", *folders],
        env=environment | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert all((folder / "benchmark_report.json").exists() for folder in folders), done.stderr


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("cc") is None:
        pytest.skip("no C compiler (cc) to build the simulated driver with")
    return simulated_driver.build(tmp_path_factory.mktemp("driver"))


@pytest.fixture(scope="module")
def measured() -> dict[int, dict[str, Path]]:
    return {}


@pytest.fixture
def runs(
    request: pytest.FixtureRequest,
    measured: dict[int, dict[str, Path]],
    driver: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, Path]:
    """The folders of all runs, measured a few at a time."""

    def measure_cases() -> dict[str, Path]:
        place = tmp_path_factory.mktemp("runs")
        behaviours = {name: case[0] for name, case in {**FINISHED, **FAILED}.items()}
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for name, behaviour in behaviours.items():
                pool.submit(measure, place / name, driver, spec(), **behaviour)
        return {name: place / name for name in behaviours}

    return per_try(request, measured, measure_cases)


def report_of(folder: Path) -> RunReport:
    return RunReport.read(folder / "benchmark_report.json")


@pytest.mark.parametrize("name", FINISHED)
def test_a_finished_run_says_what_speaks_against_its_figure(
    runs: dict[str, Path], name: str
) -> None:
    _, verdict, reasons = FINISHED[name]
    report = report_of(runs[name])
    assert report.failure is None
    assert report.verdict is not None
    assert set(report.verdict.reasons) - USUAL == reasons
    assert report.verdict.verdict == verdict
    assert report.official is not None
    assert not report.official.official


@pytest.mark.parametrize("name", FAILED)
def test_a_meter_that_fails_leaves_a_reason_and_no_figure(runs: dict[str, Path], name: str) -> None:
    _, reason = FAILED[name]
    report = report_of(runs[name])
    assert report.failure is not None
    assert report.failure.kind == "meter_failed"
    assert report.failure.remedy
    assert report.verdict is not None
    assert report.verdict.verdict == "invalid"
    assert report.verdict.reasons == (reason,)
    assert report.summary is None
    assert not (runs[name] / "GPU_ENERGY_WH.txt").exists()
    summary = json.loads((runs[name] / "GPU_ENERGY_SUMMARY.json").read_text())
    assert summary["total"] is None
    assert summary["not_measured_because"]


def test_an_undisturbed_run_knows_where_its_energy_went(runs: dict[str, Path]) -> None:
    report = report_of(runs["nothing"])
    ledger = report.ledger
    assert ledger is not None
    names = [entry.name for entry in ledger.entries]
    passes = ["preprocess", "prefill", "generate"]
    repeated = [f"{name} {number}" for number in (1, 2, 3) for name in passes]
    assert names == ["idle_before", "load", "warm_up", *repeated, "idle_after"]
    assert ledger.total_joules == pytest.approx(WATTS * ledger.total_seconds, rel=0.01)
    assert ledger.residual_share == pytest.approx(0, abs=0.02)
    for entry in ledger.entries:
        assert entry.gpu_joules == pytest.approx(
            WATTS * entry.duration_seconds, rel=0.03, abs=WATTS * 0.005
        )


def test_power_at_rest_is_told_and_not_subtracted(runs: dict[str, Path]) -> None:
    report = report_of(runs["nothing"])
    assert report.idle is not None
    assert report.summary is not None
    assert report.summary.gpu_energy_wh is not None
    assert report.idle.before_watts == pytest.approx(WATTS, rel=0.02)
    assert report.idle.after_watts == pytest.approx(WATTS, rel=0.02)
    energy_wh = report.summary.gpu_energy_wh.mean
    assert energy_wh > 0
    assert report.idle.active_energy_wh == pytest.approx(0, abs=0.05 * energy_wh)
    gate = report.thermal_gate
    assert gate is not None
    assert gate.settled
    assert gate.waited_seconds >= IDLE_SECONDS
    assert gate.at_rest[uuid(0)].watts == pytest.approx(WATTS)


def test_the_trace_shows_every_window(runs: dict[str, Path]) -> None:
    report = report_of(runs["nothing"])
    trace = list(rows(runs["nothing"] / "power_trace.csv"))
    assert report.ledger is not None
    assert report.trace is not None
    assert {row.phase for row in trace} <= {"", *(entry.name for entry in report.ledger.entries)}
    for entry in report.ledger.entries:
        inside = [row for row in trace if row.phase == entry.name]
        assert inside or entry.duration_seconds < 0.1
        for row in inside:
            assert row.seconds >= entry.opened_at_seconds - 0.002
            assert row.seconds <= entry.opened_at_seconds + entry.duration_seconds + 0.002
    assert report.trace.rate_hertz >= 10
    assert report.trace.disagreement == pytest.approx(0, abs=0.02)


def test_without_a_counter_the_power_is_integrated_and_the_source_says_so(
    runs: dict[str, Path],
) -> None:
    report = report_of(runs["no_counter"])
    assert report.energy_sources.gpu is not None
    assert "power samples" in report.energy_sources.gpu.method
    assert report.energy_sources.gpu.integrated
    for repetition in report.repetitions:
        for window in repetition.windows:
            if window.duration_seconds > 0.1:
                joules = WATTS * window.duration_seconds
                assert window.reading.gpu_joules == pytest.approx(joules, rel=0.02)


def test_a_counter_and_readings_that_disagree_are_both_told(runs: dict[str, Path]) -> None:
    trace = report_of(runs["disagreeing"]).trace
    assert trace is not None
    assert trace.disagreement == pytest.approx(0.2, abs=0.02)


def test_of_eight_devices_exactly_the_own_one_counts(driver: Path, tmp_path: Path) -> None:
    watts = [100, 200, 300, 400, 500, 600, 650, 700]
    asked = spec(idle_seconds=None, repetitions=1)
    folder = tmp_path / "own"
    folder.mkdir()
    (folder / "run_spec.json").write_text(asked.to_json())
    (folder / "launch.json").write_text(builders.launch(gpu_uuids=(uuid(4),)).to_json())
    environment = simulated_driver.environment(driver, gpus=8, watts=",".join(map(str, watts)))
    subprocess.run(
        [sys.executable, "-m", "benchmark_core", "run", folder],
        env=environment | {"PYTHONPATH": str(ROOT)},
        check=True,
        capture_output=True,
    )
    (repetition,) = report_of(folder).repetitions
    for window in repetition.windows[1:]:
        assert set(window.reading.gpu_joules_by_device or ()) == {uuid(4)}
        assert window.reading.gpu_joules == pytest.approx(
            500 * window.duration_seconds, rel=0.01, abs=500 * 0.002
        )


def test_a_run_that_shares_the_load_knows_where_its_own_energy_went(
    driver: Path, tmp_path: Path
) -> None:
    asked = spec(repetitions=1, idle_seconds=0.5)
    folders = [
        prepare(tmp_path / name, asked.model_copy(update={"run_id": name})) for name in ("a", "b")
    ]
    measure_all(folders, driver, watts=WATTS)
    first, second = map(report_of, folders)
    passes = ["preprocess 1", "prefill 1", "generate 1"]
    assert second.model_load_shared_with == "a"
    for report, loading in ((first, ["load"]), (second, [])):
        assert report.verdict is not None and report.ledger is not None
        assert set(report.verdict.reasons) == USUAL
        names = [entry.name for entry in report.ledger.entries]
        assert names == ["idle_before", *loading, "warm_up", *passes, "idle_after"]
        assert report.ledger.residual_share == pytest.approx(0, abs=0.05)
        assert report.thermal_gate is not None and report.idle is not None
        assert report.idle.after_watts == pytest.approx(WATTS, rel=0.02)
    assert first.idle is not None and first.idle.before_watts is not None
    assert second.idle is not None
    assert (second.idle.before_watts, second.idle.active_energy_wh) == (None, None)
