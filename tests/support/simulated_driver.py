"""Builds the simulated NVML driver library, and the environment of a process that loads it.

The dynamic linker reads LD_LIBRARY_PATH when a process starts, so whatever is to see the simulated
devices runs in a process of its own.
"""

import os
import subprocess
from pathlib import Path

SOURCE = Path(__file__).parent / "simulated_nvml" / "nvml.c"
LIBRARY = "libnvidia-ml.so.1"


def build(directory: Path) -> Path:
    """Compile the library into `directory` and answer that folder; needs a C compiler as `cc`."""
    directory.mkdir(parents=True, exist_ok=True)
    target = directory / LIBRARY
    flags = ["-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror"]
    subprocess.run(["cc", *flags, "-o", target, SOURCE], check=True)
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
    simulated = {f"AIES_SIM_{name.upper()}": str(value) for name, value in behaviour.items()}
    return inherited | simulated | {"LD_LIBRARY_PATH": path}
