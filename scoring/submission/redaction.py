"""Private content replaced by salted hashes, each of which can be opened later by itself.

A file in which nothing is sealed stays as it was, byte for byte.
"""

import csv
import io
import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any, Final

from benchmark_core.contract import (
    ATTEMPTS_DIR,
    LAUNCH_FILE,
    OPTIMUM_DIR,
    OUTCOME_FILE,
    REPORT_FILE,
    SAMPLES_FILE,
    SPEC_FILE,
)
from benchmark_core.documents import ContractError, read_bounded
from scoring.bundles.archive import Content
from scoring.bundles.manifest import TABLE_FILE, BundledRun, Sealed, log_member, run_member
from scoring.bundles.run_members import PICTURES
from scoring.submission.private_places import COMMON, LAST_WORDS, PLACES, SPEC_HASHES, Place
from scoring.submission.seals import Seals

DOCUMENTS: Final = (SPEC_FILE, LAUNCH_FILE, REPORT_FILE, OUTCOME_FILE)
LONGEST_LOG_BYTES: Final = 16 * 2**20
"""Of a log to be sealed; its text is kept in the key file as a whole."""
LINES_AT_A_TIME: Final = 10_000
LOG: Final[Place] = ("log", "")
ERROR: Final[Place] = (SAMPLES_FILE, "error")
MODEL_NAME: Final[Place] = (SPEC_FILE, "model.id")
"""Which may not be read without its organisation either."""
SHORTEST_SAYING: Final = 12
"""In characters. Shorter words of a run, as `timeout`, stand in other files by chance."""


def can_redact(names: Collection[str]) -> bool:
    """Whether all files of a run are ones whose content is known here."""
    return not any(name.startswith(f"{OPTIMUM_DIR}/") for name in names)


def redact(
    run: BundledRun,
    contents: Sequence[Content],
    categories: Collection[Sealed],
    seals: Seals,
    is_one_of_many: bool = False,
) -> tuple[BundledRun, list[Content]]:
    """The members of one run, its log and its lines of the table with sealed values.

    Of several runs in one bundle the names of items begin with the run's.

    Raises:
        OSError, ContractError, ValueError, csv.Error: a file cannot be read.
    """
    by_name = {content.name: content for content in contents}
    spec = _json(by_name[run_member(run.run_id, SPEC_FILE)])
    hides_model = "model-config" in categories
    renamed = {name: seals.seal(name) for name in (run.run_id, run.log) if hides_model and name}
    redaction = _Redaction(
        run,
        seals,
        f"{renamed.get(run.run_id, run.run_id)}/" if is_one_of_many else "",
        _places(categories, spec),
        hides_words=hides_model or "outputs" in categories,
    )
    return (
        run.model_copy(
            update={
                "run_id": renamed.get(run.run_id, run.run_id),
                "log": renamed.get(run.log, run.log),
            }
        ),
        [
            replace(
                redaction.sealed(content),
                name="/".join(renamed.get(part, part) for part in content.name.split("/")),
            )
            for content in contents
            # A picture may be titled with the model.
            if not (hides_model and content.name.endswith(PICTURES))
        ],
    )


def _places(categories: Collection[Sealed], spec: Any) -> frozenset[Place]:
    places = {place for category in categories for place in PLACES[category]}
    of_spec = (place for file, place in places if file == SPEC_FILE)
    return frozenset(places.union(SPEC_HASHES if any(_at(spec, one) for one in of_spec) else ()))


def _at(value: Any, place: str) -> Any:
    for part in place.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value


@dataclass(frozen=True)
class SealedSamples(Content):
    """Lines of samples with their errors sealed, made anew each time that they are read."""

    seals: Seals

    def blocks(self) -> Iterator[bytes]:
        """Raises OSError, csv.Error."""
        lines: list[bytes] = []
        for number, row in _sample_rows(self.source):
            if number > 1 and row[-1]:
                row[-1] = self.seals.seal(row[-1])
            lines.append(_line(row))
            if len(lines) == LINES_AT_A_TIME:
                yield b"".join(lines)
                lines.clear()
        yield b"".join(lines)

    def size(self) -> int:
        return sum(len(block) for block in self.blocks())


@dataclass(frozen=True)
class _Redaction:
    """What of one run is sealed, and the files of it one by one."""

    run: BundledRun
    seals: Seals
    prefix: str
    places: frozenset[Place]
    hides_words: bool

    def sealed(self, content: Content) -> Content:
        """Raises as `redact`."""
        name = content.name.removeprefix(run_member(self.run.run_id, ""))
        file = OUTCOME_FILE if name.startswith(f"{ATTEMPTS_DIR}/") else name
        if file == TABLE_FILE:
            return Content(content.name, self._table(content))
        if self.hides_words and content.name == log_member(self.run.log):
            return Content(content.name, self._log(content))
        if self.hides_words and file == SAMPLES_FILE:
            return self._samples(content)
        if file in DOCUMENTS:
            return self._document(content, name, file)
        return content

    def _document(self, content: Content, name: str, file: str) -> Content:
        whole = found = _json(content)
        for place in sorted(place for of, place in self.places if of == file):
            found = self._replaced(found, place.split("."), (file, place), f"{name}:{place}")
        if found == whole:
            return content
        return Content(content.name, (json.dumps(found, indent=2) + "\n").encode())

    def _replaced(self, value: Any, below: Sequence[str], place: Place, item: str) -> Any:
        """With the texts at a place sealed one by one, and an object as a whole."""
        if below:
            if not isinstance(value, dict) or below[0] not in value:
                return value
            inner = self._replaced(value[below[0]], below[1:], place, item)
            return {**value, below[0]: inner}
        if isinstance(value, list):
            return [
                self._replaced(one, (), place, f"{item}.{number}")
                for number, one in enumerate(value)
            ]
        if isinstance(value, dict) and value:
            return {"sealed": self._add(item, json.dumps(value, sort_keys=True), place)}
        return self._add(item, value, place) if isinstance(value, str) and value else value

    def _table(self, content: Content) -> bytes:
        header, *rows = csv.reader(io.StringIO(_text(content), newline=""))
        sealed = [
            [
                self._cell(name, cell) if (TABLE_FILE, name) in self.places else cell
                for name, cell in zip(header, row, strict=True)
            ]
            for row in rows
        ]
        return b"".join(map(_line, (header, *sealed)))

    def _cell(self, column: str, cell: str) -> str:
        """Several values in one cell are replaced one by one."""
        place = (TABLE_FILE, column)
        parts = cell.split("; ") if cell else []
        names = (f"{TABLE_FILE}:{column}.{number}" for number in range(len(parts)))
        return "; ".join(
            self._add(name, part, place) for name, part in zip(names, parts, strict=True)
        )

    def _log(self, content: Content) -> bytes:
        if content.size() > LONGEST_LOG_BYTES:
            raise ContractError(
                f"{content.name} has {content.size()} B, and a log of at most"
                f" {LONGEST_LOG_BYTES} B can be sealed"
            )
        text = _text(content)
        if not text:
            return b""
        return f"{self._add('log', text, LOG)}\n".encode()

    def _samples(self, content: Content) -> Content:
        has_errors = False
        for number, row in _sample_rows(content.source):
            if number > 1 and row[-1]:
                has_errors = True
                self._add(f"{SAMPLES_FILE}:{number}", row[-1], ERROR)
        return SealedSamples(content.name, content.source, self.seals) if has_errors else content

    def _add(self, item: str, value: str, place: Place) -> str:
        is_saying = place in (*LAST_WORDS, ERROR)
        is_private = place not in COMMON and (not is_saying or len(value) >= SHORTEST_SAYING)
        name = f"{self.prefix}{item}"
        if place == MODEL_NAME:
            self.seals.private.setdefault(value.rpartition("/")[2], name)
        return self.seals.add(name, value, is_private)


def _sample_rows(source: Path | bytes) -> Iterator[tuple[int, list[str]]]:
    """Numbered from 1, the header. Raises OSError, csv.Error."""
    if isinstance(source, bytes):
        stream: IO[str] = io.StringIO(source.decode("utf-8", "replace"), newline="")
    else:
        stream = source.open(encoding="utf-8", errors="replace", newline="")
    with stream:
        yield from ((number, row) for number, row in enumerate(csv.reader(stream), 1) if row)


def _line(row: Sequence[str]) -> bytes:
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerow(row)
    return stream.getvalue().encode()


def _json(content: Content) -> Any:
    try:
        return json.loads(_bytes(content))
    except RecursionError as error:
        raise ContractError(f"{content.name} is nested too deeply") from error


def _text(content: Content) -> str:
    return _bytes(content).decode("utf-8", "replace")


def _bytes(content: Content) -> bytes:
    return content.source if isinstance(content.source, bytes) else read_bounded(content.source)
