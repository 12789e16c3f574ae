"""What the cells of a row of `master_results.csv` follow from. Data."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

from benchmark_core.contract import JOULES_PER_WH
from benchmark_core.report.energy import EnergySource
from benchmark_core.report.spread import Spread, mean
from benchmark_core.tasks import registry as tasks
from scoring.verification.evidence import RunEvidence

Figure = float | int | None
Word = str | None

HASH_CHARACTERS: Final = 16
"""So much of a hash the table shows."""


def _ci95(spread: Spread | None) -> float | None:
    return spread.ci95 if spread else None


def _stdev(spread: Spread | None) -> float | None:
    return spread.stdev if spread else None


def _phase(name: str) -> Callable[[RunEvidence], Figure]:
    return lambda of: next(
        (wh for phase, wh in of.summary.phases_gpu_wh.items() if phase == name), None
    )


def _per_prompt(of: RunEvidence) -> Figure:
    score = of.summary.wh_per_1000_queries
    return None if score is None else score / 1000


def _run_wh(of: RunEvidence) -> Figure:
    joules = of.report.ledger.total_joules if of.report.ledger else None
    return None if joules is None else joules / JOULES_PER_WH


def _highest_celsius(of: RunEvidence) -> float | None:
    gpus = of.report.trace.gpus if of.report.trace else ()
    return max(
        (gpu.highest_celsius for gpu in gpus if gpu.highest_celsius is not None), default=None
    )


def _throttle_reasons(of: RunEvidence) -> str:
    gpus = of.report.trace.gpus if of.report.trace else ()
    return "; ".join(
        sorted({name for gpu in gpus for name, share in gpu.throttled.items() if share > 0})
    )


def _of_gpus(name: str) -> Callable[[RunEvidence], str]:
    """A fact of all GPUs; where they differ, each value once."""
    return lambda of: "; ".join(
        dict.fromkeys(
            str(value) for gpu in of.environment.gpus if (value := getattr(gpu, name)) is not None
        )
    )


def _gpu_hashes(of: RunEvidence) -> str:
    return "; ".join(
        gpu.uuid_sha256[:HASH_CHARACTERS] for gpu in of.environment.gpus if gpu.uuid_sha256
    )


def _run_seconds(of: RunEvidence) -> float | None:
    """None also where a time lacks its zone."""
    try:
        begin = datetime.fromisoformat(of.end.started_at or "")
        return max((datetime.fromisoformat(of.end.finished_at) - begin).total_seconds(), 0)
    except (ValueError, TypeError):
        return None


def _source(source: EnergySource | None) -> str | None:
    return f"{source.kind}: {source.method}" if source else None


def _yes_or_no(answer: bool) -> str:
    return "yes" if answer else "no"


ENERGIES: Final[Mapping[str, Callable[[RunEvidence], Figure]]] = {
    "gpu_energy_wh": lambda of: mean(of.summary.gpu_energy_wh),
    "gpu_energy_stdev_wh": lambda of: _stdev(of.summary.gpu_energy_wh),
    "gpu_energy_ci95_wh": lambda of: _ci95(of.summary.gpu_energy_wh),
    "wh_per_1000_queries": lambda of: of.summary.wh_per_1000_queries,
    "avg_energy_per_prompt_wh": _per_prompt,
    "tokens_per_joule": lambda of: of.summary.tokens_per_joule,
    "gpu_joules_per_answer_token": lambda of: of.summary.joules_per_answer_token,
    "gpu_joules_per_reasoning_token": lambda of: of.summary.joules_per_reasoning_token,
    "co2_emissions_g": lambda of: of.report.carbon.emissions_g if of.report.carbon else None,
    "active_energy_wh": lambda of: of.report.idle.active_energy_wh if of.report.idle else None,
    "run_gpu_energy_wh": _run_wh,
    "prefill_single_pass_wh": lambda of: (
        of.report.single_pass.prefill_wh if of.report.single_pass else None
    ),
    "decode_single_pass_wh": lambda of: (
        of.report.single_pass.decode_wh if of.report.single_pass else None
    ),
    **{
        f"{name}_wh": _phase(name)
        for name in ("preprocess", "prefill", "decode", "forward", "call")
    },
}
"""Cells that are empty where the verdict is invalid."""

COUNTS: Final[Mapping[str, Callable[[RunEvidence], Figure]]] = {
    "total_prompts": lambda of: of.summary.total_prompts,
    "successful_prompts": lambda of: of.summary.successful_prompts,
    "failed_prompts": lambda of: of.summary.failed_prompts,
    "total_duration_seconds": lambda of: mean(of.summary.total_duration_seconds),
    "avg_latency_seconds": lambda of: of.summary.avg_latency_seconds,
    "total_tokens": lambda of: of.summary.tokens.total,
    "total_prompt_tokens": lambda of: of.summary.tokens.prompt,
    "total_completion_tokens": lambda of: of.summary.tokens.completion,
    "reasoning_tokens": lambda of: of.summary.tokens.reasoning,
    "answer_tokens": lambda of: of.summary.tokens.answer,
    "truncated_prompts": lambda of: of.summary.truncated_prompts,
    "throughput_tokens_per_second": lambda of: of.summary.throughput_tokens_per_second,
    "repetitions": lambda of: len(of.report.repetitions),
    "cpu_energy_wh": lambda of: mean(of.summary.cpu_energy_wh),
    "ram_energy_wh": lambda of: mean(of.summary.ram_energy_wh),
    "repetitions_asked": lambda of: of.spec.repetitions,
    "stopped_at_ci": lambda of: of.report.stopped_at_ci,
    "idle_watts_before": lambda of: of.report.idle.before_watts if of.report.idle else None,
    "idle_watts_after": lambda of: of.report.idle.after_watts if of.report.idle else None,
    "ledger_residual_share": lambda of: (
        of.report.ledger.residual_share if of.report.ledger else None
    ),
    "meters_disagreement_share": lambda of: (
        of.report.trace.disagreement if of.report.trace else None
    ),
    "trace_samples_per_second": lambda of: of.report.trace.rate_hertz if of.report.trace else None,
    "thermal_gate_seconds": lambda of: (
        of.report.thermal_gate.waited_seconds if of.report.thermal_gate else None
    ),
    "avg_time_to_first_token_seconds": lambda of: of.summary.avg_time_to_first_token_seconds,
    "highest_celsius": _highest_celsius,
    "run_seconds": _run_seconds,
    "gpu_count": lambda of: of.spec.device.gpu_count,
    "concurrency": lambda of: of.applied.concurrency,
    "seed": lambda of: of.applied.seed,
    "max_new_tokens": lambda of: of.spec.limits.max_new_tokens if of.spec.limits else None,
    "min_new_tokens": lambda of: of.spec.limits.min_new_tokens if of.spec.limits else None,
    "co2_factor_g_per_kwh": lambda of: (
        of.report.carbon.factor_g_per_kwh if of.report.carbon else None
    ),
}

WORDS: Final[Mapping[str, Callable[[RunEvidence], Word]]] = {
    "run_id": lambda of: of.report.run_id,
    "model_name": lambda of: of.spec.model.id,
    "model_class": lambda of: of.spec.model.model_class,
    "task": lambda of: tasks.get(of.spec.task).spellings[0],
    "reasoning_state": lambda of: of.spec.reasoning.state if of.spec.reasoning else None,
    "reasoning_requested": lambda of: of.spec.reasoning.state if of.spec.reasoning else None,
    "reasoning_effective": lambda of: (
        of.report.reasoning.effective if of.report.reasoning else None
    ),
    "timestamp": lambda of: of.end.finished_at,
    "outcome": lambda of: of.end.outcome,
    "error_message": lambda of: None,
    "verdict": lambda of: of.report.verdict.verdict if of.report.verdict else None,
    "verdict_reasons": lambda of: "; ".join(of.report.verdict.reasons if of.report.verdict else ()),
    "official_deviations": lambda of: "; ".join(
        of.report.official.deviations if of.report.official else ()
    ),
    "runs_beside": lambda of: "; ".join(of.report.runs_beside),
    "gpu_energy_source": lambda of: _source(of.report.energy_sources.gpu),
    "cpu_energy_source": lambda of: _source(of.report.energy_sources.cpu),
    "ram_energy_source": lambda of: _source(of.report.energy_sources.ram),
    "co2_region": lambda of: of.report.carbon.region if of.report.carbon else None,
    "co2_basis": lambda of: of.report.carbon.basis if of.report.carbon else None,
    "device": lambda of: of.spec.device.kind,
    "backend": lambda of: of.spec.backend.name,
    "attention": lambda of: of.applied.attention,
    "prompt_form": lambda of: of.applied.prompt_form,
    "template_sha256": lambda of: of.applied.template_sha256,
    "template_day": lambda of: (
        of.applied.template_day.isoformat() if of.applied.template_day else None
    ),
    "engine": lambda of: of.end.engine,
    "image_digest": lambda of: of.end.image_digest,
    "runner_version": lambda of: of.environment.runner_version,
    "imported_from": lambda of: None,
    "official": lambda of: _yes_or_no(
        of.report.official is not None and of.report.official.official
    ),
    "rehearsal": lambda of: _yes_or_no(of.report.rehearsal),
    "spec_hash": lambda of: of.report.spec_hash,
    "reasoning_enforced": lambda of: (
        None
        if of.report.reasoning is None or of.report.reasoning.enforced is None
        else _yes_or_no(of.report.reasoning.enforced)
    ),
    "reasoning_mechanism": lambda of: (
        of.report.reasoning.mechanism if of.report.reasoning else None
    ),
    "throttle_reasons": _throttle_reasons,
    "co2_factor_source": lambda of: (
        f"{of.report.carbon.source} {of.report.carbon.year}" if of.report.carbon else None
    ),
    "gpu_uuids_sha256": _gpu_hashes,
    "gpu_power_limit_watts": _of_gpus("power_limit_watts"),
    "driver_version": _of_gpus("driver_version"),
    "cuda_version": _of_gpus("cuda_version"),
    "gpu_name": lambda of: "; ".join(sorted({gpu.name for gpu in of.environment.gpus})) or None,
    "dtype": lambda of: of.applied.dtype,
    "model_commit": lambda of: of.applied.model_commit,
    "dataset_commit": lambda of: of.applied.dataset_commit,
}

ON_TRUST: Final = frozenset({"attempts"})
"""An attempt that nobody saw end left nothing that a bundle takes along."""
