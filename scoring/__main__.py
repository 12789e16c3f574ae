"""Commands that rate results: `python -m scoring stars`."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmark_core.terminal_text import (
    flush_or_forget,
    make_output_unbreakable,
    printable,
)
from scoring.errors import ScoringError

PROGRAM = "python -m scoring"
HOST_NOT_READY = 3


def main(arguments: Sequence[str] | None = None, prog: str = PROGRAM) -> int:
    options = build_parser(prog).parse_args(arguments)
    make_output_unbreakable()
    try:
        code = stars(options.results, options.json)
        sys.stdout.flush()
        return code
    except ScoringError as error:
        print(f"error: {printable(str(error))}", file=sys.stderr)
        return error.exit_code
    except BrokenPipeError:
        return 0
    except OSError as error:
        print(f"error: standard output cannot be written: {error.strerror}.", file=sys.stderr)
        return HOST_NOT_READY
    finally:
        flush_or_forget(sys.stdout)


def build_parser(prog: str = PROGRAM) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=prog, allow_abbrev=False)
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("stars", help="1 to 5 stars for every official row")
    one.add_argument(
        "results", type=Path, metavar="FILE|DIR", help="a master_results.csv, or its folder"
    )
    one.add_argument("--json", action="store_true", help="for programs")
    return parser


def stars(path: Path, as_json: bool) -> int:
    """Exit code 0, whether or not a row can be rated. Raises ScoringError."""
    from scoring import stars_view
    from scoring.ratings import rate
    from scoring.results_table import read_rows

    ratings = rate(read_rows(path))
    if as_json:
        print(json.dumps(stars_view.document(ratings), indent=2))
        return 0
    for line in stars_view.lines(ratings):
        print(line)
    return 0


if __name__ == "__main__":
    sys.exit(main())
