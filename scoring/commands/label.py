"""`label`: a label for every rated row."""

import argparse
from pathlib import Path

from benchmark_core.terminal_text import printable


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "results", type=Path, metavar="FILE|DIR", help="as for the command stars: what is rated"
    )
    parser.add_argument(
        "--edition", type=Path, metavar="FILE", help="rate by its edges, and show its month"
    )
    parser.add_argument(
        "--model", default="", metavar="SUBSTRING", help="only models whose name has it"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="where they go")


def run(options: argparse.Namespace) -> int:
    """Exit code 0 when every label is written."""
    from scoring.errors import ScoringError
    from scoring.label.basis import rated_with_basis
    from scoring.label.facts import LabelFacts, facts_of
    from scoring.label.files import stems, write_label
    from scoring.suspicions import suspicions
    from scoring.tables import ignored_files
    from scoring.warning import warn

    ratings, basis = rated_with_basis(options.results, options.edition)
    rows = [one.row for rated in ratings.groups for one in rated.rows]
    warn(ignored_files(options.results))
    warn(suspicions(rows, basis.edition.rows() if basis.edition else ()))
    found: list[LabelFacts] = []
    for rated in ratings.groups:
        for one in rated.rows:
            if options.model.casefold() not in one.row.model.casefold():
                continue
            try:
                found.append(facts_of(one, rated, basis))
            except ValueError:
                place = f"{one.row.place}, {one.row.model[:80]!r}"
                warn([f"{place}: no label, it has no name or one too long"])
    if not found:
        raise ScoringError(
            str(options.results),
            "has no rated row" + (f" with {options.model!r} in its model" if options.model else ""),
            "The command stars tells which rows are rated.",
        )
    for name, facts in zip(stems(found), found, strict=True):
        lacking = write_label(options.out, name, facts).lacking
        if lacking:
            characters = " ".join(sorted(lacking)[:20])
            warn([f"{name}.png: no font here has {characters}: drawn as boxes"])
    print(printable(f"{options.out}: {len(found)} labels, each as SVG and as PNG in two sizes"))
    return 0
