"""How the user calls our other commands: as the installed program, or from a checkout."""

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

INSTALLED = "ai-energy-score"
IN_A_CHECKOUT = {
    "catalog": "python model_config_parser.py",
    "rebuild": "python -m orchestrator rebuild",
    "status": "python -m orchestrator status",
    "collect": "python -m orchestrator collect",
}


Name = Literal["catalog", "rebuild", "status", "collect"]


def command_line(name: Name, *arguments: str | Path) -> str:
    """What a remedy tells the user to type."""
    is_installed = Path(sys.argv[0]).name == INSTALLED
    program = f"{INSTALLED} {name}" if is_installed else IN_A_CHECKOUT[name]
    return " ".join([program, *(shlex.quote(str(argument)) for argument in arguments)])


SECRET_FLAGS = ("--notify-url",)
HIDDEN = "..."


def without_secrets(words: Sequence[str]) -> tuple[str, ...]:
    """A command for a file that others read: the address of a hook often holds its password."""
    shown: list[str] = []
    for word in words:
        flag, is_joined, _ = word.partition("=")
        if shown and shown[-1] in SECRET_FLAGS:
            word = HIDDEN
        elif is_joined and flag in SECRET_FLAGS:
            word = f"{flag}={HIDDEN}"
        shown.append(word)
    return tuple(shown)
