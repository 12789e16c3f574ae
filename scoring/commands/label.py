"""`label`: a label for every rated row."""

import argparse
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmark_core.terminal_text import printable

if TYPE_CHECKING:
    from scoring.label.basis import Basis
    from scoring.label.facts import LabelFacts
    from scoring.ratings import Ratings

LONGEST_NAME: Final = 80
MOST_NAMED: Final = 5
"""Rows in one sentence; the command stars names more, and with --json all."""


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
    found, unusable = _facts(ratings, basis, options.model)
    if unusable:
        warn([f"{_named(unusable)}: no label, it has no name or one too long"])
    if not found:
        of = " of the edition" if options.edition else ""
        named = f" with {options.model!r} in its model" if options.model else ""
        raise ScoringError(
            str(options.results),
            f"has no rated row{of}{named}",
            "The command stars tells which rows are rated.",
        )
    written = write_labels(options.out, found)
    warn(_boxes({name: spares.lacking for name, spares in written.items() if spares.lacking}))
    labels = "1 label" if len(found) == 1 else f"{len(found):,} labels, each"
    print(printable(f"{options.out}: {labels} as SVG and as PNG in two sizes"))
    return 0


def _facts(ratings: "Ratings", basis: "Basis", wanted: str) -> "tuple[list[LabelFacts], list[str]]":
    """What labels say, and the places of rows that no label can be made of."""
    from scoring.label.facts import facts_of

    found, unusable = [], []
    for rated in ratings.groups:
        for one in rated.rows:
            if not _is_wanted(one.row.model, wanted):
                continue
            try:
                found.append(facts_of(one, rated, basis))
            except ValueError:
                unusable.append(f"{one.row.place}, {one.row.model[:LONGEST_NAME]!r}")
    return found, unusable


def _boxes(lacking: Mapping[str, Collection[str]]) -> Iterator[str]:
    """One sentence on all pictures in which characters are missing, by their names."""
    if not lacking:
        return
    characters = " ".join(sorted({one for of in lacking.values() for one in of})[:20])
    of = next(iter(lacking)) if len(lacking) == 1 else f"{len(lacking)} labels"
    yield f"no font here has {characters}: drawn as boxes in the PNG of {of}"


def _without_label(ratings: "Ratings", wanted: str) -> Iterator[str]:
    """A sentence for each reason, however many rows it is that of."""
    from scoring.row_identity import model_and_state

    rows: dict[str, list[str]] = defaultdict(list)
    for one in ratings.left_out:
        if _is_wanted(one.model, wanted):
            rows[one.because].append(f"{one.place}, {model_and_state(one)[:LONGEST_NAME]}")
    for because, places in rows.items():
        yield f"{_named(places)}: no label, {because}"


def _named(places: Sequence[str]) -> str:
    more = len(places) - MOST_NAMED
    return "; ".join(places[:MOST_NAMED]) + (f"; and {more} more" if more > 0 else "")


def _is_wanted(model: str, wanted: str) -> bool:
    return wanted.casefold() in model.casefold()
