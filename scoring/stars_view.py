"""Ratings on screen, and for programs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from benchmark_core.terminal_text import printable
from scoring.figures import figure
from scoring.quality import Quality
from scoring.ratings import RatedGroup, RatedRow, Ratings
from scoring.results_table import Group, LeftOut, Row
from scoring.row_identity import model_and_state
from scoring.schemes import DEFAULT
from scoring.stars import MOST_STARS
from scoring.words import REHEARSAL, UNIT

MOST_LEFT_OUT = 20
LONGEST_NAME = 80


@dataclass(frozen=True)
class RatedBy:
    """What the stars were given by: a scheme, or the edges of an edition."""

    scheme: str
    edition: str | None = None

    @property
    def words(self) -> str:
        if self.edition is not None:
            return f"by the edges of the edition {self.edition}"
        return "" if self.scheme == DEFAULT.name else f"by the scheme {self.scheme}"


def lines(ratings: Ratings, by: RatedBy, quality: Quality) -> Iterator[str]:
    """A table for each group, then the rows that are not rated."""
    for rated in ratings.groups:
        yield from _group_lines(rated, by, quality)
        yield ""
    if not ratings.groups:
        yield "No row can be rated."
    yield from left_out_lines(ratings.left_out)


def document(ratings: Ratings, by: RatedBy, quality: Quality) -> dict[str, Any]:
    """Groups, their rows and what is left out are iterators."""
    return {
        "unit": UNIT,
        "scheme": None if by.edition is not None else by.scheme,
        "edition": by.edition,
        "groups": (_group_document(rated, quality) for rated in ratings.groups),
        "left_out": (
            {
                "file": one.file or None,
                "line": one.line,
                "model": one.model,
                "state": one.state,
                "because": one.because,
            }
            for one in ratings.left_out
        ),
    }


def _group_lines(rated: RatedGroup, by: RatedBy, quality: Quality) -> Iterator[str]:
    bands = rated.bands
    title = f"{_title(rated.group)}, {UNIT}"
    yield printable(f"{title}, {by.words}" if by.words else title)
    if bands.meaningful:
        uppers = zip(range(MOST_STARS, 0, -1), (*bands.edges, bands.highest), strict=True)
        edges = ", ".join(f"{stars} up to {_wh(edge)}" for stars, edge in uppers)
        yield f"  stars by energy: {edges}"
    else:
        yield "  no two different energies: the stars are not meaningful"
    yield from _columns([_cells(one, rated, quality) for one in rated.rows])


def _columns(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for stars, name, energy, *others in rows:
        cells = [name.ljust(widths[1]), energy.rjust(widths[2])]
        cells += [other.ljust(width) for other, width in zip(others, widths[3:], strict=True)]
        yield f"  {stars}  {'  '.join(cells)}".rstrip()


def _cells(one: RatedRow, rated: RatedGroup, quality: Quality) -> list[str]:
    row = one.row
    energy = (
        _wh(row.wh) if row.interval_wh is None else f"{_wh(row.wh)} ± {figure(row.interval_wh, 2)}"
    )
    figures = [
        printable(f"{name[:LONGEST_NAME]} {cell[:LONGEST_NAME]}") if cell else ""
        for name, cell in zip(quality.columns, quality.of(row), strict=True)
    ]
    return [_drawn(one.stars), _name(row), energy, *figures, _remark(one, rated)]


def _remark(one: RatedRow, rated: RatedGroup) -> str:
    """What a reader should know of these stars: how firm they are, and what is next."""
    if not rated.bands.lowest <= one.row.wh <= rated.bands.highest:
        return "outside the edition's range"
    if not rated.bands.meaningful:
        return ""
    parts = []
    if one.possible and len(set(one.possible)) > 1:
        parts.append(f"{one.possible[0]} to {one.possible[1]} stars within the intervals")
    if one.to_more_wh is not None:
        parts.append(f"{_wh(one.to_more_wh)} Wh less: {one.stars + 1} stars")
    return "; ".join(parts)


def left_out_lines(left_out: Sequence[LeftOut]) -> Iterator[str]:
    if not left_out:
        return
    yield f"Not rated: {len(left_out)}"
    for one in left_out[:MOST_LEFT_OUT]:
        yield f"  {one.place}, {_name(one)}: {printable(one.because)}"
    if len(left_out) > MOST_LEFT_OUT:
        yield f"  and {len(left_out) - MOST_LEFT_OUT} more; stars --json lists them all"


def _title(group: Group) -> str:
    parts = [
        REHEARSAL if group.rehearsal else "",
        group.task,
        f"class {group.model_class}" if group.model_class else "",
        "reasoning" if group.reasoning else "",
    ]
    return " ".join(part for part in parts if part)


def _drawn(stars: int) -> str:
    return "★" * stars + "☆" * (MOST_STARS - stars)


def _wh(wh: Decimal) -> str:
    return figure(float(wh))


def _name(row: Row | LeftOut) -> str:
    return printable(model_and_state(row)[:LONGEST_NAME])


def _group_document(rated: RatedGroup, quality: Quality) -> dict[str, Any]:
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
        "rows": (_row_document(one, quality) for one in rated.rows),
    }


def _row_document(one: RatedRow, quality: Quality) -> dict[str, Any]:
    row, possible = one.row, one.possible
    return {
        "file": row.file or None,
        "line": row.line,
        "model": row.model,
        "state": row.state,
        "wh_per_1000_queries": float(row.wh),
        "interval_wh": _float(row.interval_wh),
        "stars": one.stars,
        "fewest_stars": possible[0] if possible else None,
        "most_stars": possible[1] if possible else None,
        "wh_to_more_stars": _float(one.to_more_wh),
        "wh_to_fewer_stars": _float(one.to_fewer_wh),
        "quality": dict(zip(quality.columns, quality.of(row), strict=True)),
    }


def _float(number: Decimal | None) -> float | None:
    return None if number is None else float(number)
