"""Imported runs become run folders of an output directory, and the table is made again.

The outcome is written last: an import that was cut off leaves folders without one, which nobody
takes for runs, and the next import completes them. What is there already is never touched.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmark_core.atomic_file import write_text
from benchmark_core.documents import ContractError
from benchmark_core.report.outline import ReportOutline
from orchestrator.errors import HostError, Problem, UsageError
from orchestrator.importing.imported_report import RUN_ID_START
from orchestrator.importing.master_results import OUR_COLUMN
from orchestrator.importing.source_file import Table
from orchestrator.importing.told_run import ImportedRun, Origin
from orchestrator.master_table import MasterTable
from orchestrator.outcome import IMPORT_ENGINE, LONGEST_MESSAGE, Outcome
from orchestrator.run_directory import RunDirectory
from orchestrator.run_folder import RunFolder

SOURCE_OBJECT_FILE: Final = "imported_source.json"
SOURCE_ROW_FILE: Final = "imported_source.csv"
LONGEST_HEADER = 100_000
LONGEST_COPY = 4 * 2**20
"""Longer sources are not copied; the report has their SHA-256."""


@dataclass(frozen=True)
class Written:
    """`new` are run_ids of this import, `kept` those that an earlier one had left."""

    table_path: Path
    new: tuple[str, ...]
    kept: tuple[str, ...]
    unbelieved: tuple[Problem, ...]


def write_runs(runs: Sequence[ImportedRun], output_dir: Path) -> Written:
    """Write what is not there yet.

    Raises:
        UsageError: a run has no model, or its folder belongs to another run; nothing is written.
        HostError: a sweep is using the directory, or it cannot be written.
    """
    _refuse_nameless(runs)
    directory = RunDirectory(output_dir)
    _refuse_foreign_table(directory)
    directory.create()
    table = MasterTable(directory)
    with directory.lock():
        earlier = _earlier(directory)
        new = [run for run in runs if run.key not in earlier]
        _refuse_strangers(directory, new)
        for run in new:
            _write(directory.folder(run.report.run_id), run)
        unbelieved = table.read_folders()
        path = table.write()
    return Written(
        table_path=path,
        new=tuple(run.report.run_id for run in new),
        kept=tuple(earlier[run.key] for run in runs if run.key in earlier),
        unbelieved=tuple(unbelieved.values()),
    )


def _refuse_nameless(runs: Sequence[ImportedRun]) -> None:
    problems = [
        Problem(
            run.told.where,
            "does not say which model it is of",
            "Say it with --model org/name; with several models, import one file at a time.",
        )
        for run in runs
        if run.told.model_id is None
    ]
    if problems:
        raise UsageError(*problems)


def _refuse_foreign_table(directory: RunDirectory) -> None:
    """The table is replaced whole, so one that is not ours, such as the original's, would go."""
    if not directory.master_path.exists():
        return
    try:
        with directory.master_path.open(encoding="utf-8", errors="replace") as stream:
            header = stream.readline(LONGEST_HEADER)
    except OSError as error:
        what = f"cannot be read ({error.strerror})"
        raise HostError(Problem(str(directory.master_path), what, "Look at it.")) from error
    if OUR_COLUMN not in header.strip().split(","):
        what = "is a table of another program, and would be lost"
        remedy = "Choose another --output-dir; the table can be imported into it."
        raise UsageError(Problem(str(directory.master_path), what, remedy))


def _earlier(directory: RunDirectory) -> dict[Origin, str]:
    """The run_ids of all imports of the directory."""
    found: dict[Origin, str] = {}
    for folder in directory.folders():
        if not folder.run_id.startswith(RUN_ID_START):
            continue
        try:
            outcome = folder.outcome()
            report = ReportOutline.read(folder.report_path) if outcome else None
        except ContractError:
            continue
        if report and report.imported:
            found[(report.imported.sha256, report.imported.row)] = folder.run_id
    return found


def _refuse_strangers(directory: RunDirectory, runs: Sequence[ImportedRun]) -> None:
    """A folder of that name with another run in it, or with a damaged one."""
    problems = []
    for run in runs:
        folder = directory.folder(run.report.run_id)
        if folder.outcome_path.exists() or folder.spec_path.exists():
            what = "is there already, and is not this import"
            problems.append(Problem(str(folder.path), what, "Remove it, or choose another folder."))
    if problems:
        raise UsageError(*problems)


def _write(folder: RunFolder, run: ImportedRun) -> None:
    excerpt = run.told.excerpt
    is_row = isinstance(run.told.source.content, Table)
    try:
        folder.path.mkdir(exist_ok=True)
        if len(excerpt) <= LONGEST_COPY:
            write_text(folder.path / (SOURCE_ROW_FILE if is_row else SOURCE_OBJECT_FILE), excerpt)
        write_text(folder.report_path, run.report.to_json())
        write_text(folder.outcome_path, _outcome(run).to_json())
    except OSError as error:
        raise HostError(
            Problem(
                str(folder.path),
                f"cannot be written ({error.strerror}); what was imported before it is whole",
                "Free the disk and import again: it goes on where it stopped.",
            )
        ) from error


def _outcome(run: ImportedRun) -> Outcome:
    report = run.report
    failure = report.failure
    message = f"{failure.kind}: {failure.message}. {failure.remedy}" if failure else ""
    return Outcome(
        run_id=report.run_id,
        spec_hash="",
        outcome=report.outcome,
        error_message=message[:LONGEST_MESSAGE],
        reason=failure.kind if failure else "",
        engine=IMPORT_ENGINE,
        finished_at=report.finished_at or "",
        log_file="",
    )
