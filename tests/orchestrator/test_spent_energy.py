"""The GPU energy spent on runs: the same wherever it is told, whatever came of the attempts."""

import json

import pytest

from benchmark_core.contract import BackendSpec, DeviceSpec
from benchmark_core.report.energy import EnergySources
from benchmark_core.report.judgement import Verdict
from orchestrator.__main__ import main
from orchestrator.lease import JOB_FILE
from orchestrator.morning.template import energy, render
from orchestrator.morning_report import make_page
from orchestrator.notification import make_message
from tests.support import builders, foreign_results as foreign
from tests.support.night import BEGIN, CARBON, Night
from tests.support.traces import two_gpus, write_trace

FIGURES = ("spent_gpu_energy_wh", "simulated_gpu_energy_wh", "untold_attempts")
TRACE_WH = 400 / 3600
ON_GPU, ON_CPU = DeviceSpec(kind="cuda", gpu_count=1), DeviceSpec(kind="cpu", gpu_count=0)
SERVED_HERE = BackendSpec(name="vllm", serve_image="vllm")
SERVED_ELSEWHERE = BackendSpec(name="vllm", endpoint="http://localhost:8000/v1")


@pytest.fixture
def night(tmp_path):
    return Night(tmp_path / "night")


def told(night, capsys):
    """By status, page and message."""
    assert main(["status", str(night.directory.root), "--json"]) == 0
    status = json.loads(capsys.readouterr().out)
    page = make_page(night.directory, BEGIN)
    run_ids = [folder.run_id for folder in night.directory.folders()]
    message = make_message(night.directory, run_ids, 1.0, broke_off=False)
    drawn = page.spent.wh is not None and f"{energy(page.spent.wh)}: all that the GPUs drew"
    assert not drawn or drawn in render(page)
    return [
        {name: one[name] for name in FIGURES} for one in (status, page.spent.document(), message)
    ]


def traced(folder):
    write_trace(folder.path / "power_trace.csv", two_gpus(1.0))
    return folder


def failed(night, run_id):
    night.add(run_id, 30, failure=("timeout", "too slow"))
    return night.directory.folder(run_id)


def test_status_page_and_message_tell_the_same(night, tmp_path, capsys):
    table = tmp_path / "imported.csv"
    table.write_text(foreign.table(foreign.COLUMNS_21, [foreign.master_row()]))
    assert main(["import", str(table), "--output-dir", str(night.directory.root)]) == 0
    capsys.readouterr()
    night.add("finished", 30, wh=10.0)
    night.add("invalid", 30, wh=20.0, verdict=Verdict(verdict="invalid", reasons=("x",)))
    traced(failed(night, "failed"))
    failed(night, "failed_untold")
    night.add("again", 30, wh=1.0)
    traced(failed(night, "again"))
    night.add("again", 30, wh=2.0)
    night.add("rehearsal", 30, wh=4.0, rehearsal=True)
    queued = traced(failed(night, "queued"))
    night.begin("queued")
    (queued.path / JOB_FILE).write_text("{}")
    running = traced(night.begin("running"))
    damaged = traced(failed(night, "damaged"))
    damaged.outcome_path.write_text("{")
    night.end(())
    with running.lock():
        figures = told(night, capsys)
    wh = (10.0 + 20.0 + 1.0 + 2.0) * 10.4 + 4 * TRACE_WH
    for found in figures:
        assert found["spent_gpu_energy_wh"] == pytest.approx(wh)
        assert found["simulated_gpu_energy_wh"] == pytest.approx(4.0 * 10.4)
        assert found["untold_attempts"] == 2


def test_without_a_report_a_rehearsal_is_what_was_asked_as_one(night, capsys):
    """Whatever the last sweep of the directory was."""
    rehearsed = night.directory.folder("rehearsed")
    rehearsed.prepare(builders.spec(run_id="rehearsed"), builders.launch())
    traced(rehearsed)
    traced(night.begin("cut_off"))
    for found in told(night, capsys):
        assert found["simulated_gpu_energy_wh"] == pytest.approx(TRACE_WH)
        assert found["spent_gpu_energy_wh"] == pytest.approx(TRACE_WH)


def test_a_real_model_on_a_simulated_driver_is_a_rehearsal_before_it_finishes(night, capsys):
    """Running, failed or cut off."""
    launch = builders.launch(rehearsal=True)
    for name in ("running", "failed", "cut_off"):
        spec = builders.spec(run_id=name, backend=BackendSpec(name="pytorch"))
        folder = night.directory.folder(name)
        folder.prepare(spec, launch)
        traced(folder)
        if name == "failed":
            folder.record(spec, launch, builders.outcome(spec, "failed"))
    with night.directory.folder("running").lock():
        figures, page = told(night, capsys), make_page(night.directory, BEGIN)
    for found in figures:
        assert found["simulated_gpu_energy_wh"] == pytest.approx(3 * TRACE_WH)
        assert found["spent_gpu_energy_wh"] is None
    assert page.rehearsals == 3


@pytest.mark.parametrize(
    ("changes", "outcome", "untold"),
    [
        ({}, "failed: timeout", 1),
        ({}, "failed: not_started", 0),
        ({"device": ON_CPU}, "failed: timeout", 0),
        ({"device": ON_CPU}, "interrupted", 0),
        # Its server had the GPUs, here or elsewhere.
        ({"backend": SERVED_HERE}, "failed: not_started", 1),
        ({"backend": SERVED_ELSEWHERE, "device": ON_CPU}, "failed: timeout", 1),
    ],
)
def test_nothing_is_untold_of_what_was_given_no_gpu_or_never_started(
    night, capsys, changes, outcome, untold
):
    fields = {"backend": BackendSpec(name="pytorch"), "device": ON_GPU}
    spec = builders.spec(run_id="run", **(fields | changes))
    folder = night.directory.folder("run")
    for _ in range(2):
        folder.prepare(spec, builders.launch())
        name, _, reason = outcome.partition(": ")
        ended = builders.outcome(spec, name).model_copy(update={"reason": reason})
        folder.record(spec, folder.launch(), ended)
    for found in told(night, capsys):
        assert found == dict.fromkeys(FIGURES) | {"untold_attempts": 2 * untold}


def test_its_co2_is_that_of_the_one_grid_of_all_runs(night):
    night.add("a", 30, wh=10.0)
    traced(failed(night, "b"))
    page = make_page(night.directory, BEGIN)
    wh = 104.0 + TRACE_WH
    assert page.origin.co2_g(page.spent.wh) == pytest.approx(wh / 1000 * 473)
    elsewhere = CARBON.model_copy(update={"factor_g_per_kwh": 20.0})
    night.add("rehearsal", 30, rehearsal=True, carbon=elsewhere)
    page = make_page(night.directory, BEGIN)
    assert page.origin.co2_g(page.spent.wh) == pytest.approx(wh / 1000 * 473)
    night.add("c", 30, carbon=elsewhere)
    page = make_page(night.directory, BEGIN)
    assert page.origin.co2_g(page.spent.wh) is None


def test_a_measured_run_without_a_grid_leaves_the_co2_unknown(night):
    night.add("a", 30, wh=10.0)
    night.add("on_cpu", 30, wh=None, carbon=None, energy_sources=EnergySources())
    page = make_page(night.directory, BEGIN)
    assert page.origin.co2_g(page.spent.wh) == pytest.approx(104.0 / 1000 * 473)
    night.add("b", 30, carbon=None)
    page = make_page(night.directory, BEGIN)
    assert page.origin.co2_g(page.spent.wh) is None
