"""Ratings on screen, and for programs."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

from benchmark_core.terminal_text import printable
from scoring.ratings import RatedGroup, Ratings
from scoring.results_table import Group, LeftOut
from scoring.stars import MOST_STARS

UNIT = "Wh of GPU energy per 1,000 queries"
MOST_LEFT_OUT = 20
LONGEST_NAME = 80


def lines(ratings: Ratings) -> Iterator[str]:
    """A table for each group, then the rows that are not rated."""
    for rated in ratings.groups:
        yield from _group_lines(rated)
        yield ""
    if not ratings.groups:
        yield "No row can be rated."
    yield from _left_out_lines(ratings.left_out)


def document(ratings: Ratings) -> dict[str, Any]:
    return {
        "unit": UNIT,
        "groups": [_group_document(rated) for rated in ratings.groups],
        "left_out": [
            {"line": one.line, "model": one.model, "state": one.state, "because": one.because}
            for one in ratings.left_out
        ],
    }


def _group_lines(rated: RatedGroup) -> Iterator[str]:
    bands = rated.bands
    yield printable(f"{_title(rated.group)}, {UNIT}")
    if bands.meaningful:
        edges = ", ".join(map(_figure, bands.edges))
        yield f"  5 stars up to the first edge, and one less from each to the next: {edges}"
    else:
        yield "  no two different energies: the stars are not meaningful"
    names = [_name(row.model, row.state) for row, _ in rated.rows]
    width = max(map(len, names))
    for name, (row, stars) in zip(names, rated.rows, strict=True):
        drawn = "★" * stars + "☆" * (MOST_STARS - stars)
        yield f"  {drawn}  {name.ljust(width)}  {_figure(row.wh):>12}"


def _left_out_lines(left_out: Sequence[LeftOut]) -> Iterator[str]:
    if not left_out:
        return
    yield f"Not rated: {len(left_out)}"
    for one in left_out[:MOST_LEFT_OUT]:
        yield f"  line {one.line}, {_name(one.model, one.state)}: {printable(one.because)}"
    if len(left_out) > MOST_LEFT_OUT:
        yield f"  and {len(left_out) - MOST_LEFT_OUT} more; --json lists them all"


def _title(group: Group) -> str:
    parts = [
        "REHEARSAL" if group.rehearsal else "",
        group.task,
        f"class {group.model_class}" if group.model_class else "",
        "reasoning" if group.reasoning else "",
    ]
    return " ".join(part for part in parts if part)


def _name(model: str, state: str) -> str:
    return printable(f"{model} {state}".strip()[:LONGEST_NAME])


def _figure(wh: Fraction) -> str:
    return f"{float(wh):.6g}"


def _group_document(rated: RatedGroup) -> dict[str, Any]:
    group = rated.group
    return {
        "task": group.task,
        "class": group.model_class or None,
        "reasoning": group.reasoning,
        "rehearsal": group.rehearsal,
        "meaningful": rated.bands.meaningful,
        "lowest_wh": float(rated.bands.lowest),
        "highest_wh": float(rated.bands.highest),
        "edges_wh": [float(edge) for edge in rated.bands.edges],
        "rows": [
            {"line": row.line, "model": row.model, "state": row.state}
            | {"wh_per_1000_queries": float(row.wh), "stars": stars}
            for row, stars in rated.rows
        ],
    }
