"""Counts, tokens and times against the lines of the samples."""

import math
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, get_args

from benchmark_core.contract import SAMPLES_FILE, FinishReason
from benchmark_core.report.repetition import Window
from benchmark_core.sample_journal import COLUMNS
from scoring.failed_point import Finding
from scoring.verification.comparison import differences
from scoring.verification.evidence import RunEvidence
from scoring.verification.lines import count_of, lines

MOST_LINES: Final = 20_000_000
"""Two hundred thousand samples, fifty times in two passes."""

SECONDS_STEP = 1e-6
"""Times of samples are written to the microsecond."""

FINISHES = frozenset({*get_args(FinishReason), "error"})

Place = tuple[int, str]


@dataclass
class _Walk:
    """One pass of one repetition, as its lines have it."""

    samples: "array[int]" = field(default_factory=lambda: array("q"))
    failed: int = 0
    prompt_tokens: int | None = 0
    completion_tokens: int = 0
    seconds: float = 0.0
    busy_seconds: float = 0.0

    def add(self, row: dict[str, str]) -> None:
        """Raises ValueError."""
        self.samples.append(int(row["sample"]))
        if row["finish_reason"] not in FINISHES:
            raise ValueError(f"{row['finish_reason'][:40]!r} is no way for a sample to end")
        seconds = float(row["seconds"])
        # Not a number is neither more nor less than anything that it is held against.
        if not 0 <= seconds < math.inf:
            raise ValueError(f"{row['seconds'][:40]!r} is no time that a sample takes")
        self.seconds += seconds
        if row["finish_reason"] == "error":
            self.failed += 1
            return
        self.busy_seconds += seconds
        self.completion_tokens += count_of(row["completion_tokens"])
        if not row["prompt_tokens"]:
            self.prompt_tokens = None
        elif self.prompt_tokens is not None:
            self.prompt_tokens += count_of(row["prompt_tokens"])


def check_samples(of: RunEvidence) -> Iterator[Finding]:
    """Raises csv.Error, ValueError, KeyError and OSError where the lines are none."""
    if not of.path(SAMPLES_FILE).exists():
        yield of.failed("samples_missing", "there are no lines of samples", SAMPLES_FILE)
        return
    walks = _walks(of)
    for number, repetition in enumerate(of.report.repetitions, start=1):
        for window in repetition.windows:
            if window.name != "preprocess":
                walk = walks.pop((number, window.name), _Walk())
                yield from _of_window(of, number, window, walk)
    for number, name in walks:
        yield of.failed(
            "samples_differ",
            f"{name} {number} was run, and the report has no such window",
            SAMPLES_FILE,
        )


def _of_window(of: RunEvidence, number: int, window: Window, walk: _Walk) -> Iterator[Finding]:
    label = f"{window.name} {number}"
    wanted = of.applied.samples_used
    # The number that is told may be any; that of the lines is bounded.
    if len(walk.samples) != wanted or sorted(walk.samples) != list(range(1, wanted + 1)):
        what = f"{label} has {len(walk.samples)} lines for {wanted} samples"
        yield of.failed("samples_missing", what, SAMPLES_FILE)
        return
    told = {
        "failed": window.failed,
        "successful": window.successful,
        "prompt_tokens": window.tokens.prompt,
        "completion_tokens": window.tokens.completion,
    }
    made = {
        "failed": walk.failed,
        "successful": len(walk.samples) - walk.failed,
        "prompt_tokens": walk.prompt_tokens,
        "completion_tokens": walk.completion_tokens,
    }
    for phrase in differences(told, made, label):
        yield of.failed("samples_differ", phrase)
    rounding = SECONDS_STEP * (len(walk.samples) + 1)
    if of.applied.concurrency == 1 and walk.seconds > window.duration_seconds + rounding:
        what = f"the samples of {label} took {walk.seconds:.6f} s, longer than their window"
        yield of.failed("samples_differ", what)
    if of.applied.concurrency == 1 and window.latency_seconds is not None:
        what = f"the samples of {label} were one after the other, and have a latency of their own"
        yield of.failed("samples_differ", what)
    good = len(walk.samples) - walk.failed
    if window.latency_seconds is not None and good:
        off = abs(window.latency_seconds - walk.busy_seconds / good)
        if off > rounding:
            what = f"the mean time of a sample in {label} is off by {off:.6f} s"
            yield of.failed("samples_differ", what)


def _walks(of: RunEvidence) -> dict[Place, _Walk]:
    """Raises as `check_samples`."""
    passes = 1 + max(len(one.windows) for one in of.report.repetitions)
    most = min(MOST_LINES, of.applied.samples_used * len(of.report.repetitions) * passes)
    walks: dict[Place, _Walk] = {}
    for row in lines(of.path(SAMPLES_FILE), COLUMNS, most):
        walks.setdefault((int(row["repetition"]), row["pass"]), _Walk()).add(row)
    return walks
