"""The lock file beside a catalog: which commits its models and datasets were.

What a branch of the hub holds changes from one night to the next. `--lock` asks the hub once and
writes the commits down; every later plan of the catalog takes them from there, so that rows
measured months apart are of the same weights and the same samples.
"""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal

from pydantic import StringConstraints

from benchmark_core.atomic_file import write_text
from benchmark_core.documents import ContractError, Document
from benchmark_core.hub import UNREACHABLE, hub_trouble, pinned_commit
from orchestrator.errors import HostError, Problem, UsageError
from orchestrator.run_planner import Plan, PlannedRun
from orchestrator.settings import Settings

LOOKUPS_AT_ONCE = 8
NAMED_AT_MOST = 3

Commit = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{40}$")]


class RevisionLock(Document):
    """The commit of each `org/name`, or `org/name@revision` where a catalog names one."""

    models: dict[str, Commit]
    datasets: dict[str, Commit]

    def of(self, source: "Source") -> str | None:
        return (self.models if source.kind == "model" else self.datasets).get(source.key)


@dataclass(frozen=True)
class Source:
    """What a row takes from the hub; `revision` None is the default branch."""

    kind: Literal["model", "dataset"]
    id: str
    revision: str | None

    @property
    def key(self) -> str:
        return self.id if self.revision is None else f"{self.id}@{self.revision}"

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"


def lock_path(catalog: Path) -> Path:
    """`models.lock.json` beside `models.csv`."""
    return catalog.with_suffix(".lock.json")


def read_lock(catalog: Path) -> RevisionLock:
    """What is locked; nothing where there is no lock file.

    Raises:
        UsageError: the file cannot be read, or is none of ours.
    """
    path = lock_path(catalog)
    if not path.exists():
        return RevisionLock(models={}, datasets={})
    try:
        return RevisionLock.read(path)
    except ContractError as error:
        raise UsageError(
            Problem(str(path), str(error), "Remove it, and write it anew with --lock.")
        ) from error


def renew_lock(plan: Plan, settings: Settings) -> RevisionLock:
    """Ask the hub for every commit of the plan, and write the lock file.

    What the file says of models that are not in the plan stays.

    Raises:
        UsageError, HostError: with everything that has no commit; nothing is written then.
    """
    sources = sorted(_sources(plan.runs), key=str)
    with ThreadPoolExecutor(LOOKUPS_AT_ONCE) as pool:
        found = list(pool.map(lambda source: _commit(source, settings), sources))
    troubles = [answer for answer in found if isinstance(answer, Problem)]
    if troubles:
        away = all(problem.what == UNREACHABLE.what for problem in troubles)
        raise (HostError if away else UsageError)(*troubles)
    old = read_lock(settings.csv)
    models, datasets = dict(old.models), dict(old.datasets)
    for source, commit in zip(sources, found, strict=True):
        (models if source.kind == "model" else datasets)[source.key] = str(commit)
    lock = RevisionLock(
        models=dict(sorted(models.items())), datasets=dict(sorted(datasets.items()))
    )
    path = lock_path(settings.csv)
    try:
        write_text(path, lock.to_json())
    except OSError as error:
        what = f"the lock cannot be written: {error.strerror}"
        remedy = "Make the catalog's folder writable, or copy the catalog elsewhere."
        raise UsageError(Problem(str(path), what, remedy)) from error
    return lock


def pinned(plan: Plan, lock: RevisionLock) -> Plan:
    """The same runs, on the commits that are locked; their names stay."""
    return replace(plan, runs=tuple(_pinned(run, lock) for run in plan.runs))


def unlocked(plan: Plan, lock: RevisionLock, catalog: Path) -> list[Problem]:
    """A warning where a lock says nothing of some of a plan that is not yet pinned to it.

    None where there is no lock.
    """
    if not lock.models and not lock.datasets:
        return []
    missing = sorted(str(source) for source in _sources(plan.runs) if lock.of(source) is None)
    if not missing:
        return []
    shown = ", ".join(missing[:NAMED_AT_MOST])
    if len(missing) > NAMED_AT_MOST:
        shown += f" and {len(missing) - NAMED_AT_MOST} more"
    return [Problem(str(lock_path(catalog)), f"locks no commit of {shown}", "Add --lock once.")]


def _sources(runs: Iterable[PlannedRun]) -> set[Source]:
    """All that is not pinned by the catalog itself, nor a folder."""
    found = [source for run in runs for source in _of_run(run)]
    return {
        source
        for source in found
        if pinned_commit(source.revision) is None and not Path(source.id).is_dir()
    }


def _of_run(run: PlannedRun) -> Sequence[Source]:
    model, samples = run.spec.model, run.spec.samples
    # A server does not tell which commit it runs, one of our own neither: none can be kept to.
    is_served = run.spec.backend.is_served
    sources = [] if is_served else [Source("model", model.id, model.revision)]
    if samples.dataset_id is not None:
        sources.append(Source("dataset", samples.dataset_id, samples.dataset_revision))
    return sources


def _pinned(run: PlannedRun, lock: RevisionLock) -> PlannedRun:
    spec = run.spec
    for source in _of_run(run):
        commit = lock.of(source)
        if commit is None:
            continue
        if source.kind == "model":
            model = spec.model.model_copy(update={"revision": commit})
            spec = spec.model_copy(update={"model": model})
        else:
            samples = spec.samples.model_copy(update={"dataset_revision": commit})
            spec = spec.model_copy(update={"samples": samples})
    return replace(run, spec=spec)


def _commit(source: Source, settings: Settings) -> str | Problem:
    from huggingface_hub import HfApi

    hub = HfApi(
        endpoint=settings.passed_environment.get("HF_ENDPOINT"), token=settings.token or False
    )
    try:
        found = hub.resolve_revision(
            source.id,
            repo_type=source.kind,
            revision=source.revision,
            cache_dir=settings.hub_cache,
            local_files_only=settings.offline,
        )
    except Exception as error:
        trouble = hub_trouble(error)
        if trouble is None:
            raise
        return Problem(str(source), trouble.what, trouble.remedy)
    return found.resolved
