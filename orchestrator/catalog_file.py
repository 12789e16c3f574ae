"""A catalog file as a whole: its rows, or everything that is wrong with it."""

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from benchmark_core.tasks import registry as tasks
from orchestrator.catalog import ModelConfig, shown
from orchestrator.catalog_cells import READERS, CellError, refused_combinations
from orchestrator.catalog_table import OPTIONAL_COLUMNS, Row, Table, read_table
from orchestrator.errors import Problem, UsageError

MOST_PROBLEMS: Final = 1_000
EXAMPLE: Final = Path(__file__).with_name("example_catalog.csv")
"""The catalog that we ship; in a checkout a link to its models.csv."""


@dataclass(frozen=True)
class CatalogFile:
    """What a faultless file holds, and what of it is not read. `name` is the file's in messages."""

    name: str
    configs: list[ModelConfig]
    ignored_columns: list[Problem]


def read_catalog(path: Path) -> CatalogFile:
    """The file at `path`.

    Raises:
        UsageError: with every problem of the file (of more than a thousand, the first ones).
    """
    file = str(path) if str(path).isprintable() else ascii(str(path))
    table = read_table(path, file)
    problems = list(table.problems)
    rows = [_read_row(row, file, problems) for row in table.rows]
    problems.extend(_duplicates(rows, file))
    if len(problems) > MOST_PROBLEMS:
        what = f"{len(problems) - MOST_PROBLEMS:,} more problems"
        rest = Problem(file, what, "Correct the first ones, then try again.")
        problems = [*problems[:MOST_PROBLEMS], rest]
    if problems:
        raise UsageError(*problems)
    configs = [ModelConfig.model_validate(fields) for fields in rows]
    return CatalogFile(file, configs, list(_ignored_columns(table, file)))


def _read_row(row: Row, file: str, problems: list[Problem]) -> dict[str, Any]:
    """The fields that could be read; what is wrong with the others is added to `problems`."""
    fields: dict[str, Any] = {"line": row.line}
    errors: list[tuple[str, CellError]] = []
    for column, cell in row.cells.items():
        name, read = READERS[column]
        try:
            fields[name] = read(cell)
        except CellError as error:
            errors.append((column, error))
    errors.extend(refused_combinations(fields))
    problems.extend(
        Problem(f"{file}, line {row.line}, column {column}", error.what, error.remedy)
        for column, error in errors
    )
    if "task" in fields and not tasks.get(fields["task"]).can_reason:
        fields["reasoning_state"] = None
    return fields


def _duplicates(rows: Sequence[dict[str, Any]], file: str) -> Iterator[Problem]:
    """Rows that ask for a run that an earlier row asks for. The Hub ignores the case of ids."""
    first_lines: dict[tuple[str | None, ...], int] = {}
    compared = ("task", "reasoning_state", "revision", "quantization")
    for row in rows:
        if not {"model_id", "task", "reasoning_state"} <= row.keys():
            continue
        key = (row["model_id"].casefold(), *(row.get(name) for name in compared))
        line = first_lines.setdefault(key, row["line"])
        if line != row["line"]:
            what = f"the row asks for the same run of {row['model_id']} as line {line}"
            remedy = "Delete one, or let them differ in state, revision or quantization."
            yield Problem(f"{file}, line {row['line']}", what, remedy)


def _ignored_columns(table: Table, file: str) -> Iterator[Problem]:
    for name in table.unknown_columns:
        near = difflib.get_close_matches(name[:60], OPTIONAL_COLUMNS, n=1)
        remedy = f"Did you mean {near[0]!r}?" if near else "Delete it, or let it stay for people."
        yield Problem(file, f"the column {shown(name)} is not read", remedy)
