"""`status` reads how an output directory stands from its folders alone."""

import json
import os
import pty
import re
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from benchmark_core.contract import BackendSpec, RunSpec
from benchmark_core.report.judgement import Verdict
from benchmark_core.sample_journal import COLUMNS
from orchestrator.__main__ import main
from orchestrator.lease import JOB_FILE, Lease, LeaseEnd
from orchestrator.outcome import Outcome
from orchestrator.progress import MOST_PIECES
from orchestrator.run_directory import RunDirectory
from orchestrator.status import read_status
from tests.support import builders
from tests.support.runner import ROOT, start, wait_for, write_catalog
from tests.support.traces import two_gpus, write_trace

LATER = builders.NOW.replace("03:04", "03:14")


@pytest.fixture
def directory(tmp_path):
    made = RunDirectory(tmp_path / "results")
    made.create()
    return made


def begun(directory, run_id="org_model_Off"):
    spec = builders.spec(run_id=run_id)
    folder = directory.folder(run_id)
    folder.prepare(spec, builders.launch())
    return folder, spec


def ended(directory, run_id="org_model_Off", name="finished", message="", **report):
    folder, spec = begun(directory, run_id)
    folder.report_path.write_text(builders.report(spec, **report).to_json())
    outcome = Outcome(
        run_id=run_id,
        spec_hash=spec.spec_hash(),
        outcome=name,
        error_message=message,
        engine="process",
        started_at=builders.NOW,
        finished_at=LATER,
        log_file="x.log",
    )
    folder.record(spec, builders.launch(), outcome)
    return folder


def shown(capsys, directory, *flags):
    assert main(["status", str(directory.root), *flags]) == 0
    return capsys.readouterr().out


def runs(capsys, directory):
    return {run["run_id"]: run for run in json.loads(shown(capsys, directory, "--json"))["runs"]}


def journal_line(repetition, sample):
    cells = dict.fromkeys(COLUMNS, "") | {
        "repetition": str(repetition),
        "repetitions": "2",
        "pass": "generate",
        "passes": "2",
        "sample": str(sample),
        "samples": "4",
    }
    return ",".join(cells.values()) + "\n"


def test_every_state_is_told_apart(capsys, directory):
    flagged = Verdict(verdict="flagged", reasons=("gpu_energy_not_measured",))
    ended(directory, "a_finished", verdict=flagged)
    ended(directory, "b_failed", "failed", "out_of_memory: too large. Take a smaller one.")
    begun(directory, "c_interrupted")
    damaged = ended(directory, "d_damaged")
    damaged.outcome_path.write_text("{")
    (directory.runs_path / "e_nothing_asked").mkdir()
    folder, _ = begun(directory, "f_running")
    folder.journal_path.write_text(
        ",".join(COLUMNS) + "\n" + journal_line(1, 1) + journal_line(1, 2) + "1,2,gen"
    )
    with folder.lock():
        document = json.loads(shown(capsys, directory, "--json"))
    found = {run["run_id"]: run for run in document["runs"]}
    assert {name: run["state"] for name, run in found.items()} == {
        "a_finished": "finished",
        "b_failed": "failed",
        "c_interrupted": "interrupted",
        "d_damaged": "unreadable",
        "f_running": "running",
    }
    assert document["counts"] == {
        "running": 1,
        "finished": 1,
        "failed": 1,
        "interrupted": 1,
        "unreadable": 1,
    }
    finished = found["a_finished"]
    assert finished["started_at"] == builders.NOW.replace(".678", ".678000")
    assert finished["seconds"] == 600
    assert finished["verdict_reasons"] == ["gpu_energy_not_measured"]
    assert found["b_failed"]["error"].startswith("out_of_memory")
    assert "same command again" in found["c_interrupted"]["error"]
    assert "outcome.json is not valid" in found["d_damaged"]["error"]
    progress = found["f_running"]["progress"]
    assert (progress["done"], progress["total"], progress["step"]) == (2, 16, "generate")
    assert found["f_running"]["seconds"] > 0


def test_runs_whose_jobs_are_elsewhere_are_told_apart(capsys, directory):
    """No lock of this machine says anything of them."""
    now = datetime.now(UTC)
    ages = {"b_running": 100, "c_silent": 130, "d_other_clock": -100, "e_ended": 0}
    for run_id in ("a_queued", *ages):
        folder, _ = begun(directory, run_id)
        (folder.path / JOB_FILE).write_text("{}")
        if run_id in ages:
            beat = (now - timedelta(seconds=ages[run_id])).isoformat()
            ended = LeaseEnd(cause="exited", code=0) if run_id == "e_ended" else None
            lease = Lease(
                job_id="1", restarts=0, node="n", started_at=beat, heartbeat_at=beat, ended=ended
            )
            lease.write(folder.path)
    found = runs(capsys, directory)
    assert {name: run["state"] for name, run in found.items()} == {
        "a_queued": "queued",
        "b_running": "running",
        "c_silent": "interrupted",
        "d_other_clock": "running",
        "e_ended": "interrupted",
    }
    assert "collect, or the same command" in found["e_ended"]["error"]
    assert "1 queued, 2 running, 2 interrupted." in shown(capsys, directory)


def test_in_a_pipe_every_run_is_one_line_with_its_error(capsys, directory):
    ended(directory, "a")
    ended(directory, "b", "failed", "crashed: it broke")
    heading, first, second, summary, energy = shown(capsys, directory).splitlines()
    assert heading.split("\t") == ["run", "state", "started", "took", "so far", "error"]
    assert [cell for n, cell in enumerate(first.split("\t")) if n != 2] == [
        *("a", "finished", "10 min", "valid", "")
    ]
    assert second.split("\t")[-1] == "crashed: it broke"
    assert summary == "1 finished, 1 failed. No sweep is at work."
    assert energy == "GPU energy spent: 0.06 Wh; not known of 1 attempt."


def test_a_running_run_says_where_it_is(capsys, directory):
    folder, _ = begun(directory)
    with folder.lock():
        assert "\tno sample yet\t" in shown(capsys, directory)
        folder.journal_path.write_text(f"{','.join(COLUMNS)}\n{journal_line(1, 1) * 4}")
        assert "\t25 %, generate, repetition 1 of 2\t" in shown(capsys, directory)


def test_a_long_journal_is_counted_whole_and_one_without_an_end_is_not_followed_for_ever(directory):
    folder, _ = begun(directory)
    line = journal_line(1, 1)
    count = 3 * 2**20 // len(line)
    with folder.lock():
        folder.journal_path.write_text(f"{','.join(COLUMNS)}\n{line * count}")
        (run,) = read_status(directory).runs
        assert run.progress.done == count
        with folder.journal_path.open("a") as stream:
            stream.truncate((MOST_PIECES + 8) * 2**20)
        (run,) = read_status(directory).runs
        assert run.progress.done == count


@pytest.mark.parametrize("plant", ["pipe", "link", "folder", "garbage"])
def test_what_a_run_puts_in_the_place_of_its_files_does_no_harm(capsys, directory, plant, tmp_path):
    folder, _ = begun(directory)
    (tmp_path / "elsewhere").write_text(f"{','.join(COLUMNS)}\n{journal_line(1, 1)}")
    if plant == "pipe":
        os.mkfifo(folder.journal_path)
    elif plant == "link":
        folder.journal_path.symlink_to(tmp_path / "elsewhere")
    elif plant == "folder":
        folder.journal_path.mkdir()
    else:
        folder.journal_path.write_bytes(b"\0\xff,\n" * 9)
    folder.launch_path.write_text("[]")
    with folder.lock():
        (run,) = runs(capsys, directory).values()
    assert (run["state"], run["progress"], run["started_at"]) == ("running", None, None)


def test_hostile_text_is_bounded_and_moves_no_cursor(capsys, directory):
    message = "crashed: \x1b[31mred\tand\nlong " + "x" * 9000
    folder = ended(directory, "a", "failed", message)
    folder.outcome_path.write_text(folder.outcome_path.read_text().replace(builders.NOW, "soon"))
    (directory.runs_path / "b\x1b[2J\tc").mkdir()
    (directory.runs_path / "b\x1b[2J\tc" / "outcome.json").write_text("{")
    text = shown(capsys, directory)
    assert "\x1b" not in text
    _, first, second, _ = text.splitlines()
    assert len(first.split("\t")) == len(second.split("\t")) == 6
    assert len(first) < 500
    assert first.split("\t")[2:4] == ["–", "–"]


def test_a_run_folder_that_may_not_be_entered_is_named(directory, monkeypatch, capsys):
    ended(directory, "a")
    begun(directory, "b")

    def refuse(path):
        raise PermissionError(13, "Permission denied")

    # Root may enter every folder, so its refusal is played.
    monkeypatch.setattr("orchestrator.run_folder.is_locked", refuse)
    found = runs(capsys, directory)
    assert found["a"]["state"] == "finished"
    assert (found["b"]["state"], found["b"]["error"]) == (
        "unreadable",
        "cannot be read: Permission denied",
    )


def as_real(folder):
    """As if a model had been asked for, and not a rehearsal of one."""
    spec = RunSpec.read(folder.spec_path)
    real = spec.model_copy(update={"backend": BackendSpec(name="pytorch")})
    folder.spec_path.write_text(real.to_json())
    if outcome := folder.outcome():
        ours = outcome.model_copy(update={"spec_hash": real.spec_hash()})
        folder.outcome_path.write_text(ours.to_json())
    return folder


def test_energy_is_of_all_attempts_and_rehearsals_are_apart(capsys, directory):
    """In joules: a report's two repetitions of 101, and traces of 400."""
    ended(directory, "a")
    ended(directory, "b", rehearsal=True)
    for name in ("failed", "failed", "interrupted"):
        folder = as_real(ended(directory, "d", name, "timeout: late"))
        write_trace(folder.path / "power_trace.csv", two_gpus(1.0))
    document = json.loads(shown(capsys, directory, "--json"))
    assert document["spent_gpu_energy_wh"] == pytest.approx((202 + 3 * 400) / 3600)
    assert document["simulated_gpu_energy_wh"] == pytest.approx(202 / 3600)
    again = as_real(begun(directory, "d")[0])
    write_trace(again.path / "power_trace.csv", two_gpus(2.0))
    with again.lock():
        text = shown(capsys, directory)
    energy = "0.61 Wh, 0.06 Wh simulated"
    assert text.splitlines()[-1] == f"GPU energy spent: {energy}."


def test_a_thousand_folders_are_listed(capsys, directory):
    first = ended(directory, "org_model-0000_Off")
    texts = {path.name: path.read_text() for path in first.path.iterdir()}
    for number in range(1, 1000):
        folder = directory.folder(f"org_model-{number:04}_Off").path
        folder.mkdir()
        for name, text in texts.items():
            (folder / name).write_text(text.replace("org_model-0000_Off", folder.name))
    *_, last, summary, energy = shown(capsys, directory).splitlines()
    assert last.startswith("org_model-0999_Off\tfinished\t")
    assert summary == "1000 finished. No sweep is at work."
    assert energy == "GPU energy spent: 56.1 Wh."


@pytest.mark.parametrize("name", ["none", "file", "empty"])
def test_what_is_no_output_directory_is_wrong_use(tmp_path, name, capsys):
    (tmp_path / "file").touch()
    (tmp_path / "empty").mkdir()
    assert main(["status", str(tmp_path / name)]) == 2
    assert f"{tmp_path / name}: holds no individual_runs folder" in capsys.readouterr().err


def test_a_directory_without_a_run_says_so(capsys, directory):
    assert shown(capsys, directory).splitlines()[-1] == "no runs yet. No sweep is at work."


def on_terminal(directory, columns):
    """What the command shows on a terminal of that width."""
    leader, follower = pty.openpty()
    done = subprocess.Popen(
        [sys.executable, "-m", "orchestrator", "status", str(directory.root)],
        cwd=ROOT,
        env=os.environ | {"COLUMNS": str(columns), "TERM": "xterm"},
        stdout=follower,
    )
    os.close(follower)
    text = b""
    while chunk := _read(leader):
        text += chunk
    os.close(leader)
    assert done.wait() == 0
    return re.sub(r"\x1b\[[0-9;]*m|\r", "", text.decode())


def _read(descriptor):
    try:
        return os.read(descriptor, 65536)
    except OSError:
        return b""


def test_a_terminal_of_80_columns_holds_every_run_on_a_line_and_the_errors_below(directory):
    for number in range(25):
        ended(directory, f"org_a-model-of-usual-length-{number:02}_High", "failed", "crashed: x")
    ended(directory, "z_[bold]good_Off")
    lines = on_terminal(directory, 80).splitlines()
    assert max(len(line.rstrip()) for line in lines) <= 80
    assert lines[0].split() == ["run", "state", "took", "so", "far"]
    assert [lines[26].split()[n] for n in (0, 1, -1)] == [
        *("z_[bold]good_Off", "finished", "valid")
    ]
    assert lines[27] == "failed org_a-model-of-usual-length-00_High: crashed: x"
    assert lines[-3].startswith("and 5 more; ")
    assert lines[-2] == "1 finished, 25 failed. No sweep is at work."
    assert lines[-1] == "GPU energy spent: 0.06 Wh; not known of 25 attempts."
    assert "started" in on_terminal(directory, 120).splitlines()[0]


def test_a_sweep_at_work_is_named_until_it_is_gone(tmp_path, capsys):
    """Of a real one, which is then killed: its name stays behind, and means nothing any more."""
    write_catalog(tmp_path / "models.csv", ["one", "two"])
    (tmp_path / "simulation.yaml").write_text("default: {seconds_per_sample: 0.5}\n")
    flags = ("--backend", "simulated", "--engine", "process", "--num-prompts", "200")
    runner = start(
        *flags, "--simulation", "simulation.yaml", "--output-dir", "results", cwd=tmp_path
    )
    directory = RunDirectory(tmp_path / "results")
    try:
        wait_for((directory.runs_path / "sim_one_Off/benchmark_results.csv").exists)
        document = json.loads(shown(capsys, directory, "--json"))
        assert document["sweep"].startswith(f"process {runner.pid} on ")
        (run,) = document["runs"]
        assert (run["run_id"], run["state"]) == ("sim_one_Off", "running")
    finally:
        record = next(directory.runs_path.glob("*/process.json"), None)
        runner.kill()
        runner.communicate()
        if record:
            os.killpg(json.loads(record.read_text())["pid"], signal.SIGKILL)
    document = json.loads(shown(capsys, directory, "--json"))
    assert (document["sweep"], document["counts"]) == (None, {"interrupted": 1})
    assert (directory.root / ".sweep_holder.json").exists()
