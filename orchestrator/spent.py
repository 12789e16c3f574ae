"""What a run folder has cost in GPU energy so far, failed attempts included."""

from collections.abc import Callable

from orchestrator.outcome import IMPORT_ENGINE
from orchestrator.pulse import PulseReader
from orchestrator.run_folder import RunFolder
from orchestrator.run_record import Record


def joules_of(folder: RunFolder, record: Record) -> float | None:
    """Of a run that is over: by its report, or by its trace; with earlier attempts.

    None where nothing was measured here: what was imported was drawn elsewhere.
    """
    if record.outcome and record.outcome.engine == IMPORT_ENGINE:
        return None
    own = record.gpu_joules if record.report else traced_joules(folder)
    return added(own, earlier_joules(folder)) if record.attempts else own


def earlier_joules(
    folder: RunFolder, counts: Callable[[RunFolder], bool] = lambda attempt: True
) -> float | None:
    """By the traces of its earlier attempts, of those that count."""
    return added(*(traced_joules(attempt) for attempt in folder.earlier() if counts(attempt)))


def traced_joules(folder: RunFolder) -> float | None:
    return PulseReader(folder).read().gpu_joules


def added(*joules: float | None) -> float | None:
    """Those that are known; None where none is."""
    known = [one for one in joules if one is not None]
    return sum(known) if known else None
