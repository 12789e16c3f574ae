"""What looks wrong in a table and cannot be proven wrong: it is said, and rated all the same."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from decimal import Decimal

from scoring.results_table import Group, Row

KWH = 1000
NEAR = Decimal("0.1")
"""Two measurements of one model seldom differ by more."""
FAR_BELOW = 200
"""Times less than all others of the group: more than any two classes of size lie apart."""
FEW = 3
MOST_PLACES = 10


def suspicions(rows: Sequence[Row], known: Sequence[Row] = ()) -> Iterator[str]:
    """A sentence for each. `known` are rows of an earlier edition."""
    groups, earlier = _by_group(rows), _by_group(known)
    for group, members in groups.items():
        yield from _twice(members)
        yield from _thousandfold(members, earlier.get(group, ()))
        yield from _far_below(members)


def _by_group(rows: Sequence[Row]) -> dict[Group, list[Row]]:
    groups: dict[Group, list[Row]] = defaultdict(list)
    for row in rows:
        groups[row.group].append(row)
    return groups


def _twice(rows: Sequence[Row]) -> Iterator[str]:
    by_name: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows:
        by_name[row.model, row.state].append(row)
    for (model, state), found in by_name.items():
        if len(found) > 1:
            where = ", ".join(row.place for row in found[:MOST_PLACES])
            more = len(found) - MOST_PLACES
            where += f" and {more} more" if more > 0 else ""
            yield f"{model} {state}".strip() + f" stands in {where}: each row is rated"


def _thousandfold(rows: Sequence[Row], known: Sequence[Row]) -> Iterator[str]:
    """The same model with a thousandth of the energy: kWh, called Wh."""
    highest: dict[str, Row] = {}
    for row in (*rows, *known):
        if row.model not in highest or row.wh > highest[row.model].wh:
            highest[row.model] = row
    for row in rows:
        other = highest[row.model]
        if abs(other.wh / row.wh / KWH - 1) <= NEAR:
            yield (
                f"{row.place}, {row.model}: {row.wh} Wh is a thousandth of the {other.wh} Wh"
                " that it has elsewhere. Is it in kWh?"
            )


def _far_below(rows: Sequence[Row]) -> Iterator[str]:
    """One row far below all others, which a factor of 1,000 would bring among them."""
    if len(rows) < FEW:
        return
    ordered = sorted(rows, key=lambda row: row.wh)
    first, second, last = ordered[0], ordered[1], ordered[-1]
    if second.wh / first.wh > FAR_BELOW and second.wh <= first.wh * KWH <= last.wh:
        yield (
            f"{first.place}, {first.model}: {first.wh} Wh is far below all others of its"
            " group, and a thousand times as much would lie among them. Is it in kWh?"
        )
