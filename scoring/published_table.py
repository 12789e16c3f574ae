"""The tables that AI Energy Score publishes: one CSV per task, in kWh per 1,000 queries.

Since December 2025 text generation has two: the models that reason stand in `reasoning.csv`, and
are rated apart, within classes as well.
"""

import csv
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Final

from benchmark_core.names import TaskName
from benchmark_core.tasks import registry as tasks
from scoring.csv_table import LONGEST_CELL, Cells, open_table
from scoring.energy_unit import WH_PER_KWH
from scoring.errors import ScoringError
from scoring.figures import LONGEST_NUMBER, number_of
from scoring.results_table import NO_NAME, LeftOut, Row, Unrated, group_of

ENERGY: Final = "total_gpu_energy"
MODEL: Final = "model"
CLASS: Final = "class"
OUR_NAMES: Final = {MODEL: "model_name", CLASS: "model_class"}
REASONING: Final = "reasoning"
REASONS: Final = "On"
"""The state of those models. Such a table tells of no level, and neither does this word."""
REMEDY: Final = "Get the table again."


def published_files(folder: Path) -> list[Path]:
    """The tables in a folder: those CSVs whose name is a task, or `reasoning`."""
    return sorted(path for path in folder.glob("*.csv") if _task_of(path))


def is_published(path: Path) -> bool:
    """Whether a file has the columns of such a table."""
    return {MODEL, ENERGY} <= column_names(path)


def column_names(path: Path) -> set[str]:
    """Those in the first line of a file, by which it is told what it is; none where it has none."""
    try:
        with path.open(encoding="utf-8-sig", errors="replace") as stream:
            return {*next(csv.reader([stream.readline(LONGEST_CELL)]), [])}
    except (OSError, csv.Error):
        return set()


def read_published(path: Path) -> list[Row | LeftOut]:
    """The rows of one table; its name says the task.

    Raises:
        ScoringError: it cannot be read, lacks a column, or its name is no task.
    """
    state = REASONS if _is_of_reasoning(path) else ""
    return [_row(path.name, state, line, cells) for line, cells in _lines(path)]


def published_cells(path: Path) -> Iterator[Cells]:
    """Model, class and task of every line, under our names. Raises as `read_published`."""
    return (cells for _, cells in _lines(path))


def _is_of_reasoning(path: Path) -> bool:
    return path.stem.casefold() == REASONING


def _task_of(path: Path) -> TaskName | None:
    return "text_generation" if _is_of_reasoning(path) else tasks.named(path.stem)


def _lines(path: Path) -> Iterator[tuple[int, Cells]]:
    name = _task_of(path)
    if name is None:
        raise ScoringError(
            str(path),
            f"is a table of no known task ({path.stem[:40]!r})",
            "Name it after one, or reasoning.csv.",
        )
    table = open_table(path, (MODEL, ENERGY), REMEDY)
    columns = {OUR_NAMES.get(name, name): place for name, place in table.columns.items()}
    added = {"task": tasks.get(name).spellings[0], "model_class": ""}
    places = {name: len(columns) + place for place, name in enumerate(added)}
    for line, values in table.lines:
        yield line, Cells(places | columns, [*values, *added.values()])


def _row(file: str, state: str, line: int, cells: Cells) -> Row | LeftOut:
    model, kwh = cells["model_name"], number_of(cells[ENERGY])
    try:
        if not model.strip():
            raise Unrated(NO_NAME)
        if kwh is None or kwh <= 0:
            text = cells[ENERGY][:LONGEST_NUMBER]
            raise Unrated(f"its energy {text!r} is no number above 0")
        group = group_of(cells["task"], cells["model_class"], bool(state), rehearsal=False)
    except Unrated as because:
        return LeftOut(line, model, state, str(because), file, cells["task"])
    return Row(line, model, state, group, Decimal(WH_PER_KWH) * kwh, None, cells, file)
