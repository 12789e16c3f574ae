"""Results of other programs: figures taken over or computed again, and nothing made up."""

import json
import math

import pytest

from benchmark_core.report.run_report import RunReport
from orchestrator.__main__ import main
from orchestrator.importing.reading import read_all
from orchestrator.importing.told_run import Given
from tests.support import foreign_results as foreign


@pytest.fixture
def written(tmp_path):
    def write(content, name="results"):
        path = tmp_path / name
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    return write


@pytest.fixture
def reports(written):
    def read(content, **given):
        found = read_all([written(content)], Given(**given))
        assert found.problems == ()
        return [run.report for run in found.runs]

    return read


@pytest.fixture
def problem(written):
    def read(content, **given):
        found = read_all([written(content)], Given(**given))
        assert found.runs == ()
        (problem,) = found.problems
        return str(problem)

    return read


def master(*rows, columns=foreign.COLUMNS_19):
    return foreign.table(columns, rows or [foreign.master_row()])


def emissions(*rows):
    return foreign.table(foreign.EMISSIONS_COLUMNS, rows or [foreign.emissions_row()])


# ---------------------------------------------------------------- master_results.csv


@pytest.mark.parametrize("columns", [foreign.COLUMNS_19, foreign.COLUMNS_21], ids=len)
def test_a_row_of_the_table_becomes_a_report(reports, columns):
    (report,) = reports(master(columns=columns))
    imported, summary = report.imported, report.summary
    assert (imported.format, imported.row, imported.file) == ("master_results", 1, "results")
    assert (imported.model_id, imported.model_class) == ("openai/gpt-oss-20b", "B")
    assert (imported.task, imported.reasoning_state) == ("text_generation", "On (High)")
    assert (summary.total_prompts, summary.successful_prompts, summary.failed_prompts) == (10, 8, 2)
    assert (summary.tokens.prompt, summary.tokens.completion) == (500, 1000)
    assert summary.total_duration_seconds.mean == 90.5
    assert summary.avg_latency_seconds == 9.05
    assert (summary.gpu_energy_wh.mean, summary.gpu_energy_wh.stdev) == (8.4, None)
    assert report.finished_at == foreign.NOW
    assert (report.outcome, report.official, report.rehearsal) == ("finished", None, False)
    assert (report.verdict.verdict, report.verdict.reasons) == (
        "flagged",
        ("imported", "samples_failed"),
    )
    first_token = 0.15 if columns is foreign.COLUMNS_21 else None
    assert summary.avg_time_to_first_token_seconds == first_token


def test_what_counts_the_prompts_tokens_is_computed_again(reports):
    """The predecessor divides all tokens; throughput and tokens per joule here are of answers."""
    (report,) = reports(master())
    assert report.summary.throughput_tokens_per_second == pytest.approx(1000 / 90.5)
    assert report.summary.tokens_per_joule == pytest.approx(1000 / (8.4 * 3600))
    assert report.summary.wh_per_1000_queries == pytest.approx(8.4 / 8 * 1000)


def test_what_a_row_cannot_tell_is_named_and_empty(reports):
    (report,) = reports(master())
    told = report.imported.cannot_tell
    assert list(told) == sorted(set(told))
    assert {"applied", "carbon", "environment", "summary.cpu_energy_wh", "finished_at"} <= {*told}
    assert {"summary.phases_gpu_wh", "summary.gpu_energy_wh.stdev"} <= {*told}
    assert "summary.gpu_energy_wh" not in told
    assert report.carbon is None
    assert "3.3 g" in report.imported.notes[0]


def test_a_failed_row_has_its_message_and_no_figures(reports):
    (report,) = reports(master(foreign.failed_row('it said "no",\nand more')))
    assert (report.outcome, report.summary, report.verdict) == ("failed", None, None)
    assert report.failure.kind == "failed_elsewhere"
    assert report.failure.message == 'it said "no", and more'
    assert "summary" in report.imported.cannot_tell


def test_zeros_are_not_measured(reports):
    """As in the row of a run whose report the predecessor could not read."""
    (report,) = reports(master(foreign.failed_row("")))
    assert report.outcome == "finished"
    summary = report.summary.model_dump(exclude={"phases_gpu_wh"})
    assert {name: value for name, value in summary.items() if value is not None} == {}
    assert report.verdict.reasons == ("imported", "gpu_energy_not_measured")


def test_a_table_without_answers_has_none(reports):
    cells = {"total_tokens": 0, "total_prompt_tokens": 0, "total_completion_tokens": 0}
    (report,) = reports(master(foreign.master_row(**cells)))
    assert report.summary.tokens is None
    assert report.summary.tokens_per_joule is None
    (report,) = reports(master(foreign.master_row(**cells | {"total_prompt_tokens": 500})))
    assert report.summary.tokens.completion == 0
    assert report.summary.throughput_tokens_per_second is None


def test_tokens_that_do_not_add_up_are_told(reports):
    (report,) = reports(master(foreign.master_row(total_tokens=1501)))
    assert "1501 tokens in all" in report.imported.notes[0]
    assert report.summary.tokens.total == 1500


@pytest.mark.parametrize(
    ("wh", "seconds", "reason"),
    [
        ("0.0084", "90.50", "implausible_power"),
        ("8400.0", "90.50", "implausible_power"),
        ("-8.4", "90.50", "phase_not_positive"),
    ],
)
def test_energy_that_no_gpu_can_have_taken_is_invalid(reports, wh, seconds, reason):
    row = foreign.master_row(
        gpu_energy_wh=wh,
        total_duration_seconds=seconds,
        failed_prompts=0,
        total_prompts=8,
    )
    (report,) = reports(master(row))
    assert report.verdict.verdict == "invalid"
    assert report.verdict.reasons == ("imported", reason)
    assert report.imported.findings[0].reason == reason


@pytest.mark.parametrize(("watts", "flagged"), [(0.99, 1), (1.01, 0), (19_999, 0), (20_001, 1)])
def test_the_limits_of_plausible_power(reports, watts, flagged):
    row = foreign.master_row(gpu_energy_wh=watts / 3600, total_duration_seconds=1)
    (report,) = reports(master(row))
    assert report.verdict.reasons.count("implausible_power") == flagged


def test_a_repeated_row_is_one_run_and_a_second_attempt_is_another(reports):
    later = foreign.master_row(timestamp="2025-10-21T00:00:00")
    found = reports(master(foreign.master_row(), later, foreign.master_row()))
    assert [report.imported.row for report in found] == [1, 2]
    assert "row 3 of the table repeats row 1" in found[0].imported.notes[-1]
    assert found[0].run_id != found[1].run_id


def test_columns_are_found_by_name(reports):
    shuffled = [*reversed(foreign.COLUMNS_21), "energy_per_prompt_std_wh", "note"]
    (found,) = reports(master(columns=shuffled))
    (usual,) = reports(master(columns=foreign.COLUMNS_21))
    assert found.summary == usual.summary


@pytest.mark.parametrize("column", ["model_class", "task", "reasoning_state", "timestamp"])
def test_what_has_no_column_is_not_told(reports, column):
    (report,) = reports(master(columns=[c for c in foreign.COLUMNS_19 if c != column]))
    name = "finished_at" if column == "timestamp" else f"imported.{column}"
    assert name in report.imported.cannot_tell


def test_byte_order_mark_and_windows_line_ends_change_nothing(reports):
    (usual,) = reports(master())
    text = master().replace("\r\n", "\n").replace("\n", "\r\n")
    (found,) = reports(b"\xef\xbb\xbf" + text.encode())
    assert found.summary == usual.summary


def test_a_time_with_its_zone_becomes_utc_and_can_be_relied_upon(reports):
    (report,) = reports(master(foreign.master_row(timestamp="2025-10-20T11:00:00+02:00")))
    assert report.finished_at == "2025-10-20T09:00:00+00:00"
    assert "finished_at" not in report.imported.cannot_tell


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        ({"gpu_energy_wh": "nan"}, "line 2: gpu_energy_wh: 'nan' is no number. Nothing is guess"),
        ({"gpu_energy_wh": "inf"}, "'inf' is no number"),
        ({"gpu_energy_wh": "1e400"}, "is larger than any run can have"),
        ({"gpu_energy_wh": "1e99999"}, "is no number"),
        ({"gpu_energy_wh": "8,4"}, "'8,4' is no number"),
        ({"gpu_energy_wh": "=2+6.4"}, "'=2+6.4' is no number"),
        ({"gpu_energy_wh": "8.4 Wh"}, "is no number"),
        ({"gpu_energy_wh": "٨"}, "is no number"),
        ({"gpu_energy_wh": "1_0"}, "is no number"),
        ({"total_duration_seconds": "-1"}, "total_duration_seconds: '-1' is below zero"),
        ({"total_prompts": "10.5"}, "total_prompts: '10.5' is no count"),
        ({"successful_prompts": "9"}, "10 is not 9 successful and 2 failed"),
        ({"total_tokens": "1e14"}, "is no count"),
        ({"model_class": "D"}, "model_class: 'D' is not a class"),
        ({"task": "poetry"}, "task: 'poetry' is not a task"),
        ({"reasoning_state": "Maybe"}, "reasoning_state: 'Maybe' is not a reasoning state"),
        ({"model_name": "=cmd|' /C calc'!A0"}, "model_name: "),
        ({"model_name": "/home/me/models/mine"}, "model_name: "),
        ({"timestamp": "yesterday"}, "timestamp: 'yesterday' is no time"),
        ({"timestamp": "0001-01-01T00:00:00+23:59"}, "is no time"),
    ],
)
def test_a_cell_that_cannot_be_believed_is_refused(problem, cells, words):
    assert words in problem(master(foreign.master_row(**cells)))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (master().replace("error_message", "errors"), "has no column error_message"),
        (master().splitlines()[0], "has no rows"),
        (master() + "openai/gpt-oss-20b,B,text_gen\n", "line 3 has 3 cells under a header of 19"),
        (master().replace("8.4000", "8,4000"), "line 2 has 20 cells under a header of 19"),
        (master().replace("total_tokens", "total_prompts"), "has the column 'total_prompts' twice"),
        (master().replace(",", ";"), "is in no format known here"),
        (master() + 'a,"b', "is no table: "),
        (master() + "x" * 200_000, "is no table: field larger than"),
        (master().replace("8.4", "8\x00.4"), "has a NUL byte"),
        (",,,\n,,,\n", "has no names of columns"),
        ("a" + "," * 2**20, "line 1 is longer than 1,048,576 characters"),
        ("a" + "," * 1000, "has more than 1,000 columns"),
        (master(columns=[*foreign.COLUMNS_19, "spec_hash"]), "is a table of this program"),
        (
            ",".join(foreign.COLUMNS_19) + "\n" + (","*18 + "x\n") * 10_001,
            "has more than 10,000 rows",
        ),
        ("a,b\n1,2\n", "is in no format known here. It has: 'a', 'b'. Known are: ai_energy_benc"),
        (b"PK\x03\x04\xff", "is no text (byte 4 is not UTF-8)"),
    ],
)  # fmt: skip
def test_a_table_that_cannot_be_believed_is_refused(problem, content, words):
    assert words in problem(content)


def test_all_wrong_cells_of_all_rows_are_told_at_once(written):
    rows = [foreign.master_row(total_tokens="x", task="y"), foreign.master_row(gpu_energy_wh="z")]
    found = read_all([written(master(*rows))], Given())
    assert len(found.problems) == 3


# ---------------------------------------------------------------- ai_energy_benchmarks


def test_a_report_of_one_pass_has_its_figures_and_our_carbon(reports):
    (report,) = reports(foreign.energy_report())
    imported, summary = report.imported, report.summary
    assert (imported.format, imported.row, imported.repetitions) == (
        "ai_energy_benchmarks",
        None,
        1,
    )
    assert (imported.model_id, imported.backend, imported.device) == (
        "openai/gpt-oss-20b",
        "pytorch",
        "cuda",
    )
    assert (imported.task, imported.model_class, imported.reasoning_state) == (None, None, None)
    assert summary.gpu_energy_wh.mean == 8.40001
    assert (summary.cpu_energy_wh.mean, summary.ram_energy_wh.mean) == (1.25, 0.5)
    assert report.carbon.emissions_g == pytest.approx(10.15001 / 1000 * 475)
    assert (report.carbon.region, report.carbon.basis) == ("WORLD", "gpu+cpu+ram")
    assert "not split into phases" in imported.scope
    assert summary.avg_time_to_first_token_seconds == 0.15
    assert summary.throughput_tokens_per_second == pytest.approx(1000 / 90.50123)


def test_its_carbon_intensity_changes_nothing(reports):
    (usual,) = reports(foreign.energy_report())
    (changed,) = reports(foreign.energy_report(energy__carbon_intensity_g_per_kwh=-1.0))
    assert (changed.summary, changed.carbon) == (usual.summary, usual.carbon)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"energy__gpu_energy_wh": 0.0, "energy__gpu_energy_kwh": 0.0}, "stands for not measured"),
        ({"energy": {"gpu_energy_wh": 0.0, "error": "Tracker not started"}}, "Tracker not started"),
        ({"energy__error": "Error stopping tracker"}, "its meter had failed: Error stopping"),
        ({"energy": {}}, "it has no energy.gpu_energy_wh"),
        ({"energy": None}, "it has no energy.gpu_energy_wh"),
    ],
)
def test_a_report_whose_meter_failed_has_no_energy(reports, changes, words):
    (report,) = reports(foreign.energy_report(**changes))
    assert report.summary.gpu_energy_wh is None
    assert report.summary.wh_per_1000_queries is None
    assert report.carbon is None
    assert "gpu_energy_not_measured" in report.verdict.reasons
    assert words in report.imported.findings[0].message


def test_cpu_and_ram_of_zero_are_not_measured(reports):
    (report,) = reports(foreign.energy_report(energy__cpu_energy_wh=0.0, energy__ram_energy_wh=0))
    assert (report.summary.cpu_energy_wh, report.summary.ram_energy_wh) == (None, None)


def test_what_was_simulated_is_a_rehearsal(reports):
    for changes in (
        {"backend_info__gpu_model": "SIMULATED H100"},
        {"config__backend": "simulated"},
        {"backend_info__device": "simulated"},
    ):
        (report,) = reports(foreign.energy_report(**changes))
        assert report.rehearsal
        assert "rehearsal" in report.verdict.reasons


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"energy__gpu_energy_wh": 8400.01}, "8400.01 Wh is not the 0.00840001 kWh"),
        ({"energy__gpu_energy_wh": "8.4 Wh"}, "energy.gpu_energy_wh: '8.4 Wh' is no number"),
        ({"energy__gpu_energy_wh": True}, "'True' is no number"),
        ({"energy__gpu_energy_wh": [8.4]}, "energy.gpu_energy_wh: is no number"),
        ({"energy__cpu_energy_wh": -1}, "energy.cpu_energy_wh: '-1' is below zero"),
        ({"energy": [1]}, "energy: is no object"),
        ({"energy__error": True}, "energy.error: 'True' is no text"),
        ({"summary": 3}, "summary: is no object"),
        ({"summary__total_prompts": 11}, "11 is not 8 successful and 2 failed"),
        ({"config__model": 3}, "config.model: '3' is no text"),
        ({"config__model": "a b"}, "config.model: "),
    ],
)
def test_a_report_that_cannot_be_believed_is_refused(problem, changes, words):
    assert words in problem(foreign.energy_report(**changes))


def test_an_id_without_organisation_is_an_id(reports):
    (report,) = reports(foreign.energy_report(config__model="gpt2"))
    assert report.imported.model_id == "gpt2"
    assert report.run_id.startswith("imported_gpt2_")


# ---------------------------------------------------------------- optimum-benchmark


def optimum(**efficiency):
    phase = {"energy": {"unit": "kWh", "cpu": 0.01, "ram": 0.005, "gpu": 0.1, "total": 0.115}}
    return {"forward": phase | ({"efficiency": efficiency} if efficiency else {})}


def test_the_number_of_samples_is_the_users_or_that_of_the_efficiency_or_unknown(reports):
    told = {"unit": "samples/kWh", "value": 1000 / 0.115}
    (report,) = reports(optimum(**told))
    assert (report.summary.total_prompts, report.summary.successful_prompts) == (1000, None)
    assert report.summary.wh_per_1000_queries == pytest.approx(100)
    (report,) = reports(optimum(**told), samples=500)
    assert report.summary.wh_per_1000_queries == pytest.approx(200)
    (report,) = reports(optimum())
    assert (report.summary.total_prompts, report.summary.wh_per_1000_queries) == (None, None)
    assert any("--samples" in note for note in report.imported.notes)
    (report,) = reports(optimum(unit="samples/kWh", value=3.5 / 0.115))
    assert report.summary.total_prompts is None


def test_cpu_and_ram_by_phase_are_added_up_and_make_carbon(reports):
    report = optimum()
    report["preprocess"] = report["forward"]
    (found,) = reports(report)
    assert found.summary.cpu_energy_wh.mean == pytest.approx(20)
    assert found.summary.ram_energy_wh.mean == pytest.approx(10)
    assert found.carbon.emissions_g == pytest.approx(230 / 1000 * 475)
    for value in (0, -1, None, "x", True, 10**17):
        other = json.loads(json.dumps(report))
        other["forward"]["energy"]["cpu"] = value
        (found,) = reports(other)
        assert found.summary.cpu_energy_wh is None
        assert found.carbon is None


def test_a_phase_with_measures_alone_has_no_cpu_energy(reports):
    phase = optimum()["forward"]
    (found,) = reports({"forward": {"measures": [phase["energy"]] * 2}})
    assert found.summary.gpu_energy_wh.mean == pytest.approx(100)
    assert found.summary.cpu_energy_wh is None


# ---------------------------------------------------------------- CodeCarbon


def test_a_tracker_has_energies_in_wh_and_no_score(reports):
    (report,) = reports(emissions(), model_id="org/model", samples=10)
    imported, summary = report.imported, report.summary
    assert (imported.format, imported.model_id) == ("codecarbon", "org/model")
    assert (imported.gpu_name, imported.gpu_count) == ("1 x NVIDIA H100 80GB HBM3", 1)
    assert summary.gpu_energy_wh.mean == pytest.approx(8.4)
    assert (summary.cpu_energy_wh.mean, summary.ram_energy_wh.mean) == (1.25, 0.5)
    assert (summary.total_prompts, summary.wh_per_1000_queries) == (10, None)
    assert summary.total_duration_seconds is None
    assert report.carbon.emissions_g == pytest.approx(10.15 / 1000 * 475)
    assert "summary.gpu_energy_wh" in imported.cannot_tell
    assert "loading" in imported.scope


def test_rows_of_one_tracker_are_sums_of_which_the_last_counts(reports, problem):
    rows = [
        foreign.emissions_row(duration=30.0, gpu_energy=0.002),
        foreign.emissions_row(run_id="other"),
        foreign.emissions_row(),
    ]
    found = reports(emissions(*rows))
    assert [report.imported.row for report in found] == [3, 2]
    assert found[0].summary.gpu_energy_wh.mean == pytest.approx(8.4)
    assert "row 1 is an earlier sum" in " ".join(found[0].imported.notes)
    assert "less than in an earlier row" in problem(emissions(rows[2], rows[0]))


def test_a_tracker_without_gpu_has_no_gpu_energy(reports):
    (report,) = reports(emissions(foreign.emissions_row(gpu_energy=0.0, gpu_count="")))
    assert report.summary.gpu_energy_wh is None
    assert report.imported.gpu_count is None
    assert report.verdict.reasons == ("imported", "gpu_energy_not_measured")


def test_kwh_that_are_wh_are_seen(reports):
    (report,) = reports(emissions(foreign.emissions_row(gpu_energy=8.4)))
    assert report.verdict.reasons == ("imported", "implausible_power")


def test_what_codecarbon_itself_writes_is_read(tmp_path, monkeypatch):
    codecarbon = pytest.importorskip("codecarbon")
    monkeypatch.chdir(tmp_path)
    tracker = codecarbon.OfflineEmissionsTracker(
        country_iso_code="USA", output_dir=str(tmp_path), log_level="error"
    )
    tracker.start()
    math.factorial(20_000)
    tracker.stop()
    energies = tracker.final_emissions_data
    found = read_all([tmp_path / "emissions.csv"], Given(model_id="org/model"))
    assert found.problems == ()
    (report,) = (run.report for run in found.runs)
    assert report.summary.ram_energy_wh.mean == pytest.approx(1000 * energies.ram_energy)
    assert report.finished_at == energies.timestamp


# ---------------------------------------------------------------- what the user adds


def test_the_user_says_what_the_file_does_not(reports):
    given = {
        "model_class": "B",
        "task": "text_generation",
        "reasoning_state": "Off",
    }
    (report,) = reports(foreign.energy_report(), **given)
    assert {name: getattr(report.imported, name) for name in given} == given
    assert report.run_id.startswith("imported_openai_gpt-oss-20b_Off_")


def test_a_folder_as_the_models_name_gives_way_to_the_users_word(reports):
    (report,) = reports(foreign.energy_report(config__model="/models/x"), model_id="org/x")
    assert report.imported.model_id == "org/x"


@pytest.mark.parametrize(
    ("flag", "value", "words"),
    [
        ("--model", "org/other", "it says 'openai/gpt-oss-20b', and --model says 'org/other'"),
        ("--class", "C", "it says 'B', and --class says 'C'"),
        ("--task", "summarization", "--task says 'summarization'. Leave --task out"),
        ("--reasoning-state", "off", "it says 'On (High)', and --reasoning-state says 'Off'"),
        ("--samples", "50", "it says '10', and --samples says '50'"),
        ("--task", "poetry", "error: --task: 'poetry' is not a task"),
        ("--model", "a b/c", "error: --model: "),
        ("--model", " ", "error: --model: the value is empty"),
        ("--reasoning-state", "Maybe", "error: --reasoning-state: 'Maybe' is not a reasoning"),
    ],
)
def test_the_user_cannot_say_something_else_than_the_file(written, capsys, flag, value, words):
    assert main(["import", str(written(master())), flag, value]) == 2
    told = capsys.readouterr()
    assert words in told.err
    assert told.out == ""
    assert len(told.err.splitlines()) == 1


def test_what_the_user_says_again_is_no_contradiction(written):
    flags = ["--model", "openai/gpt-oss-20b", "--class", "B", "--samples", "10"]
    assert main(["import", str(written(master())), *flags]) == 0


def test_the_view_names_run_figures_findings_and_what_is_not_told(written, capsys):
    rows = [foreign.master_row(), foreign.failed_row("no \x1b[31mGPU")]
    assert main(["import", str(written(master(*rows)))]) == 0
    first, second = capsys.readouterr().out.split("\n\n")
    assert "results, row 1: flagged (imported; samples_failed)" in first
    assert "GPU 8.4 Wh, CPU – Wh" in first
    assert "1050 Wh of GPU energy per 1,000 queries, of passes over 10 samples" in first
    assert "run: openai/gpt-oss-20b, class B, text_generation, On (High)" in first
    assert "samples_failed: 2 of 10 prompts had failed" in first
    assert "cannot tell: applied, " in first
    assert "results, row 2: failed (no " in second
    assert "\x1b" not in second
    implausible = foreign.master_row(gpu_energy_wh="0.0084")
    assert main(["import", str(written(master(implausible)))]) == 0
    assert "score: no figure" in capsys.readouterr().out


def test_reports_of_runs_of_ours_have_to_be_whole(reports):
    """What an import may leave out, a run of ours may not."""
    (report,) = reports(master())
    content = report.model_dump(mode="json") | {"imported": None, "started_at": "x"}
    for missing in ("a whole summary", "the times of its run", "the hash of its spec"):
        changes = {"finished_at": None} if "times" in missing else {}
        if "hash" in missing:
            changes = {"outcome": "failed", "failure": {"kind": "x", "message": "", "remedy": ""}}
        with pytest.raises(ValueError, match=missing):
            RunReport.model_validate(content | changes)
