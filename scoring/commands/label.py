"""`label`: a label for every rated row."""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmark_core.terminal_text import printable

if TYPE_CHECKING:
    from scoring.label.facts import Basis, LabelFacts
    from scoring.ratings import Ratings

LONGEST_NAME: Final = 80
MOST_LEFT_OUT: Final = 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "results", type=Path, metavar="FILE|DIR", help="as for the command stars: what is rated"
    )
    parser.add_argument(
        "--edition", type=Path, metavar="FILE", help="only rows of this edition, and its month"
    )
    parser.add_argument(
        "--model", default="", metavar="SUBSTRING", help="only models whose name has it"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="where they go")


def run(options: argparse.Namespace) -> int:
    """Exit code 0 when every label is written."""
    from scoring.errors import ScoringError
    from scoring.label.basis import rated_alone, rated_by_edition
    from scoring.label.files import write_labels
    from scoring.suspicions import suspicions
    from scoring.tables import ignored_files
    from scoring.warning import warn

    if options.edition:
        ratings, basis = rated_by_edition(options.edition, options.results)
    else:
        ratings, basis = rated_alone(options.results)
    rows = [one.row for rated in ratings.groups for one in rated.rows]
    warn(ignored_files(options.results))
    warn(suspicions(rows, basis.edition.rows() if basis.edition else ()))
    warn(_without_label(ratings, options.model))
    found = _facts(ratings, basis, options.model)
    if not found:
        of = " of the edition" if options.edition else ""
        named = f" with {options.model!r} in its model" if options.model else ""
        raise ScoringError(
            str(options.results),
            f"has no rated row{of}{named}",
            "The command stars tells which rows are rated.",
        )
    for name, spares in write_labels(options.out, found).items():
        if spares.lacking:
            characters = " ".join(sorted(spares.lacking)[:20])
            warn([f"{name}.png: no font here has {characters}: drawn as boxes"])
    labels = "1 label" if len(found) == 1 else f"{len(found):,} labels, each"
    print(printable(f"{options.out}: {labels} as SVG and as PNG in two sizes"))
    return 0


def _facts(ratings: "Ratings", basis: "Basis", wanted: str) -> "list[LabelFacts]":
    from scoring.label.facts import facts_of
    from scoring.warning import warn

    found = []
    for rated in ratings.groups:
        for one in rated.rows:
            if not _is_wanted(one.row.model, wanted):
                continue
            try:
                found.append(facts_of(one, rated, basis))
            except ValueError:
                place = f"{one.row.place}, {one.row.model[:LONGEST_NAME]!r}"
                warn([f"{place}: no label, it has no name or one too long"])
    return found


def _without_label(ratings: "Ratings", wanted: str) -> Iterator[str]:
    left_out = [one for one in ratings.left_out if _is_wanted(one.model, wanted)]
    for one in left_out[:MOST_LEFT_OUT]:
        name = f"{one.model} {one.state}".strip()[:LONGEST_NAME]
        yield f"{one.place}, {name}: no label, {one.because}"
    if len(left_out) > MOST_LEFT_OUT:
        yield f"{len(left_out) - MOST_LEFT_OUT} more rows without a label; stars --json lists all"


def _is_wanted(model: str, wanted: str) -> bool:
    return wanted.casefold() in model.casefold()
