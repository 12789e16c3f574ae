"""A table of samples in parquet, read some rows at a time."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmark_core.bad_rows import alone
from benchmark_core.faults import SampleFault
from benchmark_core.media import LARGEST_FILE_BYTES
from benchmark_core.sample_files import fault_at, file_bytes
from benchmark_core.sample_tables import MOST_ROWS, Row, too_large

BATCH_BYTES = 8 * 1024 * 1024
MOST_BATCH_ROWS = 1024
LARGEST_GROUP_BYTES = 1024 * 1024 * 1024
BUFFER_BYTES = 1024 * 1024


class ParquetTable:
    """Holds one batch at a time: quick in the order of the rows, slow to and fro.

    Some writers put all of a row group into one page, which is unpacked as a whole: memory is
    bounded by twice the largest row group, not by the number of rows.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        file_bytes(path)
        try:
            from pyarrow import parquet  # type: ignore[import-untyped,unused-ignore]

            # Not mapped: the pages of a mapped file count as memory in use until they are evicted.
            self._file = parquet.ParquetFile(path, buffer_size=BUFFER_BYTES, pre_buffer=False)
            schema = self._file.schema_arrow
        except Exception as error:  # a damaged file raises every kind of error
            raise self._damaged(error) from error
        self.names: tuple[str, ...] | None = tuple(schema.names)
        twice = {name for name in schema.names if schema.names.count(name) > 1}
        if twice:
            raise SampleFault(f"{path}: two columns are named {min(twice)}", "Rename one of them.")
        self._starts = self._group_starts()
        self._names: tuple[str, ...] = ()
        self._batches: Iterator[Any] = iter(())
        self._batch: Any = None
        self._first = 0

    def __len__(self) -> int:
        return int(self._file.metadata.num_rows)

    def place(self, index: int) -> str:
        return f"row {index + 1}"

    def scan(self, names: Sequence[str]) -> Iterator[Row]:
        return (alone(self.row, index, names) for index in range(len(self)))

    def row(self, index: int, names: Sequence[str]) -> Row:
        if not 0 <= index < len(self):
            raise IndexError(index)
        self._turn_to(index, tuple(names))
        try:
            row = {
                name: column[index - self._first].as_py()
                for name, column in zip(self._batch.schema.names, self._batch.columns, strict=True)
            }
        except UnicodeDecodeError as error:
            raise fault_at(
                self.path, self.place(index), "a text is not UTF-8", "Write the file again."
            ) from error
        if sum(map(_bytes_of, row.values())) > LARGEST_FILE_BYTES:
            raise too_large(self.path, self.place(index), LARGEST_FILE_BYTES)
        return row

    def _turn_to(self, index: int, names: tuple[str, ...]) -> None:
        """Reads on until the batch at hand holds the row, or begins anew in its row group."""
        group = bisect_right(self._starts, index) - 1
        behind = self._batch is not None and self._first <= index
        if names != self._names or not behind or self._first < self._starts[group]:
            # What is held of the former group goes before the next one is unpacked.
            self._names, self._batch, self._batches = names, None, iter(())
            self._batches = self._file.iter_batches(
                batch_size=self._batch_rows(group),
                row_groups=[group],
                columns=list(names),
                use_threads=False,
            )
            self._first = self._starts[group]
        try:
            while self._batch is None or index >= self._first + self._batch.num_rows:
                self._first += 0 if self._batch is None else self._batch.num_rows
                self._batch = None
                self._batch = next(self._batches)
        except Exception as error:  # also of a group with fewer rows than it claims
            self._names, self._batch = (), None
            raise self._damaged(error) from error

    def _group_starts(self) -> list[int]:
        """The first row of each row group, none of which is too large."""
        metadata = self._file.metadata
        if metadata.num_rows > MOST_ROWS:
            raise SampleFault(
                f"{self.path}: {metadata.num_rows} rows, {MOST_ROWS} are read at most",
                "Give a part of the samples.",
            )
        starts = [0]
        for group in range(metadata.num_row_groups):
            rows = metadata.row_group(group).num_rows
            size = metadata.row_group(group).total_byte_size
            if size > LARGEST_GROUP_BYTES:
                raise fault_at(
                    self.path,
                    f"row {starts[-1] + 1}",
                    f"a row group of {size} bytes, {LARGEST_GROUP_BYTES} are read at most",
                    "Write the file with smaller row groups, of 100 rows for example.",
                )
            starts.append(starts[-1] + rows)
        return starts[:-1]

    def _batch_rows(self, group: int) -> int:
        metadata = self._file.metadata.row_group(group)
        row_bytes: int = metadata.total_byte_size // max(metadata.num_rows, 1) + 1
        return max(1, min(MOST_BATCH_ROWS, BATCH_BYTES // row_bytes))

    def _damaged(self, error: Exception) -> SampleFault:
        text = " ".join(str(error).split())[:200]
        return SampleFault(
            f"{self.path}: not a parquet file, or a damaged one: {text or type(error).__name__}",
            "Copy or write the file again.",
        )


def _bytes_of(value: Any) -> int:
    if isinstance(value, dict):
        return sum(map(_bytes_of, value.values()))
    return len(value) if isinstance(value, bytes | str) else 0
