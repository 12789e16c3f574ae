"""Builds the simulated NVML driver library, and the environment of a process that loads it.

The dynamic linker reads LD_LIBRARY_PATH when a process starts, so whatever is to see the simulated
devices runs in a process of its own.
"""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

SOURCE = Path(__file__).parent / "simulated_nvml" / "nvml.c"
LIBRARY = "libnvidia-ml.so.1"


def build(directory: Path, **behaviour: object) -> Path:
    """Compile the library into `directory` and answer that folder; needs a C compiler as `cc`.

    `behaviour` is built in, for processes that are given no such variables.
    """
    directory.mkdir(parents=True, exist_ok=True)
    built_in = "".join(
        f'setenv("{name}", "{value}", 0);' for name, value in _variables(behaviour).items()
    )
    defaults = directory / "built_in.c"
    defaults.write_text(
        "#include <stdlib.h>\n"
        f"__attribute__((constructor)) static void built_in(void) {{ {built_in} }}\n"
    )
    flags = ["-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror"]
    subprocess.run(["cc", *flags, "-o", directory / LIBRARY, SOURCE, defaults], check=True)
    return directory


def uuid(index: int) -> str:
    """The UUID of the simulated device of that index."""
    return f"GPU-51510000-0000-4000-8000-{index:012d}"


def environment(folder: Path, **behaviour: object) -> dict[str, str]:
    """This process's environment with the library in `folder` in front, behaving as told.

    `gpus=2, watts="350,100"` become AIES_SIM_GPUS and AIES_SIM_WATTS; the C source lists them all.
    """
    inherited = {name: value for name, value in os.environ.items() if "AIES_SIM_" not in name}
    path = os.pathsep.join(filter(None, [str(folder), os.environ.get("LD_LIBRARY_PATH")]))
    return inherited | _variables(behaviour) | {"LD_LIBRARY_PATH": path}


def _variables(behaviour: Mapping[str, object]) -> dict[str, str]:
    return {f"AIES_SIM_{name.upper()}": str(value) for name, value in behaviour.items()}
