"""The entry point in the image and in the process engine alike."""

import argparse
import faulthandler
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmark_core import VERSION
from benchmark_core.direct.arguments import is_direct
from benchmark_core.terminal_text import flush_or_forget

FINISHED, FAILED, WRONG_USE, NOT_READY = 0, 1, 2, 3
PROGRAM = "python -m benchmark_core"
COMMANDS = ("run", "render", "build-dataset")


def main(arguments: Sequence[str] | None = None, prog: str = PROGRAM) -> int:
    words = sys.argv[1:] if arguments is None else list(arguments)
    if is_direct(words, COMMANDS):
        return _direct(words)
    options, unknown = build_parser(prog).parse_known_args(words)
    if unknown:
        options.parser.error(f"unrecognized arguments: {' '.join(unknown)}")
    if options.command == "render":
        return _render(options)
    if options.command == "build-dataset":
        return _build_dataset(options)
    overrides = [text for text in options.folders if "=" in text and not _exists(text)]
    folders = [Path(text) for text in options.folders if text not in overrides]
    if not folders:
        options.parser.error("name at least one RUN_DIR")
    print(f"AI Energy Score benchmark core {VERSION}", flush=True)
    _show_stacks_when_asked()
    from benchmark_core.run_command import run_all

    return run_all(folders, overrides, options.so_far)


def _show_stacks_when_asked() -> None:
    """On SIGUSR1 the stack of every thread goes to the log, even of one that hangs outside Python.

    Before anything is loaded: without it the signal ends a program.
    """
    if sys.__stderr__ is not None:
        faulthandler.register(signal.SIGUSR1, file=sys.__stderr__, all_threads=True)


def _direct(words: Sequence[str]) -> int:
    try:
        from benchmark_core.direct.command import direct

        return direct(words)
    except ModuleNotFoundError as error:
        print(
            f"error: the package {error.name} is not installed for {sys.executable}. Install"
            " requirements.txt, for example with `make setup`, or run it in the image.",
            file=sys.stderr,
        )
        return NOT_READY


def _exists(text: str) -> bool:
    try:
        return Path(text).exists()
    except OSError:  # too long for a name
        return False


def build_parser(prog: str = PROGRAM) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=prog,
        epilog="Without a command, with the arguments of the original: --config-name TASK"
        " backend.model=ORG/NAME [key=value ...]; --config-name TASK --help tells more.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=VERSION)
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="measure what each run folder asks for")
    run.add_argument(
        "folders",
        nargs="+",
        metavar="RUN_DIR",
        help="a folder with a run_spec.json; reasoning that a spec leaves open can follow as"
        " scenario.reasoning=True scenario.reasoning_params.reasoning_effort=low",
    )
    run.add_argument("--so-far", type=int, default=FINISHED, help=argparse.SUPPRESS)
    _add_render(commands.add_parser("render", help="print the prompt that a model would be given"))
    _add_build_dataset(
        commands.add_parser("build-dataset", help="draw a task's dataset equally from its sources")
    )
    for command in commands.choices.values():
        command.set_defaults(parser=command)
    return parser


def _add_render(command: argparse.ArgumentParser) -> None:
    command.add_argument("--model", required=True, metavar="ID", help="model id, or a local folder")
    command.add_argument(
        "--as",
        dest="model_id",
        metavar="ID",
        help="treat it as this model, for a folder or a copy under another name",
    )
    command.add_argument("--state", metavar="STATE", help='as in a catalog: "On (High)", Off')
    command.add_argument("--prompt", required=True, metavar="TEXT", help="the user's text")
    command.add_argument("--revision", metavar="NAME", help="branch, tag or commit")
    command.add_argument(
        "--chat-template", type=Path, metavar="FILE", help="instead of the tokenizer's own"
    )
    command.add_argument(
        "--trust-remote-code", action="store_true", help="let code from the repository run"
    )
    command.add_argument("--json", action="store_true", help="with everything known of it")
    command.add_argument(
        "overrides",
        nargs="*",
        metavar="KEY=VALUE",
        help="instead of --state: scenario.reasoning=True"
        " scenario.reasoning_params.reasoning_effort=low",
    )


def _add_build_dataset(command: argparse.ArgumentParser) -> None:
    command.add_argument("--task", required=True, metavar="NAME", help="as in a catalog")
    command.add_argument(
        "--source",
        action="append",
        required=True,
        metavar="SOURCE",
        help="ID@REVISION:CONFIG#SPLIT?COLUMN=NAME of a dataset on the hub, all but the ID"
        " optional; or a local file or folder, likewise with ?COLUMN=NAME",
    )
    command.add_argument("--per-source", type=int, metavar="N", help="rows drawn from each source")
    command.add_argument("--total", type=int, metavar="N", help="rows in all, as equal as can be")
    command.add_argument("--seed", type=int, required=True, metavar="N", help="0 or more")
    command.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="a folder not there yet, or empty"
    )
    command.add_argument(
        "--tokenizer", metavar="ID", help="count the tokens of the texts with this model's"
    )
    command.add_argument(
        "--licence",
        action="append",
        default=[],
        metavar="NUMBER=NAME",
        help="of a source, the first being 1, where it does not state its own",
    )


def _render(options: argparse.Namespace) -> int:
    from benchmark_core import render_command

    return _told(lambda: render_command.render(options), "the prompt")


def _build_dataset(options: argparse.Namespace) -> int:
    from benchmark_core import build_dataset_command

    return _told(lambda: build_dataset_command.build(options), "the dataset")


def _told(command: Callable[[], None], product: str) -> int:
    """The exit code of a command, whose faults are one line each."""
    from benchmark_core.faults import RunFault, SpecFault

    try:
        command()
    except RunFault as fault:
        print(f"error: {fault.message}. {fault.remedy}", file=sys.stderr)
        return WRONG_USE if isinstance(fault, SpecFault) else FAILED
    except ModuleNotFoundError as error:
        remedy = "In the project's folder run `pip install -r requirements.txt`."
        print(f"error: the package {error.name} is not installed. {remedy}", file=sys.stderr)
        return FAILED
    except BrokenPipeError:
        flush_or_forget(sys.stdout)
    except OSError as error:
        print(f"error: {product} cannot be written: {error.strerror}.", file=sys.stderr)
        return FAILED
    return FINISHED


if __name__ == "__main__":
    sys.exit(main())
