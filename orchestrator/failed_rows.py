"""The rows of an earlier `master_results.csv` that failed: ours of any age, or the predecessor's.

Columns are found by name, and nothing but the table is needed.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmark_core.terminal_text import printable
from orchestrator.catalog_cells import CellError, read_state, read_task
from orchestrator.errors import Problem, UsageError
from orchestrator.importing.source_file import Row, Table, read_source

NEEDED: Final = ("model_name", "task", "reasoning_state", "error_message")
NOTHING: Final = ("", "N/A")
LONGEST_ID: Final = 120
# The word with which our messages begin.
_REASON: Final = re.compile(r"([a-z][a-z_]*): ")

Key = tuple[str, str, str]


@dataclass(frozen=True)
class FailedRow:
    """`run_id` and `reason` are empty where the table does not tell; `key` is what rows and plans
    have in common: model, task and state."""

    line: int
    run_id: str
    key: Key
    reason: str

    def __str__(self) -> str:
        model, task, state = self.key
        words = self.run_id or " ".join(filter(None, (model, task, state)))
        return f"line {self.line} ({printable(words)[:LONGEST_ID]})"


def read_failed_rows(path: Path) -> list[FailedRow]:
    """The rows that failed or were interrupted; of rows that repeat a run the last one counts.

    Raises:
        UsageError: it is no table of results.
    """
    table = read_source(path).content
    missing = [name for name in NEEDED if not isinstance(table, Table) or name not in table.header]
    if missing or not isinstance(table, Table):
        what = "is no table of results" + (f": it has no column {missing[0]}" if missing else "")
        raise UsageError(Problem(str(path), what, "Name a master_results.csv."))
    last: dict[tuple[str, Key], FailedRow | None] = {}
    for row in table.rows:
        cells = table.values(row)
        key = row_key(cells["model_name"], cells["task"], cells["reasoning_state"])
        last[cells.get("run_id", ""), key] = _failed(row, cells, key)
    return [row for row in last.values() if row]


def row_key(model_id: str, task: str, state: str | None) -> Key:
    """Alike for all spellings of a row."""
    words = "" if state in NOTHING or state is None else state
    try:
        return model_id, read_task(task), read_state(words) or ""
    except CellError:
        return model_id, task.casefold(), words.casefold()


def _failed(row: Row, cells: Mapping[str, str], key: Key) -> FailedRow | None:
    message = cells["error_message"]
    if message in NOTHING and cells.get("outcome", "") not in ("failed", "interrupted"):
        return None
    word = _REASON.match(message)
    return FailedRow(row.line, cells.get("run_id", ""), key, word[1] if word else "")
