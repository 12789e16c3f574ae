"""Lines of `master_results.csv`, as they stand there. No cell of it is ever quoted."""

from collections.abc import Sequence
from pathlib import Path

from benchmark_core.documents import ContractError, read_bounded
from scoring.bundles.manifest import TABLE_FILE
from scoring.errors import ScoringError
from scoring.results_table import LONGEST_TABLE_BYTES

RUN_ID = b"run_id"


class TableLines:
    """The table of an output directory.

    Raises ScoringError where it cannot be read, or has no column of run ids.
    """

    def __init__(self, results: Path) -> None:
        path = results / TABLE_FILE
        try:
            text = read_bounded(path.resolve(), LONGEST_TABLE_BYTES)
        except (OSError, RuntimeError, ContractError) as error:
            raise ScoringError(
                str(path), f"cannot be read ({str(error)[:100]})", "Name an output directory."
            ) from error
        self.header, *lines = text.split(b"\n")
        names = self.header.split(b",")
        if RUN_ID not in names:
            raise ScoringError(str(path), "has no column run_id", "Import older tables first.")
        place = names.index(RUN_ID)
        split = [(line, line.split(b",")) for line in lines if line]
        self._lines = {cells[place]: line for line, cells in split if len(cells) > place}

    def of(self, run_id: str) -> bytes | None:
        """Header and line of one run; None where it has no line."""
        line = self._lines.get(run_id.encode())
        return None if line is None else b"\n".join((self.header, line, b""))


def joined(tables: Sequence[bytes]) -> bytes:
    """Tables with one header as one table."""
    header = tables[0].partition(b"\n")[0]
    return b"".join((header + b"\n", *(table.partition(b"\n")[2] for table in tables)))
