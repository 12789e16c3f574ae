"""CSV files, read by one set of rules, whoever wrote them.

Every line has a cell for each column, no column is there twice, empty lines are passed over, and a
link leads to the file it names.
"""

import csv
import io
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import chain
from pathlib import Path
from typing import Final

from benchmark_core.documents import LONGEST_FILE_BYTES, ContractError, read_bounded
from scoring.errors import ScoringError
from scoring.figures import number_of

LONGEST_CELL: Final = 100_000
MOST_NAMED: Final = 10
UNREADABLE: Final = (UnicodeDecodeError, csv.Error)


Rows = Iterator[tuple[int, list[str]]]
"""Cells with the number of their line in the file."""


class Cells(Mapping[str, str]):
    """One line of a table. The names of its columns are kept once for all lines."""

    __slots__ = ("_columns", "_values")

    def __init__(self, columns: Mapping[str, int], values: Sequence[str]) -> None:
        self._columns = columns
        self._values = values

    def __getitem__(self, name: str) -> str:
        return self._values[self._columns[name]]

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __len__(self) -> int:
        return len(self._columns)

    def number(self, name: str) -> Decimal | None:
        """A figure exactly as it stands; None where there is no such column, or no figure."""
        place = self._columns.get(name)
        return None if place is None else number_of(self._values[place])


@dataclass(frozen=True)
class CsvTable:
    """`columns` are the places of their names; `lines` are read while they are asked for, each
    with its number in the file, and raise ScoringError."""

    columns: Mapping[str, int]
    lines: Rows

    def cells(self) -> Iterator[tuple[int, Cells]]:
        """Every line with its number. Raises ScoringError."""
        for line, values in self.lines:
            yield line, Cells(self.columns, values)


def open_table(
    path: Path, needed: Sequence[str], remedy: str, most_bytes: int = LONGEST_FILE_BYTES
) -> CsvTable:
    """`needed` columns must be there; `remedy` says what to do about a file that is no such table.

    Raises:
        ScoringError: it cannot be read, is no CSV in UTF-8, has a column twice or lacks one.
    """
    csv.field_size_limit(LONGEST_CELL)
    try:
        content = read_bounded(path.resolve(), most_bytes)
        # As one text it would take up to four bytes a letter; lines end with \n, or \r\n.
        stream = io.TextIOWrapper(io.BytesIO(content), encoding="utf-8-sig", newline="\n")
        rows = _split(stream)
        _, names = next(rows, (0, [""]))
    except OSError as error:
        raise ScoringError(str(path), f"cannot be read ({error.strerror})", remedy) from error
    except RuntimeError as error:
        raise ScoringError(str(path), "is a link that leads in a circle", remedy) from error
    except (ContractError, *UNREADABLE) as error:
        raise _no_table(path, error, remedy) from error
    _check_names(path, names, needed, remedy)
    columns = {name: place for place, name in enumerate(names)}
    return CsvTable(columns, _lines(path, rows, len(names), remedy))


def _check_names(path: Path, names: Sequence[str], needed: Sequence[str], remedy: str) -> None:
    twice = [name for name, times in Counter(names).items() if times > 1]
    if twice:
        raise ScoringError(str(path), f"has {_listed(twice)} more than once", "Leave one of each.")
    missing = [name for name in needed if name not in names]
    if missing:
        raise ScoringError(str(path), f"lacks {_listed(missing)}", remedy)


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(name[:40] or "without a name" for name in names[:MOST_NAMED])
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return f"the column{'' if len(names) == 1 else 's'} {shown}{more}"


def _lines(path: Path, rows: Rows, columns: int, remedy: str) -> Rows:
    try:
        for line, values in rows:
            if values == [""]:
                continue
            if len(values) != columns:
                raise ScoringError(
                    f"{path}, line {line}",
                    f"has {_count(len(values), 'cell')} for {_count(columns, 'column')}",
                    "It is cut off, or a comma is not quoted.",
                )
            yield line, values
    except UNREADABLE as error:
        raise _no_table(path, error, remedy) from error


def _split(stream: Iterator[str]) -> Rows:
    """Every line's cells, with the number that it ends in. An empty line is one empty cell."""
    number = 0
    for text in stream:
        number += 1
        if '"' in text or len(text) > LONGEST_CELL:
            reader = csv.reader(chain([text], stream), strict=True)
            values = next(reader)
            number += reader.line_num - 1
        else:
            # As the reader would, and three times as fast.
            values = text.rstrip("\r\n").split(",")
        yield number, values


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def _no_table(path: Path, error: Exception, remedy: str) -> ScoringError:
    return ScoringError(str(path), f"is no table ({str(error)[:100]})", remedy)
