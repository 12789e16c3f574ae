"""A catalog, and an output directory in which each of its rows is finished, for benchmarks."""

import contextlib
import io
from pathlib import Path

from benchmark_core.contract import LAUNCH_FILE, OUTCOME_FILE, REPORT_FILE, SPEC_FILE, Launch
from benchmark_core.reported_run import run as make_run
from model_config_parser import ModelConfigParser
from orchestrator.outcome import Outcome
from orchestrator.run_directory import RunDirectory
from orchestrator.run_planner import REFERENCE_GPUS, Plan, PlannedRun, make_plan
from orchestrator.settings_sources import from_arguments
from orchestrator.simulation_file import read_simulations

HEADER = "Models to Add,Priority (1=hi),Class,Task,Reasoning State,Chat Template\n"
MOMENT = "2026-01-01T00:00:00+00:00"


def batch_flags(folder: Path) -> list[str]:
    """Of the batch that has left `folder`; given again, it finds every run finished."""
    return [
        *("--csv", str(folder / "models.csv"), "--output-dir", str(folder / "results")),
        *("--engine", "process", "--backend", "simulated", "--num-prompts", "2"),
        *("--simulation", str(folder / "simulation.yaml"), "--gpus", "simulated:8"),
    ]


def plan_of(folder: Path) -> Plan:
    import batch_runner

    settings = from_arguments(batch_runner.build_parser().parse_args(batch_flags(folder)), {})
    configs = ModelConfigParser(settings.csv).parse()
    simulations = read_simulations(folder / "simulation.yaml")
    return make_plan(configs, settings, REFERENCE_GPUS, None, simulations)


def write_rows(folder: Path, rows: int) -> None:
    """In `folder` the catalog `models.csv` and the directory `results`, as a sweep leaves them.

    The first run is really made; the others are it, under their own names.
    """
    folder.mkdir()
    lines = [f"sim/m{n},1,A,text_gen,Off,\n" for n in range(rows)]
    (folder / "models.csv").write_text(HEADER + "".join(lines))
    (folder / "simulation.yaml").write_text("default: {seconds_per_sample: 0.0}\n")
    directory = RunDirectory(folder / "results")
    directory.create()
    first, *others = plan_of(folder).runs
    texts = _make(directory, first)
    for own in others:
        path = directory.folder(own.run_id).path
        path.mkdir()
        (path / SPEC_FILE).write_text(own.spec.to_json())
        for name, text in texts.items():
            (path / name).write_text(_renamed(text, first, own))


def _make(directory: RunDirectory, run: PlannedRun) -> dict[str, str]:
    """The files that the others take over, by name."""
    folder = directory.folder(run.run_id)
    launch = Launch(engine="process", launched_at=MOMENT)
    folder.prepare(run.spec, launch)
    with contextlib.redirect_stdout(io.StringIO()):
        report = make_run(folder.path).to_json()
    outcome = Outcome(
        run_id=run.run_id,
        spec_hash=run.spec_hash,
        outcome="finished",
        started_at=MOMENT,
        finished_at=MOMENT,
        log_file="x.log",
        engine="process",
    )
    folder.record(run.spec, launch, outcome)
    return {LAUNCH_FILE: launch.to_json(), REPORT_FILE: report, OUTCOME_FILE: outcome.to_json()}


def _renamed(text: str, first: PlannedRun, own: PlannedRun) -> str:
    for theirs, ours in (
        (first.run_id, own.run_id),
        (first.spec.model.id, own.spec.model.id),
        (first.spec_hash, own.spec_hash),
    ):
        text = text.replace(theirs, ours)
    return text
