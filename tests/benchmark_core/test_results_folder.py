"""Runs one after the other into one folder: the earlier ones are put away whole."""

import errno
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmark_core.contract import Launch, RunSpec
from benchmark_core.direct.results_folder import InUse, archive, held, prepare
from tests.support import builders

EARLIER = {
    "run_spec.json": "spec",
    "launch.json": "launch",
    "benchmark_report.json": "report",
    "benchmark_results.csv": "journal",
    "emissions/emissions.csv": "emissions",
    "power_trace.csv": "trace",
}


def fill(folder: Path, mark: str = "") -> dict[str, str]:
    files = {name: text + mark for name, text in EARLIER.items()}
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return files


def contents(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): path.read_text()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_a_fresh_folder_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    assert archive(tmp_path) is None
    assert contents(tmp_path) == {"notes.txt": "mine"}


def test_an_earlier_run_goes_whole_into_the_next_number(tmp_path: Path) -> None:
    first = fill(tmp_path, "1")
    assert archive(tmp_path) == 1
    second = fill(tmp_path, "2")
    (tmp_path / "attempts" / "9").mkdir()
    assert archive(tmp_path) == 10
    assert contents(tmp_path / "attempts" / "1") == first
    assert contents(tmp_path / "attempts" / "10") == second
    assert [path.name for path in tmp_path.iterdir()] == ["attempts"]


@pytest.mark.parametrize("mark", ["run_spec.json", "outcome.json", "benchmark_report.json"])
def test_any_of_these_files_makes_it_a_run(tmp_path: Path, mark: str) -> None:
    (tmp_path / mark).symlink_to("nowhere")
    assert archive(tmp_path) == 1
    assert (tmp_path / "attempts" / "1" / mark).is_symlink()


def test_what_no_run_writes_is_the_users_and_stays(tmp_path: Path) -> None:
    fill(tmp_path)
    (tmp_path / "prompts.txt").write_text("one")
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "mine.yaml").write_text("a: 1")
    fill(tmp_path / "by_hand")
    assert archive(tmp_path) == 1
    assert {path.name for path in tmp_path.iterdir()} == {
        *("attempts", "prompts.txt", "configs", "by_hand")
    }
    assert contents(tmp_path / "attempts" / "1") == EARLIER
    assert contents(tmp_path / "by_hand") == EARLIER


class Crash(BaseException):
    pass


def renames_until(limit: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process dies at that rename."""
    really, done = Path.rename, iter(range(limit))

    def rename(path: Path, target: Path) -> Path:
        if next(done, None) is None:
            raise Crash
        return really(path, target)

    monkeypatch.setattr(Path, "rename", rename)


@pytest.mark.parametrize("limit", range(7))
def test_a_move_that_was_cut_off_is_completed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    """Six entries and the last rename: cut off before each of them."""
    fill(tmp_path)
    with monkeypatch.context() as patch, pytest.raises(Crash):
        renames_until(limit, patch)
        archive(tmp_path)
    assert archive(tmp_path) == 1
    assert contents(tmp_path / "attempts" / "1") == EARLIER
    assert [path.name for path in (tmp_path / "attempts").iterdir()] == ["1"]
    assert archive(tmp_path) is None


def test_nothing_is_overwritten_where_something_cannot_be_moved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(tmp_path)

    def refuse(path: Path, target: Path) -> Path:
        raise OSError(errno.EBUSY, "Device or resource busy", str(path))

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(OSError, match="busy"):
        prepare(tmp_path, builders.spec(), builders.launch())
    assert contents(tmp_path) == EARLIER


def test_the_orders_of_the_run_are_there_afterwards(tmp_path: Path) -> None:
    fill(tmp_path)
    spec, launch = builders.spec(), builders.launch(engine="direct")
    assert prepare(tmp_path, spec, launch) == 1
    assert RunSpec.read(tmp_path / "run_spec.json") == spec
    assert Launch.read(tmp_path / "launch.json") == launch


def test_one_run_holds_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    with held(folder), pytest.raises(InUse):
        next(iter(_hold(folder)))
    with held(folder):
        assert list(folder.iterdir()) == []


def _hold(folder: Path) -> Iterator[None]:
    with held(folder):
        yield


def test_a_folder_that_cannot_be_made_is_an_error_of_the_system(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"), held(tmp_path / "file"):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
