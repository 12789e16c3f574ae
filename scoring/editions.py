"""Editions: rows and edges that are frozen, so that an old label can always be explained.

A new edition may change any star, because it has other rows; energies never change. Numbers are
kept as text, exactly as they were read.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field

from benchmark_core.atomic_file import write_bytes
from benchmark_core.documents import ContractError, Document, Frozen, read_bounded
from scoring.confidence import possible_between
from scoring.csv_table import Cells
from scoring.errors import ScoringError
from scoring.ratings import RatedGroup, Ratings, in_groups, rate, rated_row
from scoring.results_table import Group, LeftOut, Row
from scoring.stars import DIGITS, MOST_STARS, Bands

UNIT: Final = "Wh of GPU energy per 1,000 queries"
KEPT: Final = ("run_id", "timestamp", "gpu_name", "gpu_count", "spec_hash", "imported_from")
"""Cells by which the run of a row can be found again, and what its label shows of it."""

LONGEST_NAME: Final = 40
ALL_RESULTS: Final = "All results"
"""What a leaderboard calls rows that no edition has chosen."""


def usable_name(name: str) -> str:
    """Raises ValueError for what would be no name beside the stars."""
    if not 1 <= len(name) <= LONGEST_NAME or not name.isprintable() or name != name.strip():
        raise ValueError(f"a name has 1 to {LONGEST_NAME} printable characters, no blank at an end")
    if name.casefold() == ALL_RESULTS.casefold():
        raise ValueError("that is what a leaderboard calls the rows of no edition")
    return name


Stars = Annotated[int, Field(ge=1, le=MOST_STARS)]
PlainNumber = Annotated[str, Field(pattern=rf"^[0-9]{{1,{DIGITS}}}(\.[0-9]{{1,{DIGITS}}})?$")]
"""What `plain` makes of any number that is not negative: longer than a table may have one."""


class EditionRow(Frozen):
    """`interval_wh` is empty where none is known; `run` has what its table knew of its run."""

    model: str
    state: str
    wh_per_1000_queries: PlainNumber
    interval_wh: PlainNumber | Literal[""]
    stars: Stars
    run: dict[str, str]


class EditionGroup(Frozen):
    """`edges_wh` are the upper ends of the bands of 5, 4, 3 and 2 stars."""

    task: str
    model_class: str
    reasoning: bool
    rehearsal: bool
    lowest_wh: PlainNumber
    highest_wh: PlainNumber
    edges_wh: tuple[PlainNumber, PlainNumber, PlainNumber, PlainNumber]
    rows: tuple[EditionRow, ...]

    @property
    def group(self) -> Group:
        return Group(self.task, self.model_class, self.reasoning, self.rehearsal)


class Edition(Document):
    """`scored` is the month that labels show, as `2026-12`."""

    edition: Annotated[str, AfterValidator(usable_name)]
    scored: Annotated[str, Field(pattern=r"^[0-9]{4}-(0[1-9]|1[0-2])$")]
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

    A model may stand in either several times; each of its energies counts as often as it is there.

    Raises:
        ScoringError: a model lacks an energy of the earlier edition here, and has another one.
    """
    here, there = _by_key(rows), _by_key(earlier.rows())
    more: list[Row] = []
    for key, frozen in there.items():
        found = here.get(key, [])
        lost, new = _without(frozen, found), _without(found, frozen)
        if lost and new:
            raise ScoringError(
                f"{new[0].place}, {new[0].model} {new[0].state}".strip(),
                f"has {new[0].wh} Wh, and {lost[0].wh} Wh in the edition {earlier.edition!r}:"
                " energies do not change with an edition",
                "Leave it out of the results, or rate without the earlier edition.",
            )
        more += lost
    return [*rows, *more]


def _by_key(rows: Sequence[Row | LeftOut]) -> dict[tuple[Group, str, str], list[Row]]:
    found: dict[tuple[Group, str, str], list[Row]] = defaultdict(list)
    for row in rows:
        if isinstance(row, Row):
            found[_key(row)].append(row)
    return found


def _without(rows: Sequence[Row], others: Sequence[Row]) -> list[Row]:
    """Those whose energy the others do not have, or not as often."""
    left = Counter(row.wh for row in others)
    kept = []
    for row in rows:
        left[row.wh] -= 1
        if left[row.wh] < 0:
            kept.append(row)
    return kept


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
            _rated(group, bands[group], members)
            for group, members in found.items()
            if group in bands
        ),
        left_out=(*(row for row in rows if isinstance(row, LeftOut)), *unknown),
    )


def _rated(group: Group, bands: Bands, members: Sequence[Row]) -> RatedGroup:
    rated = (rated_row(row, bands, possible_between(bands, row)) for row in members)
    return RatedGroup(group, bands, tuple(rated))


def own_rows(edition: Edition, rows: Sequence[Row | LeftOut]) -> list[Row | LeftOut]:
    """Those that stand in the edition, of the same run and with the same energy.

    Any other is left out, with the reason: it may be rated by the edges, and is none of its rows.
    """
    frozen = _by_key(edition.rows())
    return [
        row if isinstance(row, LeftOut) else _own(edition, row, frozen.get(_key(row), []))
        for row in rows
    ]


def _own(edition: Edition, row: Row, frozen: Sequence[Row]) -> Row | LeftOut:
    same = [one for one in frozen if one.wh == row.wh]
    if any(_run_id(one) == _run_id(row) for one in same):
        return row
    name = f"the edition {edition.edition!r}"
    if same:
        because = f"{name} has another run of it"
    elif frozen:
        energies = " and ".join(plain(one.wh) for one in frozen)
        because = f"{name} has {energies} Wh for it, and not {row.wh} Wh"
    else:
        because = f"{name} does not have it"
    return LeftOut(row.line, row.model, row.state, because)


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
    """Raises ScoringError where anything else stands there already, or the disk refuses."""
    remedy = "Choose another --out."
    content = edition.to_json().encode()
    try:
        path = path.resolve()
        if path.exists() and read_bounded(path) != content:
            raise ScoringError(str(path), "is there already, with other content", remedy)
        write_bytes(path, content)
    except ContractError as error:
        raise ScoringError(str(path), f"is there already ({error})", remedy) from error
    except OSError as error:
        raise ScoringError(str(path), f"cannot be written ({error.strerror})", remedy) from error
    except RuntimeError as error:
        raise ScoringError(str(path), "is a link that leads in a circle", remedy) from error


def _plain_rows(path: Path, edition: Edition) -> list[Row]:
    figures = [row.wh_per_1000_queries for one in edition.groups for row in one.rows]
    if not all(map(Decimal, figures)):
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
        interval_wh=Decimal(row.interval_wh) if row.interval_wh else None,
        cells=Cells(columns, list(row.run.values())),
    )


def _key(row: Row) -> tuple[Group, str, str]:
    return row.group, row.model, row.state


def _run_id(row: Row) -> str:
    return row.cells.get("run_id", "")
