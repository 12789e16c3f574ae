"""Run folders -> `master_results.csv`.

The file is derived: it can be deleted and comes back byte for byte. No cell ever needs quoting:
commas become semicolons.
"""

from functools import lru_cache
from pathlib import Path

from benchmark_core.atomic_file import write_text
from benchmark_core.collector import without_collector
from benchmark_core.documents import ContractError
from benchmark_core.terminal_text import printable
from orchestrator.command_line import command_line
from orchestrator.errors import HostError, Problem
from orchestrator.master_cells import Cell
from orchestrator.master_columns import COLUMNS
from orchestrator.run_directory import RunDirectory
from orchestrator.run_folder import RunFolder
from orchestrator.run_record import Record, read_record

LONGEST_CELL = 2000
FORMULA_STARTS = ("=", "+", "-", "@")


def row(record: Record) -> dict[str, str]:
    """One line of the table, every cell as the text that stands in the file."""
    return {name: cell(read(record)) for name, read in COLUMNS.items()}


def cell(value: Cell) -> str:
    """A cell that never needs quoting and that no spreadsheet runs. None is empty, never 0."""
    if value is None:
        return ""
    if not isinstance(value, str):
        return repr(value)
    return _text_cell(value)


@lru_cache(maxsize=4096)
def _text_cell(value: str) -> str:
    text = printable(" ".join(value.split()).replace(",", ";").replace('"', "'"))[:LONGEST_CELL]
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


class MasterTable:
    """The rows of one output directory, in memory during a sweep; the file is replaced whole."""

    def __init__(self, directory: RunDirectory) -> None:
        self._directory = directory
        self._lines: dict[str, str] = {}

    @without_collector()
    def read_folders(self) -> dict[str, Problem]:
        """Take in every folder once; those that cannot be believed are left out and named."""
        problems = {}
        for folder in self._directory.folders():
            try:
                self.update(folder)
            except ContractError as error:
                problems[folder.run_id] = Problem(
                    str(folder.path),
                    f"is left out of the table: {error}",
                    "Repair or remove the folder.",
                )
        return problems

    def update(self, folder: RunFolder) -> None:
        """Read one folder again. Raises ContractError when it cannot be believed."""
        self._lines.pop(folder.run_id, None)
        record = read_record(folder)
        if record:
            self._lines[folder.run_id] = ",".join(row(record).values())

    def write(self) -> Path:
        """Replace the file.

        Raises:
            HostError: it cannot be written; the earlier file is intact.
        """
        path = self._directory.master_path
        lines = [",".join(COLUMNS), *(self._lines[name] for name in sorted(self._lines))]
        try:
            write_text(path, "\n".join(lines) + "\n")
        except OSError as error:
            raise HostError(
                Problem(
                    str(path),
                    f"cannot be written ({error.strerror}); the earlier file and"
                    " all run folders are intact",
                    f"Free the disk, then `{command_line('rebuild', self._directory.root)}`.",
                )
            ) from error
        return path
