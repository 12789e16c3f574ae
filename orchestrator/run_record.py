"""What one run folder tells, read whole and checked to be of one piece."""

from dataclasses import dataclass

from benchmark_core.contract import Launch, RunSpec
from benchmark_core.documents import ContractError
from benchmark_core.report import ReportOutline, Summary, Verdict
from orchestrator.outcome import Outcome
from orchestrator.run_directory import RunFolder


@dataclass(frozen=True)
class Record:
    """All that is known of one run.

    A report is there only where its figures may be used, a launch only where there is no outcome.
    """

    spec: RunSpec
    launch: Launch | None
    outcome: Outcome | None
    report: ReportOutline | None
    attempts: int

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
    def summary(self) -> Summary | None:
        return self.report.summary if self.report else None


def read_record(folder: RunFolder) -> Record | None:
    """What a folder tells; None while its run is planned or running, or when it has no spec.

    Raises:
        ContractError: a file of the folder is damaged, too new, or belongs to another run.
    """
    outcome = folder.outcome()
    if outcome is None and folder.state().name in ("planned", "running"):
        return None
    spec = RunSpec.read(folder.spec_path)
    finished = outcome is not None and outcome.outcome == "finished"
    report = ReportOutline.read(folder.report_path) if finished else None
    _refuse_strangers(folder, spec, outcome, report)
    return Record(
        spec=spec,
        launch=None if outcome else Launch.read(folder.launch_path),
        outcome=outcome,
        report=report,
        attempts=folder.attempts(),
    )


def _refuse_strangers(
    folder: RunFolder, spec: RunSpec, outcome: Outcome | None, report: ReportOutline | None
) -> None:
    """Files that do not belong together were copied or edited; their figures are nobody's.

    Whether the report keeps to the spec was looked at when the run ended.
    """
    spec_hash = spec.spec_hash()
    if spec.run_id != folder.run_id:
        raise ContractError(f"its spec is that of the run {spec.run_id}")
    for name, document in (("outcome", outcome), ("report", report)):
        if document and (document.run_id, document.spec_hash) != (spec.run_id, spec_hash):
            raise ContractError(f"its {name} belongs to another spec")
