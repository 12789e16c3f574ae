"""The Pareto front of a group: the models that no other one beats in both respects."""

from collections.abc import Sequence


def pareto_front(points: Sequence[tuple[float, float]]) -> list[int]:
    """Places of points (worth, energy) for which no other has at least the worth for less energy,
    or more worth for no more energy; the least energy first. Of equal points the first stays."""
    ordered = sorted(range(len(points)), key=lambda n: (points[n][1], -points[n][0], n))
    front: list[int] = []
    for place in ordered:
        if not front or points[place][0] > points[front[-1]][0]:
            front.append(place)
    return front
