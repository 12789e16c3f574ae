"""Forecast and truth compared: what the sweep expected of its runs, and what they came to."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from orchestrator.estimate import Estimate
from orchestrator.morning.runs import MorningRun
from orchestrator.sweep_record import ExpectedRun

MOST_ROWS = 200


@dataclass(frozen=True)
class Compared:
    """One figure of one run that has a forecast and is known."""

    expected: Estimate
    truth: float

    @property
    def ratio(self) -> float | None:
        """Truth over the best guess; None where that is nothing."""
        return self.truth / self.expected.central if self.expected.central > 0 else None

    @property
    def is_within(self) -> bool:
        return self.expected.low <= self.truth <= self.expected.high


@dataclass(frozen=True)
class ComparedRun:
    run_id: str
    seconds: Compared | None
    wh: Compared | None

    @property
    def miss(self) -> float:
        """How far off, as the larger of both factors, for sorting."""
        ratios = [figure.ratio for figure in (self.seconds, self.wh) if figure]
        return max((max(ratio, 1 / ratio) for ratio in ratios if ratio), default=1.0)


@dataclass(frozen=True)
class Total:
    """Over all runs that are compared; the sums of the ends are wider than the sum's own range."""

    count: int
    within: int
    low: float
    central: float
    high: float
    truth: float


@dataclass(frozen=True)
class Comparison:
    """The runs, those farthest off first; `left_out` are nearer."""

    rows: tuple[ComparedRun, ...]
    left_out: int
    seconds: Total | None
    wh: Total | None


def compare(expected: Iterable[ExpectedRun], runs: Mapping[str, MorningRun]) -> Comparison | None:
    """Of finished runs; None where no forecast can be held against anything."""
    pairs = [(one, runs[one.run_id]) for one in expected if one.run_id in runs]
    found = [
        ComparedRun(
            run.run_id,
            _compared(one.seconds, run.seconds),
            _compared(one.gpu_energy_wh, run.whole_wh),
        )
        for one, run in pairs
        if run.state == "finished"
    ]
    rows = [row for row in found if row.seconds or row.wh]
    if not rows:
        return None
    rows.sort(key=lambda row: (-row.miss, row.run_id))
    return Comparison(
        rows=tuple(rows[:MOST_ROWS]),
        left_out=max(len(rows) - MOST_ROWS, 0),
        seconds=_total(row.seconds for row in rows),
        wh=_total(row.wh for row in rows),
    )


def _compared(expected: Estimate | None, truth: float | None) -> Compared | None:
    return None if expected is None or truth is None else Compared(expected, truth)


def _total(figures: Iterable[Compared | None]) -> Total | None:
    known = [figure for figure in figures if figure]
    if not known:
        return None
    return Total(
        count=len(known),
        within=sum(figure.is_within for figure in known),
        low=sum(figure.expected.low for figure in known),
        central=sum(figure.expected.central for figure in known),
        high=sum(figure.expected.high for figure in known),
        truth=sum(figure.truth for figure in known),
    )
