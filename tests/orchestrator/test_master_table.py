"""The table that users' one-liners count on: 19 columns first, no quoting, nothing made up."""

import csv
import json
import random
import shutil
import subprocess
from datetime import date

import pytest

from benchmark_core.contract import BackendSpec, GpuRest, ModelSpec
from benchmark_core.reasoning.states import parse_state
from benchmark_core.report.carbon import Carbon
from benchmark_core.report.environment import Environment
from benchmark_core.report.gpu_facts import GpuFacts
from benchmark_core.report.judgement import Failure, Official, Verdict
from benchmark_core.report.ledger import Ledger
from benchmark_core.report.repetition import Repetition
from benchmark_core.report.rest import IdleBaseline, ThermalGate
from benchmark_core.report.spread import Spread
from benchmark_core.report.token_counts import TokenCounts
from benchmark_core.report.trace_facts import GpuConditions, SinglePass, TraceFacts
from benchmark_core.statistics import summarize
from orchestrator.__main__ import main as orchestrator_main
from orchestrator.errors import HostError
from orchestrator.master_columns import COLUMNS
from orchestrator.master_table import MasterTable, cell
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
    def add_run(
        run_id="org_model_Off",
        outcome="finished",
        message="",
        report=True,
        verdict=None,
        **changes,
    ):
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
                    verdict=verdict,
                    finished_at=builders.NOW,
                    log_file="x.log",
                    engine="process",
                ),
            )
        return folder

    return add_run


@pytest.fixture
def add_picture(add):
    """A run whose inputs are no texts and which generates none."""

    def add_run():
        changes = {
            "task": "object_detection",
            "reasoning": None,
            "limits": None,
            "precision": "float32",
            "model": ModelSpec(id="org/finder"),
            "backend": BackendSpec(name="pytorch"),
        }
        whole = builders.window("forward", 2.0, 90.0)
        whole = whole.model_copy(update={"tokens": TokenCounts(prompt=None, completion=0)})
        once = Repetition(
            windows=(builders.window("preprocess", 0.5, 10.0), whole),
            phases={"preprocess": builders.phase(10.0), "forward": builders.phase(90.0)},
        )
        spec = builders.spec(run_id="org_finder", **changes)
        report = builders.report(
            spec,
            applied=builders.applied(spec, kind="forward"),
            repetitions=(once, once),
            summary=summarize([once, once], 4),
        )
        add(run_id="org_finder", report=report, **changes)

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


def test_what_has_no_tokens_has_empty_cells_for_them(add_picture, rows):
    add_picture()
    (row,) = rows()
    assert row["task"] == "object_detection"
    assert row["model_class"] == row["reasoning_state"] == ""
    for column in ("total_tokens", "total_prompt_tokens", "tokens_per_joule"):
        assert row[column] == "", column
    assert row["throughput_tokens_per_second"] == ""
    assert row["total_completion_tokens"] == "0"
    assert float(row["gpu_energy_wh"]) == pytest.approx(100 / 3600)
    assert float(row["preprocess_wh"]) == pytest.approx(10 / 3600)
    assert float(row["forward_wh"]) == pytest.approx(90 / 3600)
    assert row["prefill_wh"] == row["decode_wh"] == row["call_wh"] == ""


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


@pytest.mark.parametrize("rehearsal", [True, False])
def test_a_real_model_that_failed_says_whether_its_gpus_were_simulated(directory, rows, rehearsal):
    asked = builders.spec(run_id="a_model_Off", backend=BackendSpec(name="pytorch"))
    folder, launch = directory.folder(asked.run_id), builders.launch(rehearsal=rehearsal)
    folder.prepare(asked, launch)
    folder.record(asked, launch, builders.outcome(asked, "failed"))
    (row,) = rows()
    assert row["rehearsal"] == ("yes" if rehearsal else "no")


# What a row says of conditions and second figures, by column.
FURTHER = {
    "official": "no",
    "official_deviations": "gpu: not an H100; repetitions: 2",
    "gpu_energy_ci95_wh": "0.03",
    "prefill_single_pass_wh": "0.001",
    "decode_single_pass_wh": "0.009",
    "repetitions": "2",
    "repetitions_asked": "2",
    "stopped_at_ci": "0.0075",
    "idle_watts_before": "71.5",
    "idle_watts_after": "118.0",
    "active_energy_wh": "0.2",
    "ledger_residual_share": "-0.0004",
    "meters_disagreement_share": "0.012",
    "trace_samples_per_second": "19.9",
    "highest_celsius": "71.0",
    "throttle_reasons": "hw_thermal; sw_power_cap",
    "thermal_gate_seconds": "12.5",
    "gpu_uuids_sha256": "0123456789abcdef; fedcba9876543210",
    "gpu_power_limit_watts": "700.0; 650.0",
    "driver_version": "550.1",
    "cuda_version": "12.4",
    "attention": "sdpa",
    "seed": "42",
    "template_sha256": "c" * 64,
    "runs_beside": "a_Off; b_On",
    "run_gpu_energy_wh": repr(1000 / 3600),
    "template_day": "2026-11-27",
}


def gpu_facts(uuid, sha256, limit):
    return GpuFacts(
        uuid=uuid,
        uuid_sha256=sha256,
        name="NVIDIA H200",
        power_limit_watts=limit,
        driver_version="550.1",
        cuda_version="12.4",
    )


def conditions(uuid, highest, throttled):
    return GpuConditions(
        uuid=uuid,
        first_celsius=40.0,
        last_celsius=60.0,
        highest_celsius=highest,
        highest_watts=600.0,
        power_limits_watts=(700.0,),
        throttled=throttled,
        foreign_before=0,
        foreign_during=0,
        foreign_after=0,
    )


def further_report(spec):
    plain = builders.report(spec)
    energy = Spread(mean=0.3, stdev=0.02, ci95=0.03)
    trace = TraceFacts(
        samples=400,
        rate_hertz=19.9,
        longest_gap_seconds=0.1,
        integrated_joules=101.2,
        counter_joules=100.0,
        disagreement=0.012,
        gpus=(
            conditions("GPU-a", 71.0, {"sw_power_cap": 0.2, "hw_slowdown": 0.0}),
            conditions("GPU-b", None, {"hw_thermal": 0.01}),
        ),
    )
    return builders.report(
        spec,
        official=Official(official=False, deviations=("gpu: not an H100", "repetitions: 2")),
        summary=plain.summary.model_copy(update={"gpu_energy_wh": energy}),
        applied=builders.applied(
            spec,
            attention="sdpa",
            seed=42,
            template_sha256="c" * 64,
            template_day=date(2026, 11, 27),
        ),
        environment=Environment(
            runner_version="1",
            python_version="3.11",
            packages={},
            gpus=(
                gpu_facts("GPU-a", "0123456789abcdef" + "0" * 48, 700.0),
                gpu_facts("GPU-b", "fedcba9876543210" + "0" * 48, 650.0),
            ),
            cpu_count=8,
        ),
        thermal_gate=ThermalGate(
            waited_seconds=12.5, settled=True, at_rest={"GPU-a": GpuRest(watts=71.5)}
        ),
        idle=IdleBaseline(before_watts=71.5, after_watts=118.0, active_energy_wh=0.2),
        ledger=Ledger(
            entries=(),
            total_seconds=60.0,
            total_joules=1000.0,
            between_joules=10.0,
            residual_joules=-0.4,
            residual_share=-0.0004,
        ),
        trace=trace,
        single_pass=SinglePass(prefill_wh=0.001, decode_wh=0.009, because=None),
        stopped_at_ci=0.0075,
        runs_beside=("a_Off", "b_On"),
    )


def test_conditions_and_second_figures_have_columns_of_their_own(add, rows):
    add(report=further_report(builders.spec()))
    (row,) = rows()
    assert {name: row[name] for name in FURTHER} == FURTHER
    assert row["gpu_name"] == "NVIDIA H200"


def test_every_deviation_of_a_rehearsal_fits_and_no_cell_is_endless(add, rows):
    deviations = tuple(f"setting {number}: asked this vs found that" for number in range(30))
    official = Official(official=False, deviations=deviations)
    endless = Official(official=False, deviations=("x" * 100_000,))
    add("a_Off", report=builders.report(builders.spec(run_id="a_Off"), official=official))
    add("b_Off", report=builders.report(builders.spec(run_id="b_Off"), official=endless))
    listed, cut = rows()
    assert listed["official_deviations"].split("; ") == list(deviations)
    assert len(cut["official_deviations"]) == 2000


def test_what_a_report_lacks_is_empty_and_never_zero(add, rows):
    add()
    (row,) = rows()
    known = {"repetitions": "2", "repetitions_asked": "2", "gpu_energy_ci95_wh": "0.0"}
    found = {name: row[name] for name in FURTHER}
    assert {name: text for name, text in found.items() if text} == known


def test_a_figure_that_was_not_measured_is_empty_beside_others_that_were(add, rows):
    report = further_report(builders.spec())
    trace = report.trace.model_copy(update={"disagreement": None, "gpus": ()})
    changed = {
        "trace": trace,
        "idle": IdleBaseline(before_watts=70.0, after_watts=None, active_energy_wh=None),
        "ledger": report.ledger.model_copy(update={"residual_share": None}),
        "single_pass": SinglePass(prefill_wh=None, decode_wh=None, because="too short"),
        "official": Official(official=True, deviations=()),
    }
    add(report=report.model_copy(update=changed))
    (row,) = rows()
    for name in (
        "meters_disagreement_share",
        "highest_celsius",
        "throttle_reasons",
        "idle_watts_after",
        "active_energy_wh",
        "ledger_residual_share",
        "prefill_single_pass_wh",
        "official_deviations",
    ):
        assert row[name] == "", name
    assert (row["official"], row["idle_watts_before"]) == ("yes", "70.0")


UNUSABLE = (
    "gpu_energy_wh",
    "co2_emissions_g",
    "tokens_per_joule",
    "avg_energy_per_prompt_wh",
    "wh_per_1000_queries",
    "gpu_energy_stdev_wh",
    "gpu_energy_ci95_wh",
    "preprocess_wh",
    "prefill_wh",
    "decode_wh",
    "prefill_single_pass_wh",
    "decode_single_pass_wh",
    "active_energy_wh",
    "gpu_joules_per_answer_token",
    "gpu_joules_per_reasoning_token",
    "run_gpu_energy_wh",
)


def test_the_time_of_a_run_is_that_between_its_start_and_its_end(add, rows):
    ended = builders.NOW.replace("03:04:05", "05:04:06")
    for name, started_at in (("a", builders.NOW), ("b", builders.NOW[:-6]), ("c", "soon")):
        edit(add(f"{name}_model_Off").outcome_path, started_at=started_at, finished_at=ended)
    add("d_model_Off")
    assert [row["run_seconds"] for row in rows()] == ["7201.0", "", "", ""]


def test_an_invalid_run_has_no_gpu_energy_and_keeps_the_rest(add, rows):
    plain = further_report(builders.spec())
    spread = Spread(mean=0.1, stdev=0.01, ci95=0.02)
    per_token = {"joules_per_answer_token": 10.1, "joules_per_reasoning_token": 3.4}
    carbon = Carbon(
        emissions_g=0.5,
        factor_g_per_kwh=475,
        region="WORLD",
        source="IEA",
        year=2019,
        basis="gpu+cpu+ram",
    )
    summary = plain.summary.model_copy(update={"cpu_energy_wh": spread, **per_token})
    for run_id, verdict in (("a_Off", "flagged"), ("b_Off", "invalid")):
        reasons = ("foreign_process_during",)
        update = {
            "run_id": run_id,
            "spec_hash": builders.spec(run_id=run_id).spec_hash(),
            "verdict": Verdict(verdict=verdict, reasons=reasons),
            "carbon": carbon,
            "summary": summary,
        }
        add(run_id, report=plain.model_copy(update=update))
    usable, invalid = rows()
    assert all(usable[name] for name in UNUSABLE)
    assert {name: invalid[name] for name in UNUSABLE} == dict.fromkeys(UNUSABLE, "")
    own = {*UNUSABLE, "run_id", "verdict", "spec_hash"}
    kept = {name: text for name, text in usable.items() if name not in own}
    assert {name: invalid[name] for name in kept} == kept
    for name in ("total_tokens", "total_duration_seconds", "cpu_energy_wh", "verdict_reasons"):
        assert invalid[name], name
    assert (invalid["outcome"], invalid["error_message"]) == ("finished", "")


@pytest.mark.parametrize(("phase", "column"), [("forward", "forward_wh"), ("call", "call_wh")])
def test_an_invalid_run_without_generation_has_no_gpu_energy_either(add, rows, phase, column):
    report = builders.report(builders.spec())
    summary = report.summary.model_copy(update={"phases_gpu_wh": {phase: 0.1}})
    verdict = Verdict(verdict="invalid", reasons=("power_limit_changed",))
    add(report=report.model_copy(update={"summary": summary, "verdict": verdict}))
    (row,) = rows()
    assert row[column] == ""


def test_a_failed_meter_can_be_filtered_by_its_reason(add, rows):
    verdict = Verdict(verdict="invalid", reasons=("counter_reset",))
    add("a_Off", "failed", "meter_failed: the counter fell", verdict=verdict)
    add("b_Off", "failed", "crash: x")
    broken, crashed = rows()
    assert (broken["verdict"], broken["verdict_reasons"]) == ("invalid", "counter_reset")
    assert broken["error_message"] == "meter_failed: the counter fell"
    assert broken["gpu_energy_wh"] == broken["official"] == broken["total_tokens"] == ""
    assert crashed["verdict"] == crashed["verdict_reasons"] == ""


OF_REASONING = (
    "reasoning_requested",
    "reasoning_effective",
    "reasoning_enforced",
    "reasoning_mechanism",
    "reasoning_tokens",
    "answer_tokens",
    "truncated_prompts",
    "gpu_joules_per_answer_token",
    "gpu_joules_per_reasoning_token",
)


def of_reasoning(row):
    return tuple(row[name] for name in OF_REASONING)


def reasoned_report(spec, verdict="valid", reasons=(), **tokens):
    repetitions = tuple(builders.repetition(**tokens) for _ in range(spec.repetitions))
    return builders.report(
        spec,
        repetitions=repetitions,
        summary=summarize(repetitions, 4),
        verdict=Verdict(verdict=verdict, reasons=reasons),
    )


@pytest.mark.parametrize(
    ("model", "state", "tokens", "expected"),
    [
        (
            "Qwen/Qwen3-0.6B",
            "On",
            {"reasoning": 30, "truncated": 1},
            ("On", "on", "yes", "template_switch", "30", "10", "1", 101 / 10, 101 / 30),
        ),
        (
            "Qwen/Qwen3-0.6B",
            "Off",
            {"reasoning": 0, "truncated": 0},
            ("Off", "off", "yes", "template_switch", "0", "40", "0", 101 / 40, None),
        ),
        (
            "openai/gpt-oss-20b",
            "Off (N/A)",
            {"reasoning": 40, "truncated": 0},
            ("Off (N/A)", "on", "no", "template_switch", "40", "0", "0", None, 101 / 40),
        ),
        (
            "google/gemma-3-4b-pt",
            "Off (N/A)",
            {"reasoning": 0, "truncated": 0},
            ("Off (N/A)", "none", "yes", "raw_text", "0", "40", "0", 101 / 40, None),
        ),
        (
            "mistralai/Magistral-Small-2507",
            "Off (N/A)",
            {},
            ("Off (N/A)", "unforced", "no", "system_message", "", "", "", None, None),
        ),
        ("org/model", "On (High)", {}, ("On (High)", *[""] * 6, None, None)),
    ],
)
def test_what_was_asked_and_told_and_came_of_it_has_columns(
    add, rows, model, state, tokens, expected
):
    asked = {"model": ModelSpec(id=model), "reasoning": parse_state(state)}
    spec = builders.spec(**asked)
    add(report=reasoned_report(spec, **tokens), **asked)
    (row,) = rows()
    *words, per_answer, per_reasoning = of_reasoning(row)
    *expected_words, of_answer, of_reasoning_token = expected
    assert words == expected_words
    assert row["reasoning_state"] == row["reasoning_requested"]
    for cell_text, joules in ((per_answer, of_answer), (per_reasoning, of_reasoning_token)):
        assert cell_text == "" if joules is None else float(cell_text) == pytest.approx(joules)


@pytest.mark.parametrize("with_report", [False, True])
def test_of_a_failed_run_only_what_was_asked_is_shown(add, rows, with_report):
    asked = {"model": ModelSpec(id="Qwen/Qwen3-0.6B"), "reasoning": parse_state("Off")}
    spec = builders.spec(**asked)
    failure = Failure(kind="reasoning_not_applied", message="no effect", remedy="Do this.")
    failed = builders.report(
        spec, outcome="failed", failure=failure, summary=None, applied=None, repetitions=()
    )
    report = failed if with_report else False
    add(outcome="failed", message="reasoning_not_applied: no effect", report=report, **asked)
    (row,) = rows()
    assert of_reasoning(row) == ("Off", *[""] * 8)


def test_a_run_without_a_stated_request_has_nothing_of_reasoning(add, rows):
    add(reasoning=None)
    (row,) = rows()
    assert of_reasoning(row) == ("",) * 9


def test_an_invalid_run_keeps_its_tokens_and_loses_their_joules(add, rows):
    asked = {"model": ModelSpec(id="Qwen/Qwen3-0.6B"), "reasoning": parse_state("On")}
    spec = builders.spec(**asked)
    report = reasoned_report(
        spec, "invalid", ("foreign_process_during",), reasoning=30, truncated=2
    )
    add(report=report, **asked)
    (row,) = rows()
    assert of_reasoning(row) == ("On", "on", "yes", "template_switch", "30", "10", "2", "", "")
