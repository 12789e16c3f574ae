"""Samples that the user brings instead of the datasets, looked at before anything is planned."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from benchmark_core.contract import TaskName
from benchmark_core.faults import SampleFault
from benchmark_core.samples import OwnCheck, check_samples, refuse_lone_table
from benchmark_core.tasks import registry as tasks
from benchmark_core.tasks.base import Task
from orchestrator.errors import Problem, UsageError
from orchestrator.settings import Settings

TABLES = (".csv", ".jsonl", ".json", ".parquet")


@dataclass(frozen=True)
class OwnSamples:
    """By task: where its samples are, their SHA-256, how many, or why there are none for it.

    `are_prompts`: they are a prompts file, and not files of any kind. `warnings` tell of samples
    that will be lacking or fail.
    """

    are_prompts: bool
    paths: dict[TaskName, Path] = field(default_factory=dict)
    sha256: dict[TaskName, str] = field(default_factory=dict)
    obstacles: dict[TaskName, SampleFault] = field(default_factory=dict)
    warnings: list[Problem] = field(default_factory=list)
    available: dict[TaskName, int] = field(default_factory=dict)


def find_own_samples(names: Iterable[TaskName], settings: Settings) -> OwnSamples | None:
    """What the tasks find in the files that were named; None where none were.

    Raises:
        UsageError: no task finds anything.
    """
    path = settings.prompts_file or settings.dataset_dir
    if path is None:
        return None
    own = OwnSamples(are_prompts=settings.prompts_file is not None)
    for name in sorted(set(names)):
        task = tasks.get(name)
        try:
            own.paths[name] = place = path if own.are_prompts else _place(path, task)
            check = check_samples(
                place, task.columns, own.are_prompts, settings.num_prompts, settings.seed
            )
            refuse_lone_table(place, check)
            own.sha256[name], own.available[name] = check.sha256, check.available
            own.warnings.extend(_warnings(place, name, check))
        except SampleFault as fault:
            own.obstacles[name] = fault
    if own.obstacles and not own.sha256:
        flag = "--prompts-file" if own.are_prompts else "--dataset-dir"
        raise UsageError(*_problems(flag, own.obstacles))
    return own


def _warnings(place: Path, name: TaskName, check: OwnCheck) -> Iterator[Problem]:
    where = f"{place}, {name}"
    if check.shortage:
        remedy = "Runs use those there are, and are flagged for it; lower --num-prompts."
        yield Problem(where, check.shortage, remedy)
    if check.bad_rows:
        remedy = "Each fails in its runs, and a run is lost if more than a tenth fails: mend them."
        yield Problem(where, check.bad_rows, remedy)


def _problems(flag: str, obstacles: Mapping[TaskName, SampleFault]) -> Iterable[Problem]:
    different = {fault.message: fault for fault in obstacles.values()}
    return [Problem(flag, fault.message, fault.remedy) for fault in different.values()]


def _place(folder: Path, task: Task) -> Path:
    """What the folder has under a name of the task; else the folder itself."""
    for name in (task.name, *task.spellings):
        for place in (folder / name, *(folder / f"{name}{ending}" for ending in TABLES)):
            if place.exists():
                return place
    return folder
