"""The fields of one run of somebody else's: each is read strictly, and what is wrong is kept."""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final, Self, TypeVar

from benchmark_core.terminal_text import printable
from orchestrator.catalog import shown
from orchestrator.catalog_cells import CellError, read_model_id
from orchestrator.errors import Problem

_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?")
LONGEST_NUMBER = 400
# More than all computers of the world take in a year, in Wh.
LARGEST = 1e15
LARGEST_COUNT = 10**12
LONGEST_TEXT = 2000
NOTHING = ("", "N/A")

Read = TypeVar("Read")


class Fields:
    """The values of one run by name: cells of a table, or scalars of JSON.

    A field that is absent, empty or null is None. `problems` has all that could not be read; what
    was returned then means nothing.
    """

    def __init__(self, where: str, values: Mapping[str, object]) -> None:
        self._where = where
        self._values = values
        self.problems: list[Problem] = []

    @classmethod
    def of_sections(cls, where: str, document: object, sections: Sequence[str]) -> Self:
        """The fields of the sections of an object, as `section.name`, beside its own."""
        values: dict[str, object] = {}
        content = document if isinstance(document, dict) else {}
        fields = cls(where, values)
        for name, value in content.items():
            if name not in sections:
                values[name] = value
            elif isinstance(value, dict):
                values.update({f"{name}.{key}": part for key, part in value.items()})
            elif value is not None:
                fields.refuse(name, "is no object")
        return fields

    def signed(self, name: str) -> float | None:
        """A finite number."""
        value = self._values.get(name)
        if value is None or (isinstance(value, str) and value in NOTHING):
            return None
        if isinstance(value, bool) or not isinstance(value, (int, Decimal, str)):
            self._refuse(name, value, "is no number")
            return None
        if isinstance(value, str) and not (
            len(value) <= LONGEST_NUMBER and _NUMBER.fullmatch(value)
        ):
            self._refuse(name, value, "is no number")
            return None
        number = _float(value)
        if not abs(number) <= LARGEST:
            self._refuse(name, value, "is larger than any run can have")
            return None
        return number

    def amount(self, name: str) -> float | None:
        """A number of at least 0."""
        number = self.signed(name)
        if number is not None and number < 0:
            self._refuse(name, self._values[name], "is below zero")
            return None
        return number

    def measured(self, name: str) -> float | None:
        """A number above 0: these programs write 0 for what they did not measure."""
        return self.amount(name) or None

    def count(self, name: str) -> int | None:
        number = self.amount(name)
        if number is None:
            return None
        if number != math.floor(number) or number > LARGEST_COUNT:
            self._refuse(name, self._values[name], "is no count")
            return None
        return int(number)

    def text(self, name: str) -> str | None:
        """On one line, printable and bounded."""
        value = self._values.get(name)
        if value is None:
            return None
        if not isinstance(value, str):
            self._refuse(name, value, "is no text")
            return None
        line = printable(" ".join(value[: 2 * LONGEST_TEXT].split()))
        return line[:LONGEST_TEXT] or None

    def remark(self, name: str) -> str | None:
        """A text that nothing depends on: None where it is none."""
        value = self._values.get(name)
        return self.text(name) if isinstance(value, str) else None

    def read(self, name: str, reader: Callable[[str], Read | None]) -> Read | None:
        """What a reader of catalog cells makes of a text."""
        text = self.text(name)
        if text is None or text in NOTHING:
            return None
        try:
            return reader(text)
        except CellError as error:
            self.problems.append(Problem(f"{self._where}: {name}", error.what, error.remedy))
            return None

    def time(self, name: str) -> str | None:
        """ISO 8601; in UTC where the text names its zone, and as it stands where it does not."""
        text = self.text(name)
        if text is None:
            return None
        try:
            time = datetime.fromisoformat(text)
            return (time.astimezone(UTC) if time.tzinfo else time).isoformat()
        except (ValueError, OverflowError):
            self._refuse(name, text, "is no time in ISO 8601")
            return None

    def refuse(self, name: str, what: str) -> None:
        remedy = "Nothing is guessed: mend the file, or fetch it again."
        problem = Problem(f"{self._where}: {name}", what, remedy)
        # A field may be read twice, for two purposes.
        if problem not in self.problems:
            self.problems.append(problem)

    def _refuse(self, name: str, value: object, what: str) -> None:
        told = "" if isinstance(value, (dict, list)) else f"{shown(str(value)[:100])} "
        self.refuse(name, f"{told}{what}")


def read_model_name(cell: str) -> str:
    """As in a catalog; the old ids without an organisation, such as gpt2, are ids too."""
    if "/" not in cell:
        read_model_id(f"org/{cell}")
        return cell
    return read_model_id(cell)


def _float(value: int | Decimal | str) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf
