"""The energy of runs as bars: where each ends, and between what the truth is expected."""

from collections.abc import Iterable
from dataclasses import dataclass

from orchestrator.morning.runs import MorningRun

MOST_BARS = 40
WIDTH = 1000.0


@dataclass(frozen=True)
class EnergyBar:
    """In units of which the plot is `WIDTH` wide; `low` and `high` are those of the interval."""

    run: MorningRun
    length: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class EnergyBars:
    """The largest energies first; `left_out` runs have less."""

    bars: tuple[EnergyBar, ...]
    left_out: int


def make_bars(runs: Iterable[MorningRun]) -> EnergyBars:
    measured = [(run.wh, run) for run in runs if run.wh is not None]
    measured.sort(key=lambda item: (-item[0], item[1].run_id))
    largest = max((wh + (run.wh_ci95 or 0.0) for wh, run in measured), default=0.0)
    # Rehearsals that took no time have an energy of nothing.
    unit = WIDTH / largest if largest > 0 else 0.0
    bars = [_bar(run, wh, unit) for wh, run in measured[:MOST_BARS]]
    return EnergyBars(tuple(bars), max(len(measured) - MOST_BARS, 0))


def _bar(run: MorningRun, wh: float, unit: float) -> EnergyBar:
    if run.wh_ci95 is None:
        return EnergyBar(run, max(wh, 0.0) * unit, None, None)
    low, high = max(wh - run.wh_ci95, 0.0), max(wh + run.wh_ci95, 0.0)
    return EnergyBar(run, max(wh, 0.0) * unit, low * unit, high * unit)
