"""Phrases that every display uses."""

from collections.abc import Iterable, Sequence

from orchestrator.outcome import Outcome
from orchestrator.sweep_record import SweepGpu, SweepRecord

DASH = "–"


def duration(seconds: float) -> str:
    """`42 s`, `7 min`, `3 h 05 min`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def energy(wh: float) -> str:
    """`0.42 Wh`, `42.0 Wh`, `1.23 kWh`."""
    if wh < 10:
        return f"{wh:.2f} Wh"
    return f"{wh:.1f} Wh" if wh < 1000 else f"{wh / 1000:,.2f} kWh"


def counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def outcome_line(outcome: Outcome, retry_seconds: float | None = None) -> str:
    """`finished RUN_ID`, or what went wrong, where the log is and whether it is tried again."""
    if outcome.outcome == "finished":
        return f"finished {outcome.run_id}"
    line = f"{outcome.outcome} {outcome.run_id}: {outcome.error_message} (log: {outcome.log_file})"
    return line if retry_seconds is None else f"{line}; {again(retry_seconds)}"


def again(retry_seconds: float) -> str:
    return f"tried again in {duration(retry_seconds)}" if retry_seconds >= 1 else "tried again now"


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
