"""`classes`: the class of every model by the rule, beside the one it was measured in."""

import argparse
import json
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "models",
        type=Path,
        metavar="FILE|DIR",
        help="a catalog, such as models.csv; or as for the command stars, and any row counts",
    )
    parser.add_argument(
        "--parameters",
        type=Path,
        metavar="FILE",
        help="a catalog, or a CSV with the columns model and billions: counts before the name"
        " of the model (default: the catalog, where one is checked)",
    )
    parser.add_argument("--json", action="store_true", help="for programs")


def run(options: argparse.Namespace) -> int:
    """Exit code 0, also where a class disagrees: the catalog's counts."""
    from scoring import class_view
    from scoring.catalog import catalog_cells, catalog_sizes, is_catalog
    from scoring.class_check import check_classes
    from scoring.model_sizes import read_sizes
    from scoring.tables import ignored_files, read_models
    from scoring.warning import warn

    catalog = is_catalog(options.models)
    known = catalog_sizes(options.models) if catalog else {}
    if options.parameters:
        known = read_sizes(options.parameters)
    lines = catalog_cells(options.models) if catalog else read_models(options.models)
    checked = check_classes(lines, known)
    warn(ignored_files(options.models))
    warn(sentence for one in checked if (sentence := one.warning()))
    if options.json:
        print(json.dumps(class_view.document(checked), indent=2, allow_nan=False))
        return 0
    for line in class_view.lines(checked):
        print(line)
    return 0
