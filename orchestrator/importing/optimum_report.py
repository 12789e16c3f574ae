"""Reports in the shape of optimum-benchmark, as the public predecessor had them first.

One JSON object with a key per phase, by itself or under `report`. A phase's `energy` holds kWh for
a whole pass over the samples, the mean of the repetitions; older files also list the `measures`,
one energy per repetition. Only the GPU's energy is scored, and never that of loading.

A repetition in which a phase has no energy, or less than none, had a fault of its meter. A mean
would hide that and understate the energy, so such a report has no figure.
"""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from benchmark_core.contract import SCORED_PHASES, PhaseName
from benchmark_core.report.imported import Finding, ImportFormat
from benchmark_core.report.spread import Spread
from benchmark_core.statistics import spread
from orchestrator.catalog import shown
from orchestrator.errors import Problem, UsageError
from orchestrator.importing.phase_energies import (
    MOST_WH,
    WH_PER_UNIT,
    PhaseEnergies,
    as_float,
    is_number,
    read_phase,
    wrong,
)
from orchestrator.importing.source_file import Source
from orchestrator.importing.told_run import Given, ImportedPhase, ToldRun

NAME: Final[ImportFormat] = "optimum_benchmark"
KNOWN_BY: Final = "a JSON object with a key per phase, such as prefill and decode"
SCOPE: Final = "passes over the samples, by phase; loading is not in it"
OTHER_SPELLINGS: Final[dict[str, PhaseName]] = {"preprocess_dataset": "preprocess"}
NOT_SCORED: Final = ("load_dataset", "load_model")
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
INVALIDATING: Final = frozenset({"phase_not_positive", "phase_missing"})


def recognises(source: Source) -> bool:
    content = source.content
    if not isinstance(content, dict):
        return False
    keys = (*SCORED_PHASES, *OTHER_SPELLINGS, *NOT_SCORED)
    return "report" in content or any(key in content for key in keys)


def read(source: Source, given: Given) -> list[ToldRun]:
    """The one run of the report, of passes over the samples that are given or implied.

    Raises:
        UsageError: it is no such report, or leaves a quantity open.
    """
    path = source.path
    document = source.content
    assert isinstance(document, dict)
    report = document.get("report", document)
    if not isinstance(report, dict):
        raise wrong(path, "report", report, "no object with a key per phase")
    phases = [read_phase(path, key, name, report[key]) for key, name in _scored(path, report)]
    findings = (
        *_missing(phases),
        *(finding for phase in phases for finding in _examine(phase)),
    )
    is_invalid = any(finding.reason in INVALIDATING for finding in findings)
    measures = {len(phase.measures) for phase in phases}
    told = ToldRun(
        format=NAME,
        source=source,
        scope=SCOPE,
        excerpt=source.text,
        total_prompts=given.samples or _whole(_implied(report, phases)),
        counts_samples=False,
        gpu_wh=None if is_invalid else _total(phases),
        cpu_wh=None if is_invalid else _beside(report, phases, "cpu"),
        ram_wh=None if is_invalid else _beside(report, phases, "ram"),
        phases=tuple(_imported(phase) for phase in phases),
        repetitions=measures.pop() or None if len(measures) == 1 else None,
        findings=findings,
        notes=tuple(_notes(report, phases, given.samples)),
    )
    return [told]


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
        message = f"{absent} is missing, so the energy has no sum"
        yield Finding(reason="phase_missing", message=message, phase=absent)


def _examine(phase: PhaseEnergies) -> Iterator[Finding]:
    for number, value in enumerate(phase.values, start=1):
        repetition = number if phase.measures else None
        if value is None:
            yield Finding(
                reason="gpu_energy_not_measured",
                message=f"{_place(phase.key, repetition)} has no GPU energy",
                phase=phase.key,
                repetition=repetition,
            )
        elif value <= 0:
            yield Finding(
                reason="phase_not_positive",
                message=f"{_place(phase.key, repetition)} has a GPU energy of {value:.6g} Wh,"
                " which no work can have",
                phase=phase.key,
                repetition=repetition,
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
            reason="measures_disagree",
            message=f"{phase.key} states {stated:.9g} Wh, and the mean of its"
            f" {len(phase.measures)} measures is {computed.mean:.9g} Wh",
            phase=phase.key,
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


def _beside(report: dict[str, Any], phases: Sequence[PhaseEnergies], part: str) -> float | None:
    """CPU or RAM energy of the scored phases in Wh; None where one of them has none.

    The unit is that of the GPU energy beside it, which was looked at.
    """
    values = []
    for phase in phases:
        energy = report[phase.key].get("energy")
        value = energy.get(part) if isinstance(energy, dict) else None
        wh = as_float(value) * WH_PER_UNIT["kWh"] if is_number(value) else 0.0
        values.append(wh if 0 < wh <= MOST_WH else None)
    return _sum(values)


def _notes(
    report: dict[str, Any], phases: Sequence[PhaseEnergies], samples: int | None
) -> Iterator[str]:
    if "preprocess" not in {phase.name for phase in phases}:
        yield "the file has no preprocess phase, so none is in the sum"
    if len({len(phase.measures) for phase in phases}) > 1:
        yield "the phases have different numbers of measures, so the sum has no spread"
    implied = _implied(report, phases)
    if samples is None and _whole(implied) is None:
        yield "the file does not tell how many samples there were; --samples says it"
    elif samples is None:
        yield f"the efficiency of a phase speaks of {implied:.0f} samples"
    elif implied is not None and abs(implied - samples) > SAMPLES_SHARE * samples:
        yield (
            f"the efficiency of a phase speaks of about {implied:.0f} samples, and the score counts"
            f" {samples}, as --samples says"
        )


def _implied(report: dict[str, Any], phases: Sequence[PhaseEnergies]) -> float | None:
    implied = (_implied_samples(report[phase.key]) for phase in phases)
    return next((samples for samples in implied if samples is not None), None)


def _whole(samples: float | None) -> int | None:
    """A number of samples that is one, but for rounding."""
    if samples is None or abs(samples - round(samples)) > MOST_ROUNDING_SHARE * samples:
        return None
    return round(samples)


def _implied_samples(content: dict[str, Any]) -> float | None:
    """Efficiency times energy, where the file has both in plain units."""
    energy, efficiency = content.get("energy"), content.get("efficiency")
    if not isinstance(energy, dict) or not isinstance(efficiency, dict):
        return None
    total, value = energy.get("total"), efficiency.get("value")
    if efficiency.get("unit") != f"samples/{energy.get('unit')}":
        return None
    if is_number(total) and is_number(value):
        implied = as_float(total) * as_float(value)
        return implied if math.isfinite(implied) and implied > 0.5 else None
    return None
