"""`master_results.csv` as rows that can be rated, and the reasons why others cannot."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal, InvalidOperation
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from benchmark_core.collector import without_collector
from benchmark_core.documents import ContractError, read_bounded
from benchmark_core.faults import SpecFault
from benchmark_core.reasoning.states import parse_state
from benchmark_core.tasks import registry as tasks
from scoring.energy_unit import contradiction
from scoring.errors import ScoringError

MASTER_FILE: Final = "master_results.csv"
ENERGY: Final = "wh_per_1000_queries"
NEEDED: Final = (
    *("model_name", "model_class", "task", "error_message", "verdict", "official", "rehearsal"),
    *("reasoning_requested", "reasoning_effective", ENERGY),
)
LONGEST_CELL: Final = 100_000
LONGEST_TABLE_BYTES: Final = 2**30
"""Some hundred thousand rows."""
# Far beyond any run; a text of a million digits would be exact for minutes.
LONGEST_NUMBER: Final = 40
LARGEST_EXPONENT: Final = 30
INTERVAL: Final = Context(prec=17)
"""Intervals are quotients, and would have as many digits as any context allows."""


@dataclass(frozen=True)
class Group:
    """Rows that are rated against each other. `model_class` is empty where a task has none."""

    task: str
    model_class: str
    reasoning: bool
    rehearsal: bool


class Cells(Mapping[str, str]):
    """One line of a table. The names of its columns are kept once for all lines."""

    __slots__ = ("_columns", "_values")

    def __init__(self, columns: Mapping[str, int], values: Sequence[str]) -> None:
        self._columns = columns
        self._values = values

    def __getitem__(self, name: str) -> str:
        return self._values[self._columns[name]]

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __len__(self) -> int:
        return len(self._columns)

    def number(self, name: str) -> Decimal | None:
        """A figure exactly as it stands; None where there is no such column, or no figure."""
        return number_of(self.get(name, ""))


@dataclass(frozen=True, slots=True)
class Row:
    """A row that can be rated. `wh` is GPU energy in Wh per 1,000 queries, exactly as it stands.

    `interval_wh` is the half width of its 95 % confidence interval; None where it is not known.
    """

    line: int
    model: str
    state: str
    group: Group
    wh: Decimal
    interval_wh: Decimal | None
    cells: Cells


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A row that cannot be rated, and why."""

    line: int
    model: str
    state: str
    because: str


@without_collector()
def read_rows(path: Path) -> list[Row | LeftOut]:
    """Every row of the table at `path`, or of the output directory there.

    Raises:
        ScoringError: it cannot be read, or lacks a column.
    """
    return [_row(line, cells) for line, cells in _read(path)]


def read_cells(path: Path) -> list[Cells]:
    """The same lines as they stand, whether or not they can be rated. Raises as `read_rows`."""
    return [cells for _, cells in _read(path)]


def _read(path: Path) -> list[tuple[int, Cells]]:
    csv.field_size_limit(LONGEST_CELL)
    try:
        path = path / MASTER_FILE if path.is_dir() else path
        text = read_bounded(path.resolve(), LONGEST_TABLE_BYTES).decode("utf-8-sig")
        return list(_lines(path, csv.reader(io.StringIO(text, newline=""), strict=True)))
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


def number_of(text: str) -> Decimal | None:
    """None for what is empty, too long, too large, or no number."""
    text = text.strip()
    if not text or len(text) > LONGEST_NUMBER:
        return None
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    # Python's numbers may have underscores, and no program writes them.
    if "_" in text or not number.is_finite() or abs(number.adjusted()) > LARGEST_EXPONENT:
        return None
    return number


def _lines(path: Path, reader: Any) -> Iterator[tuple[int, Cells]]:
    names: list[str] = next(reader, [])
    missing = [name for name in NEEDED if name not in names]
    if missing:
        raise ScoringError(
            str(path),
            f"lacks {'the column' if len(missing) == 1 else 'the columns'} {', '.join(missing)}",
            "Import tables of older tools first.",
        )
    columns = {name: number for number, name in enumerate(names)}
    for values in reader:
        line = reader.line_num
        if not values:
            continue
        if len(values) != len(names):
            raise ScoringError(f"{path}, line {line}", "is cut off", "Make the table again.")
        yield line, Cells(columns, values)


def _row(line: int, cells: Cells) -> Row | LeftOut:
    model, state = cells["model_name"], cells["reasoning_requested"]
    try:
        group = _group(
            cells["task"], cells["model_class"], _reasons(cells), cells["rehearsal"] == "yes"
        )
        wh = _energy(cells, group)
        energy = cells.number("gpu_energy_wh")
        if because := contradiction(wh, energy, cells.number("successful_prompts")):
            raise _Unrated(because)
        return Row(line, model, state, group, wh, _interval_wh(cells, energy, wh), cells)
    except _Unrated as because:
        return LeftOut(line, model, state, str(because))


class _Unrated(Exception):
    """Why a row cannot be rated."""


@lru_cache(maxsize=1000)
def _group(task: str, model_class: str, reasoning: bool, rehearsal: bool) -> Group:
    name = tasks.named(task)
    if name is None:
        raise _Unrated(f"its task {task[:40]!r} is not known")
    found = tasks.get(name)
    if found.has_classes and not model_class:
        raise _Unrated("it has no class, and models of its task are rated within one")
    return Group(
        task=found.spellings[0],
        model_class=model_class if found.has_classes else "",
        reasoning=reasoning,
        rehearsal=rehearsal,
    )


def _reasons(cells: Cells) -> bool:
    """Whether the model reasoned, as it was asked to."""
    if cells["error_message"]:
        raise _Unrated("it failed")
    return _asked_and_done(cells["reasoning_requested"], cells["reasoning_effective"])


@lru_cache(maxsize=1000)
def _asked_and_done(requested: str, effective: str) -> bool:
    if not requested:
        return False
    try:
        asked = parse_state(requested).thinking
    except SpecFault as fault:
        raise _Unrated(fault.message) from fault
    if effective and asked != (effective == "on"):
        raise _Unrated(f"asked for {requested}, and its reasoning is {effective}")
    return asked


def _energy(cells: Cells, group: Group) -> Decimal:
    text = cells[ENERGY].strip()
    if not text:
        raise _Unrated("it has no GPU energy")
    if cells["verdict"] != "valid" and not group.rehearsal:
        raise _Unrated(f"its verdict is {cells['verdict'] or 'not known'}")
    if cells["official"] != "yes" and not group.rehearsal:
        raise _Unrated("it did not keep to the official protocol")
    number = number_of(text)
    if number is None or number <= 0:
        raise _Unrated(f"its energy {text[:LONGEST_NUMBER]!r} is no number above 0")
    return number


def _interval_wh(cells: Cells, energy: Decimal | None, wh: Decimal) -> Decimal | None:
    """The table has it for the samples that were run; it grows with the energy."""
    half = cells.number("gpu_energy_ci95_wh")
    if energy is None or half is None or energy <= 0 or half < 0:
        return None
    return INTERVAL.plus(half / energy * wh)
