"""A dataset of the hub, opened for a task: which commit it is, and its rows undecoded."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from benchmark_core.bad_rows import Overview, RowFault, alone
from benchmark_core.faults import HubFault, RunFault, SampleFault
from benchmark_core.hub import hub_trouble, pinned_commit, resolved_commit
from benchmark_core.media import Column, undecoded
from benchmark_core.recipe import Sample

NOT_FETCHED = [".gitattributes", ".gitignore"]
"""Of a dataset, by downloads ahead of runs."""


@dataclass(frozen=True)
class HubDataset:
    """`names` are what the dataset calls each of `columns`; `commit` is None where unknown."""

    name: str
    commit: str | None
    table: Any
    columns: Sequence[Column]
    names: Sequence[str]

    def __len__(self) -> int:
        return len(self.table)

    def row(self, index: int) -> Sample:
        """One row; a BadRow where a column holds what the task does not take."""
        return alone(self._sample, index, self.table[index])

    @cached_property
    def overview(self) -> Overview:
        """Of all rows.

        Raises:
            SampleFault: none can be used.
        """
        overview = Overview()
        for index, row in enumerate(self.table.select_columns(list(self.names))):
            overview.add(index, alone(self._sample, index, row), self.columns)
        overview.refuse_without_good()
        return overview

    def place(self, index: int) -> str:
        """What to call a row in a message."""
        return f"dataset {self.name}, row {index + 1}"

    def sources(self) -> Sequence[str] | None:
        return self.table["source"] if "source" in self.table.column_names else None

    def _sample(self, index: int, row: Sample) -> Sample:
        for column, name in zip(self.columns, self.names, strict=True):
            value = row[name]
            if column.media == "text" and not isinstance(value, str | None):
                raise RowFault(
                    f"{self.place(index)}: {name} is a {type(value).__name__}, not a text",
                    "Name a column of texts.",
                )
            if isinstance(value, dict) and value.get("bytes") is None and value.get("path"):
                self._refuse_outside(index, str(value["path"]))
        return {
            column.name: row[name] for column, name in zip(self.columns, self.names, strict=True)
        }

    def _refuse_outside(self, index: int, name: str) -> None:
        """A dataset may name the files that were fetched with it, and no others of this machine."""
        try:
            real = Path(name).resolve()
        except (OSError, RuntimeError, ValueError):  # a loop of links, or a NUL
            real = None
        if real is None or not any(real.is_relative_to(cache) for cache in _caches()):
            raise RowFault(
                f"{self.place(index)}: the path {name!r} leads out of the cache",
                "Name a dataset that holds its files.",
            )


def _caches() -> list[Path]:
    """Where the hub's files and those made of them lie."""
    from datasets import config
    from huggingface_hub import constants

    places = (
        constants.HF_HUB_CACHE,
        config.HF_DATASETS_CACHE,
        config.DOWNLOADED_DATASETS_PATH,
        config.EXTRACTED_DATASETS_PATH,
    )
    return [Path(place).resolve() for place in places]


def open_dataset(
    name: str,
    revision: str | None,
    columns: Sequence[Column],
    otherwise: str,
    config: str | None = None,
    split: str = "train",
) -> HubDataset:
    """The dataset at that revision, fetched if it is not in the cache.

    `otherwise` ends the remedies: "or ...", what else the user can do.

    Raises:
        HubFault: it is not in the cache, and the hub is out of reach.
        SampleFault: it cannot be loaded, lacks a column, or is of another commit than was asked.
    """
    label = name if revision is None else f"{name} at revision {revision}"
    commit = _commit(name, revision, label, otherwise)
    files = _whole_files(name, commit)
    try:
        from datasets import load_dataset

        table: Any = (
            load_dataset(name, config, revision=commit or revision, split=split)
            if files is None
            else load_dataset(str(files), config, split=split)
        )
    except Exception as error:
        raise _fault(label, split, otherwise, error) from error
    names = _names(name, columns, table.column_names, otherwise)
    # A cache of tables gives what it has without the hub, whatever the revision.
    read_from = commit if files else _loaded_commit(table) or commit
    wanted = commit or pinned_commit(revision)
    if wanted and read_from != wanted:
        raise SampleFault(
            f"dataset {name} was asked for at commit {wanted} and was read from"
            f" {read_from or 'a place without commits'}",
            "Fetch that commit into the cache, or leave the revision out.",
        )
    return HubDataset(name, read_from, undecoded(table, columns), columns, names)


def _names(
    name: str, columns: Sequence[Column], present: Sequence[str], otherwise: str
) -> list[str]:
    found = [next((n for n in column.names if n in present), None) for column in columns]
    missing = [column.name for column, at in zip(columns, found, strict=True) if at is None]
    if missing:
        raise SampleFault(
            f"dataset {name} has no column {', '.join(missing)}; it has {', '.join(present)}",
            f"Name a dataset made for this task, {otherwise}.",
        )
    return [str(at) for at in found]


def _commit(name: str, revision: str | None, label: str, otherwise: str) -> str | None:
    """The commit a revision stands for, None where the hub cannot be asked."""
    from huggingface_hub.errors import RepositoryNotFoundError, RevisionNotFoundError

    try:
        return resolved_commit(name, revision, "dataset")
    except (RepositoryNotFoundError, RevisionNotFoundError) as error:
        raise _fault(label, "train", otherwise, error) from error
    except Exception:  # noqa: BLE001 - a hub that cannot be asked is no fault: there is the cache
        return None


def _whole_files(name: str, commit: str | None) -> Path | None:
    """Where the files of that commit lie in the cache, all of them; None where the hub is asked.

    Without the hub, the library itself knows tables that it has made, and no files.
    """
    from huggingface_hub import constants, get_cached_repo_tree, snapshot_download
    from huggingface_hub.errors import CachedRepoTreeNotFoundError, LocalEntryNotFoundError

    if commit is None or not constants.HF_HUB_OFFLINE:
        return None
    try:
        # Only a list of the files that there are tells whether some are missing.
        get_cached_repo_tree(name, repo_type="dataset", revision=commit)
        folder = snapshot_download(
            name,
            repo_type="dataset",
            revision=commit,
            local_files_only=True,
            ignore_patterns=NOT_FETCHED,
        )
    except (CachedRepoTreeNotFoundError, LocalEntryNotFoundError):
        return None
    return Path(folder)


def _loaded_commit(table: Any) -> str | None:
    """The commit in the addresses of the files the dataset was made of: hf://datasets/ID@COMMIT/."""
    for address in table.info.download_checksums or {}:
        _, at, rest = str(address).partition("@")
        commit = rest.partition("/")[0]
        if at and len(commit) == 40:
            return commit
    return None


def _fault(label: str, split: str, otherwise: str, error: Exception) -> RunFault:
    trouble = hub_trouble(error)
    if trouble is not None:
        kind = HubFault if trouble.passes else SampleFault
        return kind(
            f"dataset {label} {trouble.what}",
            f"{trouble.remedy} {otherwise[0].upper()}{otherwise[1:]}.",
        )
    text = " ".join(str(error).split())[:300]
    return SampleFault(
        f"dataset {label} cannot be loaded: {type(error).__name__}: {text}",
        f"Use a dataset with a split named {split}, {otherwise}.",
    )
