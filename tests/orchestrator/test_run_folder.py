"""The state of a run is what its folder says, and no attempt is lost."""

import os
import shutil
from pathlib import Path

import pytest

from benchmark_core.contract import RunSpec
from benchmark_core.documents import ContractError
from orchestrator.progress import SampleTail
from orchestrator.run_folder import RunFolder
from tests.support import builders


@pytest.fixture
def folder(tmp_path):
    return RunFolder(tmp_path / builders.spec().run_id)


def test_states_follow_the_files(folder):
    spec = builders.spec()
    assert folder.state().name == "planned"
    folder.prepare(spec, builders.launch())
    assert folder.state().name == "interrupted"
    with folder.lock():
        assert folder.state().name == "running"
    folder.record(spec, builders.launch(), builders.outcome(spec))
    assert folder.state().name == "finished"
    assert folder.state().spec_hash == spec.spec_hash()


@pytest.mark.parametrize("text", ['{"outcome": "fini', '{"schema_version": 99}', ""])
def test_an_outcome_that_cannot_be_believed_is_no_crash(folder, text):
    spec = builders.spec()
    folder.prepare(spec, builders.launch())
    folder.outcome_path.write_text(text)
    state = folder.state()
    assert state.name == "unreadable"
    assert "outcome.json" in state.damage


def test_a_gap_among_the_attempts_is_no_obstacle(folder):
    spec = builders.spec()
    for _ in range(3):
        folder.prepare(spec, builders.launch())
        folder.record(spec, builders.launch(), builders.outcome(spec, "failed"))
    shutil.rmtree(folder.attempts_path / "1")
    folder.prepare(spec, builders.launch())
    assert sorted(path.name for path in folder.attempts_path.iterdir()) == ["2", "3"]


def test_a_pipe_in_the_place_of_a_file_does_not_make_the_reader_wait(folder):
    spec = builders.spec()
    folder.prepare(spec, builders.launch())
    os.mkfifo(folder.outcome_path)
    assert folder.state().name == "unreadable"
    os.mkfifo(folder.journal_path)
    assert SampleTail(folder.journal_path).read() is None


def test_earlier_attempts_are_kept_whole(folder):
    spec = builders.spec()
    for number in range(3):
        folder.prepare(spec, builders.launch())
        (folder.path / "evidence.txt").write_text(str(number))
        folder.record(spec, builders.launch(), builders.outcome(spec, "failed"))
    folder.prepare(spec, builders.launch())
    assert folder.attempts() == 3
    for number in range(3):
        attempt = folder.attempts_path / str(number + 1)
        assert (attempt / "evidence.txt").read_text() == str(number)
        assert (attempt / "outcome.json").exists()
        assert not (attempt / "attempts").exists()
    assert not folder.outcome_path.exists()


def test_a_link_in_the_place_of_the_attempts_leads_nowhere(folder, tmp_path):
    spec = builders.spec()
    folder.prepare(spec, builders.launch())
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    folder.attempts_path.symlink_to(elsewhere)
    folder.prepare(spec, builders.launch())
    assert list(elsewhere.iterdir()) == []
    assert folder.attempts() == 1


def test_what_was_asked_is_written_again_when_the_run_has_ended(folder):
    """A run can write into its folder, but not make its row say something else."""
    spec = builders.spec()
    folder.prepare(spec, builders.launch())
    folder.spec_path.write_text(builders.spec(repetitions=9).to_json())
    folder.launch_path.write_text("{}")
    folder.record(spec, builders.launch(), builders.outcome(spec))
    assert RunSpec.read(folder.spec_path) == spec
    assert folder.launch() == builders.launch()


def test_a_folder_that_is_closed_to_this_user_is_damage_and_no_crash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = RunFolder(tmp_path / "run")

    def refuse(path: Path) -> bool:
        raise PermissionError(13, "Permission denied")

    # Root may enter every folder, so its refusal is played.
    monkeypatch.setattr(Path, "exists", refuse)
    assert folder.state().name == "unreadable"
    with pytest.raises(ContractError, match="cannot be read: Permission denied"):
        folder.outcome()


def test_where_the_samples_of_a_user_lie_is_told_to_the_run_alone(folder: RunFolder) -> None:
    spec, launch = builders.spec(), builders.launch(samples_path="/home/ann/prompts.jsonl")
    folder.prepare(spec, launch)
    told = folder.launch()
    assert told is not None and told.samples_path == "/home/ann/prompts.jsonl"
    folder.record(spec, launch, builders.outcome(spec))
    assert not any("/home/ann" in path.read_text() for path in folder.path.iterdir())
