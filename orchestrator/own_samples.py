"""Samples that the user brings instead of the datasets, looked at before anything is planned."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from benchmark_core.contract import TaskName
from benchmark_core.faults import SampleFault
from benchmark_core.local_samples import METADATA, LocalSamples
from benchmark_core.sample_folder import open_samples, samples_sha256
from benchmark_core.samples import check_prompts_file
from benchmark_core.tasks import registry as tasks
from benchmark_core.tasks.base import Task
from orchestrator.errors import Problem, UsageError
from orchestrator.settings import Settings

TABLES = (".csv", ".jsonl", ".json", ".parquet")


@dataclass(frozen=True)
class OwnSamples:
    """By task: where its samples are, their SHA-256, and why there are none that it can use.

    `are_prompts`: they are a prompts file, and not files of any kind.
    """

    are_prompts: bool
    paths: dict[TaskName, Path] = field(default_factory=dict)
    sha256: dict[TaskName, str] = field(default_factory=dict)
    obstacles: dict[TaskName, SampleFault] = field(default_factory=dict)


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
            if own.are_prompts:
                own.paths[name] = path
                own.sha256[name] = check_prompts_file(path, task.columns).sha256
            else:
                own.paths[name] = place = _place(path, task)
                _refuse_lone_table(place, open_samples(place, task.columns))
                own.sha256[name] = samples_sha256(place)
        except SampleFault as fault:
            own.obstacles[name] = fault
    if own.obstacles and not own.sha256:
        flag = "--prompts-file" if own.are_prompts else "--dataset-dir"
        raise UsageError(*_problems(flag, own.obstacles))
    return own


def _refuse_lone_table(place: Path, samples: LocalSamples) -> None:
    """A table stands for itself: what it names is neither hashed nor handed to a container."""
    if place.is_file() and samples.names_files:
        raise SampleFault(
            f"{place}: names files beside it, and the table alone would be taken",
            f"Put it into a folder with them, as {METADATA[0]} for example, and name the folder.",
        )


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
