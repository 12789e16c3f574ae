"""Rows of samples that cannot be used: each fails alone, when a run looks into it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn, ParamSpec

from benchmark_core.faults import SampleFault
from benchmark_core.media import Column, is_empty
from benchmark_core.recipe import Sample

Arguments = ParamSpec("Arguments")

MOST_NAMED = 3
"""Bad rows are counted, and so many of them are named."""


class RowFault(SampleFault):
    """One row cannot be used. The others can, unless reading the whole file ends with this."""


class BadRow(dict[str, Any]):
    """A sample that has no column: to ask for one raises the fault of its row."""

    def __init__(self, fault: RowFault) -> None:
        super().__init__()
        self.fault = fault.with_traceback(None)

    def __missing__(self, column: str) -> NoReturn:
        raise RowFault(self.fault.message, self.fault.remedy)


def alone(
    read: Callable[Arguments, Sample], *args: Arguments.args, **kwargs: Arguments.kwargs
) -> Sample:
    """The row that `read` gives, bad if it raises a RowFault."""
    try:
        return read(*args, **kwargs)
    except RowFault as fault:
        return BadRow(fault)


@dataclass(frozen=True)
class Overview:
    """What a look at every row found.

    `usable` are the rows without an empty column, in order; `bad` those of them that will fail, and
    `faults` says why of the first few.
    """

    usable: list[int] = field(default_factory=list)
    bad: set[int] = field(default_factory=set)
    faults: list[RowFault] = field(default_factory=list)

    @property
    def good(self) -> int:
        return len(self.usable) - len(self.bad)

    def add(self, index: int, row: Sample, columns: Sequence[Column]) -> None:
        if isinstance(row, BadRow):
            self.bad.add(index)
            if len(self.faults) < MOST_NAMED:
                self.faults.append(row.fault)
        elif any(is_empty(row[column.name], column.media) for column in columns):
            return
        self.usable.append(index)

    def refuse_without_good(self) -> None:
        """Raises SampleFault where every row that is not empty is bad."""
        if not self.faults or self.good:
            return
        first, others = self.faults[0], len(self.bad) - 1
        more = f" (and none of the {others} others can be used)" if others else ""
        raise SampleFault(f"{first.message}{more}", first.remedy)

    def shortage(self, count: int | None) -> str:
        """That there are fewer rows than asked for; empty where there are not."""
        if count is None or count <= len(self.usable):
            return ""
        return f"asked for {count}, {self.good} can be used"

    def told(self) -> str:
        """How many rows are bad, and which come first; empty where none is."""
        if not self.bad:
            return ""
        named = "; ".join(fault.message for fault in self.faults)
        more = len(self.bad) - len(self.faults)
        return (
            f"{len(self.bad)} of {len(self.usable)} rows cannot be used: {named}"
            f"{f'; and {more} more' if more else ''}"
        )
