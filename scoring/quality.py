"""Figures of quality from a file of the user's. They stand beside the stars, and never in them."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmark_core.documents import ContractError, read_bounded
from scoring.errors import ScoringError
from scoring.results_table import LONGEST_CELL, Row

MODEL, STATE = "model", "state"


@dataclass(frozen=True)
class Quality:
    """`columns` are the file's own, in its order; the cells are kept as they stand."""

    columns: tuple[str, ...] = ()
    _cells: Mapping[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)

    def of(self, row: Row) -> tuple[str, ...]:
        """A cell for each column: of the model in this state, or in any. Empty where unknown."""
        found = self._cells.get((row.model, row.state)) or self._cells.get((row.model, ""))
        return found or ("",) * len(self.columns)

    def models_without_row(self, rows: Sequence[Row]) -> list[str]:
        known = {row.model for row in rows}
        return sorted({model for model, _ in self._cells} - known)


def read_quality(path: Path) -> Quality:
    """A CSV with the column `model`, where wanted `state`, and any others.

    Raises:
        ScoringError: it cannot be read, has no model column, or names a model twice.
    """
    csv.field_size_limit(LONGEST_CELL)
    try:
        text = read_bounded(path.resolve()).decode("utf-8-sig")
        reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
        names = list(reader.fieldnames or ())
        lines = [(reader.line_num, line) for line in reader]
    except (OSError, RuntimeError, ContractError, UnicodeDecodeError, csv.Error) as error:
        raise ScoringError(
            str(path), f"cannot be read ({str(error)[:100]})", "Name a CSV with a column model."
        ) from error
    columns = tuple(name for name in names if name not in (MODEL, STATE))
    if MODEL not in names or not columns:
        raise ScoringError(
            str(path),
            "needs the column model and at least one more",
            "Name the columns in its first line.",
        )
    cells: dict[tuple[str, str], tuple[str, ...]] = {}
    for number, line in lines:
        key = (line[MODEL] or "", line.get(STATE) or "")
        if key in cells:
            raise ScoringError(
                f"{path}, line {number}", f"names {' '.join(key).strip()} again", "Leave one."
            )
        cells[key] = tuple(line[name] or "" for name in columns)
    return Quality(columns, cells)
