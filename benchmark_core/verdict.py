"""Whether a run's figures may be believed; every reason that speaks against it is named."""

from collections.abc import Sequence

from benchmark_core.contract import SIMULATED_DEVICE_PREFIX, RunSpec
from benchmark_core.report import Applied, EnergySources, GpuFacts, Repetition, Summary, Verdict
from benchmark_core.statistics import tokens_agree


def judge(
    spec: RunSpec,
    applied: Applied,
    summary: Summary,
    repetitions: Sequence[Repetition],
    sources: EnergySources,
    gpus: Sequence[GpuFacts],
) -> Verdict:
    """Valid when nothing speaks against it, else flagged with the reasons."""
    answers = [repetition.windows[-1] for repetition in repetitions]
    wanted = spec.samples.count
    reasons = {
        "gpu_energy_not_measured": summary.gpu_energy_wh is None,
        "meter_watches_other_gpus": _watches_others(applied, gpus),
        "phase_not_positive": _has_phase_not_positive(repetitions),
        "rehearsal": is_rehearsal(spec, sources, gpus),
        "samples_failed": summary.failed_prompts > 0,
        "fewer_samples_than_asked": wanted is not None and summary.total_prompts < wanted,
        "tokens_differ_between_repetitions": not tokens_agree(answers),
    }
    found = tuple(name for name, holds in reasons.items() if holds)
    return Verdict(verdict="flagged" if found else "valid", reasons=found)


def _watches_others(applied: Applied, gpus: Sequence[GpuFacts]) -> bool:
    """Whether the model's GPUs cannot be the metered ones, because there are more or fewer."""
    used = applied.device.gpu_count
    return bool(used and gpus) and len(gpus) != used


def _has_phase_not_positive(repetitions: Sequence[Repetition]) -> bool:
    """Whether a scored phase has a GPU energy that work cannot have.

    Decode is a difference of two windows, so it alone can come out at zero or below. A mean over
    the repetitions could hide that.
    """
    phases = [phase for repetition in repetitions for phase in repetition.phases.values()]
    return any(phase.gpu_joules is not None and phase.gpu_joules <= 0 for phase in phases)


def is_rehearsal(spec: RunSpec, sources: EnergySources, gpus: Sequence[GpuFacts]) -> bool:
    """Whether any part of the run was simulated, the driver below the meter included."""
    kinds = {part.kind for part in (sources.gpu, sources.cpu, sources.ram) if part}
    return (
        spec.backend.simulation is not None
        or "simulated" in kinds
        or any(gpu.name.startswith(SIMULATED_DEVICE_PREFIX) for gpu in gpus)
    )
