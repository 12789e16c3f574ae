"""How many parameters models have, from a file of the user's, such as the catalog."""

import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Final

from scoring.csv_table import CsvTable, open_table
from scoring.errors import ScoringError

MODEL_OF_CATALOG: Final = "Models to Add"
SIZE_OF_CATALOG: Final = "Parameters (B)"
OF_CATALOG: Final = (MODEL_OF_CATALOG, SIZE_OF_CATALOG)
OWN: Final = ("model", "billions")
LONGEST_NAME: Final = 80
REMEDY: Final = f"Name a CSV with the columns {' and '.join(OWN)}, or {' and '.join(OF_CATALOG)}."
ADDRESS: Final = re.compile(r"(?:https?://)?(?:www\.)?(?:huggingface\.co|hf\.co)/", re.I)


def read_sizes(path: Path) -> dict[str, Decimal]:
    """Billions by model, from a catalog or from a CSV of that alone. An empty cell tells nothing.

    Raises:
        ScoringError: it cannot be read, lacks a column, has two figures for one model, or one that
            is no number above 0.
    """
    table = open_table(path, (), REMEDY)
    known: dict[str, tuple[int, Decimal]] = {}
    for line, model, billions in _figures(path, table):
        earlier, figure = known.setdefault(model, (line, billions))
        if figure != billions:
            what = f"{model[:LONGEST_NAME]} has {billions:f} here, and {figure:f} in line {earlier}"
            raise ScoringError(f"{path}, line {line}", what, "Leave one.")
    return {model: figure for model, (_, figure) in known.items()}


def _figures(path: Path, table: CsvTable) -> Iterator[tuple[int, str, Decimal]]:
    named, sized = OF_CATALOG if OF_CATALOG[0] in table.columns else OWN
    for column in (named, sized):
        if column not in table.columns:
            raise ScoringError(str(path), f"lacks the column {column}", REMEDY)
    for line, cells in table.cells():
        if not cells[sized].strip():
            continue
        billions = cells.number(sized)
        if billions is None or billions <= 0:
            raise ScoringError(
                f"{path}, line {line}, column {sized}",
                f"{cells[sized][:40]!r} is no number above 0",
                "Write billions of parameters, such as 32.8.",
            )
        yield line, model_id(cells[named]), billions


def model_id(cell: str) -> str:
    """Of an id, or of the address of its page on the hub. What else it may be, names no row."""
    cell = cell.strip()
    address = ADDRESS.match(cell)
    return "/".join(cell[address.end() :].split("/")[:2]) if address else cell
