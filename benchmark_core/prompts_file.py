"""Reads a user's prompts file: CSV with a header, JSON lines, or one prompt a line."""

import csv
import hashlib
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmark_core.faults import SampleFault

LARGEST_FILE_BYTES = 256 * 1024 * 1024
OTHER_NAMES = ("text", "prompt")
"""Also understood as the column of a task that has a single one."""

Row = dict[str, str]
NumberedRow = tuple[int, Row]


@dataclass(frozen=True)
class Prompts:
    """The rows without an empty column, and the SHA-256 of the bytes they were read from."""

    rows: list[dict[str, Any]]
    sha256: str


def read_prompts(path: Path, columns: tuple[str, ...]) -> Prompts:
    """The usable rows of the file, in order, each with the task's columns.

    Raises:
        SampleFault: the file cannot be read, one of its lines is wrong, or no row is usable.
    """
    reader = _READERS.get(path.suffix.casefold())
    if reader is None:
        raise SampleFault(
            f"{path}: a prompts file cannot end in {path.suffix or 'nothing'}",
            f"Name it *{', *'.join(_READERS)}, after what it holds.",
        )
    content = _content(path)
    text = _decoded(path, content)
    rows: list[dict[str, Any]] = []
    for line, row in reader(path, text, columns):
        if any(_unsound(value) for value in row.values()):
            raise _at(path, line, "the text holds a character that is no character", "Remove it.")
        if all(value.strip() for value in row.values()):
            rows.append(row)
    if not rows:
        raise SampleFault(
            f"{path}: no row has a text", f"Write at least one row with {' and '.join(columns)}."
        )
    return Prompts(rows=rows, sha256=hashlib.sha256(content).hexdigest())


def _content(path: Path) -> bytes:
    try:
        if path.exists() and not path.is_file():
            raise SampleFault(f"{path}: is not a file", "Name a csv, jsonl or txt file.")
        size = path.stat().st_size
        if size > LARGEST_FILE_BYTES:
            raise SampleFault(
                f"{path}: the file has {size} bytes, {LARGEST_FILE_BYTES} are read at most",
                "Give a smaller file: a run seldom needs more than 1,000 prompts.",
            )
        return path.read_bytes()
    except OSError as error:
        raise SampleFault(
            f"{path}: cannot be read: {error.strerror}", "Check the path and its permissions."
        ) from error


def _decoded(path: Path, content: bytes) -> str:
    nul = content.find(b"\0")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _at(
            path,
            _line_of(content, error.start),
            f"not UTF-8 (byte 0x{content[error.start]:02x})",
            "Save the file as UTF-8.",
        ) from error
    if nul >= 0:
        raise _at(path, _line_of(content, nul), "a NUL byte", "Save the file as plain UTF-8 text.")
    return text


def _line_of(content: bytes, position: int) -> int:
    return content.count(b"\n", 0, position) + 1


def _unsound(text: str) -> bool:
    """Whether JSON escapes brought in what no tokenizer takes: NUL, or half a surrogate pair."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return "\0" in text


def _read_csv(path: Path, text: str, columns: tuple[str, ...]) -> Iterator[NumberedRow]:
    previous_limit = csv.field_size_limit(LARGEST_FILE_BYTES)
    try:
        reader = csv.reader(io.StringIO(text, newline=""), strict=True)
        header = next((cells for cells in reader if cells), [])
        places = _places(path, header, columns)
        for cells in reader:
            if cells and len(cells) != len(header):
                raise _at(
                    path,
                    reader.line_num,
                    f"{len(cells)} cells where the header has {len(header)}",
                    'Put prompts that hold a comma in double quotes ("...").',
                )
            if cells:
                yield reader.line_num, {name: cells[place] for name, place in places.items()}
    except csv.Error as error:
        raise _at(
            path, reader.line_num, f"not valid CSV: {error}", "Check the quotes of that row."
        ) from error
    finally:
        csv.field_size_limit(previous_limit)


def _places(path: Path, header: list[str], columns: tuple[str, ...]) -> dict[str, int]:
    """For each of the task's columns, where it stands in the header."""
    names = [name.strip().casefold() for name in header]
    places: dict[str, int] = {}
    for column in columns:
        name = _accepted_name(columns, column, names)
        if name is None:
            raise _at(
                path,
                1,
                f"no column {column}; the header reads {', '.join(header) or 'nothing'}",
                f"Begin the file with a header that has {' and '.join(columns)}.",
            )
        if names.count(name) > 1:
            raise _at(path, 1, f"two columns are named {name}", "Rename or remove one of them.")
        places[column] = names.index(name)
    return places


def _accepted_name(columns: tuple[str, ...], column: str, present: Any) -> str | None:
    """How the column is named among `present`: a single column may have other names."""
    others = OTHER_NAMES if len(columns) == 1 else ()
    return next((name for name in (column, *others) if name in present), None)


def _read_json_lines(path: Path, text: str, columns: tuple[str, ...]) -> Iterator[NumberedRow]:
    # Only "\n" ends a line: JSON text may hold the other line separators of Unicode.
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise _at(
                path, number, f"not valid JSON: {error}", "Write one JSON object or string a line."
            ) from error
        if isinstance(value, str) and len(columns) == 1:
            yield number, {columns[0]: value}
        elif isinstance(value, dict):
            yield number, {name: _field(path, number, value, columns, name) for name in columns}
        else:
            raise _at(
                path,
                number,
                f"a {type(value).__name__} where an object is needed",
                f'Write one object a line: {{"{columns[0]}": "..."}}.',
            )


def _field(
    path: Path, number: int, row: dict[str, Any], columns: tuple[str, ...], column: str
) -> str:
    name = _accepted_name(columns, column, row)
    if name is None:
        raise _at(
            path,
            number,
            f"no field {column}; the object has {', '.join(row) or 'none'}",
            f"Write one object a line with {' and '.join(columns)}.",
        )
    value = row[name]
    if value is None:
        return ""
    if not isinstance(value, str):
        raise _at(
            path, number, f"{name} is a {type(value).__name__}, not a text", "Put it in quotes."
        )
    return value


def _read_lines(path: Path, text: str, columns: tuple[str, ...]) -> Iterator[NumberedRow]:
    if len(columns) > 1:
        raise SampleFault(
            f"{path}: a txt file has one text a line, the task needs {' and '.join(columns)}",
            "Give a csv or jsonl file.",
        )
    for number, line in enumerate(text.split("\n"), start=1):
        yield number, {columns[0]: line.removesuffix("\r")}


def _at(path: Path, line: int, what: str, remedy: str) -> SampleFault:
    return SampleFault(f"{path}, line {line}: {what}", remedy)


_READERS: dict[str, Callable[[Path, str, tuple[str, ...]], Iterator[NumberedRow]]] = {
    ".csv": _read_csv,
    ".jsonl": _read_json_lines,
    ".txt": _read_lines,
}
