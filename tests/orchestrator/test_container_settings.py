"""What a container is given of the host: its run's folder, the caches, the user's samples."""

from dataclasses import replace
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
    confinement = Confinement("sha256:0", user, output_dir, caches, None, {})
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


@pytest.mark.parametrize("written", [".", "..", "../my samples: 'one'"])
def test_a_folder_has_its_own_name_however_it_is_written(
    folder: Path, monkeypatch: pytest.MonkeyPatch, written: str
) -> None:
    monkeypatch.chdir(folder)
    named = folder.parent if written == ".." else folder
    assert samples_target(Path(written)) == samples_target(named)


STRANGER = ContainerUser(uid=54321, gid=54321, host_uid=54321, host_gid=54321)


@pytest.mark.parametrize(("mode", "is_read"), [(0o755, True), (0o754, False), (0o751, False)])
def test_a_folder_must_be_open_to_be_read_and_entered(
    folder: Path, mode: int, is_read: bool
) -> None:
    (folder / "metadata.csv").chmod(0o644)
    folder.chmod(mode)
    assert STRANGER.unreadable(folder) == (None if is_read else folder)


def test_what_lies_in_a_folder_must_be_readable_too(folder: Path) -> None:
    folder.chmod(0o755)
    inner = folder / "train"
    inner.mkdir()
    inner.chmod(0o755)
    (folder / "metadata.csv").chmod(0o644)
    closed = inner / "a.png"
    closed.write_bytes(b"")
    closed.chmod(0o640)
    assert STRANGER.unreadable(folder) == closed
    assert STRANGER.unreadable(folder / "metadata.csv") is None
    assert STRANGER.unreadable(closed) == closed


def test_the_run_folder_and_the_caches_alone_can_be_written(tmp_path: Path, folder: Path) -> None:
    writable = {
        Path(mount["Source"]).name
        for mount in mounts_of(tmp_path, folder).values()
        if not mount["ReadOnly"]
    }
    assert writable == {"acme_tiny_On", "hub", "datasets"}


def test_without_samples_nothing_more_is_mounted(tmp_path: Path, folder: Path) -> None:
    assert len(mounts_of(tmp_path, None)) == 3


@pytest.mark.parametrize(
    ("changes", "network"),
    [
        ({"offline": False}, None),
        ({"offline": False, "host_network": True}, "host"),
        ({"offline": True}, "none"),
        ({"offline": True, "host_network": True}, "none"),
    ],
)
def test_a_run_shares_the_machines_network_only_for_a_server_on_it(
    tmp_path: Path, changes: dict[str, bool], network: str | None
) -> None:
    user = ContainerUser.for_caller(False)
    confinement = Confinement("sha256:0", user, tmp_path, None, None, {})
    order = replace(make_order(tmp_path), **changes)
    assert create_arguments(confinement, order, None).get("network_mode") == network


def test_a_run_that_reads_the_cache_keeps_its_network_and_does_not_ask_the_hub(
    tmp_path: Path,
) -> None:
    confinement = Confinement(
        "sha256:0", ContainerUser.for_caller(False), tmp_path, None, None, {"HF_HUB_OFFLINE": "0"}
    )
    order = make_order(tmp_path, offline=False)
    order = replace(order, launch=order.launch.model_copy(update={"from_cache": True}))
    arguments = create_arguments(confinement, order, None)
    assert "network_mode" not in arguments
    assert arguments["environment"]["HF_HUB_OFFLINE"] == "1"
