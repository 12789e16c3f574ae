"""The page of one run: what it was measured with, how it was judged, and what its GPUs drew."""

import base64
import re
from dataclasses import dataclass
from pathlib import Path

from benchmark_core.contract import REPORT_FILE
from benchmark_core.documents import ContractError, read_bounded
from benchmark_core.report.outline import ReportOutline
from scoring.leaderboard.entries import bounded
from scoring.leaderboard.sources import Sources
from scoring.quality import Quality
from scoring.results_table import Row
from scoring.row_identity import Measurement

PAGES_DIR = "runs"
PLOT_FILE = "power_trace.svg"
LONGEST_PLOT_BYTES = 2 * 2**20
PLAIN_NAME = re.compile(r"[A-Za-z0-9_][\w.+-]{0,180}", re.ASCII)


@dataclass(frozen=True)
class Evidence:
    """`plot` is the power trace as an address that holds the picture; None where there is none.

    `quality` are the figures beside the stars with their names, as far as the model has any.
    """

    model: str
    state: str
    task: str
    report: ReportOutline
    plot: str | None
    quality: tuple[tuple[str, str], ...]


def addresses(sources: Sources) -> dict[Measurement, str]:
    """Where the page of each run stands in the site: under the name of its folder.

    Folders of two results may have one name; the later ones get a number.
    """
    taken: set[str] = set()
    plain = (
        (one, folder.name if PLAIN_NAME.fullmatch(folder.name) else "run")
        for one, folder in sources.folders.items()
    )
    return {one: _free(name, taken) for one, name in plain}


def _free(name: str, taken: set[str]) -> str:
    candidate, number = name, 1
    while candidate.lower() in taken:
        number += 1
        candidate = f"{name}.{number}"
    taken.add(candidate.lower())
    return f"{PAGES_DIR}/{candidate}.html"


def read_evidence(row: Row, folder: Path, quality: Quality) -> Evidence | None:
    """None where the report cannot be believed, or its energy is not that of the row."""
    try:
        report = ReportOutline.read(folder / REPORT_FILE)
    except ContractError:
        return None
    if report.summary is None or report.summary.wh_per_1000_queries != float(row.wh):
        return None
    plot = _plot(folder / PLOT_FILE)
    known = zip(map(bounded, quality.columns), map(bounded, quality.of(row)), strict=True)
    return Evidence(
        model=bounded(row.model),
        state=bounded(row.state),
        task=row.task,
        report=report,
        plot=plot,
        quality=tuple((name, cell) for name, cell in known if cell),
    )


def _plot(path: Path) -> str | None:
    """A picture in an address can run no script, whatever is written in it."""
    try:
        content = read_bounded(path, LONGEST_PLOT_BYTES)
    except (OSError, ContractError):
        return None
    return f"data:image/svg+xml;base64,{base64.b64encode(content).decode()}"
