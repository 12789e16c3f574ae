"""From windows to phases, and from windows to the ledger."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from benchmark_core import ledger as ledgers
from benchmark_core.kinds import phases_of
from benchmark_core.ledger import LOAD
from benchmark_core.report.ledger import Ledger
from scoring.failed_point import Finding
from scoring.verification.comparison import differences, same_number
from scoring.verification.evidence import RunEvidence

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
    """Of a run that opened its windows itself, which always leaves a ledger."""
    ledger = of.report.ledger
    if ledger is None:
        yield of.failed("ledger_differs", "there is none, and the trace is read by its times")
        return
    spans = of.spans()
    made = ledgers.balance(spans, ledger.total_joules, ledger.between_joules)
    for phrase in differences(_sums(ledger), _sums(made), "ledger"):
        yield of.failed("ledger_differs", phrase)
    if abs(ledger.total_seconds - made.total_seconds) > CLOCK_TOLERANCE:
        yield of.failed("ledger_differs", f"its windows take {made.total_seconds:.6f} s in all")
    if any(one.closed_at > other.opened_at + CLOCK_TOLERANCE for one, other in pairwise(spans)):
        yield of.failed("ledger_differs", "its windows overlap in time")
    if any(span.seconds < 0 for span in spans):
        yield of.failed("ledger_differs", "a window of it ends before it begins")
    if (LOAD in {span.name for span in spans}) == bool(of.report.model_load_shared_with):
        yield of.failed("ledger_differs", "it does not say whether the run loaded its model")
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
    if list(told) != list(listed):
        yield of.failed("ledger_differs", "its windows are in another order than the repetitions'")


def _sums(ledger: Ledger) -> dict[str, float | None]:
    return {
        "residual_joules": ledger.residual_joules,
        "residual_share": ledger.residual_share,
    }
