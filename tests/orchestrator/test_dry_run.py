"""A dry run shows what is doubtful about the rows it would run, and is no failure."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.batch import run_batch
from orchestrator.errors import UsageError
from tests.support import catalogs
from tests.support.settings import settings

ROWS = (
    "deepseek-ai/DeepSeek-R1,1,A,text_gen,Off,enable_thinking=False",
    "google/gemma-3-1b-it,1,A,text_gen,On,",
    "zai-org/GLM-4.6,1,A,text_gen,Off (N/A),",
    "Qwen/Qwen3-0.6B,1,A,text_gen,On (High),",
    "org/model,1,A,text_gen,On,",
)
ROOT = Path(__file__).resolve().parents[2]
STATE, NOTE = "Reasoning State", "Chat Template"


@pytest.fixture
def dry_run(tmp_path, capsys):
    """Gives the exit code and what was printed."""
    catalog = catalogs.write(tmp_path / "mine.csv", *ROWS)

    def run(*flags, as_json=False):
        made = settings(
            *("--csv", str(catalog), "--output-dir", str(tmp_path / "results")),
            *("--backend", "simulated", "--engine", "process", *flags),
        )
        code = run_batch(made, dry_run=True, as_json=as_json)
        assert not (tmp_path / "results").exists()
        return code, capsys.readouterr().out

    return run


def doubts(plan):
    """The warnings about the catalog; there may be some about the machine."""
    return [warning for warning in plan["warnings"] if "mine.csv" in warning["where"]]


def places(tmp_path, *expected):
    return [f"{tmp_path}/mine.csv, line {line}, column {column}" for line, column in expected]


def test_the_doubts_about_the_rows_are_shown_with_their_lines(dry_run, tmp_path):
    code, text = dry_run()
    assert code == 0
    start = f"warning: {tmp_path}"
    warnings = [line for line in text.splitlines() if line.startswith(start)]
    for place, warning in zip(
        places(tmp_path, (2, STATE), (2, NOTE), (3, STATE), (4, STATE)), warnings, strict=True
    ):
        assert warning.startswith(f"warning: {place}: ")
    assert "deepseek-ai/DeepSeek-R1 cannot stop reasoning" in warnings[0]
    assert "google/gemma-3-1b-it cannot reason" in warnings[2]
    assert f"skipped: {tmp_path}/mine.csv, line 5: Qwen/Qwen3-0.6B: 'On (High)'" in text
    assert "4 runs planned, 1 rows skipped" in text


def test_only_the_chosen_rows_are_doubted(dry_run, tmp_path):
    code, text = dry_run("--model-name", "gemma", as_json=True)
    plan = json.loads(text)
    assert code == 0
    assert [doubt["where"] for doubt in doubts(plan)] == places(tmp_path, (3, STATE))
    assert doubts(plan)[0]["remedy"] == "Write Off (N/A)."
    (planned,) = plan["runs"]
    assert (planned["reasoning_effective"], planned["reasoning_enforced"]) == ("none", False)


def test_a_sound_row_has_no_doubts(dry_run):
    code, text = dry_run("--model-name", "org/model", as_json=True)
    assert code == 0
    assert doubts(json.loads(text)) == []


def test_gpus_that_no_row_takes_are_refused(dry_run, tmp_path):
    rows = ("org/two,1,C,text_gen,Off,2", "org/any,1,C,text_gen,Off,", "org/b,1,B,text_gen,Off,")
    header = "Models to Add,Priority (1=hi),Class,Task,Reasoning State,GPUs"
    (tmp_path / "mine.csv").write_text("\n".join((header, *rows)))
    for flags in (("3",), ("3", "--model-name", "any"), ("2", "--model-name", "two")):
        assert dry_run("--gpus-per-run", *flags)[0] == 0
    for flags in (("3", "--model-name", "two"), ("2", "--class", "B")):
        with pytest.raises(UsageError, match=rf"--gpus-per-run {flags[0]}: is for class C rows"):
            dry_run("--gpus-per-run", *flags)


def test_a_column_that_is_not_read_is_named_before_the_sweep(tmp_path, capsys):
    header = catalogs.HEADER + ",Revison"
    catalog = catalogs.write(tmp_path / "mine.csv", catalogs.GOOD + ",0123abc", header=header)
    made = settings("--csv", str(catalog), "--backend", "simulated", "--engine", "process")
    assert run_batch(made, dry_run=True, as_json=False) == 0
    said = capsys.readouterr().out
    assert f"warning: {catalog}: the column 'Revison' is not read" in said
    assert "Did you mean 'Revision'?" in said


def test_the_table_fits_a_narrow_terminal_and_keeps_the_forecast(tmp_path):
    catalog = catalogs.write(tmp_path / "mine.csv", f"org/{'n' * 60}-7B,1,A,text_gen,Off,")
    master, slave = pty.openpty()
    command = [sys.executable, "batch_runner.py", "--csv", str(catalog), "--dry-run"]
    command += ["--backend", "simulated", "--engine", "process", "--output-dir", str(tmp_path)]
    size = {"COLUMNS": "80", "LINES": "24", "NO_COLOR": "1", "TERM": "dumb"}
    subprocess.run(command, cwd=ROOT, stdout=slave, check=True, env=os.environ | size)
    os.close(slave)
    screen = os.read(master, 65_536).decode().splitlines()
    os.close(master)
    heading, row = screen[:2]
    assert heading.split() == ["run_id", "GPUs", "time", "GPU", "energy", "what", "happens"]
    assert "12 s (11-23)" in row
    table = screen[: next(n for n, line in enumerate(screen) if line.startswith("forecast"))]
    assert sum(line.count("n") for line in table[1:]) >= 60
    assert max(map(len, table)) <= 80
