"""The NVIDIA driver of this machine, opened for a look at its GPUs."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class DriverTrouble(Exception):
    """The driver does not answer as it should; the text is for people."""


class NoDriver(DriverTrouble):
    """There is none, or nothing to ask it with."""


@contextmanager
def opened_driver() -> Iterator[Any]:
    """pynvml, with the driver open; what the driver refuses meanwhile is DriverTrouble too.

    Raises:
        NoDriver: this machine has none, or this Python has no pynvml.
        DriverTrouble: there is one, and it does not answer.
    """
    try:
        import pynvml
    except ImportError as error:
        raise NoDriver("the package nvidia-ml-py is not installed") from error
    try:
        pynvml.nvmlInit()
        try:
            yield pynvml
        finally:
            pynvml.nvmlShutdown()
    except (pynvml.NVMLError_LibraryNotFound, pynvml.NVMLError_DriverNotLoaded) as error:
        raise NoDriver(str(error)) from error
    except pynvml.NVMLError as error:
        raise DriverTrouble(str(error)) from error
