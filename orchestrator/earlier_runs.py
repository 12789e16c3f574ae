"""What earlier runs of an output directory took, read from its table, and scaled to another run."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from benchmark_core.contract import RunSpec, TokenLimits
from benchmark_core.documents import ContractError, read_bounded
from benchmark_core.tasks import registry as tasks
from orchestrator.estimate import Estimate
from orchestrator.parameter_rule import around, expected_new_tokens, joint_factor

SAME_FACTOR = 1.15
"""From one run to the next of the same."""
OTHER_AMOUNT_FACTOR = 1.25
"""Other samples, and as many more of them as the scale says."""
OTHER_STATE_FACTOR = 3.0
"""Of another reasoning state nobody knows how much is written."""
PREFILL_CENTRAL, PREFILL_MOST = 1.1, 2.0
"""All passes of a repetition, as so many times the last one: the prefill pass is no longer."""


@dataclass(frozen=True)
class EarlierRun:
    """One finished run. Seconds and Wh of the whole run, and of one repetition's scored part."""

    run_id: str
    reasoning_state: str
    gpu_name: str
    timestamp: str
    limits: TokenLimits | None
    samples: int
    repetitions: int
    new_tokens: float
    whole_seconds: float
    once_seconds: float
    whole_wh: float | None
    once_wh: float | None


@dataclass(frozen=True)
class EarlierRuns:
    """Without rehearsals."""

    _by_key: Mapping[tuple[str, ...], list[EarlierRun]] = field(default_factory=dict)

    def nearest(self, spec: RunSpec, gpu_names: Sequence[str]) -> EarlierRun | None:
        """The newest of those most alike; None without any of the model on like hardware."""
        state = spec.reasoning.state if spec.reasoning else ""
        names = set(gpu_names)
        found = [
            run
            for run in self._by_key.get(_key_of(spec), ())
            if not run.gpu_name or not names or run.gpu_name in names
        ]
        return max(
            found,
            key=lambda run: (
                run.reasoning_state == state,
                run.limits == spec.limits,
                run.run_id == spec.run_id,
                run.timestamp,
            ),
            default=None,
        )


def read_earlier_runs(master_path: Path) -> EarlierRuns:
    """From the table of a directory; nothing where there is none of ours. Damaged rows are none."""
    try:
        lines = read_bounded(master_path).decode().splitlines()
    except (OSError, ContractError, UnicodeDecodeError):
        return EarlierRuns()
    columns = lines[0].split(",") if lines else []
    by_key: dict[tuple[str, ...], list[EarlierRun]] = defaultdict(list)
    # Cells are never quoted in this table.
    for line in lines[1:]:
        row = dict(zip(columns, line.split(","), strict=False))
        with suppress(KeyError, ValueError):
            if row["outcome"] == "finished" and row["rehearsal"] != "yes":
                by_key[_key_of_row(row)].append(_earlier_run(row))
    return EarlierRuns(by_key)


def by_earlier_run(
    spec: RunSpec, samples: int, earlier: EarlierRun
) -> tuple[Estimate, Estimate | None]:
    """Seconds of the whole run and its GPU energy in Wh, from what a run like it took.

    What grows with the samples is known between two bounds only, as the passes before the last one
    have no column: so the more a run is scaled, the less is known.
    """
    amount = spec.repetitions * samples / (earlier.repetitions * earlier.samples)
    length, doubt = _length_scale(spec, earlier)
    factor = joint_factor(SAME_FACTOR, OTHER_AMOUNT_FACTOR if amount != 1 else 1.0, doubt)
    scale, repetitions = amount * length, earlier.repetitions
    seconds = _scaled(earlier.whole_seconds, earlier.once_seconds * repetitions, scale, factor)
    if earlier.whole_wh is None or earlier.once_wh is None:
        return seconds, None
    return seconds, _scaled(earlier.whole_wh, earlier.once_wh * repetitions, scale, factor)


def _length_scale(spec: RunSpec, earlier: EarlierRun) -> tuple[float, float]:
    """How many times as much is written to a sample, and the factor by which that is uncertain."""
    state = spec.reasoning.state if spec.reasoning else ""
    if spec.limits == earlier.limits or spec.limits is None or not earlier.new_tokens:
        return 1.0, 1.0 if state == earlier.reasoning_state else OTHER_STATE_FACTOR
    tokens, doubt = expected_new_tokens(spec.limits)
    return tokens / earlier.new_tokens, joint_factor(OTHER_STATE_FACTOR, doubt)


def _scaled(whole: float, last_passes: float, scale: float, factor: float) -> Estimate:
    """`last_passes` and perhaps more of `whole` is multiplied, the rest stays."""

    def taken(share: float) -> float:
        grows = min(last_passes * share, whole)
        return whole - grows + grows * scale

    bounds = [taken(1.0), taken(PREFILL_CENTRAL), taken(PREFILL_MOST)]
    central = bounds[1]
    return Estimate(
        low=around(min(bounds), factor).low,
        central=central,
        high=around(max(bounds), factor).high,
    )


def _key_of(spec: RunSpec) -> tuple[str, ...]:
    preferred = tasks.get(spec.task).spellings[0]
    device = spec.device
    return spec.model.id, preferred, spec.backend.name, device.kind, str(device.gpu_count)


def _key_of_row(row: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(row[name] for name in ("model_name", "task", "backend", "device", "gpu_count"))


def _earlier_run(row: Mapping[str, str]) -> EarlierRun:
    """Raises ValueError or KeyError where the row does not tell enough."""
    samples, repetitions = int(row["total_prompts"]), int(row["repetitions"])
    whole, once = float(row["run_seconds"]), float(row["total_duration_seconds"])
    if min(samples, repetitions) < 1 or not 0 < once * repetitions <= whole < float("inf"):
        raise ValueError("no run takes such a time")
    most, fewest = row["max_new_tokens"], row["min_new_tokens"]
    tokens, successful = int(row["total_completion_tokens"] or 0), int(row["successful_prompts"])
    if tokens < 0 or successful < 1:
        raise ValueError("nothing was run")
    return EarlierRun(
        run_id=row["run_id"],
        reasoning_state=row["reasoning_state"],
        gpu_name=row["gpu_name"],
        timestamp=row["timestamp"],
        limits=TokenLimits(max_new_tokens=int(most), min_new_tokens=int(fewest)) if most else None,
        samples=samples,
        repetitions=repetitions,
        new_tokens=tokens / successful,
        whole_seconds=whole,
        once_seconds=once,
        whole_wh=_wh(row["run_gpu_energy_wh"]),
        once_wh=_wh(row["gpu_energy_wh"]),
    )


def _wh(text: str) -> float | None:
    value = float(text) if text else None
    return value if value is None or 0 <= value < float("inf") else None
