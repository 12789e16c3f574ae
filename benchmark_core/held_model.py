"""The model that one run loaded, held for the next run that would load the same.

A run that finds it here has no window of loading and says whose load it shares. What an error may
have damaged is not held, so the run after it loads afresh.
"""

import contextlib
import sys
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from benchmark_core.backends.base import Backend
from benchmark_core.contract import Launch, RunSpec
from benchmark_core.faults import ReasoningFault, SampleFault
from benchmark_core.recipe import LoadedModel

HARMLESS = (SampleFault, ReasoningFault)
"""What ends a run before or beside the work of its model."""


@dataclass(frozen=True)
class Borrowed:
    """A model that is there already, and the run that loaded it."""

    loaded: LoadedModel
    loaded_by: str


class HeldModel:
    """One model at most, in the backend that ran it last. Leaving it gives the device back."""

    def __init__(self) -> None:
        self._backend: Backend | None = None
        self._key: object = None
        self._loaded_by = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.drop()

    def fits(self, spec: RunSpec, launch: Launch) -> bool:
        """Whether a model is held that this run may use."""
        return self._backend is not None and self._key == _key(spec, launch)

    def drop(self) -> None:
        held, self._backend = self._backend, None
        if held is not None:
            _close(held)

    @contextlib.contextmanager
    def serving(self, backend: Backend, spec: RunSpec, launch: Launch) -> Iterator[Borrowed | None]:
        """Give `backend` the held model where it is the run's, and let go of any other.

        At the end of the run its model is held, or else the backend is closed. Raises RunFault
        where the run cannot use the model.
        """
        key = _key(spec, launch)
        try:
            borrowed = self._lend(backend, key)
            if borrowed is None:
                self._loaded_by = spec.run_id
            yield borrowed
        except HARMLESS:
            self._hold(backend, key)
            raise
        except BaseException:
            self.drop()
            _close(backend)
            raise
        else:
            self._hold(backend, key)

    def _lend(self, backend: Backend, key: object) -> Borrowed | None:
        held = self._backend
        if held is None:
            return None
        loaded = backend.take_over(held) if key == self._key else None
        if loaded is None:
            self.drop()
            return None
        self._backend = None
        return Borrowed(loaded, self._loaded_by)

    def _hold(self, backend: Backend, key: object) -> None:
        """Where the run failed before it had the model, that is held on as it was."""
        if backend.keep_model():
            self._backend, self._key = backend, key
        else:
            _close(backend)


def _key(spec: RunSpec, launch: Launch) -> object:
    """Runs for which it is equal load the same, in the same way, to the same place."""
    model = spec.model.model_copy(update={"model_class": None})
    return (spec.backend.name, model, spec.task, spec.precision, spec.device, launch.gpu_uuids)


def is_on_gpus() -> bool:
    """Whether this process has begun to use GPUs, which it then does until its end."""
    torch = sys.modules.get("torch")
    return torch is not None and bool(torch.cuda.is_initialized())


def _close(backend: Backend) -> None:
    """Failing at that cannot make a measured run a failed one."""
    try:
        backend.close()
    except Exception:  # noqa: BLE001 - the figures are made by then
        traceback.print_exc(file=sys.stderr)
