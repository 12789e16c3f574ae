"""A forecast in words, and for programs."""

from collections import Counter
from collections.abc import Iterator

from orchestrator.estimate import Estimate, two_digits
from orchestrator.forecast import Forecast
from orchestrator.run_forecast import RunForecast

TIME_UNITS = ((86400.0, "d"), (3600.0, "h"), (60.0, "min"), (1.0, "s"))
ENERGY_UNITS = ((1e6, "MWh"), (1e3, "kWh"), (1.0, "Wh"))
DISK_UNITS = ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"))
UNKNOWN = "?"
CANNOT_KNOW = (
    "A forecast knows nothing of downloads, failures and retries, of other users of the GPUs, nor"
    " of how much a model that may stop by itself will write."
)


def cells(expected: RunForecast | None) -> tuple[str, str]:
    """Time and GPU energy of a run; empty for one that is not measured."""
    if expected is None:
        return "", ""
    return duration(expected.seconds), energy(expected.gpu_energy_wh)


def duration(seconds: Estimate | None) -> str:
    """`5.3 h (1.8-16)`: the best guess, and between what."""
    return _range(seconds, TIME_UNITS)


def energy(wh: Estimate | None) -> str:
    return _range(wh, ENERGY_UNITS)


def lines(expected: Forecast) -> Iterator[str]:
    """What the runs to be measured take together, on which grounds, and what nobody can know."""
    if not expected.runs:
        return
    gpus = f"{expected.gpu_total} GPUs, " if expected.gpu_total else ""
    at_a_time = min(expected.parallel, len(expected.runs))
    at_a_time_text = "one run at a time" if at_a_time == 1 else f"{at_a_time} runs at a time"
    parts = [f"{duration(expected.wall_seconds)} on {gpus}{at_a_time_text}"]
    if expected.gpu_total:
        parts.append(f"{_range(expected.gpu_hours, ((1.0, 'GPU-hours'),))}")
        parts.append(f"{energy(expected.gpu_energy_wh)} of GPU energy")
    parts.append(f"{_scaled(expected.disk_bytes, DISK_UNITS)} of disk")
    yield f"forecast: {'; '.join(parts)}"
    yield f"forecast: {len(expected.runs)} runs, {_grounds(expected)}. {CANNOT_KNOW}"


def document(expected: Forecast) -> dict[str, object]:
    return {
        "gpu_total": expected.gpu_total,
        "parallel": expected.parallel,
        "wall_seconds": _bounds(expected.wall_seconds),
        "gpu_hours": _bounds(expected.gpu_hours),
        "gpu_energy_wh": _bounds(expected.gpu_energy_wh),
        "disk_bytes": expected.disk_bytes,
        "without_time": expected.without("seconds"),
        "without_energy": expected.without("gpu_energy_wh"),
        "without_disk": expected.without("disk_bytes"),
    }


def run_document(expected: RunForecast | None) -> dict[str, object] | None:
    if expected is None:
        return None
    return {
        "gpu_count": expected.gpu_count,
        "seconds": _bounds(expected.seconds),
        "gpu_energy_wh": _bounds(expected.gpu_energy_wh),
        "disk_bytes": expected.disk_bytes,
        "basis": expected.basis,
    }


def _grounds(expected: Forecast) -> str:
    counted = Counter(run.basis for run in expected.runs.values())
    nothing = counted.pop(None, 0)
    grounds = [f"{count} by {basis}" for basis, count in sorted(counted.items(), key=str)]
    if nothing:
        grounds.append(f"{nothing} without any ground, which are in no sum")
    return ", ".join(grounds)


def _bounds(estimate: Estimate | None) -> dict[str, float] | None:
    return estimate.model_dump() if estimate else None


def _range(estimate: Estimate | None, units: tuple[tuple[float, str], ...]) -> str:
    """All three in the unit that suits the best guess."""
    if estimate is None:
        return UNKNOWN
    size, unit = _unit(estimate.central, units)
    low, central, high = (
        two_digits(value / size) for value in (estimate.low, estimate.central, estimate.high)
    )
    return f"{central} {unit}" if low == high else f"{central} {unit} ({low}-{high})"


def _scaled(value: float, units: tuple[tuple[float, str], ...]) -> str:
    size, unit = _unit(value, units)
    return f"{two_digits(value / size)} {unit}"


def _unit(value: float, units: tuple[tuple[float, str], ...]) -> tuple[float, str]:
    # 90 min say more than 1.5 h, and 47 h more than 2 d.
    return next((one for one in units if value >= 2 * one[0]), units[-1])
