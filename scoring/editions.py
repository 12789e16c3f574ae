"""Editions: rows and edges that are frozen, so that an old label can always be explained.

A new edition may change any star, because it has other rows; energies never change. Numbers are
kept as text, exactly as they were read.
"""

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Final

from pydantic import Field

from benchmark_core.atomic_file import write_text
from benchmark_core.documents import ContractError, Document, Frozen
from scoring.csv_table import Cells
from scoring.errors import ScoringError
from scoring.figures import number_of
from scoring.ratings import RatedGroup, Ratings, in_groups, rate, rated_row
from scoring.results_table import Group, LeftOut, Row
from scoring.stars import MOST_STARS, Bands

UNIT: Final = "Wh of GPU energy per 1,000 queries"
KEPT: Final = ("run_id", "timestamp", "gpu_name", "spec_hash", "imported_from")
"""Cells by which the run of a row can be found again."""

Stars = Annotated[int, Field(ge=1, le=MOST_STARS)]


class EditionRow(Frozen):
    """`interval_wh` is empty where none is known; `run` has what its table knew of its run."""

    model: str
    state: str
    wh_per_1000_queries: str
    interval_wh: str
    stars: Stars
    run: dict[str, str]


class EditionGroup(Frozen):
    """`edges_wh` are the upper ends of the bands of 5, 4, 3 and 2 stars."""

    task: str
    model_class: str
    reasoning: bool
    rehearsal: bool
    lowest_wh: str
    highest_wh: str
    edges_wh: tuple[str, str, str, str]
    rows: tuple[EditionRow, ...]

    @property
    def group(self) -> Group:
        return Group(self.task, self.model_class, self.reasoning, self.rehearsal)


class Edition(Document):
    """`scored` is the month that labels show, as `2026-12`."""

    edition: str
    scored: Annotated[str, Field(pattern=r"^\d{4}-(0[1-9]|1[0-2])$")]
    unit: str = UNIT
    groups: tuple[EditionGroup, ...]

    def bands(self) -> dict[Group, Bands]:
        """The edges by which rows of a group are rated."""
        return {
            one.group: Bands(Decimal(one.lowest_wh), Decimal(one.highest_wh)) for one in self.groups
        }

    def rows(self) -> list[Row]:
        """Its rows with their energies, as rows of a table; `line` counts them."""
        pairs = [(one.group, row) for one in self.groups for row in one.rows]
        return [_row(line, group, row) for line, (group, row) in enumerate(pairs, start=1)]


def freeze(name: str, scored: str, ratings: Ratings) -> Edition:
    return Edition(
        edition=name, scored=scored, groups=tuple(_frozen(rated) for rated in ratings.groups)
    )


def carried_over(rows: Sequence[Row | LeftOut], earlier: Edition) -> list[Row | LeftOut]:
    """With the rows of an earlier edition that the results do not have themselves.

    Raises:
        ScoringError: a row of the earlier edition has another energy here.
    """
    known = {_key(row): row for row in rows if isinstance(row, Row)}
    more: list[Row] = []
    for row in earlier.rows():
        again = known.get(_key(row))
        if again is None:
            more.append(row)
        elif again.wh != row.wh:
            raise ScoringError(
                f"{again.place}, {row.model} {row.state}".strip(),
                f"has {again.wh} Wh, and {row.wh} Wh in the edition {earlier.edition!r}:"
                " energies do not change with an edition",
                "Leave it out of the results, or rate without the earlier edition.",
            )
    return [*rows, *more]


def rate_by(edition: Edition, rows: Sequence[Row | LeftOut]) -> Ratings:
    """Rows by the edges of an edition, whatever else stands in the table."""
    bands = edition.bands()
    found = in_groups([row for row in rows if isinstance(row, Row)])
    unknown = [
        LeftOut(
            row.line, row.model, row.state, f"the edition {edition.edition!r} has no such group"
        )
        for group, members in found.items()
        if group not in bands
        for row in members
    ]
    return Ratings(
        groups=tuple(
            RatedGroup(group, bands[group], tuple(rated_row(row, bands[group]) for row in members))
            for group, members in found.items()
            if group in bands
        ),
        left_out=(*(row for row in rows if isinstance(row, LeftOut)), *unknown),
    )


def read_edition(path: Path) -> Edition:
    """The edition at `path`; its edges and stars are worked out again from its energies.

    Raises:
        ScoringError: it cannot be read, or was changed after it had been frozen.
    """
    try:
        edition = Edition.read(path.resolve())
    except (ContractError, RuntimeError) as error:
        raise ScoringError(
            str(path), f"is no edition ({error})", "Make one with the command edition."
        ) from error
    if freeze(edition.edition, edition.scored, rate(_plain_rows(path, edition))) != edition:
        raise ScoringError(
            str(path),
            "was changed after it had been frozen: edges or stars do not follow from its energies",
            "Get it again from where it was published.",
        )
    return edition


def write_edition(path: Path, edition: Edition) -> None:
    """Raises ScoringError where another edition stands there already, or the disk refuses."""
    try:
        if path.exists() and path.read_text(encoding="utf-8") != edition.to_json():
            raise ScoringError(
                str(path), "is there already, with other content", "Choose another --out."
            )
        write_text(path, edition.to_json())
    except OSError as error:
        raise ScoringError(
            str(path), f"cannot be written ({error.strerror})", "Choose another --out."
        ) from error


def _plain_rows(path: Path, edition: Edition) -> list[Row]:
    figures = [row.wh_per_1000_queries for one in edition.groups for row in one.rows]
    if any((number_of(text) or 0) <= 0 for text in figures):
        raise ScoringError(
            str(path), "has an energy that is no number above 0", "Get the edition again."
        )
    return edition.rows()


def _frozen(rated: RatedGroup) -> EditionGroup:
    group, bands = rated.group, rated.bands
    first, second, third, fourth = map(plain, bands.edges)
    return EditionGroup(
        task=group.task,
        model_class=group.model_class,
        reasoning=group.reasoning,
        rehearsal=group.rehearsal,
        lowest_wh=plain(bands.lowest),
        highest_wh=plain(bands.highest),
        edges_wh=(first, second, third, fourth),
        rows=tuple(
            EditionRow(
                model=one.row.model,
                state=one.row.state,
                wh_per_1000_queries=plain(one.row.wh),
                interval_wh="" if one.row.interval_wh is None else plain(one.row.interval_wh),
                stars=one.stars,
                run={name: one.row.cells[name] for name in KEPT if one.row.cells.get(name)},
            )
            for one in rated.rows
        ),
    )


def plain(number: Decimal) -> str:
    """Without an exponent, and without zeros that say nothing."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _row(line: int, group: Group, row: EditionRow) -> Row:
    columns = {name: place for place, name in enumerate(row.run)}
    return Row(
        line=line,
        model=row.model,
        state=row.state,
        group=group,
        wh=Decimal(row.wh_per_1000_queries),
        interval_wh=number_of(row.interval_wh),
        cells=Cells(columns, list(row.run.values())),
    )


def _key(row: Row) -> tuple[Group, str, str]:
    return row.group, row.model, row.state
