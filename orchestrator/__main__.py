"""Commands on results: `python -m orchestrator status | rebuild | plot | import`."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from orchestrator.errors import BatchRunnerError, HostError, Problem, UsageError
from orchestrator.settings import DEFAULT_OUTPUT_DIR
from orchestrator.terminal_text import flush_or_forget, make_output_unbreakable, printable

PROGRAM = "python -m orchestrator"
OFFICIAL_SAMPLES = 1000


def main(arguments: Sequence[str] | None = None, prog: str = PROGRAM) -> int:
    options, unknown = build_parser(prog).parse_known_args(arguments)
    if unknown:
        options.parser.error(f"unrecognized arguments: {' '.join(unknown)}")
    make_output_unbreakable()
    try:
        return _run(options)
    except BatchRunnerError as error:
        for problem in error.problems:
            print(f"error: {problem}", file=sys.stderr)
        return error.exit_code
    except BrokenPipeError:
        return 0
    finally:
        flush_or_forget(sys.stdout)


def build_parser(prog: str = PROGRAM) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=prog, allow_abbrev=False)
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("status", help="show how far the runs of an output directory are")
    one.add_argument("output_dir", nargs="?", type=Path, default=Path(DEFAULT_OUTPUT_DIR))
    one.add_argument("--json", action="store_true", help="for programs")
    one = commands.add_parser("rebuild", help="make master_results.csv again from the run folders")
    one.add_argument("output_dir", nargs="?", type=Path, default=Path(DEFAULT_OUTPUT_DIR))
    one = commands.add_parser("plot", help="draw the power trace of one run or of all")
    one.add_argument("folder", type=Path, help="a run folder or an output directory")
    one.add_argument("--format", choices=("svg", "png"), default="svg", dest="image_format")
    one = commands.add_parser("import", help="read reports in optimum-benchmark's shape")
    one.add_argument("files", nargs="+", type=Path, metavar="FILE")
    one.add_argument(
        "--samples",
        type=_positive,
        default=OFFICIAL_SAMPLES,
        help="samples of one pass (default: %(default)s)",
    )
    one.add_argument("--json", action="store_true", help="for programs")
    for one in commands.choices.values():
        one.set_defaults(parser=one)
    return parser


def _run(options: argparse.Namespace) -> int:
    if options.command == "status":
        return status(options.output_dir, options.json)
    if options.command == "plot":
        return plot(options.folder, options.image_format)
    if options.command == "import":
        return import_reports(options.files, options.samples, options.json)
    return rebuild(options.output_dir)


def status(output_dir: Path, as_json: bool) -> int:
    """Exit code 0, whatever the states are.

    Raises:
        UsageError: there are no run folders.
    """
    from orchestrator.display import status_view
    from orchestrator.run_directory import RunDirectory
    from orchestrator.status import read_status

    status_view.show(read_status(RunDirectory(output_dir)), as_json)
    return 0


def rebuild(output_dir: Path) -> int:
    """Exit code 0, or 3 with every folder that cannot be believed.

    Raises:
        UsageError: there are no run folders.
        HostError: a sweep is writing there, or the file cannot be written.
    """
    from orchestrator.master_table import MasterTable
    from orchestrator.run_directory import RunDirectory
    from orchestrator.status import refuse_without_runs

    directory = RunDirectory(output_dir)
    refuse_without_runs(directory)
    table = MasterTable(directory)
    with directory.lock():
        problems = table.read_folders()
        path = table.write()
    print(f"wrote {path}")
    if problems:
        raise HostError(*problems.values())
    return 0


def plot(folder: Path, image_format: str) -> int:
    """Exit code 0, also where no run of an output directory has a trace.

    Raises:
        UsageError: it is no such folder, or the run has no trace.
        HostError: some traces could not be drawn.
    """
    from orchestrator.trace_plot import draw_all

    drawn = draw_all(folder, "png" if image_format == "png" else "svg")
    for path in drawn.paths:
        print(printable(f"drew {path}"))
    if drawn.without:
        print(f"runs without a power trace, which only runs on GPUs leave: {len(drawn.without)}")
    if drawn.problems:
        raise HostError(*drawn.problems)
    return 0


def import_reports(paths: Sequence[Path], samples: int, as_json: bool) -> int:
    """Exit code 0, whatever the verdicts are. Good files are shown beside wrong ones.

    Raises:
        UsageError: some files are no such reports.
    """
    from orchestrator.display.import_view import show
    from orchestrator.importing.optimum_report import read_report

    reports = []
    problems: list[Problem] = []
    for path in paths:
        try:
            reports.append(read_report(path, samples))
        except UsageError as error:
            problems += error.problems
    if reports or as_json:
        show(reports, as_json)
    if problems:
        raise UsageError(*problems)
    return 0


def _positive(text: str) -> int:
    from orchestrator.catalog import shown

    number = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
    if not number:
        raise argparse.ArgumentTypeError(f"{shown(text)} is no number from 1 to 999999999")
    return number


if __name__ == "__main__":
    sys.exit(main())
