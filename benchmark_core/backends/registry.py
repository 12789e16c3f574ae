"""The backends that are built. Each class is imported only when it is asked for."""

from collections.abc import Callable
from pathlib import Path

from benchmark_core.backends.base import Backend, Recipe
from benchmark_core.contract import BackendName, RunSpec
from benchmark_core.faults import SpecFault


def create(spec: RunSpec, recipe: Recipe, folder: Path) -> Backend:
    """The backend of the spec, with nothing loaded yet. `folder` is the folder of the run.

    Raises:
        SpecFault: this version does not have it.
    """
    name = spec.backend.name
    if name not in _FACTORIES:
        raise SpecFault(
            f"the backend {name} is not built in this version",
            f"Choose one of: {', '.join(BUILT)}.",
        )
    return _FACTORIES[name](spec, recipe, folder)


def _pytorch(spec: RunSpec, recipe: Recipe, folder: Path) -> Backend:
    from benchmark_core.backends.pytorch import PyTorchBackend

    return PyTorchBackend(spec, recipe)


def _simulated(spec: RunSpec, recipe: Recipe, folder: Path) -> Backend:
    from benchmark_core.backends.simulated import SimulatedBackend

    return SimulatedBackend(spec, recipe, folder)


_FACTORIES: dict[BackendName, Callable[[RunSpec, Recipe, Path], Backend]] = {
    "pytorch": _pytorch,
    "simulated": _simulated,
}

BUILT: tuple[BackendName, ...] = tuple(_FACTORIES)
