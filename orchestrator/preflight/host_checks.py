"""This machine: its engine, its disk, its clock, and whether another sweep is at work."""

import os
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime

from orchestrator.downloads.progress import gigabytes
from orchestrator.engines.base import DescribedEngine
from orchestrator.errors import HostError, Problem
from orchestrator.prefetch import existing, free_space
from orchestrator.preflight.finding import Finding, trouble, warning, well
from orchestrator.preparation import Preparation
from orchestrator.run_directory import RunDirectory

SMALLEST_FREE_BYTES = 200 * 10**6
EARLIEST_YEAR = 2025
CLOCK_SLACK_SECONDS = 60.0


def check_engine(prepared: Preparation) -> Iterator[Finding]:
    engine = prepared.engine
    problems = list(engine.problems(prepared.settings.computes_on_gpus))
    if not isinstance(engine, DescribedEngine):
        yield from () if problems else (well(f"the {engine.name} engine is ready"),)
    else:
        with suppress(HostError):  # which is among the problems
            yield from (well(f"{name}: {what}") for name, what in engine.facts().items())
    yield from map(trouble, problems)
    yield from map(warning, engine.warnings())


def check_output(prepared: Preparation) -> Iterator[Finding]:
    """Whether the directory can be written, has room, and is nobody else's at this moment."""
    output_dir = prepared.settings.output_dir
    place = f"--output-dir {output_dir}"
    try:
        folder = existing(output_dir)
        writable = folder.is_dir() and os.access(folder, os.W_OK)
        free_bytes = free_space(folder)
    except OSError as error:
        what = f"cannot be used ({error.strerror})"
        yield trouble(Problem(place[:200], what, "Choose another folder."))
        return
    if not writable:
        yield trouble(Problem(place, "cannot be written", "Choose a folder of your own."))
    elif free_bytes < SMALLEST_FREE_BYTES:
        remedy = f"Free at least {gigabytes(SMALLEST_FREE_BYTES)}."
        yield trouble(Problem(place, f"only {gigabytes(free_bytes)} are free on its disk", remedy))
    directory = RunDirectory(output_dir)
    if (holder := directory.holder()) is not None:
        yield trouble(directory.in_use(holder))
    elif writable and free_bytes >= SMALLEST_FREE_BYTES:
        yield well(f"{output_dir}: writable, {gigabytes(free_bytes)} free, no sweep at work")


def check_clock(prepared: Preparation) -> Iterator[Finding]:
    """Durations do not depend on it, but names, times and their order do."""
    now = datetime.now(UTC)
    newest = _newest_outcome(RunDirectory(prepared.settings.output_dir))
    remedy = "Set the clock (timedatectl set-ntp true)."
    if now.year < EARLIEST_YEAR:
        yield warning(Problem("clock", f"shows the year {now.year}", remedy))
    elif newest is not None and (newest - now).total_seconds() > CLOCK_SLACK_SECONDS:
        what = f"shows {_shown(now)}, and a run in the output directory ended at {_shown(newest)}"
        yield warning(Problem("clock", what, remedy))
    else:
        yield well(_shown(now))


def _newest_outcome(directory: RunDirectory) -> datetime | None:
    """By the times of the files, of which there may be ten thousand."""
    newest = 0.0
    for folder in directory.folders():
        with suppress(OSError):
            newest = max(newest, folder.outcome_path.stat().st_mtime)
    return datetime.fromtimestamp(newest, UTC) if newest else None


def _shown(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S UTC")
