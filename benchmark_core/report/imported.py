"""What a report says of a run that another program measured."""

from typing import Literal

from benchmark_core.contract import BackendName, DeviceKind, ModelClass, TaskName
from benchmark_core.documents import Frozen

ImportFormat = Literal["master_results", "ai_energy_benchmarks", "optimum_benchmark", "codecarbon"]


class Finding(Frozen):
    """One thing that speaks against an imported run. `repetition` counts from 1."""

    reason: str
    message: str
    phase: str | None = None
    repetition: int | None = None


class Imported(Frozen):
    """Where the figures of a run come from that another program measured, and what it was.

    `file` is the name of the source without its folders, `row` its record in a table, from 1.
    `scope` says of what the energy is, in words. `cannot_tell` names those fields of the report
    that the source does not tell, or not so that they can be relied upon. `repetitions` is how
    many passes the means are of.
    """

    format: ImportFormat
    file: str
    sha256: str
    row: int | None = None
    model_id: str | None = None
    model_class: ModelClass | None = None
    task: TaskName | None = None
    reasoning_state: str | None = None
    backend: BackendName | None = None
    device: DeviceKind | None = None
    gpu_name: str | None = None
    gpu_count: int | None = None
    repetitions: int | None = None
    scope: str
    findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()
    cannot_tell: tuple[str, ...]
