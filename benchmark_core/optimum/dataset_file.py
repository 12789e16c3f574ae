"""The samples of a run as a dataset that optimum-benchmark loads: one parquet file in a folder."""

import json
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from benchmark_core.faults import SampleFault
from benchmark_core.media import Column, MediaError, content_of, is_unsound, read_image
from benchmark_core.recipe import Sample

FILE = "samples.parquet"
ROWS_AT_ONCE = 50


def write_dataset(folder: Path, samples: Sequence[Sample], columns: Sequence[Column]) -> None:
    """Every sample, in order; texts as they are, pictures as the bytes of their files.

    Raises:
        SampleFault: one cannot be used. optimum-benchmark measures all samples or none.
    """
    import pyarrow
    from pyarrow import parquet

    folder.mkdir(parents=True, exist_ok=True)
    schema = _schema(columns)
    rows = enumerate(samples, start=1)
    with parquet.ParquetWriter(folder / FILE, schema) as writer:
        while batch := list(islice(rows, ROWS_AT_ONCE)):
            made = [_row(number, sample, columns) for number, sample in batch]
            writer.write_table(pyarrow.Table.from_pylist(made, schema=schema))


def _schema(columns: Sequence[Column]) -> Any:
    import pyarrow

    picture = pyarrow.struct([("bytes", pyarrow.binary()), ("path", pyarrow.string())])
    kinds = {"text": pyarrow.string(), "image": picture}
    schema = pyarrow.schema([(column.name, kinds[column.media]) for column in columns])
    # What tells the library that bytes are a picture.
    features = {
        column.name: {"_type": "Image"}
        if column.media == "image"
        else {"dtype": "string", "_type": "Value"}
        for column in columns
    }
    return schema.with_metadata({"huggingface": json.dumps({"info": {"features": features}})})


def _row(number: int, sample: Sample, columns: Sequence[Column]) -> dict[str, Any]:
    try:
        return {column.name: _cell(sample[column.name], column) for column in columns}
    except (SampleFault, MediaError) as fault:
        raise SampleFault(
            f"sample {number} cannot be used, and optimum-benchmark measures all samples or none:"
            f" {fault}",
            "Take it out, or measure the row with the pytorch backend, where it fails alone.",
        ) from fault


def _cell(value: Any, column: Column) -> Any:
    if column.media == "image":
        read_image(value)
        content, _ = content_of(value)
        return {"bytes": content, "path": None}
    text = str(value)
    if is_unsound(text):
        raise MediaError("the text holds NUL, or half a surrogate pair")
    return text
