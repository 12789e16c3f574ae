"""Commands beside a sweep: `python -m orchestrator preflight`, `status`, `rebuild` and others."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

from benchmark_core.names import ModelClass
from benchmark_core.terminal_text import flush_or_forget, make_output_unbreakable, printable
from orchestrator.errors import BatchRunnerError, HostError, UsageError
from orchestrator.settings import DEFAULT_OUTPUT_DIR

PROGRAM = "python -m orchestrator"


def main(arguments: Sequence[str] | None = None, prog: str = PROGRAM) -> int:
    options, unknown = build_parser(prog).parse_known_args(arguments)
    if unknown:
        options.parser.error(f"unrecognized arguments: {' '.join(unknown)}")
    make_output_unbreakable()
    try:
        code = _run(options)
        sys.stdout.flush()
        return code
    except BatchRunnerError as error:
        for problem in error.problems:
            print(f"error: {problem}", file=sys.stderr)
        return error.exit_code
    except BrokenPipeError:
        return 0
    except OSError as error:
        place = printable(str(error.filename or "standard output"))
        print(f"error: {place}: cannot be used ({error.strerror}).", file=sys.stderr)
        return HostError.exit_code
    finally:
        flush_or_forget(sys.stdout)


def build_parser(prog: str = PROGRAM) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=prog, allow_abbrev=False)
    commands = parser.add_subparsers(dest="command", required=True)
    _add_preflight(commands.add_parser("preflight", help="check host and plan, and start nothing"))
    one = commands.add_parser("status", help="show how far the runs of an output directory are")
    one.add_argument("output_dir", nargs="?", type=Path, default=Path(DEFAULT_OUTPUT_DIR))
    how = one.add_mutually_exclusive_group()
    how.add_argument("--json", action="store_true", help="for programs")
    how.add_argument("--watch", action="store_true", help="follow the sweep until it ends")
    one = commands.add_parser("failures", help="show what failed by its reasons, and what to do")
    one.add_argument("output_dir", nargs="?", type=Path, default=Path(DEFAULT_OUTPUT_DIR))
    one.add_argument("--json", action="store_true", help="for programs")
    one = commands.add_parser("report", help="write one page of HTML on all runs")
    one.add_argument("output_dir", nargs="?", type=Path, default=Path(DEFAULT_OUTPUT_DIR))
    one.add_argument("--out", type=Path, metavar="FILE", help="default: report.html in the folder")
    one = commands.add_parser("rebuild", help="make master_results.csv again from the run folders")
    one.add_argument("output_dir", nargs="?", type=Path, default=Path(DEFAULT_OUTPUT_DIR))
    one = commands.add_parser("collect", help="conclude the submitted runs that have ended")
    one.add_argument("output_dir", nargs="?", type=Path, default=Path(DEFAULT_OUTPUT_DIR))
    one = commands.add_parser("plot", help="draw the power trace of one run or of all")
    one.add_argument("folder", type=Path, help="a run folder or an output directory")
    one.add_argument("--format", choices=("svg", "png"), default="svg", dest="image_format")
    _add_import(commands.add_parser("import", help="read results of other programs"))
    for one in commands.choices.values():
        one.set_defaults(parser=one)
    return parser


def _add_preflight(parser: argparse.ArgumentParser) -> None:
    """The flags of the sweep that is to be checked."""
    from orchestrator import flags, measurement_flags

    flags.add_rows(parser.add_argument_group("which rows"))
    measurement_flags.add_measurement(parser.add_argument_group("what to measure"))
    flags.add_place(parser.add_argument_group("where it runs"))
    flags.add_sweep(parser.add_argument_group("the sweep"))
    parser.add_argument("--json", action="store_true", help="for programs")


def _add_import(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "files",
        nargs="+",
        type=Path,
        metavar="FILE",
        help="reports and tables of the public predecessor, or its output directory;"
        " CodeCarbon's emissions.csv",
    )
    parser.add_argument(
        "--output-dir", type=Path, metavar="DIR", help="make run folders of them, and the table"
    )
    parser.add_argument(
        "--samples",
        type=_positive,
        metavar="N",
        help="samples of one pass, for files that do not tell",
    )
    parser.add_argument("--model", metavar="ID", help="whose runs they are, where no file tells")
    parser.add_argument(
        "--class",
        choices=get_args(ModelClass),
        dest="model_class",
        help="likewise, the model's class",
    )
    parser.add_argument("--task", metavar="NAME", help="likewise, the task")
    parser.add_argument("--reasoning-state", metavar="STATE", help="likewise, the state")
    parser.add_argument("--json", action="store_true", help="for programs")


def _run(options: argparse.Namespace) -> int:
    if options.command == "preflight":
        return preflight(options)
    if options.command == "status":
        return status(options.output_dir, options.json, options.watch)
    if options.command == "failures":
        return failures(options.output_dir, options.json)
    if options.command == "report":
        return report(options.output_dir, options.out)
    if options.command == "collect":
        return collect(options.output_dir)
    if options.command == "plot":
        return plot(options.folder, options.image_format)
    if options.command == "import":
        return import_runs(options)
    return rebuild(options.output_dir)


def preflight(options: argparse.Namespace) -> int:
    """Exit code 0, 2 with a wrong catalog, or 3 with a host that is not ready.

    Raises:
        BatchRunnerError: no plan can be made.
    """
    from orchestrator.preflight.command import run_preflight
    from orchestrator.settings_sources import from_arguments

    return run_preflight(from_arguments(options), options.json)


def status(output_dir: Path, as_json: bool, watch: bool) -> int:
    """Exit code 0, whatever the states are.

    Raises:
        UsageError: there are no run folders, or no sweep to watch.
    """
    from orchestrator.display import status_view, watch_view
    from orchestrator.run_directory import RunDirectory
    from orchestrator.status import read_status, refuse_without_runs

    directory = RunDirectory(output_dir)
    if watch:
        refuse_without_runs(directory)
        watch_view.watch(directory)
    else:
        status_view.show(read_status(directory), as_json)
    return 0


def failures(output_dir: Path, as_json: bool) -> int:
    """Exit code 0, whatever failed.

    Raises:
        UsageError: there are no run folders.
    """
    from orchestrator.display import failures_view
    from orchestrator.failures import read_failures
    from orchestrator.run_directory import RunDirectory

    failures_view.show(read_failures(RunDirectory(output_dir)), as_json)
    return 0


def report(output_dir: Path, out: Path | None) -> int:
    """Exit code 0, whatever the states are.

    Raises:
        UsageError: there are no run folders.
        HostError: the page cannot be written.
    """
    from orchestrator.morning_report import write_report
    from orchestrator.run_directory import RunDirectory

    path = write_report(RunDirectory(output_dir), out)
    print(printable(f"wrote {path}"))
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


def collect(output_dir: Path) -> int:
    """Exit code 0, whatever the outcomes are and whatever is still under way.

    Raises:
        UsageError: there are no run folders.
        HostError: a sweep is at work there, a scheduler does not answer, or some folders are
            damaged.
    """
    from orchestrator import collection
    from orchestrator.display import collection_view
    from orchestrator.run_directory import RunDirectory

    collected = collection.collect(RunDirectory(output_dir))
    collection_view.show(collected)
    if collected.problems:
        raise HostError(*collected.problems)
    return 0


def plot(folder: Path, image_format: str) -> int:
    """Exit code 0, also where no run of an output directory has a trace.

    Raises:
        UsageError: it is no such folder, or the run has no trace.
        HostError: some traces could not be drawn.
    """
    from orchestrator.trace_plot.plot import draw_all

    drawn = draw_all(folder, "png" if image_format == "png" else "svg")
    for path in drawn.paths:
        print(printable(f"drew {path}"))
    if drawn.without:
        print(f"runs without a power trace, which only runs on GPUs leave: {len(drawn.without)}")
    if drawn.problems:
        raise HostError(*drawn.problems)
    return 0


def import_runs(options: argparse.Namespace) -> int:
    """Exit code 0, whatever the verdicts are. Good files are shown beside wrong ones, and nothing
    is written while there is a wrong one.

    Raises:
        UsageError: some files cannot be imported.
        HostError: the directory is in use or cannot be written, or other folders are damaged.
    """
    from orchestrator.display.import_view import show
    from orchestrator.importing.given import given_by
    from orchestrator.importing.reading import read_all
    from orchestrator.importing.writing import write_runs

    given = given_by(
        options.model,
        options.model_class,
        options.task,
        options.reasoning_state,
        options.samples,
    )
    found = read_all(options.files, given)
    if options.output_dir and found.problems:
        raise UsageError(*found.problems)
    written = write_runs(found.runs, options.output_dir) if options.output_dir else None
    if found.runs or options.json:
        show(found.runs, written, options.json)
    if found.problems:
        raise UsageError(*found.problems)
    if written and written.unbelieved:
        raise HostError(*written.unbelieved)
    return 0


def _positive(text: str) -> int:
    from orchestrator.catalog import shown

    number = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
    if not number:
        raise argparse.ArgumentTypeError(f"{shown(text)} is no number from 1 to 999999999")
    return number


if __name__ == "__main__":
    sys.exit(main())
