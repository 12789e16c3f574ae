"""The row of `master_results.csv` that is bundled with a run, cell by cell."""

from collections.abc import Iterator, Mapping
from typing import Final

from benchmark_core.terminal_text import printable
from scoring.bundles.manifest import TABLE_FILE
from scoring.failed_point import FailedPoint, Finding
from scoring.figures import number_of
from scoring.verification.comparison import differences
from scoring.verification.evidence import RunEvidence
from scoring.verification.row_cells import COUNTS, ENERGIES, ON_TRUST, WORDS, Word

LONGEST_CELL: Final = 2000


def check_row(of: RunEvidence, row: Mapping[str, str] | None) -> Iterator[Finding]:
    """Raises ValueError for a figure that is none."""
    if row is None:
        yield FailedPoint("row_missing", f"{of.run.run_id} has no row", TABLE_FILE)
        return
    invalid = of.report.verdict is not None and of.report.verdict.verdict == "invalid"
    for name in sorted({*row} - {*ENERGIES, *COUNTS, *WORDS, *ON_TRUST}):
        what = f"it has the column {name[:100]!r}, which no table of ours has"
        yield FailedPoint("row_differs", what, TABLE_FILE)
    for name, figure in (*ENERGIES.items(), *COUNTS.items()):
        told = _number(name, row.get(name, ""))
        made = None if invalid and name in ENERGIES else figure(of)
        for phrase in differences(told, None if made is None else float(made), name):
            yield FailedPoint("row_differs", phrase, f"{TABLE_FILE}, {of.run.run_id}")
    for name, word in WORDS.items():
        text = row.get(name, "")
        if text != _cell(word(of)):
            what = f"{name} is {text[:100]!r}, and {_cell(word(of))[:100]!r} follows"
            yield FailedPoint("row_differs", what, f"{TABLE_FILE}, {of.run.run_id}")


def _number(name: str, text: str) -> float | None:
    """Raises ValueError."""
    number = number_of(text)
    if text and number is None:
        raise ValueError(f"{name} is {text[:100]!r}, which is no figure")
    return None if number is None else float(number)


def _cell(text: Word) -> str:
    """As the table writes it: without what would have to be quoted, or what a spreadsheet runs."""
    flat = printable(" ".join((text or "").split()).replace(",", ";").replace('"', "'"))
    flat = flat[:LONGEST_CELL]
    return f"'{flat}" if flat.startswith(("=", "+", "-", "@")) else flat
