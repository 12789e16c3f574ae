"""The shell blocks of the documentation run as they stand, where a reader would run them."""

import csv
import os
import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmark_core.tasks.registry import TASKS
from orchestrator.catalog_file import read_catalog
from orchestrator.master_columns import COLUMNS
from tests.support.hub_server import knowing_hub
from tests.support.pages import PAGES, ROOT, run_folder_files, shell_blocks, text
from tests.support.runner import environment
from tests.support.tiny_hub import built_hub  # noqa: F401

# `make demo` as the Makefile has it, for one row and one repetition; it runs whole by itself.
ONE_DEMO_ROW = (
    "python -m demo.tiny_zoo demo/hub && python -m demo.own_samples demo/samples\n"
    "HF_HUB_CACHE=$PWD/demo/hub HF_HUB_OFFLINE=1 python batch_runner.py --csv demo/catalog.csv"
    " --dataset-dir demo/samples --output-dir demo/results --engine process --device cpu"
    " --repetitions 1 --model-name gpt2 --reasoning-state off"
)
ONE_RUN = re.compile(
    r"(\w+=\S+ )*(\./run_docker\.sh|docker run|python -m benchmark_core) .*--config-name"
)
ENERGY = '{"energy": {"unit": "kWh", "cpu": 1e-3, "ram": 1e-3, "gpu": 1e-2, "total": 1.2e-2}}'
OLDER_REPORT = f'{{"preprocess": {ENERGY}, "prefill": {ENERGY}, "decode": {ENERGY}}}'
SUBMISSION = (
    "python -m scoring submit batch_results --run HuggingFaceTB_SmolLM3-3B_Off"
    ' --out results/bundle.zip --accept-terms "Your Name"'
)
OTHER_FORMS = {
    "./build.sh": "./build.sh --help",
    "python benchmarks/orchestration.py --rows 400": "python benchmarks/orchestration.py --help",
    "python benchmarks/many_runs.py --rows 400": "python benchmarks/many_runs.py --help",
    "python benchmarks/sweep.py": "python benchmarks/sweep.py --help",
    "python benchmarks/task_loop.py": "python benchmarks/task_loop.py --help",
    "python benchmarks/sample_memory.py": "python benchmarks/sample_memory.py --help",
    "python benchmarks/bundles.py": "python benchmarks/bundles.py --help",
    "python benchmarks/rating.py": "python benchmarks/rating.py --help",
    "benchmarks/.venv/bin/python benchmarks/meters.py": "python benchmarks/meters.py --help",
    "python benchmarks/real_gpu.py --out results/real_gpu": (
        "python benchmarks/real_gpu.py --help"
    ),
    # The page's rehearsal is what there is to draw here.
    "python -m orchestrator plot batch_results": "python -m orchestrator plot results/rehearsal",
    "python -m orchestrator preflight --preset overnight": (
        "python -m orchestrator preflight --preset overnight --backend simulated --engine process"
    ),
    # The page's sweep above them was a rehearsal into its own directory.
    **{
        f"python -m orchestrator {name} batch_results": (
            f"python -m orchestrator {name} results/rehearsal"
        )
        for name in ("status", "report", "failures")
    },
    # What is there is a rehearsal.
    SUBMISSION: f"{SUBMISSION} --not-official",
    "python -m orchestrator import ~/AIEnergyScore/batch_results --output-dir results/imported": (
        f"echo '{OLDER_REPORT}' > older.json && python -m orchestrator import older.json"
        " --model org/name --task text_gen --output-dir results/imported"
    ),
}
# Of a flag given twice the last counts.
REHEARSED = "--backend simulated --engine process --num-prompts 2 --repetitions 1"
ON_SLURM = "a test with a cluster of its own runs the block"
WITH_KEYS = "a test with keys of its own signs and verifies"
NOT_RUN = {
    "make demo": "one row of it is run by a test of its own",
    "make setup": "the tests run in the environment that it makes",
    "make optimum": "tests of the optimum backend call it",
    "pip install .": "a test of its own installs it and calls every command",
    'pip install ".[process]"': "it fetches several GB; that the extra is there is tested",
    "source .venv/bin/activate": "the tests run in that environment",
    "python3 -m venv .venv": "the tests run in that environment",
    ".venv/bin/pip install -r requirements-dev.txt": "the tests run in that environment",
    "python3 -m venv benchmarks/.venv": "an environment of several GB, for one script",
    "benchmarks/.venv/bin/pip install -r requirements.txt -r requirements-dev.txt"
    " -r benchmarks/requirements.txt": "an environment of several GB, for one script",
    "hf download org/name": "another program's, and it asks the hub",
    "hf download --repo-type dataset AIEnergyScore/text_generation": "the same",
    "dcgm-exporter -c 500": "another program's, on a host with GPUs",
    "docker ps --all --filter label=ai-energy-score.run_id": "another program's; the labels are"
    " tested with the engine",
    "python batch_runner.py --engine slurm --slurm-profile cluster.yaml --detach": ON_SLURM,
    "python -m orchestrator status": ON_SLURM,
    "python -m orchestrator collect": ON_SLURM,
    "python batch_runner.py --engine slurm --slurm-profile cluster.yaml": ON_SLURM,
    "python -m scoring submit results/night --run HuggingFaceTB_SmolLM3-3B_Off --out"
    ' results/signed.zip --accept-terms "Ann Example" --not-official --sign-key'
    " ~/.ssh/id_ed25519": WITH_KEYS,
    "python -m scoring verify results/signed.zip --allowed-signers signers.txt": WITH_KEYS,
    "make test": "it is what runs this",
    "make check": "it is run by itself, and takes a minute",
}


COMMAND = re.compile(
    r"(python3?|pip|make|docker|hf|\./\w+\.sh|ai-energy-score|dcgm-exporter) \S", re.MULTILINE
)


def form_to_run(line: str) -> str:
    """The line as it can run here. Measuring needs a GPU and the hub, so such a line rehearses."""
    command = re.sub(r"\s+# .*$", "", line).strip()
    if command in NOT_RUN:
        return ":"
    if ONE_RUN.match(command):
        return rehearsed(command)
    sweeps = ("python batch_runner.py", "ai-energy-score run")
    if command in OTHER_FORMS or not command.startswith(sweeps):
        return OTHER_FORMS.get(command, line)
    if re.search(r"--dry-run|--backend simulated|--device cpu", command):
        return line
    # With a server or another program named, a rehearsal would contradict the flags.
    return f"{command} {'--dry-run' if '--backend' in command else REHEARSED}"


def rehearsed(command: str) -> str:
    """One run without container, GPU and hub: the models of the demo run, others are rehearsed."""
    if "demo/" in command or "results/configs" in command:
        return command
    words = re.sub(r"^docker run .* ai_energy_score ", "./run_docker.sh -n 2 ", command)
    return f"BENCHMARK_BACKEND=simulated USE_DOCKER=false {words}"


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `python` and our command, and `column` where the system has none."""
    folder = tmp_path_factory.mktemp("programs")
    run = f"exec {sys.executable}"
    scripts = dict.fromkeys(("python", "python3"), f'{run} "$@"')
    scripts["ai-energy-score"] = f'{run} -m ai_energy_score "$@"'
    if shutil.which("column") is None:
        scripts["column"] = "exec cat"
    for name, line in scripts.items():
        path = folder / name
        path.write_text(f"#!/bin/sh\n{line}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return folder


@pytest.fixture
def checkout(tmp_path: Path, built_hub: Path) -> Path:  # noqa: F811
    """A copy of what a reader has after cloning, the demo's models built already to save time."""
    folder = tmp_path / "checkout"
    unwanted = shutil.ignore_patterns("__pycache__", "hub", "results", "samples", "*.whl")
    folder.mkdir()
    for name in (
        "benchmark_core",
        "orchestrator",
        "scoring",
        "demo",
        "docker",
        "benchmarks",
        "tests",
    ):
        shutil.copytree(ROOT / name, folder / name, ignore=unwanted)
    for path in ROOT.iterdir():
        if path.is_file() and path.name != ".env":
            shutil.copy(path, folder / path.name)
    shutil.copytree(built_hub, folder / "demo" / "hub")
    return folder


@pytest.fixture(scope="module")
def hub() -> Iterator[str]:
    """A hub that knows the commits of what our own catalog names."""
    models = {f"models/{row.model_id}" for row in read_catalog(ROOT / "models.csv").configs}
    datasets = {f"datasets/{task.dataset_id}" for task in TASKS.values()}
    with knowing_hub(dict.fromkeys(models | datasets, "1" * 40)) as address:
        yield address


def run(
    script: str, checkout: Path, programs: Path, **changes: str
) -> subprocess.CompletedProcess[str]:
    path = f"{programs}:{os.environ['PATH']}"
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=checkout,
        env=environment(PATH=path, HOME=str(checkout.parent), **changes),
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )


WITH_BLOCKS = [page for page in PAGES if shell_blocks(page)]


@pytest.mark.parametrize("page", WITH_BLOCKS, ids=lambda page: page.name)
def test_shell_blocks_run_as_written(page: Path, checkout: Path, programs: Path, hub: str) -> None:
    if "batch_results/" in "".join(shell_blocks(page)):
        done = run(f"python batch_runner.py --class A {REHEARSED}", checkout, programs)
        assert done.returncode == 0, done.stdout + done.stderr
    for block in shell_blocks(page):
        script = "\n".join(form_to_run(line) for line in block.splitlines())
        done = run(script, checkout, programs, HF_ENDPOINT=hub)
        assert done.returncode == 0, f"{script}\n{done.stdout}\n{done.stderr}"
    for folder in checkout.glob("**/individual_runs/*"):
        files = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
        assert files <= run_folder_files(), folder


def test_the_demo_gives_what_the_readme_shows(checkout: Path, programs: Path) -> None:
    done = run(ONE_DEMO_ROW, checkout, programs)
    assert done.returncode == 0, done.stdout + done.stderr
    results = checkout / "demo" / "results"
    with (results / "master_results.csv").open(newline="") as stream:
        (row,) = csv.DictReader(stream)
    assert (row["error_message"], row["gpu_energy_wh"], row["rehearsal"]) == ("", "", "no")
    assert int(row["total_completion_tokens"]) == 10 * int(row["successful_prompts"]) > 0
    (folder,) = results.glob("individual_runs/*")
    files = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert files <= run_folder_files()
    shown = [line.split() for line in text("README.md").splitlines()]
    (heading,) = (line for line in done.stdout.splitlines() if line.startswith("run  "))
    assert heading.split() in shown
    names = list(COLUMNS)
    assert [names[n - 1] for n in (1, 3, 4, 6, 12, 14, 15, 16, 19)] in shown


def hidden_commands(content: str) -> list[str]:
    """Lines of blocks other than shell blocks, fenced or indented, that begin with a command."""
    fence, found = "", []
    for line in content.splitlines():
        text = line.strip()
        if text.startswith("```"):
            fence = "" if fence else text
            continue
        in_block = bool(fence) or line.startswith("    ")
        if in_block and fence not in ("```bash", "```sh") and COMMAND.match(text):
            found.append(text)
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_command_stands_in_a_block_that_is_not_run(page: Path) -> None:
    assert hidden_commands(page.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("block", ["```text\nmake demo\n```\n", "    make demo\n"])
def test_a_command_that_hides_is_found_also_after_a_block_that_is_run(block: str) -> None:
    assert hidden_commands(f"```bash\nmake test\n```\nor\n\n{block}") == ["make demo"]


def test_the_lines_that_are_run_otherwise_stand_in_the_documentation() -> None:
    lines = {line for page in PAGES for block in shell_blocks(page) for line in block.splitlines()}
    assert OTHER_FORMS.keys() | NOT_RUN.keys() <= lines
