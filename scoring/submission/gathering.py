"""Everything that goes into a bundle, and everything that speaks against it. Writes nothing."""

import csv
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from benchmark_core.contract import LAUNCH_FILE, OUTCOME_FILE, REPORT_FILE, SPEC_FILE
from benchmark_core.documents import LONGEST_FILE_BYTES, ContractError
from benchmark_core.report.outline import ReportOutline
from scoring.bundles.archive import MOST_BYTES, MOST_MEMBERS, Content
from scoring.bundles.bundled_stars import stars_by_run
from scoring.bundles.end_of_run import EndOfRun
from scoring.bundles.manifest import (
    EDITION_FILE,
    LOGS_DIR,
    TABLE_FILE,
    BundledRun,
    Sealed,
    log_member,
    run_member,
)
from scoring.editions.edition import Edition
from scoring.editions.file import read_edition
from scoring.results_table import LeftOut, Row, read_rows
from scoring.submission.identity import Identity, recorded_identity
from scoring.submission.leaks import leaks
from scoring.submission.privacy import disclosures
from scoring.submission.redaction import can_redact, redact
from scoring.submission.run_files import RunFiles, run_files
from scoring.submission.seals import KeyFile, Seals
from scoring.submission.table_lines import TableLines, joined

FOLDERS_DIR: Final = "individual_runs"


@dataclass(frozen=True)
class Wanted:
    """What is to be bundled: runs of the output directory `results`."""

    results: Path
    run_ids: tuple[str, ...]
    edition: Path | None = None
    not_official: bool = False
    redact: frozenset[Sealed] = frozenset()


@dataclass
class Gathered:
    """What would be written. With `problems` nothing may be."""

    runs: list[BundledRun] = field(default_factory=list)
    contents: list[Content] = field(default_factory=list)
    tables: list[bytes] = field(default_factory=list)
    seals: Seals = field(default_factory=Seals)
    problems: list[str] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)


def gather(wanted: Wanted, identity: Identity) -> Gathered:
    """No member may hold a name of `identity`, or one that the runs' own records have.

    Raises ScoringError where the results or the edition cannot be read at all.
    """
    edition = read_edition(wanted.edition) if wanted.edition else None
    table = TableLines(wanted.results)
    gathered = Gathered()
    for run_id in dict.fromkeys(wanted.run_ids):
        try:
            _add_run(wanted, run_id, table, gathered)
        except (OSError, ContractError, ValueError, csv.Error) as error:
            gathered.problems.append(f"{run_id}: cannot be read: {str(error)[:300]}")
    if not gathered.problems:
        _finish(gathered, edition)
        folders = [wanted.results / FOLDERS_DIR / run_id for run_id in wanted.run_ids]
        names = identity | recorded_identity(wanted.results, folders)
        gathered.problems += _objections(gathered, names)
    return gathered


def _add_run(wanted: Wanted, run_id: str, table: TableLines, gathered: Gathered) -> None:
    """Raises OSError, ContractError, ValueError, csv.Error."""
    folder = wanted.results / FOLDERS_DIR / run_id
    if run_id in ("", ".", "..") or "/" in run_id or not folder.is_dir():
        gathered.problems.append(f"{run_id}: there is no such run in {wanted.results}")
        return
    found = run_files(folder)
    names = ", ".join(found.left_out)
    if names:
        gathered.notices.append(f"{run_id}: no files of a run, and left out: {names}")
    problems = list(found.problems) or list(_of_run(wanted, folder, found))
    line = table.of(run_id)
    if line is None:
        problems.append(f"has no row in {TABLE_FILE}; make the table again from the run folders")
    if problems or line is None:
        gathered.problems += [f"{run_id}: {problem}" for problem in problems]
        return
    run, contents = _bundled(wanted, run_id, found, gathered)
    contents.append(Content(TABLE_FILE, line))
    if wanted.redact:
        is_one_of_many = len(set(wanted.run_ids)) > 1
        run, contents = redact(run, contents, wanted.redact, gathered.seals, is_one_of_many)
    gathered.runs.append(run)
    for content in contents:
        if content.name == TABLE_FILE:
            gathered.tables.append(b"".join(content.blocks()))
        else:
            gathered.contents.append(content)


def _of_run(wanted: Wanted, folder: Path, found: RunFiles) -> Iterator[str]:
    """What speaks against submitting a run whose files are all there."""
    end = EndOfRun.read(folder / OUTCOME_FILE)
    if end.outcome != "finished":
        yield f"its outcome is {end.outcome}, and only finished runs can be submitted"
        return
    report = ReportOutline.read(folder / REPORT_FILE)
    if wanted.redact and not can_redact(found.files):
        yield "--redact does not know what stands in the files of optimum-benchmark"
    if wanted.not_official:
        return
    verdict, official = report.verdict, report.official
    unless = "--not-official takes it all the same"
    if report.rehearsal:
        yield f"it is a rehearsal; {unless}"
    elif verdict is None or verdict.verdict != "valid":
        reasons = ", ".join(verdict.reasons) if verdict else "nobody judged it"
        yield f"its verdict is not valid ({reasons}); {unless}"
    elif official is None or not official.official:
        deviations = "; ".join(official.deviations) if official else "nobody looked"
        yield f"it did not keep to the official protocol ({deviations}); {unless}"


def _bundled(
    wanted: Wanted, run_id: str, found: RunFiles, gathered: Gathered
) -> tuple[BundledRun, list[Content]]:
    report = ReportOutline.read(found.files[REPORT_FILE])
    log = Path(EndOfRun.read(found.files[OUTCOME_FILE]).log_file).name
    contents = [Content(run_member(run_id, name), path) for name, path in found.files.items()]
    path = wanted.results / LOGS_DIR / log
    if log and path.is_file() and not path.is_symlink():
        contents.append(Content(log_member(log), path))
    else:
        gathered.notices.append(f"{run_id}: its log is not there")
        log = ""
    return BundledRun(
        run_id=run_id,
        rehearsal=report.rehearsal,
        official=report.official is not None and report.official.official,
        log=log,
    ), contents


def _finish(gathered: Gathered, edition: Edition | None) -> None:
    """Adds what all runs share."""
    table = joined(gathered.tables)
    # Programs that measured several runs leave one log for all of them.
    contents = {content.name: content for content in gathered.contents}
    contents[TABLE_FILE] = Content(TABLE_FILE, table)
    if edition:
        contents[EDITION_FILE] = Content(EDITION_FILE, edition.to_json().encode())
        stars = stars_by_run(_rows(table), edition)
        gathered.runs = [
            run.model_copy(update={"stars": stars.get(run.run_id)}) for run in gathered.runs
        ]
    gathered.contents = sorted(contents.values(), key=lambda content: content.name)


def _rows(table: bytes) -> list[Row | LeftOut]:
    """As whoever verifies will read them. Raises ScoringError."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / TABLE_FILE
        path.write_bytes(table)
        return read_rows(path)


def _objections(gathered: Gathered, identity: Identity) -> list[str]:
    try:
        return [
            *_beyond_limits(gathered.contents, gathered.seals),
            *(
                f"{one.where}: holds {one.what}; a bundle says neither who made it nor where, and"
                f" holds no secret{_advice(one.member)}"
                for one in disclosures(gathered.contents, identity)
            ),
            *(
                f"{member}: still shows {item}, which is to be redacted; redact more, or leave the"
                " file out"
                for member, item in leaks(gathered.contents, gathered.seals.private)
            ),
        ]
    except OSError as error:
        return [f"{error.filename}: cannot be read ({error.strerror})"]


def _advice(member: str) -> str:
    """Where the address of a server stands because the user gave it."""
    has_address = member.endswith((f"/{SPEC_FILE}", f"/{LAUNCH_FILE}"))
    return "; --redact model-config seals the addresses of servers" if has_address else ""


def _beyond_limits(contents: Sequence[Content], seals: Seals) -> Iterator[str]:
    """Raises OSError."""
    if len(contents) > MOST_MEMBERS - 3:
        yield f"{len(contents)} files, and {MOST_MEMBERS - 3} are the most; submit fewer runs"
    total = sum(content.size() for content in contents)
    if total > MOST_BYTES:
        yield f"{total} B, and {MOST_BYTES} B are the most; submit fewer runs"
    key_bytes = len(KeyFile(items=seals.items).to_json().encode())
    if key_bytes > LONGEST_FILE_BYTES:
        what = f"the key file has {key_bytes} B, and {LONGEST_FILE_BYTES} B are the most"
        yield f"{what}; redact fewer runs at a time"
