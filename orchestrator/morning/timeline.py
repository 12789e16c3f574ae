"""When each GPU was at what: a lane for each, with the runs on it over the time of the sweep."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from orchestrator.morning.runs import MorningRun, State

WIDTH = 1000.0
NARROWEST = 2.0
"""Runs that would be narrower are drawn together with their neighbours."""
MOST_LANES = 64
TICKS = 4
WITHOUT_GPU = "no GPU"
WORST_FIRST: Sequence[State] = ("failed", "interrupted", "running", "finished")


@dataclass(frozen=True)
class Span:
    """One run or several, in units of which the lane is `WIDTH` wide. `state` is the worst."""

    start: float
    length: float
    state: State
    words: str


@dataclass(frozen=True)
class Lane:
    """`busy_share` is of the whole time."""

    name: str
    spans: tuple[Span, ...]
    busy_share: float


@dataclass(frozen=True)
class Timeline:
    """`ticks` are shares of the width, and the moments there."""

    lanes: tuple[Lane, ...]
    begin: datetime
    end: datetime
    ticks: tuple[tuple[float, str], ...]
    lanes_left_out: int


@dataclass(frozen=True)
class _Piece:
    run: MorningRun
    begin: datetime
    end: datetime


def make_timeline(
    runs: Iterable[MorningRun], names: Mapping[str, str], begin: datetime | None, now: datetime
) -> Timeline | None:
    """Of the runs that started at `begin` or later; None where there are none.

    `names` are those of the GPUs by UUID, in the order of the lanes.
    """
    pieces = [
        _Piece(run, run.started, max(run.ended or now, run.started))
        for run in runs
        if run.started and (run.ended or run.state == "running")
        if begin is None or run.started >= begin
    ]
    if not pieces:
        return None
    first = begin or min(piece.begin for piece in pieces)
    last = max(piece.end for piece in pieces)
    last = max(last, first + timedelta(seconds=1))
    by_lane = _by_lane(sorted(pieces, key=lambda piece: piece.begin), names)
    lanes = [_lane(name, on_it, first, last) for name, on_it in by_lane.items()]
    form = _form(last - first)
    moments = [(n / TICKS, first + (last - first) * n / TICKS) for n in range(TICKS + 1)]
    ticks = tuple((share, at.astimezone().strftime(form)) for share, at in moments)
    left_out = max(len(lanes) - MOST_LANES, 0)
    return Timeline(tuple(lanes[:MOST_LANES]), first, last, ticks, left_out)


def _form(whole: timedelta) -> str:
    """As short as it may be with each moment told from the next."""
    if whole < timedelta(minutes=TICKS):
        return "%H:%M:%S"
    return "%H:%M" if whole < timedelta(days=1) else "%m-%d %H:%M"


def _by_lane(pieces: Sequence[_Piece], names: Mapping[str, str]) -> dict[str, list[_Piece]]:
    """A run on several GPUs is on the lane of each; those on none share as few as they need."""
    lanes: dict[str, list[_Piece]] = {name: [] for name in names.values()}
    free: list[list[_Piece]] = []
    for piece in pieces:
        for uuid in piece.run.gpu_uuids:
            lanes.setdefault(names.get(uuid, uuid), []).append(piece)
        if not piece.run.gpu_uuids:
            lane = next((one for one in free if one[-1].end <= piece.begin), None)
            if lane is None:
                free.append([piece])
            else:
                lane.append(piece)
    named = {f"{WITHOUT_GPU} {n}": lane for n, lane in enumerate(free, start=1)}
    if len(free) == 1:
        named = {WITHOUT_GPU: free[0]}
    return lanes | named


def _lane(name: str, pieces: Sequence[_Piece], first: datetime, last: datetime) -> Lane:
    whole = (last - first).total_seconds()
    busy = sum((piece.end - piece.begin).total_seconds() for piece in pieces)
    spans = tuple(_spans(pieces, first, WIDTH / whole))
    return Lane(name, spans, min(busy / whole, 1.0))


def _spans(pieces: Sequence[_Piece], first: datetime, unit: float) -> Iterator[Span]:
    """One for each run that is wide enough to be seen; narrow neighbours become one."""
    together: list[_Piece] = []
    for piece in pieces:
        if together and not _is_narrow(together, piece, unit):
            yield _span(together, first, unit)
            together = []
        together.append(piece)
    if together:
        yield _span(together, first, unit)


def _is_narrow(together: Sequence[_Piece], piece: _Piece, unit: float) -> bool:
    return (piece.end - together[0].begin).total_seconds() * unit < NARROWEST


def _span(pieces: Sequence[_Piece], first: datetime, unit: float) -> Span:
    begin, end = pieces[0].begin, max(piece.end for piece in pieces)
    counts = Counter(piece.run.state for piece in pieces)
    words = pieces[0].run.run_id
    if len(pieces) > 1:
        words = ", ".join(f"{counts[name]} {name}" for name in WORST_FIRST if counts[name])
    times = f"{begin.astimezone():%H:%M:%S} to {end.astimezone():%H:%M:%S}"
    return Span(
        start=(begin - first).total_seconds() * unit,
        length=max((end - begin).total_seconds() * unit, NARROWEST / 2),
        state=next(name for name in WORST_FIRST if counts[name]),
        words=f"{words}, {times}",
    )
