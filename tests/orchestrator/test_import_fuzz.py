"""Damaged results of other programs: refused or read as they stand, and never a false figure."""

import csv
import io
import json
import math
import random

import pytest

from benchmark_core.report.run_report import RunReport
from benchmark_core.report.spread import mean
from orchestrator.importing.reading import read_all
from orchestrator.importing.told_run import Given
from tests.support import foreign_results as foreign

MUTATIONS = 120
HOSTILE = (
    *("", "nan", "inf", "-inf", "1e400", "1e-400", "-1", "0", "8,4", "8.4.1", "=1+1", "@SUM(1)"),
    *("null", "true", "[]", "{}", '"', "\r\n", "\x00", "\x1b[2J", "\ufeff", "9" * 400, "1e99999"),
    *("١", "0x10", "1_000", " 8.4 ", "+8.4", "8.4e0", "N/A", "-0", ".5", "5.", "\u2028", "é" * 50),
)


def phase():
    energy = {"unit": "kWh", "cpu": 0.01, "ram": 0.002, "gpu": 0.0746, "total": 0.0866}
    efficiency = {"unit": "samples/kWh", "value": 11547.34}
    return {
        "energy": energy,
        "efficiency": efficiency,
        "measures": [dict(energy) for _ in range(3)],
    }


TEXTS = {
    "master_results": foreign.table(
        foreign.COLUMNS_21, [foreign.master_row(), foreign.failed_row("no GPU")]
    ),
    "codecarbon": foreign.table(foreign.EMISSIONS_COLUMNS, [foreign.emissions_row()]),
    "ai_energy_benchmarks": json.dumps(foreign.energy_report(), indent=1),
    "optimum_benchmark": json.dumps({"prefill": phase(), "decode": phase()}, indent=1),
}


def mutated(text, dice):
    """One to three changes: bytes lost, doubled or replaced, or a whole value."""
    for _ in range(dice.randint(1, 3)):
        start = dice.randrange(len(text) + 1)
        end = min(len(text), start + dice.randint(0, 12))
        kind = dice.randrange(5)
        if kind == 0:
            text = text[:start] + text[end:]
        elif kind == 1:
            text = text[:end] + text[start:end] + text[end:]
        elif kind == 2:
            text = text[:start] + dice.choice(HOSTILE) + text[end:]
        elif kind == 3:
            numbers = [part for part in text.replace(",", " ").split() if part[:1].isdigit()]
            text = text.replace(dice.choice(numbers or [" "]), dice.choice(HOSTILE), 1)
        else:
            text = text[:start] + chr(dice.randrange(1, 0x2FF)) + text[end:]
    return text


def told_wh(name, text, row):
    """GPU energies in Wh that stand in the text, read by other means than those under test."""
    if name in ("master_results", "codecarbon"):
        rows = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline="")))
        cells = [one for one in rows if any((cell or "").strip() for cell in one.values())]
        found = {(key or "").strip(): value for key, value in cells[row - 1].items()}
        factor, column = (1, "gpu_energy_wh") if name == "master_results" else (1000, "gpu_energy")
        return factor * float(found[column])
    document = json.loads(text.removeprefix("\ufeff"))
    if name == "ai_energy_benchmarks":
        return document["energy"]["gpu_energy_wh"]
    phases = document.get("report", document)
    energies = [
        [one["gpu"] if isinstance(one, dict) else one for one in part["measures"]]
        if part.get("measures")
        else [part["energy"]["gpu"]]
        for key, part in phases.items()
        if key in ("preprocess", "preprocess_dataset", "prefill", "decode", "forward", "call")
        and part is not None
    ]
    return 1000 * sum(sum(values) / len(values) for values in energies)


def numbers(value):
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        for part in value:
            yield from numbers(part)
    elif isinstance(value, float):
        yield value


@pytest.mark.parametrize("name", TEXTS)
def test_a_damaged_file_is_refused_or_read_as_it_stands(name, tmp_path):
    dice = random.Random(name)
    read = refused = 0
    for number in range(MUTATIONS):
        text = mutated(TEXTS[name], dice)
        path = tmp_path / f"{number}"
        path.write_bytes(text.encode())
        found = read_all([path], Given())
        assert found.runs or found.problems
        refused += not found.runs
        for problem in found.problems:
            assert str(problem).isprintable()
            assert len(str(problem)) < 1500 + len(str(path))
        for run in found.runs:
            read += 1
            report = run.report
            assert RunReport.model_validate_json(report.to_json()).to_json() == report.to_json()
            figures = list(numbers(report.model_dump()))
            assert all(math.isfinite(figure) for figure in figures)
            gpu_wh = mean(report.summary.gpu_energy_wh) if report.summary else None
            if gpu_wh is not None:
                told = told_wh(report.imported.format, text, report.imported.row)
                assert gpu_wh == pytest.approx(told, rel=1e-9), text
                assert gpu_wh > 0
            assert report.verdict is None or report.verdict.verdict != "valid"
    assert read > MUTATIONS / 20
    assert refused > MUTATIONS / 20
