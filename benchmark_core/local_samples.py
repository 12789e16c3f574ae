"""Rows of local samples, made into what a task's columns need."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from pathlib import Path, PurePosixPath
from typing import Any, NoReturn

from benchmark_core.bad_rows import BadRow, Overview, alone
from benchmark_core.faults import SampleFault
from benchmark_core.media import Column, is_unsound
from benchmark_core.recipe import Sample
from benchmark_core.sample_files import fault_at, file_inside
from benchmark_core.sample_tables import MOST_ROWS, Row, Table

SOURCE = "source"
FILE_NAME = "file_name"
METADATA = ("metadata.csv", "metadata.jsonl", "metadata.parquet")


class LocalSamples:
    """Rows that are read when asked for, quickest in their order.

    `path` is what was named; `overview` is of all rows. `sources` has the source of each row, None
    unless every row has one. `names_files`: images or sounds lie in files of their own.

    Raises:
        SampleFault: there is nothing to be used.
    """

    def __init__(
        self, path: Path, root: Path, tables: Sequence[Table], columns: Sequence[Column]
    ) -> None:
        self.path = path
        self._root = root.resolve()
        self._tables = tables
        self._columns = columns
        self.names_files = False
        self.overview = Overview()
        self.sources: Sequence[str] | None = self._examined()
        self._ends = list(accumulate(len(table) for table in tables))

    def __len__(self) -> int:
        return self._ends[-1]

    def place(self, index: int) -> str:
        """What to call a row in a message: its file and line."""
        table, inner = self._located(index)
        return f"{table.path}, {table.place(inner)}"

    def row(self, index: int) -> Sample:
        """The columns of one row: texts, and {"bytes", "path"} of images and sounds.

        A row that cannot be used is a BadRow.

        Raises:
            SampleFault: the file cannot be read any more.
        """
        table, inner = self._located(index)
        return self._sample(table, inner, alone(table.row, inner, self._present(table)))

    def _sample(self, table: Table, index: int, row: Row) -> Sample:
        return row if isinstance(row, BadRow) else alone(self._values, table, index, row)

    def _values(self, table: Table, index: int, row: Row) -> Sample:
        names = {column: self._name(table, column, row, index) for column in self._columns}
        return {
            column.name: self._value(table, index, column, row[name])
            for column, name in names.items()
        }

    def _located(self, index: int) -> tuple[Table, int]:
        if not 0 <= index < len(self):
            raise IndexError(index)
        number = bisect_right(self._ends, index)
        table = self._tables[number]
        return table, index - (self._ends[number] - len(table))

    def _examined(self) -> list[str] | None:
        """Looks through everything; gives the sources."""
        sources: list[str | None] = []
        shared: dict[str, str] = {}
        for table in self._tables:
            used: dict[str, int] = {}
            for index, row in enumerate(self._scan(table)):
                sample = self._sample(table, index, row)
                self.overview.add(len(sources), sample, self._columns)
                if not isinstance(sample, BadRow):
                    self._once(table, index, row, used)
                source = str(row.get(SOURCE) or "")
                unread = isinstance(row, BadRow)
                sources.append(None if unread else shared.setdefault(source, source))
            if len(sources) > MOST_ROWS:
                raise SampleFault(
                    f"{self.path}: more than {MOST_ROWS} rows", "Give a part of the samples."
                )
        if not sources:
            raise SampleFault(f"{self.path}: no rows", "Give at least one sample.")
        self.overview.refuse_without_good()
        return _whole(sources)

    def _scan(self, table: Table) -> Iterator[Row]:
        names = self._present(table)
        if SOURCE in (table.names or ()) and SOURCE not in names:
            names.append(SOURCE)
        return table.scan(names)

    def _present(self, table: Table) -> list[str]:
        """What the columns are called in a table. Raises SampleFault where one is missing."""
        if table.names is None:
            return []
        return [self._name(table, column) for column in self._columns]

    def _accepted(self, table: Table, column: Column) -> tuple[str, ...]:
        """Names of the column, in the order in which they are looked for."""
        if sum(other.media != "text" for other in self._columns) != 1 or column.media == "text":
            return column.names
        if table.path.name in METADATA:
            return (FILE_NAME, *column.names)
        return (*column.names, FILE_NAME)

    def _name(self, table: Table, column: Column, row: Row | None = None, index: int = 0) -> str:
        """How the column is named: by the table, or by the row if each has its own names."""
        accepted = self._accepted(table, column)
        among: Any = table.names if table.names is not None else row or ()
        name = next((name for name in accepted if name in among), None)
        if name is not None:
            return name
        what = f"no column {' or '.join(accepted)}; it has {', '.join(map(str, among)) or 'none'}"
        remedy = f"Give samples with {' and '.join(column.name for column in self._columns)}."
        if table.names is None:
            raise fault_at(table.path, table.place(index), what, remedy)
        raise SampleFault(f"{table.path}: {what}", remedy)

    def _value(self, table: Table, index: int, column: Column, value: Any) -> Any:
        if column.media == "text":
            return self._text(table, index, column, value)
        if isinstance(value, dict):
            content, name = value.get("bytes"), value.get("path")
        else:
            content, name = (value, None) if isinstance(value, bytes) else (None, value)
        if content is None and name is not None:
            if not isinstance(name, str):
                self._refuse(table, index, column, name, "the name of a file")
            if name.strip():
                path = file_inside(self._root, name, table.path, table.place(index))
                self.names_files = True
                return {"bytes": None, "path": str(path)}
            name = None
        if content is not None and not isinstance(content, bytes):
            self._refuse(table, index, column, content, "bytes")
        return {"bytes": content, "path": name}

    def _text(self, table: Table, index: int, column: Column, value: Any) -> str:
        if value is None:
            return ""
        if not isinstance(value, str):
            self._refuse(table, index, column, value, "a text")
        if is_unsound(value):
            raise fault_at(
                table.path,
                table.place(index),
                f"{column.name} holds a character that is no character",
                "Remove it.",
            )
        return value

    def _refuse(
        self, table: Table, index: int, column: Column, value: Any, needed: str
    ) -> NoReturn:
        raise fault_at(
            table.path,
            table.place(index),
            f"{column.name} is a {type(value).__name__}, not {needed}",
            f"Write {needed} there.",
        )

    def _once(self, table: Table, index: int, row: Row, used: dict[str, int]) -> None:
        media = [column for column in self._columns if column.media != "text"]
        if FILE_NAME not in {self._name(table, column, row, index) for column in media}:
            return
        name = str(row[FILE_NAME] or "").strip()
        first = used.setdefault(str(PurePosixPath(name)), index)
        if name and first != index:
            raise fault_at(
                table.path,
                table.place(index),
                f"the {FILE_NAME} {name!r} stands in {table.place(first)} already",
                "Remove one of the two.",
            )


def _whole(sources: Sequence[str | None]) -> list[str] | None:
    """The sources, if every row has one; a row that cannot be read counts as of the one before."""
    known = next((source for source in sources if source is not None), "")
    whole = [known := known if source is None else source for source in sources]
    return whole if all(source.strip() for source in whole) else None
