"""Rows as the page shows them: data alone, every text bounded and printable."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from benchmark_core.named_size import named_size
from benchmark_core.terminal_text import printable
from scoring.figures import plain, with_interval
from scoring.quality import Quality
from scoring.ratings import RatedRow
from scoring.row_identity import Measurement, measurement
from scoring.words import hardware_words

LONGEST_NAME = 120
HUB = "https://huggingface.co/"
ON_THE_HUB = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Entry:
    """One row. `wh` is exact, in Wh per 1,000 queries, `interval_wh` the half width of its 95 %
    interval, `energy` both as they are shown; `throughput` counts tokens per second, `tokens`
    generated tokens per query, `billions` parameters by the name. None, or an empty text, is not
    known.

    `on_hub`: the name is one that a page of the hub can have; `evidence` is the address of the page
    of the run, in the site. `possible` are the fewest and the most stars within the
    intervals. `quality` has a text for each column that stands beside the stars.
    """

    model: str
    state: str
    stars: int
    possible: tuple[int, int] | None
    wh: str
    interval_wh: float | None
    energy: str
    throughput: float | None
    billions: float | None
    tokens: float | None
    hardware: str
    on_hub: bool
    evidence: str
    quality: tuple[str, ...]


@dataclass(frozen=True)
class Beside:
    """What stands beside the rows: `evidence` has the addresses of the pages that were written."""

    evidence: Mapping[Measurement, str]
    quality: Quality


def make_entry(rated: RatedRow, beside: Beside) -> Entry:
    row, cells = rated.row, rated.row.cells
    size = named_size(row.model)
    return Entry(
        model=bounded(row.model),
        state=bounded(row.state),
        stars=rated.stars,
        possible=rated.possible,
        wh=plain(row.wh),
        interval_wh=None if row.interval_wh is None else float(row.interval_wh),
        energy=with_interval(row.wh, row.interval_wh),
        throughput=_above_zero(cells.number("throughput_tokens_per_second")),
        billions=size.parameters / 1e9 if size else None,
        tokens=_tokens(rated),
        hardware=_hardware(rated),
        on_hub=not row.group.rehearsal and _is_on_hub(row.model),
        evidence=beside.evidence.get(measurement(row), ""),
        quality=tuple(map(bounded, beside.quality.of(row))),
    )


def _is_on_hub(model: str) -> bool:
    """By the form of its name: false for a path, or what somebody made up."""
    return len(model) <= LONGEST_NAME and ON_THE_HUB.fullmatch(model) is not None


def bounded(text: str) -> str:
    text = printable(text)
    return text if len(text) <= LONGEST_NAME else f"{text[: LONGEST_NAME - 1]}…"


def _tokens(rated: RatedRow) -> float | None:
    cells = rated.row.cells
    tokens = _above_zero(cells.number("total_completion_tokens"))
    queries = _above_zero(cells.number("successful_prompts"))
    return tokens / queries if tokens and queries else None


def _hardware(rated: RatedRow) -> str:
    cells = rated.row.cells
    return bounded(hardware_words(cells.get("gpu_name", ""), cells.get("gpu_count", "")))


def _above_zero(number: Decimal | None) -> float | None:
    return float(number) if number and number > 0 else None
