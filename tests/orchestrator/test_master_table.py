"""The table that users' one-liners count on: 19 columns first, no quoting, nothing made up."""

import csv
import json
import random
import shutil
import subprocess

import pytest

from benchmark_core.contract import BackendSpec, ModelSpec
from benchmark_core.report import Carbon, Verdict
from benchmark_core.statistics import summarize
from orchestrator.__main__ import main as orchestrator_main
from orchestrator.errors import HostError
from orchestrator.master_table import COLUMNS, MasterTable, cell
from orchestrator.outcome import Outcome
from orchestrator.run_directory import RunDirectory
from tests.support import builders

FIRST_19 = (
    "model_name,model_class,task,reasoning_state,total_prompts,successful_prompts,failed_prompts,"
    "total_duration_seconds,avg_latency_seconds,total_tokens,total_prompt_tokens,"
    "total_completion_tokens,throughput_tokens_per_second,gpu_energy_wh,co2_emissions_g,"
    "tokens_per_joule,avg_energy_per_prompt_wh,timestamp,error_message"
)


@pytest.fixture
def directory(tmp_path):
    directory = RunDirectory(tmp_path / "results")
    directory.create()
    return directory


@pytest.fixture
def add(directory):
    def add_run(run_id="org_model_Off", outcome="finished", message="", report=True, **changes):
        spec = builders.spec(run_id=run_id, **changes)
        folder = directory.folder(run_id)
        folder.prepare(spec, builders.launch())
        if report:
            made = report if report is not True else builders.report(spec)
            folder.report_path.write_text(made.to_json())
        if outcome:
            folder.record(
                spec,
                builders.launch(),
                Outcome(
                    run_id=run_id,
                    spec_hash=spec.spec_hash(),
                    outcome=outcome,
                    error_message=message,
                    finished_at=builders.NOW,
                    log_file="x.log",
                    engine="process",
                ),
            )
        return folder

    return add_run


@pytest.fixture
def rows(directory):
    def read():
        table = MasterTable(directory)
        assert table.read_folders() == {}
        with table.write().open(newline="") as stream:
            return list(csv.DictReader(stream))

    return read


def test_the_first_columns_are_those_users_know():
    assert ",".join(list(COLUMNS)[:19]) == FIRST_19


def test_a_finished_run_has_its_figures(add, rows):
    add(backend=BackendSpec(name="pytorch"))
    (row,) = rows()
    assert row["model_name"] == "org/model"
    assert row["task"] == "text_gen"
    assert float(row["gpu_energy_wh"]) == pytest.approx(101 / 3600)
    assert float(row["avg_energy_per_prompt_wh"]) == pytest.approx(101 / 3600 / 4)
    assert float(row["throughput_tokens_per_second"]) == pytest.approx(20.0)
    assert int(row["total_tokens"]) == 60
    assert row["error_message"] == ""
    assert row["outcome"] == "finished"
    assert row["rehearsal"] == "no"


def test_an_unmeasured_gpu_is_empty_and_never_zero(add, rows, directory):
    spec = builders.spec()
    repetitions = tuple(builders.repetition(None, None, None) for _ in range(2))
    report = builders.report(
        spec,
        summary=summarize(repetitions, 4),
        repetitions=repetitions,
        verdict=Verdict(verdict="flagged", reasons=("gpu_energy_not_measured",)),
        carbon=Carbon(
            emissions_g=0.5,
            factor_g_per_kwh=475,
            region="WORLD",
            source="IEA",
            year=2019,
            basis="cpu+ram",
        ),
    )
    add(report=report)
    (row,) = rows()
    for column in ("gpu_energy_wh", "avg_energy_per_prompt_wh", "tokens_per_joule", "decode_wh"):
        assert row[column] == "", column
    assert row["co2_emissions_g"] == "0.5"
    assert row["co2_basis"] == "cpu+ram"
    assert row["verdict_reasons"] == "gpu_energy_not_measured"


def test_a_failed_run_has_a_message_and_no_figures(add, rows):
    add(outcome="failed", message='timeout: stopped, "late"', report=False)
    (row,) = rows()
    assert row["error_message"] == "timeout: stopped; 'late'"
    assert row["total_tokens"] == row["gpu_energy_wh"] == row["verdict"] == ""


def test_the_figures_of_a_report_that_the_host_refused_are_not_shown(add, rows):
    add(outcome="failed", message="wrong_settings: precision")
    (row,) = rows()
    assert row["gpu_energy_wh"] == ""


def test_a_run_that_was_cut_off_is_interrupted(add, rows):
    add(outcome=None, report=False)
    (row,) = rows()
    assert row["outcome"] == "interrupted"
    assert row["error_message"].startswith("interrupted")


def test_a_planned_or_running_run_is_no_row(add, rows):
    folder = add(outcome=None, report=False)
    with folder.lock():
        assert rows() == []


def test_awk_counts_successes_without_knowing_csv(add, directory):
    add("a_good_Off")
    add("b_bad_Off", "failed", 'no_report: exit code 3, see "log", end', report=False)
    add("c_good_Off")
    MasterTable(directory).read_folders()
    table = MasterTable(directory)
    table.read_folders()
    path = table.write()
    script = 'NR>1 && $19 == "" {n++} END {print n}'
    found = subprocess.run(
        ["awk", "-F,", script, str(path)], capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == "2"
    assert '"' not in path.read_text()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (0, "0"),
        (1 / 3, "0.3333333333333333"),
        ("a,b\nc", "a;b c"),
        ('say "x"', "say 'x'"),
        ("=HYPERLINK(1)", "'=HYPERLINK(1)"),
        ("+1", "'+1"),
        ("-1+2", "'-1+2"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'=1"),
        ("\x1b[31mred", "�[31mred"),
    ],
)
def test_cells_are_harmless(value, text):
    assert cell(value) == text


def test_hostile_messages_never_break_a_line(add, rows):
    generator = random.Random(7)
    alphabet = ",;\"'\n\r\t=+-@\x00\x1b\u2028é漢 a1"
    for number in range(50):
        text = "".join(generator.choice(alphabet) for _ in range(40))
        add(f"run_{number:02d}", "failed", "failed " + text, report=False)
    found = rows()
    assert len(found) == 50
    assert all(None not in row and None not in row.values() for row in found)


def test_rebuild_gives_the_same_bytes(add, directory, capsys):
    add("b_model_Off")
    add("a_model_Off", "failed", "timeout: late", report=False)
    add("c_model_Off", None, report=False)
    table = MasterTable(directory)
    table.read_folders()
    first = table.write().read_bytes()
    directory.master_path.unlink()
    assert orchestrator_main(["rebuild", str(directory.root)]) == 0
    assert directory.master_path.read_bytes() == first
    assert str(directory.master_path) in capsys.readouterr().out


def test_rebuild_names_a_folder_it_cannot_believe(add, directory, capsys):
    add("a_good_Off")
    add("b_newer_Off").report_path.write_text('{"schema_version": 99}')
    assert orchestrator_main(["rebuild", str(directory.root)]) == 3
    error = capsys.readouterr().err
    assert "b_newer_Off" in error
    assert "schema_version 99" in error
    assert directory.master_path.read_text().count("\n") == 2


def test_rebuild_without_results_is_a_usage_error(tmp_path, capsys):
    assert orchestrator_main(["rebuild", str(tmp_path)]) == 2
    assert "individual_runs" in capsys.readouterr().err


def test_a_full_disk_leaves_the_earlier_table(add, directory, monkeypatch):
    add("a_model_Off")
    table = MasterTable(directory)
    table.read_folders()
    before = table.write().read_bytes()
    add("b_model_Off")

    def refuse(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", refuse)
    table.read_folders()
    with pytest.raises(HostError, match=r"No space left on device.*intact"):
        table.write()
    monkeypatch.undo()
    assert directory.master_path.read_bytes() == before
    assert [path.name for path in directory.root.iterdir() if path.name.startswith(".")] == []


def test_pandas_reads_numbers_as_numbers(add, directory):
    pandas = pytest.importorskip("pandas")
    add("a_model_Off")
    add("b_model_Off", "failed", "timeout: late", report=False)
    table = MasterTable(directory)
    table.read_folders()
    frame = pandas.read_csv(table.write())
    assert frame["gpu_energy_wh"].dtype == float
    assert frame["gpu_energy_wh"].isna().tolist() == [False, True]


def test_names_of_models_stay_as_they_are(add, rows):
    add(model=ModelSpec(id="org/=cmd", model_class="A"))
    (row,) = rows()
    assert row["model_name"] == "org/=cmd"


def edit(path, **changes):
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


@pytest.mark.parametrize(
    ("file_name", "changes", "reason"),
    [
        ("benchmark_report.json", {"spec_hash": "0" * 64}, "belongs to another spec"),
        ("benchmark_report.json", {"run_id": "other"}, "report belongs to another spec"),
        ("outcome.json", {"spec_hash": "0" * 64}, "outcome belongs to another"),
        ("outcome.json", {"schema_version": 99}, "schema_version 99"),
        ("run_spec.json", {"run_id": "other"}, "spec is that of the run other"),
        ("run_spec.json", {"repetitions": 7}, "another spec"),
    ],
)
def test_files_that_do_not_belong_together_give_no_figures(
    add, directory, file_name, changes, reason
):
    folder = add("a_model_Off")
    edit(folder.path / file_name, **changes)
    table = MasterTable(directory)
    problems = table.read_folders()
    assert reason in str(problems["a_model_Off"])
    assert table.write().read_text().count("\n") == 1


def test_a_copied_folder_is_no_second_run(add, directory):
    folder = add("a_model_Off")
    shutil.copytree(folder.path, folder.path.with_name("b_model_Off"))
    table = MasterTable(directory)
    assert list(table.read_folders()) == ["b_model_Off"]


def test_a_rehearsal_that_failed_says_that_it_was_one(add, rows):
    add(outcome="failed", message="crash: x", report=False)
    (row,) = rows()
    assert row["rehearsal"] == "yes"
