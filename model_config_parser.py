"""Reads a model catalog: `ModelConfigParser(path).parse()`. Run as a script, it prints the catalog.

docs/catalog.md describes every column. The heavier imports wait until a catalog is really read,
so that `--help` answers at once.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from orchestrator.catalog import ModelConfig, filter_configs
    from orchestrator.errors import Problem

__all__ = ["ModelConfig", "ModelConfigParser", "filter_configs", "main"]

PROGRAM = "model_config_parser.py"


def __getattr__(name: str) -> Any:
    if name in ("ModelConfig", "filter_configs"):
        from orchestrator import catalog

        return getattr(catalog, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


class ModelConfigParser:
    """One catalog file."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)

    def parse(self) -> "list[ModelConfig]":
        """The rows in file order.

        Raises:
            UsageError: with every problem of the file (of more than a thousand, the first ones).
        """
        from orchestrator.catalog_file import read_catalog

        return read_catalog(self.path).configs

    def lint(self) -> "list[Problem]":
        """What is no error and yet doubtful: ignored columns, rows that hardly mean what they say.

        Raises:
            UsageError: as `parse` does.
        """
        from orchestrator.catalog_file import read_catalog
        from orchestrator.catalog_lint import lint_configs

        catalog = read_catalog(self.path)
        return [*catalog.ignored_columns, *lint_configs(catalog.configs, catalog.name)]


def main(argv: Sequence[str] | None = None, prog: str = PROGRAM) -> int:
    """Exit code 0; 1 when --lint found something; 2 for a wrong catalog or filter."""
    flags = build_parser(prog)
    options = flags.parse_args(argv)
    if options.example:
        if options != flags.parse_args(["--example"]):
            flags.error("--example goes alone: it prints the whole catalog as it is shipped")
        return _print_example()
    from orchestrator.errors import UsageError

    try:
        return _lint(options) if options.lint else _print_rows(options)
    except UsageError as error:
        for problem in error.problems:
            print(f"error: {problem}", file=sys.stderr)
        return error.exit_code


def _print_rows(options: argparse.Namespace) -> int:
    from orchestrator.catalog import filter_configs
    from orchestrator.catalog_file import read_catalog
    from orchestrator.catalog_lint import lint_configs
    from orchestrator.display.catalog import catalog_text, print_text

    catalog = read_catalog(Path(options.csv))
    configs = filter_configs(
        catalog.configs,
        options.model_name,
        options.model_class,
        options.task,
        options.reasoning_state,
    )
    print_text(catalog_text(configs, as_json=options.json))
    for problem in (*catalog.ignored_columns, *lint_configs(configs, catalog.name)):
        print(f"warning: {problem}", file=sys.stderr)
    return 0


def _lint(options: argparse.Namespace) -> int:
    from orchestrator.display.catalog import print_text, problems_text

    warnings = ModelConfigParser(options.csv).lint()
    print_text(problems_text(warnings, as_json=options.json))
    return 1 if warnings else 0


def _print_example() -> int:
    from orchestrator.catalog_file import EXAMPLE
    from orchestrator.display.catalog import print_text

    print_text(EXAMPLE.read_text(encoding="utf-8"))
    return 0


def build_parser(prog: str = PROGRAM) -> argparse.ArgumentParser:
    flags = argparse.ArgumentParser(
        prog=prog, description="Check a model catalog and print its rows."
    )
    flags.add_argument("--csv", default="models.csv", metavar="FILE", help="default: models.csv")
    flags.add_argument("--json", action="store_true", help="print a JSON list instead of a table")
    flags.add_argument("--model-name", metavar="TEXT", help="rows with this text in the model id")
    flags.add_argument(
        "--class", dest="model_class", metavar="A|B|C", help="rows of a class, or of several: A,B"
    )
    flags.add_argument("--task", help="rows of a task, for example text_gen")
    flags.add_argument(
        "--reasoning-state", metavar="TEXT", help='rows with this text in the state: "High", "Off"'
    )
    flags.add_argument(
        "--lint",
        action="store_true",
        help="check the whole catalog for doubtful rows instead of printing it (exit 1 if any)",
    )
    flags.add_argument(
        "--example",
        action="store_true",
        help="print the catalog that this program comes with, a start for one of your own",
    )
    return flags


if __name__ == "__main__":
    sys.exit(main())
