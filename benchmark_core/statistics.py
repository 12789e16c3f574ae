"""Repetitions -> means and spreads. Pure arithmetic; None means not measured, and spreads."""

import statistics
from collections.abc import Sequence

from benchmark_core.contract import JOULES_PER_WH, SCORED_PHASES, PhaseName
from benchmark_core.report import Repetition, Spread, Summary, Window


def spread(values: Sequence[float | None]) -> Spread | None:
    """Mean and sample standard deviation, or None when any value was not measured."""
    known = [value for value in values if value is not None]
    if not known or len(known) < len(values):
        return None
    return Spread(
        mean=statistics.fmean(known),
        stdev=statistics.stdev(known) if len(known) > 1 else None,
    )


def scored_joules(repetition: Repetition, quantity: str) -> float | None:
    """Joules of all scored phases of one repetition; None when one of them was not measured.

    `quantity` is gpu_joules, cpu_joules or ram_joules.
    """
    values: list[float | None] = [
        getattr(repetition.phases[name], quantity)
        for name in SCORED_PHASES
        if name in repetition.phases
    ]
    known = [value for value in values if value is not None]
    return sum(known) if known and len(known) == len(values) else None


def summarize(repetitions: Sequence[Repetition], total_prompts: int) -> Summary:
    """The figures of a run of at least one repetition; energy in Wh per repetition.

    Counts are those of one repetition, for failures the worst pass of all repetitions; times are of
    the last pass of a repetition, the one that makes the whole answer.
    """
    answers = [repetition.windows[-1] for repetition in repetitions]
    failed = max(window.failed for repetition in repetitions for window in repetition.windows)
    successful = total_prompts - failed
    seconds = [window.duration_seconds for window in answers]
    tokens = answers[0].tokens
    gpu_wh = _spread_wh(repetitions, "gpu_joules")
    mean_seconds = statistics.fmean(seconds)
    duration = Spread(
        mean=mean_seconds, stdev=statistics.stdev(seconds) if len(seconds) > 1 else None
    )
    return Summary(
        total_prompts=total_prompts,
        successful_prompts=successful,
        failed_prompts=failed,
        tokens=tokens,
        total_duration_seconds=duration,
        avg_latency_seconds=mean_seconds / total_prompts,
        throughput_tokens_per_second=tokens.completion / mean_seconds
        if tokens.completion
        else None,
        gpu_energy_wh=gpu_wh,
        cpu_energy_wh=_spread_wh(repetitions, "cpu_joules"),
        ram_energy_wh=_spread_wh(repetitions, "ram_joules"),
        wh_per_1000_queries=gpu_wh.mean * 1000 / successful if gpu_wh and successful else None,
        tokens_per_joule=_tokens_per_joule(tokens.completion, gpu_wh),
        phases_gpu_wh=_phase_means_wh(repetitions),
    )


def _spread_wh(repetitions: Sequence[Repetition], quantity: str) -> Spread | None:
    joules = spread([scored_joules(repetition, quantity) for repetition in repetitions])
    if joules is None:
        return None
    return Spread(
        mean=joules.mean / JOULES_PER_WH,
        stdev=None if joules.stdev is None else joules.stdev / JOULES_PER_WH,
    )


def _tokens_per_joule(completion_tokens: int, gpu_wh: Spread | None) -> float | None:
    if gpu_wh is None or gpu_wh.mean <= 0 or not completion_tokens:
        return None
    return completion_tokens / (gpu_wh.mean * JOULES_PER_WH)


def _phase_means_wh(repetitions: Sequence[Repetition]) -> dict[PhaseName, float | None]:
    means: dict[PhaseName, float | None] = {}
    for name in SCORED_PHASES:
        if name not in repetitions[0].phases:
            continue
        joules = spread([repetition.phases[name].gpu_joules for repetition in repetitions])
        means[name] = None if joules is None else joules.mean / JOULES_PER_WH
    return means


def tokens_agree(windows: Sequence[Window]) -> bool:
    """Whether greedy repetitions produced the same number of tokens, as they must."""
    return len({(window.tokens.prompt, window.tokens.completion) for window in windows}) <= 1
