"""Which row is meant, and which rows are the same: in tables, editions, labels and commands.

A run of ours has a run_id, which its row of the catalog gives it, and which no other row has. A
rehearsal has the run_id of what it rehearses, and is another row all the same. The tables that
AI Energy Score publishes have none: there a row is told by its group, model and state.
"""

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from typing import Final, Protocol, TypeVar

from scoring.errors import ScoringError
from scoring.results_table import Group, Row

Name = tuple[Group, str, str]
"""Group, model and state. Rows of one table with one name are duplicates: each is rated, and that
is said as a warning, because no reader can tell them apart."""
RowId = tuple[bool, str] | Name
"""What tells a row again: whether it is a rehearsal and its run_id, or its name."""
Measurement = tuple[RowId, Decimal]
"""A row with its energy in Wh per 1,000 queries. With another energy it was measured again."""

MOST_CANDIDATES: Final = 10
LONGEST_WORDS: Final = 80


class Named(Protocol):
    """What words can mean: a row, whether or not it can be rated."""

    @property
    def run_id(self) -> str: ...
    @property
    def model(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def task(self) -> str: ...


Found = TypeVar("Found", bound=Named)


def name(row: Row) -> Name:
    return row.group, row.model, row.state


def row_id(row: Row) -> RowId:
    return row_id_of(row.run_id, name(row))


def row_id_of(run_id: str, name: Name) -> RowId:
    """Of anything that has a name and may have a run_id, such as a label."""
    return (name[0].rehearsal, run_id) if run_id else name


def model_and_state(row: Named) -> str:
    """As messages name it; the model alone where it has no state."""
    return f"{row.model} {row.state}".strip()


def measurement(row: Row) -> Measurement:
    return row_id(row), row.wh


def answers_to(row: Named, words: str) -> bool:
    """Whether `words` are one of the things that a row can be called."""
    return words in _calls(row)


def the_row(rows: Sequence[Found], words: str, where: str, kind: str = "row") -> Found:
    """The one row that `words` mean: a run_id, a model, `model state` or `model state task`.

    Raises:
        ScoringError: none is called so, or several are; the message has the words for each of
            them, or of those whose name has them. `where` is what the words were
            given with, `kind` what rows these are.
    """
    found = [row for row in rows if answers_to(row, words)]
    if len(found) == 1:
        return found[0]
    part = words.casefold()
    alike = [row for row in rows if part and part in f"{row.model} {row.state}".casefold()]
    calls = _calls_of_each(found or alike or rows)
    listed = ", ".join(calls[:MOST_CANDIDATES])
    more = len(calls) - MOST_CANDIDATES
    listed += f" and {more} more" if more > 0 else ""
    what = "is the name of several rows" if found else f"is the name of no {kind}"
    remedy = f"Name one of {listed}." if len(calls) > 1 or not found else "Leave one in the table."
    raise ScoringError(f"{where} {words[:LONGEST_WORDS]}", what, remedy)


def _calls(row: Named) -> tuple[str, ...]:
    """From the shortest to what is surely nobody else's."""
    calls = (
        row.model,
        model_and_state(row),
        " ".join(part for part in (row.model, row.state, row.task) if part),
        row.run_id,
    )
    return tuple(dict.fromkeys(call.strip() for call in calls if call))


def _calls_of_each(rows: Sequence[Named]) -> list[str]:
    """For each row the shortest that no other answers to, or its last where there is none."""
    times = Counter(call for row in rows for call in _calls(row))
    own = (next((call for call in _calls(row) if times[call] == 1), None) for row in rows)
    return list(dict.fromkeys(call or _calls(row)[-1] for call, row in zip(own, rows, strict=True)))
