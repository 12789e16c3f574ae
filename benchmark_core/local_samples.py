"""Rows of local samples, made into what a task's columns need."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from pathlib import Path, PurePosixPath
from typing import Any, NoReturn

from benchmark_core.faults import SampleFault
from benchmark_core.media import Column, is_empty
from benchmark_core.sample_files import fault_at, file_inside
from benchmark_core.sample_tables import MOST_ROWS, Row, Table

SOURCE = "source"
FILE_NAME = "file_name"
METADATA = ("metadata.csv", "metadata.jsonl", "metadata.parquet")


class LocalSamples:
    """Rows that are read when asked for, quickest in their order.

    `path` is what was named; `sources` has the source of each row, None unless every row has one.
    `names_files`: images or sounds were found to lie in files of their own.
    """

    def __init__(
        self, path: Path, root: Path, tables: Sequence[Table], columns: Sequence[Column]
    ) -> None:
        self.path = path
        self._root = root.resolve()
        self._tables = tables
        self._columns = columns
        self.names_files = False
        self.sources: Sequence[str] | None = self._examined()
        self._ends = list(accumulate(len(table) for table in tables))

    def __len__(self) -> int:
        return self._ends[-1]

    def place(self, index: int) -> str:
        """What to call a row in a message: its file and line."""
        table, inner = self._located(index)
        return f"{table.path}, {table.place(inner)}"

    def row(self, index: int) -> dict[str, Any]:
        """The columns of one row: texts, and {"bytes", "path"} of images and sounds.

        Raises:
            SampleFault: the row cannot be read, or holds what the columns do not take.
        """
        table, inner = self._located(index)
        found = table.row(inner, self._present(table))
        values: dict[str, Any] = {}
        for column in self._columns:
            raw = found[self._name(table, column, found, inner)]
            values[column.name] = self._value(table, inner, column, raw)
        return values

    def usable(self) -> list[int]:
        """The rows without an empty column, in order. Reads every row.

        Raises:
            SampleFault: as `row`.
        """
        return [
            index
            for index in range(len(self))
            if not any(
                is_empty(value, column.media)
                for value, column in zip(self.row(index).values(), self._columns, strict=True)
            )
        ]

    def _located(self, index: int) -> tuple[Table, int]:
        if not 0 <= index < len(self):
            raise IndexError(index)
        number = bisect_right(self._ends, index)
        table = self._tables[number]
        return table, index - (self._ends[number] - len(table))

    def _examined(self) -> list[str] | None:
        """Looks through everything but embedded images and sounds; gives the sources."""
        sources: list[str] = []
        shared: dict[str, str] = {}
        rows = 0
        for table in self._tables:
            used: dict[str, int] = {}
            for index, row in enumerate(self._scan(table)):
                rows += 1
                for column in self._columns:
                    name = self._name(table, column, row, index)
                    if name in row:
                        self._value(table, index, column, row[name])
                        if name == FILE_NAME and column.media != "text":
                            self._once(table, index, str(row[name]), used)
                source = str(row.get(SOURCE) or "")
                if source.strip():
                    sources.append(shared.setdefault(source, source))
            if rows > MOST_ROWS:
                raise SampleFault(
                    f"{self.path}: more than {MOST_ROWS} rows", "Give a part of the samples."
                )
        if not rows:
            raise SampleFault(f"{self.path}: no rows", "Give at least one sample.")
        return sources if len(sources) == rows else None

    def _scan(self, table: Table) -> Iterator[Row]:
        if table.names is not None:
            for column in self._columns:
                self._name(table, column)
        names = [name for name in self._present(table) if name not in self._embedded(table)]
        if SOURCE in (table.names or ()) and SOURCE not in names:
            names.append(SOURCE)
        return table.scan(names)

    def _present(self, table: Table) -> list[str]:
        if table.names is None:
            return []
        return [self._name(table, column) for column in self._columns]

    def _embedded(self, table: Table) -> set[str]:
        """What is too large to be looked through: images and sounds inside the table."""
        media = [column for column in self._columns if column.media != "text"]
        if table.names is None:
            return set()
        return {self._name(table, column) for column in media} & table.embedded

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
                self.names_files = True
                path = file_inside(self._root, name, table.path, table.place(index))
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
        if _unsound(value):
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

    def _once(self, table: Table, index: int, name: str, used: dict[str, int]) -> None:
        first = used.setdefault(str(PurePosixPath(name)), index)
        if first != index:
            raise fault_at(
                table.path,
                table.place(index),
                f"the {FILE_NAME} {name!r} stands in {table.place(first)} already",
                "Remove one of the two.",
            )


def _unsound(text: str) -> bool:
    """Whether it holds what no tokenizer takes: NUL, or half a surrogate pair (a JSON escape)."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return "\0" in text
