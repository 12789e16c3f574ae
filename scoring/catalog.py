"""The models of a catalog, whose classes can be held against the rule before anything is measured.

A catalog has a row for each model and state, in the columns of docs/catalog.md.
"""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Final

from scoring.csv_table import Cells, open_table
from scoring.model_sizes import MODEL_OF_CATALOG, SIZE_OF_CATALOG, model_id, read_sizes
from scoring.published_table import column_names

COLUMNS: Final = {"model_name": MODEL_OF_CATALOG, "model_class": "Class", "task": "Task"}
"""Under our names, as tables of results have them."""
REMEDY: Final = "Name a catalog with these columns, such as models.csv."


def is_catalog(path: Path) -> bool:
    """Whether a file has the column that only catalogs have."""
    return path.is_file() and MODEL_OF_CATALOG in column_names(path)


def catalog_cells(path: Path) -> Iterator[Cells]:
    """Model, class and task of every line that names a model.

    Raises:
        ScoringError: it cannot be read or lacks a column; also while lines are read.
    """
    table = open_table(path, tuple(COLUMNS.values()), REMEDY)
    columns = {name: place for place, name in enumerate(COLUMNS)}
    for _, cells in table.cells():
        model, *others = (cells[name] for name in COLUMNS.values())
        if model.strip():
            yield Cells(columns, [model_id(model), *others])


def catalog_sizes(path: Path) -> dict[str, Decimal]:
    """Billions by model; none where the catalog has no column for them. Raises as `read_sizes`."""
    return read_sizes(path) if SIZE_OF_CATALOG in column_names(path) else {}
