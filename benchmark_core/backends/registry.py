"""The backends that are built. Each class is imported only when it is asked for.

A delegate is one that measures by itself; the passes of all others are walked.
"""

from collections.abc import Callable
from pathlib import Path

from benchmark_core.backends.base import Backend
from benchmark_core.contract import BackendName, Kind, Launch, RunSpec, server_endpoint
from benchmark_core.delegate import Delegate
from benchmark_core.recipe import Recipe


def create(
    spec: RunSpec, launch: Launch, recipe: Recipe, usual_kind: Kind, folder: Path
) -> Backend:
    """The backend of the spec, with nothing loaded yet. `folder` is the folder of the run.

    `usual_kind` is how checkpoints of the task are mostly run, for backends that load none.
    """
    return _FACTORIES[spec.backend.name](spec, launch, recipe, usual_kind, folder)


def _pytorch(
    spec: RunSpec, launch: Launch, recipe: Recipe, usual_kind: Kind, folder: Path
) -> Backend:
    from benchmark_core.backends.pytorch import PyTorchBackend

    return PyTorchBackend(spec, recipe, folder)


def _vllm(spec: RunSpec, launch: Launch, recipe: Recipe, usual_kind: Kind, folder: Path) -> Backend:
    from benchmark_core.backends.vllm import ServedBackend

    return ServedBackend(spec, recipe, server_endpoint(spec, launch))


def _simulated(
    spec: RunSpec, launch: Launch, recipe: Recipe, usual_kind: Kind, folder: Path
) -> Backend:
    from benchmark_core.backends.simulated import SimulatedBackend

    return SimulatedBackend(spec, usual_kind, folder)


_FACTORIES: dict[BackendName, Callable[[RunSpec, Launch, Recipe, Kind, Path], Backend]] = {
    "pytorch": _pytorch,
    "vllm": _vllm,
    "simulated": _simulated,
}


def _optimum(spec: RunSpec, launch: Launch, folder: Path) -> Delegate:
    from benchmark_core.optimum.backend import OptimumBenchmark

    return OptimumBenchmark(spec, launch, folder)


DELEGATES: dict[BackendName, Callable[[RunSpec, Launch, Path], Delegate]] = {"optimum": _optimum}
