"""What came of a run: `RunReport` and its parts, the file that a run leaves as its last act."""

from datetime import date
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, GetPydanticSchema, model_validator

from benchmark_core.contract import (
    DeviceSpec,
    GpuRest,
    Kind,
    MeterName,
    PassName,
    PhaseName,
    PromptForm,
    SourceKind,
    TokenLimits,
)
from benchmark_core.documents import Document, Frozen
from benchmark_core.imported import Imported
from benchmark_core.reasoning.facts import ReasoningFacts


class Reading(Frozen):
    """Energy of one window in joules. None: not measured by anybody.

    `gpu_doubt_joules` is how far the GPU figure may be off because its edges are uncertain.
    """

    gpu_joules: float | None = None
    cpu_joules: float | None = None
    ram_joules: float | None = None
    gpu_joules_by_device: dict[str, float] | None = None
    gpu_doubt_joules: float | None = None
    gpu_cross_check_joules: float | None = None


class EnergySource(Frozen):
    """Who gave a figure and how: `method` is one phrase for people.

    `integrated`: power readings were summed up, because there was no energy counter.
    """

    meter: MeterName
    kind: SourceKind
    method: str
    integrated: bool = False


class EnergySources(Frozen):
    gpu: EnergySource | None = None
    cpu: EnergySource | None = None
    ram: EnergySource | None = None


class GpuFacts(Frozen):
    """One metered GPU. `uuid_sha256` stands for the UUID wherever results are published."""

    uuid: str
    uuid_sha256: str | None = None
    name: str
    memory_bytes: int | None = None
    power_limit_watts: float | None = None
    default_power_limit_watts: float | None = None
    driver_version: str | None = None
    cuda_version: str | None = None
    ecc: bool | None = None
    persistence: bool | None = None


class TokenCounts(Frozen):
    """Tokens of one pass over all successful samples; `prompt` is None where inputs are no texts.

    `reasoning` is that part of `completion` which is no answer; None where nobody told them apart.
    """

    prompt: int | None
    completion: int
    reasoning: int | None = None

    @property
    def total(self) -> int | None:
        return None if self.prompt is None else self.prompt + self.completion

    @property
    def answer(self) -> int | None:
        return None if self.reasoning is None else self.completion - self.reasoning


class Window(Frozen):
    """One measured pass over the samples: from the return of open to the call of close.

    `truncated` samples reached the limit of tokens before their reasoning had ended; None where
    reasoning and answer were not told apart. `first_token_seconds` is the mean time from the start
    of a sample to its first token of any kind, None where nobody saw it. `latency_seconds` is the
    mean time of a successful sample where several were under way at a time; otherwise None, because
    one follows the other and the duration says it.
    """

    name: PassName
    duration_seconds: float
    reading: Reading
    tokens: TokenCounts
    successful: int
    failed: int
    truncated: int | None = None
    first_token_seconds: float | None = None
    latency_seconds: float | None = None


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
    `ran_own_code` says whether program code from the model's repository was run. `template_sha256`
    is that of the tokenizer's chat template, `template_day` the day that it took for today, None
    where it asks for none or a server renders in a way of its own. `gpu_uuids` are the model's own
    GPUs, where the framework tells. `server` names the kind and version of the server that ran the
    model; nobody knows then in which type and on what its weights lie. `concurrency` is how many
    samples may have been under way at a time. `server_processes` are how many of the server's
    processes computed on each GPU, by UUID; empty where nobody could see them.
    """

    model_id: str
    model_commit: str | None
    kind: Kind
    processor: str
    processor_commit: str | None
    dtype: str | None
    quantization: str | None
    attention: str | None
    ran_own_code: bool
    device: DeviceSpec | None
    batch_size: int
    limits: TokenLimits | None
    steps: int | None
    prompt_form: PromptForm | None
    template_kwargs: dict[str, bool | str]
    prompts_cut: int
    samples_available: int
    samples_used: int
    dataset_id: str | None
    dataset_commit: str | None
    prompts_sha256: str | None
    folder_sha256: str | None = None
    meters: tuple[MeterName, ...]
    gpu_uuids: tuple[str, ...] = ()
    template_sha256: str | None = None
    template_day: date | None = None
    seed: int | None = None
    server: str | None = None
    server_processes: dict[str, int] = Field(default_factory=dict)
    concurrency: int = 1


class Spread(Frozen):
    """A figure over the repetitions.

    `stdev` (sample, n - 1) and `ci95`, the half-width of the 95 % confidence interval of the mean
    (Student t), are None below two repetitions.
    """

    mean: float
    stdev: float | None
    ci95: float | None = None


def mean(figure: Spread | None) -> float | None:
    return figure.mean if figure else None


class PartialSummary(Frozen):
    """The figures of a run, each None where nobody told it; in runs of others most may be."""

    total_prompts: int | None = None
    successful_prompts: int | None = None
    failed_prompts: int | None = None
    tokens: TokenCounts | None = None
    total_duration_seconds: Spread | None = None
    avg_latency_seconds: float | None = None
    throughput_tokens_per_second: float | None = None
    gpu_energy_wh: Spread | None = None
    cpu_energy_wh: Spread | None = None
    ram_energy_wh: Spread | None = None
    wh_per_1000_queries: float | None = None
    tokens_per_joule: float | None = None
    avg_time_to_first_token_seconds: float | None = None
    truncated_prompts: int | None = None
    joules_per_answer_token: float | None = None
    joules_per_reasoning_token: float | None = None
    phases_gpu_wh: dict[PhaseName, float | None] = Field(default_factory=dict)


class Summary(PartialSummary):
    """The figures of a run of ours; each is a mean per repetition. Wh per query count successes
    only. Its counts and times are always known.

    `joules_per_answer_token` and `joules_per_reasoning_token` are all scored GPU joules over the
    tokens of that kind: what such a token costs with all that was done for it. They are no parts
    that add up.
    """

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
    image_digest: str | None = None


class ThermalGate(Frozen):
    """The wait for the GPUs to come to rest before anything was loaded, and how they were then."""

    waited_seconds: float
    settled: bool
    at_rest: dict[str, GpuRest]


class IdleBaseline(Frozen):
    """Power at rest of all GPUs of the run together, beside the score and never subtracted from it.

    `before_watts` is from before the model was loaded, None where an earlier run had loaded it;
    `after_watts` from after the last repetition, with the model still loaded. `active_energy_wh` is
    the score's energy less `before_watts` over the same time.
    """

    before_watts: float | None
    after_watts: float | None
    active_energy_wh: float | None


class LedgerEntry(Frozen):
    """One window of the run. `opened_at_seconds` is on the clock of the power trace."""

    name: str
    opened_at_seconds: float
    duration_seconds: float
    gpu_joules: float | None


class _Nothing(BaseModel):
    """An object none of whose fields is looked at, nor kept."""

    model_config = ConfigDict(extra="ignore")


Unread = Annotated[Any, GetPydanticSchema(lambda _, handler: handler.generate_schema(_Nothing))]
"""Counted, and no more: making objects of its content is most of the time of reading a report."""


class LedgerOutline(Frozen):
    """Where the GPU energy of the run went, from the opening of its first window to the last close.

    `total_joules` is the meter's own total over that time. `between_joules` is what the power trace
    says of the time between the windows, on the scale of the meter. What the windows and that leave
    of the total is the residual; None where one of them was not measured.
    """

    entries: tuple[Unread, ...]
    total_seconds: float
    total_joules: float | None
    between_joules: float | None
    residual_joules: float | None
    residual_share: float | None


class Ledger(LedgerOutline):
    entries: tuple[LedgerEntry, ...]


class GpuConditions(Frozen):
    """What one GPU went through, from the power trace.

    Temperatures are means over the first and the last repetition. `throttled` gives for each reason
    its share of the measured time. `power_limits_watts` are those of the run's windows and the time
    between them, each once, in the order seen, the first few at most. Of foreign processes the
    largest number seen at once is given; None where nobody can tell.
    """

    uuid: str
    first_celsius: float | None
    last_celsius: float | None
    highest_celsius: float | None
    highest_watts: float | None
    power_limits_watts: tuple[float, ...]
    throttled: dict[str, float]
    foreign_before: int | None
    foreign_during: int | None
    foreign_after: int | None


class TraceFacts(Frozen):
    """What the power trace says of the whole run, and how well it agrees with the counter.

    `disagreement` is (integrated - counter) / counter over the same time. `longest_gap_seconds` is
    the longest time without a power reading from the opening of the first repetition to the close
    of the last, or within the whole run where nothing was repeated. `counter_resets` is how often
    the counter of a GPU was found lower than before.
    """

    samples: int
    rate_hertz: float
    longest_gap_seconds: float
    integrated_joules: float | None
    counter_joules: float | None
    disagreement: float | None
    gpus: tuple[GpuConditions, ...]
    counter_resets: int = 0


class SinglePass(Frozen):
    """Prefill and decode told apart within the generate pass, mean per repetition.

    None where the parts are too short for the meter, and then `because` says so.
    """

    prefill_wh: float | None
    decode_wh: float | None
    because: str | None


class Official(Frozen):
    """Whether the run kept to the official protocol, and everything in which it did not."""

    official: bool
    deviations: tuple[str, ...]


class Failure(Frozen):
    """Why a run failed: `kind` for machines, `message` and `remedy` for people."""

    kind: str
    message: str
    remedy: str


class Verdict(Frozen):
    verdict: Literal["valid", "flagged", "invalid"]
    reasons: tuple[str, ...]


class ReportOutline(Document):
    """A report whose repetitions and ledger are not looked into, for readers of thousands.

    A failed report carries a verdict where a meter is to blame: invalid, with the reason.
    `stopped_at_ci` is the half-width reached, as a share, where the repetitions ended early.
    `model_load_shared_with` is the run that loaded the model, where this one did not load it: the
    energy of loading is in that run's ledger alone.
    Only where `imported` is there may applied settings, times and figures of a finished run be
    missing; its `spec_hash` is empty, because nobody knows all that was asked.
    """

    run_id: str
    spec_hash: str
    imported: Imported | None = None
    outcome: Literal["finished", "failed"]
    failure: Failure | None = None
    verdict: Verdict | None = None
    official: Official | None = None
    rehearsal: bool
    applied: Applied | None = None
    summary: Annotated[Summary | PartialSummary | None, Field(union_mode="left_to_right")] = None
    reasoning: ReasoningFacts | None = None
    carbon: Carbon | None = None
    energy_sources: EnergySources = EnergySources()
    repetitions: tuple[Unread, ...] = ()
    environment: Environment | None = None
    thermal_gate: ThermalGate | None = None
    model_load_shared_with: str | None = None
    idle: IdleBaseline | None = None
    ledger: LedgerOutline | None = None
    trace: TraceFacts | None = None
    single_pass: SinglePass | None = None
    stopped_at_ci: float | None = None
    runs_beside: tuple[str, ...] = ()
    started_at: str | None = None
    finished_at: str | None = None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.outcome == "failed" and self.failure is None:
            raise ValueError("a failed report names its failure")
        if self.outcome == "finished" and self.summary is None:
            raise ValueError("a finished report carries a summary")
        if self.imported:
            return self
        if self.started_at is None or self.finished_at is None:
            raise ValueError("a report carries the times of its run")
        whole = self.applied is not None and isinstance(self.summary, Summary)
        if self.outcome == "finished" and not whole:
            raise ValueError("a finished report carries applied settings and a whole summary")
        if not self.spec_hash:
            raise ValueError("a report carries the hash of its spec")
        return self


class RunReport(ReportOutline):
    """The container's last act, on success and on failure."""

    repetitions: tuple[Repetition, ...] = ()
    ledger: Ledger | None = None
