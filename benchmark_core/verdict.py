"""Whether a run's figures may be believed; every reason that speaks against it is named."""

from collections.abc import Sequence

from benchmark_core.contract import (
    SIMULATED_DEVICE_PREFIX,
    EnergySources,
    GpuFacts,
    Repetition,
    RunSpec,
    Summary,
    Verdict,
)
from benchmark_core.statistics import tokens_agree


def judge(
    spec: RunSpec,
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
        "rehearsal": is_rehearsal(spec, sources, gpus),
        "samples_failed": summary.failed_prompts > 0,
        "fewer_samples_than_asked": wanted is not None and summary.total_prompts < wanted,
        "tokens_differ_between_repetitions": not tokens_agree(answers),
    }
    found = tuple(name for name, holds in reasons.items() if holds)
    return Verdict(verdict="flagged" if found else "valid", reasons=found)


def is_rehearsal(spec: RunSpec, sources: EnergySources, gpus: Sequence[GpuFacts]) -> bool:
    """Whether any part of the run was simulated, the driver below the meter included."""
    kinds = {part.kind for part in (sources.gpu, sources.cpu, sources.ram) if part}
    return (
        spec.backend.simulation is not None
        or "simulated" in kinds
        or any(gpu.name.startswith(SIMULATED_DEVICE_PREFIX) for gpu in gpus)
    )
