"""The entry point in the image and in the process engine alike."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmark_core import VERSION

FINISHED, FAILED, WRONG_USE = 0, 1, 2


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmark_core")
    parser.add_argument("--version", action="version", version=VERSION)
    commands = parser.add_subparsers(dest="command", required=True)
    run_command = commands.add_parser("run", help="measure what each run folder asks for")
    run_command.add_argument("folders", nargs="+", type=Path, metavar="RUN_DIR")
    options = parser.parse_args(arguments)
    print(f"AI Energy Score benchmark core {VERSION}", flush=True)
    return max(_run(folder) for folder in options.folders)


def _run(folder: Path) -> int:
    from benchmark_core.faults import SpecFault
    from benchmark_core.measured_run import run

    try:
        report = run(folder)
    except SpecFault as fault:
        print(f"{folder}: {fault.message}. {fault.remedy}", file=sys.stderr)
        return WRONG_USE
    except OSError as error:
        print(f"{folder}: the report cannot be written: {error.strerror}.", file=sys.stderr)
        return FAILED
    if report.failure:
        failure = report.failure
        print(f"{report.run_id} failed: {failure.message}. {failure.remedy}", file=sys.stderr)
        return FAILED
    print(f"{report.run_id} finished", flush=True)
    return FINISHED


if __name__ == "__main__":
    sys.exit(main())
