"""Which of the available rows a run uses: the first ones, or a draw equally from the sources."""

import hashlib
import heapq
from collections.abc import Sequence

from benchmark_core.faults import SampleFault


def choose(
    available: int,
    count: int | None,
    sources: Sequence[str] | None = None,
    seed: int | None = None,
) -> list[int]:
    """The indexes of the rows to use, in the order of the rows.

    Without a seed they are the first `count` (None: all), or all where there are fewer. With one
    they are drawn, as many from each source: where that does not divide, the sources that come
    first in the rows give one more; a source with too few rows gives all, and the others fill up.

    `sources` has the source of each row. The same arguments give the same rows everywhere, and a
    larger draw holds the smaller one.

    Raises:
        SampleFault: there is a seed, and no source is known.
        ValueError: a negative number, or not one source a row.
    """
    if available < 0 or (count is not None and count < 0):
        raise ValueError(f"cannot choose {count} of {available} rows")
    wanted = available if count is None else min(count, available)
    if seed is None:
        return list(range(wanted))
    if sources is None:
        raise SampleFault(
            "samples cannot be drawn equally from their sources: there is no column source that is"
            " filled in every row",
            "Leave --sample stratified out, which takes the first rows, or add the column source.",
        )
    if len(sources) != available:
        raise ValueError(f"{len(sources)} sources for {available} rows")
    rows: dict[str, list[int]] = {}
    for index, source in enumerate(sources):
        rows.setdefault(source, []).append(index)
    shares = _shares([len(indexes) for indexes in rows.values()], wanted)
    chosen: list[int] = []
    for (source, indexes), share in zip(rows.items(), shares, strict=True):
        chosen += _drawn(source, indexes, share, seed)
    return sorted(chosen)


def _shares(sizes: list[int], wanted: int) -> list[int]:
    """How many each source gives; `wanted` is not more than there are."""
    low, high = 0, max(sizes, default=0)
    while low < high:
        level = (low + high + 1) // 2
        if sum(min(size, level) for size in sizes) <= wanted:
            low = level
        else:
            high = level - 1
    shares = [min(size, low) for size in sizes]
    left = wanted - sum(shares)
    for place, size in enumerate(sizes):
        if left and size > low:
            shares[place] += 1
            left -= 1
    return shares


def _drawn(source: str, indexes: list[int], share: int, seed: int) -> list[int]:
    """`share` of one source's rows.

    Ranked by a hash, since Python promises of `random` only that floats stay the same between its
    versions, not what is made of them.
    """
    name = source.encode("utf-8", "surrogatepass")

    def rank(place: int) -> bytes:
        return hashlib.sha256(b"%d/%d/%b" % (seed, place, name)).digest()

    return [indexes[place] for place in heapq.nsmallest(share, range(len(indexes)), key=rank)]
