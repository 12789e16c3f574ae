"""Figures of quality from a file of the user's. They stand beside the stars, and never in them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from scoring.csv_table import open_table
from scoring.errors import ScoringError
from scoring.figures import number_of
from scoring.results_table import Row

MODEL, STATE = "model", "state"
LONGEST_NAME = 80
REMEDY = f"Name a CSV with the column {MODEL} and at least one more."


@dataclass(frozen=True)
class Quality:
    """`columns` are the file's own, in its order; the cells are kept as they stand."""

    columns: tuple[str, ...] = ()
    _cells: Mapping[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)

    def of(self, row: Row) -> tuple[str, ...]:
        """A cell for each column: of the model in this state, or in any. Empty where unknown."""
        found = self._cells.get((row.model, row.state)) or self._cells.get((row.model, ""))
        return found or ("",) * len(self.columns)

    def is_numeric(self, place: int) -> bool:
        """Whether a column has figures alone, so that it can be put in order by them."""
        cells = [row[place] for row in self._cells.values() if row[place].strip()]
        return bool(cells) and all(number_of(cell) is not None for cell in cells)

    def models_without_row(self, rows: Sequence[Row]) -> list[str]:
        known = {row.model for row in rows}
        return sorted({model for model, _ in self._cells} - known)


def read_quality(path: Path) -> Quality:
    """A CSV with the column `model`, where wanted `state`, and any others.

    Raises:
        ScoringError: it cannot be read, has no model column, or names a model twice.
    """
    table = open_table(path, (MODEL,), REMEDY)
    columns = tuple(name for name in table.columns if name not in (MODEL, STATE))
    if not columns:
        raise ScoringError(str(path), f"has nothing beside {MODEL}", REMEDY)
    known: dict[tuple[str, str], tuple[str, ...]] = {}
    for line, cells in table.cells():
        key = cells[MODEL], cells.get(STATE, "")
        if key in known:
            what = f"names {' '.join(key).strip()[:LONGEST_NAME]} again"
            raise ScoringError(f"{path}, line {line}", what, "Leave one.")
        known[key] = tuple(cells[name] for name in columns)
    return Quality(columns, known)
