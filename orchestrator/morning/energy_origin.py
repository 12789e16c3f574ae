"""What the finished runs of a directory say of their GPU energy: who measured it, on which grid."""

from collections import Counter
from dataclasses import dataclass, field

from benchmark_core.report.carbon import Carbon
from benchmark_core.report.outline import ReportOutline

WH_PER_KWH = 1000.0


@dataclass
class EnergyOrigin:
    """`sources` and `grids`, by their words, each with its number of runs; imported ones are none
    of them, and rehearsals are on no grid.
    """

    sources: Counter[str] = field(default_factory=Counter)
    grids: Counter[str] = field(default_factory=Counter)
    _factors: set[float | None] = field(default_factory=set)

    def learn(self, report: ReportOutline) -> None:
        """One finished run."""
        if report.imported:
            return
        source = report.energy_sources.gpu
        if source:
            self.sources[f"{source.meter}, {source.kind}: {source.method}"] += 1
        if report.rehearsal:
            return
        if report.carbon:
            self.grids[_words(report.carbon)] += 1
            self._factors.add(report.carbon.factor_g_per_kwh)
        elif source:
            self._factors.add(None)

    def co2_g(self, wh: float | None) -> float | None:
        """Of GPU energy that was spent here.

        None where the measured runs were on several grids, or one of them on none that is known:
        nobody says then on which the others were.
        """
        if wh is None or len(self._factors) != 1:
            return None
        (factor,) = self._factors
        return None if factor is None else wh / WH_PER_KWH * factor


def _words(carbon: Carbon) -> str:
    return f"{carbon.factor_g_per_kwh:g} g/kWh, {carbon.region} ({carbon.source}, {carbon.year})"
