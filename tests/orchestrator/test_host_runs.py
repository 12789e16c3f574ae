"""Other runs of this host are known by their processes, and nothing else is taken for one."""

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from orchestrator.host_runs import LONGEST_NAME, MOST_RUNS, runs_beside
from tests.support.other_run import filling

RUN = ("-m", "benchmark_core", "run")
on_linux = pytest.mark.skipif(
    not Path("/proc/self/cmdline").exists(), reason="this system does not list its processes"
)


@pytest.fixture
def processes(tmp_path: Path) -> Path:
    """A stand-in for /proc, with what any host has."""
    (tmp_path / "self").mkdir()
    add(tmp_path, 1, ["/sbin/init"])
    add(tmp_path, 2, [])
    (tmp_path / "3").mkdir()
    return tmp_path


def add(processes: Path, pid: int, arguments: Sequence[str], mounts: str | None = None) -> None:
    folder = processes / str(pid)
    folder.mkdir()
    line = "".join(argument + "\0" for argument in arguments)
    (folder / "cmdline").write_bytes(line.encode("utf-8", errors="surrogateescape"))
    if mounts is not None:
        (folder / "mountinfo").write_text(mounts)


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (["python", *RUN, "/data/individual_runs/org_a_Off"], ("org_a_Off",)),
        (["/usr/bin/python3.11", "-u", *RUN, "/data/org_a_Off/"], ("org_a_Off",)),
        (["python3", "-X", "dev", "-W", "-m", *RUN, "/data/a"], ("a",)),
        (["python3", *RUN, "/data/b_On", "/data/a_Off"], ("a_Off", "b_On")),
        (["python3", *RUN], ()),
        (["python3", *RUN, "--help"], ()),
        (["python3", "-m", "benchmark_core", "--version"], ()),
        (["python3", "-m", "benchmark_core.power", "run", "/data/a"], ()),
        (["python3", "-c", "import x", *RUN, "/data/a"], ()),
        (["python3", "watch.py", *RUN, "/data/a"], ()),
        (["/bin/sh", "-c", 'exec "$@"', "sh", "python", *RUN, "/data/a"], ()),
        (["sh", "-c", "python -m benchmark_core run /data/a"], ()),
        (["grep", *RUN, "/data/a"], ()),
        (["/sbin/docker-init", "--", "python", *RUN, "/results"], ()),
        (["docker", "run", "image", "run", "/data/a"], ()),
        (["", *RUN, "/data/a"], ()),
    ],
)
def test_a_run_is_known_by_its_arguments(
    processes: Path, arguments: list[str], names: tuple[str, ...]
) -> None:
    add(processes, 40, arguments)
    assert runs_beside(processes) == names


def test_a_run_in_a_container_is_named_after_its_folder_on_the_host(processes: Path) -> None:
    mounts = (
        "600 599 0:55 / / ro,relatime - overlay overlay rw\n"
        "601 600 8:1 /home/u/individual_runs/org_a_Off /results rw - ext4 /dev/sda1 rw\n"
        "602 600 0:60 / /results/attempts rw - tmpfs tmpfs rw\n"
        "short\n"
    )
    add(processes, 40, ["python", *RUN, "/results"], mounts)
    assert runs_beside(processes) == ("org_a_Off",)


def test_each_of_several_runs_in_one_container_is_named_after_its_own_folder(
    processes: Path,
) -> None:
    mounts = "".join(
        f"60{number} 600 8:1 /home/u/individual_runs/{name} {target} rw - ext4 /dev/sda1 rw\n"
        for number, (name, target) in enumerate(
            [("a_On", "/results"), ("a_Off", "/results2"), ("a_On_High", "/results3")]
        )
    )
    folders = ["/results", "/results2", "/results3"]
    add(processes, 40, ["python", *RUN, "--so-far=1", *folders], mounts)
    assert runs_beside(processes) == ("a_Off", "a_On", "a_On_High")


def test_a_folder_that_is_the_root_of_a_disk_keeps_the_name_it_has_there(processes: Path) -> None:
    add(processes, 40, ["python", *RUN, "/results"], "601 600 8:1 / /results rw - ext4 x rw\n")
    assert runs_beside(processes) == ("results",)


def test_workers_of_a_run_count_once(processes: Path) -> None:
    for pid in (40, 41, 42):
        add(processes, pid, ["python", *RUN, "/data/org_a_Off"])
    assert runs_beside(processes) == ("org_a_Off",)


def test_what_others_call_their_runs_is_bounded_and_safe_to_show(processes: Path) -> None:
    add(processes, 40, ["python", *RUN, "/data/\x1b[31m\udcff\n" + "x" * 5000])
    (name,) = runs_beside(processes)
    assert len(name) == LONGEST_NAME
    assert name.isprintable()
    for pid in range(100, 200):
        add(processes, pid, ["python", *RUN, f"/data/run_{pid}"])
    assert len(runs_beside(processes)) == MOST_RUNS


def test_a_system_without_a_list_of_processes_names_none(tmp_path: Path) -> None:
    assert runs_beside(tmp_path / "none") == ()


@on_linux
def test_a_living_run_of_this_host_is_seen_and_a_dead_one_is_not(tmp_path: Path) -> None:
    folder = tmp_path / f"org_beside-{os.getpid()}_Off"
    with filling(folder, tmp_path / "program"):
        assert folder.name in runs_beside()
    assert folder.name not in runs_beside()
