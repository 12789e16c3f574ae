"""The samples of a run: rows of a hub dataset or of the user's files, or made up for rehearsals."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import overload

from benchmark_core.contract import Launch, RunSpec, SampleSource
from benchmark_core.faults import SampleFault, SpecFault
from benchmark_core.hub_dataset import open_dataset
from benchmark_core.media import Column
from benchmark_core.prompts_file import read_prompts
from benchmark_core.recipe import Sample
from benchmark_core.sample_folder import open_samples, samples_sha256
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
    """`available` counts the rows that can be used, `used` those that are."""

    samples: Sequence[Sample]
    available: int
    used: int
    dataset_id: str | None = None
    dataset_commit: str | None = None
    prompts_sha256: str | None = None
    folder_sha256: str | None = None


@dataclass(frozen=True)
class PromptsCheck:
    """How many rows a run can use, and the SHA-256 of the bytes in which they were counted."""

    rows: int
    sha256: str


def check_prompts_file(path: Path, columns: Sequence[Column]) -> PromptsCheck:
    """What a run would find in the file, which is read once.

    Raises:
        SampleFault: the file cannot be used.
    """
    prompts = read_prompts(path, _text_names(columns, path))
    return PromptsCheck(rows=len(prompts.rows), sha256=prompts.sha256)


def _text_names(columns: Sequence[Column], path: Path) -> tuple[str, ...]:
    media = [column.name for column in columns if column.media != "text"]
    if media:
        raise SampleFault(
            f"{path}: a prompts file holds texts, and this task needs {' and '.join(media)}",
            "Leave such rows out, or give a folder with --dataset-dir.",
        )
    return tuple(column.name for column in columns)


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
    path = _named_path(source, launch)
    if source.folder_sha256 is not None:
        return _from_folder(path, source, columns)
    prompts = read_prompts(path, _text_names(columns, path))
    _refuse_changed(path, prompts.sha256, str(source.prompts_sha256))
    rows = prompts.rows
    return _chosen(source, rows.__getitem__, range(len(rows)), prompts_sha256=prompts.sha256)


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


def _from_folder(path: Path, source: SampleSource, columns: Sequence[Column]) -> LoadedSamples:
    found = samples_sha256(path)
    _refuse_changed(path, found, str(source.folder_sha256))
    samples = open_samples(path, columns)
    usable = samples.usable()
    if not usable:
        raise SampleFault(
            f"{path}: no row without an empty {' or '.join(column.name for column in columns)}",
            "Name other samples.",
        )
    return _chosen(source, samples.row, usable, samples.sources, folder_sha256=found)


def _synthetic(spec: RunSpec, columns: Sequence[Column]) -> LoadedSamples:
    if spec.backend.name != "simulated":
        raise SpecFault(
            f"synthetic samples cannot be run on the backend {spec.backend.name}",
            "Name a dataset or a prompts file; synthetic samples are for rehearsals.",
        )
    count = spec.samples.count or SYNTHETIC_SAMPLES
    names = [column.name for column in columns]
    return _chosen(
        spec.samples,
        lambda index: dict.fromkeys(names, f"synthetic sample {index + 1}"),
        range(count),
    )


def _from_dataset(source: SampleSource, columns: Sequence[Column]) -> LoadedSamples:
    otherwise = "or use a prompts file (--prompts-file)"
    dataset = open_dataset(str(source.dataset_id), source.dataset_revision, columns, otherwise)
    usable = dataset.usable()
    if not usable:
        raise SampleFault(
            f"dataset {dataset.name} has no row without an empty {' or '.join(dataset.names)}",
            f"Name another dataset or revision, {otherwise}.",
        )
    return _chosen(
        source,
        dataset.row,
        usable,
        dataset.sources(),
        dataset_id=dataset.name,
        dataset_commit=dataset.commit,
    )


def _chosen(
    source: SampleSource,
    read: Callable[[int], Sample],
    usable: Sequence[int],
    sources: Sequence[str] | None = None,
    **provenance: str | None,
) -> LoadedSamples:
    of_usable = None if sources is None else [str(sources[index]) for index in usable]
    places = choose(len(usable), source.count, of_usable, source.seed)
    return LoadedSamples(
        samples=Rows(read, [usable[place] for place in places]),
        available=len(usable),
        used=len(places),
        **provenance,
    )
