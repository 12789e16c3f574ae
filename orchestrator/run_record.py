"""What one run folder tells, read whole and checked to be of one piece."""

from dataclasses import dataclass
from typing import Self

from benchmark_core.contract import (
    BackendName,
    DeviceKind,
    Launch,
    ModelClass,
    RunSpec,
    TaskName,
    TokenLimits,
)
from benchmark_core.documents import ContractError
from benchmark_core.report.imported import Imported
from benchmark_core.report.judgement import Verdict
from benchmark_core.report.outline import ReportOutline
from benchmark_core.report.summary import PartialSummary
from orchestrator.outcome import IMPORT_ENGINE, Outcome
from orchestrator.rehearsal import is_rehearsal
from orchestrator.run_folder import RunFolder


@dataclass(frozen=True)
class Asked:
    """Which run it is: by its spec; or, if it was imported, as far as its source says."""

    run_id: str
    model_id: str | None
    model_class: ModelClass | None
    task: TaskName | None
    reasoning_state: str | None
    backend: BackendName | None
    device: DeviceKind | None
    gpu_count: int | None
    repetitions: int | None = None
    limits: TokenLimits | None = None
    spec_hash: str | None = None

    @classmethod
    def of_spec(cls, spec: RunSpec, spec_hash: str) -> Self:
        return cls(
            run_id=spec.run_id,
            model_id=spec.model.id,
            model_class=spec.model.model_class,
            task=spec.task,
            reasoning_state=spec.reasoning.state if spec.reasoning else None,
            backend=spec.backend.name,
            device=spec.device.kind,
            gpu_count=spec.device.gpu_count,
            repetitions=spec.repetitions,
            limits=spec.limits,
            spec_hash=spec_hash,
        )

    @classmethod
    def of_import(cls, run_id: str, imported: Imported) -> Self:
        return cls(
            run_id=run_id,
            model_id=imported.model_id,
            model_class=imported.model_class,
            task=imported.task,
            reasoning_state=imported.reasoning_state,
            backend=imported.backend,
            device=imported.device,
            gpu_count=imported.gpu_count,
        )


@dataclass(frozen=True)
class Record:
    """All that is known of one run.

    A report is there only where its figures may be used, a launch only where there is no outcome.
    `imported` is there for every run that was imported, whatever its outcome. `rehearsal` is None
    where nothing tells.
    """

    asked: Asked
    launch: Launch | None
    outcome: Outcome | None
    report: ReportOutline | None
    attempts: int
    imported: Imported | None = None
    rehearsal: bool | None = None

    @property
    def verdict(self) -> Verdict | None:
        """Of a finished run its report's; of a failed one what is held against its meter."""
        if self.report:
            return self.report.verdict
        return self.outcome.verdict if self.outcome else None

    @property
    def is_invalid(self) -> bool:
        return self.verdict is not None and self.verdict.verdict == "invalid"

    @property
    def summary(self) -> PartialSummary | None:
        return self.report.summary if self.report else None


def read_record(folder: RunFolder) -> Record | None:
    """What a folder tells; None while its run is yet to end, or when it has no spec.

    Raises:
        ContractError: a file of the folder is damaged, too new, or belongs to another run.
    """
    outcome = folder.outcome()
    if outcome and outcome.engine == IMPORT_ENGINE:
        return _imported_record(folder, outcome)
    if outcome is None and folder.state().name in ("planned", "queued", "running"):
        return None
    spec = RunSpec.read(folder.spec_path)
    spec_hash = spec.spec_hash()
    finished = outcome is not None and outcome.outcome == "finished"
    report = ReportOutline.read(folder.report_path) if finished else None
    _refuse_strangers(folder, spec, spec_hash, outcome, report)
    return Record(
        asked=Asked.of_spec(spec, spec_hash),
        launch=None if outcome else Launch.read(folder.launch_path),
        outcome=outcome,
        report=report,
        attempts=folder.attempts(),
        rehearsal=report.rehearsal if report else is_rehearsal(folder),
    )


def _imported_record(folder: RunFolder, outcome: Outcome) -> Record:
    """An import has no spec: its report says which run it is, also where that had failed."""
    report = ReportOutline.read(folder.report_path)
    if report.imported is None:
        raise ContractError("its outcome is that of an import, and its report is not")
    if {report.run_id, outcome.run_id} != {folder.run_id} or report.outcome != outcome.outcome:
        raise ContractError("its outcome or its report belongs to another import")
    return Record(
        asked=Asked.of_import(folder.run_id, report.imported),
        launch=None,
        outcome=outcome,
        report=report if outcome.outcome == "finished" else None,
        attempts=folder.attempts(),
        imported=report.imported,
        rehearsal=report.rehearsal,
    )


def _refuse_strangers(
    folder: RunFolder,
    spec: RunSpec,
    spec_hash: str,
    outcome: Outcome | None,
    report: ReportOutline | None,
) -> None:
    """Files that do not belong together were copied or edited; their figures are nobody's.

    Whether the report keeps to the spec was looked at when the run ended.
    """
    if spec.run_id != folder.run_id:
        raise ContractError(f"its spec is that of the run {spec.run_id}")
    for name, document in (("outcome", outcome), ("report", report)):
        if document and (document.run_id, document.spec_hash) != (spec.run_id, spec_hash):
            raise ContractError(f"its {name} belongs to another spec")
