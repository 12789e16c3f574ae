"""Files and folders of others -> imported runs, each once, and every problem of all of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from orchestrator.errors import Problem, UsageError
from orchestrator.importing.imported_report import make_run
from orchestrator.importing.original_folder import read_folder
from orchestrator.importing.registry import read_runs
from orchestrator.importing.source_file import read_source
from orchestrator.importing.told_run import Given, ImportedRun, Origin, ToldRun


@dataclass(frozen=True)
class Reading:
    runs: tuple[ImportedRun, ...]
    problems: tuple[Problem, ...]


def read_all(paths: Sequence[Path], given: Given) -> Reading:
    """The runs of all paths, in their order; a file that is named twice counts once."""
    runs: dict[Origin, ImportedRun] = {}
    problems: list[Problem] = []
    for path in paths:
        try:
            told = _told(path, given)
        except UsageError as error:
            problems += error.problems
            continue
        for one in told:
            try:
                run = make_run(one, given)
                runs.setdefault(run.key, run)
            except UsageError as error:
                problems += error.problems
    return Reading(tuple(runs.values()), tuple(problems))


def _told(path: Path, given: Given) -> list[ToldRun]:
    return read_folder(path, given) if path.is_dir() else read_runs(read_source(path), given)
