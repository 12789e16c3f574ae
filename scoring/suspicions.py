"""What looks wrong in a table and cannot be proven wrong: it is said, and rated all the same."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Sequence
from decimal import Decimal

from scoring.energy_unit import WH_PER_KWH
from scoring.results_table import Group, Row
from scoring.row_identity import Name, model_and_state, name

NEAR = Decimal("0.1")
"""Two measurements of one model seldom differ by more."""
FAR = 50
"""Times less or more than all others of the group. In the groups published in February 2025 no
lowest or highest energy lies more than 11 times from the next one."""
AMONG = 10
"""Times below the lowest or above the highest of the others that a row may still belong to them:
of energies a thousandfold wrong the true one may be the lowest or the highest of the group."""
FEW = 3
KWH_CALLED_WH = "Is it in kWh?"
WH_CALLED_KWH = "Were Wh taken for kWh?"
MOST_PLACES = 10


def suspicions(rows: Sequence[Row], known: Sequence[Row] = ()) -> Iterator[str]:
    """A sentence for each. `known` are rows of an earlier edition."""
    groups, earlier = _by_group(rows), _by_group(known)
    for group, members in groups.items():
        yield from _twice(members)
        yield from _thousandfold(members, earlier.get(group, ()))
        yield from _far_away(members)


def _by_group(rows: Sequence[Row]) -> dict[Group, list[Row]]:
    groups: dict[Group, list[Row]] = defaultdict(list)
    for row in rows:
        groups[row.group].append(row)
    return groups


def _twice(rows: Sequence[Row]) -> Iterator[str]:
    by_name: dict[Name, list[Row]] = defaultdict(list)
    for row in rows:
        by_name[name(row)].append(row)
    for found in by_name.values():
        if len(found) > 1:
            where = ", ".join(row.place for row in found[:MOST_PLACES])
            more = len(found) - MOST_PLACES
            where += f" and {more} more" if more > 0 else ""
            yield f"{model_and_state(found[0])} stands in {where}: each row is rated"


def _thousandfold(rows: Sequence[Row], known: Sequence[Row]) -> Iterator[str]:
    """The same model with a thousandth of an energy that it has elsewhere, or a thousand times."""
    everywhere, earlier = _energies([*rows, *known]), _energies(known)
    for row in rows:
        more = _near(everywhere[row.model], row.wh * WH_PER_KWH)
        less = _near(earlier.get(row.model, []), row.wh / WH_PER_KWH)
        if more is not None:
            rest = f"a thousandth of the {more} Wh that it has elsewhere. {KWH_CALLED_WH}"
            yield f"{_named(row)} {rest}"
        elif less is not None:
            yield f"{_named(row)} a thousand times the {less} Wh of an edition. {WH_CALLED_KWH}"


def _named(row: Row) -> str:
    return f"{row.place}, {row.model}: {row.wh} Wh is"


def _energies(rows: Sequence[Row]) -> dict[str, list[Decimal]]:
    """Of each model, the lowest first."""
    found: dict[str, list[Decimal]] = defaultdict(list)
    for row in rows:
        found[row.model].append(row.wh)
    return {model: sorted(energies) for model, energies in found.items()}


def _near(energies: Sequence[Decimal], wanted: Decimal) -> Decimal | None:
    """The lowest of sorted energies that could be a measurement of the one that is wanted."""
    place = bisect_left(energies, wanted * (1 - NEAR))
    found = energies[place] if place < len(energies) else None
    return found if found is not None and found <= wanted * (1 + NEAR) else None


def _far_away(rows: Sequence[Row]) -> Iterator[str]:
    """One row far from all others, which a factor of 1,000 would bring near them."""
    if len(rows) < FEW:
        return
    ordered = sorted(rows, key=lambda row: row.wh)
    (first, second), (last_but_one, last) = ordered[:2], ordered[-2:]
    others = "all others of its group, and"
    more, less = first.wh * WH_PER_KWH, last.wh / WH_PER_KWH
    if second.wh / first.wh > FAR and second.wh / AMONG <= more <= last.wh * AMONG:
        yield (
            f"{_named(first)} far below {others} a thousand times as much would be like them."
            f" {KWH_CALLED_WH}"
        )
    if last.wh / last_but_one.wh > FAR and first.wh / AMONG <= less <= last_but_one.wh * AMONG:
        yield (
            f"{_named(last)} far above {others} a thousandth of it would be like them."
            f" {WH_CALLED_KWH}"
        )
