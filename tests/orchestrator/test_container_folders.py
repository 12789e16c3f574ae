"""Folders that containers share with the host, given to the user that writes there."""

import os
from pathlib import Path

import pytest

from orchestrator.engines.container_folders import ContainerFolders
from orchestrator.errors import HostError
from tests.orchestrator.test_container_settings import STRANGER
from tests.support.orders import make_order


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of what was given away, though nobody but root can."""
    names: list[str] = []

    def give(path: Path, user: int, group: int, follow_symlinks: bool) -> None:
        os.lstat(path)
        names.append(path.name)

    monkeypatch.setattr(os, "chown", give)
    return names


def test_a_file_that_is_renamed_meanwhile_is_no_hindrance(
    tmp_path: Path, given: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sweep tells a run of its neighbours at any moment, in a file that it renames."""
    order = make_order(tmp_path)
    there = list(order.folder.iterdir())
    half = order.folder / ".launch.json.ab12cd34"
    monkeypatch.setattr(Path, "iterdir", lambda self: iter([half, *there]))
    ContainerFolders(STRANGER, None).prepare(order)
    assert given == [order.folder.name, *(path.name for path in there)]


def test_a_folder_that_is_not_there_is_told(tmp_path: Path, given: list[str]) -> None:
    order = make_order(tmp_path)
    for path in order.folder.iterdir():
        path.unlink()
    order.folder.rmdir()
    with pytest.raises(HostError, match="cannot be prepared for the container"):
        ContainerFolders(STRANGER, None).prepare(order)
