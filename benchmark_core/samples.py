"""The samples of a run: rows of a hub dataset, of a prompts file, or made up for rehearsals."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from benchmark_core.contract import RunSpec
from benchmark_core.faults import SampleFault, SpecFault
from benchmark_core.hub import hub_trouble, pinned_commit, resolved_commit
from benchmark_core.prompts_file import read_prompts

SYNTHETIC_SAMPLES = 1000


@dataclass(frozen=True)
class LoadedSamples:
    """`available` counts the rows that can be used, `used` those that are."""

    samples: list[dict[str, Any]]
    available: int
    used: int
    dataset_id: str | None = None
    dataset_commit: str | None = None
    prompts_sha256: str | None = None


@dataclass(frozen=True)
class PromptsCheck:
    """How many rows a run can use, and the SHA-256 of the bytes in which they were counted."""

    rows: int
    sha256: str


def check_prompts_file(path: Path, columns: tuple[str, ...]) -> PromptsCheck:
    """What a run would find in the file, which is read once.

    Raises:
        SampleFault: the file cannot be used.
    """
    prompts = read_prompts(path, columns)
    return PromptsCheck(rows=len(prompts.rows), sha256=prompts.sha256)


def load_samples(
    spec: RunSpec, prompts_path: Path | None, columns: tuple[str, ...]
) -> LoadedSamples:
    """The first samples without an empty column, as many as the spec asks, or all there are.

    Raises:
        SampleFault: they cannot be read, or the prompts file is another one than the spec's.
        SpecFault: spec and launch contradict each other.
    """
    source = spec.samples
    if source.synthetic:
        return _synthetic(spec, columns)
    if source.prompts_sha256 is None:
        return _from_dataset(spec, columns)
    if prompts_path is None:
        raise SpecFault(
            "the spec names a prompts file by its SHA-256, the launch names no path",
            "Give the path as prompts_path in launch.json.",
        )
    prompts = read_prompts(prompts_path, columns)
    if prompts.sha256 != source.prompts_sha256:
        raise SampleFault(
            f"{prompts_path}: the file has changed since the run was planned"
            f" (SHA-256 {prompts.sha256[:12]}, planned {source.prompts_sha256[:12]})",
            "Plan the run again, or bring the former file back.",
        )
    return _first(prompts.rows, source.count, prompts_sha256=prompts.sha256)


def _synthetic(spec: RunSpec, columns: tuple[str, ...]) -> LoadedSamples:
    if spec.backend.name != "simulated":
        raise SpecFault(
            f"synthetic samples cannot be run on the backend {spec.backend.name}",
            "Name a dataset or a prompts file; synthetic samples are for rehearsals.",
        )
    count = spec.samples.count or SYNTHETIC_SAMPLES
    rows = [dict.fromkeys(columns, f"synthetic sample {number}") for number in range(1, count + 1)]
    return _first(rows, count)


def _from_dataset(spec: RunSpec, columns: tuple[str, ...]) -> LoadedSamples:
    name = str(spec.samples.dataset_id)
    revision = spec.samples.dataset_revision
    commit = _dataset_commit(name, revision)
    try:
        from datasets import load_dataset

        dataset: Any = load_dataset(name, revision=commit or revision, split="train")
    except Exception as error:
        raise _dataset_fault(name, revision, error) from error
    missing = [column for column in columns if column not in dataset.column_names]
    if missing:
        raise SampleFault(
            f"dataset {name} has no column {', '.join(missing)}; it has"
            f" {', '.join(dataset.column_names)}",
            "Name a dataset made for this task, or use a prompts file (--prompts-file).",
        )
    rows = [row for row in dataset.select_columns(list(columns)) if _complete(row.values())]
    if not rows:
        raise SampleFault(
            f"dataset {name} has no row without an empty {' or '.join(columns)}",
            "Name another dataset or revision, or use a prompts file (--prompts-file).",
        )
    commit = commit or _loaded_commit(dataset)
    _refuse_other_commit(name, revision, commit)
    return _first(rows, spec.samples.count, dataset_id=name, dataset_commit=commit)


def _refuse_other_commit(name: str, revision: str | None, commit: str | None) -> None:
    pinned = pinned_commit(revision)
    if pinned and commit != pinned:
        raise SampleFault(
            f"dataset {name} was asked for at commit {pinned} and was read from"
            f" {commit or 'a place without commits'}",
            "Fetch that commit into the cache, or leave the revision out.",
        )


def _dataset_commit(name: str, revision: str | None) -> str | None:
    """The commit a revision stands for, None where the hub cannot be asked.

    Raises:
        SampleFault: the hub says that there is no such dataset, or refuses it.
    """
    from huggingface_hub.errors import RepositoryNotFoundError, RevisionNotFoundError

    try:
        return resolved_commit(name, revision, "dataset")
    except (RepositoryNotFoundError, RevisionNotFoundError) as error:
        raise _dataset_fault(name, revision, error) from error
    except Exception:  # noqa: BLE001 - a hub that cannot be asked is no fault: there is the cache
        return None


def _loaded_commit(dataset: Any) -> str | None:
    """The commit in the addresses of the files the dataset was made of: hf://datasets/ID@COMMIT/."""
    for address in dataset.info.download_checksums or {}:
        _, at, rest = str(address).partition("@")
        commit = rest.partition("/")[0]
        if at and len(commit) == 40:
            return commit
    return None


def _dataset_fault(name: str, revision: str | None, error: Exception) -> SampleFault:
    label = name if revision is None else f"{name} at revision {revision}"
    trouble = hub_trouble(error)
    if trouble is not None:
        return SampleFault(
            f"dataset {label} {trouble.what}",
            f"{trouble.remedy} Or use a prompts file (--prompts-file).",
        )
    text = " ".join(str(error).split())[:300]
    return SampleFault(
        f"dataset {label} cannot be loaded: {type(error).__name__}: {text}",
        "Use a dataset with a split named train, or a prompts file (--prompts-file).",
    )


def _complete(values: Iterable[Any]) -> bool:
    return all(
        value is not None and not (isinstance(value, str) and not value.strip()) for value in values
    )


def _first(
    rows: list[dict[str, Any]],
    count: int | None,
    dataset_id: str | None = None,
    dataset_commit: str | None = None,
    prompts_sha256: str | None = None,
) -> LoadedSamples:
    samples = list(islice(rows, count))
    return LoadedSamples(
        samples=samples,
        available=len(rows),
        used=len(samples),
        dataset_id=dataset_id,
        dataset_commit=dataset_commit,
        prompts_sha256=prompts_sha256,
    )
