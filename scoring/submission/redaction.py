"""Private content replaced by salted hashes, each of which can be opened later by itself.

A hash stands in the place of a value wherever that value was: in documents, in cells of tables, in
names of files. The salts are kept by the submitter in a key file.
"""

import csv
import hashlib
import io
import json
import secrets
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pydantic import Field

from benchmark_core.contract import (
    ATTEMPTS_DIR,
    LAUNCH_FILE,
    OPTIMUM_DIR,
    OUTCOME_FILE,
    REPORT_FILE,
    SAMPLES_FILE,
    SPEC_FILE,
    TRACE_FILE,
)
from benchmark_core.documents import Document, Frozen, read_bounded
from scoring.bundles.archive import Content
from scoring.bundles.manifest import (
    SEAL,
    TABLE_FILE,
    BundledRun,
    Sealed,
    log_member,
    run_member,
)
from scoring.submission.run_files import PICTURES

KEY_FILE_MODE: Final = 0o600
SALT_BYTES: Final = 32
SHORTEST_LEAK: Final = 6
"""In characters; shorter values occur in any text."""

PLACES: Final[dict[Sealed, tuple[tuple[str, str], ...]]] = {
    "prompts": (
        (REPORT_FILE, "reasoning.system_message"),
        (REPORT_FILE, "reasoning.user_prefix"),
        (REPORT_FILE, "reasoning.example_prompt"),
        (REPORT_FILE, "reasoning.prompts_sha256"),
    ),
    "outputs": (),
    "model-config": (
        (SPEC_FILE, "model.id"),
        (SPEC_FILE, "model.revision"),
        (SPEC_FILE, "model.processor"),
        (SPEC_FILE, "backend.endpoint"),
        (SPEC_FILE, "backend.serve_image"),
        (SPEC_FILE, "backend.serve_args"),
        (REPORT_FILE, "run_id"),
        (REPORT_FILE, "spec_hash"),
        (REPORT_FILE, "model_load_shared_with"),
        (REPORT_FILE, "runs_beside"),
        (REPORT_FILE, "applied.model_commit"),
        (REPORT_FILE, "applied.processor_commit"),
        (REPORT_FILE, "applied.template_sha256"),
        (REPORT_FILE, "reasoning.family"),
        (LAUNCH_FILE, "log_file"),
        (LAUNCH_FILE, "runs_beside"),
    ),
}
"""Where values stand that are replaced; every text below a place is a value of its own."""

MODEL_NAME: Final = f"{SPEC_FILE}:model.id"

LAST_WORDS: Final = ("error_message", "log_tail")
"""Of earlier attempts; both may quote anything."""


class Item(Frozen):
    """`salt` is in hexadecimal digits."""

    salt: str = Field(pattern=r"^[0-9a-f]{64}$")
    value: str

    def seal(self) -> str:
        salted = bytes.fromhex(self.salt) + self.value.encode("utf-8", "surrogatepass")
        return SEAL + hashlib.sha256(salted).hexdigest()


class KeyFile(Document):
    """What opens items of one bundle; with a single item in it, it opens that and nothing else."""

    items: dict[str, Item]


@dataclass(frozen=True)
class Redacted:
    run: BundledRun
    contents: tuple[Content, ...]
    items: dict[str, Item]


def can_redact(names: Collection[str]) -> bool:
    """Whether all files of a run are ones whose content is known here."""
    return not any(name.startswith(f"{OPTIMUM_DIR}/") for name in names)


def redact(
    run: BundledRun,
    contents: Sequence[Content],
    categories: Collection[Sealed],
    new_salt: Callable[[], str] = lambda: secrets.token_hex(SALT_BYTES),
) -> Redacted:
    """The members of one run, its log and its lines of the table with sealed values.

    Raises:
        OSError, ContractError, ValueError: a document cannot be read.
    """
    by_name = {content.name: content for content in contents}
    values = dict(_values(run.run_id, by_name, categories))
    if "outputs" in categories or "model-config" in categories:
        values |= _spoken(run, by_name)
    items = {name: Item(salt=new_salt(), value=value) for name, value in values.items()}
    items = _one_seal_for_each_value(items)
    seals = {item.value: item.seal() for item in items.values()}
    sealed = [
        Content(_renamed(content.name, seals), source)
        for content in contents
        if "model-config" not in categories or not content.name.endswith(PICTURES)
        for source in [_sealed_source(content, seals)]
    ]
    return Redacted(
        run=run.model_copy(
            update={
                "run_id": seals.get(run.run_id, run.run_id),
                "log": seals.get(run.log, run.log),
            }
        ),
        contents=tuple(sealed),
        items=items,
    )


def leaks(contents: Sequence[Content], items: Mapping[str, Item]) -> Iterator[tuple[str, str]]:
    """Members in which a sealed value can still be read, with the item. Raises OSError."""
    values = {name: set(_written(name, item.value)) for name, item in items.items()}
    for content in contents:
        # A trace has numbers and the names of passes; it may have gigabytes of them.
        text = b"" if content.name.endswith(f"/{TRACE_FILE}") else b"".join(content.blocks())
        for name, forms in values.items():
            if any(form in text for form in forms):
                yield content.name, name


def _written(name: str, value: str) -> Iterator[bytes]:
    """As it may stand in a text or in JSON; a model also by its bare name."""
    bare = [value.rpartition("/")[2]] if name.endswith(MODEL_NAME) else []
    for text in (value, *bare):
        if len(text) >= SHORTEST_LEAK:
            forms = (text, *(json.dumps(text, ensure_ascii=one)[1:-1] for one in (True, False)))
            yield from (form.encode("utf-8", "surrogatepass") for form in forms)


def _values(
    run_id: str, by_name: Mapping[str, Content], categories: Collection[Sealed]
) -> Iterator[tuple[str, str]]:
    for category in categories:
        for file, place in PLACES[category]:
            found: Any = _json(by_name[run_member(run_id, file)])
            for part in place.split("."):
                found = found.get(part) if isinstance(found, dict) else None
            yield from ((f"{file}:{place}{at}", text) for at, text in _texts(found))


def _spoken(run: BundledRun, by_name: Mapping[str, Content]) -> dict[str, str]:
    """What a run said in its own words: its log, the errors of its samples, its earlier ends."""
    spoken = {}
    samples = by_name.get(run_member(run.run_id, SAMPLES_FILE))
    if samples:
        for number, row in enumerate(_table(samples), start=1):
            if number > 1 and row and row[-1]:
                spoken[f"{SAMPLES_FILE}:{number}"] = row[-1]
    log = by_name.get(log_member(run.log)) if run.log else None
    if log:
        spoken["log"] = _text(log)
    for name, content in by_name.items():
        if _is_earlier_end(name):
            earlier = _json(content)
            for part in LAST_WORDS:
                place = f"{name.partition(f'/{ATTEMPTS_DIR}/')[2]}:{part}"
                spoken |= {f"{place}{at}": text for at, text in _texts(earlier.get(part))}
    return spoken


def _is_earlier_end(name: str) -> bool:
    return f"/{ATTEMPTS_DIR}/" in name and name.endswith(f"/{OUTCOME_FILE}")


def _one_seal_for_each_value(items: Mapping[str, Item]) -> dict[str, Item]:
    """A value that stands in several places has one salt, so that it is seen to be the same."""
    first: dict[str, Item] = {}
    return {name: first.setdefault(item.value, item) for name, item in items.items()}


def _sealed_source(content: Content, seals: Mapping[str, str]) -> Path | bytes:
    if content.name.endswith(".json"):
        return (json.dumps(_sealed(_json(content), seals), indent=2) + "\n").encode()
    if content.name.endswith(f"/{SAMPLES_FILE}") or content.name == TABLE_FILE:
        rows = ([_sealed_cell(cell, seals) for cell in row] for row in _table(content))
        return "".join(",".join(row) + "\n" for row in map(_quoted, rows)).encode()
    if content.name.endswith(".log"):
        text = _text(content)
        return f"{seals[text]}\n".encode() if text in seals else content.source
    return content.source


def _sealed_cell(cell: str, seals: Mapping[str, str]) -> str:
    """Several values in one cell are replaced one by one."""
    return seals.get(cell) or "; ".join(seals.get(part, part) for part in cell.split("; "))


def _quoted(row: Sequence[str]) -> list[str]:
    stream = io.StringIO()
    csv.writer(stream, lineterminator="").writerow(row)
    return [stream.getvalue()]


def _sealed(value: Any, seals: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {name: _sealed(one, seals) for name, one in value.items()}
    if isinstance(value, list):
        return [_sealed(one, seals) for one in value]
    return seals.get(value, value) if isinstance(value, str) else value


def _texts(value: Any) -> Iterator[tuple[str, str]]:
    """Every text that is not empty, with the place below which it stands."""
    if isinstance(value, dict):
        for name, one in value.items():
            yield from ((f".{name}{at}", text) for at, text in _texts(one))
    elif isinstance(value, list):
        for number, one in enumerate(value):
            yield from ((f".{number}{at}", text) for at, text in _texts(one))
    elif isinstance(value, str) and value:
        yield "", value


def _renamed(name: str, seals: Mapping[str, str]) -> str:
    return "/".join(seals.get(part, part) for part in name.split("/"))


def _json(content: Content) -> Any:
    return json.loads(_bytes(content))


def _table(content: Content) -> list[list[str]]:
    return list(csv.reader(io.StringIO(_text(content), newline="")))


def _text(content: Content) -> str:
    return _bytes(content).decode("utf-8", "replace")


def _bytes(content: Content) -> bytes:
    return content.source if isinstance(content.source, bytes) else read_bounded(content.source)
