"""Tables of samples in JSON: one object a line, or one list of objects."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmark_core.bad_rows import alone
from benchmark_core.faults import SampleFault
from benchmark_core.media import LARGEST_FILE_BYTES
from benchmark_core.sample_files import fault_at, file_bytes, opened
from benchmark_core.sample_tables import (
    BYTE_ORDER_MARK,
    MOST_ROWS,
    LineTable,
    Row,
    decoded,
    too_many,
)


class JsonLinesTable(LineTable):
    """One JSON object a line; where `lone` names a column, a text by itself is one of it."""

    names: tuple[str, ...] | None = None

    def __init__(self, path: Path, lone: str | None = None) -> None:
        super().__init__(path)
        self._lone = lone

    def scan(self, names: Sequence[str]) -> Iterator[Row]:
        with opened(self.path) as file:
            for offset, number, line in self._lines_of(file):
                if line.strip():
                    self._found(offset, number)
                    yield alone(self._row, number, line)

    def row(self, index: int, names: Sequence[str]) -> Row:
        line, end, _ = self._bytes(index).partition(b"\n")
        return self._row(self._lines[index], line + end)

    def _row(self, number: int, line: bytes) -> Row:
        try:
            value = json.loads(self._text(number, line))
        except (ValueError, RecursionError) as error:
            raise fault_at(
                self.path,
                f"line {number}",
                f"not valid JSON: {error}",
                "Write one JSON object a line.",
            ) from error
        if isinstance(value, str) and self._lone:
            return {self._lone: value}
        return _json_object(self.path, f"line {number}", value)


class JsonListTable:
    """One list of objects. The format can only be read as a whole, so the rows are kept."""

    names: tuple[str, ...] | None = None

    def __init__(self, path: Path) -> None:
        self.path = path
        size = file_bytes(path)
        if size > LARGEST_FILE_BYTES:
            raise SampleFault(
                f"{path}: the list has {size} bytes, {LARGEST_FILE_BYTES} are read at most",
                "Write one object a line, into a file named *.jsonl.",
            )
        with opened(path) as file:
            content = file.read()
        text = decoded(path, None, content.removeprefix(BYTE_ORDER_MARK))
        try:
            values = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise SampleFault(
                f"{path}: not valid JSON: {error}", "Write one list of objects: [{...}, {...}]."
            ) from error
        if not isinstance(values, list):
            raise SampleFault(
                f"{path}: a {type(values).__name__} where a list of objects is needed",
                "Write [{...}, {...}], or one object a line into a file named *.jsonl.",
            )
        if len(values) > MOST_ROWS:
            raise too_many(path)
        self._rows = values

    def __len__(self) -> int:
        return len(self._rows)

    def place(self, index: int) -> str:
        return f"element {index + 1}"

    def scan(self, names: Sequence[str]) -> Iterator[Row]:
        return (alone(self.row, index, names) for index in range(len(self)))

    def row(self, index: int, names: Sequence[str]) -> Row:
        return _json_object(self.path, self.place(index), self._rows[index])


def _json_object(path: Path, place: str, value: Any) -> Row:
    if isinstance(value, dict):
        return value
    what = f"a {type(value).__name__} where an object is needed"
    raise fault_at(path, place, what, 'Write objects: {"column": "value"}.')
