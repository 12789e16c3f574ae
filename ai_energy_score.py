"""The command `ai-energy-score`: every other command of the project under one name.

Nothing of a command is loaded before it is called, so that `--help` answers at once.
"""

import argparse
import importlib
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

PROGRAM = "ai-energy-score"


@dataclass(frozen=True)
class Command:
    """`module` has a `main(arguments, prog)`. One that serves several is told which is meant."""

    summary: str
    module: str
    serves_several: bool = True


COMMANDS: Mapping[str, Command] = {
    "run": Command("measure the models of a catalog", "batch_runner", serves_several=False),
    "catalog": Command("check a catalog and print it", "model_config_parser", serves_several=False),
    "preflight": Command("check host and plan before a sweep", "orchestrator.__main__"),
    "status": Command("show how far the runs of a folder are", "orchestrator.__main__"),
    "failures": Command("show what failed, and what to do", "orchestrator.__main__"),
    "report": Command("write a page on all runs of a folder", "orchestrator.__main__"),
    "rebuild": Command("make master_results.csv again", "orchestrator.__main__"),
    "collect": Command("conclude submitted runs that have ended", "orchestrator.__main__"),
    "plot": Command("draw power traces", "orchestrator.__main__"),
    "import": Command("read results of other programs", "orchestrator.__main__"),
    "score": Command("rate official results", "scoring.__main__", serves_several=False),
    "render": Command("print the prompt that a model would get", "benchmark_core.__main__"),
    "build-dataset": Command("draw a dataset from several sources", "benchmark_core.__main__"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code of the command that the first argument names."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    name = build_parser().parse_args(given[:1]).command
    command = COMMANDS[name]
    module = importlib.import_module(command.module)
    if command.serves_several:
        return int(module.main(given, prog=PROGRAM))
    return int(module.main(given[1:], prog=f"{PROGRAM} {name}"))


def build_parser() -> argparse.ArgumentParser:
    from benchmark_core import VERSION

    parser = argparse.ArgumentParser(
        prog=PROGRAM,
        description="Measures how much energy AI models need.",
        epilog=f"{PROGRAM} COMMAND --help tells more.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=VERSION)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, command in COMMANDS.items():
        commands.add_parser(name, help=command.summary, add_help=False)
    return parser


if __name__ == "__main__":
    sys.exit(main())
