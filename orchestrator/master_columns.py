"""The columns of `master_results.csv`, declared once: what of a run stands in which.

The first 19 are the ones that users' one-liners count on.
"""

from collections.abc import Callable, Iterable
from datetime import datetime

from benchmark_core.backend_facts import BACKEND_FACTS
from benchmark_core.contract import JOULES_PER_WH, Launch, PhaseName, TaskName, TokenLimits
from benchmark_core.documents import ContractError
from benchmark_core.imported import Imported
from benchmark_core.reasoning.facts import ReasoningFacts
from benchmark_core.report import (
    Applied,
    EnergySource,
    Environment,
    GpuFacts,
    IdleBaseline,
    PartialSummary,
    ReportOutline,
    SinglePass,
    Spread,
    TokenCounts,
    TraceFacts,
    mean,
)
from benchmark_core.tasks import registry as tasks
from orchestrator.run_record import Record

HASH_CHARACTERS = 16
INTERRUPTED = "interrupted: the batch runner was killed; start it again to resume."

Cell = str | int | float | bool | None


def _of_summary(read: Callable[[PartialSummary], Cell]) -> Callable[[Record], Cell]:
    return lambda record: read(record.summary) if record.summary else None


def _of_tokens(read: Callable[[TokenCounts], Cell]) -> Callable[[Record], Cell]:
    return _of_summary(lambda summary: read(summary.tokens) if summary.tokens else None)


def _of_import(read: Callable[[Imported], Cell]) -> Callable[[Record], Cell]:
    return lambda record: read(record.imported) if record.imported else None


def _usable(read: Callable[[Record], Cell]) -> Callable[[Record], Cell]:
    """GPU energy and what is made of it: empty where the verdict is invalid, for one-liners that
    read no verdict. The report keeps the figures."""
    return lambda record: None if record.is_invalid else read(record)


def _of_report(read: Callable[[ReportOutline], Cell]) -> Callable[[Record], Cell]:
    return lambda record: read(record.report) if record.report else None


def _of_applied(read: Callable[[Applied], Cell]) -> Callable[[Record], Cell]:
    return _of_report(lambda report: read(report.applied) if report.applied else None)


def _of_environment(read: Callable[[Environment], Cell]) -> Callable[[Record], Cell]:
    return _of_report(lambda report: read(report.environment) if report.environment else None)


def _of_limits(read: Callable[[TokenLimits], Cell]) -> Callable[[Record], Cell]:
    return lambda record: read(record.asked.limits) if record.asked.limits else None


def _of_gpus(read: Callable[[GpuFacts], Cell]) -> Callable[[Record], Cell]:
    """What the GPUs of a run have in common; where they differ, each value once."""
    return _of_environment(lambda environment: _common(read(gpu) for gpu in environment.gpus))


def _of_idle(read: Callable[[IdleBaseline], Cell]) -> Callable[[Record], Cell]:
    return _of_report(lambda report: read(report.idle) if report.idle else None)


def _of_trace(read: Callable[[TraceFacts], Cell]) -> Callable[[Record], Cell]:
    return _of_report(lambda report: read(report.trace) if report.trace else None)


def _of_single_pass(read: Callable[[SinglePass], Cell]) -> Callable[[Record], Cell]:
    return _of_report(lambda report: read(report.single_pass) if report.single_pass else None)


def _common(values: Iterable[Cell]) -> Cell:
    different = [value for value in dict.fromkeys(values) if value is not None]
    return different[0] if len(different) == 1 else _joined(map(str, different))


def _joined(texts: Iterable[str]) -> str | None:
    return "; ".join(texts) or None


def _stdev(spread: Spread | None) -> float | None:
    return spread.stdev if spread else None


def _ci95(spread: Spread | None) -> float | None:
    return spread.ci95 if spread else None


def _per_prompt_wh(summary: PartialSummary) -> float | None:
    score = summary.wh_per_1000_queries
    return None if score is None else score / 1000


def _phase_wh(name: PhaseName) -> Callable[[Record], Cell]:
    return _usable(_of_summary(lambda summary: summary.phases_gpu_wh.get(name)))


def _source(source: EnergySource | None) -> str | None:
    return f"{source.kind}: {source.method}" if source else None


def _gpu_hashes(environment: Environment) -> str | None:
    hashes = (gpu.uuid_sha256 for gpu in environment.gpus)
    return _joined(text[:HASH_CHARACTERS] for text in hashes if text)


def _highest_celsius(trace: TraceFacts) -> float | None:
    known = [gpu.highest_celsius for gpu in trace.gpus if gpu.highest_celsius is not None]
    return max(known, default=None)


def _throttle_reasons(trace: TraceFacts) -> str | None:
    return _joined(
        sorted({name for gpu in trace.gpus for name, share in gpu.throttled.items() if share > 0})
    )


def _official(report: ReportOutline) -> str | None:
    return _yes_or_no(report.official.official if report.official else None)


def _of_reasoning(read: Callable[[ReasoningFacts], Cell]) -> Callable[[Record], Cell]:
    return _of_report(lambda report: read(report.reasoning) if report.reasoning else None)


def _yes_or_no(answer: bool | None) -> str | None:
    return None if answer is None else "yes" if answer else "no"


def _error_message(record: Record) -> str:
    return record.outcome.error_message if record.outcome else INTERRUPTED


COLUMNS: dict[str, Callable[[Record], Cell]] = {
    "model_name": lambda record: record.asked.model_id,
    "model_class": lambda record: record.asked.model_class,
    "task": lambda record: _task(record.asked.task),
    "reasoning_state": lambda record: record.asked.reasoning_state,
    "total_prompts": _of_summary(lambda summary: summary.total_prompts),
    "successful_prompts": _of_summary(lambda summary: summary.successful_prompts),
    "failed_prompts": _of_summary(lambda summary: summary.failed_prompts),
    "total_duration_seconds": _of_summary(lambda summary: mean(summary.total_duration_seconds)),
    "avg_latency_seconds": _of_summary(lambda summary: summary.avg_latency_seconds),
    "total_tokens": _of_tokens(lambda tokens: tokens.total),
    "total_prompt_tokens": _of_tokens(lambda tokens: tokens.prompt),
    "total_completion_tokens": _of_tokens(lambda tokens: tokens.completion),
    "throughput_tokens_per_second": _of_summary(lambda s: s.throughput_tokens_per_second),
    "gpu_energy_wh": _usable(_of_summary(lambda summary: mean(summary.gpu_energy_wh))),
    "co2_emissions_g": _usable(_of_report(lambda r: r.carbon.emissions_g if r.carbon else None)),
    "tokens_per_joule": _usable(_of_summary(lambda summary: summary.tokens_per_joule)),
    "avg_energy_per_prompt_wh": _usable(_of_summary(_per_prompt_wh)),
    "timestamp": lambda r: r.outcome.finished_at if r.outcome else _launch(r).launched_at,
    "error_message": _error_message,
    "run_id": lambda record: record.asked.run_id,
    "outcome": lambda r: r.outcome.outcome if r.outcome else "interrupted",
    "verdict": lambda record: record.verdict.verdict if record.verdict else None,
    "verdict_reasons": lambda r: _joined(r.verdict.reasons) if r.verdict else None,
    "official": _of_report(_official),
    "official_deviations": _of_report(
        lambda r: _joined(r.official.deviations) if r.official else None
    ),
    "rehearsal": lambda record: _rehearsal(record),
    "reasoning_requested": lambda record: record.asked.reasoning_state,
    "reasoning_effective": _of_reasoning(lambda reasoning: reasoning.effective),
    "reasoning_enforced": _of_reasoning(lambda reasoning: _yes_or_no(reasoning.enforced)),
    "reasoning_mechanism": _of_reasoning(lambda reasoning: reasoning.mechanism),
    "reasoning_tokens": _of_tokens(lambda tokens: tokens.reasoning),
    "answer_tokens": _of_tokens(lambda tokens: tokens.answer),
    "truncated_prompts": _of_summary(lambda summary: summary.truncated_prompts),
    "gpu_joules_per_answer_token": _usable(_of_summary(lambda s: s.joules_per_answer_token)),
    "gpu_joules_per_reasoning_token": _usable(_of_summary(lambda s: s.joules_per_reasoning_token)),
    "wh_per_1000_queries": _usable(_of_summary(lambda summary: summary.wh_per_1000_queries)),
    "gpu_energy_stdev_wh": _usable(_of_summary(lambda summary: _stdev(summary.gpu_energy_wh))),
    "gpu_energy_ci95_wh": _usable(_of_summary(lambda summary: _ci95(summary.gpu_energy_wh))),
    "preprocess_wh": _phase_wh("preprocess"),
    "prefill_wh": _phase_wh("prefill"),
    "decode_wh": _phase_wh("decode"),
    "forward_wh": _phase_wh("forward"),
    "call_wh": _phase_wh("call"),
    "prefill_single_pass_wh": _usable(_of_single_pass(lambda split: split.prefill_wh)),
    "decode_single_pass_wh": _usable(_of_single_pass(lambda split: split.decode_wh)),
    "repetitions": lambda record: _repetitions(record),
    "repetitions_asked": lambda record: record.asked.repetitions,
    "stopped_at_ci": _of_report(lambda r: r.stopped_at_ci),
    "idle_watts_before": _of_idle(lambda idle: idle.before_watts),
    "idle_watts_after": _of_idle(lambda idle: idle.after_watts),
    "active_energy_wh": _usable(_of_idle(lambda idle: idle.active_energy_wh)),
    "ledger_residual_share": _of_report(lambda r: r.ledger.residual_share if r.ledger else None),
    "meters_disagreement_share": _of_trace(lambda trace: trace.disagreement),
    "trace_samples_per_second": _of_trace(lambda trace: trace.rate_hertz),
    "highest_celsius": _of_trace(_highest_celsius),
    "throttle_reasons": _of_trace(_throttle_reasons),
    "thermal_gate_seconds": _of_report(
        lambda r: r.thermal_gate.waited_seconds if r.thermal_gate else None
    ),
    "cpu_energy_wh": _of_summary(lambda summary: mean(summary.cpu_energy_wh)),
    "ram_energy_wh": _of_summary(lambda summary: mean(summary.ram_energy_wh)),
    "gpu_energy_source": _of_report(lambda r: _source(r.energy_sources.gpu)),
    "cpu_energy_source": _of_report(lambda r: _source(r.energy_sources.cpu)),
    "ram_energy_source": _of_report(lambda r: _source(r.energy_sources.ram)),
    "co2_factor_g_per_kwh": _of_report(lambda r: r.carbon.factor_g_per_kwh if r.carbon else None),
    "co2_region": _of_report(lambda r: r.carbon.region if r.carbon else None),
    "co2_factor_source": _of_report(lambda r: _carbon_source(r)),
    "co2_basis": _of_report(lambda r: r.carbon.basis if r.carbon else None),
    "gpu_name": lambda record: _gpu_name(record),
    "gpu_count": lambda record: record.asked.gpu_count,
    "gpu_uuids_sha256": _of_environment(_gpu_hashes),
    "gpu_power_limit_watts": _of_gpus(lambda gpu: gpu.power_limit_watts),
    "driver_version": _of_gpus(lambda gpu: gpu.driver_version),
    "cuda_version": _of_gpus(lambda gpu: gpu.cuda_version),
    "device": lambda record: record.asked.device,
    "backend": lambda record: record.asked.backend,
    "dtype": _of_applied(lambda applied: applied.dtype),
    "attention": _of_applied(lambda applied: applied.attention),
    "seed": _of_applied(lambda applied: applied.seed),
    "prompt_form": _of_applied(lambda applied: applied.prompt_form),
    "template_sha256": _of_applied(lambda applied: applied.template_sha256),
    "max_new_tokens": _of_limits(lambda limits: limits.max_new_tokens),
    "min_new_tokens": _of_limits(lambda limits: limits.min_new_tokens),
    "model_commit": _of_applied(lambda applied: applied.model_commit),
    "dataset_commit": _of_applied(lambda applied: applied.dataset_commit),
    "engine": lambda r: r.outcome.engine if r.outcome else _launch(r).engine,
    "image_digest": lambda r: r.outcome.image_digest if r.outcome else None,
    "runner_version": _of_environment(lambda environment: environment.runner_version),
    "runs_beside": _of_report(lambda r: _joined(r.runs_beside)),
    "attempts": lambda record: record.attempts + 1,
    "spec_hash": lambda record: record.asked.spec_hash,
    "imported_from": _of_import(lambda imported: imported.format),
    "avg_time_to_first_token_seconds": _of_summary(lambda s: s.avg_time_to_first_token_seconds),
    "concurrency": _of_applied(lambda applied: applied.concurrency),
    "run_seconds": lambda record: _run_seconds(record),
    "run_gpu_energy_wh": _usable(_of_report(lambda report: _run_gpu_energy_wh(report))),
    "template_day": _of_applied(lambda a: a.template_day.isoformat() if a.template_day else None),
}


def _launch(record: Record) -> Launch:
    if record.launch is None:
        raise ContractError("it has neither an outcome nor a launch")
    return record.launch


def _task(name: TaskName | None) -> str | None:
    return tasks.get(name).spellings[0] if name else None


def _run_seconds(record: Record) -> float | None:
    """None also where a time lacks its zone: a source of imports, and a run, can write anything."""
    if record.outcome is None or record.outcome.started_at is None:
        return None
    try:
        begin = datetime.fromisoformat(record.outcome.started_at)
        return max((datetime.fromisoformat(record.outcome.finished_at) - begin).total_seconds(), 0)
    except (ValueError, TypeError):
        return None


def _run_gpu_energy_wh(report: ReportOutline) -> float | None:
    joules = report.ledger.total_joules if report.ledger else None
    return None if joules is None else joules / JOULES_PER_WH


def _repetitions(record: Record) -> int | None:
    """Of an imported run as its source tells; its passes are not in the report."""
    measured = len(record.report.repetitions) if record.report else 0
    return measured or (record.imported.repetitions if record.imported else None)


def _gpu_name(record: Record) -> str | None:
    environment = record.report.environment if record.report else None
    if environment is None:
        return record.imported.gpu_name if record.imported else None
    return _joined(sorted({gpu.name for gpu in environment.gpus}))


def _rehearsal(record: Record) -> str | None:
    """A simulated run is a rehearsal also when it failed; of others only the report knows."""
    backend = record.asked.backend
    if backend and BACKEND_FACTS[backend].is_simulated:
        return "yes"
    if record.report is None:
        return None
    return _yes_or_no(record.report.rehearsal)


def _carbon_source(report: ReportOutline) -> str | None:
    return f"{report.carbon.source} {report.carbon.year}" if report.carbon else None
