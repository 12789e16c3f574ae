#!/usr/bin/env python3
"""The command: flags in, exit code out."""

import argparse
import sys
from collections.abc import Sequence

from benchmark_core.terminal_text import flush_or_forget, make_output_unbreakable

DESCRIPTION = "Measures the models of a catalog, one container each, into master_results.csv."
INTERRUPTED = 130
EXIT_CODES = (
    "exit codes: 0 everything finished, 1 some runs failed or cannot be run here,"
    " 2 wrong flags or catalog, 3 host not ready, 130 interrupted"
)
PROGRAM = "batch_runner.py"


def main(arguments: Sequence[str] | None = None, prog: str = PROGRAM) -> int:
    try:
        return _run(arguments, prog)
    except KeyboardInterrupt:
        print("interrupted before anything was started", file=sys.stderr)
        return INTERRUPTED
    finally:
        flush_or_forget(sys.stdout)


def _run(arguments: Sequence[str] | None, prog: str) -> int:
    """What is loaded is loaded here, so that Ctrl-C is answered meanwhile too."""
    flags = build_parser(prog).parse_args(arguments)
    from orchestrator.errors import BatchRunnerError

    make_output_unbreakable()
    try:
        from orchestrator.batch import run_batch
        from orchestrator.command_line import without_secrets
        from orchestrator.settings_sources import from_arguments

        asked = from_arguments(flags)
        typed = (prog, *(sys.argv[1:] if arguments is None else arguments))
        return run_batch(asked, flags.dry_run, flags.json, without_secrets(typed))
    except BatchRunnerError as error:
        for problem in error.problems:
            print(f"error: {problem}", file=sys.stderr)
        return error.exit_code


def build_parser(prog: str = PROGRAM) -> argparse.ArgumentParser:
    from orchestrator import flags as batch_flags, measurement_flags

    parser = argparse.ArgumentParser(
        prog=prog, description=DESCRIPTION, epilog=EXIT_CODES, allow_abbrev=False
    )
    batch_flags.add_rows(parser.add_argument_group("which rows"))
    measurement_flags.add_measurement(parser.add_argument_group("what to measure"))
    batch_flags.add_place(parser.add_argument_group("where it runs"))
    sweep = parser.add_argument_group("the sweep")
    batch_flags.add_sweep(sweep)
    batch_flags.add_dry_run(sweep)
    return parser


if __name__ == "__main__":
    sys.exit(main())
