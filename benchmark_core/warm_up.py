"""The warm-up: one sample, run before anything counts."""

from collections.abc import Sequence

from benchmark_core.backends.base import Backend, Unusable
from benchmark_core.contract import RunSpec
from benchmark_core.faults import ModelFault, RunFault, SampleFault
from benchmark_core.kinds import MeasuredPass
from benchmark_core.repetitions import LARGEST_FAILED_SHARE
from benchmark_core.samples import LoadedSamples


def warm_up(
    spec: RunSpec, backend: Backend, samples: LoadedSamples, passes: Sequence[MeasuredPass]
) -> None:
    """On the first sample that can be used; a bad one fails later, where it is counted.

    Raises:
        ModelFault: more samples failed than a run may have.
        SampleFault: none can be used.
    """
    because, failed = "", 0
    whose = f"model {spec.model.id}, {spec.task.replace('_', ' ')}"
    for sample in samples.samples:
        (prepared,) = backend.preprocess([sample])
        if isinstance(prepared, Unusable):
            because = prepared.because
            continue
        try:
            backend.warm_up(prepared, passes)
            return
        except RunFault:
            raise
        except Exception as problem:  # noqa: BLE001 - one bad sample fails that sample alone
            because, failed = f"{type(problem).__name__}: {problem}", failed + 1
        if failed > samples.used * LARGEST_FAILED_SHARE:
            raise ModelFault(
                f"{whose}: {failed} {'sample' if failed == 1 else 'samples'} failed before any was"
                f" run; the last said: {because}",
                "See the log; check that the model is one for this task.",
            )
    if samples.used == 1:
        none = "the only sample cannot be used"
    else:
        none = f"none of the {samples.used} samples can be used; the last said"
    raise SampleFault(
        f"{whose}: {none}: {because}",
        "Check that the samples are made for this task.",
    )
