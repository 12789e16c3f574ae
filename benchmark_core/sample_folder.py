"""Samples from anywhere on this machine: a table, a folder of tables, of images or of sounds."""

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from benchmark_core.faults import SampleFault
from benchmark_core.local_samples import METADATA, LocalSamples
from benchmark_core.media import LARGEST_FILE_BYTES, Column
from benchmark_core.sample_files import file_bytes, file_inside, folder_files, opened, unreadable
from benchmark_core.sample_json import JsonLinesTable, JsonListTable
from benchmark_core.sample_parquet import ParquetTable
from benchmark_core.sample_tables import CsvTable, LinesTable, Row, Table

DATA_FOLDERS = ("", "train", "data")
BLOCK_BYTES = 1024 * 1024
PROMPT_NAMES = ("text", "prompt")
"""Also understood in a prompts file, as the column of a task that has a single one."""

_TABLES: dict[str, Callable[[Path], Table]] = {
    ".csv": CsvTable,
    ".jsonl": JsonLinesTable,
    ".json": JsonListTable,
    ".parquet": ParquetTable,
}
# No JSON list: folders have files of that ending that describe the samples.
_FOLDER_TABLES = (".csv", ".jsonl", ".parquet")
_MEDIA_ENDINGS = {
    "image": (".avif", ".bmp", ".gif", ".jp2", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"),
    "audio": (".aif", ".aiff", ".flac", ".mp3", ".oga", ".ogg", ".opus", ".wav"),
}


class MediaFiles:
    """A table of one column, made of the files of a folder."""

    def __init__(self, path: Path, column: str, files: list[str]) -> None:
        self.path = path
        self.names: tuple[str, ...] | None = (column,)
        self._column = column
        self._files = files

    def __len__(self) -> int:
        return len(self._files)

    def place(self, index: int) -> str:
        return self._files[index]

    def scan(self, names: Sequence[str]) -> Iterator[Row]:
        return ({self._column: file} for file in self._files)

    def row(self, index: int, names: Sequence[str]) -> Row:
        return {self._column: self._files[index]}


def open_samples(path: Path, columns: Sequence[Column]) -> LocalSamples:
    """The samples in a file or folder, all looked through once; images and sounds undecoded.

    A file is a csv with a header, a jsonl, a json list, or parquet. A folder has one of

    - metadata.csv, .jsonl or .parquet, whose `file_name` names the images or sounds beside it;
    - csv, jsonl or parquet files of one ending: those whose names begin with "train" if there are
      any, in the order of their names;
    - nothing but images or sounds, for a task that needs only them: taken in the order of names.

    The first two are also looked for in its folders `train` and `data`. In any table, an image or
    a sound is bytes, {"bytes", "path"}, or the name of a file relative to the table's folder.
    Nothing found there is executed. A row that cannot be used is a BadRow.

    Raises:
        SampleFault: there is nothing to be used.
    """
    if not path.is_dir():
        file_bytes(path)
        make = _TABLES.get(path.suffix.casefold())
        if make is None:
            raise SampleFault(
                f"{path}: samples cannot end in {path.suffix or 'nothing'}",
                f"Name the file *{', *'.join(_TABLES)}, after what it holds.",
            )
        return LocalSamples(path, path.parent, [make(path)], columns)
    for name in DATA_FOLDERS:
        folder = path / name
        files = _table_files(folder)
        if files:
            for file in files:
                file_inside(path.resolve(), str(file.relative_to(path)), path, file.name)
            tables = [_TABLES[file.suffix.casefold()](file) for file in files]
            return LocalSamples(path, folder, tables, columns)
    return LocalSamples(path, path, [_media_files(path, columns)], columns)


def open_prompts(path: Path, columns: Sequence[Column]) -> LocalSamples:
    """The texts in a prompts file: a csv with a header, a jsonl, or a txt with one text a line.

    A single column may also be called text or prompt; it needs no name in a jsonl whose lines are
    texts.

    Raises:
        SampleFault: there is nothing to be used, or the task takes more than texts.
    """
    media = [column.name for column in columns if column.media != "text"]
    if media:
        raise SampleFault(
            f"{path}: a prompts file holds texts, and this task needs {' and '.join(media)}",
            "Leave such rows out, or give a folder with --dataset-dir.",
        )
    size = file_bytes(path)
    if size > LARGEST_FILE_BYTES:
        raise SampleFault(
            f"{path}: the file has {size} bytes, {LARGEST_FILE_BYTES} are read at most",
            "Give a smaller file: a run seldom needs more than 1,000 prompts.",
        )
    lone = columns[0].name if len(columns) == 1 else None
    table = _prompts_table(path, columns, lone)
    others = tuple(name for name in PROMPT_NAMES if name != lone)
    named = columns if lone is None else [Column(lone, aliases=others)]
    return LocalSamples(path, path.parent, [table], named)


def _prompts_table(path: Path, columns: Sequence[Column], lone: str | None) -> Table:
    """`lone` is the name of the column where there is one alone."""
    ending = path.suffix.casefold()
    if ending == ".txt" and lone is None:
        raise SampleFault(
            f"{path}: a txt file has one text a line, the task needs"
            f" {' and '.join(column.name for column in columns)}",
            "Give a csv or jsonl file.",
        )
    tables: dict[str, Callable[[], Table]] = {
        ".csv": lambda: CsvTable(path),
        ".jsonl": lambda: JsonLinesTable(path, lone),
        ".txt": lambda: LinesTable(path, str(lone)),
    }
    if ending not in tables:
        raise SampleFault(
            f"{path}: a prompts file cannot end in {path.suffix or 'nothing'}",
            f"Name it *{', *'.join(tables)}, after what it holds.",
        )
    return tables[ending]()


def samples_sha256(path: Path) -> str:
    """What tells these samples from others, in hexadecimal.

    Of a file, the SHA-256 of its bytes, whatever its name. Of a folder, that of the relative name
    and the contents of each file, in the order of the names' bytes; names with a dot in front are
    left out.

    Raises:
        SampleFault: a file cannot be read, is a pipe or a device, or lies outside by a link.
    """
    if not path.is_dir():
        return _digest(path).hex()
    whole = hashlib.sha256()
    for name, file in folder_files(path):
        encoded = os.fsencode(name)
        # With its length before it, no name can be taken for the end of another file.
        whole.update(len(encoded).to_bytes(8, "big") + encoded + _digest(file))
    return whole.hexdigest()


def _table_files(folder: Path) -> list[Path]:
    """The metadata of a folder alone, else its tables, in the order of their names."""
    if not folder.is_dir():
        return []
    try:
        found = sorted(
            file
            for file in folder.iterdir()
            if file.suffix.casefold() in _FOLDER_TABLES and not file.name.startswith(".")
        )
    except OSError as error:
        raise unreadable(folder, error) from error
    metadata = [file for file in found if file.name in METADATA]
    training = [file for file in found if file.name.startswith("train")]
    files = metadata or training or found
    if len({file.suffix.casefold() for file in files}) > 1:
        raise SampleFault(
            f"{folder}: tables of several kinds: {', '.join(file.name for file in files[:5])}",
            "Leave the one that holds the samples, or name that file instead of the folder.",
        )
    return files


def _media_files(path: Path, columns: Sequence[Column]) -> MediaFiles:
    only = columns[0] if len(columns) == 1 else None
    endings = _MEDIA_ENDINGS.get(only.media, ()) if only else ()
    files = [name for name, _ in folder_files(path) if name.casefold().endswith(endings)]
    if only is None or not files:
        kinds = f", and no {only.media} file" if endings and only else ""
        raise SampleFault(
            f"{path}: no rows: the folder has no {', '.join(METADATA)} or other table{kinds}",
            f"Put a csv, jsonl or parquet file with {' and '.join(c.name for c in columns)} there.",
        )
    return MediaFiles(path, only.name, files)


def _digest(path: Path) -> bytes:
    hasher = hashlib.sha256()
    with opened(path) as file:
        try:
            while block := file.read(BLOCK_BYTES):
                hasher.update(block)
        except OSError as error:
            raise unreadable(path, error) from error
    return hasher.digest()
