"""Prefill and decode told apart within one pass, where their parts are long enough.

It reads the power trace and writes nothing.

The methodology measures a pass with one new token and subtracts it from the pass with all of them.
Here the generate pass alone is split where each sample's first token came. The power trace is read
once, row by row, in constant memory but for three times of each sample.
"""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from benchmark_core.contract import JOULES_PER_WH
from benchmark_core.report.trace_facts import SinglePass
from benchmark_core.trace_energy import joules_between

SHORTEST_SECONDS = 0.5
"""Five steps of a counter that is renewed every 0.1 s. In less, the energy of a part is mostly that
of its neighbour."""

LARGEST_SHORT_SHARE = 0.1
"""So many of the samples may have a shorter part; a few long ones may not carry the mean."""


@dataclass(frozen=True)
class TokenMark:
    """When a sample began, had its first new token, and ended, on the clock of the trace."""

    started_at: float
    first_token_at: float
    ended_at: float


def split(
    path: Path, uuids_count: int, generate_marks: Sequence[Sequence[TokenMark]]
) -> SinglePass:
    """The split of the generate passes, one list of marks for each repetition.

    Samples are in the order of time and one after the other. The energy of all GPUs is summed up,
    by their counters where the trace has them, else by their power.
    """
    obstacle = _too_short([mark for marks in generate_marks for mark in marks])
    if obstacle is None and not all(generate_marks):
        obstacle = "a repetition has no sample with the time of its first token"
    if obstacle is not None:
        return _no_split(obstacle)
    edges = [
        edge
        for marks in generate_marks
        for mark in marks
        for edge in (mark.started_at, mark.first_token_at, mark.ended_at)
    ]
    if any(later < earlier for earlier, later in pairwise(edges)):
        return _no_split("the samples overlap in time")
    parts = joules_between(path, uuids_count, list(pairwise(edges)))
    # Every third part lies between two samples.
    prefills, decodes = _known(parts[0::3]), _known(parts[1::3])
    if prefills is None or decodes is None:
        return _no_split("the power trace does not cover every sample, or a counter went back")
    per_repetition = JOULES_PER_WH * len(generate_marks)
    return SinglePass(
        prefill_wh=sum(prefills) / per_repetition,
        decode_wh=sum(decodes) / per_repetition,
        because=None,
    )


def _known(joules: Sequence[float | None]) -> list[float] | None:
    """All of them; None where one is not known."""
    known = [value for value in joules if value is not None]
    return known if len(known) == len(joules) else None


def _no_split(because: str) -> SinglePass:
    return SinglePass(prefill_wh=None, decode_wh=None, because=because)


def _too_short(marks: Sequence[TokenMark]) -> str | None:
    """Why the parts are too short for the meter, None where they are not."""
    if not marks:
        return "the times of the first tokens were not taken"
    parts = {
        "prefill": [mark.first_token_at - mark.started_at for mark in marks],
        "decode": [mark.ended_at - mark.first_token_at for mark in marks],
    }
    for name, seconds in parts.items():
        mean = statistics.fmean(seconds)
        if mean < SHORTEST_SECONDS:
            return f"{name} lasts {mean:.2g} s on average, the meter needs {SHORTEST_SECONDS:g} s"
    for name, seconds in parts.items():
        short = sum(value < SHORTEST_SECONDS for value in seconds)
        if short > LARGEST_SHORT_SHARE * len(seconds):
            return (
                f"{name} lasts less than the {SHORTEST_SECONDS:g} s that the meter needs"
                f" in {short} of {len(seconds)} samples"
            )
    return None
