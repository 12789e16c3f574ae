"""Writes a built dataset: a folder that is whole or absent, the same bytes for the same rows."""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmark_core.dataset_manifest import CARD_FILE, MANIFEST_FILE, Manifest, card
from benchmark_core.faults import SpecFault
from benchmark_core.local_samples import SOURCE
from benchmark_core.media import Column

DATA_FILE = "data/train-00000-of-00001.parquet"
MOST_GROUP_ROWS = 100
GROUP_BYTES = 64 * 1024 * 1024

_FEATURES: dict[str, dict[str, str]] = {
    "text": {"dtype": "string", "_type": "Value"},
    "image": {"_type": "Image"},
    "audio": {"_type": "Audio"},
}


def refuse_used(folder: Path) -> None:
    """Raises SpecFault unless there is nothing at `folder`, or an empty folder."""
    try:
        if not folder.is_symlink() and not folder.exists():
            return
        if folder.is_dir() and not folder.is_symlink() and not any(folder.iterdir()):
            return
    except OSError as error:
        raise SpecFault(
            f"--out {folder}: cannot be looked at: {error.strerror}", "Name another folder."
        ) from error
    raise SpecFault(f"--out {folder}: is there and not empty", "Name a folder that is not there.")


def write_dataset(
    folder: Path,
    rows: Sequence[dict[str, Any]],
    columns: Sequence[Column],
    describe: Callable[[str], Manifest],
) -> Manifest:
    """Write the rows, with what `describe` says of them when given the SHA-256 of the data.

    Raises:
        OSError: the disk is full, or the place cannot be written.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        data = scratch / DATA_FILE
        data.parent.mkdir()
        _write_table(data, rows, columns)
        manifest = describe(_sha256(data))
        (scratch / MANIFEST_FILE).write_text(manifest.to_json(), encoding="utf-8")
        (scratch / CARD_FILE).write_text(card(manifest), encoding="utf-8")
        for path in [scratch, *scratch.rglob("*")]:
            path.chmod(0o755 if path.is_dir() else 0o644)  # a container reads it as another user
            _flush(path)
        scratch.replace(folder)
    except BaseException:
        shutil.rmtree(scratch, ignore_errors=True)
        raise
    return manifest


def _write_table(path: Path, rows: Sequence[dict[str, Any]], columns: Sequence[Column]) -> None:
    import pyarrow
    from pyarrow import parquet

    media = pyarrow.struct([("bytes", pyarrow.binary()), ("path", pyarrow.string())])
    fields = [(c.name, pyarrow.string() if c.media == "text" else media) for c in columns]
    features = {column.name: _FEATURES[column.media] for column in columns}
    features[SOURCE] = _FEATURES["text"]
    # By this the `datasets` library knows images and sounds as such.
    notes = {"huggingface": json.dumps({"info": {"features": features}})}
    schema = pyarrow.schema([*fields, (SOURCE, pyarrow.string())], metadata=notes)
    with parquet.ParquetWriter(path, schema, use_content_defined_chunking=True) as writer:
        for group in _groups(rows):
            writer.write_table(pyarrow.Table.from_pylist(group, schema=schema))


def _groups(rows: Sequence[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """Few rows, and few bytes unless one row has many: a reader unpacks a group as a whole."""
    group: list[dict[str, Any]] = []
    size = 0
    for row in rows:
        row_bytes = sum(_size(value) for value in row.values())
        if group and (len(group) == MOST_GROUP_ROWS or size + row_bytes > GROUP_BYTES):
            yield group
            group, size = [], 0
        group.append(row)
        size += row_bytes
    yield group


def _size(value: Any) -> int:
    return len(value["bytes"] if isinstance(value, dict) else value)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
