"""Counts, tokens and times against the lines of the samples."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import get_args

from benchmark_core.backend_facts import BACKEND_FACTS
from benchmark_core.contract import REASONING_FILE, SAMPLES_FILE, FinishReason
from benchmark_core.reasoning_journal import COLUMNS as REASONING_COLUMNS
from benchmark_core.report.repetition import Window
from benchmark_core.sample_journal import COLUMNS
from scoring.failed_point import Finding
from scoring.verification.comparison import differences
from scoring.verification.evidence import RunEvidence

SECONDS_STEP = 1e-6
"""Times of samples are written to the microsecond."""

FINISHES = frozenset({*get_args(FinishReason), "error"})

Place = tuple[int, str]


@dataclass
class _Walk:
    """One pass of one repetition, as its lines have it."""

    samples: list[int] = field(default_factory=list)
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
        self.seconds += seconds
        if row["finish_reason"] == "error":
            self.failed += 1
            return
        self.busy_seconds += seconds
        self.completion_tokens += int(row["completion_tokens"])
        if not row["prompt_tokens"]:
            self.prompt_tokens = None
        elif self.prompt_tokens is not None:
            self.prompt_tokens += int(row["prompt_tokens"])


def check_samples(of: RunEvidence) -> Iterator[Finding]:
    """Raises csv.Error, ValueError, KeyError and OSError where the lines are none."""
    if BACKEND_FACTS[of.spec.backend.name].measures_itself:
        yield of.not_checked("counts and tokens", f"its backend writes no {SAMPLES_FILE}")
        return
    path = of.path(SAMPLES_FILE)
    if not path.exists():
        yield of.failed("samples_missing", "there are no lines of samples", SAMPLES_FILE)
        return
    walks = _walks(path)
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
    wanted = set(range(1, of.applied.samples_used + 1))
    if set(walk.samples) != wanted or len(walk.samples) != len(wanted):
        what = f"{label} has {len(walk.samples)} lines for {len(wanted)} samples"
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
    good = len(walk.samples) - walk.failed
    if window.latency_seconds is not None and good:
        off = abs(window.latency_seconds - walk.busy_seconds / good)
        if off > rounding:
            what = f"the mean time of a sample in {label} is off by {off:.6f} s"
            yield of.failed("samples_differ", what)


def check_reasoning_tokens(of: RunEvidence) -> Iterator[Finding]:
    """Raises as `check_samples`."""
    told = [repetition.windows[-1] for repetition in of.report.repetitions]
    path = of.path(REASONING_FILE)
    if not path.exists():
        if any(window.tokens.reasoning is not None for window in told):
            yield of.failed("reasoning_tokens_differ", "there are no lines of them", REASONING_FILE)
        return
    sums: dict[int, int] = {}
    for row in _rows(path, REASONING_COLUMNS):
        number = int(row["repetition"])
        sums[number] = sums.get(number, 0) + int(row["reasoning_tokens"])
    for number, window in enumerate(told, start=1):
        counted = window.tokens.reasoning
        # Where some outputs could not be told apart the report has no sum.
        if counted is not None and counted != sums.get(number):
            what = f"repetition {number} has {counted}, and {sums.get(number)} follow"
            yield of.failed("reasoning_tokens_differ", what)


def _walks(path: Path) -> dict[Place, _Walk]:
    walks: dict[Place, _Walk] = {}
    for row in _rows(path, COLUMNS):
        walks.setdefault((int(row["repetition"]), row["pass"]), _Walk()).add(row)
    return walks


def _rows(path: Path, columns: tuple[str, ...]) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        reader = csv.reader(stream, strict=True)
        if tuple(next(reader, ())) != columns:
            raise ValueError(f"{path.name} has other columns than it ought to have")
        for cells in reader:
            yield dict(zip(columns, cells, strict=True))
