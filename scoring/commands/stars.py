"""`stars`: ratings on screen, or for programs."""

import argparse
import sys
from pathlib import Path

from benchmark_core.collector import without_collector
from scoring.schemes import DEFAULT, SCHEMES


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "results",
        type=Path,
        metavar="FILE|DIR",
        help="a master_results.csv or its folder, or the tables of a published edition",
    )
    parser.add_argument(
        "--edition", type=Path, metavar="FILE", help="rate by the edges of this edition"
    )
    parser.add_argument(
        "--quality",
        type=Path,
        metavar="FILE",
        help="a CSV with the column model: its other columns are shown beside the stars",
    )
    parser.add_argument(
        "--scheme",
        choices=list(SCHEMES),
        default=DEFAULT.name,
        help="; ".join(f"{one.name}: {one.summary}" for one in SCHEMES.values()),
    )
    parser.add_argument("--json", action="store_true", help="for programs")


@without_collector()
def run(options: argparse.Namespace) -> int:
    """Exit code 0, whether or not a row can be rated."""
    from scoring import stars_view
    from scoring.editions.file import read_edition
    from scoring.editions.rating import rate_by
    from scoring.errors import ScoringError
    from scoring.json_pieces import json_pieces
    from scoring.quality import Quality, read_quality
    from scoring.ratings import rate
    from scoring.results_table import Row
    from scoring.suspicions import suspicions
    from scoring.tables import ignored_files, read_table
    from scoring.warning import warn

    if options.edition and options.scheme != DEFAULT.name:
        raise ScoringError("--scheme", "does not go with --edition", "An edition has its edges.")
    edition = read_edition(options.edition) if options.edition else None
    quality = read_quality(options.quality) if options.quality else Quality()
    rows = read_table(options.results)
    ratings = rate_by(edition, rows) if edition else rate(rows, SCHEMES[options.scheme])
    real = [row for row in rows if isinstance(row, Row)]
    warn(ignored_files(options.results))
    warn(suspicions(real, edition.rows() if edition else ()))
    warn(f"{model} has a quality, and no row" for model in quality.models_without_row(real))
    by = stars_view.RatedBy(options.scheme, edition.edition if edition else None)
    if options.json:
        sys.stdout.writelines(json_pieces(stars_view.document(ratings, by, quality)))
        return 0
    for line in stars_view.lines(ratings, by, quality):
        print(line)
    return 0
