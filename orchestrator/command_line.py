"""How the user calls our other commands: as the installed program, or from a checkout."""

import shlex
import sys
from pathlib import Path
from typing import Literal

INSTALLED = "ai-energy-score"
IN_A_CHECKOUT = {
    "catalog": "python model_config_parser.py",
    "rebuild": "python -m orchestrator rebuild",
}


def command_line(name: Literal["catalog", "rebuild"], *arguments: str | Path) -> str:
    """What a remedy tells the user to type."""
    is_installed = Path(sys.argv[0]).name == INSTALLED
    program = f"{INSTALLED} {name}" if is_installed else IN_A_CHECKOUT[name]
    return " ".join([program, *(shlex.quote(str(argument)) for argument in arguments)])
