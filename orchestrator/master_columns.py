"""The columns of `master_results.csv`, declared once: what of a run stands in which.

The first 19 are the ones that users' one-liners count on.
"""

from datetime import datetime

from benchmark_core.contract import JOULES_PER_WH, Launch, PhaseName, TaskName
from benchmark_core.documents import ContractError
from benchmark_core.report.energy import EnergySource
from benchmark_core.report.environment import Environment
from benchmark_core.report.spread import Spread, mean
from benchmark_core.report.summary import PartialSummary
from benchmark_core.report.trace_facts import TraceFacts
from benchmark_core.tasks import registry as tasks
from orchestrator.master_cells import (
    Column,
    joined,
    of_applied,
    of_carbon,
    of_environment,
    of_gate,
    of_gpus,
    of_idle,
    of_import,
    of_ledger,
    of_limits,
    of_official,
    of_outcome,
    of_reasoning,
    of_report,
    of_single_pass,
    of_summary,
    of_tokens,
    of_trace,
    of_verdict,
    usable,
    yes_or_no,
)
from orchestrator.outcome import Outcome
from orchestrator.run_record import Record

HASH_CHARACTERS = 16
INTERRUPTED = "interrupted: the batch runner was killed; start it again to resume."


def _task(name: TaskName | None) -> str | None:
    return tasks.get(name).spellings[0] if name else None


def _error_message(record: Record) -> str:
    return record.outcome.error_message if record.outcome else INTERRUPTED


def _launch(record: Record) -> Launch:
    if record.launch is None:
        raise ContractError("it has neither an outcome nor a launch")
    return record.launch


def _per_prompt_wh(summary: PartialSummary) -> float | None:
    score = summary.wh_per_1000_queries
    return None if score is None else score / 1000


def _wh(joules: float | None) -> float | None:
    return None if joules is None else joules / JOULES_PER_WH


def _phase_wh(name: PhaseName) -> Column:
    return usable(of_summary(lambda summary: summary.phases_gpu_wh.get(name)))


def _stdev(spread: Spread | None) -> float | None:
    return spread.stdev if spread else None


def _ci95(spread: Spread | None) -> float | None:
    return spread.ci95 if spread else None


def _repetitions(record: Record) -> int | None:
    """Of an imported run as its source tells; its passes are not in the report."""
    measured = len(record.report.repetitions) if record.report else 0
    return measured or (record.imported.repetitions if record.imported else None)


def _highest_celsius(trace: TraceFacts) -> float | None:
    known = [gpu.highest_celsius for gpu in trace.gpus if gpu.highest_celsius is not None]
    return max(known, default=None)


def _throttle_reasons(trace: TraceFacts) -> str | None:
    return joined(
        sorted({name for gpu in trace.gpus for name, share in gpu.throttled.items() if share > 0})
    )


def _source(source: EnergySource | None) -> str | None:
    return f"{source.kind}: {source.method}" if source else None


def _gpu_name(record: Record) -> str | None:
    environment = record.report.environment if record.report else None
    if environment is None:
        return record.imported.gpu_name if record.imported else None
    return joined(sorted({gpu.name for gpu in environment.gpus}))


def _gpu_hashes(environment: Environment) -> str | None:
    hashes = (gpu.uuid_sha256 for gpu in environment.gpus)
    return joined(text[:HASH_CHARACTERS] for text in hashes if text)


def _seconds(outcome: Outcome) -> float | None:
    """None also where a time lacks its zone: a source of imports, and a run, can write anything."""
    if outcome.started_at is None:
        return None
    try:
        begin = datetime.fromisoformat(outcome.started_at)
        return max((datetime.fromisoformat(outcome.finished_at) - begin).total_seconds(), 0)
    except (ValueError, TypeError):
        return None


COLUMNS: dict[str, Column] = {
    "model_name": lambda record: record.asked.model_id,
    "model_class": lambda record: record.asked.model_class,
    "task": lambda record: _task(record.asked.task),
    "reasoning_state": lambda record: record.asked.reasoning_state,
    "total_prompts": of_summary(lambda summary: summary.total_prompts),
    "successful_prompts": of_summary(lambda summary: summary.successful_prompts),
    "failed_prompts": of_summary(lambda summary: summary.failed_prompts),
    "total_duration_seconds": of_summary(lambda summary: mean(summary.total_duration_seconds)),
    "avg_latency_seconds": of_summary(lambda summary: summary.avg_latency_seconds),
    "total_tokens": of_tokens(lambda tokens: tokens.total),
    "total_prompt_tokens": of_tokens(lambda tokens: tokens.prompt),
    "total_completion_tokens": of_tokens(lambda tokens: tokens.completion),
    "throughput_tokens_per_second": of_summary(lambda s: s.throughput_tokens_per_second),
    "gpu_energy_wh": usable(of_summary(lambda summary: mean(summary.gpu_energy_wh))),
    "co2_emissions_g": usable(of_carbon(lambda carbon: carbon.emissions_g)),
    "tokens_per_joule": usable(of_summary(lambda summary: summary.tokens_per_joule)),
    "avg_energy_per_prompt_wh": usable(of_summary(_per_prompt_wh)),
    "timestamp": lambda r: r.outcome.finished_at if r.outcome else _launch(r).launched_at,
    "error_message": _error_message,
    "run_id": lambda record: record.asked.run_id,
    "outcome": lambda r: r.outcome.outcome if r.outcome else "interrupted",
    "verdict": of_verdict(lambda verdict: verdict.verdict),
    "verdict_reasons": of_verdict(lambda verdict: joined(verdict.reasons)),
    "official": of_official(lambda official: yes_or_no(official.official)),
    "official_deviations": of_official(lambda official: joined(official.deviations)),
    "rehearsal": lambda record: yes_or_no(record.rehearsal),
    "reasoning_requested": lambda record: record.asked.reasoning_state,
    "reasoning_effective": of_reasoning(lambda reasoning: reasoning.effective),
    "reasoning_enforced": of_reasoning(lambda reasoning: yes_or_no(reasoning.enforced)),
    "reasoning_mechanism": of_reasoning(lambda reasoning: reasoning.mechanism),
    "reasoning_tokens": of_tokens(lambda tokens: tokens.reasoning),
    "answer_tokens": of_tokens(lambda tokens: tokens.answer),
    "truncated_prompts": of_summary(lambda summary: summary.truncated_prompts),
    "gpu_joules_per_answer_token": usable(of_summary(lambda s: s.joules_per_answer_token)),
    "gpu_joules_per_reasoning_token": usable(of_summary(lambda s: s.joules_per_reasoning_token)),
    "wh_per_1000_queries": usable(of_summary(lambda summary: summary.wh_per_1000_queries)),
    "gpu_energy_stdev_wh": usable(of_summary(lambda summary: _stdev(summary.gpu_energy_wh))),
    "gpu_energy_ci95_wh": usable(of_summary(lambda summary: _ci95(summary.gpu_energy_wh))),
    "preprocess_wh": _phase_wh("preprocess"),
    "prefill_wh": _phase_wh("prefill"),
    "decode_wh": _phase_wh("decode"),
    "forward_wh": _phase_wh("forward"),
    "call_wh": _phase_wh("call"),
    "prefill_single_pass_wh": usable(of_single_pass(lambda split: split.prefill_wh)),
    "decode_single_pass_wh": usable(of_single_pass(lambda split: split.decode_wh)),
    "repetitions": _repetitions,
    "repetitions_asked": lambda record: record.asked.repetitions,
    "stopped_at_ci": of_report(lambda r: r.stopped_at_ci),
    "idle_watts_before": of_idle(lambda idle: idle.before_watts),
    "idle_watts_after": of_idle(lambda idle: idle.after_watts),
    "active_energy_wh": usable(of_idle(lambda idle: idle.active_energy_wh)),
    "ledger_residual_share": of_ledger(lambda ledger: ledger.residual_share),
    "meters_disagreement_share": of_trace(lambda trace: trace.disagreement),
    "trace_samples_per_second": of_trace(lambda trace: trace.rate_hertz),
    "highest_celsius": of_trace(_highest_celsius),
    "throttle_reasons": of_trace(_throttle_reasons),
    "thermal_gate_seconds": of_gate(lambda gate: gate.waited_seconds),
    "cpu_energy_wh": of_summary(lambda summary: mean(summary.cpu_energy_wh)),
    "ram_energy_wh": of_summary(lambda summary: mean(summary.ram_energy_wh)),
    "gpu_energy_source": of_report(lambda r: _source(r.energy_sources.gpu)),
    "cpu_energy_source": of_report(lambda r: _source(r.energy_sources.cpu)),
    "ram_energy_source": of_report(lambda r: _source(r.energy_sources.ram)),
    "co2_factor_g_per_kwh": of_carbon(lambda carbon: carbon.factor_g_per_kwh),
    "co2_region": of_carbon(lambda carbon: carbon.region),
    "co2_factor_source": of_carbon(lambda carbon: f"{carbon.source} {carbon.year}"),
    "co2_basis": of_carbon(lambda carbon: carbon.basis),
    "gpu_name": _gpu_name,
    "gpu_count": lambda record: record.asked.gpu_count,
    "gpu_uuids_sha256": of_environment(_gpu_hashes),
    "gpu_power_limit_watts": of_gpus(lambda gpu: gpu.power_limit_watts),
    "driver_version": of_gpus(lambda gpu: gpu.driver_version),
    "cuda_version": of_gpus(lambda gpu: gpu.cuda_version),
    "device": lambda record: record.asked.device,
    "backend": lambda record: record.asked.backend,
    "dtype": of_applied(lambda applied: applied.dtype),
    "attention": of_applied(lambda applied: applied.attention),
    "seed": of_applied(lambda applied: applied.seed),
    "prompt_form": of_applied(lambda applied: applied.prompt_form),
    "template_sha256": of_applied(lambda applied: applied.template_sha256),
    "max_new_tokens": of_limits(lambda limits: limits.max_new_tokens),
    "min_new_tokens": of_limits(lambda limits: limits.min_new_tokens),
    "model_commit": of_applied(lambda applied: applied.model_commit),
    "dataset_commit": of_applied(lambda applied: applied.dataset_commit),
    "engine": lambda r: r.outcome.engine if r.outcome else _launch(r).engine,
    "image_digest": of_outcome(lambda outcome: outcome.image_digest),
    "runner_version": of_environment(lambda environment: environment.runner_version),
    "runs_beside": of_report(lambda r: joined(r.runs_beside)),
    "attempts": lambda record: record.attempts + 1,
    "spec_hash": lambda record: record.asked.spec_hash,
    "imported_from": of_import(lambda imported: imported.format),
    "avg_time_to_first_token_seconds": of_summary(lambda s: s.avg_time_to_first_token_seconds),
    "concurrency": of_applied(lambda applied: applied.concurrency),
    "run_seconds": of_outcome(_seconds),
    "run_gpu_energy_wh": usable(of_ledger(lambda ledger: _wh(ledger.total_joules))),
    "template_day": of_applied(lambda a: a.template_day.isoformat() if a.template_day else None),
}
