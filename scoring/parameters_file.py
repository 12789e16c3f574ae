"""How many parameters models have, from a file of the user's."""

import csv
import io
from decimal import Decimal
from pathlib import Path

from benchmark_core.documents import ContractError, read_bounded
from scoring.errors import ScoringError
from scoring.results_table import LONGEST_CELL, number_of

MODEL, BILLIONS = "model", "billions"


def read_parameters(path: Path) -> dict[str, Decimal]:
    """Billions by model.

    Raises:
        ScoringError: it cannot be read, lacks a column, or has a figure that is no number above 0.
    """
    csv.field_size_limit(LONGEST_CELL)
    try:
        text = read_bounded(path.resolve()).decode("utf-8-sig")
        reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
        names = reader.fieldnames or ()
        lines = [(reader.line_num, line) for line in reader]
    except (OSError, RuntimeError, ContractError, UnicodeDecodeError, csv.Error) as error:
        raise ScoringError(
            str(path), f"cannot be read ({str(error)[:100]})", "Name a CSV with these columns."
        ) from error
    if not {MODEL, BILLIONS} <= set(names):
        raise ScoringError(
            str(path), f"lacks {MODEL} or {BILLIONS}", "Name both columns in its first line."
        )
    known: dict[str, Decimal] = {}
    for number, line in lines:
        billions = number_of(line[BILLIONS] or "")
        if billions is None or billions <= 0:
            raise ScoringError(
                f"{path}, line {number}, column {BILLIONS}",
                f"{(line[BILLIONS] or '')[:40]!r} is no number above 0",
                "Write billions of parameters, such as 32.8.",
            )
        known[line[MODEL] or ""] = billions
    return known
