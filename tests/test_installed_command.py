"""`pip install .` gives one command for everything, which works without the checkout."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import ai_energy_score
from benchmark_core import VERSION
from orchestrator.engines.core_sources import hash_of_core
from tests.support.installed import SOURCES, installed  # noqa: F401
from tests.support.runner import ROOT, environment, table

SIMULATED = ("--backend", "simulated", "--engine", "process", "--num-prompts", "2")


@pytest.fixture
def call(installed: Path, tmp_path: Path):  # noqa: F811
    """Calls the installed command in an empty folder."""

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(installed / "bin" / "ai-energy-score"), *arguments],
            cwd=tmp_path,
            env=environment(HOME=str(tmp_path), COLUMNS="80"),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return run


def test_help_lists_every_command_with_a_line(call):
    done = call("--help")
    assert (done.returncode, done.stderr) == (0, "")
    for name, command in ai_energy_score.COMMANDS.items():
        assert re.search(rf"^ +{name}\s+{re.escape(command.summary)}$", done.stdout, re.MULTILINE)
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert call("--version").stdout == f"{VERSION}\n"


@pytest.mark.parametrize("name", ai_energy_score.COMMANDS)
def test_every_command_has_its_help_and_its_own_name_in_errors(call, name):
    shown = call(name, "--help")
    assert (shown.returncode, shown.stderr) == (0, "")
    assert shown.stdout.startswith(f"usage: ai-energy-score {name} [-h]")
    refused = call(name, "--nonsense")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert f"\nai-energy-score {name}: error: " in refused.stderr


@pytest.mark.parametrize(("arguments", "told"), [((), "COMMAND"), (("rnu",), "rnu")])
def test_without_a_command_or_with_a_wrong_one_the_known_ones_are_named(call, arguments, told):
    done = call(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert re.search(rf"^ai-energy-score: error: .*{told}", done.stderr, re.MULTILINE)


@pytest.mark.parametrize(
    ("command", "name"),
    [
        (["batch_runner.py"], "batch_runner.py"),
        (["model_config_parser.py"], "model_config_parser.py"),
        (["-m", "orchestrator", "plot", "x"], "python -m orchestrator plot"),
        (["-m", "benchmark_core", "run", "x"], "python -m benchmark_core run"),
    ],
)
def test_the_scripts_of_a_checkout_keep_their_names(command, name):
    done = subprocess.run(
        [sys.executable, *command, "--nonsense"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert f"\n{name}: error: unrecognized arguments: --nonsense" in done.stderr


def test_a_sweep_is_begun_measured_and_read_without_the_checkout(call, tmp_path):
    missing = call("run", "--dry-run")
    assert missing.returncode == 2
    (told,) = missing.stderr.splitlines()
    assert "ai-energy-score catalog --example > models.csv" in told
    example = call("catalog", "--example")
    assert example.stdout == (ROOT / "models.csv").read_text()
    (tmp_path / "models.csv").write_text(example.stdout)
    assert "60 rows" in call("catalog").stdout
    swept = call("run", *SIMULATED, "--repetitions", "1", "--model-name", "gpt-oss-20b")
    assert swept.returncode == 0, swept.stdout + swept.stderr
    results = tmp_path / "batch_results"
    rows = table(results)
    assert {row["outcome"] for row in rows.values()} == {"finished"}
    stood = call("status")
    assert "4 finished. No sweep is at work.\nGPU energy spent: " in stood.stdout, stood.stdout
    before = (results / "master_results.csv").read_bytes()
    (results / "master_results.csv").unlink()
    assert call("rebuild").returncode == 0
    assert (results / "master_results.csv").read_bytes() == before


def test_a_plan_is_made_without_the_checkout(call, tmp_path):
    (tmp_path / "models.csv").write_text((ROOT / "models.csv").read_text())
    done = call("run", "--dry-run", "--json", "--device", "cpu", "--model-name", "SmolLM3")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["runs"]


def test_everything_is_installed_and_the_image_would_be_recognised(installed):  # noqa: F811
    """Of tests, demo and benchmarks nothing is."""
    (site,) = installed.glob("lib/python*/site-packages")
    for name in SOURCES:
        assert names_below(site / name) == names_below(ROOT / name)
    assert hash_of_core(site / "benchmark_core") == hash_of_core()
    modules = {"ai_energy_score.py", "batch_runner.py", "model_config_parser.py"}
    (record,) = site.glob("ai_energy_score-*.dist-info/RECORD")
    tops = {re.split("[/,]", line)[0] for line in record.read_text().splitlines()}
    assert tops == {*SOURCES, *modules, record.parent.name, "..", "__pycache__"}
    metadata = (record.parent / "METADATA").read_text()
    assert "Requires-Dist: pydantic" in metadata
    torch = next(line for line in metadata.splitlines() if line.startswith("Requires-Dist: torch"))
    assert "==" in torch
    assert 'extra == "process"' in torch


def names_below(folder: Path) -> set[str]:
    files = (path for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc")
    return {path.relative_to(folder).as_posix() for path in files}
