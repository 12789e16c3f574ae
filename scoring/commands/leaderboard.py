"""`leaderboard`: a site of static pages on rated results."""

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

from benchmark_core.terminal_text import printable


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "results",
        type=Path,
        nargs="+",
        metavar="FILE|DIR",
        help="a master_results.csv or its folder, or the tables of a published edition",
    )
    parser.add_argument(
        "--edition",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="an edition that can be chosen on the page; may be given several times",
    )
    parser.add_argument(
        "--quality",
        type=Path,
        metavar="FILE",
        help="a CSV with the column model: its other columns are shown beside the stars",
    )
    parser.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="the folder that is written"
    )


def run(options: argparse.Namespace) -> int:
    """Exit code 0 when the site is written."""
    from scoring.editions.file import read_edition
    from scoring.leaderboard.site import INDEX_FILE, write_site
    from scoring.leaderboard.sources import read_sources
    from scoring.quality import Quality, read_quality
    from scoring.results_table import LeftOut, Row
    from scoring.suspicions import suspicions
    from scoring.tables import ignored_files
    from scoring.warning import warn

    _refuse_twice(options.results)
    editions = [read_edition(path) for path in options.edition]
    sources = read_sources(options.results)
    quality = read_quality(options.quality) if options.quality else Quality()
    known = [row for edition in editions for row in edition.rows()]
    rows = [row for row in sources.rows if isinstance(row, Row)]
    for path in options.results:
        warn(ignored_files(path))
    warn(suspicions(rows, known))
    warn(f"{model} has a quality, and no row" for model in quality.models_without_row(rows + known))
    warn(
        f"{folder}: its report does not bear out its row in the table, which goes without a page"
        " of evidence"
        for folder in write_site(options.out, sources, editions, quality)
    )
    print(printable(f"Written: {options.out / INDEX_FILE}"))
    if left_out := sum(isinstance(row, LeftOut) for row in sources.rows):
        which = "1 row is" if left_out == 1 else f"{left_out:,} rows are"
        print(f"{which} not rated; the page says why")
    return 0


def _refuse_twice(results: Sequence[Path]) -> None:
    """Every row of it would be rated against itself."""
    from scoring.errors import ScoringError

    seen: set[str] = set()
    for path in results:
        real = os.path.realpath(path)
        if real in seen:
            raise ScoringError(str(path), "is given twice", "Give each of the results once.")
        seen.add(real)
