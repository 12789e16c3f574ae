"""All the GPU energy that runs took, from their first window to their last: loading, rest and every
repetition. The scores are of one repetition, and are not summed up here."""

from collections import Counter
from dataclasses import dataclass, field

from benchmark_core.contract import JOULES_PER_WH
from benchmark_core.report.carbon import Carbon
from benchmark_core.report.outline import ReportOutline

WH_PER_KWH = 1000.0


@dataclass
class SpentEnergy:
    """Sums over the runs that were added. `told` have a figure that can be used, `untold` have not.

    `co2_g` is of the GPU energy alone; `grids` are the factors that made it, by their words, and
    `sources` what measured the energy, each with its number of runs.
    """

    told: int = 0
    untold: int = 0
    sources: Counter[str] = field(default_factory=Counter)
    grids: Counter[str] = field(default_factory=Counter)
    _wh: float = 0.0
    _co2_g: float = 0.0

    def add(self, report: ReportOutline) -> None:
        """One finished run."""
        wh = spent_gpu_wh(report)
        if wh is None:
            self.untold += 1
            return
        self.told += 1
        self._wh += wh
        source = report.energy_sources.gpu
        if source:
            self.sources[f"{source.meter}, {source.kind}: {source.method}"] += 1
        if report.carbon:
            self._co2_g += wh / WH_PER_KWH * report.carbon.factor_g_per_kwh
            self.grids[_words(report.carbon)] += 1

    @property
    def gpu_wh(self) -> float | None:
        """None where no run tells it."""
        return self._wh if self.told else None

    @property
    def co2_g(self) -> float | None:
        """None where a run that tells its energy has no grid factor: a part is no sum."""
        return self._co2_g if self.told and self.grids.total() == self.told else None


def spent_gpu_wh(report: ReportOutline) -> float | None:
    """None where nothing measured it, or the verdict is that its figures cannot be used."""
    if report.verdict and report.verdict.verdict == "invalid":
        return None
    joules = report.ledger.total_joules if report.ledger else None
    return None if joules is None else joules / JOULES_PER_WH


def _words(carbon: Carbon) -> str:
    return f"{carbon.factor_g_per_kwh:g} g/kWh, {carbon.region} ({carbon.source}, {carbon.year})"
