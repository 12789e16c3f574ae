"""One point in which something that was published does not follow from its evidence."""

from dataclasses import dataclass
from typing import Final

from benchmark_core.terminal_text import printable

LONGEST: Final = 200


@dataclass(frozen=True)
class FailedPoint:
    """`code` is one of a documented list, `where` the part that fails, `what` a sentence of it."""

    code: str
    where: str
    what: str

    def line(self) -> str:
        """For a terminal, whatever a forged file brought along."""
        return printable(f"{self.code}: {self.where[:LONGEST]}: {self.what[:LONGEST]}")
