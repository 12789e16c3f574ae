"""`master_results.csv` as rows that can be rated, and the reasons why others cannot."""

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal
from functools import lru_cache
from operator import itemgetter
from pathlib import Path
from typing import Final, NamedTuple

from benchmark_core.collector import without_collector
from benchmark_core.faults import SpecFault
from benchmark_core.reasoning.states import parse_state
from benchmark_core.tasks import registry as tasks
from scoring.classes import CLASSES
from scoring.csv_table import Cells, CsvTable, open_table
from scoring.energy_unit import contradiction
from scoring.figures import LONGEST_NUMBER, number_of

MASTER_FILE: Final = "master_results.csv"
ENERGY: Final = "wh_per_1000_queries"
NEEDED: Final = (
    *("model_name", "model_class", "task", "error_message", "verdict", "official", "rehearsal"),
    *("reasoning_requested", "reasoning_effective", ENERGY),
)
"""In the order in which a row is read from them."""
KEPT: Final = (
    *NEEDED,
    *("run_id", "timestamp", "spec_hash", "imported_from", "gpu_name", "gpu_count"),
    *("gpu_energy_wh", "gpu_energy_ci95_wh", "successful_prompts", "total_completion_tokens"),
    *("throughput_tokens_per_second", "verdict_reasons"),
)
"""What is kept of a row: all that labels, editions and pages show. A table has five times that."""
LONGEST_TABLE_BYTES: Final = 2**30
"""Some hundred thousand rows."""
INTERVAL: Final = Context(prec=17)
"""Intervals are quotients, and would have as many digits as any context allows."""
LONGEST_REASONS: Final = 80
NO_NAME: Final = "it has no model name"
REMEDY: Final = f"Name a {MASTER_FILE} or its folder; import tables of older tools first."


@dataclass(frozen=True)
class Group:
    """Rows that are rated against each other. `model_class` is empty where a task has none."""

    task: str
    model_class: str
    reasoning: bool
    rehearsal: bool


class Row(NamedTuple):
    """A row that can be rated. `wh` is GPU energy in Wh per 1,000 queries, exactly as it stands.

    `interval_wh` is the half width of its 95 % confidence interval; None where it is not known.
    `file` names one of several tables that were read as one; `cells` has the columns KEPT.
    """

    # A tuple, because a frozen dataclass takes three times as long to make, and there are many.
    line: int
    model: str
    state: str
    group: Group
    wh: Decimal
    interval_wh: Decimal | None
    cells: Cells
    file: str = ""

    @property
    def run_id(self) -> str:
        """Empty where its table has none."""
        return self.cells.get("run_id", "")

    @property
    def task(self) -> str:
        return self.group.task

    @property
    def place(self) -> str:
        """Where it stands, for a message."""
        return _place(self.file, self.line)

    def left_out(self, because: str) -> "LeftOut":
        """The same row, which is not rated after all."""
        return LeftOut(
            self.line, self.model, self.state, because, self.file, self.task, self.run_id
        )


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A row that cannot be rated, and why. `task` and `run_id` are as its table has them."""

    line: int
    model: str
    state: str
    because: str
    file: str = ""
    task: str = ""
    run_id: str = ""

    @property
    def place(self) -> str:
        """Likewise."""
        return _place(self.file, self.line)


class Unrated(Exception):
    """Why a row cannot be rated."""


@without_collector()
def read_rows(path: Path) -> list[Row | LeftOut]:
    """Every row of the table at `path`, or of the output directory there.

    Raises:
        ScoringError: it cannot be read, or lacks a column.
    """
    table = _open(path)
    columns, kept = _kept(table)
    return [_row(line, columns, kept(values)) for line, values in table.lines]


def read_lines(path: Path) -> Iterator[tuple[Row | LeftOut, Cells]]:
    """The same rows, each with all its cells. Raises as `read_rows`, also while they are read."""
    table = _open(path)
    columns, kept = _kept(table)
    for line, values in table.lines:
        yield _row(line, columns, kept(values)), Cells(table.columns, values)


def _kept(table: CsvTable) -> tuple[Mapping[str, int], Callable[[Sequence[str]], Sequence[str]]]:
    """The columns KEPT, of which those NEEDED come first; and of the values of a line theirs."""
    kept = [name for name in KEPT if name in table.columns]
    # One cell alone would be no tuple, but there are always more.
    chosen = itemgetter(*(table.columns[name] for name in kept))
    return {name: place for place, name in enumerate(kept)}, chosen


def read_cells(path: Path) -> Iterator[Cells]:
    """All cells of every line, whether or not it can be rated. Raises likewise."""
    return (cells for _, cells in _open(path).cells())


def _open(path: Path) -> CsvTable:
    # Whoever opens it says why it cannot be read.
    with contextlib.suppress(OSError, RuntimeError):
        path = path / MASTER_FILE if path.is_dir() else path
    return open_table(path, NEEDED, REMEDY, LONGEST_TABLE_BYTES)


def _place(file: str, line: int) -> str:
    return f"{file}, line {line}" if file else f"line {line}"


def _row(line: int, columns: Mapping[str, int], values: Sequence[str]) -> Row | LeftOut:
    (model, model_class, task, error, verdict, official, rehearsal, requested, effective, text) = (
        values[: len(NEEDED)]
    )
    cells = Cells(columns, values)
    try:
        if not model.strip():
            raise Unrated(NO_NAME)
        if error:
            raise Unrated("it failed")
        group = _group(task, model_class, requested, effective, rehearsal)
        told = cells.get("verdict_reasons", "")
        wh = _energy(text, verdict, official, told, group)
        energy = cells.number("gpu_energy_wh")
        if because := contradiction(wh, energy, cells.number("successful_prompts")):
            raise Unrated(because)
        return Row(line, model, requested, group, wh, _interval_wh(cells, energy, wh), cells)
    except Unrated as because:
        run_id = cells.get("run_id", "")
        return LeftOut(line, model, requested, str(because), task=task, run_id=run_id)


@lru_cache(maxsize=1000)
def _group(task: str, model_class: str, requested: str, effective: str, rehearsal: str) -> Group:
    """A table has few of them, and many rows in each."""
    return group_of(task, model_class, _reasons(requested, effective), rehearsal == "yes")


def group_of(task: str, model_class: str, reasoning: bool, rehearsal: bool) -> Group:
    """The group of a row, from the cells that say it. Raises Unrated where it has none."""
    name = tasks.named(task)
    if name is None:
        raise Unrated(f"its task {task[:40]!r} is not known")
    found = tasks.get(name)
    named = model_class.strip() if found.has_classes else ""
    if found.has_classes and not named:
        raise Unrated("it has no class, and models of its task are rated within one")
    if found.has_classes and named not in CLASSES:
        raise Unrated(f"its class {named[:40]!r} is none of {', '.join(CLASSES)}")
    return Group(
        task=found.spellings[0],
        model_class=named,
        reasoning=reasoning,
        rehearsal=rehearsal,
    )


def _reasons(requested: str, effective: str) -> bool:
    """Whether the model reasoned, as it was asked to."""
    if not requested:
        return False
    try:
        asked = parse_state(requested).thinking
    except SpecFault as fault:
        raise Unrated(fault.message) from fault
    if effective and asked != (effective == "on"):
        raise Unrated(f"asked for {requested}, and its reasoning is {effective}")
    return asked


def _energy(text: str, verdict: str, official: str, reasons: str, group: Group) -> Decimal:
    """`reasons` are those of the verdict, as the table has them."""
    text, told = text.strip(), f" ({reasons[:LONGEST_REASONS]})" if reasons else ""
    if not text:
        raise Unrated(f"it has no GPU energy{told}")
    if verdict != "valid" and not group.rehearsal:
        raise Unrated(f"its verdict is {verdict or 'not known'}{told}")
    if official != "yes" and not group.rehearsal:
        raise Unrated("it did not keep to the official protocol")
    number = number_of(text)
    if number is None or number <= 0:
        raise Unrated(f"its energy {text[:LONGEST_NUMBER]!r} is no number above 0")
    return number


def _interval_wh(cells: Cells, energy: Decimal | None, wh: Decimal) -> Decimal | None:
    """The table has it for the samples that were run; it grows with the energy."""
    half = cells.number("gpu_energy_ci95_wh")
    if energy is None or half is None or energy <= 0 or half < 0:
        return None
    return INTERVAL.plus(half / energy * wh)
