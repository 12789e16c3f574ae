"""What was measured becomes the report: figures, ledger, conditions and verdict.

It reads the power trace, and what there is to say of the machine; it measures nothing.
"""

from dataclasses import dataclass
from pathlib import Path

from benchmark_core import (
    carbon,
    environment,
    ledger,
    official,
    single_pass,
    statistics,
    trace_analysis,
    verdict,
)
from benchmark_core.contract import Launch, RunSpec
from benchmark_core.evidence import Evidence
from benchmark_core.idle import idle_baseline
from benchmark_core.ledger import Span
from benchmark_core.reasoning.facts import ReasoningFacts
from benchmark_core.repetitions import Repetitions
from benchmark_core.report.applied import Applied
from benchmark_core.report.energy import EnergySources, Reading
from benchmark_core.report.gpu_facts import GpuFacts
from benchmark_core.report.ledger import Ledger
from benchmark_core.report.rest import IdleBaseline, ThermalGate
from benchmark_core.report.run_report import RunReport
from benchmark_core.report.spread import mean
from benchmark_core.report.summary import Summary
from benchmark_core.report.trace_facts import SinglePass
from benchmark_core.trace_analysis import TraceAnalysis


@dataclass(frozen=True)
class Measurements:
    """All that a run brought home. `rest_watts`: before and after, all GPUs together.

    `programs` ran the model, where it was not this process. Without `spans` there is no ledger.
    `load_shared_with` is the run that loaded the model, where it was another. `was_on_gpus` says
    whether this process was on the GPUs before it loaded anything for this run.
    """

    repetitions: Repetitions
    applied: Applied
    reasoning: ReasoningFacts | None
    samples_used: int
    sources: EnergySources
    gpus: tuple[GpuFacts, ...]
    spans: tuple[Span, ...]
    total: Reading
    gate: ThermalGate | None
    rest_watts: tuple[float | None, float | None]
    programs: environment.Programs | None = None
    load_shared_with: str | None = None
    was_on_gpus: bool = False


def make_report(
    trace_path: Path,
    spec: RunSpec,
    launch: Launch,
    measurements: Measurements,
    started_at: str,
    finished_at: str,
) -> RunReport:
    """The report of a finished run. `trace_path` need not exist."""
    trace = _trace(trace_path, measurements)
    evidence = _evidence(spec, launch, measurements, trace)
    return RunReport(
        run_id=spec.run_id,
        spec_hash=spec.spec_hash(),
        outcome="finished",
        verdict=verdict.judge(evidence),
        official=official.examine(evidence),
        rehearsal=evidence.rehearsal,
        applied=measurements.applied,
        summary=evidence.summary,
        reasoning=measurements.reasoning,
        carbon=carbon.of_run(evidence.summary, evidence.applied.device, launch.region),
        energy_sources=measurements.sources,
        repetitions=measurements.repetitions.measured,
        environment=environment.describe(
            measurements.gpus, launch.image_digest, measurements.programs
        ),
        thermal_gate=measurements.gate,
        model_load_shared_with=measurements.load_shared_with,
        idle=_idle(measurements, evidence.summary),
        ledger=evidence.ledger,
        trace=evidence.trace,
        single_pass=_single_pass(trace_path, measurements) if trace else None,
        stopped_at_ci=measurements.repetitions.stopped_at_ci,
        runs_beside=launch.runs_beside,
        started_at=started_at,
        finished_at=finished_at,
    )


def _evidence(
    spec: RunSpec, launch: Launch, measurements: Measurements, trace: TraceAnalysis | None
) -> Evidence:
    repetitions = measurements.repetitions.measured
    return Evidence(
        spec=spec,
        applied=measurements.applied,
        summary=statistics.summarize(repetitions, measurements.samples_used),
        repetitions=repetitions,
        sources=measurements.sources,
        gpus=measurements.gpus,
        ledger=_balance(measurements, trace),
        trace=trace.facts if trace else None,
        gate=measurements.gate,
        runs_beside=launch.runs_beside,
        reasoning=measurements.reasoning,
    )


def _single_pass(trace_path: Path, measurements: Measurements) -> SinglePass | None:
    return single_pass.split(trace_path, len(measurements.gpus), measurements.repetitions.marks)


def _balance(measurements: Measurements, trace: TraceAnalysis | None) -> Ledger | None:
    if not measurements.spans:
        return None
    between = trace.between_counted_joules() if trace else None
    return ledger.balance(measurements.spans, measurements.total.gpu_joules, between)


def _trace(trace_path: Path, measurements: Measurements) -> TraceAnalysis | None:
    if not trace_path.exists() or not measurements.gpus:
        return None
    applied = measurements.applied
    device = applied.device
    return trace_analysis.analyse(
        trace_path,
        [gpu.uuid for gpu in measurements.gpus],
        measurements.spans,
        measurements.total.gpu_joules,
        model_on_gpu=device is not None and device.kind == "cuda",
        server_processes=applied.server_processes if applied.server else None,
        was_on_gpus=measurements.was_on_gpus,
    )


def _idle(measurements: Measurements, summary: Summary) -> IdleBaseline | None:
    gpu_wh = mean(summary.gpu_energy_wh)
    return idle_baseline(*measurements.rest_watts, gpu_wh, measurements.repetitions.measured)
