"""The prepared inputs of a run: the first few in memory, the rest in a file that nobody sees.

A thousand pictures as numbers are hundreds of megabytes. Memory must not grow with the number of
samples, and all of them are prepared before the first is run. The file lies in the run folder,
because a container keeps its temporary files in memory; it has no name, so that nothing is left of
it when the run ends, however that happens.
"""

import os
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO, overload

from benchmark_core.backends.base import Unusable
from benchmark_core.recipe import Encoded

BYTES_IN_MEMORY = 16 * 2**20


@dataclass(frozen=True)
class _Stored:
    """Where a tensor lies in the file. `dtype` is torch's."""

    dtype: Any
    shape: tuple[int, ...]
    offset: int
    size: int


class PreparedInputs(Sequence[Encoded | Unusable]):
    """Filled once, in order, and read in any order."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file: BinaryIO | None = None
        self._entries: list[Encoded | Unusable] = []
        self._bytes_left = BYTES_IN_MEMORY
        self._end = 0
        self.cut = 0

    def add(self, entry: Encoded | Unusable) -> None:
        """Raises OSError when the disk is full."""
        if isinstance(entry, Encoded):
            # Only a server reads them.
            entry = replace(entry, text=None, messages=None)
            self.cut += entry.cut
            size = sum(value.nbytes for value in entry.inputs.values() if _is_tensor(value))
            self._bytes_left -= size
            if self._bytes_left < 0:
                entry = replace(entry, inputs=self._stored(entry.inputs))
        self._entries.append(entry)

    def first(self) -> Encoded:
        """The first that can be used. Raises ValueError where none can."""
        for place, entry in enumerate(self._entries):
            if isinstance(entry, Encoded):
                return self._read(self._entries[place])  # type: ignore[return-value]
        raise ValueError("no sample can be used")

    def __len__(self) -> int:
        return len(self._entries)

    @overload
    def __getitem__(self, place: int) -> Encoded | Unusable: ...
    @overload
    def __getitem__(self, place: slice) -> list[Encoded | Unusable]: ...
    def __getitem__(self, place: int | slice) -> "Encoded | Unusable | list[Encoded | Unusable]":
        if isinstance(place, slice):
            return [self._read(entry) for entry in self._entries[place]]
        return self._read(self._entries[place])

    def __iter__(self) -> Iterator[Encoded | Unusable]:
        return map(self._read, self._entries)

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
        self._entries = []

    def _stored(self, inputs: dict[str, Any]) -> dict[str, Any]:
        if self._file is None:
            self._file = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115 - closed by close
        return {
            name: self._store(self._file, value) if _is_tensor(value) else value
            for name, value in inputs.items()
        }

    def _store(self, file: BinaryIO, tensor: Any) -> _Stored:
        import torch

        # As bytes, because not every type of torch's is one of numpy's.
        flat = tensor.contiguous().reshape(-1).view(torch.uint8)
        place = _Stored(tensor.dtype, tuple(tensor.shape), self._end, flat.numel())
        file.write(flat.numpy().data)
        self._end += place.size
        return place

    def _read(self, entry: Encoded | Unusable) -> Encoded | Unusable:
        if isinstance(entry, Unusable) or self._file is None:
            return entry
        stored = {name: value for name, value in entry.inputs.items() if isinstance(value, _Stored)}
        if not stored:
            return entry
        self._file.flush()
        tensors = {name: _load(self._file.fileno(), place) for name, place in stored.items()}
        return replace(entry, inputs={**entry.inputs, **tensors})


def _load(descriptor: int, place: _Stored) -> Any:
    import torch

    if not place.size:
        return torch.empty(place.shape, dtype=place.dtype)
    buffer = bytearray(place.size)
    done = os.preadv(descriptor, [buffer], place.offset)
    if done != place.size:
        raise OSError(f"{done} of {place.size} bytes of a prepared input could be read")
    return torch.frombuffer(buffer, dtype=place.dtype).reshape(place.shape)


def _is_tensor(value: Any) -> bool:
    return hasattr(value, "nbytes") and hasattr(value, "is_floating_point")
