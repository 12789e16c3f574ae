"""What a container is given of the host: its run's folder, the caches, the user's samples."""

from pathlib import Path
from typing import Any

import pytest

from orchestrator.engines.container_settings import (
    Caches,
    Confinement,
    ContainerUser,
    create_arguments,
    samples_target,
)
from tests.support.orders import make_order


def mounts_of(output_dir: Path, samples: Path | None) -> dict[str, Any]:
    """The mounts by the paths that the run sees."""
    caches = Caches(output_dir / "hub", output_dir / "datasets")
    user = ContainerUser.for_caller(False)
    confinement = Confinement("sha256:0", user, output_dir, caches, False, None, {})
    order = make_order(output_dir, samples=samples)
    return {
        mount["Target"]: mount
        for mount in create_arguments(confinement, order, token_file=None)["mounts"]
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "my samples: 'one'"
    folder.mkdir()
    (folder / "metadata.csv").write_text("file_name\n")
    return folder


def test_a_folder_of_samples_is_mounted_whole_and_read_only(tmp_path: Path, folder: Path) -> None:
    mount = mounts_of(tmp_path, folder)[samples_target(folder)]
    assert mount["Source"] == str(folder)
    assert mount["Type"] == "bind"
    assert mount["ReadOnly"] is True


def test_a_table_keeps_its_ending_behind_a_link(tmp_path: Path, folder: Path) -> None:
    link = tmp_path / "own.csv"
    link.symlink_to(folder / "metadata.csv")
    target = samples_target(link)
    assert target.endswith("/own.csv")
    assert mounts_of(tmp_path, link)[target]["Source"] == str(folder / "metadata.csv")


def test_the_run_folder_and_the_caches_alone_can_be_written(tmp_path: Path, folder: Path) -> None:
    writable = {
        Path(mount["Source"]).name
        for mount in mounts_of(tmp_path, folder).values()
        if not mount["ReadOnly"]
    }
    assert writable == {"acme_tiny_On", "hub", "datasets"}


def test_without_samples_nothing_more_is_mounted(tmp_path: Path, folder: Path) -> None:
    assert len(mounts_of(tmp_path, None)) == 3
