"""`master_results.csv` as rows that can be rated, and the reasons why others cannot."""

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from pathlib import Path
from typing import Final

from benchmark_core.documents import ContractError, read_bounded
from benchmark_core.faults import SpecFault
from benchmark_core.reasoning.states import parse_state
from benchmark_core.tasks import registry as tasks
from scoring.errors import ScoringError

MASTER_FILE: Final = "master_results.csv"
ENERGY: Final = "wh_per_1000_queries"
NEEDED: Final = (
    *("model_name", "model_class", "task", "error_message", "verdict", "official", "rehearsal"),
    *("reasoning_requested", "reasoning_effective", ENERGY),
)
LONGEST_CELL: Final = 100_000
# Far beyond any run; a text of a million digits would be exact for minutes.
LONGEST_NUMBER: Final = 40
LARGEST_EXPONENT: Final = 30


@dataclass(frozen=True)
class Group:
    """Rows that are rated against each other. `model_class` is empty where a task has none."""

    task: str
    model_class: str
    reasoning: bool
    rehearsal: bool


@dataclass(frozen=True)
class Row:
    """A row that can be rated. `wh` is GPU energy in Wh per 1,000 queries, exactly as it stands."""

    line: int
    model: str
    state: str
    group: Group
    wh: Fraction


@dataclass(frozen=True)
class LeftOut:
    """A row that cannot be rated, and why."""

    line: int
    model: str
    state: str
    because: str


def read_rows(path: Path) -> list[Row | LeftOut]:
    """Every row of the table at `path`, or of the output directory there.

    Raises:
        ScoringError: it cannot be read, or lacks a column.
    """
    csv.field_size_limit(LONGEST_CELL)
    try:
        path = path / MASTER_FILE if path.is_dir() else path
        text = read_bounded(path.resolve()).decode("utf-8-sig")
        return list(_rows(path, csv.DictReader(io.StringIO(text, newline=""), strict=True)))
    except OSError as error:
        raise ScoringError(
            str(path), f"cannot be read ({error.strerror})", f"Name a {MASTER_FILE} or its folder."
        ) from error
    except RuntimeError as error:
        remedy = f"Name a {MASTER_FILE} or its folder."
        raise ScoringError(str(path), "is a link that leads in a circle", remedy) from error
    except (ContractError, UnicodeDecodeError, csv.Error) as error:
        raise ScoringError(
            str(path), f"is no table ({str(error)[:100]})", "Make it again from the run folders."
        ) from error


def _rows(path: Path, reader: "csv.DictReader[str]") -> Iterator[Row | LeftOut]:
    missing = [name for name in NEEDED if name not in (reader.fieldnames or ())]
    if missing:
        raise ScoringError(
            str(path),
            f"lacks {'the column' if len(missing) == 1 else 'the columns'} {', '.join(missing)}",
            "Import tables of older tools first.",
        )
    for cells in reader:
        if any(cells.get(name) is None for name in NEEDED):
            raise ScoringError(
                f"{path}, line {reader.line_num}", "is cut off", "Make the table again."
            )
        yield _row(reader.line_num, cells)


def _row(line: int, cells: Mapping[str, str]) -> Row | LeftOut:
    model, state = cells["model_name"], cells["reasoning_requested"]
    try:
        name = tasks.named(cells["task"])
        if name is None:
            raise _Unrated(f"its task {cells['task'][:40]!r} is not known")
        group = Group(
            task=tasks.get(name).spellings[0],
            model_class=cells["model_class"] if tasks.get(name).has_classes else "",
            reasoning=_reasons(cells),
            rehearsal=cells["rehearsal"] == "yes",
        )
        return Row(line, model, state, group, _energy(cells, group))
    except _Unrated as because:
        return LeftOut(line, model, state, str(because))


class _Unrated(Exception):
    """Why a row cannot be rated."""


def _reasons(cells: Mapping[str, str]) -> bool:
    """Whether the model reasoned, as it was asked to."""
    if cells["error_message"]:
        raise _Unrated("it failed")
    requested, effective = cells["reasoning_requested"], cells["reasoning_effective"]
    if not requested:
        return False
    try:
        asked = parse_state(requested).thinking
    except SpecFault as fault:
        raise _Unrated(fault.message) from fault
    if effective and asked != (effective == "on"):
        raise _Unrated(f"asked for {requested}, and its reasoning is {effective}")
    return asked


def _energy(cells: Mapping[str, str], group: Group) -> Fraction:
    text = cells[ENERGY].strip()
    if not text:
        raise _Unrated("it has no GPU energy")
    if cells["verdict"] != "valid" and not group.rehearsal:
        raise _Unrated(f"its verdict is {cells['verdict'] or 'not known'}")
    if cells["official"] != "yes" and not group.rehearsal:
        raise _Unrated("it did not keep to the official protocol")
    try:
        number = Decimal(text) if len(text) <= LONGEST_NUMBER else Decimal("nan")
    except InvalidOperation:
        number = Decimal("nan")
    if not number.is_finite() or abs(number.adjusted()) > LARGEST_EXPONENT or number <= 0:
        raise _Unrated(f"its energy {text[:LONGEST_NUMBER]!r} is no number above 0")
    return Fraction(number)
