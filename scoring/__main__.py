"""Commands that rate and publish results: `python -m scoring stars`."""

import argparse
import sys
from collections.abc import Sequence

from benchmark_core.terminal_text import (
    flush_or_forget,
    make_output_unbreakable,
    printable,
)
from scoring.commands import registry
from scoring.errors import ScoringError

PROGRAM = "python -m scoring"
HOST_NOT_READY = 3


def main(arguments: Sequence[str] | None = None, prog: str = PROGRAM) -> int:
    given = list(sys.argv[1:] if arguments is None else arguments)
    options = build_parser(prog, given).parse_args(given)
    make_output_unbreakable()
    try:
        code = registry.command(options.command).run(options)
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


def build_parser(prog: str, given: Sequence[str]) -> argparse.ArgumentParser:
    """Of all commands; only the one that is given has its arguments, and is loaded for them."""
    parser = argparse.ArgumentParser(prog=prog, allow_abbrev=False)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, summary in registry.SUMMARIES.items():
        one = commands.add_parser(name, help=summary, description=summary, allow_abbrev=False)
        if name in given[:1]:
            registry.command(name).add_arguments(one)
    return parser


if __name__ == "__main__":
    sys.exit(main())
