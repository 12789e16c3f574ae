"""What a label says, as data: the digest that stands in it, and all that is drawn of it."""

import re
from decimal import Decimal
from typing import Annotated, Final, Literal

from pydantic import Field, field_validator

from benchmark_core.documents import Document
from scoring.csv_table import Cells
from scoring.editions.edition import Month, PlainNumber, Stars
from scoring.figures import plain
from scoring.label.basis import Basis
from scoring.ratings import RatedGroup, RatedRow
from scoring.results_table import Group
from scoring.row_identity import Name

Note = Literal["", "only model of its group", "all energies of its group are equal"]
"""Why stars mean little."""

MONTH_OF_DAY: Final = re.compile(r"([0-9]{4}-(?:0[1-9]|1[0-2]))-[0-9]{2}")
Text = Annotated[str, Field(max_length=300)]


class LabelFacts(Document):
    """Empty is what is not known. Figures are text, digit by digit as they were rated.

    `edition` is empty where a table was rated by itself; `basis_sha256` is of the one or the other.
    """

    run_id: Text
    model: Annotated[Text, Field(min_length=1)]
    state: Text
    task: Text
    model_class: Text
    reasoning: bool
    rehearsal: bool
    wh_per_1000_queries: PlainNumber
    stars: Stars
    lowest_wh: Text
    highest_wh: Text
    edges_wh: tuple[Text, Text, Text, Text]
    note: Note
    scored: Month | Literal[""]
    gpu_name: Text
    gpu_count: Text
    spec_hash: Text
    edition: Text
    basis_sha256: Text

    @property
    def name(self) -> Name:
        """That of its row."""
        group = Group(self.task, self.model_class, self.reasoning, self.rehearsal)
        return group, self.model, self.state

    @field_validator("wh_per_1000_queries")
    @classmethod
    def _energy(cls, value: str) -> str:
        if not Decimal(value):
            raise ValueError("the energy is not above 0")
        return value


def facts_of(one: RatedRow, rated: RatedGroup, basis: Basis) -> LabelFacts:
    """Raises ValueError (pydantic's) where the row has no name, or something far too long."""
    row, group, bands = one.row, rated.group, rated.bands
    first, second, third, fourth = map(plain, bands.edges)
    return LabelFacts(
        run_id=row.run_id,
        model=row.model,
        state=row.state,
        task=group.task,
        model_class=group.model_class,
        reasoning=group.reasoning,
        rehearsal=group.rehearsal,
        wh_per_1000_queries=plain(row.wh),
        stars=one.stars,
        lowest_wh=plain(bands.lowest),
        highest_wh=plain(bands.highest),
        edges_wh=(first, second, third, fourth),
        note=_note(rated, basis),
        scored=basis.edition.scored if basis.edition else _month(row.cells),
        gpu_name=row.cells.get("gpu_name", ""),
        gpu_count=row.cells.get("gpu_count", ""),
        spec_hash=row.cells.get("spec_hash", ""),
        edition=basis.edition.edition if basis.edition else "",
        basis_sha256=basis.sha256,
    )


def _note(rated: RatedGroup, basis: Basis) -> Note:
    if rated.bands.meaningful:
        return ""
    models = {other.row.model for other in rated.rows}
    for group in basis.edition.groups if basis.edition else ():
        if group.group == rated.group:
            models = {row.model for row in group.rows}
    return "only model of its group" if len(models) == 1 else "all energies of its group are equal"


def _month(cells: Cells) -> str:
    """When the run ended; of an imported run its source tells, if it does."""
    found = MONTH_OF_DAY.match(cells.get("timestamp", ""))
    return found[1] if found else ""
