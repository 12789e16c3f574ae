"""Builds a dataset of a task: rows drawn equally from several sources, the same for a seed."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from benchmark_core import VERSION, bad_rows
from benchmark_core.bad_rows import RowFault
from benchmark_core.dataset_folder import DATA_FILE, refuse_used, write_dataset
from benchmark_core.dataset_manifest import Manifest, SourceFacts, TokenTotal
from benchmark_core.dataset_sources import DEFAULT_SPLIT, Source
from benchmark_core.dataset_tokens import TokenCounter
from benchmark_core.faults import SampleFault
from benchmark_core.local_samples import SOURCE
from benchmark_core.media import Column, MediaError, is_empty, read_audio, read_image
from benchmark_core.recipe import Sample
from benchmark_core.sampling import choose
from benchmark_core.tasks.base import Task

MOST_NAMED = 5
"""Rows that cannot be read are counted, and so many of them are named."""


@dataclass(frozen=True)
class Survey:
    """What was found in one source; `usable` are the rows that can be drawn, in order."""

    source: Source
    usable: list[int]
    unusable: int
    duplicates: int

    @property
    def label(self) -> str:
        return self.source.name.label


def build_dataset(
    task: Task,
    sources: Sequence[Source],
    total: int,
    seed: int,
    folder: Path,
    counter: TokenCounter | None = None,
    say: Callable[[str], None] = lambda line: None,
) -> Manifest:
    """Draw `total` rows, as many from each source as it divides, and write them to `folder`.

    Every row is looked at once; what is drawn is held in memory. The rows of the sources take
    turns, so that the first ones of the dataset come equally from all of them too.

    Raises:
        SampleFault: too few rows, or one that was drawn cannot be read.
        SpecFault: `folder` is not empty.
        OSError: the folder cannot be written.
    """
    refuse_used(folder)
    surveys = _survey(sources, task.columns, say)
    drawn = _drawn(surveys, total, seed)
    rows_of = [
        _read(survey, indexes, task.columns) for survey, indexes in zip(surveys, drawn, strict=True)
    ]
    rows = _in_turn(rows_of)
    facts = tuple(map(_facts, surveys, map(len, drawn)))
    tokens = _count(counter, rows, task.columns)
    describe = partial(_describe, task, seed, facts, len(rows), tokens)
    return write_dataset(folder, rows, task.columns, describe)


def _survey(
    sources: Sequence[Source], columns: Sequence[Column], say: Callable[[str], None]
) -> list[Survey]:
    seen: set[bytes] = set()
    surveys = []
    for source in sources:
        usable: list[int] = []
        unusable = duplicates = bad = 0
        for index in range(source.rows):
            try:
                row = source.read(index)
            except RowFault as fault:
                bad, unusable = bad + 1, unusable + 1
                if bad <= bad_rows.MOST_NAMED:
                    say(f"left out: {fault.message}")
                continue
            if not _is_usable(row, columns):
                unusable += 1
                continue
            digest = _digest(row, columns)
            if digest in seen:
                duplicates += 1
                continue
            seen.add(digest)
            usable.append(index)
        survey = Survey(source, usable, unusable, duplicates)
        surveys.append(survey)
        say(
            f"{survey.label}: {source.rows} rows, {unusable} empty or unusable,"
            f" {duplicates} seen before, {len(usable)} to draw from"
        )
    return surveys


def _is_usable(row: Sample, columns: Sequence[Column]) -> bool:
    for column in columns:
        value = row[column.name]
        if column.media == "text":
            # Half a surrogate pair cannot occur in what is stored as UTF-8, a NUL can.
            if is_empty(value, "text") or "\0" in value:
                return False
        elif not value["bytes"]:
            return False
    return True


def _digest(row: Sample, columns: Sequence[Column]) -> bytes:
    hasher = hashlib.sha256()
    for column in columns:
        value = row[column.name]
        content = value.encode() if column.media == "text" else value["bytes"]
        # With its length before it, no text can be taken for the end of another.
        hasher.update(len(content).to_bytes(8, "big") + content)
    return hasher.digest()[:16]


def _drawn(surveys: Sequence[Survey], total: int, seed: int) -> list[list[int]]:
    """The rows to take of each source, in an order that the seed gives."""
    _refuse_few(surveys, total)
    labels = [survey.label for survey in surveys for _ in survey.usable]
    chosen = set(choose(len(labels), total, labels, seed))
    drawn, first = [], 0
    for survey in surveys:
        places = [place for place in range(len(survey.usable)) if first + place in chosen]
        places.sort(key=partial(_turn, seed, survey.label))
        drawn.append([survey.usable[place] for place in places])
        first += len(survey.usable)
    return drawn


def _refuse_few(surveys: Sequence[Survey], total: int) -> None:
    share = total // len(surveys)
    most = sum(min(len(survey.usable), share + 1) for survey in surveys)
    if most < total and all(len(survey.usable) >= share for survey in surveys):
        share += 1  # too few of them have the one row more that the remainder needs
    short = [survey for survey in surveys if len(survey.usable) < share]
    if not short:
        return
    found = "; ".join(f"{survey.label} has {len(survey.usable)}" for survey in short)
    raise SampleFault(
        f"too few rows to draw {share} from each source: {found}, without those that are empty"
        " or occurred before",
        "Ask for fewer with --per-source or --total, or name larger sources.",
    )


def _turn(seed: int, label: str, place: int) -> bytes:
    """Sources are often sorted, by label for example; the dataset is not to be."""
    return hashlib.sha256(f"order/{seed}/{place}/{label}".encode("utf-8", "replace")).digest()


def _read(
    survey: Survey, indexes: Sequence[int], columns: Sequence[Column]
) -> list[dict[str, Any]]:
    """The rows in the order of `indexes`; read in that of the source, which is quicker."""
    found: dict[int, dict[str, Any]] = {}
    troubles: list[str] = []
    for index in sorted(indexes):
        row = survey.source.read(index)
        for column in columns:
            try:
                if column.media == "image":
                    read_image(row[column.name])
                elif column.media == "audio":
                    read_audio(row[column.name])
            except MediaError as error:
                troubles.append(f"{survey.source.place(index)}: {error}")
        found[index] = {**row, SOURCE: survey.label}
    if troubles:
        more = f"; and {len(troubles) - MOST_NAMED} more" if len(troubles) > MOST_NAMED else ""
        raise SampleFault(
            f"{survey.label}: {len(troubles)} of the {len(indexes)} rows drawn cannot be read:"
            f" {'; '.join(troubles[:MOST_NAMED])}{more}",
            "Remove those rows from the source, or give another seed.",
        )
    return [found[index] for index in indexes]


def _in_turn(rows_of: Sequence[Sequence[dict[str, Any]]]) -> list[dict[str, Any]]:
    longest = max(map(len, rows_of))
    return [rows[turn] for turn in range(longest) for rows in rows_of if turn < len(rows)]


def _count(
    counter: TokenCounter | None, rows: Sequence[Sample], columns: Sequence[Column]
) -> TokenTotal | None:
    if counter is None:
        return None
    names = [column.name for column in columns if column.media == "text"]
    texts = (row[name] for row in rows for name in names)
    total = sum(map(counter.count, texts))
    return TokenTotal(tokenizer=counter.name, commit=counter.commit, total=total)


def _describe(
    task: Task,
    seed: int,
    sources: tuple[SourceFacts, ...],
    rows: int,
    tokens: TokenTotal | None,
    data_sha256: str,
) -> Manifest:
    import pyarrow

    return Manifest(
        task=task.name,
        seed=seed,
        created_by=f"ai-energy-score {VERSION}",
        written_with=f"pyarrow {pyarrow.__version__}",
        sources=sources,
        rows=rows,
        tokens=tokens,
        data_file=DATA_FILE,
        data_sha256=data_sha256,
    )


def _facts(survey: Survey, drawn: int) -> SourceFacts:
    source, name = survey.source, survey.source.name
    local = name.path is not None
    return SourceFacts(
        label=name.label,
        dataset_id=name.dataset_id,
        file_name=name.label if local else None,
        sha256=source.sha256,
        revision=name.revision,
        commit=source.commit,
        config=name.config,
        split=None if local else name.split or DEFAULT_SPLIT,
        columns=dict(name.columns),
        licence=source.licence.name,
        licence_basis=source.licence.basis,
        rows=source.rows,
        unusable=survey.unusable,
        duplicates=survey.duplicates,
        available=len(survey.usable),
        drawn=drawn,
    )
