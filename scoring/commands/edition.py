"""`edition`: rows and edges frozen in a file."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from benchmark_core.terminal_text import printable

if TYPE_CHECKING:
    from scoring.editions.edition import Edition
    from scoring.ratings import Ratings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("results", type=Path, metavar="FILE|DIR", help="the rows of the edition")
    parser.add_argument("--name", required=True, help="of the edition, such as 2026-12")
    parser.add_argument(
        "--scored", required=True, metavar="YYYY-MM", help="the month that its labels show"
    )
    parser.add_argument(
        "--after", type=Path, metavar="FILE", help="an earlier edition, whose rows stay in"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="what is written")


def run(options: argparse.Namespace) -> int:
    """Exit code 0 when the file is written."""
    from scoring.editions.file import read_edition, write_edition
    from scoring.editions.freezing import carried_over, other_runs
    from scoring.errors import ScoringError
    from scoring.ratings import rate
    from scoring.results_table import Row
    from scoring.stars_view import left_out_lines
    from scoring.suspicions import suspicions
    from scoring.tables import ignored_files, read_table
    from scoring.warning import warn

    _check_name(options.name)
    earlier = read_edition(options.after) if options.after else None
    rows = read_table(options.results)
    known = earlier.rows() if earlier else []
    warn(ignored_files(options.results))
    warn(suspicions([row for row in rows if isinstance(row, Row)], known))
    if earlier:
        warn(other_runs(rows, earlier))
        rows = carried_over(rows, earlier)
    ratings = rate(rows)
    if not ratings.groups:
        raise ScoringError(
            str(options.results),
            "has no row that can be rated",
            "The command stars tells why of each row.",
        )
    edition = _frozen(options, ratings)
    write_edition(options.out, edition)
    count = sum(len(group.rows) for group in edition.groups)
    print(
        printable(
            f"{options.out}: edition {edition.edition}, rows: {count}, groups:"
            f" {len(edition.groups)}, left out: {len(ratings.left_out)}"
        )
    )
    for line in left_out_lines(ratings.left_out):
        print(line)
    return 0


def _check_name(name: str) -> None:
    from scoring.editions.edition import usable_name
    from scoring.errors import ScoringError

    try:
        usable_name(name)
    except ValueError as error:
        raise ScoringError("--name", str(error), "Choose another, such as 2026-12.") from error


def _frozen(options: argparse.Namespace, ratings: "Ratings") -> "Edition":
    from pydantic import ValidationError

    from scoring.editions.freezing import freeze
    from scoring.errors import ScoringError

    try:
        return freeze(options.name, options.scored, ratings)
    except ValidationError as error:
        raise ScoringError(
            f"--scored {options.scored}", "is no month", "Write it as 2026-12."
        ) from error
