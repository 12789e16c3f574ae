"""The state of a run is what its folder says, also after a crash at the worst moment."""

import os
import shutil
import subprocess
import sys

import pytest

from benchmark_core.contract import RunSpec
from orchestrator.errors import HostError
from orchestrator.outcome import Outcome
from orchestrator.progress import SampleTail
from orchestrator.run_directory import RunDirectory
from tests.support import builders


@pytest.fixture
def directory(tmp_path):
    directory = RunDirectory(tmp_path / "batch results")
    directory.create()
    return directory


def ended(spec, outcome="finished"):
    return Outcome(
        run_id=spec.run_id,
        spec_hash=spec.spec_hash(),
        outcome=outcome,
        error_message="" if outcome == "finished" else "it failed",
        finished_at=builders.NOW,
        log_file="run.log",
        engine="process",
    )


def test_states_follow_the_files(directory):
    spec = builders.spec()
    folder = directory.folder(spec.run_id)
    assert folder.state().name == "planned"
    folder.prepare(spec, builders.launch())
    assert folder.state().name == "interrupted"
    with folder.lock():
        assert folder.state().name == "running"
    folder.record(spec, builders.launch(), ended(spec))
    assert folder.state().name == "finished"
    assert folder.state().spec_hash == spec.spec_hash()


@pytest.mark.parametrize("text", ['{"outcome": "fini', '{"schema_version": 99}', ""])
def test_an_outcome_that_cannot_be_believed_is_no_crash(directory, text):
    spec = builders.spec()
    folder = directory.folder(spec.run_id)
    folder.prepare(spec, builders.launch())
    folder.outcome_path.write_text(text)
    state = folder.state()
    assert state.name == "unreadable"
    assert "outcome.json" in state.damage


def test_a_gap_among_the_attempts_is_no_obstacle(directory):
    spec = builders.spec()
    folder = directory.folder(spec.run_id)
    for _ in range(3):
        folder.prepare(spec, builders.launch())
        folder.record(spec, builders.launch(), ended(spec, "failed"))
    shutil.rmtree(folder.attempts_path / "1")
    folder.prepare(spec, builders.launch())
    assert sorted(path.name for path in folder.attempts_path.iterdir()) == ["2", "3"]


def test_a_pipe_in_the_place_of_a_file_does_not_make_the_reader_wait(directory):
    spec = builders.spec()
    folder = directory.folder(spec.run_id)
    folder.prepare(spec, builders.launch())
    os.mkfifo(folder.outcome_path)
    assert folder.state().name == "unreadable"
    os.mkfifo(folder.journal_path)
    assert SampleTail(folder.journal_path).read() is None


def test_earlier_attempts_are_kept_whole(directory):
    spec = builders.spec()
    folder = directory.folder(spec.run_id)
    for number in range(3):
        folder.prepare(spec, builders.launch())
        (folder.path / "evidence.txt").write_text(str(number))
        folder.record(spec, builders.launch(), ended(spec, "failed"))
    folder.prepare(spec, builders.launch())
    assert folder.attempts() == 3
    for number in range(3):
        attempt = folder.attempts_path / str(number + 1)
        assert (attempt / "evidence.txt").read_text() == str(number)
        assert (attempt / "outcome.json").exists()
        assert not (attempt / "attempts").exists()
    assert not folder.outcome_path.exists()


@pytest.mark.parametrize("crash_after", ["rename", "mkdir", "attempts"])
def test_archiving_that_a_crash_cut_off_is_completed(directory, crash_after):
    spec = builders.spec()
    folder = directory.folder(spec.run_id)
    folder.prepare(spec, builders.launch())
    folder.record(spec, builders.launch(), ended(spec, "failed"))
    folder.prepare(spec, builders.launch())
    folder.record(spec, builders.launch(), ended(spec, "failed"))
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
        folder.record(spec, builders.launch(), ended(spec, "finished"))
    (folder.path / ".outcome.json.k2x9_abc").write_text("half a line")
    directory.recover()
    if end == "recorded":
        # The run may go on without its runner.
        assert list(folder.path.glob(".*"))
        folder.record(spec, builders.launch(), ended(spec, "failed"))
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


def test_a_link_in_the_place_of_the_attempts_leads_nowhere(directory, tmp_path):
    spec = builders.spec()
    folder = directory.folder(spec.run_id)
    folder.prepare(spec, builders.launch())
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    folder.attempts_path.symlink_to(elsewhere)
    folder.prepare(spec, builders.launch())
    assert list(elsewhere.iterdir()) == []
    assert folder.attempts() == 1


def test_what_was_asked_is_written_again_when_the_run_has_ended(directory):
    """A run can write into its folder, but not make its row say something else."""
    spec = builders.spec()
    folder = directory.folder(spec.run_id)
    folder.prepare(spec, builders.launch())
    folder.spec_path.write_text(builders.spec(repetitions=9).to_json())
    folder.launch_path.write_text("{}")
    folder.record(spec, builders.launch(), ended(spec))
    assert RunSpec.read(folder.spec_path) == spec
    assert folder.launch() == builders.launch()
