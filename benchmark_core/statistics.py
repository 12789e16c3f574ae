"""Repetitions -> means and spreads. Pure arithmetic; None means not measured, and spreads."""

import math
import statistics
from collections.abc import Sequence

from benchmark_core.contract import (
    FEWEST_REPETITIONS_TO_STOP,
    JOULES_PER_WH,
    SCORED_PHASES,
    PhaseName,
)
from benchmark_core.report.repetition import Repetition, Window
from benchmark_core.report.spread import Spread
from benchmark_core.report.summary import Summary

_UPPER_QUANTILE = 0.975
"""Both sides of the 95 % interval leave half of the other 5 % outside."""


def spread(values: Sequence[float | None]) -> Spread | None:
    """Mean, deviation and interval, or None when any value was not measured."""
    known = [value for value in values if value is not None]
    if not known or len(known) < len(values):
        return None
    mean = statistics.fmean(known)
    if len(known) < 2:
        return Spread(mean=mean, stdev=None)
    stdev = statistics.stdev(known)
    return Spread(mean=mean, stdev=stdev, ci95=_half_width(stdev, len(known)))


def _half_width(stdev: float, count: int) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(count - 1, _UPPER_QUANTILE)) * stdev / math.sqrt(count)


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


def impossible_phases(repetitions: Sequence[Repetition]) -> frozenset[PhaseName]:
    """The scored phases that in some repetition have a GPU energy no work can have.

    Decode is a difference of two windows, so it can come out at zero or below. A mean over the
    repetitions would hide that and understate the energy.
    """
    return frozenset(
        name
        for repetition in repetitions
        for name, phase in repetition.phases.items()
        if name in SCORED_PHASES and phase.gpu_joules is not None and phase.gpu_joules <= 0
    )


def summarize(repetitions: Sequence[Repetition], total_prompts: int) -> Summary:
    """The figures of a run of at least one repetition; energy in Wh per repetition.

    Counts are those of one repetition, for failures the worst pass of all repetitions; times are of
    the last pass of a repetition, the one that makes the whole answer. With an impossible GPU phase
    the run has no GPU energy, and nothing that follows from it.
    """
    answers = [repetition.windows[-1] for repetition in repetitions]
    failed = max(window.failed for repetition in repetitions for window in repetition.windows)
    successful = total_prompts - failed
    tokens = answers[0].tokens
    gpu_wh = None if impossible_phases(repetitions) else _spread_wh(repetitions, "gpu_joules")
    duration = _duration(answers)
    return Summary(
        total_prompts=total_prompts,
        successful_prompts=successful,
        failed_prompts=failed,
        tokens=tokens,
        total_duration_seconds=duration,
        avg_latency_seconds=statistics.fmean(map(_latency_seconds, answers)),
        throughput_tokens_per_second=tokens.completion / duration.mean
        if tokens.completion
        else None,
        gpu_energy_wh=gpu_wh,
        cpu_energy_wh=_spread_wh(repetitions, "cpu_joules"),
        ram_energy_wh=_spread_wh(repetitions, "ram_joules"),
        wh_per_1000_queries=gpu_wh.mean * 1000 / successful if gpu_wh and successful else None,
        tokens_per_joule=_tokens_per_joule(tokens.completion, gpu_wh),
        avg_time_to_first_token_seconds=_first_token_seconds(answers),
        truncated_prompts=_most_truncated(answers),
        joules_per_answer_token=_joules_per_token(tokens.answer, gpu_wh),
        joules_per_reasoning_token=_joules_per_token(tokens.reasoning, gpu_wh),
        phases_gpu_wh=_phase_means_wh(repetitions),
    )


def reached(repetitions: Sequence[Repetition], target: float) -> float | None:
    """The interval's half-width as a share of the scored GPU energy, once it is at most `target`.

    None before that, and where the energy is not measured or cannot be.
    """
    if len(repetitions) < FEWEST_REPETITIONS_TO_STOP or impossible_phases(repetitions):
        return None
    energy = spread([scored_joules(repetition, "gpu_joules") for repetition in repetitions])
    if energy is None or energy.ci95 is None:
        return None
    share = energy.ci95 / energy.mean
    return share if share <= target else None


def _duration(answers: Sequence[Window]) -> Spread:
    duration = spread([window.duration_seconds for window in answers])
    if duration is None:
        raise ValueError("a run has at least one repetition")
    return duration


def _spread_wh(repetitions: Sequence[Repetition], quantity: str) -> Spread | None:
    joules = [scored_joules(repetition, quantity) for repetition in repetitions]
    return spread([None if value is None else value / JOULES_PER_WH for value in joules])


def _tokens_per_joule(completion_tokens: int, gpu_wh: Spread | None) -> float | None:
    if gpu_wh is None or gpu_wh.mean <= 0 or not completion_tokens:
        return None
    return completion_tokens / (gpu_wh.mean * JOULES_PER_WH)


def _latency_seconds(answer: Window) -> float:
    """Of a successful sample: its own, where they overlap in time, else its part of the pass."""
    if answer.latency_seconds is not None:
        return answer.latency_seconds
    return answer.duration_seconds / answer.successful


def _first_token_seconds(answers: Sequence[Window]) -> float | None:
    seconds = spread([answer.first_token_seconds for answer in answers])
    return seconds.mean if seconds else None


def _most_truncated(answers: Sequence[Window]) -> int | None:
    known = [answer.truncated for answer in answers if answer.truncated is not None]
    return max(known) if len(known) == len(answers) else None


def _joules_per_token(tokens: int | None, gpu_wh: Spread | None) -> float | None:
    if gpu_wh is None or gpu_wh.mean <= 0 or not tokens:
        return None
    return gpu_wh.mean * JOULES_PER_WH / tokens


def _phase_means_wh(repetitions: Sequence[Repetition]) -> dict[PhaseName, float | None]:
    impossible = impossible_phases(repetitions)
    means: dict[PhaseName, float | None] = {}
    for name in SCORED_PHASES:
        if name not in repetitions[0].phases:
            continue
        joules = spread([repetition.phases[name].gpu_joules for repetition in repetitions])
        possible = joules is not None and name not in impossible
        means[name] = joules.mean / JOULES_PER_WH if joules and possible else None
    return means


def tokens_agree(windows: Sequence[Window]) -> bool:
    """Whether greedy repetitions produced the same number of tokens, as they must."""
    return len({(window.tokens.prompt, window.tokens.completion) for window in windows}) <= 1
