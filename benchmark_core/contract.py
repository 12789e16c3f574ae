"""What goes in: `RunSpec`, what to measure, and `Launch`, where and how.

What comes out is in `report`. All are JSON files, frozen, refuse unknown fields and carry a
`schema_version`; a newer one is refused.
"""

import hashlib
import json
from datetime import datetime
from typing import Self

from pydantic import Field, field_validator, model_validator

from benchmark_core.backend_facts import BACKEND_FACTS
from benchmark_core.documents import Document, Frozen
from benchmark_core.names import (
    BackendName as BackendName,
    DeviceKind as DeviceKind,
    Effort as Effort,
    FaultKind as FaultKind,
    FinishReason as FinishReason,
    Kind as Kind,
    MeterName as MeterName,
    ModelClass as ModelClass,
    PassName as PassName,
    PhaseName as PhaseName,
    Precision as Precision,
    PromptForm as PromptForm,
    SourceKind as SourceKind,
    TaskName as TaskName,
)

SPEC_FILE = "run_spec.json"
LAUNCH_FILE = "launch.json"
REPORT_FILE = "benchmark_report.json"
SAMPLES_FILE = "benchmark_results.csv"
REASONING_FILE = "reasoning_tokens.csv"
TRACE_FILE = "power_trace.csv"
GPU_ENERGY_FILE = "GPU_ENERGY_WH.txt"
GPU_ENERGY_SUMMARY_FILE = "GPU_ENERGY_SUMMARY.json"
EMISSIONS_DIR = "emissions"
OUTCOME_FILE = "outcome.json"
ATTEMPTS_DIR = "attempts"
OPTIMUM_DIR = "optimum"
RUN_ENTRIES = (
    LAUNCH_FILE,
    SAMPLES_FILE,
    REASONING_FILE,
    TRACE_FILE,
    GPU_ENERGY_FILE,
    GPU_ENERGY_SUMMARY_FILE,
    EMISSIONS_DIR,
    OPTIMUM_DIR,
    *("power_trace.svg", "power_trace.png", "process.json", "job.json", "lease.json"),
    # Last what makes a folder one that holds a run: while entries move, it is still one.
    *(REPORT_FILE, OUTCOME_FILE, SPEC_FILE),
)
"""Everything that a run, its engine and its plot leave in a run folder, beside earlier attempts."""

JOULES_PER_WH = 3600.0
SIMULATED_DEVICE_PREFIX = "SIMULATED"
FEWEST_REPETITIONS_TO_STOP = 3
"""Below this no confidence interval ends the repetitions early."""

SCORED_PHASES: tuple[PhaseName, ...] = ("preprocess", "prefill", "decode", "forward", "call")


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
    """Where the samples come from: a Hub dataset, files known by their SHA-256, or nowhere.

    `prompts_sha256` is of a file of texts, `folder_sha256` of samples of any kind. `synthetic`
    samples are made up on the spot, for rehearsals. `count` is the number of samples asked for,
    None for all there are. With a `seed` they are drawn equally from their sources, without one
    the first are taken.
    """

    dataset_id: str | None = None
    dataset_revision: str | None = None
    prompts_sha256: str | None = None
    folder_sha256: str | None = None
    synthetic: bool = False
    count: int | None = Field(default=None, ge=1)
    seed: int | None = Field(default=None, ge=0)

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        named = (self.dataset_id, self.prompts_sha256, self.folder_sha256)
        if sum(source is not None for source in named) + self.synthetic != 1:
            raise ValueError("name one of dataset_id, prompts_sha256, folder_sha256 and synthetic")
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
    """`silence_seconds` is how long the server at `endpoint` may say nothing.

    `concurrency` is how many requests are under way at a time, None for one. With `serve_image` the
    host starts the server, from that image and with `serve_args` beside its own arguments, and the
    launch says where it answers.
    """

    name: BackendName
    endpoint: str | None = None
    silence_seconds: float | None = Field(default=None, gt=0)
    concurrency: int | None = Field(default=None, ge=2)
    serve_image: str | None = None
    serve_args: tuple[str, ...] | None = None
    simulation: Simulation | None = None

    @property
    def is_served(self) -> bool:
        """Whether a server runs the model, one that is there already or one of the host's."""
        return BACKEND_FACTS[self.name].is_served

    @property
    def is_simulated(self) -> bool:
        """Whether no model runs, so that nothing it gives is a measurement."""
        return BACKEND_FACTS[self.name].is_simulated

    @property
    def measures_itself(self) -> bool:
        """Whether a program of its own measures, and no meter of this one watches it."""
        return BACKEND_FACTS[self.name].measures_itself

    @property
    def gives_raw_text(self) -> bool:
        """Whether every model gets the bare text, its chat template or not."""
        return BACKEND_FACTS[self.name].gives_raw_text


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
    """One run, whole: everything that changes what is measured, and nothing else.

    `limits` hold where the checkpoint generates text, `steps` (of denoising) where it draws.
    `idle_seconds` is how long the GPUs' power at rest is watched, None for not at all. With
    `stop_at_ci` the repetitions end early, once the half-width of the 95 % confidence interval is
    at most this share of the mean; `repetitions` is then the most there will be.
    """

    run_id: str
    model: ModelSpec
    task: TaskName
    reasoning: ReasoningRequest | None = None
    samples: SampleSource
    limits: TokenLimits | None = None
    steps: int | None = Field(default=None, ge=1)
    precision: Precision
    batch_size: int = Field(default=1, ge=1)
    repetitions: int = Field(default=10, ge=1)
    backend: BackendSpec
    device: DeviceSpec
    meters: tuple[MeterName, ...]
    idle_seconds: float | None = Field(default=None, gt=0)
    stop_at_ci: float | None = Field(default=None, gt=0, lt=1)

    def spec_hash(self) -> str:
        """SHA-256 over the canonical JSON of what changes the measurement.

        Left out are names and labels (the run's, the model's class, the wording of the reasoning
        state), the schema, how long a server is waited for, how long rest is watched beside the
        score, and all that is None: so an optional field that a later version adds leaves the hash
        of every spec without it as it is.
        """
        labels = {"run_id": True, "schema_version": True, "idle_seconds": True}
        within = {
            "model": {"model_class"},
            "reasoning": {"state"},
            "backend": {"silence_seconds"},
        }
        fields = self.model_dump(mode="json", exclude={**labels, **within}, exclude_none=True)
        canonical = json.dumps(fields, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()


class GpuRest(Frozen):
    """One GPU doing nothing."""

    watts: float
    celsius: float | None = None


class Launch(Document):
    """Where and how one attempt was started. It never changes what is measured, and is not hashed.

    `samples_path` is as the run sees it. `gpus_at_rest` is the coolest state known of each GPU by
    UUID, `runs_beside` what else was running on the host then. Of a server that the host started
    for the run, `endpoint` is where it answers, `server_process` its first process on this machine,
    and `serve_image_digest` identifies its image. `from_cache`: all that the run reads of the hub
    was in the cache, and it was told to ask nobody. `rehearsal`: its backend or a GPU of it is
    simulated; None where nobody looked.
    """

    engine: str
    image: str | None = None
    image_digest: str | None = None
    gpu_uuids: tuple[str, ...] = ()
    timeout_seconds: float | None = None
    samples_path: str | None = None
    region: str = "WORLD"
    dcgm_endpoint: str | None = None
    gpus_at_rest: dict[str, GpuRest] = Field(default_factory=dict)
    runs_beside: tuple[str, ...] = ()
    endpoint: str | None = None
    server_process: int | None = None
    serve_image_digest: str | None = None
    from_cache: bool = False
    rehearsal: bool | None = None
    log_file: str | None = None
    launched_at: str

    @field_validator("launched_at")
    @classmethod
    def _has_zone(cls, value: str) -> str:
        if datetime.fromisoformat(value).tzinfo is None:
            raise ValueError("a time without a zone")
        return value


def server_endpoint(spec: RunSpec, launch: Launch) -> str:
    """Where the run's server answers, the user's or one of the host's; empty without any."""
    return spec.backend.endpoint or launch.endpoint or ""
