"""`verify`: whether what was published follows from its evidence."""

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path

from benchmark_core.terminal_text import printable
from scoring.failed_point import FailedPoint

FINE, FAILED = 0, 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("published", type=Path, metavar="FILE", help="a label (.svg)")
    parser.add_argument(
        "--results",
        type=Path,
        metavar="FILE|DIR",
        help="what a label was made of: a master_results.csv or its folder, or published tables",
    )
    parser.add_argument(
        "--edition", type=Path, metavar="FILE", help="the edition that a label was rated by"
    )


def run(options: argparse.Namespace) -> int:
    """Exit code 0 when nothing fails, 1 with a line for each point that does."""
    from scoring.errors import ScoringError

    check = KINDS.get(options.published.suffix.lower())
    if check is None:
        raise ScoringError(
            str(options.published), "is of no kind that can be verified", f"Name a {_kinds()} file."
        )
    points = check(options)
    for point in points:
        print(point.line())
    name = options.published
    print(printable(f"{name}: failed points: {len(points)}" if points else f"{name}: follows"))
    return FAILED if points else FINE


def _label(options: argparse.Namespace) -> list[FailedPoint]:
    from scoring.errors import ScoringError
    from scoring.label.check import check_label

    if options.results is None:
        raise ScoringError("--results", "is missing", "A label is verified against results.")
    return check_label(options.published, options.results, options.edition)


def _kinds() -> str:
    return " or ".join(KINDS)


KINDS: Mapping[str, Callable[[argparse.Namespace], list[FailedPoint]]] = {".svg": _label}
