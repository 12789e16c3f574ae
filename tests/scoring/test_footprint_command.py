"""`scoring footprint` as a user calls it: rows in, tables, JSON and model cards out; mistakes."""

import csv
import json

import pytest
import yaml
from huggingface_hub import ModelCard

from orchestrator.master_columns import COLUMNS
from scoring.footprint.electricity import regions
from scoring.footprint.factors import facility_factor
from tests.scoring.test_ratings import GOOD, table
from tests.support.runner import ROOT
from tests.support.scoring_command import scoring

FULL = {
    "successful_prompts": "500",
    "gpu_energy_wh": "1.25",
    "gpu_energy_ci95_wh": "0.05",
    "cpu_energy_wh": "0.075",
    "ram_energy_wh": "0.1125",
    "gpu_energy_source": "measured: counter of the GPU",
    "cpu_energy_source": "measured: RAPL",
    "ram_energy_source": "estimated: 5 W for each 8 GB",
    "total_prompt_tokens": "250000",
    "total_duration_seconds": "1800",
    "gpu_count": "1",
    "gpu_name": "NVIDIA H100 80GB HBM3",
    "co2_region": "FRA",
}
COLUMNS_OF_ALL = (*GOOD, *FULL)


def full_table(folder, *rows):
    return table(folder, *(FULL | row for row in rows), columns=COLUMNS_OF_ALL)


def footprint(*arguments):
    return scoring("footprint", *arguments)


def document(*arguments):
    done = footprint(*arguments, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


def test_the_columns_it_reads_are_columns_of_the_results():
    assert set(FULL) <= set(COLUMNS)


def test_what_a_row_tells_is_taken_from_it(tmp_path):
    full_table(tmp_path, {})
    told = document(tmp_path)
    (row,) = told["rows"]
    energy = row["it_energy"]
    gpu = energy["gpu_energy"]
    ends = [gpu[end] for end in ("low", "central", "high")]
    # Half the samples were run, so everything doubles.
    assert ends == pytest.approx([2.4, 2.5, 2.6])
    assert energy["cpu_energy"]["central"] == pytest.approx(0.15)
    assert energy["ram_energy"]["central"] == pytest.approx(0.225)
    kinds = {name: part["kind"] for name, part in energy.items()}
    assert kinds == {
        "gpu_energy": "measured",
        "cpu_energy": "measured",
        "ram_energy": "estimated",
        "network_energy": "assumed",
        "storage_energy": "assumed",
    }
    assert "not given" in energy["network_energy"]["how"]
    assert (row["tasks"], row["region"], row["hardware_set"]) == (1000, "FRA", "ecologits-2025-02")
    embodied = row["amounts"]["co2e_embodied"]["central"]
    assert embodied == pytest.approx(11.826, abs=0.0005)
    used = [told["factors"][place]["name"] for place in row["factors"]]
    assert used[:3] == ["PUE", "carbon intensity, France", "WUE"]
    assert not any("CPU" in name for name in used)
    tokens = document(tmp_path, "--tokens", "1e6")
    assert tokens["rows"][0]["tasks"] == pytest.approx(2000)
    assert tokens["factors"][tokens["rows"][0]["factors"][0]]["figures"] == [
        {"value": 500000, "source": "counted in the run", "year": None}
    ]


def test_the_help_and_the_documentation_tell_the_defaults():
    shown = " ".join(footprint("--help").stdout.split())
    told = (ROOT / "docs/footprint.md").read_text()
    assert all(f"`{code}`" in told for code in regions())
    pue, wue, share = (
        facility_factor(name, name, None).range for name in ("pue", "wue", "cpu_ram_share")
    )
    assert f"1 or more (default: {pue.central})" in shown
    assert f"L/kWh (default: {wue.central})" in shown
    assert f"(default: as the run has it, or {share.central})" in shown
    assert f"the PUE is {pue.central} (range {pue.low} to {pue.high})" in told
    assert f"the WUE {wue.central} L/kWh (range {wue.low} to {wue.high})" in told


def test_rows_of_any_verdict_count_and_rehearsals_are_marked(tmp_path):
    rehearsal = {"model_name": "org/b", "rehearsal": "yes", "gpu_energy_source": "simulated: 350 W"}
    failed = {"model_name": "org/c", "error_message": "out of memory", "wh_per_1000_queries": ""}
    unmeasured = {"model_name": "org/d", "wh_per_1000_queries": "", "gpu_energy_wh": ""}
    nameless = {"model_name": " "}
    full_table(
        *(tmp_path, {"verdict": "flagged", "official": "no"}, rehearsal),
        *(failed, unmeasured, nameless),
    )
    shown = footprint(tmp_path)
    assert shown.returncode == 0
    assert "org/model Off text_gen; not official; verdict flagged; 1,000 tasks" in shown.stdout
    assert "org/b Off text_gen; REHEARSAL: nothing was measured; 1,000 tasks" in shown.stdout
    assert "Without a footprint: 3" in shown.stdout
    assert "line 6: it has no model name" in shown.stdout
    assert "org/c Off: it failed" in shown.stdout
    assert "org/d Off: it has no GPU energy" in shown.stdout
    told = document(tmp_path)
    assert [row["rehearsal"] for row in told["rows"]] == [False, True]
    assert told["rows"][1]["it_energy"]["gpu_energy"]["kind"] == "simulated"


def test_rows_that_tell_little_leave_empty_what_follows_from_it(tmp_path):
    table(tmp_path, {})
    (row,) = document(tmp_path)["rows"]
    assert row["it_energy"]["gpu_energy"]["kind"] == "reported"
    assert row["it_energy"]["gpu_energy"]["range_known"] is False
    assert row["it_energy"]["cpu_ram_energy"]["kind"] == "assumed"
    assert row["amounts"]["co2e_embodied"]["central"] is None
    tokens = document(tmp_path, "--tokens", "369139")["rows"][0]
    assert tokens["tasks"] == pytest.approx(1000)
    assert "not known: the row does not tell how long" in footprint(tmp_path).stdout


def test_published_tables_have_footprints_too(tmp_path):
    (tmp_path / "asr.csv").write_text("model,total_gpu_energy\norg/a,0.0025\n")
    (row,) = document(tmp_path, "--tasks", "2000")["rows"]
    assert row["it_energy"]["gpu_energy"]["central"] == pytest.approx(5)
    assert row["it_energy"]["gpu_energy"]["kind"] == "published"


SCENARIOS = [
    {"name": "as measured"},
    {"name": "gas", "region": "on-site-gas", "pue": 1.1},
    {"name": "given", "g_per_kwh": 28.0195, "tasks": "2e3", "hardware_set": "ecologits-0.9.1"},
]


@pytest.mark.parametrize("form", ["yaml", "csv"])
def test_scenarios_are_compared_with_the_first(tmp_path, form):
    full_table(tmp_path, {})
    path = tmp_path / f"scenarios.{form}"
    if form == "yaml":
        path.write_text(yaml.safe_dump(SCENARIOS))
    else:
        names = sorted({name for one in SCENARIOS for name in one})
        with path.open("w", newline="") as stream:
            writer = csv.DictWriter(stream, names)
            writer.writeheader()
            writer.writerows(SCENARIOS)
    arguments = (tmp_path, "--tokens", "500000", "--region", "FRA", "--what-if", path)
    first, gas, given = document(*arguments)["rows"][0]["scenarios"]
    assert (first["tasks"], gas["tasks"], given["tasks"]) == (1000, 1000, 2000)
    assert given["asked"] == {
        "tasks": 2000,
        "g_per_kwh": 28.0195,
        "hardware_set": "ecologits-0.9.1",
    }
    times = [one["times_the_first"] for one in (first, gas, given)]
    assert times[0]["total_energy"] == 1
    assert times[1]["total_energy"] == pytest.approx(1.1 / 1.2)
    assert times[1]["co2e_use"] == pytest.approx(1.1 / 1.2 * 402 / 56.039)
    assert times[1]["water_off_site"] is None
    assert times[2]["co2e_use"] == pytest.approx(2 * 0.5)
    assert times[2]["co2e_embodied"] == pytest.approx(2 * 33.352 / 11.826, rel=1e-4)
    shown = footprint(*arguments)
    assert shown.returncode == 0
    (line,) = (one for one in shown.stdout.splitlines() if one.startswith("  gas: "))
    assert "500,000 input tokens, 1,000 tasks, pue 1.1, region on-site-gas, energy" in line
    assert "GPU measured, CPU measured, RAM estimated" in line
    assert "0.9167" in shown.stdout


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.yaml", "- {name: a, pu: 1}", "scenario 1, pu: is not known. What can be said: pue."),
        ("a.yaml", "- {name: a, pue: 0.9}", "scenario 1, pue: 0.9 is not 1 or more"),
        ("a.yaml", "- {name: a, region: NO}", "region is neither text nor number"),
        ("a.yaml", "- {name: a, tasks: 1, tokens: 1}", "tasks: does not go with tokens"),
        ("a.yaml", "- {pue: 1.1}", "scenario 1: has no name"),
        ("a.yaml", "- {name: a}\n- {name: a}", "names 'a' again"),
        ("a.yaml", "name: a", "no list of scenarios"),
        ("a.yaml", "[", "cannot be read"),
        ("a.yaml", "[" * 5000, "cannot be read"),
        ("a.yaml", "[]", "has no scenario"),
        ("a.csv", "name,pue\na\n", "a.csv, line 2: has 1 cell for 2 columns"),
        ("a.csv", "name,pue\na,1,2\n", "line 2: has 3 cells for 2 columns"),
        ("missing.yaml", None, "missing.yaml: cannot be read (No such file or directory)"),
    ],
)
def test_scenarios_that_cannot_be_meant_are_refused(tmp_path, name, text, message):
    full_table(tmp_path, {})
    if text is not None:
        (tmp_path / name).write_text(text)
    refused(tmp_path, message, "--what-if", tmp_path / name)


def refused(folder, message, *arguments):
    done = footprint(folder, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert message in line


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--pue", "0.99"), "--pue: 0.99 is not 1 or more"),
        (("--pue", "nan"), "--pue: 'nan' is no number"),
        (("--wue=-1",), "--wue: -1 is not 0 or more"),
        (("--tasks", "0"), "--tasks: 0 is not above 0"),
        (("--network-wh", "2kWh"), "'2kWh' is no number. Write a number in Wh (not kWh)"),
        (("--g-per-kwh", "0.4"), "would be kg per kWh"),
        (("--cpu-ram-share", "30"), "would be a percentage"),
        (("--pue", "120"), "--pue: 120 would be a percentage. Write how many times"),
        (("--g-per-kwh", "402000"), "402000 would be mg per kWh"),
        (("--wue", "1800"), "1800 would be mL per kWh"),
        (("--model-card", ""), "--model-card : is the name of no row with a footprint"),
        (("--region", "Germania"), "no region 'Germania'. Near it: DEU (Germany)"),
        (("--region", "USB"), "USA (United States)"),
        (("--region", "?"), "There are: WORLD (World average), "),
        (("--region", "USA", "--g-per-kwh", "30"), "--region: does not go with --g-per-kwh"),
        (("--grid-source", "ademe"), "--grid-source ademe: has no figure for DEU"),
        (("--grid-source", "iea"), "'iea' is not known. Choose runs or ecologits or ademe"),
        (("--hardware-set", "h100"), "Choose ecologits-2025-02 or ecologits-0.9.1"),
        (("--tasks", "1", "--tokens", "1"), "--tasks: does not go with --tokens"),
        (("--tokens", "1"), "org/pictures: its task 'image_gen' has no text"),
        (("--model", "modle"), "no model with 'modle' in its name. It has org/model"),
        (("--model", "unmeasured"), "no row with GPU energy (org/unmeasured Off: it has no GPU"),
        (
            ("--model-card", "org/nobody"),
            "is the name of no row with a footprint. Name one of org/model",
        ),
        (("--model-card", "org/model", "--json"), "--json: does not go with --model-card"),
    ],
)
def test_mistakes_get_one_message_and_nothing_else(tmp_path, arguments, message):
    full_table(
        tmp_path,
        {"co2_region": "DEU"},
        {"model_name": "org/pictures", "task": "image_gen", "reasoning_requested": ""},
        {"model_name": "org/unmeasured", "wh_per_1000_queries": ""},
    )
    refused(tmp_path, message, *arguments)


def test_a_row_with_kwh_that_were_called_wh_is_left_out_and_the_others_stay(tmp_path):
    full_table(tmp_path, {}, {"model_name": "org/other", "wh_per_1000_queries": "0.0025"})
    told = document(tmp_path)
    assert [row["model"] for row in told["rows"]] == ["org/model"]
    (left,) = told["not_counted"]
    assert left["row"] == "org/other Off"
    assert "lie a factor of 1,000 apart (0.0025 against 2.5 Wh" in left["because"]


def test_what_looks_wrong_is_said_of_the_models_that_are_asked_for(tmp_path):
    twice = {"wh_per_1000_queries": "2500", "gpu_energy_wh": ""}
    full_table(tmp_path, {}, twice, {"model_name": "org/other"})
    suspected = "org/model: 2.5 Wh is a thousandth of the 2500 Wh"
    assert suspected in footprint(tmp_path).stderr
    assert suspected in footprint(tmp_path, "--model", "ORG/MODEL").stderr
    assert footprint(tmp_path, "--model", "other").stderr == ""
    on = {"reasoning_requested": "On", "reasoning_effective": "on"}
    full_table(tmp_path, {}, twice, twice | on | {"wh_per_1000_queries": "3"}, {"model_name": "o"})
    done = footprint(tmp_path, "--model-card", "org/model On")
    assert (done.returncode, suspected in done.stderr) == (0, True)
    assert footprint(tmp_path, "--model-card", "o Off").stderr == ""


def test_a_model_card_is_read_by_the_hub(tmp_path):
    full_table(tmp_path, {}, {"reasoning_requested": "On", "reasoning_effective": "on"})
    refused(tmp_path, "is the name of several rows. Name one of", "--model-card", "org/model")
    done = footprint(tmp_path, "--model-card", "org/model On", "--tasks", "1e6")
    assert done.returncode == 0
    told = ModelCard(done.stdout).data.to_dict()["co2_eq_emissions"]
    # 2.5 Wh x 1.15 x 1.2 x 1,000 x 56.039 g/kWh
    assert told.pop("emissions") == pytest.approx(193.335, abs=0.001)
    source = told.pop("source")
    assert "inference (1,000,000 tasks), not for training" in source
    assert "GPU measured, CPU measured, RAM estimated" in source
    assert told == {"geographical_location": "France", "hardware_used": "1 x NVIDIA H100 80GB HBM3"}
    assert "| GPU energy | 2,400 | 2,500 | 2,600 | Wh | measured: counter of the GPU" in done.stdout


def test_a_model_card_of_a_rehearsal_says_so_and_names_cannot_break_it(tmp_path):
    name = "org/<b>|`x`\n---\nevil: 1"
    row = {"model_name": name, "rehearsal": "yes", "gpu_name": "x\n---\ny", "co2_region": "WORLD"}
    full_table(tmp_path, row)
    done = footprint(tmp_path, "--model-card", name)
    assert done.returncode == 0
    told = ModelCard(done.stdout).data.to_dict()
    assert set(told) == {"co2_eq_emissions"}
    assert "geographical_location" not in told["co2_eq_emissions"]
    assert "REHEARSAL" in told["co2_eq_emissions"]["source"]
    assert "**REHEARSAL: nothing was measured**" in done.stdout
    assert done.stdout.splitlines().count("---") == 2
    assert "\\<b\\>\\|\\`x\\`" in done.stdout
