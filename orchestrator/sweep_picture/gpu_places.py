"""The places of runs: GPUs by the driver's indices, as people know them."""

from collections.abc import Iterable, Sequence

from orchestrator.sweep_record import SweepGpu, SweepRecord


def places(uuids: Sequence[str], gpus: Iterable[SweepGpu]) -> tuple[int, ...]:
    """The driver's indices of GPUs, in order; those that the sweep does not know are left out."""
    indices = {gpu.uuid: gpu.index for gpu in gpus}
    return tuple(sorted(indices[uuid] for uuid in uuids if uuid in indices))


def ranges(numbers: Sequence[int]) -> str:
    """`0-3,6` of 0, 1, 2, 3, 6."""
    parts: list[list[int]] = []
    for number in numbers:
        if parts and number == parts[-1][-1] + 1:
            parts[-1].append(number)
        else:
            parts.append([number])
    return ",".join(f"{part[0]}-{part[-1]}" if part[1:] else f"{part[0]}" for part in parts)


def on_gpus(uuids: Sequence[str], record: SweepRecord) -> str:
    """` on GPU 0`, ` on GPUs 0-3`; nothing without any."""
    indices = places(uuids, record.gpus)
    if not indices:
        return ""
    return f" on GPU{'s' if indices[1:] else ''} {ranges(indices)}"
