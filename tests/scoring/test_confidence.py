"""How firm stars are: against every corner of the box that the intervals span."""

import itertools
import random
from decimal import Decimal

from scoring.confidence import possible_between, possible_stars
from scoring.csv_table import Cells
from scoring.results_table import Group, Row
from scoring.stars import Bands, bands_of

GROUP = Group("text_gen", "A", reasoning=False, rehearsal=False)


def row(wh, half):
    interval = None if half is None else Decimal(str(half))
    return Row(2, "org/m", "Off", GROUP, Decimal(str(wh)), interval, Cells({}, []))


def test_the_answer_is_the_worst_and_best_of_all_corners():
    chance = random.Random(7)
    for _ in range(60):
        rows = [
            row(round(chance.uniform(1, 9), 2), chance.choice([0, 0.1, 0.5]))
            for _ in range(chance.randint(2, 5))
        ]
        seen = [set() for _ in rows]
        for signs in itertools.product((-1, 1), repeat=len(rows)):
            energies = [
                one.wh + sign * one.interval_wh for one, sign in zip(rows, signs, strict=True)
            ]
            bands = bands_of(energies)
            for found, energy in zip(seen, energies, strict=True):
                found.add(bands.stars(energy))
        assert possible_stars(rows) == [(min(found), max(found)) for found in seen]


def test_without_repetitions_nothing_is_said_and_others_still_move_the_edges():
    rows = [row(1, None), row(2, 0.01), row(6, None)]
    assert possible_stars(rows) == [None, (4, 5), None]
    assert possible_stars([row(3, 0.5)]) == [(5, 5)]


def test_between_edges_that_stand_still_only_its_own_interval_counts():
    bands = Bands(Decimal(1), Decimal(6))
    for wh, half, possible in (
        *((2, "0.01", (4, 5)), (2, None, None), (3.5, "0.4", (3, 3)), (3.5, "2", (1, 5))),
        *((0.5, "0.1", (5, 5)), (7, "0.9", (1, 1)), (2, 0, (5, 5))),
    ):
        assert possible_between(bands, row(wh, half)) == possible
