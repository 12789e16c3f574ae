"""Tables of samples in text, whose rows are read when they are asked for: CSV, and plain lines."""

import csv
import io
from array import array
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from benchmark_core.bad_rows import RowFault, alone
from benchmark_core.faults import SampleFault
from benchmark_core.sample_files import fault_at, file_bytes, opened, unreadable

MOST_ROWS = 1_000_000
LARGEST_ROW_BYTES = 64 * 1024 * 1024
"""Of a row in a file of text."""
BYTE_ORDER_MARK = b"\xef\xbb\xbf"

Row = dict[str, Any]


class Table(Protocol):
    """`names` are its columns, None where each row has its own."""

    path: Path
    names: tuple[str, ...] | None

    def __len__(self) -> int: ...

    def place(self, index: int) -> str:
        """What to call a row in a message."""

    def scan(self, names: Sequence[str]) -> Iterator[Row]:
        """Every row with at least these columns; to be read to its end once, before all else.

        A row that cannot be used comes as a BadRow.

        Raises:
            SampleFault: the file is damaged so that its rows cannot be told, or has too many.
        """

    def row(self, index: int, names: Sequence[str]) -> Row:
        """One row with at least these columns.

        Raises:
            RowFault: the row cannot be used.
            SampleFault: the file cannot be read any more.
        """


class LineTable:
    """Knows where each row begins: 16 bytes a row are kept, and no text."""

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
            raise too_many(self.path)
        self._offsets.append(offset)
        self._lines.append(line)

    def _bytes(self, index: int) -> bytes:
        """The row's lines, and the empty ones after it; only the beginning of one too large."""
        start = self._offsets[index]
        end = self._offsets[index + 1] if index + 1 < len(self) else self._end
        with opened(self.path) as file:
            try:
                file.seek(start)
                return file.read(min(end - start, LARGEST_ROW_BYTES + 1))
            except OSError as error:
                raise unreadable(self.path, error) from error

    def _lines_of(self, file: BinaryIO) -> Iterator[tuple[int, int, bytes]]:
        """Offset, number and content of each line; only the beginning of one too large."""
        offset = 0
        number = 1
        while line := file.readline(LARGEST_ROW_BYTES + 1):
            mark = len(BYTE_ORDER_MARK) if not offset and line.startswith(BYTE_ORDER_MARK) else 0
            yield offset + mark, number, line[mark:]
            offset += len(line)
            while len(line) > LARGEST_ROW_BYTES and not line.endswith(b"\n"):
                line = file.readline(LARGEST_ROW_BYTES + 1)
                offset += len(line)
            number += 1

    def _text(self, number: int, line: bytes) -> str:
        """Raises RowFault for a line that is too large, SampleFault for a file not in UTF-8."""
        if len(line) > LARGEST_ROW_BYTES:
            raise too_large(self.path, f"line {number}", LARGEST_ROW_BYTES)
        return decoded(self.path, number, line)


class CsvTable(LineTable):
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
                self._found(offset, line)
                yield alone(self._row, line, cells)

    def row(self, index: int, names: Sequence[str]) -> Row:
        text = decoded(self.path, self._lines[index], self._bytes(index))
        try:
            with _long_fields():
                cells = next(csv.reader(io.StringIO(text, newline=""), strict=True))
        except (csv.Error, StopIteration) as error:
            raise _changed(self.path) from error
        return self._row(self._lines[index], cells)

    def _row(self, line: int, cells: list[str]) -> Row:
        if len(cells) != len(self._header):
            raise fault_at(
                self.path,
                f"line {line}",
                f"{len(cells)} cells where the header has {len(self._header)}",
                'Put texts that hold a comma in double quotes ("...").',
            )
        return dict(zip(self._header, cells, strict=True))

    def _records(self, file: BinaryIO) -> Iterator[tuple[tuple[int, int], list[str]]]:
        """Offset and line of each record that is not empty, and its cells."""
        first: list[tuple[int, int]] = []
        row_bytes = 0

        def texts() -> Iterator[str]:
            nonlocal row_bytes
            for offset, number, line in self._lines_of(file):
                first.append((offset, number))
                row_bytes += len(line)
                if row_bytes > LARGEST_ROW_BYTES:
                    raise too_large(self.path, f"line {first[0][1]}", LARGEST_ROW_BYTES)
                yield self._text(number, line)

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


class LinesTable(LineTable):
    """One text a line, all of them of one column."""

    def __init__(self, path: Path, column: str) -> None:
        super().__init__(path)
        self._column = column
        self.names: tuple[str, ...] | None = (column,)

    def scan(self, names: Sequence[str]) -> Iterator[Row]:
        with opened(self.path) as file:
            for offset, number, line in self._lines_of(file):
                self._found(offset, number)
                yield self._row(number, line)

    def row(self, index: int, names: Sequence[str]) -> Row:
        return self._row(self._lines[index], self._bytes(index))

    def _row(self, number: int, line: bytes) -> Row:
        return {self._column: self._text(number, line).removesuffix("\n").removesuffix("\r")}


def too_large(path: Path, place: str, most_bytes: int) -> RowFault:
    return fault_at(
        path, place, f"a row of more than {most_bytes} bytes", "Shorten it, or remove it."
    )


def too_many(path: Path) -> SampleFault:
    return SampleFault(f"{path}: more than {MOST_ROWS} rows", "Give a part of the samples.")


def _changed(path: Path) -> SampleFault:
    return SampleFault(f"{path}: the file was changed while it was read", "Start the run again.")


def decoded(path: Path, line: int | None, content: bytes) -> str:
    """The text of `content`, which begins at `line`; None: at the first."""
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        number = (line or 1) + content.count(b"\n", 0, error.start)
        what = f"not UTF-8 (byte 0x{content[error.start]:02x})"
        # Of the whole file: its other texts may be read wrongly too.
        raise SampleFault(f"{path}, line {number}: {what}", "Save the file as UTF-8.") from error


@contextmanager
def _long_fields() -> Iterator[None]:
    """Cells as long as a row may be; the limit belongs to the whole process."""
    previous_limit = csv.field_size_limit(LARGEST_ROW_BYTES)
    try:
        yield
    finally:
        csv.field_size_limit(previous_limit)
