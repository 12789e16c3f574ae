"""What a source tells of one run, what the user adds to it, and what both make."""

from dataclasses import dataclass, field

from benchmark_core.contract import BackendName, DeviceKind, ModelClass, PhaseName, TaskName
from benchmark_core.report.imported import Finding, ImportFormat
from benchmark_core.report.run_report import RunReport
from benchmark_core.report.spread import Spread
from orchestrator.importing.source_file import Source

Origin = tuple[str, int | None]
"""The SHA-256 of a source and the row: two runs of one origin are the same run."""


@dataclass(frozen=True)
class Given:
    """What the command line says of all runs; it goes where the sources say nothing."""

    model_id: str | None = None
    model_class: ModelClass | None = None
    task: TaskName | None = None
    reasoning_state: str | None = None
    samples: int | None = None


@dataclass(frozen=True)
class ImportedPhase:
    """`key` is the phase's name in the file, `repetitions` the number of measures, 0 for none.

    `gpu_wh` is per pass over the samples; None where it was not measured or cannot be.
    """

    name: PhaseName
    key: str
    gpu_wh: Spread | None
    repetitions: int


@dataclass(frozen=True)
class ToldRun:
    """One run as its source tells it. None: it tells nothing, or nothing that can be relied upon.

    Energy is of one pass over the samples, in Wh. `energy_seconds` is how long it was measured,
    None where that is `duration_seconds`. `counts_samples` is False where the number of samples is
    only implied, so that the user may say another one; `is_of_passes` is False where the energy is
    of more than passes, so that it makes no score. `failure` is the message of a run that had
    failed; such a run has no figures. `unreliable` names fields of the report.
    """

    format: ImportFormat
    source: Source
    scope: str
    excerpt: str
    row: int | None = None
    model_id: str | None = None
    model_class: ModelClass | None = None
    task: TaskName | None = None
    reasoning_state: str | None = None
    backend: BackendName | None = None
    device: DeviceKind | None = None
    gpu_name: str | None = None
    gpu_count: int | None = None
    total_prompts: int | None = None
    successful_prompts: int | None = None
    failed_prompts: int | None = None
    counts_samples: bool = True
    is_of_passes: bool = True
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    duration_seconds: float | None = None
    energy_seconds: float | None = None
    latency_seconds: float | None = None
    first_token_seconds: float | None = None
    gpu_wh: Spread | None = None
    cpu_wh: float | None = None
    ram_wh: float | None = None
    phases: tuple[ImportedPhase, ...] = ()
    repetitions: int | None = None
    finished_at: str | None = None
    failure: str | None = None
    findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()
    unreliable: tuple[str, ...] = field(default=())

    @property
    def where(self) -> str:
        path = str(self.source.path)
        return path if self.row is None else f"{path}, row {self.row}"


@dataclass(frozen=True)
class ImportedRun:
    told: ToldRun
    report: RunReport

    @property
    def key(self) -> Origin:
        return (self.told.source.sha256, self.told.row)
