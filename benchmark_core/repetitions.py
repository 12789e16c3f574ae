"""One repetition: every pass of the kind over all samples, each in its own window."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from benchmark_core import statistics
from benchmark_core.backends.base import Backend, Prepared, SampleResult, TriedSample, Unusable
from benchmark_core.contract import SAMPLES_FILE, Kind, RunSpec
from benchmark_core.faults import MemoryFault, ModelFault
from benchmark_core.kinds import MeasuredPass, phases_of
from benchmark_core.reasoning.splitting import Split
from benchmark_core.reasoning_journal import ReasoningJournal
from benchmark_core.report.repetition import Repetition, Window
from benchmark_core.report.token_counts import TokenCounts
from benchmark_core.sample_journal import SampleJournal
from benchmark_core.samples import LoadedSamples
from benchmark_core.single_pass import TokenMark
from benchmark_core.windows import Windows

LARGEST_FAILED_SHARE = 0.1
"""A run in which more of the samples fail than this has not measured the model."""


@dataclass(frozen=True)
class Session:
    """What one run works with, once everything is up.

    `split` tells reasoning and answer in an output apart, or answers None where it cannot.
    """

    spec: RunSpec
    kind: Kind
    backend: Backend
    windows: Windows
    samples: LoadedSamples
    passes: tuple[MeasuredPass, ...]
    journal: SampleJournal
    reasoning_journal: ReasoningJournal
    split: Callable[[Sequence[int]], Split | None]


@dataclass(frozen=True)
class Repetitions:
    """What was measured. `marks` are the token times of each repetition's last pass.

    `stopped_at_ci` is the relative half-width of the confidence interval that ended them early.
    """

    measured: tuple[Repetition, ...]
    marks: tuple[tuple[TokenMark, ...], ...]
    stopped_at_ci: float | None


def repeat(session: Session) -> Repetitions:
    """As often as the spec asks, or until the mean is known as well as it asks."""
    marks: list[tuple[TokenMark, ...]] = []

    def measure_once(number: int) -> Repetition:
        repetition, tokens = _measure_once(session, number)
        marks.append(tokens)
        return repetition

    measured, reached = until_known(session.spec, measure_once)
    return Repetitions(measured, tuple(marks), reached)


def until_known(
    spec: RunSpec, measure_once: Callable[[int], Repetition]
) -> tuple[tuple[Repetition, ...], float | None]:
    """The repetitions that the spec asks for, by their number from 1.

    Where the mean became known as well as the spec asks before the last one, they end there, and
    the relative half-width reached is told too.
    """
    measured: list[Repetition] = []
    for number in range(1, spec.repetitions + 1):
        print(f"repetition {number} of {spec.repetitions}", flush=True)
        measured.append(measure_once(number))
        if spec.stop_at_ci is not None and number < spec.repetitions:
            reached = statistics.reached(measured, spec.stop_at_ci)
            if reached is not None:
                return tuple(measured), reached
    return tuple(measured), None


def _measure_once(session: Session, number: int) -> tuple[Repetition, tuple[TokenMark, ...]]:
    prepared: Sequence[Prepared] = []
    windows: list[Window] = []
    walk = _Walk()
    for step in session.passes:
        if step.name == "preprocess":
            window, prepared = _preprocess(session, number)
        else:
            window, walk = measure_pass(session, step, prepared, number)
        windows.append(window)
    phases = phases_of(session.kind, windows)
    return Repetition(windows=tuple(windows), phases=phases), tuple(walk.marks)


def _preprocess(session: Session, number: int) -> tuple[Window, Sequence[Prepared]]:
    measured, prepared = session.windows.measure(
        f"preprocess {number}", lambda: session.backend.preprocess(session.samples.samples)
    )
    failed = sum(isinstance(sample, Unusable) for sample in prepared)
    return Window(
        name="preprocess",
        duration_seconds=measured.duration_seconds,
        reading=measured.reading,
        tokens=TokenCounts(prompt=0, completion=0),
        successful=len(prepared) - failed,
        failed=failed,
    ), prepared


@dataclass
class _Walk:
    """What a pass over the samples counts as it goes. `results` are by the samples' numbers.

    `out_of_memory` of the failed samples were too large for the device; `memory_remedy` is theirs.
    `busy_seconds` is the time of the successful ones, each by itself.
    """

    prompt_tokens: int | None = 0
    completion_tokens: int = 0
    failed: int = 0
    last_error: str = ""
    out_of_memory: int = 0
    memory_remedy: str = ""
    busy_seconds: float = 0.0
    marks: list[TokenMark] = field(default_factory=list)
    results: dict[int, SampleResult] = field(default_factory=dict)

    def count(self, tried: TriedSample, result: SampleResult) -> None:
        self.results[tried.number] = result
        self.busy_seconds += tried.ended_at - tried.started_at
        if self.prompt_tokens is not None:
            tokens = result.prompt_tokens
            self.prompt_tokens = None if tokens is None else self.prompt_tokens + tokens
        self.completion_tokens += result.completion_tokens
        if result.first_token_at is not None:
            self.marks.append(TokenMark(tried.started_at, result.first_token_at, tried.ended_at))

    def count_failed(self, tried: TriedSample) -> None:
        self.failed += 1
        self.last_error = tried.error
        if tried.memory_remedy is not None:
            self.out_of_memory += 1
            self.memory_remedy = tried.memory_remedy


def measure_pass(
    session: Session, step: MeasuredPass, prepared: Sequence[Prepared], number: int
) -> tuple[Window, _Walk]:
    """One pass of repetition `number` in its window. Raises RunFault."""
    measured, walk = session.windows.measure(
        f"{step.name} {number}", lambda: _walk(session, step, prepared, number)
    )
    _refuse_too_many_failures(session.spec, step, walk, len(prepared))
    splits = _tell_apart(session, step, walk, number)
    return Window(
        name=step.name,
        duration_seconds=measured.duration_seconds,
        reading=measured.reading,
        tokens=TokenCounts(
            prompt=walk.prompt_tokens,
            completion=walk.completion_tokens,
            reasoning=_reasoning_tokens(splits, walk),
        ),
        successful=len(prepared) - walk.failed,
        failed=walk.failed,
        truncated=_truncated(splits, walk, step),
        first_token_seconds=_first_token_seconds(walk.marks),
        latency_seconds=_latency_seconds(session.spec, walk),
    ), walk


def _latency_seconds(spec: RunSpec, walk: _Walk) -> float | None:
    overlap = (spec.backend.concurrency or 1) > 1
    return walk.busy_seconds / len(walk.results) if overlap and walk.results else None


def _first_token_seconds(marks: Sequence[TokenMark]) -> float | None:
    if not marks:
        return None
    return sum(mark.first_token_at - mark.started_at for mark in marks) / len(marks)


def _tell_apart(session: Session, step: MeasuredPass, walk: _Walk, number: int) -> dict[int, Split]:
    """Reasoning and answer of the outputs of a repetition's last pass, after its window."""
    if step is not session.passes[-1]:
        return {}
    outputs = {
        index: result.token_ids
        for index, result in walk.results.items()
        if result.token_ids is not None
    }
    found = {index: session.split(token_ids) for index, token_ids in outputs.items()}
    if not any(found.values()):
        return {}
    # Once one output has shown the marks that the model sets, the others have none of them.
    splits = {index: split or Split(0, len(outputs[index])) for index, split in found.items()}
    session.reasoning_journal.write(number, splits.items())
    return splits


def _reasoning_tokens(splits: dict[int, Split], walk: _Walk) -> int | None:
    """None unless every output was told apart."""
    if not splits or len(splits) < len(walk.results):
        return None
    return sum(split.reasoning for split in splits.values())


def _truncated(splits: dict[int, Split], walk: _Walk, step: MeasuredPass) -> int | None:
    limits = step.limits
    if not splits or limits is None:
        return None
    if limits.max_new_tokens == limits.min_new_tokens:
        return 0  # every output ends at such a limit, as it is meant to
    return sum(
        not split.ended and walk.results[index].finish_reason == "length"
        for index, split in splits.items()
    )


def _walk(session: Session, step: MeasuredPass, prepared: Sequence[Prepared], number: int) -> _Walk:
    with session.backend.walking():
        return _walk_samples(session, step, prepared, number)


def _walk_samples(
    session: Session, step: MeasuredPass, prepared: Sequence[Prepared], number: int
) -> _Walk:
    walk = _Walk()
    for tried in session.backend.run_all(prepared, step):
        index, result = tried.number, tried.result
        seconds = tried.ended_at - tried.started_at
        if result is None:
            walk.count_failed(tried)
            session.journal.write_failed(number, step.name, index, seconds, tried.error)
        else:
            walk.count(tried, result)
            session.journal.write(number, step.name, index, seconds, result)
    return walk


def _refuse_too_many_failures(spec: RunSpec, step: MeasuredPass, walk: _Walk, total: int) -> None:
    if walk.failed <= total * LARGEST_FAILED_SHARE:
        return
    message = (
        f"model {spec.model.id}, {spec.task.replace('_', ' ')}: {walk.failed} of {total}"
        f" samples failed in the {step.name} pass"
    )
    remedy = f"See the error column of {SAMPLES_FILE}."
    if walk.out_of_memory * 2 >= walk.failed:
        raise MemoryFault(
            f"{message}, {walk.out_of_memory} of them because the device ran out of memory",
            f"{walk.memory_remedy} {remedy}",
        )
    raise ModelFault(f"{message}; the last said: {walk.last_error}", remedy)
