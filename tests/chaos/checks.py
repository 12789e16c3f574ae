"""What has to hold when a sweep that things happened to is complete."""

import csv
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from datetime import datetime
from io import StringIO
from itertools import pairwise
from pathlib import Path

from orchestrator.__main__ import rebuild
from tests.chaos.fate import RUNS
from tests.chaos.scenario import BYSTANDER, Scenario, outcome_name
from tests.support.runner import table

ENDS_ENGINE = {"power_off", "stop_engine", "kill_engine"}


def check(scenario: Scenario) -> None:
    scenario.note_finished()
    every_row_once(scenario)
    table_is_derived(scenario)
    no_gpu_had_two_runs(scenario)
    no_file_is_left(scenario)
    no_lock_is_held(scenario)
    no_process_is_left(scenario)
    no_container_is_left(scenario)


def every_row_once(scenario: Scenario) -> None:
    rows = table(scenario.directory.root)
    assert len(rows) == RUNS, f"{len(rows)} rows instead of {RUNS}"
    unfinished = {run_id: row["outcome"] for run_id, row in rows.items() if row["error_message"]}
    assert not unfinished, f"not finished: {unfinished}"
    outcomes = {row["outcome"] for row in rows.values()}
    assert outcomes == {"finished"}, f"outcomes: {outcomes}"
    planned = {line["Models to Add"] for line in _catalog(scenario)}
    assert {row["model_name"] for row in rows.values()} == planned
    for run_id, row in rows.items():
        assert float(row["total_duration_seconds"]) > 0, f"{run_id} took no time"
        folder = scenario.directory.folder(run_id)
        assert outcome_name(folder) == "finished"
        earlier = {outcome_name(one) for one in folder.earlier()}
        assert "finished" not in earlier, f"{run_id} was measured again though it had finished"


def _catalog(scenario: Scenario) -> list[dict[str, str]]:
    with (scenario.disk / "models.csv").open(newline="") as stream:
        return list(csv.DictReader(stream))


def table_is_derived(scenario: Scenario) -> None:
    path = scenario.directory.master_path
    before = path.read_bytes()
    path.unlink()
    with redirect_stdout(StringIO()):
        rebuild(scenario.directory.root)
    assert path.read_bytes() == before, "the table is another one when it is rebuilt"


def no_gpu_had_two_runs(scenario: Scenario) -> None:
    """Of all attempts whose end a runner saw; those of one program have one log.

    Times tell nothing where the clock was set.
    """
    if any(one.event == "set_clock_back" for one in scenario.fate.moments):
        return
    spans = sorted(
        (uuid, _time(outcome.started_at), _time(outcome.finished_at), outcome.log_file)
        for one in scenario.folders()
        for folder in (one, *one.earlier())
        if (outcome := folder.outcome()) and outcome.started_at and (launch := folder.launch())
        for uuid in launch.gpu_uuids
    )
    assert spans, "no run has times"
    for (uuid, _, end, one), (next_uuid, begin, _, other) in pairwise(spans):
        together = uuid == next_uuid and begin < end and one != other
        assert not together, f"{one} and {other} were on {uuid} together: {begin} is before {end}"


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def no_file_is_left(scenario: Scenario) -> None:
    """Files that are there for a moment begin with a dot or say that they are partial."""
    found = [
        path
        for path in scenario.disk.rglob("*")
        if path.name.startswith(".") or path.name.endswith(".partial")
    ]
    found += [path for path in scenario.runtime.rglob("*") if path.is_file()]
    found += list((scenario.folder / "tmp").iterdir())
    found += list(scenario.directory.runs_path.glob("*/process.json"))
    assert not found, f"left behind: {found}"


def no_lock_is_held(scenario: Scenario) -> None:
    paths = [scenario.directory.root, *scenario.machine.locks.iterdir()]
    held = [path for path in paths + [one.path for one in scenario.folders()] if _is_held(path)]
    assert not held, f"still locked: {held}"


def _is_held(path: Path) -> bool:
    with _opened(path) as descriptor:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return True
    return False


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def no_process_is_left(scenario: Scenario) -> None:
    """But the engine's own, those of its bystanders, and one that never was ours."""
    lines = [line for _, line in scenario.machine.processes()]
    assert lines.count("sleep 100000") == 1, f"{BYSTANDER} process was touched: {lines}"
    ours = [line for line in lines if "benchmark_core" in line or "batch_runner" in line]
    assert not ours, f"still at work: {ours}"


def no_container_is_left(scenario: Scenario) -> None:
    """But those that are not of this sweep, which go on as long as nothing ends their engine."""
    if scenario.engine is None:
        return
    there = set(scenario.engine.docker("ps", "--all", "--no-trunc", "--quiet").split())
    assert there == scenario.bystanders, f"containers: {there ^ scenario.bystanders}"
    if not {one.event for one in scenario.fate.moments} & ENDS_ENGINE:
        running = set(scenario.engine.docker("ps", "--no-trunc", "--quiet").split())
        assert running == there, f"somebody else's container was stopped: {there - running}"
