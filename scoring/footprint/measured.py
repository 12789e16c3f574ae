"""Rows of a table as what a footprint starts from: energies, tokens and seconds per 1,000 tasks."""

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast, get_args

from benchmark_core.names import SourceKind, TaskName
from benchmark_core.tasks import registry as tasks
from scoring.csv_table import Cells
from scoring.energy_unit import contradiction
from scoring.errors import ScoringError
from scoring.footprint import electricity
from scoring.footprint.amounts import Kind, Part, Range
from scoring.footprint.factors import Factor, SourcedFigure, data
from scoring.results_table import ENERGY, NO_NAME, LeftOut, Row
from scoring.row_identity import model_and_state
from scoring.tables import read_lines
from scoring.words import REHEARSAL

PER: Final = 1000
MOST_REASONS: Final = 3


@dataclass(frozen=True)
class Measured:
    """One row. Energies, tokens and seconds are per 1,000 tasks; None is what it does not tell.

    `remarks` are what a reader should know of it: its verdict, deviations, a rehearsal. `rated` is
    the row where it can be rated.
    """

    model: str
    state: str
    task: str
    rehearsal: bool
    remarks: tuple[str, ...]
    gpu: Part
    cpu: Part | None = None
    ram: Part | None = None
    seconds: float | None = None
    gpus: int | None = None
    gpu_name: str = ""
    region: str | None = None
    tokens: Factor | None = None
    run_id: str = ""
    rated: Row | None = None

    @property
    def name(self) -> str:
        return model_and_state(self)


@dataclass(frozen=True)
class NotCounted:
    """A row without a footprint, and why."""

    name: str
    because: str


def read_measured(path: Path, wanted: str = "") -> Iterator[Measured | NotCounted]:
    """The rows whose model's name has `wanted` in it, whatever its capitals, one after the other.

    Raises:
        ScoringError: the table cannot be read, or, at its end, there was no such row, or none with
            GPU energy.
    """
    others: dict[str, None] = {}
    reasons: list[str] = []
    has_energy = False
    for row, cells in read_lines(path):
        # Mistakes in rows that nobody asked for are no matter here.
        if wanted.casefold() not in row.model.casefold():
            others[row.model] = None
            continue
        one = _of_published(row) if cells is None else _of_cells(row, cells)
        if isinstance(one, Measured):
            has_energy = True
        elif len(reasons) < MOST_REASONS:
            reasons.append(f"{one.name}: {one.because}")
        yield one
    if not has_energy and not reasons:
        raise ScoringError(str(path), *_nothing([*others], wanted))
    if not has_energy:
        what = f"has no row with GPU energy ({'; '.join(reasons)})"
        raise ScoringError(str(path), what, "A footprint starts from that.")


def _nothing(models: Sequence[str], wanted: str) -> tuple[str, str]:
    if not models:
        return "has no row", "Measure something first."
    near = difflib.get_close_matches(wanted, models, n=3, cutoff=0.3) or models[:3]
    return f"has no model with {wanted[:80]!r} in its name", f"It has {', '.join(near)}."


def _of_published(row: Row | LeftOut) -> Measured | NotCounted:
    if isinstance(row, LeftOut):
        return NotCounted(model_and_state(row) or row.place, row.because)
    how = "by AI Energy Score"
    return Measured(
        run_id=row.run_id,
        model=row.model,
        state=row.state,
        task=row.group.task,
        rehearsal=False,
        remarks=(),
        gpu=_energy("gpu", Range.exactly(float(row.wh)), "published", how),
        tokens=_dataset_tokens(tasks.named(row.group.task)),
        rated=row,
    )


def _of_cells(row: Row | LeftOut, cells: Cells) -> Measured | NotCounted:
    name = model_and_state(row)
    wh = cells.number(ENERGY)
    if not row.model.strip():
        return NotCounted(row.place, NO_NAME)
    if cells["error_message"]:
        return NotCounted(name, "it failed")
    if not cells[ENERGY].strip():
        return NotCounted(name, "it has no GPU energy")
    if wh is None or wh <= 0:
        return NotCounted(name, f"its energy {cells[ENERGY][:40]!r} is no number above 0")
    energy, counted = cells.number("gpu_energy_wh"), cells.number("successful_prompts")
    if because := contradiction(wh, energy, counted):
        return NotCounted(name, because)
    samples, gpus = _positive(cells, "successful_prompts"), _positive(cells, "gpu_count")
    seconds = _positive(cells, "total_duration_seconds")
    region = cells.get("co2_region")
    return Measured(
        run_id=cells.get("run_id", ""),
        model=row.model,
        state=row.state,
        task=cells["task"],
        rehearsal=cells["rehearsal"] == "yes",
        remarks=tuple(_remarks(cells)),
        gpu=_gpu(cells, float(wh)),
        cpu=_beside(cells, "cpu", float(wh)),
        ram=_beside(cells, "ram", float(wh)),
        seconds=seconds / samples * PER if seconds and samples else None,
        gpus=int(gpus) if gpus and gpus >= 1 else None,
        gpu_name=cells.get("gpu_name", ""),
        region=region if region in electricity.regions() else None,
        tokens=_tokens(cells, samples),
        rated=row if isinstance(row, Row) else None,
    )


def _remarks(cells: Cells) -> Iterator[str]:
    if cells["rehearsal"] == "yes":
        yield f"{REHEARSAL}: nothing was measured"
    elif cells["official"] != "yes":
        yield "not official"
    if cells["verdict"] != "valid":
        yield f"verdict {cells['verdict'] or 'not known'}"


def _gpu(cells: Cells, wh: float) -> Part:
    kind, how = _source(cells, "gpu")
    energy, half = _positive(cells, "gpu_energy_wh"), _positive(cells, "gpu_energy_ci95_wh")
    if not energy or not half:
        return _energy("gpu", Range.exactly(wh), kind, how)
    off = half / energy * wh
    return _energy(
        "gpu",
        Range(max(wh - off, 0), wh, wh + off),
        kind,
        f"{how}; range: 95 % confidence interval of its repetitions",
    )


def _beside(cells: Cells, part: str, gpu_wh: float) -> Part | None:
    """CPU or RAM, of the same phases and samples as the GPU energy."""
    energy, gpu = cells.number(f"{part}_energy_wh"), _positive(cells, "gpu_energy_wh")
    if energy is None or energy < 0 or gpu is None:
        return None
    kind, how = _source(cells, part)
    return _energy(part, Range.exactly(float(energy) / gpu * gpu_wh), kind, how)


def _energy(part: str, wh: Range, kind: Kind, how: str) -> Part:
    return Part(f"{part}_energy", part.upper(), wh, kind, how)


def _source(cells: Cells, part: str) -> tuple[Kind, str]:
    """A source of ours says `kind: method`; one of another program says nothing."""
    kind, _, how = cells.get(f"{part}_energy_source", "").partition(": ")
    if kind in get_args(SourceKind):
        return cast("Kind", kind), how
    return "reported", "by another program, which does not say how"


def _tokens(cells: Cells, samples: float | None) -> Factor | None:
    """Input tokens, as this run counted them, or as the dataset has them."""
    name = tasks.named(cells["task"])
    counted = _positive(cells, "total_prompt_tokens")
    if name not in data("dataset_tokens.yaml")["tokens"] or not counted or not samples:
        return _dataset_tokens(name)
    figure = SourcedFigure(value=counted / samples * PER, source="counted in the run")
    return Factor("input tokens", "per 1,000 tasks", (figure,))


def _dataset_tokens(name: TaskName | None) -> Factor | None:
    known = data("dataset_tokens.yaml")
    if name not in known["tokens"]:
        return None
    figure = SourcedFigure(value=known["tokens"][name], source=known["source"])
    return Factor("input tokens", "per 1,000 tasks", (figure,))


def _positive(cells: Cells, name: str) -> float | None:
    number = cells.number(name)
    return float(number) if number is not None and number > 0 else None
