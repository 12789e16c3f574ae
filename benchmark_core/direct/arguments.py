"""The arguments of a direct run, and how they are told from commands. Loads nothing."""

import argparse
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

EPILOG = """\
exit codes: 0 finished, 1 the run failed, 2 wrong arguments or config file, 3 this machine is not
ready, 130 interrupted

The results go into the folder RESULTS_DIR, by default ./results (/results in the image).
docs/original_commands.md lists every key."""


def is_direct(arguments: Sequence[str], commands: Collection[str]) -> bool:
    """Whether they are the original's, which have no command: `--config-name TASK key=value`."""
    if not arguments or arguments[0] in commands:
        return False
    return any(word.startswith(("--config-", "~")) or "=" in word for word in arguments)


class _Once(argparse.Action):
    """A second one would silently win over the first."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        if getattr(namespace, self.dest) is not None:
            raise argparse.ArgumentError(self, "is given more than once; leave all but one out")
        setattr(namespace, self.dest, values)


def build_direct_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmark_core",
        usage="%(prog)s --config-name TASK backend.model=ORG/NAME [key=value ...]",
        description="Measures one model, with the arguments of the original.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument(
        "--config-name",
        action=_Once,
        metavar="NAME",
        help="a task, or a config file: its name or its path",
    )
    parser.add_argument(
        "--config-dir",
        action=_Once,
        type=Path,
        metavar="DIR",
        help="where config files of your own lie",
    )
    parser.add_argument("overrides", nargs="*", metavar="key=value", help="settings of the run")
    return parser
