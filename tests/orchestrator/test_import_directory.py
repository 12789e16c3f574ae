"""Imported runs as run folders: beside runs of ours, each once, and nothing is overwritten."""

import csv
import json

import pytest

import batch_runner
from benchmark_core.documents import ContractError
from orchestrator.__main__ import main
from orchestrator.importing.writing import LONGEST_COPY
from orchestrator.run_directory import RunDirectory
from orchestrator.run_record import read_record
from tests.support import foreign_results as foreign


@pytest.fixture
def output(tmp_path):
    return tmp_path / "output"


@pytest.fixture
def table_path(tmp_path):
    def write(*rows, columns=foreign.COLUMNS_21):
        path = tmp_path / "master_results.csv"
        path.write_text(foreign.table(columns, rows or [foreign.master_row()]))
        return path

    return write


@pytest.fixture
def report_path(tmp_path):
    def write(**changes):
        path = tmp_path / "benchmark_report.json"
        path.write_text(json.dumps(foreign.energy_report(**changes)))
        return path

    return write


@pytest.fixture
def rows(output):
    def read():
        with (output / "master_results.csv").open(newline="") as stream:
            return list(csv.DictReader(stream))

    return read


def run_import(*arguments):
    return main(["import", *map(str, arguments)])


def test_a_row_comes_back_in_the_table_of_this_program(table_path, output, rows, capsys):
    source = table_path(foreign.master_row(), foreign.failed_row("no GPU, none"))
    assert run_import(source, "--output-dir", output) == 0
    finished, failed = sorted(rows(), key=lambda row: row["outcome"], reverse=True)
    original = foreign.master_row()
    for name in foreign.COLUMNS_19[:4]:
        assert finished[name] == original[name]
    for name in foreign.COLUMNS_19[4:12]:
        assert float(finished[name]) == float(original[name]), name
    assert float(finished["gpu_energy_wh"]) == 8.4
    assert float(finished["avg_energy_per_prompt_wh"]) == pytest.approx(1.05)
    assert finished["co2_emissions_g"] == finished["preprocess_wh"] == ""
    assert finished["timestamp"] == foreign.NOW
    assert finished["error_message"] == ""
    assert (finished["verdict"], finished["verdict_reasons"]) == (
        "flagged",
        "imported; samples_failed",
    )
    assert (finished["imported_from"], finished["engine"]) == ("master_results", "import")
    assert (finished["spec_hash"], finished["official"], finished["rehearsal"]) == ("", "", "no")
    assert (finished["repetitions"], finished["repetitions_asked"]) == ("1", "")
    assert failed["outcome"] == "failed"
    assert failed["error_message"] == "failed_elsewhere: no GPU; none. Measure the model here."
    assert failed["model_name"] == "openai/gpt-oss-20b"
    assert failed["total_prompts"] == failed["gpu_energy_wh"] == failed["verdict"] == ""
    assert f"imported {finished['run_id']}" in capsys.readouterr().out


def test_an_invalid_import_has_no_energy_in_the_table(table_path, output, rows):
    assert (
        run_import(table_path(foreign.master_row(gpu_energy_wh="0.0084")), "--output-dir", output)
        == 0
    )
    (row,) = rows()
    assert (row["verdict"], row["gpu_energy_wh"], row["wh_per_1000_queries"]) == ("invalid", "", "")
    assert row["total_completion_tokens"] == "1000"


def test_the_folder_has_report_outcome_and_source(table_path, report_path, output):
    source, report = table_path(), report_path()
    assert run_import(source, report, "--output-dir", output) == 0
    folders = RunDirectory(output).folders()
    files = [{path.name for path in folder.path.iterdir()} for folder in folders]
    common = {"benchmark_report.json", "outcome.json"}
    assert sorted(files, key=sorted) == sorted(
        [common | {"imported_source.csv"}, common | {"imported_source.json"}], key=sorted
    )
    for folder in folders:
        assert folder.state().name == "finished"
    copies = {path.suffix: path for path in output.rglob("imported_source.*")}
    assert copies[".json"].read_text() == report.read_text()
    with copies[".csv"].open(newline="") as stream:
        (row,) = csv.DictReader(stream)
    assert row == {name: str(foreign.master_row()[name]) for name in foreign.COLUMNS_21}


def test_a_copied_row_can_be_imported_again(table_path, output, rows, tmp_path):
    hostile = foreign.failed_row('a "quoted",\nbroken line')
    assert run_import(table_path(hostile), "--output-dir", output) == 0
    (copy,) = output.rglob("imported_source.csv")
    again = tmp_path / "again"
    assert run_import(copy, "--output-dir", again) == 0
    (row,) = rows()
    with (again / "master_results.csv").open(newline="") as stream:
        (second,) = csv.DictReader(stream)
    assert second["error_message"] == row["error_message"]


def test_a_huge_source_is_not_copied(report_path, output):
    assert run_import(report_path(gpu_stats="x" * LONGEST_COPY), "--output-dir", output) == 0
    assert list(output.rglob("imported_source.*")) == []
    assert len(list(output.rglob("outcome.json"))) == 1


def test_importing_twice_changes_nothing_and_says_so(table_path, output, capsys):
    source = table_path()
    assert run_import(source, source, "--output-dir", output) == 0
    before = {path: path.read_bytes() for path in output.rglob("*") if path.is_file()}
    capsys.readouterr()
    assert run_import(source, "--output-dir", output) == 0
    assert {path: path.read_bytes() for path in output.rglob("*") if path.is_file()} == before
    assert "imported before; remove its folder to import it again" in capsys.readouterr().out


def test_the_same_run_under_another_label_is_kept_as_it_is(report_path, output, capsys):
    source = report_path()
    assert run_import(source, "--output-dir", output, "--reasoning-state", "Off") == 0
    assert run_import(source, "--output-dir", output, "--reasoning-state", "On") == 0
    assert "kept imported_openai_gpt-oss-20b_Off_" in capsys.readouterr().out
    assert len(list(output.rglob("outcome.json"))) == 1


def test_an_import_that_was_cut_off_is_completed(table_path, output, rows):
    source = table_path()
    assert run_import(source, "--output-dir", output) == 0
    (outcome,) = output.rglob("outcome.json")
    outcome.unlink()
    assert main(["rebuild", str(output)]) == 0
    assert rows() == []
    assert run_import(source, "--output-dir", output) == 0
    assert len(rows()) == 1


def test_nothing_is_written_while_anything_is_wrong(table_path, report_path, output, capsys):
    good, wrong = table_path(), report_path(energy__gpu_energy_wh="x")
    assert run_import(good, wrong, output / "absent", "--output-dir", output) == 2
    assert not output.exists()
    told = capsys.readouterr()
    assert told.out == ""
    assert len(told.err.splitlines()) == 2


def test_a_run_without_a_model_asks_for_it(tmp_path, output, capsys):
    source = tmp_path / "emissions.csv"
    source.write_text(foreign.table(foreign.EMISSIONS_COLUMNS, [foreign.emissions_row()]))
    assert run_import(source, "--output-dir", output) == 2
    assert "does not say which model it is of. Say it with --model" in capsys.readouterr().err
    assert not output.exists()
    assert run_import(source, "--output-dir", output, "--model", "org/model") == 0


def test_a_table_of_another_program_is_never_replaced(table_path, tmp_path, capsys):
    source = table_path()
    before = source.read_bytes()
    assert run_import(source, "--output-dir", tmp_path) == 2
    assert "is a table of another program, and would be lost" in capsys.readouterr().err
    assert source.read_bytes() == before
    assert not (tmp_path / "individual_runs").exists()


def test_a_folder_of_that_name_with_something_else_in_it_is_refused(table_path, output, capsys):
    assert run_import(table_path(), "--output-dir", output) == 0
    (outcome,) = output.rglob("outcome.json")
    outcome.write_text("{}")
    assert run_import(table_path(), "--output-dir", output) == 2
    assert "is there already, and is not this import" in capsys.readouterr().err
    assert outcome.read_text() == "{}"


def test_a_directory_in_use_is_refused(table_path, output, capsys):
    directory = RunDirectory(output)
    directory.create()
    with directory.lock():
        assert run_import(table_path(), "--output-dir", output) == 3
    assert "another sweep is using it" in capsys.readouterr().err


def test_a_full_disk_is_told_and_the_import_goes_on_later(table_path, output, monkeypatch, capsys):
    def refuse(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", refuse)
    assert run_import(table_path(), "--output-dir", output) == 3
    assert "No space left on device" in capsys.readouterr().err
    monkeypatch.undo()
    assert run_import(table_path(), "--output-dir", output) == 0
    assert len(list(output.rglob("outcome.json"))) == 1


def test_rebuilding_gives_the_same_table(table_path, report_path, output):
    assert run_import(table_path(), report_path(), "--output-dir", output) == 0
    path = output / "master_results.csv"
    before = path.read_bytes()
    path.unlink()
    assert main(["rebuild", str(output)]) == 0
    assert path.read_bytes() == before


def test_json_names_what_is_new_and_what_was_there(table_path, output, capsys):
    for new, kept in ((1, 0), (0, 1)):
        assert run_import(table_path(), "--output-dir", output, "--json") == 0
        told = json.loads(capsys.readouterr().out)
        assert (len(told["imported"]), len(told["kept"])) == (new, kept)
        assert told["reports"][0]["imported"]["format"] == "master_results"


@pytest.mark.parametrize("part", ["outcome", "run_id", "imported"])
def test_a_folder_whose_files_do_not_belong_together_is_not_believed(table_path, output, part):
    assert run_import(table_path(), "--output-dir", output) == 0
    (folder,) = RunDirectory(output).folders()
    report = json.loads(folder.report_path.read_text())
    if part == "outcome":
        failure = {"kind": "x", "message": "y", "remedy": "z"}
        report |= {"outcome": "failed", "failure": failure}
    else:
        report[part] = "other" if part == "run_id" else None
    folder.report_path.write_text(json.dumps(report))
    with pytest.raises(ContractError):
        read_record(folder)
    assert main(["rebuild", str(output)]) == 3


def test_a_sweep_goes_on_beside_imported_runs(table_path, output, rows, tmp_path):
    assert run_import(table_path(), "--output-dir", output) == 0
    catalog = tmp_path / "models.csv"
    catalog.write_text(
        "Models to Add,Priority (1=hi),Class,Task,Reasoning State,Chat Template\n"
        "openai/gpt-oss-20b,1,B,text_gen,On (High),\n"
    )
    sweep = ["--csv", str(catalog), "--backend", "simulated", "--engine", "process"]
    sweep += ["--num-prompts", "2", "--repetitions", "1", "--output-dir", str(output)]
    assert batch_runner.main(sweep) == 0
    ours, imported = sorted(rows(), key=lambda row: row["imported_from"])
    assert (ours["run_id"], ours["outcome"]) == ("openai_gpt-oss-20b_On_High", "finished")
    assert (imported["imported_from"], imported["outcome"]) == ("master_results", "finished")
    assert batch_runner.main([*sweep, "--dry-run"]) == 0
    assert batch_runner.main(sweep) == 0
    assert len(rows()) == 2


# ---------------------------------------------------------------- the predecessor's own folder


@pytest.fixture
def original(tmp_path):
    """An output directory of the predecessor."""

    def make(rows, reports):
        folder = tmp_path / "original"
        folder.mkdir()
        if rows is not None:
            text = foreign.table(foreign.COLUMNS_19, rows)
            (folder / "master_results.csv").write_text(text)
        for name, report in reports.items():
            path = folder / "individual_runs" / name / "benchmark_report.json"
            path.parent.mkdir(parents=True)
            path.write_text(json.dumps(report))
        return folder

    return make


def test_a_run_with_a_row_and_a_report_is_imported_once(original, output, rows):
    other = foreign.master_row(model_name="org/other", gpu_energy_wh="1.0000")
    folder = original(
        [foreign.master_row(), other, foreign.failed_row("died")],
        {"openai_gpt-oss-20b_On_High": foreign.energy_report()},
    )
    assert run_import(folder, "--output-dir", output) == 0
    found = {(row["imported_from"], row["outcome"]): row for row in rows()}
    assert len(rows()) == 3
    whole = found["ai_energy_benchmarks", "finished"]
    assert float(whole["gpu_energy_wh"]) == 8.40001
    assert (whole["model_class"], whole["reasoning_state"]) == ("B", "On (High)")
    assert (whole["task"], whole["timestamp"]) == ("text_gen", foreign.NOW)
    assert whole["cpu_energy_wh"] == "1.25"
    assert found["master_results", "finished"]["model_name"] == "org/other"
    assert found["master_results", "failed"]["error_message"].startswith("failed_elsewhere: died")


def test_a_report_goes_with_the_row_of_its_figures(original, output, rows):
    """Two attempts leave two rows, and the folder has the report of the second."""
    first = foreign.master_row(total_duration_seconds="70.00", gpu_energy_wh="7.0000")
    folder = original(
        [first, foreign.master_row()], {"openai_gpt-oss-20b_On_High": foreign.energy_report()}
    )
    assert run_import(folder, "--output-dir", output) == 0
    assert sorted(float(row["gpu_energy_wh"]) for row in rows()) == [7.0, 8.40001]


def test_a_report_by_phase_takes_its_name_from_the_row_of_its_folder(original, output, rows):
    phase = {"energy": {"unit": "kWh", "gpu": 0.1}}
    folder = original([foreign.failed_row("")], {"openai_gpt-oss-20b_On_High": {"forward": phase}})
    assert run_import(folder, "--output-dir", output) == 0
    (row,) = rows()
    assert (row["model_name"], row["imported_from"]) == ("openai/gpt-oss-20b", "optimum_benchmark")
    assert float(row["forward_wh"]) == 100


def test_a_table_named_beside_its_folder_adds_nothing(original, output, rows):
    folder = original(
        [foreign.master_row()], {"openai_gpt-oss-20b_On_High": foreign.energy_report()}
    )
    assert run_import(folder / "master_results.csv", folder, "--output-dir", output) == 0
    assert [row["imported_from"] for row in rows()] == ["ai_energy_benchmarks"]


def test_a_name_that_is_too_long_is_told_beside_the_others(table_path, tmp_path, capsys):
    assert run_import(tmp_path / ("x" * 300), table_path()) == 2
    told = capsys.readouterr()
    assert "cannot be read (File name too long)" in told.err
    assert "openai/gpt-oss-20b" in told.out


def test_a_folder_without_a_table_has_its_reports(original, output, rows):
    reports = {"a_On": foreign.energy_report(), "b_Off": foreign.energy_report(config__model="b/b")}
    assert run_import(original(None, reports), "--output-dir", output) == 0
    assert sorted(row["model_name"] for row in rows()) == ["b/b", "openai/gpt-oss-20b"]


def test_everything_wrong_in_a_folder_is_told(original, output, capsys):
    reports = {"a_On": {"x": 1}, "b_Off": foreign.energy_report(energy__gpu_energy_wh="x")}
    folder = original([foreign.master_row(task="poetry")], reports)
    assert run_import(folder, "--output-dir", output) == 2
    assert len(capsys.readouterr().err.splitlines()) == 3
    assert run_import(output.parent / "original" / "individual_runs") == 2
    assert "holds neither master_results.csv nor" in capsys.readouterr().err


def test_an_output_directory_of_this_program_is_not_imported(table_path, output, capsys):
    assert run_import(table_path(), "--output-dir", output) == 0
    assert run_import(output) == 2
    assert "is a table of this program" in capsys.readouterr().err
