"""What a run shows of itself while it lasts: samples, power, energy; from files that it writes."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmark_core.contract import TRACE_FILE
from benchmark_core.power_trace import LONGEST_LINE_BYTES, parse_row
from orchestrator.progress import Progress, SampleTail, open_of_run
from orchestrator.run_folder import RunFolder

HEAD_BYTES = TAIL_BYTES = 65536
"""The first and the newest rows of all GPUs: some seconds of eight of them."""
LONGEST_SILENCE_SECONDS = 5.0
"""After which the newest power of a trace is no longer what the GPUs draw."""
RESTING, LOADING, WARMING_UP = "rest", "load", "warm_up"
"""`rest`: the GPUs are watched, and no window was opened yet."""


@dataclass(frozen=True)
class Pulse:
    """How a run is now; None is what nobody told.

    `watts` and `gpu_joules`, from the beginning of its trace, are of all its GPUs together. `phase`
    is the window that was open last, in the words of the trace, or as far as the samples tell.
    """

    progress: Progress | None
    watts: float | None
    gpu_joules: float | None
    phase: str = ""


class PulseReader:
    """Of one attempt in a run folder; reads of its files only what is new or newest."""

    def __init__(self, folder: RunFolder) -> None:
        self._journal_path = folder.journal_path
        self._samples = SampleTail(folder.journal_path)
        self._power = TraceTail(folder.path / TRACE_FILE)
        self._progress: Progress | None = None

    def read(self) -> Pulse:
        self._progress = self._samples.read_all() or self._progress
        power = self._power.read()
        return Pulse(self._progress, power.watts, power.joules, power.phase or self._phase())

    def _phase(self) -> str:
        """Without a trace: the file of samples is there as soon as the model is."""
        if self._progress:
            return self._progress.step
        return WARMING_UP if self._journal_path.exists() else LOADING


@dataclass(frozen=True)
class Power:
    """What the newest rows of a trace say of all GPUs of a run."""

    watts: float | None = None
    joules: float | None = None
    phase: str = ""


class TraceTail:
    """Follows a `power_trace.csv` while it grows: its first rows once, then the newest."""

    def __init__(self, path: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._path = path
        self._clock = clock
        self._first: dict[int, float | None] = {}
        self._has_first = False
        self._size = 0
        self._grew_at = clock()
        self._phase = ""

    def read(self) -> Power:
        """Nothing of it is known without a trace, or where what is there is none."""
        try:
            with open_of_run(self._path) as stream:
                size = stream.seek(0, 2)
                if not self._has_first:
                    stream.seek(0)
                    self._learn_first(stream.read(HEAD_BYTES))
                stream.seek(max(0, size - TAIL_BYTES))
                newest = stream.read(TAIL_BYTES)
        except OSError:
            return Power()
        if size != self._size:
            self._size, self._grew_at = size, self._clock()
        return self._power_of(_lines(newest, is_whole=size <= TAIL_BYTES))

    def _learn_first(self, head: bytes) -> None:
        """Which GPUs there are, and what the counter of each read at the beginning.

        The GPUs are written in turns, so that all are known when one of them comes again.
        """
        for row in filter(None, map(parse_row, _lines(head, is_whole=True))):
            if row.gpu in self._first and self._first[row.gpu] is not None:
                self._has_first = True
                return
            self._first[row.gpu] = row.counter_joules

    def _power_of(self, lines: list[str]) -> Power:
        """From the last line backwards, until all GPUs are known."""
        watts: dict[int, float] = {}
        joules: dict[int, float] = {}
        phase = ""
        for row in filter(None, map(parse_row, reversed(lines))):
            phase = phase or row.phase
            if row.best_watts is not None:
                watts.setdefault(row.gpu, row.best_watts)
            if row.counter_joules is not None:
                joules.setdefault(row.gpu, row.counter_joules)
            if phase and len(watts) == len(joules) == len(self._first):
                break
        self._phase = phase or self._phase
        silent = self._clock() - self._grew_at > LONGEST_SILENCE_SECONDS
        all_told = bool(watts) and set(watts) == set(self._first)
        return Power(
            watts=sum(watts.values()) if all_told and not silent else None,
            joules=self._joules(joules),
            # `generate 3`: which repetition it is, the samples tell too.
            phase=self._phase.split(" ")[0] or (RESTING if self._first else ""),
        )

    def _joules(self, newest: dict[int, float]) -> float | None:
        """None where the counter of a GPU is missing, or was set back."""
        first = {gpu: joules for gpu, joules in self._first.items() if joules is not None}
        if not first or set(first) != set(self._first) or set(first) != set(newest):
            return None
        spent = [newest[gpu] - first[gpu] for gpu in first]
        return sum(spent) if min(spent) >= 0 else None


def _lines(chunk: bytes, is_whole: bool) -> list[str]:
    """The whole lines in a piece of a trace; without its beginning the first one is torn."""
    lines = chunk.split(b"\n")[0 if is_whole else 1 : -1]
    return [line.decode(errors="replace") for line in lines if len(line) <= LONGEST_LINE_BYTES]
