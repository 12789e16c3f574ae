"""Editions: rows and edges that are frozen, so that an old label can always be explained.

Numbers are kept as text, exactly as they were read.
"""

from decimal import Decimal
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field

from benchmark_core.documents import Document, Frozen
from scoring.csv_table import Cells
from scoring.results_table import Group, Row
from scoring.stars import DIGITS, MOST_STARS, Bands
from scoring.words import ALL_RESULTS, UNIT

LONGEST_NAME: Final = 40


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


Month = Annotated[str, Field(pattern=r"^[0-9]{4}-(0[1-9]|1[0-2])$")]
"""As `2026-12`."""


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
    """`scored` is the month that labels show."""

    edition: Annotated[str, AfterValidator(usable_name)]
    scored: Month
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
