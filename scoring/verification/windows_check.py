"""From windows to phases, and from windows to the ledger; CPU and RAM by CodeCarbon's own lines."""

import csv
from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from benchmark_core import ledger as ledgers
from benchmark_core.contract import EMISSIONS_DIR
from benchmark_core.kinds import phases_of
from benchmark_core.report.ledger import Ledger
from scoring.failed_point import Finding
from scoring.verification.comparison import differences, same_number
from scoring.verification.evidence import RunEvidence

BY_WINDOW: Final = f"{EMISSIONS_DIR}/emissions_by_window.csv"
JOULES_PER_KWH: Final = 3.6e6
HOST_TOLERANCE: Final = 1e-6
CLOCK_TOLERANCE: Final = 1e-6
"""In seconds: two readings of a clock are subtracted on the one side, and added on the other."""


def check_phases(of: RunEvidence) -> Iterator[Finding]:
    """Raises ValueError where the windows are not those of the kind."""
    for number, repetition in enumerate(of.report.repetitions, start=1):
        made = phases_of(of.applied.kind, repetition.windows)
        told = {name: phase.model_dump() for name, phase in repetition.phases.items()}
        follows = {name: phase.model_dump() for name, phase in made.items()}
        for phrase in differences(told, follows, f"repetition {number}"):
            yield of.failed("phases_differ", phrase)
        for window in repetition.windows:
            by_device = window.reading.gpu_joules_by_device
            whole = window.reading.gpu_joules
            if by_device is not None and whole is not None:
                parts = sum(by_device.values())
                if not same_number(whole, parts):
                    what = f"{window.name} {number} is {whole!r} J, and its GPUs are {parts!r} J"
                    yield of.failed("phases_differ", what)


def check_ledger(of: RunEvidence) -> Iterator[Finding]:
    ledger = of.report.ledger
    if ledger is None:
        yield of.not_checked("the ledger", "the run has none, because its backend measures itself")
        return
    spans = of.spans()
    made = ledgers.balance(spans, ledger.total_joules, ledger.between_joules)
    for phrase in differences(_sums(ledger), _sums(made), "ledger"):
        yield of.failed("ledger_differs", phrase)
    if abs(ledger.total_seconds - made.total_seconds) > CLOCK_TOLERANCE:
        yield of.failed("ledger_differs", f"its windows take {made.total_seconds:.6f} s in all")
    if any(one.closed_at > other.opened_at + CLOCK_TOLERANCE for one, other in pairwise(spans)):
        yield of.failed("ledger_differs", "its windows overlap in time")
    told = {
        f"{window.name} {number}": (window.duration_seconds, window.reading.gpu_joules)
        for number, repetition in enumerate(of.report.repetitions, start=1)
        for window in repetition.windows
    }
    listed = {
        entry.name: (entry.duration_seconds, entry.gpu_joules)
        for entry, span in zip(ledger.entries, spans, strict=True)
        if span.repetition is not None
    }
    for phrase in differences(told, listed, "windows of repetitions"):
        yield of.failed("ledger_differs", phrase)


def _sums(ledger: Ledger) -> dict[str, float | None]:
    return {
        "residual_joules": ledger.residual_joules,
        "residual_share": ledger.residual_share,
    }


def check_host_energy(of: RunEvidence) -> Iterator[Finding]:
    """Raises csv.Error, ValueError, KeyError and OSError where CodeCarbon's lines are none."""
    sources = of.report.energy_sources
    if sources.cpu is None and sources.ram is None:
        return
    path = of.path(BY_WINDOW)
    if not path.exists():
        yield of.not_checked("CPU and RAM energy", f"there is no {BY_WINDOW}")
        return
    with path.open(encoding="utf-8", newline="") as stream:
        # Each name has the window's number in front, as in "005 generate 1".
        lines = {
            row["task_name"].partition(" ")[2]: row for row in csv.DictReader(stream, strict=True)
        }
    for number, repetition in enumerate(of.report.repetitions, start=1):
        for window in repetition.windows:
            label = f"{window.name} {number}"
            line = lines.get(label)
            if line is None:
                what = f"there is no line for {label}"
                yield of.failed("host_energy_differs", what, BY_WINDOW)
                continue
            told = {"cpu": window.reading.cpu_joules, "ram": window.reading.ram_joules}
            made = {name: float(line[f"{name}_energy"]) * JOULES_PER_KWH for name in told}
            known = {name: value for name, value in told.items() if value is not None}
            follows = {name: made[name] for name in known}
            for phrase in differences(known, follows, label, HOST_TOLERANCE):
                yield of.failed("host_energy_differs", phrase)
