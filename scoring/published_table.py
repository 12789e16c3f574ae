"""The tables that AI Energy Score publishes: one CSV per task, in kWh per 1,000 queries."""

import csv
import io
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Final

from benchmark_core.documents import ContractError, read_bounded
from benchmark_core.tasks import registry as tasks
from scoring.errors import ScoringError
from scoring.results_table import (
    LONGEST_CELL,
    LONGEST_NUMBER,
    Cells,
    Group,
    LeftOut,
    Row,
    number_of,
)

ENERGY: Final = "total_gpu_energy"
MODEL: Final = "model"
CLASS: Final = "class"
WH_PER_KWH: Final = 1000


def published_files(folder: Path) -> list[Path]:
    """The tables in a folder: those CSVs whose name is a task."""
    return sorted(path for path in folder.glob("*.csv") if tasks.named(path.stem))


def is_published(path: Path) -> bool:
    """Whether a file has the columns of such a table."""
    try:
        with path.open(encoding="utf-8-sig", errors="replace") as stream:
            names = stream.readline(LONGEST_CELL).strip().split(",")
    except OSError:
        return False
    return {MODEL, ENERGY} <= {name.strip('"') for name in names}


def read_published(path: Path) -> list[Row | LeftOut]:
    """The rows of one table; its name says the task.

    Raises:
        ScoringError: it cannot be read, or its name is no task.
    """
    csv.field_size_limit(LONGEST_CELL)
    name = tasks.named(path.stem)
    if name is None:
        raise ScoringError(
            str(path), f"is a table of no known task ({path.stem[:40]!r})", "Name it after one."
        )
    task = tasks.get(name)
    try:
        text = read_bounded(path.resolve()).decode("utf-8-sig")
        return list(_rows(text, task.spellings[0], task.has_classes))
    except (OSError, RuntimeError, ContractError, UnicodeDecodeError, csv.Error) as error:
        raise ScoringError(
            str(path), f"cannot be read ({str(error)[:100]})", "Get the table again."
        ) from error


def _rows(text: str, task: str, has_classes: bool) -> Iterator[Row | LeftOut]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    columns = {name: place for place, name in enumerate(next(reader, []))}
    for values in reader:
        line = reader.line_num
        if len(values) != len(columns):
            raise csv.Error(f"line {line} is cut off")
        cells = Cells(columns, values)
        model, model_class = cells[MODEL], cells.get(CLASS, "") if has_classes else ""
        kwh = number_of(cells[ENERGY])
        if kwh is None or kwh <= 0:
            because = f"its energy {cells[ENERGY][:LONGEST_NUMBER]!r} is no number above 0"
            yield LeftOut(line, model, "", because)
        elif has_classes and not model_class:
            yield LeftOut(line, model, "", "it has no class, and its task is rated within one")
        else:
            group = Group(task, model_class, reasoning=False, rehearsal=False)
            yield Row(line, model, "", group, Decimal(WH_PER_KWH) * kwh, None, cells)
