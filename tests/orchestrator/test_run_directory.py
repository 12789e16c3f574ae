"""An output directory is whole again after a crash at the worst moment, and has one sweep."""

import subprocess
import sys

import pytest

from orchestrator.errors import HostError
from orchestrator.run_directory import RunDirectory
from tests.support import builders


@pytest.fixture
def directory(tmp_path):
    directory = RunDirectory(tmp_path / "batch results")
    directory.create()
    return directory


@pytest.mark.parametrize("crash_after", ["rename", "mkdir", "attempts"])
def test_archiving_that_a_crash_cut_off_is_completed(directory, crash_after):
    spec = builders.spec()
    folder = directory.folder(spec.run_id)
    folder.prepare(spec, builders.launch())
    folder.record(spec, builders.launch(), builders.outcome(spec, "failed"))
    folder.prepare(spec, builders.launch())
    folder.record(spec, builders.launch(), builders.outcome(spec, "failed"))
    aside = folder.path.with_name(f".{spec.run_id}.archiving")
    folder.path.rename(aside)
    if crash_after != "rename":
        folder.path.mkdir()
    if crash_after == "attempts":
        (aside / "attempts").rename(folder.attempts_path)
    directory.recover()
    assert not aside.exists()
    assert folder.attempts() == 2
    assert all((folder.attempts_path / n / "outcome.json").exists() for n in ("1", "2"))
    assert folder.state().name == "planned"


def test_what_a_killed_writer_left_beside_the_table_is_removed(directory):
    """As `atomic_file` names it; other hidden files are nobody's business here."""
    own, other = directory.root / ".master_results.csv.k2x9_abc", directory.root / ".notes.k2x9_abc"
    for path in (own, other, directory.master_path):
        path.write_text("half a line")
    directory.recover()
    assert not own.exists()
    assert other.exists()
    assert directory.master_path.read_text() == "half a line"


@pytest.mark.parametrize("end", ["recorded", "archived", "finished"])
def test_what_a_killed_writer_left_in_a_run_folder_goes_when_nobody_writes_there(directory, end):
    spec = builders.spec()
    folder = directory.folder(spec.run_id)
    folder.prepare(spec, builders.launch())
    if end == "finished":
        folder.record(spec, builders.launch(), builders.outcome(spec, "finished"))
    (folder.path / ".outcome.json.k2x9_abc").write_text("half a line")
    directory.recover()
    if end == "recorded":
        # The run may go on without its runner.
        assert list(folder.path.glob(".*"))
        folder.record(spec, builders.launch(), builders.outcome(spec, "failed"))
    elif end == "archived":
        folder.archive()
    assert list(directory.root.rglob(".*")) == []


def test_the_second_sweep_is_refused_with_the_holders_name(directory):
    program = (
        "import sys\nfrom pathlib import Path\n"
        "from orchestrator.run_directory import RunDirectory\n"
        "with RunDirectory(Path(sys.argv[1])).lock(): print('held', flush=True); sys.stdin.read()"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", program, str(directory.root)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(HostError, match=f"process {holder.pid} on") as caught, directory.lock():
            pass
        assert caught.value.exit_code == 3
        holder.kill()
        holder.wait()
        with directory.lock():
            pass
    finally:
        holder.kill()
        holder.communicate()
    assert not list(directory.root.glob(".sweep*"))


def test_a_directory_that_cannot_be_made_is_a_host_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(HostError, match="cannot be written"):
        RunDirectory(tmp_path / "file" / "results").create()


def test_log_names_carry_run_and_time(directory):
    name = directory.new_log_name("org_model_Off")
    assert name.startswith("org_model_Off_20")
    assert name.endswith(".log")
