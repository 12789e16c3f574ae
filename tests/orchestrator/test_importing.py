"""Reports of the public predecessor: figures recomputed, and none from a meter that had failed."""

import copy
import json
import math
import statistics
from dataclasses import dataclass

import pytest

from benchmark_core.report.run_report import RunReport
from orchestrator.__main__ import main
from orchestrator.importing.reading import read_all
from orchestrator.importing.told_run import Given

# Student's t at 0.975 with nine degrees of freedom, from a printed table.
T_NINE = 2.262157
PREPROCESS_KWH = [5.4e-5 + 1e-6 * n for n in range(10)]
PREFILL_KWH = [0.0746 + 0.0001 * (n % 4) for n in range(10)]
DECODE_KWH = [0.1199 + 0.0002 * (n % 3) for n in range(10)]


def energy(gpu):
    return {
        "unit": "kWh",
        "cpu": gpu * 0.1,
        "ram": gpu * 0.03,
        "gpu": gpu,
        "total": gpu * 1.13,
    }


def phase(gpu, unit="samples/kWh", samples=1000):
    return {
        "memory": {"unit": "MB", "max_ram": 1213.5, "max_process_vram": 0.0},
        "latency": {"unit": "s", "count": 2, "mean": 0.51, "values": [0.5, 0.52]},
        "throughput": {"unit": unit.replace("/kWh", "/s"), "value": 12.5},
        "energy": energy(gpu),
        "efficiency": {"unit": unit, "value": samples / (gpu * 1.13) if gpu else 0.0},
    }


def newer():
    """`preprocess_dataset`, and no list of measures."""
    return {
        "load_dataset": phase(4.1e-5),
        "preprocess_dataset": phase(5.4e-5),
        "load_model": phase(6.1e-4),
        "prefill": phase(0.074682),
        "decode": phase(0.119945, "tokens/kWh"),
    }


def older(**measures):
    """`preprocess`, `per_token` without content, and ten measures of each phase."""
    all_measures = {
        "preprocess": PREPROCESS_KWH,
        "prefill": PREFILL_KWH,
        "decode": DECODE_KWH,
    } | measures
    report = {"load_model": phase(6.1e-4)}
    for name, values in all_measures.items():
        one = phase(statistics.fmean(values))
        report[name] = one | {"per_token": None, "measures": [energy(value) for value in values]}
    return report | {"per_token": None}


@pytest.fixture
def written(tmp_path):
    def write(content, name="report.json"):
        path = tmp_path / name
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    return write


@dataclass(frozen=True)
class Found:
    """What is asked of an imported report, in the places where it stands."""

    phases: tuple
    gpu_energy_wh: object
    wh_per_1000_queries: float | None
    verdict: str
    reasons: tuple
    findings: tuple
    notes: tuple


@pytest.fixture
def read(written):
    def read_one(content, samples=1000):
        (run,) = read_all([written(content)], Given(samples=samples)).runs
        summary, imported = run.report.summary, run.report.imported
        return Found(
            run.told.phases,
            summary.gpu_energy_wh,
            summary.wh_per_1000_queries,
            run.report.verdict.verdict,
            run.report.verdict.reasons,
            imported.findings,
            imported.notes,
        )

    return read_one


# ---------------------------------------------------------------- figures


def test_a_newer_report_has_its_means_in_wh_and_no_spread(read):
    report = read(newer())
    assert [(one.name, one.key) for one in report.phases] == [
        ("preprocess", "preprocess_dataset"),
        ("prefill", "prefill"),
        ("decode", "decode"),
    ]
    assert [one.gpu_wh.mean for one in report.phases] == pytest.approx([0.054, 74.682, 119.945])
    assert report.gpu_energy_wh.mean == pytest.approx(194.681, rel=1e-12)
    assert (report.gpu_energy_wh.stdev, report.gpu_energy_wh.ci95) == (None, None)
    assert report.wh_per_1000_queries == pytest.approx(194.681, rel=1e-12)
    assert (report.reasons, report.findings, report.notes) == (("imported",), (), ())


def test_an_older_report_has_spread_and_interval_over_its_measures(read):
    report = read(older())
    assert (report.verdict, report.reasons, report.findings) == ("flagged", ("imported",), ())
    prefill = report.phases[1]
    assert prefill.repetitions == 10
    assert prefill.gpu_wh.mean == pytest.approx(1000 * sum(PREFILL_KWH) / 10, rel=1e-12)
    totals = [
        1000 * sum(values) for values in zip(PREPROCESS_KWH, PREFILL_KWH, DECODE_KWH, strict=True)
    ]
    mean = sum(totals) / 10
    stdev = math.sqrt(sum((value - mean) ** 2 for value in totals) / 9)
    assert report.gpu_energy_wh.mean == pytest.approx(mean, rel=1e-9)
    assert report.gpu_energy_wh.stdev == pytest.approx(stdev, rel=1e-9)
    assert report.gpu_energy_wh.ci95 == pytest.approx(T_NINE * stdev / math.sqrt(10), rel=1e-6)


def test_loading_and_the_other_parts_are_never_counted(read):
    changed = newer()
    changed["load_model"]["energy"] = energy(99.0)
    changed["load_dataset"]["energy"] = energy(-1.0)
    changed["prefill"]["energy"]["cpu"] = 1234.0
    assert read(changed).gpu_energy_wh == read(newer()).gpu_energy_wh


@pytest.mark.parametrize("name", ["forward", "call"])
def test_tasks_that_generate_nothing_have_one_phase(read, name):
    report = read({"preprocess": phase(1e-5), name: phase(0.002)})
    assert report.gpu_energy_wh.mean == pytest.approx(2.01)
    assert report.reasons == ("imported",)


def test_a_report_may_lie_under_a_key_of_its_own(read):
    assert read({"config": {}, "report": newer()}).phases == read(newer()).phases


def test_measures_may_be_plain_numbers_in_the_unit_of_the_energy(read):
    content = older()
    for name in ("preprocess", "prefill", "decode"):
        content[name]["measures"] = [one["gpu"] for one in content[name]["measures"]]
    assert read(content).gpu_energy_wh == read(older()).gpu_energy_wh


def test_the_score_counts_the_samples_that_the_user_names(read):
    fewer = newer()
    for name in ("preprocess_dataset", "prefill"):
        fewer[name]["efficiency"]["value"] /= 20
    report = read(fewer, samples=50)
    assert report.wh_per_1000_queries == pytest.approx(20 * 194.681)
    assert report.notes == ()
    (note,) = read(fewer, samples=1000).notes
    assert "about 50 samples" in note


# ---------------------------------------------------------------- verdicts


def test_a_zero_and_its_negative_are_named_and_nothing_is_averaged(read):
    """As in public: a meter said 0 for prefill once, and once for the pass that decode is from."""
    prefill, decode = list(PREFILL_KWH), list(DECODE_KWH)
    prefill[3] = 0.0
    decode[6] = -prefill[6]
    report = read(older(prefill=prefill, decode=decode))
    assert report.verdict == "invalid"
    assert report.reasons == ("imported", "phase_not_positive")
    assert [(one.phase, one.repetition) for one in report.findings] == [
        ("prefill", 4),
        ("decode", 7),
    ]
    assert (report.gpu_energy_wh, report.wh_per_1000_queries) == (None, None)
    assert [one.gpu_wh is None for one in report.phases] == [False, True, True]


@pytest.mark.parametrize("value", [0, 0.0, -0.119945])
def test_a_mean_that_is_not_positive_is_as_bad(read, value):
    content = newer()
    content["decode"]["energy"]["gpu"] = value
    report = read(content)
    assert (report.verdict, report.gpu_energy_wh) == ("invalid", None)
    assert [(one.phase, one.repetition) for one in report.findings] == [("decode", None)]


@pytest.mark.parametrize("factor", [1.0011, 0.95, 1.1])
def test_an_energy_that_is_not_the_mean_of_its_measures_is_flagged(read, factor):
    content = older()
    content["decode"]["energy"]["gpu"] *= factor
    report = read(content)
    assert (report.verdict, report.reasons) == ("flagged", ("imported", "measures_disagree"))
    assert report.findings[0].phase == "decode"
    assert report.gpu_energy_wh == read(older()).gpu_energy_wh


def test_full_digits_are_held_to_full_digits_and_rounded_ones_are_not(read):
    content = older()
    mean = content["decode"]["energy"]["gpu"]
    content["decode"]["energy"]["gpu"] = mean * (1 + 1e-7)
    assert read(content).reasons == ("imported", "measures_disagree")
    content["decode"]["energy"]["gpu"] = round(mean, 4)
    assert content["decode"]["energy"]["gpu"] != pytest.approx(mean, rel=1e-7)
    assert read(content).reasons == ("imported",)


def test_what_was_not_measured_is_flagged_and_has_no_figure(read):
    content = newer()
    content["decode"]["energy"]["gpu"] = None
    report = read(content)
    assert report.reasons == ("imported", "gpu_energy_not_measured")
    assert (report.verdict, report.gpu_energy_wh) == ("flagged", None)
    assert report.phases[1].gpu_wh.mean == pytest.approx(74.682)
    content["decode"]["energy"] = None
    assert read(content).gpu_energy_wh is None


def test_a_sum_that_lacks_a_phase_is_no_figure(read):
    content = newer()
    del content["decode"]
    report = read(content)
    assert (report.verdict, report.reasons) == ("invalid", ("imported", "phase_missing"))
    assert report.findings[0].phase == "decode"
    assert report.gpu_energy_wh is None


def test_different_numbers_of_measures_leave_the_sum_without_a_spread(read):
    content = older()
    content["decode"].pop("measures")
    report = read(content)
    assert report.gpu_energy_wh.mean == pytest.approx(read(older()).gpu_energy_wh.mean)
    assert report.gpu_energy_wh.stdev is None
    assert "different numbers of measures" in report.notes[0]


# ---------------------------------------------------------------- refusals


def changed(*path, to):
    content = copy.deepcopy(older())
    place = content
    for part in path[:-1]:
        place = place[part]
    if to is KeyError:
        del place[path[-1]]
    else:
        place[path[-1]] = to
    return content


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (changed("prefill", "energy", "unit", to=KeyError), "prefill.energy.unit: is missing"),
        (changed("prefill", "energy", "unit", to="mJ"), "prefill.energy.unit: 'mJ' is no unit"),
        (changed("prefill", "energy", "unit", to="kwh"), "it has to be kWh"),
        (changed("decode", "measures", 2, "unit", to=KeyError), "decode.measures[2].unit: is mis"),
        (changed("decode", "energy", "gpu", to=KeyError), "decode.energy.gpu: is missing"),
        (changed("decode", "energy", "gpu", to="0.1"), "decode.energy.gpu: '0.1' is no number"),
        (changed("decode", "energy", "gpu", to=True), "'True' is no number"),
        (changed("decode", "energy", "gpu", to=float("nan")), "NaN is no number"),
        (changed("decode", "latency", to=float("-inf")), "-Infinity is no number"),
        (changed("decode", "energy", "gpu", to=10**400), "is no energy that a run can have"),
        (json.dumps(newer()).replace("0.119945", "1e999"), "is no energy that a run can have"),
        (json.dumps(newer()).replace("0.119945", "1e" + "9" * 40), "a number is too large"),
        (json.dumps(newer()).replace("0.119945", "9" * 5000), "a number is too large"),
        (changed("decode", "energy", to=0.5), "the unit of decode.energy: is missing"),
        (changed("decode", "measures", to={"a": 1}), "decode.measures: is no list of energies"),
        (changed("decode", to=[]), "decode: is no object"),
        ({"report": 3}, "report: '3' is no object"),
        ({"load_model": phase(1.0)}, "no phase to score"),
        (newer() | {"preprocess": phase(1e-5)}, "under both of its names"),
        ('{"prefill": {}, "prefill": {}}', "'prefill' stands there twice"),
        (
            "{" + "".join(f'"k{number}": 0, ' for number in range(50_000)) + '"k49999": 0}',
            "'k49999' stands there twice",
        ),
        ("[1]", "holds no JSON object"),
        ('{"prefill": ', "cannot be read as JSON"),
        ("", "is empty"),
        ({"benchmarks": 1}, "is in no format known here. It has: 'benchmarks'. Known are: ai_en"),
        ({"schema_version": 1, "run_id": "x"}, "is a report of this program"),
        ('{"a":' * 100_000, "nested too deep"),
    ],
)
def test_a_wrong_file_is_told_in_one_message(written, capsys, content, words):
    path = written(content)
    assert main(["import", str(path)]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert len(told.err.splitlines()) == 1
    assert told.err.startswith(f"error: {path}")
    assert words in told.err
    assert "Traceback" not in told.err


def test_files_that_nobody_should_read_are_refused(tmp_path, written):
    huge = tmp_path / "huge.json"
    with huge.open("wb") as stream:
        stream.truncate(64 * 2**20 + 1)
    binary = tmp_path / "binary.json"
    binary.write_bytes(b'{"prefill": "\xff"}')
    looped = tmp_path / "looped.json"
    looped.symlink_to(looped)
    for path in (huge, binary, tmp_path, tmp_path / "absent.json", looped):
        found = read_all([path], Given())
        assert found.runs == ()
        (problem,) = found.problems
        assert problem.where == str(path)
    linked = tmp_path / "linked.json"
    linked.symlink_to(written(newer()))
    assert len(read_all([linked], Given()).runs) == 1


# ---------------------------------------------------------------- the command


def test_the_table_shows_phases_score_and_reasons(written, capsys):
    prefill = [0.0, *PREFILL_KWH[1:]]
    good, bad = written(older(), "good.json"), written(older(prefill=prefill), "bad.json")
    assert main(["import", str(good), str(bad)]) == 0
    first, second = capsys.readouterr().out.split("\n\n")
    assert first.splitlines()[0] == f"{good}: flagged (imported)"
    assert first.splitlines()[1].endswith("± 95 %  repetitions")
    assert [line.split()[0] for line in first.splitlines()[2:6]] == [
        "preprocess",
        "prefill",
        "decode",
        "sum",
    ]
    assert "per 1,000 queries, of passes over 1,000 samples" in first
    assert second.splitlines()[0] == f"{bad}: invalid (imported; phase_not_positive)"
    assert second.splitlines()[3].split() == ["prefill", "–", "–", "–", "10"]
    assert "score: no figure" in second
    assert "prefill, repetition 1," in second


def test_json_has_the_reports_and_good_files_are_shown_beside_wrong_ones(written, capsys):
    good, wrong = written(older(), "good.json"), written({}, "wrong.json")
    arguments = ["import", str(wrong), str(good), "--samples", "500", "--json"]
    assert main(arguments) == 2
    told = capsys.readouterr()
    (shown,) = json.loads(told.out)["reports"]
    (run,) = read_all([good], Given(samples=500)).runs
    assert RunReport.model_validate(shown) == run.report
    assert shown["summary"]["total_prompts"] == 500
    assert shown["summary"]["phases_gpu_wh"].keys() == {"preprocess", "prefill", "decode"}
    assert str(wrong) in told.err


@pytest.mark.parametrize("samples", ["0", "-1", "1.5", "x", "9" * 400])
def test_a_number_of_samples_that_is_none_is_refused(written, capsys, samples):
    with pytest.raises(SystemExit) as ended:
        main(["import", str(written(newer())), f"--samples={samples}"])
    assert ended.value.code == 2
    assert "is no number from 1 to" in capsys.readouterr().err


def test_names_of_files_cannot_paint_the_terminal(written, capsys):
    assert main(["import", str(written(newer(), "a\x1b[31m.json"))]) == 0
    assert "\x1b" not in capsys.readouterr().out
