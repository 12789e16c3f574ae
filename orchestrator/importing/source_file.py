"""A file of somebody else's, read with nothing taken on trust: a JSON object or a table."""

import csv
import hashlib
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmark_core.documents import ContractError, read_bounded
from benchmark_core.terminal_text import printable
from orchestrator.catalog import shown
from orchestrator.errors import Problem, UsageError
from orchestrator.importing.json_object import parse_object

MOST_ROWS = 10_000
MOST_COLUMNS = 1000
LONGEST_LINE = 2**20
MOST_NAMED = 8
LONGEST_NAME = 200


@dataclass(frozen=True)
class Row:
    """One record of a table. `number` counts records from 1, `line` is where it starts."""

    number: int
    line: int
    cells: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    header: tuple[str, ...]
    rows: tuple[Row, ...]

    def values(self, row: Row) -> dict[str, str]:
        """The cells by the names of their columns: positions differ between versions."""
        return dict(zip(self.header, row.cells, strict=True))

    def excerpt(self, row: Row) -> str:
        """The row as a table of its own."""
        stream = io.StringIO()
        csv.writer(stream, lineterminator="\n").writerows([self.header, row.cells])
        return stream.getvalue()


@dataclass(frozen=True)
class Source:
    """`content` is the object or the table that the file holds."""

    path: Path
    sha256: str
    text: str
    content: dict[str, Any] | Table

    @property
    def name(self) -> str:
        """Without its folders, which are nobody's business once results are published."""
        return printable(self.path.name)[:LONGEST_NAME]

    @property
    def names(self) -> str:
        """The first keys or columns, for messages."""
        keys: Sequence[str] = (
            self.content.header if isinstance(self.content, Table) else list(self.content)
        )
        more = f" and {len(keys) - MOST_NAMED} more" if len(keys) > MOST_NAMED else ""
        return (", ".join(shown(key) for key in keys[:MOST_NAMED]) or "none") + more


def read_source(path: Path) -> Source:
    """What the file at `path` holds.

    Raises:
        UsageError: it cannot be read, is too long, no text, or neither an object nor a table.
    """
    try:
        # Files of a hub's cache are links, so unlike those of a run folder they are followed.
        data = read_bounded(path.resolve())
        text = data.decode("utf-8-sig")
    except (OSError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or "its links lead in a circle"
        raise _wrong(path, f"cannot be read ({reason})", "Check the name.") from error
    except ContractError as error:
        raise _wrong(path, str(error), "Name a report or a table of results.") from error
    except UnicodeDecodeError as error:
        what = f"is no text (byte {error.start} is not UTF-8)"
        raise _wrong(path, what, "Name a report or a table of results.") from error
    start = text.lstrip()[:1]
    if not start:
        raise _wrong(path, "is empty", "Fetch the file again.")
    content = parse_object(path, text) if start in "{[" else _table(path, text)
    return Source(path, hashlib.sha256(data).hexdigest(), text, content)


def _table(path: Path, text: str) -> Table:
    if "\0" in text:
        raise _wrong(path, "has a NUL byte, which no table has", "Fetch the file again.")
    records = _records(path, text)
    _, header = next(records, (0, []))
    if not any(cell.strip() for cell in header):
        raise _wrong(path, "has no names of columns", "Name a report or a table of results.")
    if len(header) > MOST_COLUMNS:
        what = f"has more than {MOST_COLUMNS:,} columns, which no table of results has"
        raise _wrong(path, what, "Name a report or a table of results.")
    names = tuple(cell.strip() for cell in header)
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        what = f"has the column {shown(twice[0])} twice"
        raise _wrong(path, what, "Remove the one that does not belong there.")
    rows = []
    for number, (line, cells) in enumerate(records, start=1):
        if number > MOST_ROWS:
            what = f"has more than {MOST_ROWS:,} rows, which no sweep has"
            raise _wrong(path, what, "Split the table.")
        if len(cells) != len(names):
            what = f"line {line} has {len(cells)} cells under a header of {len(names)}"
            remedy = "Mend the line: a cell with a comma stands in quotes, decimals have a point."
            raise _wrong(path, what, remedy)
        rows.append(Row(number, line, tuple(cell.strip() for cell in cells)))
    return Table(names, tuple(rows))


def _records(path: Path, text: str) -> Iterator[tuple[int, list[str]]]:
    """The line each record starts in, and its cells; blank lines are left out."""
    reader = csv.reader(_lines(path, text), strict=True)
    while True:
        start = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            what = f"is no table: {error} (in the record that starts in line {start})"
            remedy = "Fetch the file again, or mend it: comma-separated, quotes in pairs."
            raise _wrong(path, what, remedy) from error
        if any(cell.strip() for cell in cells):
            yield start, cells


def _lines(path: Path, text: str) -> Iterator[str]:
    """A line is bounded, because of each the reader makes a list of cells at once."""
    for number, line in enumerate(io.StringIO(text, newline=""), start=1):
        if len(line) > LONGEST_LINE:
            what = f"line {number} is longer than {LONGEST_LINE:,} characters"
            raise _wrong(path, what, "Name a report or a table of results.")
        yield line


def _wrong(path: Path, what: str, remedy: str) -> UsageError:
    return UsageError(Problem(str(path), what, remedy))
