"""What can go wrong on the host.

    BatchRunnerError
    ├── UsageError      2   a flag, a catalog or a file of the user's is wrong
    └── HostError       3   this machine is not ready for the plan

Each error prints as one message: what happened, where, and what to do. `batch_runner.main` and
`orchestrator.__main__` are the only places that catch them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from benchmark_core.terminal_text import printable


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong: where it stands, what it is, and what to do about it."""

    where: str
    what: str
    remedy: str

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        return printable(f"{place}{self.what}. {self.remedy}")


class BatchRunnerError(Exception):
    """Ends the command with its problems and its exit code."""

    exit_code = 1

    def __init__(self, *problems: Problem) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems: Sequence[Problem] = problems


class UsageError(BatchRunnerError):
    exit_code = 2


class HostError(BatchRunnerError):
    exit_code = 3
