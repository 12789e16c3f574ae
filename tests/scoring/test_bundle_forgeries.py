"""What `verify` catches: every changed byte, and forgeries whose manifest was written anew."""

import json
import random
import shutil
import subprocess

import pytest

from benchmark_core.energy_files import energy_texts
from benchmark_core.power_trace import format_row, parse_row
from benchmark_core.report.run_report import RunReport
from benchmark_core.statistics import summarize
from orchestrator.master_columns import COLUMNS
from orchestrator.master_table import row
from orchestrator.run_folder import RunFolder
from orchestrator.run_record import read_record
from scoring.bundles.manifest import MANIFEST_FILE, SIGNATURE_FILE
from scoring.bundles.signature import PROGRAM, sign
from scoring.editions.file import write_edition
from scoring.editions.freezing import freeze
from scoring.ratings import rate
from scoring.results_table import read_rows
from scoring.submission.gathering import Wanted, gather
from scoring.submission.identity import Identity
from scoring.submission.submitting import Submission, write_bundle
from scoring.verification.bundle import verify_bundle
from scoring.verification.checks import CHECKS, ROW
from scoring.verification.row_cells import COUNTS, ENERGIES, ON_TRUST, WORDS
from tests.scoring.test_ratings import table
from tests.scoring.test_stars_command import rows as table_rows
from tests.support.builders import NOW
from tests.support.forgery import (
    codes,
    flipped,
    forged,
    members_of,
    mutated,
    passes,
    write_members,
)
from tests.support.recorded_run import Shape, record_run

RUN = "org_model_Off"
BY_ANOTHER = "energy by optimum-benchmark"
RUN_FOLDER = f"runs/{RUN}/"
REPORT, TRACE = f"{RUN_FOLDER}benchmark_report.json", f"{RUN_FOLDER}power_trace.csv"
SAMPLES, OUTCOME = f"{RUN_FOLDER}benchmark_results.csv", f"{RUN_FOLDER}outcome.json"
MUTANTS = 50


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    """Of one official run, with an edition in which it has one star of five."""
    folder = tmp_path_factory.mktemp("bundle")
    record_run(folder / "results", Shape(samples=1000, repetitions=10))
    rivals = table_rows("1", "1.5", "2.2")
    own = read_rows(folder / "results" / "master_results.csv")
    rows = [*own, *read_rows(table(folder, *rivals))]
    edition = folder / "edition.json"
    write_edition(edition, freeze("2026-12", "2026-12", rate(rows)))
    wanted = Wanted(folder / "results", (RUN,), edition=edition)
    gathered = gather(wanted, Identity())
    assert gathered.problems == []
    found = write_bundle(Submission(folder / "true.zip", "Ann Example", NOW), gathered)
    assert found.failed == []
    return folder / "true.zip"


@pytest.fixture(scope="module")
def members(bundle):
    return members_of(bundle)


def report_of(members):
    return json.loads(members[REPORT])


def with_report(members, report):
    return {**members, REPORT: json.dumps(report).encode()}


def derived_anew(members, report, folder):
    """A report with everything that is derived from it: summary, verdict, files and row."""
    repetitions = RunReport.model_validate(report).repetitions
    summary = summarize(repetitions, report["applied"]["samples_used"])
    report["summary"] = json.loads(summary.model_dump_json())
    factor = report["carbon"]["factor_g_per_kwh"]
    parts = (summary.gpu_energy_wh, summary.cpu_energy_wh, summary.ram_energy_wh)
    report["carbon"]["emissions_g"] = sum(part.mean for part in parts) / 1000 * factor
    whole = RunReport.model_validate(report)
    changed = with_report(members, report)
    for name, text in energy_texts(whole).items():
        changed[RUN_FOLDER + name] = text.encode()
    place = folder / "anew" / RUN
    place.mkdir(parents=True)
    for name, text in changed.items():
        if name.startswith(RUN_FOLDER) and name.count("/") == 2:
            (place / name.removeprefix(RUN_FOLDER)).write_bytes(text)
    cells = row(read_record(RunFolder(place)))
    lines = (",".join(cells), ",".join(cells.values()))
    changed["master_results.csv"] = ("\n".join(lines) + "\n").encode()
    return changed


def test_an_honest_bundle_is_verified_and_says_what_it_does_not_tell(bundle):
    found = verify_bundle(bundle)
    assert found.failed == []
    assert [one.what for one in found.not_checked] == [
        "who made the bundle",
        "the edition 2026-12",
        "the class A of org_model_Off, in which it is rated",
    ]
    assert "stars by the edition 2026-12" in found.holds
    # Nothing of reasoning and of another program's files is there to be looked at.
    points = [name for name in CHECKS if name not in ("reasoning tokens", BY_ANOTHER)]
    assert [*points, ROW] == [
        name.removeprefix(f"{RUN}: ") for name in found.holds if name.startswith(RUN)
    ]


@pytest.fixture(scope="module")
def signed(members, tmp_path_factory):
    """With a signature of the manifest, where OpenSSH is there to make one."""
    if shutil.which(PROGRAM) is None:
        return members
    key = tmp_path_factory.mktemp("key") / "key"
    make = [PROGRAM, "-q", "-t", "ed25519", "-N", "", "-f", key]
    subprocess.run(make, check=True)
    return {**members, SIGNATURE_FILE: sign(members[MANIFEST_FILE], key)}


def test_a_flipped_byte_of_any_file_is_found_and_named(signed, tmp_path):
    chance, members = random.Random(8), signed
    assert len(members) == 14 + (SIGNATURE_FILE in members)
    for name, text in members.items():
        for place in (0, len(text) // 2, len(text) - 1, chance.randrange(len(text))):
            changed = {**members, name: flipped(text, place)}
            path = write_members(tmp_path / "flipped.zip", changed)
            try:
                named = " ".join(point.where for point in verify_bundle(path).failed)
            except Exception as refusal:  # noqa: BLE001 - which it is stands in the next line
                assert type(refusal).__name__ == "ScoringError", refusal
                named = str(refusal)
            assert name in named, (name, place)


def test_no_mutant_passes_and_none_is_an_error_of_ours(members, tmp_path):
    for seed in range(MUTANTS):
        changed = mutated(members, random.Random(seed))
        if changed != members:
            path = write_members(tmp_path / "mutant.zip", changed)
            assert not passes(path), f"seed {seed}"


def test_mutants_with_a_manifest_of_their_own_end_in_words(members, tmp_path):
    for seed in range(MUTANTS):
        changed = mutated(members, random.Random(1000 + seed))
        changed = forged({**changed, MANIFEST_FILE: members[MANIFEST_FILE]})
        passes(write_members(tmp_path / "mutant.zip", changed))


def test_bytes_flipped_in_the_zip_file_itself_end_in_words(bundle, members, tmp_path):
    text = bundle.read_bytes()
    path = tmp_path / "flipped.zip"
    for seed in range(MUTANTS):
        chance = random.Random(seed)
        # Half of them in the directory at the end.
        start = chance.choice((0, len(text) - 1200))
        path.write_bytes(flipped(text, chance.randrange(start, len(text)), chance.randrange(8)))
        if passes(path):
            assert members_of(path) == members, f"seed {seed}"


# ------------------------------------------------------------------ consistent forgeries


def scaled(report, factor):
    for repetition in report["repetitions"]:
        for window in repetition["windows"]:
            window["reading"]["gpu_joules"] *= factor
            by_device = window["reading"]["gpu_joules_by_device"]
            by_device.update({name: joules * factor for name, joules in by_device.items()})
        for phase in repetition["phases"].values():
            phase["gpu_joules"] *= factor
    return report


def of_summary(members, folder):
    report = report_of(members)
    report["summary"]["gpu_energy_wh"]["mean"] /= 2
    report["summary"]["wh_per_1000_queries"] /= 2
    return with_report(members, report)


def of_all_derived_from_windows(members, folder):
    """All that the report derives, made anew from halved windows; the trace shows them whole."""
    report = scaled(report_of(members), 0.5)
    ledger = report["ledger"]
    for entry in ledger["entries"]:
        if entry["name"][-1].isdigit():
            entry["gpu_joules"] /= 2
    windows = sum(entry["gpu_joules"] for entry in ledger["entries"])
    ledger["total_joules"] = windows + ledger["between_joules"]
    ledger["residual_joules"] = ledger["residual_share"] = 0.0
    return derived_anew(members, report, folder)


def of_windows_alone(members, folder):
    return derived_anew(members, scaled(report_of(members), 0.5), folder)


def of_windows_without_a_ledger(members, folder):
    """Halved, and the times are gone by which the trace tells the energy of each."""
    report = scaled(report_of(members), 0.5)
    report["ledger"] = report["idle"] = None
    return derived_anew(members, report, folder)


def of_the_cpu(members, folder):
    report = report_of(members)
    for repetition in report["repetitions"]:
        for window in repetition["windows"]:
            window["reading"]["cpu_joules"] /= 2
        for phase in repetition["phases"].values():
            phase["cpu_joules"] /= 2
    return derived_anew(members, report, folder)


def without_a_repetition(members, folder):
    """Left out of the report and its ledger; trace and samples still have it."""
    report = report_of(members)
    del report["repetitions"][-1]
    entries = report["ledger"]["entries"]
    report["ledger"]["entries"] = [one for one in entries if not one["name"].endswith(" 10")]
    return derived_anew(members, report, folder)


def without_samples(members, folder):
    lines = members[SAMPLES].splitlines(keepends=True)
    return {**members, SAMPLES: b"".join(lines[:1] + lines[101:])}


def with_other_tokens(members, folder):
    return {**members, SAMPLES: members[SAMPLES].replace(b",10,0.0198", b",11,0.0198", 1)}


def with_scaled_trace(members, folder):
    """Power and counter halved in the trace; the report as it was."""
    lines = members[TRACE].decode().splitlines()
    halved = [lines[0] + "\n"]
    for line in lines[1:]:
        one = parse_row(line)
        halves = {
            name: getattr(one, name) / 2 for name in ("watts", "instant_watts", "counter_joules")
        }
        halved.append(format_row(one._replace(**halves)))
    return {**members, TRACE: "".join(halved).encode()}


def with_halved_counter(members, folder):
    """Only the counter; the power readings still tell."""
    lines = members[TRACE].decode().splitlines()
    made = [lines[0] + "\n"]
    for line in lines[1:]:
        one = parse_row(line)
        made.append(format_row(one._replace(counter_joules=one.counter_joules / 2)))
    return {**members, TRACE: "".join(made).encode()}


def with_a_hole_in_the_trace(members, folder):
    lines = members[TRACE].splitlines(keepends=True)
    return {**members, TRACE: b"".join(lines[:2000] + lines[2050:])}


def without_trace(members, folder):
    return {name: text for name, text in members.items() if name != TRACE}


def with_another_verdict(members, folder):
    report = report_of(members)
    report["thermal_gate"]["settled"] = False
    return with_report(members, report)


def with_less_carbon(members, folder):
    report = report_of(members)
    report["carbon"] |= {"factor_g_per_kwh": 56.0, "emissions_g": 0.1}
    return with_report(members, report)


def with_other_settings(members, folder):
    report = report_of(members)
    report["applied"]["batch_size"] = 8
    return with_report(members, report)


def on_another_gpu(members, folder):
    report = report_of(members)
    report["environment"]["gpus"][0]["name"] = "NVIDIA A100"
    return with_report(members, report)


def with_less_at_rest(members, folder):
    report = report_of(members)
    report["idle"]["before_watts"] = 20.0
    return with_report(members, report)


def with_a_better_row(members, folder):
    header, line = members["master_results.csv"].decode().splitlines()
    cells = dict(zip(header.split(","), line.split(","), strict=True))
    cells["wh_per_1000_queries"] = "1.0"
    text = f"{header}\n{','.join(cells.values())}\n"
    return {**members, "master_results.csv": text.encode()}


def without_a_row(members, folder):
    header = members["master_results.csv"].splitlines()[0]
    return {**members, "master_results.csv": header + b"\n"}


def with_another_energy_file(members, folder):
    return {**members, f"{RUN_FOLDER}GPU_ENERGY_WH.txt": b"1.25\n"}


def of_another_run(members, folder):
    end = json.loads(members[OUTCOME]) | {"run_id": "org_other_Off"}
    return {**members, OUTCOME: json.dumps(end).encode()}


def of_a_changed_edition(members, folder):
    edition = json.loads(members["edition.json"])
    edition["groups"][0]["rows"][-1]["stars"] = 5
    return {**members, "edition.json": json.dumps(edition).encode()}


def that_failed(members, folder):
    end = json.loads(members[OUTCOME]) | {"outcome": "failed"}
    return {**members, OUTCOME: json.dumps(end).encode()}


def with_nan(members, folder):
    text = members[REPORT].replace(b'"gpu_joules": 4', b'"gpu_joules": NaN, "x": 4', 1)
    assert text != members[REPORT]
    return {**members, REPORT: text}


def with_words_for_numbers(members, folder):
    report = report_of(members)
    report["summary"]["total_prompts"] = "many"
    return with_report(members, report)


def with_a_name_told_twice(members, folder):
    """One program takes the first value of the two, another the last."""
    place = b'    "wh_per_1000_queries": '
    assert members[REPORT].count(place) == 1
    return {**members, REPORT: members[REPORT].replace(place, place + b"0.5,\n" + place)}


def with_a_second_row(members, folder):
    header, line = members["master_results.csv"].splitlines(keepends=True)
    return {**members, "master_results.csv": header + line + line}


def with_another_image(members, folder):
    return with_launch(members, image_digest="sha256:3")


def without_windows(members, folder):
    report = report_of(members)
    report["repetitions"][0]["windows"] = []
    return with_report(members, report)


def with_another_rest(members, folder):
    """Less power before the model, in the ledger and all that follows from it."""
    report = report_of(members)
    ledger = report["ledger"]
    (rest,) = (one for one in ledger["entries"] if one["name"] == "idle_before")
    less = rest["gpu_joules"] / 2
    rest["gpu_joules"] -= less
    ledger["total_joules"] -= less
    report["trace"]["counter_joules"] -= less
    report["idle"]["before_watts"] /= 2
    return derived_anew(members, report, folder)


def of_a_larger_total(members, folder):
    """The whole run took 2 % more, which was between the windows."""
    report = report_of(members)
    ledger = report["ledger"]
    more = ledger["total_joules"] * 0.02
    ledger["total_joules"] += more
    ledger["between_joules"] += more
    report["trace"]["counter_joules"] += more
    return with_report(members, report)


def with_a_spike_in_the_trace(members, folder):
    """One reading before the first window says a gigawatt; what may be off at an edge is no more
    than a GPU can draw."""
    changed = of_all_derived_from_windows(members, folder)
    report = report_of(changed)
    report["trace"]["gpus"][0]["highest_watts"] = 1e9
    lines = changed[TRACE].decode().splitlines()
    first = parse_row(lines[1])._replace(instant_watts=1e9)
    spiked = "\n".join((lines[0], format_row(first).strip(), *lines[2:], ""))
    return with_report({**changed, TRACE: spiked.encode()}, report)


def without_the_host_source(members, folder):
    changed = of_the_cpu(members, folder)
    report = report_of(changed)
    report["energy_sources"]["cpu"] = None
    return with_report(changed, report)


def without_host_lines(members, folder):
    return {name: text for name, text in members.items() if "/emissions/" not in name}


def by_a_meter_not_applied(members, folder):
    """One that leaves no trace."""
    report = report_of(members)
    report["energy_sources"]["gpu"]["meter"] = "dcgm"
    return with_report(without_trace(members, folder), report)


def on_other_gpus(members, folder):
    return with_launch(members, gpu_uuids=["GPU-0"])


def with_launch(members, **changes):
    place = f"{RUN_FOLDER}launch.json"
    return {**members, place: json.dumps(json.loads(members[place]) | changes).encode()}


def beside_another_run(members, folder):
    """The report names one that the launch does not."""
    report = report_of(members) | {"runs_beside": ["org_other_Off"]}
    return with_report(members, report)


def that_was_launched_as_a_rehearsal(members, folder):
    return with_launch(members, rehearsal=True)


def with_reasoning_that_was_not_told(members, folder):
    lines = ["repetition,sample,reasoning_tokens,answer_tokens,reasoning_ended"]
    lines += [f"1,{sample},4,6,yes" for sample in range(1, 1001)]
    return {**members, f"{RUN_FOLDER}reasoning_tokens.csv": "\n".join([*lines, ""]).encode()}


def with_lines_without_end(members, folder):
    return {**members, SAMPLES: members[SAMPLES] + members[SAMPLES].splitlines(True)[-1] * 90000}


def by_another_engine(members, folder):
    end = json.loads(members[OUTCOME]) | {"engine": "slurm"}
    return {**members, OUTCOME: json.dumps(end).encode()}


def without_a_ledger(members, folder):
    """So that nobody knows when which window was open."""
    return with_report(members, report_of(members) | {"ledger": None})


def told_as_integrated(members, folder):
    """Which allows ten times as much."""
    report = report_of(members)
    report["energy_sources"]["gpu"]["integrated"] = True
    return with_report(members, report)


def without_a_total(members, folder):
    """Then nothing has to balance, and no two meters disagree."""
    report = report_of(members)
    report["ledger"] |= {"total_joules": None, "residual_joules": None, "residual_share": None}
    return with_report(members, report)


def without_the_energy_of_loading(members, folder):
    report = report_of(members)
    (load,) = (one for one in report["ledger"]["entries"] if one["name"] == "load")
    load["gpu_joules"] = None
    return with_report(members, report)


def with_prefill_for_an_answer(members, folder):
    """The last window is the one whose time and tokens are told."""
    report = report_of(members)
    for repetition in report["repetitions"]:
        repetition["windows"].sort(key=lambda window: window["name"] == "prefill")
    return derived_anew(members, report, folder)


def with_a_window_that_runs_backwards(members, folder):
    report = report_of(members)
    (entry,) = (one for one in report["ledger"]["entries"] if one["name"] == "warm_up")
    entry["opened_at_seconds"] += entry["duration_seconds"]
    entry["duration_seconds"] *= -1
    return with_report(members, report)


def with_windows_cut_at_both_ends(members, folder):
    """Each by less than a single one may be off."""
    report = report_of(members)
    for entry in report["ledger"]["entries"]:
        if entry["name"].startswith("generate"):
            entry["opened_at_seconds"] += 0.3
            entry["duration_seconds"] -= 0.6
    return with_report(members, report)


def that_loaded_and_did_not(members, folder):
    """Rest before a model that another run had loaded is none to be told."""
    return with_report(members, report_of(members) | {"model_load_shared_with": "org_other_Off"})


def by_a_server_that_it_never_asked(members, folder):
    """Whose programs on the GPU would be no foreign ones."""
    report = report_of(members)
    report["applied"] |= {"server": "vllm 1", "server_processes": {}}
    return with_report(members, report)


def without_the_host_meter(members, folder):
    """Its lines are still there."""
    report = report_of(members)
    report["applied"]["meters"] = ["nvml"]
    report["energy_sources"] |= {"cpu": None, "ram": None}
    for repetition in report["repetitions"]:
        for window in repetition["windows"]:
            window["reading"] |= {"cpu_joules": None, "ram_joules": None}
    return with_report(members, report)


def with_a_latency_of_its_own(members, folder):
    report = report_of(members)
    for repetition in report["repetitions"]:
        repetition["windows"][-1]["latency_seconds"] = 0.0198
    return derived_anew(members, report, folder)


def with_two_lines_of_a_window(members, folder):
    """The second one would be taken."""
    place = f"{RUN_FOLDER}emissions/emissions_by_window.csv"
    return {**members, place: members[place] + members[place].splitlines(True)[-3]}


def with_a_time_that_is_no_number(members, folder):
    return {**members, SAMPLES: members[SAMPLES].replace(b",0.019800,", b",nan,", 1)}


def with_tokens_moved_from_sample_to_sample(members, folder):
    """One line has less than none, so that the sum is right."""
    head, one, other, rest = members[SAMPLES].split(b",10,0.019800", 3)
    return {
        **members,
        SAMPLES: b",0.019800".join((head + b",-90", one + b",110", other + b",10", rest)),
    }


def with_trace_lines(members, change):
    header, *lines = members[TRACE].decode().splitlines()
    made = (format_row(one) for line in lines for one in change(parse_row(line)))
    return {**members, TRACE: f"{header}\n{''.join(made)}".encode()}


def without_a_gpu(members, folder):
    """The report names one of the two that the trace has."""
    return with_trace_lines(members, lambda one: (one, one._replace(gpu=1)))


def with_a_limit_that_was_lower(members, folder):
    return with_trace_lines(members, lambda one: (one._replace(power_limit_watts=350.0),))


def with_one_column_more(members, folder):
    header, line = members["master_results.csv"].decode().splitlines()
    return {**members, "master_results.csv": f"{header},stars\n{line},5\n".encode()}


def with_a_figure_that_only_python_reads(members, folder):
    text = members["master_results.csv"].replace(b",1000,", b",1_000,", 1)
    return {**members, "master_results.csv": text}


FORGERIES = {
    without_a_ledger: {"ledger_differs"},
    told_as_integrated: {"sources_differ"},
    without_a_total: {"window_energy_differs"},
    without_the_energy_of_loading: {"window_energy_differs"},
    with_prefill_for_an_answer: {"ledger_differs"},
    with_a_window_that_runs_backwards: {"ledger_differs"},
    with_windows_cut_at_both_ends: {"trace_windows_differ"},
    that_loaded_and_did_not: {"ledger_differs"},
    by_a_server_that_it_never_asked: {"settings_differ"},
    without_the_host_meter: {"host_energy_differs"},
    with_a_latency_of_its_own: {"samples_differ"},
    with_a_time_that_is_no_number: {"evidence_impossible"},
    with_tokens_moved_from_sample_to_sample: {"evidence_impossible"},
    with_two_lines_of_a_window: {"evidence_impossible"},
    without_a_gpu: {"sources_differ"},
    with_a_limit_that_was_lower: {"sources_differ"},
    with_one_column_more: {"row_differs"},
    with_a_figure_that_only_python_reads: {"evidence_impossible"},
    of_summary: {"summary_differs", "carbon_differs", "energy_files_differ", "row_differs"},
    of_windows_alone: {"ledger_differs", "stars_differ", "idle_differs"},
    of_all_derived_from_windows: {
        *("window_energy_differs", "trace_facts_differ", "idle_differs", "stars_differ"),
    },
    of_windows_without_a_ledger: {"ledger_differs"},
    of_the_cpu: {"host_energy_differs"},
    without_a_repetition: {
        *("settings_differ", "samples_differ", "trace_windows_differ", "trace_facts_differ"),
        *("ledger_differs", "official_differs"),
    },
    without_samples: {"samples_missing"},
    with_other_tokens: {"samples_differ"},
    with_scaled_trace: {"window_energy_differs", "trace_facts_differ"},
    with_halved_counter: {"window_energy_differs"},
    with_a_hole_in_the_trace: {"trace_facts_differ"},
    with_another_rest: {"window_energy_differs"},
    of_a_larger_total: {"window_energy_differs"},
    with_a_spike_in_the_trace: {"window_energy_differs"},
    without_the_host_source: {"sources_differ", "host_energy_differs"},
    without_host_lines: {"host_energy_differs"},
    by_a_meter_not_applied: {"sources_differ", "trace_missing"},
    on_other_gpus: {"sources_differ"},
    beside_another_run: {"verdict_differs"},
    that_was_launched_as_a_rehearsal: {"rehearsal_differs"},
    with_reasoning_that_was_not_told: {"reasoning_tokens_differ"},
    with_lines_without_end: {"evidence_impossible"},
    by_another_engine: {"runs_mixed_up"},
    without_trace: {"trace_missing"},
    with_another_verdict: {"verdict_differs"},
    with_less_carbon: {"carbon_differs", "row_differs"},
    with_other_settings: {"settings_differ", "official_differs"},
    on_another_gpu: {"official_differs", "row_differs"},
    with_less_at_rest: {"idle_differs"},
    with_a_better_row: {"row_differs", "stars_differ"},
    without_a_row: {"row_missing", "stars_differ"},
    with_another_energy_file: {"energy_files_differ"},
    of_another_run: {"runs_mixed_up"},
    of_a_changed_edition: {"edition_invalid"},
    that_failed: {"document_invalid"},
    with_nan: {"document_invalid"},
    with_words_for_numbers: {"document_invalid"},
    with_a_name_told_twice: {"document_invalid"},
    with_a_second_row: {"row_differs"},
    with_another_image: {"runs_mixed_up"},
    without_windows: {"evidence_impossible"},
}


@pytest.mark.parametrize("forge", FORGERIES, ids=lambda forge: forge.__name__)
def test_a_forgery_is_caught_also_with_a_manifest_of_its_own(members, tmp_path, forge):
    path = write_members(tmp_path / "forged.zip", forged(forge(members, tmp_path)))
    found = codes(path)
    assert found >= FORGERIES[forge]
    assert not found & {"member_changed", "member_missing", "member_extra", "manifest_changed"}


def test_every_cell_of_a_row_is_looked_at_but_one():
    assert {*ENERGIES, *COUNTS, *WORDS} == set(COLUMNS) - ON_TRUST
    assert {"attempts"} == ON_TRUST


def test_what_the_evidence_leaves_open_is_said(members, tmp_path):
    """A program that was there before the model, half of a split, and a state of reasoning."""
    report = report_of(members)
    report["single_pass"] = {"prefill_wh": None, "decode_wh": 0.1, "because": None}
    report["reasoning"]["effective"] = "off"
    there = with_trace_lines(members, lambda one: (one._replace(processes=1),))
    path = write_members(tmp_path / "open.zip", forged(with_report(there, report)))
    found = verify_bundle(path)
    assert {one.code for one in found.failed} == {"row_differs"}
    assert {
        "programs on the GPUs before the model",
        "single-pass split",
        "whether the model reasoned as it was told",
    } <= {one.what for one in found.not_checked}


def test_claims_of_the_manifest_are_checked(members, tmp_path):
    manifest = json.loads(members[MANIFEST_FILE])
    (run,) = manifest["runs"]
    assert run["stars"] == 1

    def codes_with(**changes):
        return codes(write_members(tmp_path / "forged.zip", forged(members, **changes)))

    assert codes_with(runs=[run | {"stars": 5}]) == {"stars_differ"}
    assert "rehearsal_differs" in codes_with(runs=[run | {"rehearsal": True}], rehearsal=True)
    strange = write_members(tmp_path / "strange.zip", forged({**members, "runs/x.txt": b"x"}))
    assert codes(strange) == {"member_extra"}
    more = forged({**members, f"{RUN_FOLDER}benchmark_report.txt": b"5 stars"})
    assert codes(write_members(tmp_path / "more.zip", more)) == {"member_extra"}
    assert codes_with(rehearsal=True) == {"rehearsal_differs"}
    assert codes_with(runs=[run | {"official": False}]) == {"official_differs"}
    assert codes_with(runs=[run, run]) == {"runs_mixed_up"}
    assert codes_with(redacted=["model-config"]) == {"settings_differ"}
    terms = manifest["terms"] | {"points": ["data_integrity"]}
    assert codes_with(terms=terms) == {"terms_missing"}
    terms = manifest["terms"] | {"wording_sha256": "0" * 64}
    assert codes_with(terms=terms) == {"terms_missing"}
    listed = [one for one in manifest["members"] if one["name"] != SAMPLES]
    assert codes_with(members=listed) == {"member_extra"}
    assert codes_with(members=[*manifest["members"], manifest["members"][0]]) == {
        "manifest_changed"
    }


def test_a_run_that_measured_itself_has_no_part_that_only_our_meters_give(members, tmp_path):
    place = f"{RUN_FOLDER}run_spec.json"
    spec = json.loads(members[place])
    spec["backend"]["name"] = "optimum"
    path = tmp_path / "forged.zip"
    write_members(path, forged({**members, place: json.dumps(spec).encode()}))
    said = {one.what for one in verify_bundle(path).failed if one.code == "delegated_differs"}
    for name in ("ledger", "trace", "idle", "thermal_gate"):
        assert f"{name} is told, and no such run has one" in said


def test_stars_are_checked_by_another_edition_where_one_is_given(bundle, members, tmp_path):
    edition = tmp_path / "alone.json"
    write_edition(edition, freeze("alone", "2027-01", rate(read_rows(bundle.parent / "results"))))
    assert [one.code for one in verify_bundle(bundle, edition).failed] == ["stars_differ"]
    manifest = json.loads(members[MANIFEST_FILE])
    runs = [run | {"stars": None} for run in manifest["runs"]]
    without = {name: text for name, text in members.items() if name != "edition.json"}
    path = write_members(tmp_path / "without.zip", forged(without, runs=runs))
    assert verify_bundle(path, edition).failed == []
    assert "stars" in {one.what for one in verify_bundle(path).not_checked}


def test_a_forged_trace_and_report_together_pass_which_only_a_signature_can_stop(members, tmp_path):
    """The limit that the documentation states: who makes all evidence anew is not found out."""
    record_run(tmp_path / "results", Shape(watts_factor=0.5))
    gathered = gather(Wanted(tmp_path / "results", (RUN,)), Identity())
    assert gathered.problems == []
    path = tmp_path / "made_up.zip"
    assert write_bundle(Submission(path, "Mallory", NOW), gathered).failed == []
    assert passes(path)
