"""What a check finds: that something is well, a warning, or a problem that ends the command."""

from dataclasses import dataclass
from typing import Literal

from orchestrator.errors import Problem

Level = Literal["ok", "warning", "problem"]


@dataclass(frozen=True)
class Finding:
    """`where` and `remedy` are empty where all is well."""

    level: Level
    what: str
    where: str = ""
    remedy: str = ""

    @property
    def problem(self) -> Problem:
        return Problem(self.where, self.what, self.remedy)


def well(what: str) -> Finding:
    return Finding("ok", what)


def warning(problem: Problem) -> Finding:
    return Finding("warning", problem.what, problem.where, problem.remedy)


def trouble(problem: Problem) -> Finding:
    return Finding("problem", problem.what, problem.where, problem.remedy)
