"""How many parameters models have, from a file of the user's."""

from decimal import Decimal
from pathlib import Path

from scoring.csv_table import open_table
from scoring.errors import ScoringError

MODEL, BILLIONS = "model", "billions"
LONGEST_NAME = 80
REMEDY = f"Name a CSV with the columns {MODEL} and {BILLIONS}."


def read_sizes(path: Path) -> dict[str, Decimal]:
    """Billions by model.

    Raises:
        ScoringError: it cannot be read, lacks a column, names a model twice, or has a figure that
            is no number above 0.
    """
    known: dict[str, Decimal] = {}
    for line, cells in open_table(path, (MODEL, BILLIONS), REMEDY).cells():
        model, billions = cells[MODEL], cells.number(BILLIONS)
        if billions is None or billions <= 0:
            raise ScoringError(
                f"{path}, line {line}, column {BILLIONS}",
                f"{cells[BILLIONS][:40]!r} is no number above 0",
                "Write billions of parameters, such as 32.8.",
            )
        if model in known:
            what = f"names {model[:LONGEST_NAME]} again"
            raise ScoringError(f"{path}, line {line}", what, "Leave one.")
        known[model] = billions
    return known
