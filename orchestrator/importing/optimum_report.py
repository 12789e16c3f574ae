"""Reports of the public predecessor, in optimum-benchmark's shape.

One JSON object with a key per phase, by itself or under `report`. A phase's `energy` holds kWh for
a whole pass over the samples, the mean of the repetitions; older files also list the `measures`,
one energy per repetition. Only the GPU's energy is scored, and never that of loading.

A repetition in which a phase has no energy, or less than none, had a fault of its meter. A mean
would hide that and understate the energy, so such a report has no figure.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, Literal

from benchmark_core.contract import SCORED_PHASES, PhaseName
from benchmark_core.report import Spread, Verdict
from benchmark_core.statistics import spread
from orchestrator.catalog import shown
from orchestrator.errors import Problem, UsageError
from orchestrator.importing.phase_energies import PhaseEnergies, as_float, read_phase, wrong
from orchestrator.importing.report_file import read_object

OTHER_SPELLINGS: Final[dict[str, PhaseName]] = {"preprocess_dataset": "preprocess"}
SETS_OF_PHASES: Final[tuple[frozenset[PhaseName], ...]] = (
    frozenset({"prefill", "decode"}),
    frozenset({"forward"}),
    frozenset({"call"}),
)
# What adding up in another order may change. Rounding to the digits written comes on top, but few
# digits are no excuse: programs write 0.5 where they mean exactly that.
ADDING_SHARE = 1e-9
MOST_ROUNDING_SHARE = 1e-3
# Far more than rounding can do, so it means another number of samples.
SAMPLES_SHARE = 0.01

Reason = Literal[
    "phase_not_positive", "phase_missing", "gpu_energy_not_measured", "measures_disagree"
]
INVALIDATING: Final[frozenset[Reason]] = frozenset({"phase_not_positive", "phase_missing"})


@dataclass(frozen=True)
class Finding:
    """One thing that speaks against a report. `repetition` counts from 1."""

    reason: Reason
    message: str
    phase: str | None = None
    repetition: int | None = None


@dataclass(frozen=True)
class ImportedPhase:
    """`key` is the phase's name in the file, `repetitions` the number of measures, 0 for none.

    `gpu_wh` is per pass over the samples; None where it was not measured or cannot be.
    """

    name: PhaseName
    key: str
    gpu_wh: Spread | None
    repetitions: int


@dataclass(frozen=True)
class ImportedReport:
    """`samples` is what the user says of the file; `notes` change nothing about the verdict."""

    path: Path
    samples: int
    phases: tuple[ImportedPhase, ...]
    gpu_energy_wh: Spread | None
    wh_per_1000_queries: float | None
    verdict: Verdict
    findings: tuple[Finding, ...]
    notes: tuple[str, ...]


def read_report(path: Path, samples: int) -> ImportedReport:
    """The report at `path`, of passes over `samples` samples.

    Raises:
        UsageError: the file cannot be read, is no such report, or leaves a quantity open.
    """
    document = read_object(path)
    report = document.get("report", document)
    if not isinstance(report, dict):
        raise wrong(path, "report", report, "no object with a key per phase")
    phases = [read_phase(path, key, name, report[key]) for key, name in _scored(path, report)]
    findings = [
        *_missing(phases),
        *(finding for phase in phases for finding in _examine(phase)),
    ]
    reasons = tuple(dict.fromkeys(finding.reason for finding in findings))
    invalid = not INVALIDATING.isdisjoint(reasons)
    total = None if invalid else _total(phases)
    return ImportedReport(
        path=path,
        samples=samples,
        phases=tuple(_imported(phase) for phase in phases),
        gpu_energy_wh=total,
        wh_per_1000_queries=total.mean * 1000 / samples if total else None,
        verdict=Verdict(
            verdict="invalid" if invalid else "flagged" if reasons else "valid", reasons=reasons
        ),
        findings=tuple(findings),
        notes=tuple(_notes(report, phases, samples)),
    )


def _scored(path: Path, report: dict[str, Any]) -> list[tuple[str, PhaseName]]:
    """Key and name of every scored phase, in the order in which they are scored."""
    spellings: dict[str, PhaseName] = {**{name: name for name in SCORED_PHASES}, **OTHER_SPELLINGS}
    found = [(key, name) for key, name in spellings.items() if report.get(key) is not None]
    names = [name for _, name in found]
    if len(set(names)) < len(names):
        raise UsageError(
            Problem(
                str(path),
                "preprocess stands there under both of its names",
                "Remove the one that does not belong to this report.",
            )
        )
    if not found:
        keys = ", ".join(shown(key) for key in list(report)[:8]) or "none"
        raise UsageError(
            Problem(
                str(path),
                f"is no report in optimum-benchmark's shape: it has no phase to score"
                f" ({', '.join(SCORED_PHASES)}). Its keys: {keys}",
                "Name a benchmark_report.json of the public predecessor.",
            )
        )
    return sorted(found, key=lambda pair: SCORED_PHASES.index(pair[1]))


def _missing(phases: Sequence[PhaseEnergies]) -> Iterator[Finding]:
    """A score that lacks a phase is too low, whatever else is right about it."""
    names = {phase.name for phase in phases}
    if any(names >= complete for complete in SETS_OF_PHASES):
        return
    for absent in [name for name in ("prefill", "decode") if name not in names]:
        yield Finding("phase_missing", f"{absent} is missing, so the energy has no sum", absent)


def _examine(phase: PhaseEnergies) -> Iterator[Finding]:
    for number, value in enumerate(phase.values, start=1):
        repetition = number if phase.measures else None
        if value is None:
            yield Finding(
                "gpu_energy_not_measured",
                f"{_place(phase.key, repetition)} has no GPU energy",
                phase.key,
                repetition,
            )
        elif value <= 0:
            yield Finding(
                "phase_not_positive",
                f"{_place(phase.key, repetition)} has a GPU energy of {value:.6g} Wh,"
                " which no work can have",
                phase.key,
                repetition,
            )
    if phase.measures and phase.energy.wh is not None:
        yield from _compare(phase, phase.energy.wh)


def _compare(phase: PhaseEnergies, stated: float) -> Iterator[Finding]:
    """Whether the mean that the file states is that of its measures."""
    computed = spread(phase.values)
    if computed is None:
        return
    largest = max(abs(stated), *(abs(value or 0.0) for value in phase.values))
    # Where numbers are rounded alike, the one with the most digits tells to how many.
    rounding = phase.energy.doubt_wh + min(measure.doubt_wh for measure in phase.measures)
    allowed = ADDING_SHARE * largest + min(rounding, MOST_ROUNDING_SHARE * largest)
    if abs(stated - computed.mean) > allowed:
        yield Finding(
            "measures_disagree",
            f"{phase.key} states {stated:.9g} Wh, and the mean of its {len(phase.measures)}"
            f" measures is {computed.mean:.9g} Wh",
            phase.key,
        )


def _place(key: str, repetition: int | None) -> str:
    return key if repetition is None else f"{key}, repetition {repetition},"


def _imported(phase: PhaseEnergies) -> ImportedPhase:
    possible = all(value is None or value > 0 for value in phase.values)
    return ImportedPhase(
        name=phase.name,
        key=phase.key,
        gpu_wh=spread(phase.values) if possible else None,
        repetitions=len(phase.measures),
    )


def _total(phases: Sequence[PhaseEnergies]) -> Spread | None:
    """Of all phases. Repetitions are added up one by one where every phase has the same number."""
    counts = {len(phase.measures) for phase in phases}
    if len(counts) == 1:
        together = zip(*(phase.values for phase in phases), strict=True)
        return spread([_sum(values) for values in together])
    means = [spread(phase.values) for phase in phases]
    total = _sum([mean.mean if mean else None for mean in means])
    return None if total is None else Spread(mean=total, stdev=None)


def _sum(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return math.fsum(known) if len(known) == len(values) else None


def _notes(report: dict[str, Any], phases: Sequence[PhaseEnergies], samples: int) -> Iterator[str]:
    if "preprocess" not in {phase.name for phase in phases}:
        yield "the file has no preprocess phase, so none is in the sum"
    if len({len(phase.measures) for phase in phases}) > 1:
        yield "the phases have different numbers of measures, so the sum has no spread"
    for phase in phases:
        implied = _implied_samples(report[phase.key])
        if implied is not None and abs(implied - samples) > SAMPLES_SHARE * samples:
            yield (
                f"the efficiency of {phase.key} speaks of about {implied:.0f} samples, and the"
                f" score counts {samples}; --samples says how many there were"
            )
            return


def _implied_samples(content: dict[str, Any]) -> float | None:
    """Efficiency times energy, where the file has both in plain units."""
    energy, efficiency = content.get("energy"), content.get("efficiency")
    if not isinstance(energy, dict) or not isinstance(efficiency, dict):
        return None
    total, value = energy.get("total"), efficiency.get("value")
    if efficiency.get("unit") != f"samples/{energy.get('unit')}":
        return None
    if isinstance(total, (int, Decimal)) and isinstance(value, (int, Decimal)):
        implied = as_float(total) * as_float(value)
        return implied if math.isfinite(implied) and implied > 0.5 else None
    return None
