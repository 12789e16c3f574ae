"""Where the Python is that has optimum-benchmark. Pure: the host looks there too."""

import contextlib
from collections.abc import Mapping
from pathlib import Path

VARIABLE = "OPTIMUM_PYTHON"
BESIDE_THE_CODE = Path(__file__).resolve().parents[2] / ".venv-optimum" / "bin" / "python"
REMEDY = f"Run: make optimum; or name a Python that has it in {VARIABLE}."


def optimum_python(environment: Mapping[str, str]) -> Path:
    """The one that the variable names, else that of `make optimum`; it need not be there."""
    named = environment.get(VARIABLE)
    if not named:
        return BESIDE_THE_CODE
    # A tilde with a user who is not known stays, and is then a file that is not there.
    with contextlib.suppress(RuntimeError):
        return Path(named).expanduser().absolute()
    return Path(named).absolute()
