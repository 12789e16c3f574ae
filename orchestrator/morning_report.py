"""The page of the morning: one HTML file on all runs of an output directory, whole in itself."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from benchmark_core import VERSION
from benchmark_core.atomic_file import write_text
from orchestrator.errors import HostError, Problem
from orchestrator.failures import FailureGroup, group_failures
from orchestrator.morning.comparison import Comparison, compare
from orchestrator.morning.energy_bars import EnergyBars, make_bars
from orchestrator.morning.energy_origin import EnergyOrigin
from orchestrator.morning.runs import STATES, MorningRun, State, moment, read_runs
from orchestrator.morning.template import render
from orchestrator.morning.timeline import Timeline, make_timeline
from orchestrator.rerun_command import RerunCommand
from orchestrator.run_directory import RunDirectory
from orchestrator.spent_energy import SpentEnergy, total
from orchestrator.status import refuse_without_runs
from orchestrator.sweep_record import SweepRecord, last_sweep

VERDICTS: Final = ("valid", "flagged", "invalid")
MOST_TOLD: Final = 25
"""Failures of one reason that are told in full."""
UUID_SHOWN: Final = 12


@dataclass(frozen=True)
class ToldFailure:
    """One failed run, with the command that runs it again where one can."""

    run: MorningRun
    command: str | None


@dataclass(frozen=True)
class FailureSection:
    """A reason; `named` are its further runs."""

    group: FailureGroup
    told: tuple[ToldFailure, ...]
    named: tuple[str, ...]


@dataclass(frozen=True)
class Page:
    """All that the template shows. `holder` is the sweep at work, `sweep` the last one's record."""

    name: str
    version: str
    now: datetime
    holder: str | None
    sweep: SweepRecord | None
    begin: datetime | None
    end: datetime | None
    runs: Sequence[MorningRun]
    states: Mapping[State, int]
    verdicts: Mapping[str, int]
    rehearsals: int
    spent: SpentEnergy
    origin: EnergyOrigin
    failures: Sequence[FailureSection]
    has_whole_commands: bool
    bars: EnergyBars
    timeline: Timeline | None
    comparison: Comparison | None


def write_report(directory: RunDirectory, out: Path | None = None) -> Path:
    """Write the page; at `out`, or into the directory.

    Raises:
        UsageError: there are no run folders.
        HostError: the page cannot be written, or what makes it is not installed.
    """
    refuse_without_runs(directory)
    path = out or directory.page_path
    try:
        write_text(path, render(make_page(directory, datetime.now(UTC))))
    except OSError as error:
        what = f"cannot be written ({error.strerror})"
        raise HostError(Problem(str(path), what, "Choose another --out.")) from error
    except ImportError as error:
        what = f"the library that makes it cannot be loaded ({error})"
        remedy = "Install what requirements-dev.txt names."
        raise HostError(Problem("report", what, remedy)) from error
    return path


def make_page(directory: RunDirectory, now: datetime) -> Page:
    """Read every folder once."""
    sweep, origin = last_sweep(directory), EnergyOrigin()
    found = {run.run_id: run for run in read_runs(directory, origin.learn)}
    expected = sweep.runs if sweep else ()
    for one in expected:
        if one.run_id not in found:
            found[one.run_id] = MorningRun(one.run_id, "not started", gpu_count=one.gpu_count)
    runs = [found[run_id] for run_id in sorted(found)]
    states = Counter(run.state for run in runs)
    verdicts = Counter(run.verdict for run in runs)
    command = RerunCommand(sweep.command if sweep else ())
    begin = moment(sweep.started_at) if sweep else None
    ends = [run.ended for run in runs if run.ended]
    return Page(
        name=directory.root.name,
        version=VERSION,
        now=now,
        holder=directory.holder(),
        sweep=sweep,
        begin=begin or min((run.started for run in runs if run.started), default=None),
        end=(moment(sweep.finished_at) if sweep else None) or max(ends, default=None),
        runs=runs,
        states={name: states[name] for name in STATES if states[name]},
        verdicts={name: verdicts[name] for name in VERDICTS if verdicts[name]},
        rehearsals=sum(run.is_rehearsal for run in runs),
        spent=total(run.spent for run in runs),
        origin=origin,
        failures=_sections(runs, command),
        has_whole_commands=command.is_whole,
        bars=make_bars(runs),
        timeline=make_timeline(runs, _gpu_names(sweep), begin, now),
        comparison=compare(expected, found),
    )


def _sections(runs: Sequence[MorningRun], command: RerunCommand) -> list[FailureSection]:
    by_name = {run.run_id: run for run in runs if run.failure}
    groups = group_failures([run.failure for run in by_name.values() if run.failure], command)
    sections = []
    for group in groups:
        members = [by_name[failure.run_id] for failure in group.failures]
        told = [
            ToldFailure(run, command.of_run(run.asked) if group.command and run.asked else None)
            for run in members[:MOST_TOLD]
        ]
        named = tuple(run.run_id for run in members[MOST_TOLD:])
        sections.append(FailureSection(group, tuple(told), named))
    return sections


def _gpu_names(sweep: SweepRecord | None) -> dict[str, str]:
    return {gpu.uuid: f"GPU {gpu.index}" for gpu in sweep.gpus} if sweep else {}
