"""Commands on results: `python -m orchestrator rebuild [DIR]`."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from orchestrator.errors import BatchRunnerError, HostError, Problem, UsageError
from orchestrator.settings import DEFAULT_OUTPUT_DIR


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m orchestrator", allow_abbrev=False)
    commands = parser.add_subparsers(dest="command", required=True)
    rebuild_command = commands.add_parser(
        "rebuild", help="make master_results.csv again from the run folders"
    )
    rebuild_command.add_argument(
        "output_dir", nargs="?", type=Path, default=Path(DEFAULT_OUTPUT_DIR)
    )
    options = parser.parse_args(arguments)
    try:
        return rebuild(options.output_dir)
    except BatchRunnerError as error:
        for problem in error.problems:
            print(f"error: {problem}", file=sys.stderr)
        return error.exit_code


def rebuild(output_dir: Path) -> int:
    """Exit code 0, or 3 with every folder that cannot be believed.

    Raises:
        UsageError: there are no run folders.
        HostError: a sweep is writing there, or the file cannot be written.
    """
    from orchestrator.master_table import MasterTable
    from orchestrator.run_directory import RunDirectory

    directory = RunDirectory(output_dir)
    if not directory.runs_path.is_dir():
        raise UsageError(
            Problem(str(output_dir), "holds no individual_runs folder", "Name an output directory.")
        )
    table = MasterTable(directory)
    with directory.lock():
        problems = table.read_folders()
        path = table.write()
    print(f"wrote {path}")
    if problems:
        raise HostError(*problems.values())
    return 0


if __name__ == "__main__":
    sys.exit(main())
