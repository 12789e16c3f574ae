"""What a built dataset was made of: its manifest, and the card made of that."""

import json
import shlex

from pydantic import Field

from benchmark_core.contract import TaskName
from benchmark_core.dataset_licence import Basis
from benchmark_core.documents import Document, Frozen
from benchmark_core.tasks import registry as tasks

MANIFEST_FILE = "manifest.json"
CARD_FILE = "README.md"


class SourceFacts(Frozen):
    """One source. `label` is what its rows hold in the column source.

    Of a dataset of the hub: `dataset_id`, the revision asked for and the commit it was. Of local
    samples: the name of the file or folder, and the SHA-256 of what is in it. `columns` are the
    names that were given for columns of the task. Of `rows`, `unusable` have an empty column or a
    text no tokenizer takes, `duplicates` occurred before, here or in a former source; `available`
    are the others.
    """

    label: str
    dataset_id: str | None = None
    file_name: str | None = None
    sha256: str | None = None
    revision: str | None = None
    commit: str | None = None
    config: str | None = None
    split: str | None = None
    columns: dict[str, str] = Field(default_factory=dict)
    licence: str | None = None
    licence_basis: Basis | None = None
    rows: int
    unusable: int
    duplicates: int
    available: int
    drawn: int


class TokenTotal(Frozen):
    """Tokens of all texts of the task's columns, without special tokens."""

    tokenizer: str
    commit: str | None
    total: int


class Manifest(Document):
    """`created_by` and `written_with` name the programs: other versions may write other bytes."""

    task: TaskName
    seed: int
    created_by: str
    written_with: str
    sources: tuple[SourceFacts, ...]
    rows: int
    tokens: TokenTotal | None
    data_file: str
    data_sha256: str


def card(manifest: Manifest) -> str:
    """The dataset card, in Markdown."""
    task = tasks.get(manifest.task)
    title = manifest.task.replace("_", " ")
    tokens = "Its tokens were not counted."
    if manifest.tokens is not None:
        counted = manifest.tokens
        commit = f" at commit `{counted.commit}`" if counted.commit else ""
        tokens = f"It has {counted.total} tokens by `{counted.tokenizer}`{commit}."
    columns = ", ".join(f"`{column.name}`" for column in task.columns)
    lines = [
        "---",
        f"pretty_name: {json.dumps(f'Samples for {title}')}",
        f"task_categories: [{task.pipeline_tag}]",
        "---",
        "",
        f"# {manifest.rows} samples for {title}",
        "",
        f"Drawn with seed {manifest.seed} from {len(manifest.sources)} source(s), equally as far"
        f" as it divides, to measure the energy that models need. Columns: {columns}, and"
        f" `source`. {tokens}",
        "",
        "| Source | Revision | Licence | Rows | Available | Drawn |",
        "|---|---|---|---:|---:|---:|",
        *(_line(source) for source in manifest.sources),
        "",
        "Each source keeps its own licence; none is stated where a dash stands.",
        f"Everything else is in `{MANIFEST_FILE}`. It was made by {manifest.created_by} with",
        "",
        "```text",
        _command(manifest),
        "```",
        "",
    ]
    return "\n".join(lines)


def _line(source: SourceFacts) -> str:
    revision = source.commit or source.revision or (source.sha256 or "")[:12] or "-"
    cells = [source.label, revision, source.licence or "-"]
    escaped = [cell.replace("|", "\\|").replace("\n", " ") for cell in cells]
    counts = [str(source.rows), str(source.available), str(source.drawn)]
    return f"| {' | '.join(escaped + counts)} |"


def _command(manifest: Manifest) -> str:
    words = ["python", "-m", "benchmark_core", "build-dataset", "--task", manifest.task]
    for source in manifest.sources:
        words += ["--source", _written(source)]
    words += ["--total", str(manifest.rows), "--seed", str(manifest.seed)]
    if manifest.tokens is not None:
        words += ["--tokenizer", manifest.tokens.tokenizer]
    return shlex.join([*words, "--out", "DIR"])


def _written(source: SourceFacts) -> str:
    columns = "&".join(f"{name}={found}" for name, found in source.columns.items())
    after = f"?{columns}" if columns else ""
    if source.dataset_id is None:
        return f"{source.file_name}{after}"
    revision = source.commit or source.revision
    return "".join(
        (
            source.dataset_id,
            f"@{revision}" if revision else "",
            f":{source.config}" if source.config else "",
            f"#{source.split}" if source.split else "",
            after,
        )
    )
