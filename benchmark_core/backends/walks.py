"""The samples of a pass run by a backend, one by one or several at a time.

A bad sample fails alone; what ends the run ends the pass.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from typing import Any

from benchmark_core.backends.base import Prepared, SampleResult, TriedSample, Unusable
from benchmark_core.faults import MemoryFault, RunFault
from benchmark_core.kinds import MeasuredPass

RunOne = Callable[[Prepared, MeasuredPass], SampleResult]


def one_by_one(
    run: RunOne, prepared: Sequence[Prepared | Unusable], step: MeasuredPass
) -> Iterator[TriedSample]:
    """Each sample begins where the one before it ended, so that its time has all that it took."""
    ended_at = time.monotonic()
    for number, sample in enumerate(prepared, start=1):
        tried = _try(run, sample, step, number, ended_at)
        ended_at = tried.ended_at
        yield tried


def in_flight(
    run: RunOne,
    prepared: Sequence[Prepared | Unusable],
    step: MeasuredPass,
    count: int,
    give_up: Callable[[], Any],
) -> Iterator[TriedSample]:
    """Up to `count` samples at a time, each in a thread of its own, in the order of their ends.

    Where one of them ends the run, `give_up` tells the others to end soon; nothing more of the
    pass is given then.
    """
    ended: list[RunFault] = []

    def run_now(number: int, sample: Prepared | Unusable) -> TriedSample:
        if ended:
            raise ended[0]
        try:
            return _try(run, sample, step, number, time.monotonic())
        except RunFault as fault:
            ended.append(fault)
            raise

    with threads(count, give_up) as pool:
        asked = [pool.submit(run_now, *item) for item in enumerate(prepared, start=1)]
        for done in as_completed(asked):
            yield done.result()


@contextmanager
def threads(count: int, give_up: Callable[[], Any]) -> Iterator[ThreadPoolExecutor]:
    """Threads for what is under way at a time; `give_up` tells it to end where the run ends.

    What fails is waited for, so that nothing goes on beside the next run. A signal, or a reader
    that leaves, is not kept waiting.
    """
    pool, waits = ThreadPoolExecutor(count), True
    try:
        yield pool
    except BaseException as error:
        waits = isinstance(error, Exception)
        if not waits or isinstance(error, RunFault):
            give_up()
        raise
    finally:
        pool.shutdown(wait=waits, cancel_futures=True)


def _try(
    run: RunOne,
    sample: Prepared | Unusable,
    step: MeasuredPass,
    number: int,
    started_at: float,
) -> TriedSample:
    """Raises RunFault other than MemoryFault."""
    if isinstance(sample, Unusable):
        return TriedSample(number, started_at, time.monotonic(), None, sample.because)
    try:
        result = run(sample, step)
    except MemoryFault as fault:
        # The text alone is kept: with the fault itself, what it was raised from would live on.
        return TriedSample(number, started_at, time.monotonic(), None, fault.message, fault.remedy)
    except RunFault:
        raise
    except Exception as problem:  # noqa: BLE001 - one bad sample fails that sample alone
        error = f"{type(problem).__name__}: {problem}"
        return TriedSample(number, started_at, time.monotonic(), None, error)
    return TriedSample(number, started_at, time.monotonic(), result)
