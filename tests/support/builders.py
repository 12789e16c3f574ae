"""Small valid documents, for tests that change one thing about them."""

from typing import Any

from benchmark_core.contract import (
    BackendSpec,
    DeviceSpec,
    Launch,
    ModelSpec,
    PassName,
    ReasoningRequest,
    RunSpec,
    SampleSource,
    Simulation,
    TokenLimits,
)
from benchmark_core.reasoning.facts import ReasoningFacts
from benchmark_core.reasoning.prompts import Prompts
from benchmark_core.report.applied import Applied
from benchmark_core.report.energy import EnergySource, EnergySources, Reading
from benchmark_core.report.judgement import Verdict
from benchmark_core.report.ledger import Ledger
from benchmark_core.report.repetition import Phase, Repetition, Window
from benchmark_core.report.run_report import RunReport
from benchmark_core.report.token_counts import TokenCounts
from benchmark_core.statistics import summarize
from orchestrator.outcome import Outcome, OutcomeName

NOW = "2026-01-02T03:04:05.678+00:00"


def spec(**changes: Any) -> RunSpec:
    fields: dict[str, Any] = {
        "run_id": "org_model_Off",
        "model": ModelSpec(id="org/model", model_class="A"),
        "task": "text_generation",
        "reasoning": ReasoningRequest(state="Off", thinking=False),
        "samples": SampleSource(synthetic=True, count=4),
        "limits": TokenLimits(max_new_tokens=10, min_new_tokens=10),
        "precision": "float16",
        "repetitions": 2,
        "backend": BackendSpec(name="simulated", simulation=Simulation(seconds_per_sample=0.0)),
        "device": DeviceSpec(kind="simulated", gpu_count=1),
        "meters": ("simulated",),
    }
    return RunSpec(**(fields | changes))


def launch(**changes: Any) -> Launch:
    return Launch(**({"engine": "process", "launched_at": NOW} | changes))


def window(
    name: PassName,
    seconds: float,
    joules: float | None,
    completion: int = 0,
    reasoning: int | None = None,
    truncated: int | None = None,
) -> Window:
    return Window(
        name=name,
        duration_seconds=seconds,
        reading=Reading(gpu_joules=joules),
        tokens=TokenCounts(prompt=20, completion=completion, reasoning=reasoning),
        successful=4,
        failed=0,
        truncated=truncated,
    )


def phase(joules: float | None, seconds: float = 1.0) -> Phase:
    return Phase(duration_seconds=seconds, gpu_joules=joules, cpu_joules=None, ram_joules=None)


def repetition(
    preprocess: float | None = 1.0,
    prefill: float | None = 10.0,
    decode: float | None = 90.0,
    reasoning: int | None = None,
    truncated: int | None = None,
) -> Repetition:
    """`reasoning` of the 40 generated tokens, and `truncated` of the four samples."""
    whole = None if prefill is None or decode is None else prefill + decode
    return Repetition(
        windows=(
            window("preprocess", 0.5, preprocess),
            window("prefill", 1.0, prefill, completion=4),
            window("generate", 2.0, whole, 40, reasoning, truncated),
        ),
        phases={
            "preprocess": phase(preprocess),
            "prefill": phase(prefill),
            "decode": phase(decode),
        },
    )


def ledger(joules: float | None) -> Ledger:
    """Of a whole run, of which nothing else is known."""
    return Ledger(
        entries=(),
        total_seconds=1.0,
        total_joules=joules,
        between_joules=None,
        residual_joules=None,
        residual_share=None,
    )


def report(of: RunSpec, **changes: Any) -> RunReport:
    repetitions = tuple(repetition() for _ in range(of.repetitions))
    fields: dict[str, Any] = {
        "run_id": of.run_id,
        "spec_hash": of.spec_hash(),
        "outcome": "finished",
        "verdict": Verdict(verdict="valid", reasons=()),
        "rehearsal": False,
        "applied": applied(of),
        "summary": summarize(repetitions, 4),
        "reasoning": facts(of),
        "energy_sources": EnergySources(
            gpu=EnergySource(meter="nvml", kind="measured", method="energy counter")
        ),
        "repetitions": repetitions,
        "started_at": NOW,
        "finished_at": NOW,
    }
    return RunReport(**(fields | changes))


def outcome(of: RunSpec, name: OutcomeName = "finished") -> Outcome:
    return Outcome(
        run_id=of.run_id,
        spec_hash=of.spec_hash(),
        outcome=name,
        error_message="" if name == "finished" else "it failed",
        finished_at=NOW,
        log_file="run.log",
        engine="process",
    )


def facts(of: RunSpec, **changes: Any) -> ReasoningFacts | None:
    """What the table of families alone says of the spec's request; None without a request."""
    known = Prompts(of.model.id, of.reasoning).facts()
    return known and known.model_copy(update=changes)


def applied(of: RunSpec, **changes: Any) -> Applied:
    fields: dict[str, Any] = {
        "model_id": of.model.id,
        "model_commit": None,
        "kind": "generate",
        "processor": of.model.processor or of.model.id,
        "processor_commit": None,
        "dtype": of.precision,
        "quantization": of.model.quantization,
        "attention": None,
        "ran_own_code": False,
        "device": of.device.used_by_model(),
        "batch_size": of.batch_size,
        "limits": of.limits,
        "steps": None,
        "prompt_form": None,
        "template_kwargs": {},
        "prompts_cut": 0,
        "samples_available": 4,
        "samples_used": 4,
        "dataset_id": of.samples.dataset_id,
        "dataset_commit": None,
        "prompts_sha256": of.samples.prompts_sha256,
        "folder_sha256": of.samples.folder_sha256,
        "meters": of.meters,
    }
    return Applied(**(fields | changes))
