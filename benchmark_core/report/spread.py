"""A figure over repetitions."""

from benchmark_core.documents import Frozen


class Spread(Frozen):
    """A figure over the repetitions.

    `stdev` (sample, n - 1) and `ci95`, the half-width of the 95 % confidence interval of the mean
    (Student t), are None below two repetitions.
    """

    mean: float
    stdev: float | None
    ci95: float | None = None


def mean(figure: Spread | None) -> float | None:
    return figure.mean if figure else None
