"""A run as its source tells it -> a report in our schema, with what cannot be told."""

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from benchmark_core import carbon, verdict
from benchmark_core.contract import JOULES_PER_WH, SIMULATED_DEVICE_PREFIX
from benchmark_core.protocol import state_in_names
from benchmark_core.report.carbon import Carbon
from benchmark_core.report.imported import Finding, Imported
from benchmark_core.report.judgement import Failure
from benchmark_core.report.run_report import RunReport
from benchmark_core.report.spread import Spread, mean
from benchmark_core.report.summary import PartialSummary
from benchmark_core.report.token_counts import TokenCounts
from orchestrator.catalog import shown
from orchestrator.errors import Problem, UsageError
from orchestrator.importing.told_run import Given, ImportedRun, ToldRun

FAILED_ELSEWHERE = "failed_elsewhere"
RUN_ID_START = "imported_"
DIGEST_CHARACTERS = 8
LONGEST_NAME = 100
LOWEST_WATTS = 1.0
"""A GPU that is switched on draws several times as much."""
HIGHEST_WATTS = 20_000.0
"""Twice what a server with eight GPUs draws."""
NEVER_TOLD = (
    *("applied", "energy_sources", "environment", "idle", "ledger", "official", "reasoning"),
    *("repetitions", "single_pass", "spec_hash", "started_at", "thermal_gate", "trace"),
)
"""No source has anything of these parts."""
IDENTITY = ("model_id", "model_class", "task", "reasoning_state")


def make_run(told: ToldRun, given: Given) -> ImportedRun:
    """The report of a run that its source tells.

    Raises:
        UsageError: the user says something else than the source.
    """
    problems = tuple(_contradictions(told, given))
    if problems:
        raise UsageError(*problems)
    # Where the source tells the same as the user there is nothing to add.
    told = replace(
        told,
        **{name: getattr(told, name) or getattr(given, name) for name in IDENTITY},
        total_prompts=told.total_prompts or given.samples,
    )
    summary = None if told.failure else _summary(told)
    findings = (*told.findings, *(_examine(told) if summary else ()))
    report = RunReport(
        run_id=_run_id(told),
        spec_hash="",
        imported=_origin(told, findings),
        outcome="failed" if told.failure else "finished",
        failure=_failure(told.failure) if told.failure else None,
        verdict=verdict.of_import(finding.reason for finding in findings) if summary else None,
        rehearsal=_is_rehearsal(told),
        summary=summary,
        carbon=_carbon(summary) if summary else None,
        finished_at=told.finished_at,
    )
    return ImportedRun(told, _with_gaps(report, told.unreliable))


def _origin(told: ToldRun, findings: tuple[Finding, ...]) -> Imported:
    """What it cannot tell is seen once the report is made."""
    return Imported(
        format=told.format,
        file=told.source.name,
        sha256=told.source.sha256,
        row=told.row,
        model_id=told.model_id,
        model_class=told.model_class,
        task=told.task,
        reasoning_state=told.reasoning_state,
        backend=told.backend,
        device=told.device,
        gpu_name=told.gpu_name,
        gpu_count=told.gpu_count,
        repetitions=told.repetitions,
        scope=told.scope,
        findings=findings,
        notes=told.notes,
        cannot_tell=(),
    )


def _with_gaps(report: RunReport, unreliable: Sequence[str]) -> RunReport:
    assert report.imported
    cannot_tell = tuple(sorted({*_cannot_tell(report), *unreliable}))
    imported = report.imported.model_copy(update={"cannot_tell": cannot_tell})
    return report.model_copy(update={"imported": imported})


def _contradictions(told: ToldRun, given: Given) -> Iterator[Problem]:
    """What is asked for and would not be applied, because the source says otherwise."""
    pairs = [
        ("--model", told.model_id, given.model_id),
        ("--class", told.model_class, given.model_class),
        ("--task", told.task, given.task),
        ("--reasoning-state", told.reasoning_state, given.reasoning_state),
        ("--samples", told.total_prompts if told.counts_samples else None, given.samples),
    ]
    for flag, says, asked in pairs:
        if says is not None and asked is not None and says != asked:
            yield Problem(
                told.where,
                f"it says {shown(str(says))}, and {flag} says {shown(str(asked))}",
                f"Leave {flag} out for this file; it is for what a file does not tell.",
            )


def _run_id(told: ToldRun) -> str:
    """Begins unlike the run_ids of a sweep, and ends with what only this source and row give."""
    exact = f"{told.source.sha256}\0{told.row}"
    digest = hashlib.sha256(exact.encode()).hexdigest()[:DIGEST_CHARACTERS]
    organisation, _, name = (told.model_id or "").partition("/")
    parts = (organisation, name, state_in_names(told.reasoning_state))
    plain = re.sub(r"[^A-Za-z0-9._-]", "-", "_".join(part for part in parts if part))
    return f"{RUN_ID_START}{plain[:LONGEST_NAME]}{'_' if plain else ''}{digest}"


def _summary(told: ToldRun) -> PartialSummary:
    """The source's counts, times and energies. What follows from them is computed again: others
    count the prompt's tokens as well."""
    gpu_wh, completion = mean(told.gpu_wh), told.completion_tokens
    seconds, queries = told.duration_seconds, told.successful_prompts
    if queries is None:
        queries = told.total_prompts
    score = gpu_wh * 1000 / queries if gpu_wh and queries and told.is_of_passes else None
    return PartialSummary(
        total_prompts=told.total_prompts,
        successful_prompts=told.successful_prompts,
        failed_prompts=told.failed_prompts,
        tokens=None
        if completion is None
        else TokenCounts(prompt=told.prompt_tokens, completion=completion),
        total_duration_seconds=_single(seconds),
        avg_latency_seconds=told.latency_seconds,
        throughput_tokens_per_second=completion / seconds if completion and seconds else None,
        gpu_energy_wh=told.gpu_wh,
        cpu_energy_wh=_single(told.cpu_wh),
        ram_energy_wh=_single(told.ram_wh),
        wh_per_1000_queries=score,
        avg_time_to_first_token_seconds=told.first_token_seconds,
        tokens_per_joule=completion / (gpu_wh * JOULES_PER_WH) if gpu_wh and completion else None,
        phases_gpu_wh={phase.name: mean(phase.gpu_wh) for phase in told.phases},
    )


def _single(value: float | None) -> Spread | None:
    return None if value is None else Spread(mean=value, stdev=None)


def _examine(told: ToldRun) -> Iterator[Finding]:
    """What speaks against any imported run, besides what only its format can have."""
    gpu_wh, seconds = mean(told.gpu_wh), told.energy_seconds or told.duration_seconds
    if gpu_wh is None and not told.findings:
        yield Finding(reason="gpu_energy_not_measured", message="the source has no GPU energy")
    if gpu_wh is not None and seconds:
        watts = gpu_wh * JOULES_PER_WH / seconds
        if not LOWEST_WATTS <= watts <= HIGHEST_WATTS:
            yield Finding(
                reason="implausible_power",
                message=f"{gpu_wh:.6g} Wh of GPU energy in {seconds:.6g} s are {watts:.3g} W, which"
                " no GPU at work draws; perhaps kWh and Wh were mixed up",
            )
    if told.failed_prompts:
        yield Finding(
            reason="samples_failed",
            message=f"{told.failed_prompts} of {told.total_prompts} prompts had failed",
        )
    if _is_rehearsal(told):
        yield Finding(reason="rehearsal", message="the source says that it was simulated")


def _is_rehearsal(told: ToldRun) -> bool:
    simulated_gpu = (told.gpu_name or "").startswith(SIMULATED_DEVICE_PREFIX)
    return "simulated" in (told.backend, told.device) or simulated_gpu


def _failure(message: str) -> Failure:
    return Failure(
        kind=FAILED_ELSEWHERE, message=message.rstrip("."), remedy="Measure the model here."
    )


def _carbon(summary: PartialSummary) -> Carbon | None:
    """By the world's average, as for runs of ours; only where all parts of it are told."""
    gpu_wh, cpu_wh = mean(summary.gpu_energy_wh), mean(summary.cpu_energy_wh)
    ram_wh = mean(summary.ram_energy_wh)
    if gpu_wh is None or cpu_wh is None or ram_wh is None:
        return None
    return carbon.emissions(gpu_wh, cpu_wh, ram_wh, carbon.WORLD, gpu_used=True)


def _cannot_tell(report: RunReport) -> Iterator[str]:
    yield from NEVER_TOLD
    if report.carbon is None:
        yield "carbon"
    # A time without its zone may be off by half a day.
    if report.finished_at is None or not re.search(r"[+-]\d\d:\d\d$", report.finished_at):
        yield "finished_at"
    imported = report.imported.model_dump() if report.imported else {}
    yield from (f"imported.{name}" for name, value in imported.items() if value is None)
    if report.summary is None:
        yield "summary"
        return
    for name, value in report.summary:
        if value is None or value == {}:
            yield f"summary.{name}"
    if report.summary.gpu_energy_wh and report.summary.gpu_energy_wh.stdev is None:
        yield "summary.gpu_energy_wh.stdev"
    if report.summary.tokens and report.summary.tokens.prompt is None:
        yield "summary.tokens.prompt"
