"""Whether a run's figures may be believed; every reason that speaks against it is named.

A flagged figure is true as far as anybody can tell, and was come by under conditions that its
reader must know. An invalid one is not to be used.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Literal

from benchmark_core import ledger as ledgers
from benchmark_core.evidence import Evidence
from benchmark_core.meter_facts import DRIVER_METERS, GPU_COUNTERS, GPU_METERS, TRACING_METERS
from benchmark_core.report.judgement import Verdict
from benchmark_core.report.trace_facts import GpuConditions
from benchmark_core.statistics import impossible_phases, scored_joules, tokens_agree

LONGEST_TRACE_GAP_SECONDS = 1.0
LOWEST_TRACE_RATE_HERTZ = 10.0
LARGEST_DISAGREEMENT = 0.05
"""Power readings are off by so much on their own, differently from board to board."""
LARGEST_EXPLICABLE_DISAGREEMENT = 0.25
"""Five times what steady readings are off by. One of the two meters did not see what the GPU drew,
and which one cannot be told."""
LARGEST_DOUBT = 0.01
LARGEST_DRIFT_CELSIUS = 10.0
LARGEST_THROTTLED_SHARE = 0.01
SMALLEST_REASONING_SHARE = 0.02
"""Of the generated tokens of a run that reasons; an empty block that a model opens and closes at
once is four tokens or so before an answer of hundreds."""
THROTTLING = frozenset({"hw_slowdown", "hw_thermal", "sw_thermal", "hw_power_brake"})
"""Of the reasons for low clocks those that ought not to be: at full load sw_power_cap is normal."""

Severity = Literal["flagged", "invalid"]

SEVERITY: dict[str, Severity] = {
    "gpu_energy_not_measured": "flagged",
    "gpu_energy_integrated_from_power": "flagged",
    "meter_watches_other_gpus": "invalid",
    "model_not_on_gpu": "flagged",
    "server_not_identified": "flagged",
    "gpu_not_watched": "flagged",
    "phase_not_positive": "invalid",
    "edges_uncertain": "flagged",
    "ledger_does_not_balance": "invalid",
    "counter_reset": "invalid",
    "meters_disagree": "flagged",
    "meters_contradict": "invalid",
    "trace_incomplete": "flagged",
    "foreign_process_before": "flagged",
    "foreign_process_during": "invalid",
    "foreign_process_after": "flagged",
    "other_runs_on_host": "flagged",
    "power_limit_changed": "invalid",
    "throttled": "flagged",
    "temperature_drift": "flagged",
    "not_at_rest": "flagged",
    "rehearsal": "flagged",
    "samples_failed": "flagged",
    "fewer_samples_than_asked": "flagged",
    "tokens_differ_between_repetitions": "flagged",
    "reasoning_not_enforced": "flagged",
    "reasoning_contradicts_state": "flagged",
    "reasoning_truncated": "flagged",
    "counter_missing": "invalid",
    "counter_without_value": "invalid",
    "counter_stuck": "invalid",
    "edges_not_found": "invalid",
    "power_not_readable": "invalid",
    "gpu_lost": "invalid",
    "driver_error": "invalid",
    "sampler_failed": "invalid",
    "meter_unreachable": "invalid",
    "meter_failed": "invalid",
}
"""Every reason there is. Those before `counter_missing` speak against finished runs; of them
`meter_watches_other_gpus` and `counter_reset` may also fail a run, as all that follow do."""

IMPORT_SEVERITY: dict[str, Severity] = {
    "imported": "flagged",
    "implausible_power": "invalid",
    "phase_missing": "invalid",
    "measures_disagree": "flagged",
}
"""What speaks against runs that another program measured, besides reasons that all runs share."""


def judge(evidence: Evidence) -> Verdict:
    """As bad as the worst of the reasons that hold; valid without any."""
    found = tuple(reason for reason, holds in CHECKS.items() if holds(evidence))
    worst: Literal["valid", "flagged", "invalid"] = "flagged" if found else "valid"
    if any(SEVERITY[reason] == "invalid" for reason in found):
        worst = "invalid"
    return Verdict(verdict=worst, reasons=found)


def of_fault(reason: str) -> Verdict:
    """The verdict on a run that failed with its meter; a reason nobody knows is `meter_failed`."""
    known = reason if reason in SEVERITY else "meter_failed"
    return Verdict(verdict=SEVERITY[known], reasons=(known,))


def of_import(reasons: Iterable[str]) -> Verdict:
    """The verdict on a finished run of another program: never valid, as our checks were not made.

    Raises:
        KeyError: there is no such reason.
    """
    found = tuple(dict.fromkeys(("imported", *reasons)))
    severities = SEVERITY | IMPORT_SEVERITY
    invalid = any(severities[reason] == "invalid" for reason in found)
    return Verdict(verdict="invalid" if invalid else "flagged", reasons=found)


def _not_measured(evidence: Evidence) -> bool:
    return any(scored_joules(one, "gpu_joules") is None for one in evidence.repetitions)


def _integrated(evidence: Evidence) -> bool:
    source = evidence.sources.gpu
    return source is not None and source.integrated


def _watches_others(evidence: Evidence) -> bool:
    """Whether the model's GPUs cannot be the metered ones: more, fewer, or others by their UUID."""
    device = evidence.applied.device
    if device is None or not device.gpu_count or not evidence.gpus:
        return False
    own = set(evidence.applied.gpu_uuids)
    others = bool(own) and own != {gpu.uuid for gpu in evidence.gpus}
    return others or len(evidence.gpus) != device.gpu_count


def _not_on_gpu(evidence: Evidence) -> bool:
    """Whether the GPU energy is that of GPUs which the model did not use.

    A served model computes in its server, and nothing here says where.
    """
    source, device = evidence.sources.gpu, evidence.applied.device
    return (
        device is not None
        and device.kind not in ("cuda", "simulated")
        and evidence.summary.gpu_energy_wh is not None
        and source is not None
        and source.meter in GPU_COUNTERS
    )


def _server_unseen(evidence: Evidence) -> bool:
    """Whether GPUs of this machine were metered, and nobody could see that the server is on them.

    With dcgm the user names the GPUs of a serving host, and no run could look there.
    """
    source, applied = evidence.sources.gpu, evidence.applied
    metered = source is not None and source.meter in DRIVER_METERS
    return metered and applied.server is not None and not applied.gpu_uuids


def _edges_uncertain(evidence: Evidence) -> bool:
    doubts = [
        window.reading.gpu_doubt_joules or 0.0
        for repetition in evidence.repetitions
        for window in repetition.windows
    ]
    scored = [scored_joules(one, "gpu_joules") or 0.0 for one in evidence.repetitions]
    return sum(doubts) > LARGEST_DOUBT * abs(sum(scored))


def _does_not_balance(evidence: Evidence) -> bool:
    return evidence.ledger is not None and ledgers.balances(evidence.ledger) is False


def _disagreement(evidence: Evidence) -> float:
    """How far the two meters are apart; nothing where one of them was not there."""
    disagreement = evidence.trace.disagreement if evidence.trace else None
    return abs(disagreement or 0.0)


def _not_watched(evidence: Evidence) -> bool:
    """Whether the GPU energy comes from a meter that is none for GPUs here: from a program that
    measures by itself, and looks at nothing else."""
    source = evidence.sources.gpu
    return source is not None and source.meter not in GPU_METERS


def _trace_incomplete(evidence: Evidence) -> bool:
    """A meter that leaves a trace always does."""
    trace, source = evidence.trace, evidence.sources.gpu
    if trace is None:
        return source is not None and source.meter in TRACING_METERS
    gap = trace.longest_gap_seconds > LONGEST_TRACE_GAP_SECONDS
    return gap or trace.rate_hertz < LOWEST_TRACE_RATE_HERTZ


def _conditions(evidence: Evidence) -> Iterator[GpuConditions]:
    return iter(evidence.trace.gpus if evidence.trace else ())


def _throttled(evidence: Evidence) -> bool:
    return any(
        reason in THROTTLING and share > LARGEST_THROTTLED_SHARE
        for gpu in _conditions(evidence)
        for reason, share in gpu.throttled.items()
    )


def _drifted(evidence: Evidence) -> bool:
    return any(
        abs(gpu.last_celsius - gpu.first_celsius) > LARGEST_DRIFT_CELSIUS
        for gpu in _conditions(evidence)
        if gpu.last_celsius is not None and gpu.first_celsius is not None
    )


def _fewer_samples(evidence: Evidence) -> bool:
    wanted = evidence.spec.samples.count
    return wanted is not None and evidence.summary.total_prompts < wanted


def _reasoning_contradicts(evidence: Evidence) -> bool:
    """Whether the tokens show another state than the prompt was to bring about.

    What was never told apart contradicts nothing, and neither does a model that nobody told.
    """
    facts, tokens = evidence.reasoning, evidence.summary.tokens
    if facts is None or tokens.reasoning is None or not tokens.completion:
        return False
    if facts.effective == "on":
        return tokens.reasoning < SMALLEST_REASONING_SHARE * tokens.completion
    return facts.effective in ("off", "none") and tokens.reasoning > 0


CHECKS: dict[str, Callable[[Evidence], bool]] = {
    "gpu_energy_not_measured": _not_measured,
    "gpu_energy_integrated_from_power": _integrated,
    "meter_watches_other_gpus": _watches_others,
    "model_not_on_gpu": _not_on_gpu,
    "server_not_identified": _server_unseen,
    "gpu_not_watched": _not_watched,
    "phase_not_positive": lambda of: bool(impossible_phases(of.repetitions)),
    "edges_uncertain": _edges_uncertain,
    "ledger_does_not_balance": _does_not_balance,
    "counter_reset": lambda of: of.trace is not None and of.trace.counter_resets > 0,
    "meters_disagree": lambda of: _disagreement(of) > LARGEST_DISAGREEMENT,
    "meters_contradict": lambda of: _disagreement(of) > LARGEST_EXPLICABLE_DISAGREEMENT,
    "trace_incomplete": _trace_incomplete,
    # An unknown number of programs is not one that was seen.
    "foreign_process_before": lambda of: any(gpu.foreign_before for gpu in _conditions(of)),
    "foreign_process_during": lambda of: any(gpu.foreign_during for gpu in _conditions(of)),
    "foreign_process_after": lambda of: any(gpu.foreign_after for gpu in _conditions(of)),
    "other_runs_on_host": lambda of: bool(of.runs_beside),
    "power_limit_changed": lambda of: any(
        len(gpu.power_limits_watts) > 1 for gpu in _conditions(of)
    ),
    "throttled": _throttled,
    "temperature_drift": _drifted,
    "not_at_rest": lambda of: of.gate is not None and not of.gate.settled,
    "rehearsal": lambda of: of.rehearsal,
    "samples_failed": lambda of: of.summary.failed_prompts > 0,
    "fewer_samples_than_asked": _fewer_samples,
    "tokens_differ_between_repetitions": lambda of: (
        not tokens_agree([repetition.windows[-1] for repetition in of.repetitions])
    ),
    "reasoning_not_enforced": lambda of: (
        of.reasoning is not None and of.reasoning.enforced is False
    ),
    "reasoning_contradicts_state": _reasoning_contradicts,
    "reasoning_truncated": lambda of: bool(of.summary.truncated_prompts),
}
