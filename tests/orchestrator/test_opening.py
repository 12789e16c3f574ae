"""What a sweep finds in its directory when it opens, and what it makes of that."""

import csv
from dataclasses import replace
from pathlib import Path

import pytest

from benchmark_core.contract import BackendSpec, RunSpec
from benchmark_core.report.run_report import RunReport
from orchestrator.engines.base import Leftover
from orchestrator.errors import UsageError
from orchestrator.gpus import choose_gpus
from orchestrator.outcome import Outcome
from orchestrator.run_directory import RunDirectory
from orchestrator.run_folder import RunFolder
from orchestrator.settings import Settings
from orchestrator.stop_request import StopRequest
from orchestrator.todo import decide
from tests.support import builders
from tests.support.runner import HEADER
from tests.support.settings import settings
from tests.support.sweeps import Heard, plan_of, sweep

ROW = "sim/m,1,A,text_gen,Off,\n"
RUN = "sim_m_Off"


def chosen(place: Path, fault: str = "", *flags: str) -> Settings:
    (place / "models.csv").write_text(HEADER + ROW)
    said = f"fault: {fault}" if fault else "seconds_per_sample: 0.01"
    (place / "simulation.yaml").write_text(f"default: {{{said}}}\n")
    return settings(
        *("--csv", str(place / "models.csv"), "--backend", "simulated", "--engine", "process"),
        *("--simulation", str(place / "simulation.yaml"), "--num-prompts", "2"),
        *("--repetitions", "1", "--output-dir", str(place / "results"), *flags),
    )


def folder(place: Path) -> RunFolder:
    return RunDirectory(place / "results").folder(RUN)


def row(place: Path) -> dict[str, str]:
    with (place / "results" / "master_results.csv").open(newline="") as stream:
        (found,) = csv.DictReader(stream)
    return found


def test_a_run_that_ended_unwatched_has_the_times_of_its_own(tmp_path: Path) -> None:
    sweep(chosen(tmp_path))
    folder(tmp_path).outcome_path.unlink()
    report = RunReport.read(folder(tmp_path).report_path)
    found = sweep(chosen(tmp_path))
    assert (found.finished, found.skipped) == (1, 1)
    outcome = folder(tmp_path).outcome()
    assert outcome is not None
    assert (outcome.started_at, outcome.finished_at) == (report.started_at, report.finished_at)
    assert row(tmp_path)["timestamp"] == report.finished_at
    assert float(row(tmp_path)["run_seconds"]) > 0


def make_real(place: Path) -> None:
    """As if what failed there had been measured."""
    one = folder(place)
    spec = RunSpec.read(one.spec_path).model_copy(update={"backend": BackendSpec(name="pytorch")})
    outcome = Outcome.read(one.outcome_path)
    one.spec_path.write_text(spec.to_json())
    one.relaunch(builders.launch(rehearsal=False))
    real = outcome.model_copy(update={"spec_hash": spec.spec_hash()})
    one.outcome_path.write_text(real.to_json())


def test_a_rehearsal_never_takes_the_place_of_a_real_run(tmp_path: Path) -> None:
    sweep(chosen(tmp_path, "crash"))
    make_real(tmp_path)
    before = folder(tmp_path).outcome_path.read_bytes()
    with pytest.raises(UsageError) as refused:
        sweep(chosen(tmp_path))
    assert "would be a rehearsal in the place of a real run" in str(refused.value)
    assert folder(tmp_path).outcome_path.read_bytes() == before
    assert folder(tmp_path).attempts() == 0
    assert sweep(chosen(tmp_path, "", "--replace")).finished == 1
    assert folder(tmp_path).attempts() == 1


def test_a_real_model_on_a_simulated_driver_is_a_rehearsal_like_any_other(tmp_path: Path) -> None:
    """What failed there on such GPUs may be made again on them with other settings."""
    wanted = replace(chosen(tmp_path), backend="pytorch", device="cuda", simulation=None)
    gpus = choose_gpus("simulated:1", [])
    plan = plan_of(wanted, gpus)
    (run,) = plan.runs
    directory = RunDirectory(tmp_path / "results")
    directory.create()
    other = run.spec.model_copy(update={"repetitions": run.spec.repetitions + 1})
    launch = builders.launch(rehearsal=True)
    directory.folder(RUN).prepare(other, launch)
    directory.folder(RUN).record(other, launch, builders.outcome(other, "failed"))
    assert decide(plan, directory, wanted, gpus, {}).conflicts == []
    real = [replace(gpu, name="NVIDIA H100", simulated=False) for gpu in gpus]
    (conflict,) = decide(plan, directory, wanted, real, {}).conflicts
    assert "would be a real run in the place of a rehearsal" in str(conflict)


def test_a_failed_run_that_waits_for_another_try_has_failed_where_the_user_stops(
    tmp_path: Path,
) -> None:
    stop = StopRequest()
    heard = Heard(on_retry=lambda run_id: stop.interrupt())
    found = sweep(chosen(tmp_path, "hub_unreachable", "--retries", "2"), heard=heard, stop=stop)
    assert (found.failed, found.not_started, found.interrupted) == (1, 0, 0)
    assert found.to_be_tried_again == 1


def test_what_had_failed_before_and_was_not_begun_has_not_started(tmp_path: Path) -> None:
    sweep(chosen(tmp_path, "out_of_memory"))
    stop = StopRequest()
    stop.interrupt()
    found = sweep(chosen(tmp_path, "out_of_memory", "--rerun-failed"), stop=stop)
    assert (found.failed, found.not_started, found.to_be_tried_again) == (0, 1, 0)


@pytest.mark.parametrize("readable", [True, False])
def test_a_run_that_goes_on_is_taken_over_only_if_its_launch_can_be_read(
    tmp_path: Path, readable: bool
) -> None:
    sweep(chosen(tmp_path))
    one = folder(tmp_path)
    one.outcome_path.unlink()
    if not readable:
        one.launch_path.write_text("{")
    wanted = chosen(tmp_path)
    plan = plan_of(wanted, choose_gpus(wanted.gpus, []))
    spec_hash = plan.runs[0].spec_hash
    alive = Leftover(key="1", run_id=RUN, spec_hash=spec_hash, alive=True)
    (todo,) = decide(plan, RunDirectory(tmp_path / "results"), wanted, (), {}, [alive]).todos
    assert todo.leftover == (alive if readable else None)
