"""`classes`: the class of every model by the rule, beside the one it was measured in."""

import argparse
import json
import sys
from pathlib import Path

from benchmark_core.terminal_text import printable


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "results", type=Path, metavar="FILE|DIR", help="a master_results.csv, or its folder"
    )
    parser.add_argument(
        "--parameters",
        type=Path,
        metavar="FILE",
        help="a CSV with the columns model and billions, where a name does not tell the size",
    )
    parser.add_argument("--json", action="store_true", help="for programs")


def run(options: argparse.Namespace) -> int:
    """Exit code 0, also where a class disagrees: the catalog's counts."""
    from scoring.class_check import check_classes, document, lines
    from scoring.parameters_file import read_parameters
    from scoring.results_table import read_cells

    known = read_parameters(options.parameters) if options.parameters else {}
    checked = check_classes(read_cells(options.results), known)
    for one in checked:
        if warning := one.warning():
            print(f"warning: {printable(warning)}", file=sys.stderr)
    if options.json:
        print(json.dumps(document(checked), indent=2, allow_nan=False))
        return 0
    for line in lines(checked):
        print(line)
    return 0
