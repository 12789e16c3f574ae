"""The two small energy files: one number where it was measured, else why not."""

import json

import pytest

from benchmark_core.contract import GPU_ENERGY_FILE, GPU_ENERGY_SUMMARY_FILE
from benchmark_core.energy_files import write_energy_files
from benchmark_core.report.judgement import Verdict
from benchmark_core.statistics import summarize
from tests.support import builders


def written(folder, repetitions, **changes):
    report = builders.report(
        builders.spec(),
        repetitions=tuple(repetitions),
        summary=summarize(repetitions, 4),
        **changes,
    )
    write_energy_files(folder, report)
    return json.loads((folder / GPU_ENERGY_SUMMARY_FILE).read_text())


def test_a_measured_run_leaves_its_number(tmp_path):
    summary = written(tmp_path, [builders.repetition()])
    assert float((tmp_path / GPU_ENERGY_FILE).read_text()) == summary["total"]
    assert summary["total"] == pytest.approx(101 / 3600)
    assert "not_measured_because" not in summary


def test_an_invalid_run_leaves_no_number_that_somebody_could_use(tmp_path):
    reasons = ("foreign_process_during", "samples_failed")
    verdict = Verdict(verdict="invalid", reasons=reasons)
    summary = written(tmp_path, [builders.repetition()], verdict=verdict)
    assert not (tmp_path / GPU_ENERGY_FILE).exists()
    assert summary["total"] is None
    assert [summary[f"{name}_wh"] for name in ("preprocess", "prefill", "decode")] == [None] * 3
    assert (summary["verdict"], summary["verdict_reasons"]) == ("invalid", list(reasons))
    assert summary["not_measured_because"] == (
        "the figures are invalid: foreign_process_during, samples_failed"
    )


def test_a_flagged_run_keeps_its_number_beside_the_reasons(tmp_path):
    verdict = Verdict(verdict="flagged", reasons=("throttled",))
    summary = written(tmp_path, [builders.repetition()], verdict=verdict)
    assert float((tmp_path / GPU_ENERGY_FILE).read_text()) == summary["total"]
    assert (summary["verdict"], summary["verdict_reasons"]) == ("flagged", ["throttled"])


@pytest.mark.parametrize(
    ("repetition", "because"),
    [
        (builders.repetition(decode=-2.0), "a repetition has zero or less GPU energy for decode"),
        (builders.repetition(decode=None), "the GPU energy meter gave no figure"),
    ],
)
def test_an_unmeasured_run_leaves_the_reason_and_no_number(tmp_path, repetition, because):
    summary = written(tmp_path, [builders.repetition(), repetition])
    assert not (tmp_path / GPU_ENERGY_FILE).exists()
    assert summary["total"] is None
    assert summary["decode_wh"] is None
    assert summary["prefill_wh"] == pytest.approx(10 / 3600)
    assert summary["not_measured_because"].startswith(because)
