"""The front is what it is called: nobody on it is beaten, and everybody else is."""

import random

import pytest

from scoring.leaderboard.pareto import pareto_front


def beats(one, other):
    return one[0] >= other[0] and one[1] <= other[1] and one != other


@pytest.mark.parametrize("seed", range(20))
def test_the_front_is_that_of_comparing_every_pair(seed):
    dice = random.Random(seed)
    points = [(dice.randint(1, 12), dice.randint(1, 12)) for _ in range(60)]
    front = [points[place] for place in pareto_front(points)]
    assert set(front) == {p for p in points if not any(beats(other, p) for other in points)}
    assert front == sorted(set(front), key=lambda point: point[1])


def test_no_points_have_no_front():
    assert pareto_front([]) == []
