"""A run whose backend measures by itself: it is asked once for each repetition."""

from contextlib import closing
from dataclasses import fields
from pathlib import Path

from benchmark_core.applied import applied_settings
from benchmark_core.backends import registry as backends
from benchmark_core.conclusion import Measurements
from benchmark_core.contract import Launch, RunSpec
from benchmark_core.delegate import Found
from benchmark_core.faults import ModelFault
from benchmark_core.repetitions import Repetitions, until_known
from benchmark_core.report.energy import Reading
from benchmark_core.report.repetition import Repetition
from benchmark_core.samples import load_samples
from benchmark_core.tasks import registry as tasks


def measure(folder: Path, spec: RunSpec, launch: Launch) -> Measurements:
    """All that one run brings home. Raises RunFault.

    There are no windows outside the repetitions and no power trace, so nothing is said of the rest,
    of loading, and of what went on meanwhile.
    """
    delegate = backends.DELEGATES[spec.backend.name](spec, launch, folder)
    found: list[Found] = []

    def measure_once(number: int) -> Repetition:
        delegated = delegate.measure_once(number)
        found.append(delegated.found)
        _refuse_change(number, found[0], delegated.found)
        return delegated.repetition

    with closing(delegate):
        samples = load_samples(spec, launch, tasks.get(spec.task).columns)
        delegate.prepare(samples)
        repetitions, reached = until_known(spec, measure_once)
    first = found[0]
    return Measurements(
        repetitions=Repetitions(repetitions, (), reached),
        applied=applied_settings(first.loaded, first.conditions, samples, first.meters),
        reasoning=first.reasoning,
        samples_used=samples.used,
        sources=first.sources,
        gpus=first.gpus,
        spans=(),
        total=Reading(),
        gate=None,
        rest_watts=(None, None),
        programs=first.programs,
    )


def _refuse_change(number: int, first: Found, now: Found) -> None:
    """Each repetition is a program of its own; all have to have run the same."""
    changed = [
        part.name for part in fields(Found) if getattr(first, part.name) != getattr(now, part.name)
    ]
    if changed:
        raise ModelFault(
            f"repetition {number} ran otherwise than the first: {', '.join(changed)} changed",
            "Change no environment and no GPU while a run lasts, and run the row again.",
        )
