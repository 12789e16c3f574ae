"""The rows of all results that a leaderboard is made of, and the run folder of each."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmark_core.contract import REPORT_FILE
from scoring.results_table import LeftOut, Row
from scoring.row_identity import Measurement, measurement
from scoring.tables import read_table

RUNS_DIR = "individual_runs"


@dataclass(frozen=True)
class Sources:
    """The rows of all results, in their order; `folders` has the run folder where there is one."""

    rows: tuple[Row | LeftOut, ...]
    known: dict[Measurement, Row]
    folders: dict[Measurement, Path]

    def completed(self, row: Row) -> Row:
        """A row of an edition with all cells of its table, where a table has the same row."""
        known = self.known.get(measurement(row))
        return row if known is None else row._replace(cells=known.cells)


def read_sources(paths: Sequence[Path]) -> Sources:
    """Raises ScoringError for a path that holds no table."""
    rows: list[Row | LeftOut] = []
    known: dict[Measurement, Row] = {}
    folders: dict[Measurement, Path] = {}
    for path in paths:
        table = read_table(path)
        runs = (path if path.is_dir() else path.parent) / RUNS_DIR
        for row in table:
            rows.append(row)
            if not isinstance(row, Row):
                continue
            known[measurement(row)] = row
            if folder := _folder(runs, row.run_id):
                folders[measurement(row)] = folder
    return Sources(tuple(rows), known, folders)


def _folder(runs: Path, run_id: str) -> Path | None:
    """None also for a run_id that would lead out of the folder of runs."""
    if not run_id or run_id in (".", "..") or Path(run_id).name != run_id or "\0" in run_id:
        return None
    folder = runs / run_id
    try:
        return folder if (folder / REPORT_FILE).is_file() else None
    except OSError:
        # No folder can have such a name.
        return None
