"""Tables of samples in text: CSV, JSON lines, and a JSON list. Rows are read when asked for."""

import csv
import io
import json
from array import array
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from benchmark_core.faults import SampleFault
from benchmark_core.sample_files import fault_at, file_bytes, opened, unreadable

MOST_ROWS = 1_000_000
LARGEST_ROW_BYTES = 64 * 1024 * 1024
LARGEST_LIST_BYTES = 256 * 1024 * 1024
BYTE_ORDER_MARK = b"\xef\xbb\xbf"

Row = dict[str, Any]


class Table(Protocol):
    """`names` are its columns, None where each row has its own; `embedded` those of bytes."""

    path: Path
    names: tuple[str, ...] | None
    embedded: frozenset[str]

    def __len__(self) -> int: ...

    def place(self, index: int) -> str:
        """What to call a row in a message."""

    def scan(self, names: Sequence[str]) -> Iterator[Row]:
        """Every row with at least these columns; to be read to its end once, before all else.

        Raises:
            SampleFault: the file is damaged, a row is too large, or there are too many.
        """

    def row(self, index: int, names: Sequence[str]) -> Row:
        """One row with at least these columns.

        Raises:
            SampleFault: the row cannot be read.
        """


class _LineTable:
    """Knows where each row begins: 16 bytes a row are kept, and no text."""

    embedded: frozenset[str] = frozenset()

    def __init__(self, path: Path) -> None:
        self.path = path
        self._offsets = array("Q")
        self._lines = array("Q")
        self._end = file_bytes(path)

    def __len__(self) -> int:
        return len(self._offsets)

    def place(self, index: int) -> str:
        return f"line {self._lines[index]}"

    def _found(self, offset: int, line: int) -> None:
        if len(self) == MOST_ROWS:
            raise _too_many(self.path)
        self._offsets.append(offset)
        self._lines.append(line)

    def _bytes(self, index: int) -> bytes:
        """The row's lines, and the empty ones after it."""
        start = self._offsets[index]
        end = self._offsets[index + 1] if index + 1 < len(self) else self._end
        with opened(self.path) as file:
            try:
                file.seek(start)
                return file.read(end - start)
            except OSError as error:
                raise unreadable(self.path, error) from error

    def _text_lines(self, file: BinaryIO) -> Iterator[tuple[int, int, str]]:
        """Offset, number and text of each line."""
        offset = 0
        number = 1
        while line := file.readline(LARGEST_ROW_BYTES + 1):
            if len(line) > LARGEST_ROW_BYTES:
                raise too_large(self.path, f"line {number}")
            mark = len(BYTE_ORDER_MARK) if not offset and line.startswith(BYTE_ORDER_MARK) else 0
            yield offset + mark, number, _decoded(self.path, number, line[mark:])
            offset += len(line)
            number += 1


class CsvTable(_LineTable):
    """With a header; a text in double quotes may hold line breaks."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._header: list[str] = []
        with opened(path) as file:
            for _, header in self._records(file):
                self._header = [name.strip().casefold() for name in header]
                break
        twice = {name for name in self._header if self._header.count(name) > 1}
        if twice:
            raise fault_at(
                path,
                "line 1",
                f"two columns are named {min(twice)}",
                "Rename or remove one of them.",
            )
        self.names: tuple[str, ...] | None = tuple(self._header)

    def scan(self, names: Sequence[str]) -> Iterator[Row]:
        with opened(self.path) as file:
            records = self._records(file)
            next(records, None)
            for (offset, line), cells in records:
                if len(cells) != len(self._header):
                    raise fault_at(
                        self.path,
                        f"line {line}",
                        f"{len(cells)} cells where the header has {len(self._header)}",
                        'Put texts that hold a comma in double quotes ("...").',
                    )
                self._found(offset, line)
                yield dict(zip(self._header, cells, strict=True))

    def row(self, index: int, names: Sequence[str]) -> Row:
        text = _decoded(self.path, self._lines[index], self._bytes(index))
        try:
            with _long_fields():
                cells = next(csv.reader(io.StringIO(text, newline=""), strict=True))
            return dict(zip(self._header, cells, strict=True))
        except (csv.Error, StopIteration, ValueError) as error:
            raise _changed(self.path) from error

    def _records(self, file: BinaryIO) -> Iterator[tuple[tuple[int, int], list[str]]]:
        """Offset and line of each record that is not empty, and its cells."""
        first: list[tuple[int, int]] = []
        row_bytes = 0

        def texts() -> Iterator[str]:
            nonlocal row_bytes
            for offset, number, text in self._text_lines(file):
                first.append((offset, number))
                row_bytes += len(text)
                if row_bytes > LARGEST_ROW_BYTES:
                    raise too_large(self.path, f"line {first[0][1]}")
                yield text

        reader = csv.reader(texts(), strict=True)
        while True:
            first.clear()
            row_bytes = 0
            try:
                with _long_fields():
                    cells = next(reader, None)
            except csv.Error as error:
                raise fault_at(
                    self.path,
                    f"line {first[0][1] if first else 1}",
                    f"not valid CSV: {error}",
                    "Check the quotes of that row.",
                ) from error
            if cells is None:
                return
            if cells:
                yield first[0], cells


class JsonLinesTable(_LineTable):
    """One JSON object a line."""

    names: tuple[str, ...] | None = None

    def scan(self, names: Sequence[str]) -> Iterator[Row]:
        with opened(self.path) as file:
            for offset, number, text in self._text_lines(file):
                if text.strip():
                    row = self._row(number, text)
                    self._found(offset, number)
                    yield row

    def row(self, index: int, names: Sequence[str]) -> Row:
        line, _, _ = self._bytes(index).partition(b"\n")
        return self._row(self._lines[index], _decoded(self.path, self._lines[index], line))

    def _row(self, number: int, text: str) -> Row:
        try:
            value = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise fault_at(
                self.path,
                f"line {number}",
                f"not valid JSON: {error}",
                "Write one JSON object a line.",
            ) from error
        return _json_object(self.path, f"line {number}", value)


class JsonListTable:
    """One list of objects. The format can only be read as a whole, so the rows are kept."""

    names: tuple[str, ...] | None = None
    embedded: frozenset[str] = frozenset()

    def __init__(self, path: Path) -> None:
        self.path = path
        size = file_bytes(path)
        if size > LARGEST_LIST_BYTES:
            raise SampleFault(
                f"{path}: the list has {size} bytes, {LARGEST_LIST_BYTES} are read at most",
                "Write one object a line, into a file named *.jsonl.",
            )
        with opened(path) as file:
            content = file.read()
        text = _decoded(path, None, content.removeprefix(BYTE_ORDER_MARK))
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
            raise _too_many(path)
        self._rows = [
            _json_object(path, f"element {number}", value)
            for number, value in enumerate(values, start=1)
        ]

    def __len__(self) -> int:
        return len(self._rows)

    def place(self, index: int) -> str:
        return f"element {index + 1}"

    def scan(self, names: Sequence[str]) -> Iterator[Row]:
        return iter(self._rows)

    def row(self, index: int, names: Sequence[str]) -> Row:
        return self._rows[index]


def too_large(path: Path, place: str) -> SampleFault:
    return fault_at(
        path, place, f"a row of more than {LARGEST_ROW_BYTES} bytes", "Shorten it, or remove it."
    )


def _too_many(path: Path) -> SampleFault:
    return SampleFault(f"{path}: more than {MOST_ROWS} rows", "Give a part of the samples.")


def _changed(path: Path) -> SampleFault:
    return SampleFault(f"{path}: the file was changed while it was read", "Start the run again.")


def _json_object(path: Path, place: str, value: Any) -> Row:
    if isinstance(value, dict):
        return value
    what = f"a {type(value).__name__} where an object is needed"
    raise fault_at(path, place, what, 'Write objects: {"column": "value"}.')


def _decoded(path: Path, line: int | None, content: bytes) -> str:
    """The text of `content`, which begins at `line`; None: at the first."""
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        number = (line or 1) + content.count(b"\n", 0, error.start)
        what = f"not UTF-8 (byte 0x{content[error.start]:02x})"
        raise fault_at(path, f"line {number}", what, "Save the file as UTF-8.") from error


@contextmanager
def _long_fields() -> Iterator[None]:
    """Cells as long as a row may be; the limit belongs to the whole process."""
    previous_limit = csv.field_size_limit(LARGEST_ROW_BYTES)
    try:
        yield
    finally:
        csv.field_size_limit(previous_limit)
