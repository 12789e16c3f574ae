"""The catalog file as a table of text cells: bytes, encoding, delimiter, quotes, header, lines."""

import csv
import io
import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from orchestrator.catalog import shown
from orchestrator.command_line import command_line
from orchestrator.errors import Problem, UsageError

MODEL: Final = "Models to Add"
PRIORITY: Final = "Priority (1=hi)"
CLASS: Final = "Class"
TASK: Final = "Task"
STATE: Final = "Reasoning State"
NOTE: Final = "Chat Template"
REVISION: Final = "Revision"
PARAMETERS: Final = "Parameters (B)"
GPUS: Final = "GPUs"
PROCESSOR: Final = "Processor"
TRUST: Final = "Trust Remote Code"
QUANTIZATION: Final = "Quantization"

REQUIRED_COLUMNS: Final = (MODEL, PRIORITY, CLASS, TASK, STATE)
OPTIONAL_COLUMNS: Final = (NOTE, REVISION, PARAMETERS, GPUS, PROCESSOR, TRUST, QUANTIZATION)

MAX_BYTES: Final = 10_000_000
MAX_ROWS: Final = 100_000

_COLUMN_BY_KEY: Final = {name.casefold(): name for name in REQUIRED_COLUMNS + OPTIONAL_COLUMNS}
_DELIMITERS: Final = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars"}
_FOREIGN_FORMATS: Final = {
    b"PK\x03\x04": "an Excel or OpenDocument workbook",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
    b"\xff\xfe": "UTF-16 text",
    b"\xfe\xff": "UTF-16 text",
    b"\x1f\x8b": "compressed with gzip",
}
# What `surrogateescape` makes of bytes that are not UTF-8: 0xDC00 + the byte.
_FOREIGN_BYTE: Final = re.compile("[\udc80-\udcff]")
_AS_CSV: Final = (
    "Save it as CSV in UTF-8 (in a spreadsheet: 'CSV UTF-8', cells separated by commas)."
)


@dataclass(frozen=True)
class Row:
    """The cells of the known columns, stripped, by column name. `line` is where the row starts."""

    line: int
    cells: dict[str, str]


@dataclass
class Table:
    """What could be read, and everything that is wrong with the file's form."""

    columns: dict[str, int] = field(default_factory=dict)
    width: int = 0
    unknown_columns: list[str] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def read_table(path: Path, file: str) -> Table:
    """The rows of the file; `file` is its name in messages.

    Raises:
        UsageError: the file cannot be read at all, or is no text.
    """
    table = Table()
    text = _decode(_read_bytes(path, file), file, table)
    delimiter = _delimiter(text, file, table)
    try:
        records = _records(text, delimiter, file)
        header = next(records, None)
        if header is None:
            remedy = f"Its first line must name the columns {', '.join(REQUIRED_COLUMNS)}."
            raise UsageError(Problem(file, "the file is empty", remedy))
        _read_header(*header, file, table)
        for line, cells in records:
            if len(table.rows) == MAX_ROWS:
                what = f"more than {MAX_ROWS:,} rows, which no catalog has"
                raise UsageError(Problem(file, what, "Check that --csv names the catalog."))
            _read_row(line, cells, file, table)
        if not table.rows and not table.problems:
            remedy = "Add one line for each model and reasoning state."
            table.problems.append(Problem(file, "there is a header but no row", remedy))
    except UsageError as error:
        table.problems.extend(error.problems)
    return table


# ---------------------------------------------------------------- bytes to text


def _read_bytes(path: Path, file: str) -> bytes:
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except FileNotFoundError as error:
        example = f"{command_line('catalog')} --example > {shlex.quote(file)}"
        remedy = f"Name yours with --csv, or make one to change: {example}"
        raise UsageError(Problem(file, "there is no such file", remedy)) from error
    except IsADirectoryError as error:
        problem = Problem(file, "this is a directory", "Give the CSV file itself with --csv.")
        raise UsageError(problem) from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        remedy = "Check the path and its permissions, or give another file with --csv."
        raise UsageError(Problem(file, f"the file cannot be read: {reason}", remedy)) from error
    if len(data) > MAX_BYTES:
        what = f"the file is larger than {MAX_BYTES // 1_000_000} MB, which no catalog is"
        raise UsageError(Problem(file, what, "Check that --csv names the catalog."))
    for start, name in _FOREIGN_FORMATS.items():
        if data.startswith(start):
            raise UsageError(Problem(file, f"the file is {name}, not CSV text in UTF-8", _AS_CSV))
    return data


def _decode(data: bytes, file: str, table: Table) -> str:
    text = data.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "surrogateescape")
    first = _FOREIGN_BYTE.search(text)
    if first:
        byte = ord(first.group()) - 0xDC00
        lines = _lines_with(_FOREIGN_BYTE, text)
        what = f"not UTF-8: byte 0x{byte:02X} (lines with such bytes: {_listed(lines)})"
        table.problems.append(Problem(f"{file}, line {lines[0]}", what, _AS_CSV))
    if "\0" in text:
        lines = _lines_with(re.compile("\0"), text)
        what = f"a NUL byte, which no text has (lines with one: {_listed(lines)})"
        table.problems.append(Problem(f"{file}, line {lines[0]}", what, "Delete it there."))
        text = text.replace("\0", "")
    return text


def _lines_with(pattern: re.Pattern[str], text: str) -> list[int]:
    lines = io.StringIO(text, newline="")
    return [number for number, line in enumerate(lines, start=1) if pattern.search(line)]


def _listed(lines: Sequence[int]) -> str:
    more = f" and {len(lines) - 5} more" if len(lines) > 5 else ""
    return ", ".join(str(line) for line in lines[:5]) + more


# ---------------------------------------------------------------- text to cells


def _records(text: str, delimiter: str, file: str) -> Iterator[tuple[int, list[str]]]:
    """The line each record starts in, and its cells; blank records are left out.

    Raises:
        UsageError: the quotes do not pair up, so that nothing after can be told apart.
    """
    lines = io.StringIO(text, newline="")
    reader = csv.reader(lines, delimiter=delimiter, strict=True, skipinitialspace=True)
    while True:
        start = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            what = (
                "the quotes of the row that starts here do not pair up"
                f" (noticed in line {reader.line_num})"
            )
            remedy = (
                'Close every quote that is opened, and write a quote inside a quoted cell as "".'
                " The lines after it could not be checked."
            )
            raise UsageError(Problem(f"{file}, line {start}", what, remedy)) from error
        if any(cell.strip() for cell in cells):
            yield start, cells


def _delimiter(text: str, file: str, table: Table) -> str:
    """What separates the cells of the header; anything but a comma is a problem."""

    def header(delimiter: str) -> tuple[int, list[str]]:
        try:
            return next(_records(text, delimiter, file), (1, []))
        except UsageError:
            return 1, []

    def known_columns(delimiter: str) -> int:
        return sum(_column(cell) is not None for cell in header(delimiter)[1])

    best = max(_DELIMITERS, key=known_columns)
    if best != ",":
        what = f"the cells are separated by {_DELIMITERS[best]}, not by commas"
        table.problems.append(Problem(f"{file}, line {header(best)[0]}", what, _AS_CSV))
    return best


def _column(cell: str) -> str | None:
    return _COLUMN_BY_KEY.get(" ".join(cell.split()).casefold())


def _read_header(line: int, cells: Sequence[str], file: str, table: Table) -> None:
    """Fills `columns`, `width` and `unknown_columns`.

    Raises:
        UsageError: no required column is there, so that no row can be read.
    """
    table.width = len(cells)
    for index, cell in enumerate(cells):
        column = _column(cell)
        if column is None:
            if cell.strip():
                table.unknown_columns.append(cell.strip())
        elif column in table.columns:
            where = f"{file}, line {line}, column {column}"
            what = f"the column occurs twice, as cells {table.columns[column] + 1} and {index + 1}"
            table.problems.append(Problem(where, what, "Keep one of them."))
        else:
            table.columns[column] = index
    missing = [column for column in REQUIRED_COLUMNS if column not in table.columns]
    found = ", ".join(shown(cell.strip()) for cell in cells[:12])
    problems = [
        Problem(
            f"{file}, line {line}, column {column}",
            "the column is missing",
            f"Name it in the header, spelled {column!r}; the header has {found}.",
        )
        for column in missing
    ]
    if len(missing) == len(REQUIRED_COLUMNS):
        raise UsageError(*problems)
    table.problems.extend(problems)


def _read_row(line: int, cells: Sequence[str], file: str, table: Table) -> None:
    extra = [cell.strip() for cell in cells[table.width :] if cell.strip()]
    if extra:
        what = f"{len(cells)} cells under a header of {table.width}; too many is {shown(extra[0])}"
        remedy = "Put quotes around a cell that contains a comma."
        table.problems.append(Problem(f"{file}, line {line}", what, remedy))
        return
    named = {
        column: cells[index].strip() if index < len(cells) else ""
        for column, index in table.columns.items()
    }
    table.rows.append(Row(line, named))
