"""Stars by bands of equal width, on numbers and on the ratings that were published."""

import csv
import os
from decimal import Decimal
from pathlib import Path

import pytest

from scoring.stars import MOST_STARS, bands_of


def rated(*energies):
    numbers = [Decimal(str(energy)) for energy in energies]
    bands = bands_of(numbers)
    return [bands.stars(number) for number in numbers]


def test_five_bands_of_equal_width_lie_between_the_lowest_and_the_highest():
    assert rated(1, 1.9, 2.1, 3.1, 4.1, 5.1, 6) == [5, 5, 4, 3, 2, 1, 1]


def test_a_value_on_an_edge_has_the_better_rating():
    assert rated(1, 2, 3, 4, 5, 6) == [5, 5, 4, 3, 2, 1]


def test_edges_are_exact_where_floating_point_is_not():
    # 0.1 + (0.8 - 0.1) / 5 is 0.24000000000000002 in doubles.
    assert rated(0.1, 0.24, 0.8) == [5, 5, 1]
    assert rated(0.1, "0.2400000000000000001", 0.8) == [5, 4, 1]


def test_two_different_models_have_five_and_one():
    assert rated(7, 7.001) == [5, 1]


def test_without_spread_everybody_has_five_and_that_means_nothing():
    for energies in ([3], [3, 3, 3]):
        assert rated(*energies) == [MOST_STARS] * len(energies)
        assert not bands_of([Decimal(one) for one in energies]).meaningful
    assert bands_of([Decimal(3), Decimal(4)]).meaningful


def test_a_model_listed_twice_moves_no_edge():
    assert rated(1, 2.5, 2.5, 6) == [5, 4, 4, 1]


@pytest.mark.parametrize("energies", [[], [0, 1], [-1, 2]])
def test_what_is_no_energy_is_refused(energies):
    with pytest.raises(ValueError, match="above 0"):
        bands_of([Decimal(one) for one in energies])


def published(folder: Path):
    """Task, class, energy and stars of every published rating."""
    for path in sorted(folder.glob("*.csv")):
        with path.open(newline="", encoding="utf-8-sig") as stream:
            for row in csv.DictReader(stream):
                energy = Decimal(row["total_gpu_energy"])
                yield (path.stem, row.get("class", "")), energy, int(row["energy_score"])


def test_every_published_rating_is_reproduced():
    data = os.environ.get("AIES_REFERENCE_DATA")
    if not data:
        pytest.skip("AIES_REFERENCE_DATA names no folder with the published ratings")
    groups = {}
    for group, energy, stars in published(Path(data) / "leaderboard_2025-02"):
        groups.setdefault(group, []).append((energy, stars))
    assert (len(groups), sum(map(len, groups.values()))) == (12, 166)
    for group, rows in groups.items():
        bands = bands_of([energy for energy, _ in rows])
        assert [bands.stars(energy) for energy, _ in rows] == [stars for _, stars in rows], group
