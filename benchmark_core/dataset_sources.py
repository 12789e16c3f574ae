"""The sources of a dataset that is to be built: how a user names them, and their rows."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmark_core.bad_rows import RowFault
from benchmark_core.dataset_licence import Licence, hub_licence, local_licence
from benchmark_core.faults import SpecFault
from benchmark_core.hub_dataset import open_dataset
from benchmark_core.media import LARGEST_FILE_BYTES, Column
from benchmark_core.recipe import Sample
from benchmark_core.sample_files import opened, unreadable
from benchmark_core.sample_folder import open_samples, samples_sha256

FORM = "ID@REVISION:CONFIG#SPLIT?COLUMN=NAME&..., or PATH?COLUMN=NAME&..."
DEFAULT_SPLIT = "train"

_HUB = re.compile(
    r"([^@:#?/]+(?:/[^@:#?/]+)?)(?:@([^@:#?]+))?(?::([^@:#?]+))?"
    r"(?:#([^@:#?\[]+(?:\[[^\]?]*\])?))?(?:\?(.*))?"
)
_PATH_BEGINNINGS = ("/", "./", "../", "~")
_TABLE_ENDINGS = (".csv", ".jsonl", ".json", ".parquet")


@dataclass(frozen=True)
class SourceName:
    """A source as it was asked for: a dataset of the hub, or a file or folder (`path`)."""

    dataset_id: str | None = None
    path: Path | None = None
    revision: str | None = None
    config: str | None = None
    split: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    """What the source calls a column of the task, for those that were named."""

    @property
    def label(self) -> str:
        """What the rows are marked with: no folder of this machine, and no revision."""
        if self.path is not None:
            return self.path.resolve().name or "root"
        config = f":{self.config}" if self.config else ""
        return f"{self.dataset_id}{config}{f'#{self.split}' if self.split else ''}"


@dataclass(frozen=True)
class Source:
    """Rows in the columns of the task; `sha256` is that of local samples, `commit` a dataset's.

    `read` raises RowFault for a row that cannot be used.
    """

    name: SourceName
    rows: int
    read: Callable[[int], Sample]
    place: Callable[[int], str]
    licence: Licence
    commit: str | None = None
    sha256: str | None = None


def parse_source(text: str, columns: Sequence[Column]) -> SourceName:
    """A source from the command line; what exists as a file or folder is taken for that.

    Raises:
        SpecFault: it is not written in the way of `FORM`, or names columns the task has not.
    """
    path = _path(text)
    if path is not None:
        return SourceName(path=path)
    before, _, after = text.partition("?")
    path = _path(before)
    if path is None and (before.startswith(_PATH_BEGINNINGS) or before.endswith(_TABLE_ENDINGS)):
        path = Path(before).expanduser()  # to be told that there is none, not asked of the hub
    if path is not None:
        return SourceName(path=path, columns=_columns(text, after, columns))
    match = _HUB.fullmatch(text)
    if match is None:
        raise SpecFault(
            f"--source {text}: neither a file or folder, nor written as a dataset of the hub is",
            f"Write {FORM}.",
        )
    dataset_id, revision, config, split, named = match.groups()
    return SourceName(
        dataset_id=dataset_id,
        revision=revision,
        config=config,
        split=split,
        columns=_columns(text, named or "", columns),
    )


def open_source(
    name: SourceName, columns: Sequence[Column], stated_licence: str | None = None
) -> Source:
    """The source, fetched if it is not on this machine.

    Raises:
        SampleFault: it cannot be read, or lacks a column.
    """
    asked = [_asked(column, name.columns.get(column.name)) for column in columns]
    stated = Licence(stated_licence, "the user") if stated_licence else None
    pairs = list(zip(columns, asked, strict=True))
    if name.path is None:
        return _from_hub(name, pairs, stated)
    samples = open_samples(name.path, asked)

    def read(index: int) -> Sample:
        return _row(samples.row(index), pairs, samples.place, index)

    return Source(
        name,
        len(samples),
        read,
        samples.place,
        stated or local_licence(name.path),
        sha256=samples_sha256(name.path),
    )


def _from_hub(
    name: SourceName, pairs: Sequence[tuple[Column, Column]], stated: Licence | None
) -> Source:
    dataset_id = str(name.dataset_id)
    dataset = open_dataset(
        dataset_id,
        name.revision,
        [asked for _, asked in pairs],
        f"or write the source as {FORM.partition(',')[0]}",
        name.config,
        name.split or DEFAULT_SPLIT,
    )

    def read(index: int) -> Sample:
        return _row(dataset.row(index), pairs, dataset.place, index)

    licence = stated or hub_licence(dataset_id, dataset.commit or name.revision)
    return Source(name, len(dataset), read, dataset.place, licence, commit=dataset.commit)


def _path(text: str) -> Path | None:
    try:
        path = Path(text).expanduser()
        return path if text and path.exists() else None
    except (OSError, RuntimeError, ValueError):  # too long, an unknown user, or a NUL
        return None


def _columns(text: str, named: str, columns: Sequence[Column]) -> dict[str, str]:
    found: dict[str, str] = {}
    known = [column.name for column in columns]
    for part in named.split("&") if named else ():
        column, equals, name = part.partition("=")
        if not equals or not name or column in found:
            raise SpecFault(f"--source {text}: {part!r} does not name one column", f"Write {FORM}.")
        if column not in known:
            raise SpecFault(
                f"--source {text}: the task has no column {column}; it has {', '.join(known)}",
                "Write the task's column before the =, the source's after it.",
            )
        found[column] = name
    if len(set(found.values())) < len(found):
        raise SpecFault(
            f"--source {text}: one column is named twice", "Name another one for each column."
        )
    return found


def _asked(column: Column, name: str | None) -> Column:
    if name is None:
        return column
    # The header of a CSV file is read in lower case.
    return Column(name, column.media, () if name == name.casefold() else (name.casefold(),))


def _row(
    found: Sample,
    pairs: Sequence[tuple[Column, Column]],
    place: Callable[[int], str],
    index: int,
) -> dict[str, Any]:
    """The row in the task's columns; texts, and images and sounds as {"bytes", "path"}.

    Of the path only the file's name is left. Raises RowFault.
    """
    row: dict[str, Any] = {}
    for column, asked in pairs:
        value = found[asked.name]
        row[column.name] = _whole(value, place(index)) if column.media != "text" else value or ""
    return row


def _whole(value: Any, place: str) -> dict[str, Any]:
    content, path = (value or {}).get("bytes"), (value or {}).get("path")
    if content is None and path:
        with opened(Path(path)) as file:
            try:
                content = file.read(LARGEST_FILE_BYTES + 1)
            except OSError as error:
                raise unreadable(Path(path), error) from error
    if len(content or b"") > LARGEST_FILE_BYTES:
        raise RowFault(
            f"{place}: more than {LARGEST_FILE_BYTES} bytes", "Shorten it, or remove the row."
        )
    # Names of files need not be UTF-8, texts of a dataset do.
    name = Path(path).name.encode("utf-8", "replace").decode() if path else None
    return {"bytes": content, "path": name}


def overlapping(names: Sequence[SourceName]) -> Iterator[str]:
    """The labels that more than one source has."""
    labels = [name.label for name in names]
    return (label for label in dict.fromkeys(labels) if labels.count(label) > 1)
