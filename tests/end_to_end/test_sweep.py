"""Sweeps as users start, stop, kill and resume them, through the process engine."""

import contextlib
import fcntl
import hashlib
import os
import pty
import signal
import subprocess
import termios
import time
from pathlib import Path

import pytest

from orchestrator.engines.process_group import RECORD_FILE
from tests.support.runner import (
    ROOT,
    batch,
    command,
    environment,
    start,
    table,
    wait_for,
    write_catalog,
)

BASE = (
    "--backend",
    "simulated",
    "--engine",
    "process",
    "--num-prompts",
    "3",
    "--repetitions",
    "2",
    "--output-dir",
    "results",
)


@pytest.fixture
def place(tmp_path):
    """A folder with blanks in its name, a catalog of four rows in it."""
    folder = tmp_path / "my sweep"
    folder.mkdir()
    write_catalog(folder / "models.csv", ["one", "two", "three", "four"])
    return folder


def simulation(place, text):
    (place / "simulation.yaml").write_text(text)
    return ("--simulation", "simulation.yaml")


def slow(place, seconds=0.5):
    return simulation(place, f"default: {{seconds_per_sample: {seconds}}}\n")


def processes_of(folder):
    """Living processes whose command line names the folder."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                line = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if b"benchmark_core" in line and str(folder).encode() in line:
                found.append(int(entry.name))
    return found


def digests(output_dir):
    return {
        path: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in output_dir.glob("individual_runs/*/*.json")
    }


def test_a_sweep_fills_the_table_and_a_second_one_skips(place):
    first = batch(*BASE, cwd=place)
    assert first.returncode == 0, first.stdout + first.stderr
    rows = table(place / "results")
    assert sorted(rows) == ["sim_four_Off", "sim_one_Off", "sim_three_Off", "sim_two_Off"]
    assert {row["total_completion_tokens"] for row in rows.values()} == {"30"}
    assert {row["rehearsal"] for row in rows.values()} == {"yes"}
    assert "REHEARSAL" in first.stdout
    before = digests(place / "results")
    second = batch(*BASE, cwd=place)
    assert second.returncode == 0
    assert second.stdout.count("skipped sim_") == 4
    assert digests(place / "results") == before
    third = batch(*BASE, "--region", "FRA", cwd=place)
    assert third.stdout.count("with CO2 for WORLD; --region FRA changes new runs only") == 4


def test_every_fault_is_a_failed_row_and_the_sweep_goes_on(place):
    names = ["oom", "crash", "cut", "wrong", "meter", "hang", "good"]
    write_catalog(place / "models.csv", names)
    flags = simulation(
        place,
        """
runs:
  sim_oom_Off: {fault: out_of_memory}
  sim_crash_Off: {fault: crash}
  sim_cut_Off: {fault: truncated_report}
  sim_wrong_Off: {fault: wrong_settings}
  sim_meter_Off: {fault: meter_failure}
  sim_hang_Off: {fault: hang}
""",
    )
    found = batch(*BASE, *flags, "--timeout", "4", cwd=place)
    assert found.returncode == 1, found.stdout + found.stderr
    assert "Traceback" not in found.stdout + found.stderr
    rows = table(place / "results")
    starts = {
        "sim_oom_Off": "out_of_memory",
        "sim_crash_Off": "no_report: the run ended with exit code 134",
        "sim_cut_Off": "no_report: the run ended with exit code 0 and its report is damaged",
        "sim_wrong_Off": "wrong_settings: precision",
        "sim_meter_Off": "meter_failed",
        "sim_hang_Off": "timeout: stopped after 4 s",
        "sim_good_Off": "",
    }
    for run_id, start_of_message in starts.items():
        assert rows[run_id]["error_message"].startswith(start_of_message), rows[run_id]
        assert bool(rows[run_id]["gpu_energy_wh"]) == (run_id == "sim_good_Off")
    assert processes_of(place) == []


def test_failed_rows_run_again_only_when_asked_and_keep_their_attempts(place):
    flags = simulation(place, "runs: {sim_two_Off: {fault: crash}}\n")
    assert batch(*BASE, *flags, cwd=place).returncode == 1
    again = batch(*BASE, *flags, cwd=place)
    assert again.returncode == 1
    assert "--rerun-failed runs it again" in again.stdout
    rerun = batch(*BASE, *flags, "--rerun-failed", cwd=place)
    assert rerun.returncode == 1
    assert table(place / "results")["sim_two_Off"]["attempts"] == "2"
    assert (place / "results/individual_runs/sim_two_Off/attempts/1/outcome.json").exists()
    repaired = batch(*BASE, cwd=place)
    assert repaired.returncode == 0
    assert table(place / "results")["sim_two_Off"]["error_message"] == ""


def test_other_settings_in_the_same_directory_are_refused_before_anything_starts(place):
    assert batch(*BASE, "--model-name", "one", cwd=place).returncode == 0
    before = digests(place / "results")
    refused = batch(*BASE, "--repetitions", "3", cwd=place)
    assert refused.returncode == 2
    assert "--replace" in refused.stderr
    assert "sim_one_Off" in refused.stderr
    assert digests(place / "results") == before
    replaced = batch(*BASE, "--repetitions", "3", "--model-name", "one", "--replace", cwd=place)
    assert replaced.returncode == 0
    row = table(place / "results")["sim_one_Off"]
    assert (row["repetitions"], row["attempts"]) == ("3", "2")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_now_and_the_rest_resumes(place, number):
    flags = slow(place)
    runner = start(*BASE, *flags, cwd=place)
    folder = place / "results/individual_runs/sim_one_Off"
    wait_for((folder / "benchmark_results.csv").exists)
    runner.send_signal(number)
    output, _ = runner.communicate(timeout=30)
    assert runner.returncode == 130, output
    rows = table(place / "results")
    assert list(rows) == ["sim_one_Off"]
    assert rows["sim_one_Off"]["outcome"] == "interrupted"
    assert rows["sim_one_Off"]["error_message"].startswith("interrupted")
    assert processes_of(place) == []
    fast = simulation(place, "default: {seconds_per_sample: 0.0}\n")
    assert batch(*BASE, *fast, cwd=place).returncode == 0
    assert len(table(place / "results")) == 4


def test_the_first_ctrl_c_lets_the_run_finish(place):
    flags = slow(place, 0.2)
    runner = start(*BASE, *flags, cwd=place)
    folder = place / "results/individual_runs/sim_one_Off"
    wait_for((folder / "benchmark_results.csv").exists)
    runner.send_signal(signal.SIGINT)
    output, _ = runner.communicate(timeout=60)
    assert runner.returncode == 130, output
    assert "finishing this run first, no other is started; Ctrl-C again stops it now" in output
    rows = table(place / "results")
    assert [row["outcome"] for row in rows.values()] == ["finished"]
    assert "3 not started" in output


def test_the_second_ctrl_c_stops_now(place):
    flags = slow(place, 20)
    runner = start(*BASE, *flags, cwd=place)
    wait_for((place / "results/individual_runs/sim_one_Off/benchmark_results.csv").exists)
    runner.send_signal(signal.SIGINT)
    time.sleep(0.5)
    runner.send_signal(signal.SIGINT)
    output, _ = runner.communicate(timeout=30)
    assert runner.returncode == 130, output
    assert table(place / "results")["sim_one_Off"]["outcome"] == "interrupted"
    assert processes_of(place) == []


@pytest.mark.parametrize("moment", ["spec", "first_sample", "between", "late"])
def test_kill_9_loses_nothing_and_doubles_nothing(place, moment):
    flags = slow(place, 0.05)
    runs = place / "results/individual_runs"
    moments = {
        "spec": (runs / "sim_one_Off/run_spec.json").exists,
        "first_sample": (runs / "sim_two_Off/benchmark_results.csv").exists,
        "between": (runs / "sim_two_Off/outcome.json").exists,
        "late": (runs / "sim_four_Off/launch.json").exists,
    }
    runner = start(*BASE, *flags, cwd=place)
    wait_for(moments[moment])
    runner.kill()
    runner.communicate()
    finished = {
        path: digest
        for path, digest in digests(place / "results").items()
        # The record of a process goes once its outcome is there, and the runner died in between.
        if (path.parent / "outcome.json").exists() and path.name != RECORD_FILE
    }
    resumed = batch(*BASE, *flags, cwd=place)
    assert resumed.returncode == 0, resumed.stdout + resumed.stderr
    rows = table(place / "results")
    assert len(rows) == 4
    assert {row["outcome"] for row in rows.values()} == {"finished"}
    after = digests(place / "results")
    assert {path: after[path] for path in finished} == finished
    assert processes_of(place) == []
    assert list((place / "results").glob(".*")) == []
    assert list(runs.glob(".*")) == []


def test_a_run_that_ended_while_nobody_watched_is_kept(place):
    """The runner dies, its run goes on and ends well: that result is the result."""
    flags = slow(place, 0.1)
    folder = place / "results/individual_runs/sim_one_Off"
    runner = start(*BASE, *flags, cwd=place)
    wait_for((folder / "benchmark_results.csv").exists)
    runner.kill()
    runner.communicate()
    wait_for((folder / "benchmark_report.json").exists)
    wait_for(lambda: not processes_of(place))
    report = (folder / "benchmark_report.json").read_bytes()
    resumed = batch(*BASE, *flags, cwd=place)
    assert resumed.returncode == 0, resumed.stdout + resumed.stderr
    row = table(place / "results")["sim_one_Off"]
    assert (row["outcome"], row["attempts"]) == ("finished", "1")
    assert (folder / "benchmark_report.json").read_bytes() == report


def test_an_orphan_of_another_engine_is_not_left_to_run_beside(place):
    flags = slow(place, 5)
    runner = start(*BASE, *flags, cwd=place)
    wait_for((place / "results/individual_runs/sim_one_Off/benchmark_results.csv").exists)
    runner.kill()
    runner.communicate()
    docker = [flag if flag != "process" else "docker" for flag in BASE]
    found = batch(*docker, *flags, "--dry-run", cwd=place)
    assert "left by a runner of the process engine" in found.stdout
    stop = start(*BASE, *flags, cwd=place)
    # It speaks once it listens to signals.
    assert stop.stdout.readline()
    wait_for(lambda: processes_of(place))
    stop.terminate()
    stop.communicate(timeout=30)
    assert processes_of(place) == []


def test_a_reader_that_leaves_does_not_end_the_sweep(place):
    runner = start(*BASE, *slow(place, 0.1), cwd=place)
    assert runner.stdout.readline()
    runner.stdout.close()
    assert runner.wait(timeout=60) == 0
    assert len(table(place / "results")) == 4


def test_a_terminal_that_is_closed_interrupts(place):
    master, slave = pty.openpty()
    runner = subprocess.Popen(
        command(*BASE, *slow(place)),
        cwd=place,
        env=environment(TERM="xterm"),
        stdin=slave,
        stdout=slave,
        stderr=slave,
        preexec_fn=lambda: (os.setsid(), fcntl.ioctl(0, termios.TIOCSCTTY, 0)),
    )
    os.close(slave)
    wait_for((place / "results/individual_runs/sim_one_Off/benchmark_results.csv").exists)
    os.close(master)
    assert runner.wait(timeout=30) == 130
    assert table(place / "results")["sim_one_Off"]["outcome"] == "interrupted"
    assert processes_of(place) == []


def test_nohup_is_heeded(place):
    runner = subprocess.Popen(
        ["nohup", *command(*BASE, *slow(place, 0.1))],
        cwd=place,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    wait_for((place / "results/individual_runs/sim_one_Off/benchmark_results.csv").exists)
    runner.send_signal(signal.SIGHUP)
    output, _ = runner.communicate(timeout=60)
    assert runner.returncode == 0, output
    assert len(table(place / "results")) == 4


def test_a_terminal_without_our_characters_is_no_reason_to_fail(place):
    found = batch(*BASE, cwd=place, PYTHONIOENCODING="ascii")
    assert found.returncode == 0, found.stderr
    assert "4 finished" in found.stdout


def test_a_result_that_cannot_be_believed_is_neither_lost_nor_overwritten(place):
    assert batch(*BASE, cwd=place).returncode == 0
    damaged = place / "results/individual_runs/sim_two_Off/benchmark_report.json"
    damaged.write_text("{")
    refused = batch(*BASE, cwd=place)
    assert refused.returncode == 2
    assert "sim_two_Off" in refused.stderr
    assert "--replace" in refused.stderr
    assert damaged.read_text() == "{"
    replaced = batch(*BASE, "--replace", cwd=place)
    assert replaced.returncode == 0, replaced.stderr
    rows = table(place / "results")
    assert len(rows) == 4
    assert [row["attempts"] for row in rows.values()] == ["1", "1", "1", "2"]


def test_ctrl_c_before_the_sweep_is_a_plain_goodbye(place):
    os.mkfifo(place / "waiting.csv")
    runner = start(*BASE, "--csv", "waiting.csv", cwd=place)
    time.sleep(1)
    runner.send_signal(signal.SIGINT)
    output, _ = runner.communicate(timeout=30)
    assert "Traceback" not in output
    assert runner.returncode in (2, 130)


def test_ctrl_c_while_the_program_is_being_loaded_is_a_plain_goodbye(place):
    """At a module of the standard library, which is taken from this folder."""
    (place / "ipaddress.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n")
    runner = start(*BASE, cwd=place, PYTHONPATH=str(place))
    output, _ = runner.communicate(timeout=30)
    assert (runner.returncode, output) == (130, "interrupted before anything was started\n")


def test_a_path_that_no_disk_takes_is_named(place):
    flags = [flag if flag != "results" else "x" * 300 for flag in BASE]
    found = batch(*flags, cwd=place)
    assert found.returncode == 3
    assert "Traceback" not in found.stderr
    assert "--output-dir" in found.stderr


def test_a_row_too_large_for_this_machine_is_missed_and_does_not_stop_the_others(place):
    (place / "models.csv").write_text(
        "Models to Add,Priority (1=hi),Class,Task,Reasoning State,GPUs\n"
        "sim/wide,1,C,text_gen,Off,4\nsim/one,1,A,text_gen,Off,\n"
    )
    found = batch(*BASE, "--gpus", "simulated:2", cwd=place)
    assert found.returncode == 1, found.stderr
    assert "sim/wide needs 4 GPUs, and 2 may be used" in found.stdout
    assert "1 finished, 1 that cannot be run here. Results:" in found.stdout
    assert list(table(place / "results")) == ["sim_one_Off"]
    found = batch(*BASE, "--gpus", "simulated:2", "--model-name", "wide", cwd=place)
    assert found.returncode == 1, found.stderr
    assert "1 that cannot be run here. Results:" in found.stdout.splitlines()[-1]
    found = batch(*BASE, "--gpus", "simulated:2", "--model-name", "one", cwd=place)
    assert found.returncode == 0, "a row that a filter leaves out was not asked for"


def test_no_message_moves_the_cursor(place):
    (place / "bad\x1b[2J.yaml").write_text("\x1b]0;owned\x07: 1\n")
    found = batch(*BASE, "--simulation", "bad\x1b[2J.yaml", cwd=place)
    assert found.returncode == 2
    assert "\x1b" not in found.stderr
    assert "\x07" not in found.stderr


def test_two_sweeps_never_share_a_directory(place):
    flags = slow(place)
    runner = start(*BASE, *flags, cwd=place)
    wait_for((place / "results/individual_runs/sim_one_Off/run_spec.json").exists)
    second = batch(*BASE, *flags, cwd=place)
    runner.terminate()
    runner.communicate(timeout=30)
    assert second.returncode == 3
    assert f"process {runner.pid} on" in second.stderr


def test_an_output_directory_that_cannot_be_written_is_named(place):
    (place / "results").write_text("a file stands here")
    found = batch(*BASE, cwd=place)
    assert found.returncode == 3
    assert "cannot be written" in found.stderr
    assert "Traceback" not in found.stderr


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--csv", "missing.csv"), "missing.csv"),
        (("--model-name", "nothing-like-it"), "nothing-like-it"),
        (("--class", "B"), "B"),
        (("--prompts-file", "missing.txt"), "missing.txt"),
        (("--backend", "vllm"), "not told where its server answers"),
        (("--backend", "optimum", "--meters", "nvml"), "which measures by itself"),
        (("--simulation", "missing.yaml"), "missing.yaml"),
        (("--gpus", "simulated:x"), "--gpus: 'x'"),
        (("--region", "Atlantis"), "Atlantis"),
        (("--json",), "--dry-run"),
    ],
)
def test_user_mistakes_have_one_message_and_exit_2(place, flags, message):
    found = batch(*BASE, *flags, cwd=place)
    assert found.returncode == 2, found.stdout + found.stderr
    assert message in found.stderr
    assert "Traceback" not in found.stderr
    assert not (place / "results").exists()


@pytest.mark.parametrize(
    "text",
    [
        "[1, 2]",
        "default: 3",
        "defaults: {}",
        "default: {watts: -1}",
        "runs: [a]",
        "{",
        "default: {wats: 3}",
        "runs: {a: {fault: fire}}",
    ],
)
def test_a_simulation_file_that_is_not_understood_is_refused(place, text):
    found = batch(*BASE, *simulation(place, text), cwd=place)
    assert found.returncode == 2
    assert "simulation.yaml" in found.stderr
    assert "Traceback" not in found.stderr


def test_a_dry_run_starts_nothing_and_speaks_json(place):
    import json

    found = batch(*BASE, "--dry-run", "--json", cwd=place)
    assert found.returncode == 0, found.stderr
    plan = json.loads(found.stdout)
    assert [run["spec"]["run_id"] for run in plan["runs"]] == [
        "sim_one_Off",
        "sim_two_Off",
        "sim_three_Off",
        "sim_four_Off",
    ]
    assert not (place / "results").exists()


def test_a_dry_run_says_what_becomes_of_each_row(place):
    assert batch(*BASE, "--model-name", "one", cwd=place).returncode == 0
    same = batch(*BASE, "--dry-run", cwd=place).stdout
    assert "kept: finished before" in same
    assert same.count("\tmeasured") == 3
    other = batch(*BASE, "--repetitions", "9", "--dry-run", cwd=place)
    assert other.returncode == 0
    assert "sim_one_Off: finished in this directory with other settings" in other.stdout


def test_the_whole_public_catalog_is_planned(place):
    data = os.environ.get("AIES_REFERENCE_DATA")
    if not data:
        pytest.skip("AIES_REFERENCE_DATA names no folder with the public catalog")
    found = batch("--csv", f"{data}/oct_2025_models.csv", "--dry-run", cwd=place)
    assert found.returncode == 0
    assert "60 runs planned, 0 rows skipped" in found.stdout
    assert not (place / "batch_results").exists()


def test_the_host_needs_no_torch():
    import subprocess
    import sys

    program = (
        "import sys\n"
        "for name in ('torch', 'transformers', 'datasets', 'codecarbon'):\n"
        "    sys.modules[name] = None\n"
        "import orchestrator.sweep, batch_runner, orchestrator.batch\n"
    )
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True)


@pytest.fixture
def small_disk(tmp_path):
    """A file system of its own, so that filling it hurts nobody."""
    mount_point = tmp_path / "small disk"
    mount_point.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=260m", "tmpfs", str(mount_point)],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip(f"only root can mount a small file system: {mounted.stderr.strip()}")
    yield mount_point
    subprocess.run(["umount", "--lazy", str(mount_point)], check=True)


def test_a_full_disk_ends_the_sweep_and_loses_nothing(place, small_disk):
    flags = (*BASE[:-1], str(small_disk / "results"), *slow(place, 0.05))
    runner = start(*flags, cwd=place)
    runs = small_disk / "results/individual_runs"
    wait_for((runs / "sim_two_Off/outcome.json").exists)
    filler = small_disk / "filler"
    with filler.open("wb", buffering=0) as stream, contextlib.suppress(OSError):
        while True:
            stream.write(b"x" * 4096)
    output, _ = runner.communicate(timeout=60)
    assert runner.returncode in (1, 3), output
    assert "Traceback (most recent call last)" not in output.replace("    | ", "")
    assert "No space left on device" in output
    assert "intact" in output or "report cannot be written" in output
    kept = (runs / "sim_one_Off/benchmark_report.json").read_bytes()
    filler.unlink()
    resumed = batch(*flags, "--rerun-failed", cwd=place)
    assert resumed.returncode == 0, resumed.stdout + resumed.stderr
    assert len(table(small_disk / "results")) == 4
    assert (runs / "sim_one_Off/benchmark_report.json").read_bytes() == kept
