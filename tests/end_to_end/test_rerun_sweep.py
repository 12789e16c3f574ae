"""Failed rows run again: from a table of another directory, of the predecessor, by their reason."""

import csv
import shutil

import pytest

from tests.support.runner import batch, table, write_catalog

BASE = ("--backend", "simulated", "--engine", "process", "--num-prompts", "2", "--repetitions", "2")
FAULTS = """
default: {seconds_per_sample: 0.0}
runs:
  sim_small_Off: {fault: out_of_memory}
  sim_dead_Off: {fault: crash}
"""


@pytest.fixture(scope="module")
def night(tmp_path_factory):
    """A folder with a catalog of four rows, of which two failed last night, for two reasons."""
    folder = tmp_path_factory.mktemp("night")
    write_catalog(folder / "models.csv", ["one", "two", "small", "dead"])
    (folder / "faults.yaml").write_text(FAULTS)
    done = batch(*BASE, "--simulation", "faults.yaml", "--output-dir", "old", cwd=folder)
    assert done.returncode == 1, done.stdout + done.stderr
    return folder


@pytest.fixture
def place(night, tmp_path):
    return shutil.copytree(night, tmp_path / "place")


def outcomes(place, name):
    return {run_id: row["outcome"] for run_id, row in table(place / name).items()}


def test_the_table_of_another_directory_is_enough(place):
    earlier = shutil.move(place / "old/master_results.csv", place / "earlier.csv")
    shutil.rmtree(place / "old")
    flags = ("--rerun-failed-from", str(earlier), "--output-dir", "new")
    done = batch(*BASE, *flags, "--simulation", "faults.yaml", cwd=place)
    assert done.returncode == 1, done.stderr
    assert outcomes(place, "new") == {"sim_small_Off": "failed", "sim_dead_Off": "failed"}
    # The table of the directory itself serves as well, and reruns what failed again.
    flags = ("--rerun-failed-from", "new/master_results.csv", "--output-dir", "new")
    done = batch(*BASE, *flags, "--only-reason", "out_of_memory", cwd=place)
    assert done.returncode == 0, done.stderr
    rows = table(place / "new")
    assert {name: (row["outcome"], row["attempts"]) for name, row in rows.items()} == {
        "sim_small_Off": ("finished", "2"),
        "sim_dead_Off": ("failed", "1"),
    }
    assert (place / "new/individual_runs/sim_small_Off/attempts/1/outcome.json").exists()


def test_the_folders_of_a_directory_tell_the_reason_too(place):
    rerun = ("--rerun-failed", "--only-reason", "no_report", "--output-dir", "old")
    done = batch(*BASE, *rerun, cwd=place)
    assert done.returncode == 0, done.stdout + done.stderr
    found = outcomes(place, "old")
    assert (found["sim_dead_Off"], found["sim_small_Off"]) == ("finished", "failed")
    assert "1 runs to do, 0 skipped" in done.stdout
    refused = batch(*BASE, *rerun[:2], "tiemout", "--output-dir", "old", cwd=place)
    assert refused.returncode == 2
    assert "'tiemout'" in refused.stderr and "out_of_memory (1)" in refused.stderr


def test_a_table_of_the_predecessor_names_its_rows_by_model_task_and_state(place):
    header = "model_name,model_class,task,reasoning_state,total_prompts,gpu_energy_wh,error_message"
    (place / "theirs.csv").write_text(
        f"{header}\n"
        "sim/one,A,text_generation,off,2,0,Docker run failed\n"
        "sim/two,A,text_gen,Off,2,0,Docker run failed\n"
        "sim/two,A,text_gen,Off,2,1.5,\n"
        "sim/gone,A,text_gen,Off,2,0,Docker run failed\n"
    )
    done = batch(
        *BASE, "--rerun-failed-from", "theirs.csv", "--output-dir", "new", "--json", "--dry-run",
        cwd=place,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert '"sim_one_Off"' in done.stdout and "sim_two_Off" not in done.stdout
    assert "line 5 (sim/gone text_generation Off) failed" in done.stdout


def test_of_the_rows_that_cannot_be_run_only_those_that_failed_are_asked_for(place):
    columns = "Models to Add,Priority (1=hi),Class,Task,Reasoning State,GPUs\n"
    rows = [f"sim/{name},1,C,text_gen,Off,{gpus}\n" for name, gpus in (("one", 1), ("wide", 4))]
    (place / "models.csv").write_text(columns + "".join(rows) + "sim/wider,1,C,text_gen,Off,5\n")
    header = "model_name,task,reasoning_state,error_message\n"
    failed = [f"sim/{name},text_gen,Off,Docker run failed\n" for name in ("one", "wide")]
    flags = ("--gpus", "simulated:2", "--rerun-failed-from", "theirs.csv", "--output-dir", "new")
    (place / "theirs.csv").write_text(header + "".join(failed))
    done = batch(*BASE, *flags, cwd=place)
    assert done.returncode == 1, done.stderr
    assert "1 finished, 1 that cannot be run here. Results:" in done.stdout
    assert "sim/wider" not in done.stdout
    (place / "theirs.csv").write_text(header + failed[0])
    assert batch(*BASE, *flags, cwd=place).returncode == 0


def test_what_cannot_be_run_again_is_told_in_one_message(place):
    refused = batch(*BASE, "--rerun-failed-from", "models.csv", cwd=place)
    assert refused.returncode == 2
    assert "is no table of results: it has no column model_name" in refused.stderr
    with (place / "good.csv").open("w") as stream:
        rows = [row for row in table(place / "old").values() if row["outcome"] == "finished"]
        writer = csv.DictWriter(stream, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    nothing = batch(*BASE, "--rerun-failed-from", "good.csv", "--output-dir", "new", cwd=place)
    assert nothing.returncode == 0, nothing.stderr
    assert "good.csv: no row of it failed" in nothing.stdout + nothing.stderr
    assert outcomes(place, "new") == {}
    of_others = batch(
        *BASE, "--rerun-failed-from", "old/master_results.csv", "--model-name", "two", cwd=place
    )
    assert of_others.returncode == 2
    assert "none of the 2 rows that failed there is in the plan" in of_others.stderr
