"""Which rows a run takes: the first, or a reproducible draw equally from the sources."""

import random
import subprocess
import sys
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest

from benchmark_core.faults import SampleFault
from benchmark_core.sampling import choose

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("available", "count", "rows"),
    [(5, 3, [0, 1, 2]), (5, None, [0, 1, 2, 3, 4]), (2, 9, [0, 1]), (0, 4, []), (4, 0, [])],
)
def test_without_a_seed_the_first_rows_are_taken(
    available: int, count: int | None, rows: list[int]
) -> None:
    assert choose(available, count) == rows
    assert choose(available, count, sources=["a"] * available) == rows


def shares(sizes: dict[str, int], count: int | None, seed: int = 1) -> list[int]:
    sources = [name for name, size in sizes.items() for _ in range(size)]
    drawn = choose(len(sources), count, sources, seed)
    assert drawn == sorted(set(drawn))
    counted = Counter(sources[index] for index in drawn)
    return [counted[name] for name in sizes]


@pytest.mark.parametrize(
    ("sizes", "count", "expected"),
    [
        ([400, 400, 400], 1000, [334, 333, 333]),
        ([400, 400, 400], 1001, [334, 334, 333]),
        ([400, 400, 400], 999, [333, 333, 333]),
        ([10, 400, 400], 100, [10, 45, 45]),
        ([400, 10, 400], 101, [46, 10, 45]),
        ([5, 6, 7], 17, [5, 6, 6]),
        ([5, 6, 7], 50, [5, 6, 7]),
        ([5, 6, 7], None, [5, 6, 7]),
        ([3, 3, 3], 2, [1, 1, 0]),
        ([3, 3], 0, [0, 0]),
        ([1, 9, 2, 9], 12, [1, 5, 2, 4]),
    ],
)
def test_the_shares_of_the_sources(
    sizes: list[int], count: int | None, expected: list[int]
) -> None:
    assert shares({f"s{place}": size for place, size in enumerate(sizes)}, count) == expected


def test_no_source_gives_two_more_than_another_unless_that_has_no_more() -> None:
    numbers = random.Random(5)
    for _ in range(200):
        sizes = [numbers.randint(1, 30) for _ in range(numbers.randint(1, 6))]
        count = numbers.randint(0, sum(sizes) + 3)
        given = shares({f"s{place}": size for place, size in enumerate(sizes)}, count)
        assert sum(given) == min(count, sum(sizes))
        open_ended = [share for share, size in zip(given, sizes, strict=True) if share < size]
        assert all(share <= min(open_ended, default=share) + 1 for share in given)


def test_the_draw_is_known_beforehand_on_every_machine() -> None:
    sources = ["wiki", "news", "chat"] * 10
    expected = [0, 1, 6, 7, 10, 11, 12, 14, 15, 17]
    assert choose(30, 10, sources, seed=7) == expected
    program = (
        "from benchmark_core.sampling import choose\n"
        "print(choose(30, 10, ['wiki', 'news', 'chat'] * 10, seed=7))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONHASHSEED": "4"},
    )
    assert done.stdout.strip() == str(expected)


def test_other_seeds_draw_other_rows_and_every_row_can_be_drawn() -> None:
    sources = ["a", "b"] * 20
    draws = [choose(40, 10, sources, seed) for seed in range(60)]
    assert len({tuple(draw) for draw in draws}) > 55
    assert {index for draw in draws for index in draw} == set(range(40))


def test_a_larger_draw_holds_the_smaller_one() -> None:
    sources = [("a", "b", "c")[index % 3] for index in range(50)] + ["d"] * 2
    draws = [set(choose(52, count, sources, seed=3)) for count in range(53)]
    assert all(small < large for small, large in pairwise(draws))


def test_a_seed_without_sources_is_refused_with_a_remedy() -> None:
    with pytest.raises(SampleFault, match="no column source") as caught:
        choose(10, 5, None, seed=1)
    assert "Leave --sample stratified out" in caught.value.remedy


def test_numbers_that_cannot_be_meant() -> None:
    for available, count, sources in [(3, -1, None), (-1, None, None), (3, 1, ["a", "b"])]:
        with pytest.raises(ValueError):
            choose(available, count, sources, seed=1)
