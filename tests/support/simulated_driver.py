"""Builds the simulated NVML driver library, and the environment of a process that loads it.

The dynamic linker reads LD_LIBRARY_PATH when a process starts, so whatever is to see the simulated
devices runs in a process of its own.
"""

import ctypes
import functools
import os
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

SOURCES = Path(__file__).parent / "simulated_nvml"
LIBRARY = "libnvidia-ml.so.1"


def build(directory: Path, lacking: Sequence[str] = (), **behaviour: object) -> Path:
    """Compile the library into `directory` and answer that folder; needs a C compiler as `cc`.

    `behaviour` is built in, for processes that are given no such variables; they share the work of
    the devices and the zero time only if a file for it is built in too, as `state`. `lacking` are
    the functions of NVML that it is too old or too small to have.
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
    flags += [f"-D{function}=without_{function}" for function in lacking]
    sources = sorted(SOURCES.glob("*.c"))
    subprocess.run(["cc", *flags, "-o", directory / LIBRARY, *sources, defaults], check=True)
    return directory


def uuid(index: int) -> str:
    """The UUID of the simulated device of that index."""
    return f"GPU-51510000-0000-4000-8000-{index:012d}"


def environment(folder: Path, **behaviour: object) -> dict[str, str]:
    """This process's environment with the library in `folder` in front, behaving as told.

    `gpus=2, watts="350,100"` become AIES_SIM_GPUS and AIES_SIM_WATTS; behaviour.c lists them all.
    All processes with one environment share the zero time and the work of the devices, through a
    file of their own in `folder` unless `state` names another.
    """
    if "state" not in behaviour:
        handle, state = tempfile.mkstemp(prefix="state-", dir=folder)
        os.close(handle)
        behaviour = behaviour | {"state": state}
    inherited = {name: value for name, value in os.environ.items() if "AIES_SIM_" not in name}
    path = os.pathsep.join(filter(None, [str(folder), os.environ.get("LD_LIBRARY_PATH")]))
    return inherited | _variables(behaviour) | {"LD_LIBRARY_PATH": path}


def work(on: bool, device: int = 0) -> None:
    """Set that device to work or to rest, for all processes that share its state.

    For programs that run with the simulated driver. Only the shape `work` takes notice.
    """
    _own_function("aiesSimulatedWork", None, ctypes.c_int, ctypes.c_int)(device, int(on))


def joules_until(seconds: float, device: int = 0) -> float:
    """What that device truly drew until that time of the monotonic clock, between all steps.

    With the shape `work`, of times at most as long ago as the state remembers the last changes.
    """
    own = _own_function("aiesSimulatedJoules", ctypes.c_double, ctypes.c_int, ctypes.c_double)
    return float(own(device, seconds))


@functools.cache
def _own_function(name: str, result: Any, *arguments: Any) -> Any:
    """A function that no real driver has; AttributeError where a real one is loaded.

    Looked up once, because a look-up takes longer than what it finds.
    """
    function = getattr(ctypes.CDLL(LIBRARY), name)
    function.restype, function.argtypes = result, arguments
    return function


def _variables(behaviour: Mapping[str, object]) -> dict[str, str]:
    return {f"AIES_SIM_{name.upper()}": str(value) for name, value in behaviour.items()}
