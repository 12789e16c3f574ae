"""Files and folders of others -> imported runs, each once, and every problem of all of them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from orchestrator.errors import Problem, UsageError
from orchestrator.importing.imported_report import make_run
from orchestrator.importing.original_folder import files_of, read_folder
from orchestrator.importing.registry import read_runs
from orchestrator.importing.source_file import read_source
from orchestrator.importing.told_run import Given, ImportedRun, Origin, ToldRun


@dataclass(frozen=True)
class Reading:
    runs: tuple[ImportedRun, ...]
    problems: tuple[Problem, ...]


def read_all(paths: Sequence[Path], given: Given) -> Reading:
    """The runs of all paths, in their order.

    A file that is named twice, or beside the folder that it belongs to, counts once.
    """
    runs: dict[Origin, ImportedRun] = {}
    problems: list[Problem] = []
    within = {file.resolve() for path in paths if _is_folder(path) for file in files_of(path)}
    for path in paths:
        if _is_file_within(path, within):
            continue
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
    return read_folder(path, given) if _is_folder(path) else read_runs(read_source(path), given)


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # too long for a name; reading it says so
        return False


def _is_file_within(path: Path, within: Collection[Path]) -> bool:
    try:
        return path.resolve() in within
    except (OSError, RuntimeError):  # links in a circle; reading it says so
        return False
