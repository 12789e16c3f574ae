"""What crosses the wall between host and container: `RunSpec` in, `RunReport` out, as JSON files.

Both are frozen, refuse unknown fields and carry a `schema_version`; a newer one is refused.
`Launch` says where and how a run was started. It never changes what is measured, and is not hashed.
"""

import hashlib
import json
from datetime import datetime
from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from benchmark_core.documents import Document, Frozen

SPEC_FILE = "run_spec.json"
LAUNCH_FILE = "launch.json"
REPORT_FILE = "benchmark_report.json"
SAMPLES_FILE = "benchmark_results.csv"
GPU_ENERGY_FILE = "GPU_ENERGY_WH.txt"
GPU_ENERGY_SUMMARY_FILE = "GPU_ENERGY_SUMMARY.json"
EMISSIONS_DIR = "emissions"

JOULES_PER_WH = 3600.0
SIMULATED_DEVICE_PREFIX = "SIMULATED"

TaskName = Literal[
    "text_generation",
    "summarization",
    "question_answering",
    "text_classification",
    "sentence_similarity",
    "image_classification",
    "object_detection",
    "automatic_speech_recognition",
    "image_generation",
    "image_captioning",
]
ModelClass = Literal["A", "B", "C"]
BackendName = Literal["pytorch", "vllm", "optimum", "simulated"]
MeterName = Literal["nvml", "codecarbon", "simulated"]
DeviceKind = Literal["cuda", "cpu", "simulated"]
Effort = Literal["low", "medium", "high"]
Precision = Literal["float16", "float32", "auto"]
PassName = Literal["preprocess", "prefill", "generate", "forward", "call"]
PhaseName = Literal["preprocess", "prefill", "decode", "forward", "call"]
SourceKind = Literal["measured", "estimated", "simulated"]
FinishReason = Literal["length", "stop", "error"]
PromptForm = Literal["chat", "raw"]
FaultKind = Literal[
    "out_of_memory", "crash", "hang", "truncated_report", "wrong_settings", "meter_failure"
]

SCORED_PHASES: tuple[PhaseName, ...] = ("preprocess", "prefill", "decode", "forward", "call")


# ---------------------------------------------------------------- in: what to measure


class ModelSpec(Frozen):
    id: str
    model_class: ModelClass | None = None
    revision: str | None = None
    processor: str | None = None
    quantization: str | None = None
    trust_remote_code: bool = False


class ReasoningRequest(Frozen):
    """What the catalog asks: its own wording, and the wording's meaning."""

    state: str
    thinking: bool
    effort: Effort | None = None


class SampleSource(Frozen):
    """Where the samples come from: a Hub dataset, a prompts file known by its SHA-256, or nowhere.

    `synthetic` samples are made up on the spot, for rehearsals. `count` is the number of samples
    asked for, None for all there are.
    """

    dataset_id: str | None = None
    dataset_revision: str | None = None
    prompts_sha256: str | None = None
    synthetic: bool = False
    count: int | None = Field(default=None, ge=1)

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        sources = (self.dataset_id is not None, self.prompts_sha256 is not None, self.synthetic)
        if sum(sources) != 1:
            raise ValueError("name one of dataset_id, prompts_sha256 and synthetic")
        return self


class TokenLimits(Frozen):
    max_new_tokens: int = Field(ge=1)
    min_new_tokens: int = Field(ge=1)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.min_new_tokens > self.max_new_tokens:
            raise ValueError("min_new_tokens is above max_new_tokens")
        return self


class Simulation(Frozen):
    """What the simulated backend and meter pretend, for rehearsals and tests."""

    load_seconds: float = Field(default=0.0, ge=0)
    seconds_per_sample: float = Field(default=0.001, ge=0)
    watts: float = Field(default=350.0, gt=0)
    fault: FaultKind | None = None


class BackendSpec(Frozen):
    name: BackendName
    endpoint: str | None = None
    simulation: Simulation | None = None


class DeviceSpec(Frozen):
    """Where a model runs. In a spec `gpu_count` is how many GPUs the run is given.

    A model uses all GPUs of its run. On the CPU it uses none of them: a run is given some then only
    where a meter is to watch them.
    """

    kind: DeviceKind
    gpu_count: int = Field(ge=0)

    def used_by_model(self) -> "DeviceSpec":
        """The part of it that computes."""
        return DeviceSpec(kind="cpu", gpu_count=0) if self.kind == "cpu" else self


class RunSpec(Document):
    """One run, whole: everything that changes what is measured, and nothing else."""

    run_id: str
    model: ModelSpec
    task: TaskName
    reasoning: ReasoningRequest | None = None
    samples: SampleSource
    limits: TokenLimits | None = None
    precision: Precision
    batch_size: int = Field(default=1, ge=1)
    repetitions: int = Field(default=10, ge=1)
    backend: BackendSpec
    device: DeviceSpec
    meters: tuple[MeterName, ...]

    def spec_hash(self) -> str:
        """SHA-256 over the canonical JSON of what changes the measurement.

        Left out are names and labels (the run's, the model's class, the wording of the reasoning
        state), the schema, and all that is None: so an optional field that a later version adds
        leaves the hash of every spec without it as it is.
        """
        labels = {"run_id": True, "schema_version": True}
        within = {"model": {"model_class"}, "reasoning": {"state"}}
        fields = self.model_dump(mode="json", exclude={**labels, **within}, exclude_none=True)
        canonical = json.dumps(fields, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()


class Launch(Document):
    """Where and how one attempt was started. `prompts_path` is as the run sees it."""

    engine: str
    image: str | None = None
    image_digest: str | None = None
    gpu_uuids: tuple[str, ...] = ()
    timeout_seconds: float | None = None
    prompts_path: str | None = None
    region: str = "WORLD"
    log_file: str | None = None
    launched_at: str

    @field_validator("launched_at")
    @classmethod
    def _has_zone(cls, value: str) -> str:
        if datetime.fromisoformat(value).tzinfo is None:
            raise ValueError("a time without a zone")
        return value


# ---------------------------------------------------------------- out: what came of it


class Reading(Frozen):
    """Energy of one window in joules. None: not measured by anybody."""

    gpu_joules: float | None = None
    cpu_joules: float | None = None
    ram_joules: float | None = None
    gpu_joules_by_device: dict[str, float] | None = None
    gpu_cross_check_joules: float | None = None


class EnergySource(Frozen):
    """Who gave a figure and how: `method` is one phrase for people."""

    meter: MeterName
    kind: SourceKind
    method: str


class EnergySources(Frozen):
    gpu: EnergySource | None = None
    cpu: EnergySource | None = None
    ram: EnergySource | None = None


class GpuFacts(Frozen):
    uuid: str
    name: str
    memory_bytes: int | None = None
    power_limit_watts: float | None = None
    driver_version: str | None = None


class TokenCounts(Frozen):
    """Tokens of one pass over all successful samples."""

    prompt: int
    completion: int

    @property
    def total(self) -> int:
        return self.prompt + self.completion


class Window(Frozen):
    """One measured pass over the samples: from the return of open to the call of close."""

    name: PassName
    duration_seconds: float
    reading: Reading
    tokens: TokenCounts
    successful: int
    failed: int


class Phase(Frozen):
    """One phase of the methodology. Decode is the pass with N tokens minus the pass with one."""

    duration_seconds: float
    gpu_joules: float | None
    cpu_joules: float | None
    ram_joules: float | None


class Repetition(Frozen):
    windows: tuple[Window, ...]
    phases: dict[PhaseName, Phase]


class Applied(Frozen):
    """The settings that were really in force, read from what was loaded and run, not from the spec.

    `device` is what the model's weights lie on; which GPUs were metered is in the environment.
    `limits`, `batch_size`, `prompt_form` and `template_kwargs` are those of the last pass.
    `ran_own_code` says whether program code from the model's repository was run.
    """

    model_id: str
    model_commit: str | None
    processor: str
    dtype: str
    quantization: str | None
    attention: str | None
    ran_own_code: bool
    device: DeviceSpec
    batch_size: int
    limits: TokenLimits | None
    prompt_form: PromptForm | None
    template_kwargs: dict[str, bool | str]
    prompts_cut: int
    samples_available: int
    samples_used: int
    dataset_id: str | None
    dataset_commit: str | None
    prompts_sha256: str | None
    meters: tuple[MeterName, ...]


class Spread(Frozen):
    """A figure over the repetitions. `stdev` (sample, n - 1) is None below two repetitions."""

    mean: float
    stdev: float | None


def mean(figure: Spread | None) -> float | None:
    return figure.mean if figure else None


class Summary(Frozen):
    """The figures of the run; each is a mean per repetition. Wh per query count successes only."""

    total_prompts: int
    successful_prompts: int
    failed_prompts: int
    tokens: TokenCounts
    total_duration_seconds: Spread
    avg_latency_seconds: float
    throughput_tokens_per_second: float | None
    gpu_energy_wh: Spread | None
    cpu_energy_wh: Spread | None
    ram_energy_wh: Spread | None
    wh_per_1000_queries: float | None
    tokens_per_joule: float | None
    phases_gpu_wh: dict[PhaseName, float | None]


class Carbon(Frozen):
    """CO2 by our own conversion: energy of `basis` times the grid factor, without PUE."""

    emissions_g: float
    factor_g_per_kwh: float
    region: str
    source: str
    year: int
    basis: str


class Environment(Frozen):
    runner_version: str
    python_version: str
    packages: dict[str, str]
    gpus: tuple[GpuFacts, ...]
    cpu_count: int


class Failure(Frozen):
    """Why a run failed: `kind` for machines, `message` and `remedy` for people."""

    kind: str
    message: str
    remedy: str


class Verdict(Frozen):
    verdict: Literal["valid", "flagged", "invalid"]
    reasons: tuple[str, ...]


class ReportOutline(Document):
    """A report whose repetitions are counted and not looked into, for readers of thousands."""

    run_id: str
    spec_hash: str
    outcome: Literal["finished", "failed"]
    failure: Failure | None = None
    verdict: Verdict | None = None
    rehearsal: bool
    applied: Applied | None = None
    summary: Summary | None = None
    carbon: Carbon | None = None
    energy_sources: EnergySources = EnergySources()
    repetitions: tuple[Any, ...] = ()
    environment: Environment | None = None
    started_at: str
    finished_at: str

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.outcome == "failed" and self.failure is None:
            raise ValueError("a failed report names its failure")
        if self.outcome == "finished" and (self.applied is None or self.summary is None):
            raise ValueError("a finished report carries applied settings and a summary")
        return self


class RunReport(ReportOutline):
    """The container's last act, on success and on failure."""

    repetitions: tuple[Repetition, ...] = ()
