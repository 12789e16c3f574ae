"""The samples of a run: rows of a hub dataset or of the user's files, or made up for rehearsals."""

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import overload

from benchmark_core.bad_rows import Overview
from benchmark_core.contract import Launch, RunSpec, SampleSource
from benchmark_core.faults import SampleFault, SpecFault
from benchmark_core.hub_dataset import HubDataset, open_dataset
from benchmark_core.local_samples import METADATA, LocalSamples
from benchmark_core.media import Column
from benchmark_core.recipe import Sample
from benchmark_core.sample_folder import open_prompts, open_samples, samples_sha256
from benchmark_core.sampling import choose

SYNTHETIC_SAMPLES = 1000


class Rows(Sequence[Sample]):
    """Chosen rows of a source, each read when it is asked for."""

    def __init__(self, read: Callable[[int], Sample], indexes: Sequence[int]) -> None:
        self._read = read
        self._indexes = indexes

    def __len__(self) -> int:
        return len(self._indexes)

    @overload
    def __getitem__(self, place: int) -> Sample: ...
    @overload
    def __getitem__(self, place: slice) -> "Rows": ...
    def __getitem__(self, place: int | slice) -> "Sample | Rows":
        if isinstance(place, slice):
            return Rows(self._read, self._indexes[place])
        return self._read(self._indexes[place])

    def __iter__(self) -> Iterator[Sample]:
        return map(self._read, self._indexes)


@dataclass(frozen=True)
class LoadedSamples:
    """`available` counts the rows without an empty column, `used` those that are run."""

    samples: Sequence[Sample]
    available: int
    used: int
    dataset_id: str | None = None
    dataset_commit: str | None = None
    prompts_sha256: str | None = None
    folder_sha256: str | None = None


@dataclass(frozen=True)
class OwnCheck:
    """What runs would find in samples of the user's.

    `shortage` says that there are fewer than asked for, `bad_rows` which will fail in every run
    that uses them; both are empty where all is well.
    """

    sha256: str
    available: int
    shortage: str
    bad_rows: str
    names_files: bool


def check_samples(
    path: Path,
    columns: Sequence[Column],
    are_prompts: bool = False,
    count: int | None = None,
    seed: int | None = None,
) -> OwnCheck:
    """What runs would find that use `count` rows of a file or folder, drawn by `seed`.

    Raises:
        SampleFault: the samples cannot be used.
    """
    samples = (open_prompts if are_prompts else open_samples)(path, columns)
    overview = samples.overview
    _choose(overview, count, samples.sources, seed, str(path), columns)
    return OwnCheck(
        sha256=samples_sha256(path),
        available=len(overview.usable),
        shortage=overview.shortage(count),
        bad_rows=overview.told(),
        names_files=samples.names_files,
    )


def refuse_lone_table(path: Path, check: OwnCheck) -> None:
    """A table stands for itself: what it names is neither hashed nor handed to a container.

    Raises:
        SampleFault: it names files beside it.
    """
    if path.is_file() and check.names_files:
        raise SampleFault(
            f"{path}: names files beside it, and the table alone would be taken",
            f"Put it into a folder with them, as {METADATA[0]} for example, and name the folder.",
        )


def load_samples(spec: RunSpec, launch: Launch, columns: Sequence[Column]) -> LoadedSamples:
    """The samples without an empty column, as many as the spec asks, or all there are.

    Raises:
        SampleFault: they cannot be read, or the user's files are others than the spec's.
        SpecFault: spec and launch contradict each other.
    """
    source = spec.samples
    if source.synthetic:
        return _synthetic(spec, columns)
    if source.dataset_id is not None:
        return _from_dataset(source, columns)
    return _own(_named_path(source, launch), source, columns)


def _named_path(source: SampleSource, launch: Launch) -> Path:
    if launch.samples_path is None:
        raise SpecFault(
            "the spec names samples of the user's by their SHA-256, the launch names no path",
            "Give the path as samples_path in launch.json.",
        )
    return Path(launch.samples_path)


def _refuse_changed(path: Path, found: str, planned: str) -> None:
    if found != planned:
        raise SampleFault(
            f"{path}: the samples have changed since the run was planned"
            f" (SHA-256 {found[:12]}, planned {planned[:12]})",
            "Plan the run again, or bring the former ones back.",
        )


def _own(path: Path, source: SampleSource, columns: Sequence[Column]) -> LoadedSamples:
    found, planned = samples_sha256(path), source.folder_sha256 or source.prompts_sha256
    _refuse_changed(path, found, str(planned))
    if source.folder_sha256 is not None:
        samples = open_samples(path, columns)
        return _chosen(source, samples, str(path), columns, samples.sources, folder_sha256=found)
    prompts = open_prompts(path, columns)
    loaded = _chosen(source, prompts, str(path), columns, prompts.sources, prompts_sha256=found)
    # A file that is edited later changes nothing of the run.
    loaded = replace(loaded, samples=list(loaded.samples))
    _refuse_changed(path, samples_sha256(path), str(planned))
    return loaded


def _synthetic(spec: RunSpec, columns: Sequence[Column]) -> LoadedSamples:
    if not spec.backend.is_simulated:
        raise SpecFault(
            f"synthetic samples cannot be run on the backend {spec.backend.name}",
            "Name a dataset or a prompts file; synthetic samples are for rehearsals.",
        )
    count = spec.samples.count or SYNTHETIC_SAMPLES
    names = [column.name for column in columns]
    made = [dict.fromkeys(names, f"synthetic sample {number}") for number in range(1, count + 1)]
    return LoadedSamples(samples=made, available=count, used=count)


def _from_dataset(source: SampleSource, columns: Sequence[Column]) -> LoadedSamples:
    otherwise = "or use a prompts file (--prompts-file)"
    dataset = open_dataset(str(source.dataset_id), source.dataset_revision, columns, otherwise)
    return _chosen(
        source,
        dataset,
        f"dataset {dataset.name}",
        columns,
        dataset.sources(),
        dataset_id=dataset.name,
        dataset_commit=dataset.commit,
    )


def _chosen(
    source: SampleSource,
    rows: LocalSamples | HubDataset,
    label: str,
    columns: Sequence[Column],
    sources: Sequence[str] | None,
    **provenance: str | None,
) -> LoadedSamples:
    """The rows that the run uses; what is amiss with them goes to the log."""
    overview = rows.overview
    chosen = _choose(overview, source.count, sources, source.seed, label, columns)
    for doubt in (overview.shortage(source.count), overview.told()):
        if doubt:
            print(f"warning: {label}: {doubt}", file=sys.stderr, flush=True)
    return LoadedSamples(
        samples=Rows(rows.row, chosen),
        available=len(overview.usable),
        used=len(chosen),
        **provenance,
    )


def _choose(
    overview: Overview,
    count: int | None,
    sources: Sequence[str] | None,
    seed: int | None,
    label: str,
    columns: Sequence[Column],
) -> list[int]:
    usable = overview.usable
    if not usable:
        raise SampleFault(
            f"{label}: no row without an empty {' or '.join(column.name for column in columns)}",
            "Name other samples.",
        )
    of_usable = None if sources is None else [str(sources[index]) for index in usable]
    return [usable[place] for place in choose(len(usable), count, of_usable, seed)]
