"""What the documentation says is true: its shell blocks run, and its tables match the code."""

import argparse
import ast
import csv
import os
import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TypeGuard, get_args

import pytest

import batch_runner
import model_config_parser
from benchmark_core import contract, sample_journal
from benchmark_core.faults import RunFault
from benchmark_core.meters import codecarbon
from orchestrator import batch, settings
from orchestrator.display.results_view import SHOWN
from orchestrator.engines.base import ExitCause
from orchestrator.engines.process_group import RECORD_FILE
from orchestrator.errors import HostError, UsageError
from orchestrator.master_table import COLUMNS
from orchestrator.run_directory import ATTEMPTS_DIR, OUTCOME_FILE
from tests.support.runner import environment
from tests.support.tiny_hub import built_hub  # noqa: F401

ROOT = Path(__file__).parents[1]
OF_THE_USER = {"batch_results", "results", "rehearsal"}
PAGES = sorted(
    path
    for path in [*ROOT.glob("*.md"), *ROOT.glob("[!.]*/**/*.md")]
    if not OF_THE_USER & set(path.relative_to(ROOT).parts)
)

# `make demo` as the Makefile has it, for one row and one repetition; it runs whole by itself.
ONE_DEMO_ROW = (
    "python -m demo.tiny_models demo/hub\n"
    "HF_HUB_CACHE=$PWD/demo/hub HF_HUB_OFFLINE=1 python batch_runner.py --csv demo/catalog.csv"
    " --prompts-file demo/prompts.jsonl --output-dir demo/results --engine process --device cpu"
    " --repetitions 1 --model-name gpt2 --reasoning-state off"
)
OTHER_FORMS = {
    "./build.sh": "./build.sh --help",
    "python benchmarks/orchestration.py --rows 400": "python benchmarks/orchestration.py --help",
}
NOT_RUN = {
    "make demo": "one row of it is run by a test of its own",
    "make setup": "the tests run in the environment that it makes",
    "source .venv/bin/activate": "the tests run in that environment",
    "make test": "it is what runs this",
    "make check": "it is run by itself, and takes a minute",
}
# Flags of build.sh, docker, mypy and the benchmark script.
FOREIGN_FLAGS = {"--base", "--tag", "--no-cache", "--help", "--all", "--filter"}
FOREIGN_FLAGS |= {"--strict", "--rows"}
# Places inside a container, and the path of a page on the hub.
KNOWN_ROOTS = {"results", "inputs", "home", "run", "tmp", "dev", "tree"}
KNOWN_HOSTS = {"huggingface.co", "keepachangelog.com"}


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def section(page: str, heading: str) -> str:
    """What stands under a heading, up to the next one of any level."""
    return re.split(r"^#+ ", page.split(f"\n## {heading}\n")[1], flags=re.MULTILINE)[0]


def rows(part: str) -> list[list[str]]:
    """The cells of every table line, without headers and rulers."""
    lines = [line for line in part.splitlines() if line.startswith("|")]
    rulers = [number for number, line in enumerate(lines) if re.fullmatch(r"[|\s:-]+", line)]
    unwanted = {*rulers, *(number - 1 for number in rulers)}
    kept = (line for number, line in enumerate(lines) if number not in unwanted)
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in kept]


def coded(cells: list[str]) -> list[str]:
    """Every `word` in backquotes."""
    return [word for cell in cells for word in re.findall(r"`([^`]+)`", cell)]


# ------------------------------------------------------------------ shell blocks


def shell_blocks(page: Path) -> list[str]:
    fences = re.findall(
        r"^```(?:bash|sh)\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
    return [re.sub(r"\\\n\s*", " ", block) for block in fences]


def form_to_run(line: str) -> str:
    """The line as it can run here. Measuring needs a GPU and the hub, so such a line is planned."""
    command = re.sub(r"\s+# .*$", "", line).strip()
    if command in NOT_RUN:
        return ":"
    measures = command.startswith("python batch_runner.py") and not re.search(
        r"--dry-run|--backend simulated", command
    )
    return OTHER_FORMS.get(command) or (f"{command} --dry-run" if measures else line)


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the `python` of the environment, and `column` where the system has none."""
    folder = tmp_path_factory.mktemp("programs")
    scripts = {"python": f'exec {sys.executable} "$@"'}
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
    unwanted = shutil.ignore_patterns("__pycache__", "hub", "results", "*.whl")
    folder.mkdir()
    for name in ("benchmark_core", "orchestrator", "demo", "docker", "benchmarks"):
        shutil.copytree(ROOT / name, folder / name, ignore=unwanted)
    for path in ROOT.iterdir():
        if path.is_file() and path.name != ".env":
            shutil.copy(path, folder / path.name)
    shutil.copytree(built_hub, folder / "demo" / "hub")
    return folder


def run(script: str, checkout: Path, programs: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=checkout,
        env=environment(PATH=f"{programs}:{os.environ['PATH']}", HOME=str(checkout.parent)),
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )


WITH_BLOCKS = [page for page in PAGES if shell_blocks(page)]


@pytest.mark.parametrize("page", WITH_BLOCKS, ids=lambda page: page.name)
def test_shell_blocks_run_as_written(page: Path, checkout: Path, programs: Path) -> None:
    earlier = "--engine process --backend simulated --num-prompts 2 --repetitions 1"
    if "batch_results/" in "".join(shell_blocks(page)):
        done = run(f"python batch_runner.py --class A {earlier}", checkout, programs)
        assert done.returncode == 0, done.stdout + done.stderr
    for block in shell_blocks(page):
        script = "\n".join(form_to_run(line) for line in block.splitlines())
        done = run(script, checkout, programs)
        assert done.returncode == 0, f"{script}\n{done.stdout}\n{done.stderr}"
    for folder in checkout.glob("*/individual_runs/*"):
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
    assert " ".join(heading for heading, _, _ in SHOWN).split() in shown
    names = list(COLUMNS)
    assert [names[n - 1] for n in (1, 4, 6, 12, 14, 15, 16, 19)] in shown


def test_the_lines_that_are_run_otherwise_stand_in_the_documentation() -> None:
    lines = {line for page in PAGES for block in shell_blocks(page) for line in block.splitlines()}
    assert OTHER_FORMS.keys() | NOT_RUN.keys() <= lines


# ------------------------------------------------------------------ links and words


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_resolve_and_words_are_in_order(page: Path) -> None:
    content = page.read_text(encoding="utf-8")
    for link in re.findall(r"\]\(([^)\s]+)\)", content):
        if "://" in link:
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.is_relative_to(ROOT), f"{link} leads out of the repository"
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link
    hosts = set(re.findall(r"https?://([^/\s)`>,]+)", content))
    assert hosts <= KNOWN_HOSTS
    roots = set(re.findall(r"(?<![\w.:/~$}<>*\"'-])/(\w+)(?=[/`\s])", content))
    assert roots <= KNOWN_ROOTS
    assert not re.search(r"\bTODO\b|\bTBD\b|\bFIXME\b|(?<![\w&])#\d", content)


def test_every_decision_is_listed() -> None:
    architecture = text("docs/architecture.md")
    decisions = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    assert decisions
    assert all(f"(decisions/{page.name})" in architecture for page in decisions)


# ------------------------------------------------------------------ flags, variables, codes


def actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    return (action for action in parser._actions if action.dest != "help")


def test_every_flag_is_documented_with_choices_and_default() -> None:
    documented = {
        coded(cells[:1])[0]: cells for cells in rows(section(text("docs/running.md"), "All flags"))
    }
    known = {action.option_strings[0]: action for action in actions(batch_runner.build_parser())}
    assert documented.keys() == known.keys()
    for flag, action in known.items():
        line = " | ".join(documented[flag])
        assert all(choice in line for choice in action.choices or ()), flag
        assert not isinstance(action.default, str) or action.default in documented[flag][2], flag


def test_no_page_names_a_flag_that_does_not_exist() -> None:
    known = set(FOREIGN_FLAGS)
    for parser in (batch_runner.build_parser(), model_config_parser._flags()):
        known |= {option for action in actions(parser) for option in action.option_strings}
    for page in PAGES:
        named = re.findall(r"(?<![\w-])--[a-z][a-z-]*", page.read_text(encoding="utf-8"))
        assert set(named) <= known, page


def test_every_variable_is_documented() -> None:
    read = set()
    for name in ("settings.py", "engines/registry.py", "engines/token_file.py"):
        texts = (node.value for node in ast.walk(tree(f"orchestrator/{name}")) if is_text(node))
        read |= {value for value in texts if re.fullmatch(r"[A-Z]+(?:_[A-Z]+)+", value)}
    table = rows(section(text("docs/running.md"), "Variables and .env"))
    of_the_docker_client = {"DOCKER_HOST", "DOCKER_CONTEXT"}
    assert {coded(cells[:1])[0] for cells in table} == read | of_the_docker_client


def test_the_example_file_names_every_variable_and_changes_no_default(tmp_path: Path) -> None:
    named = set(re.findall(r"^#?([A-Z_]+)=", text(".env.example"), re.MULTILINE))
    table = rows(section(text("docs/running.md"), "Variables and .env"))
    assert named == {coded(cells[:1])[0] for cells in table if len(cells) == 3}
    (tmp_path / "empty").touch()
    made = [
        settings.from_arguments(
            batch_runner.build_parser().parse_args(["--env-file", str(path)]), {"HOME": "/x"}
        )
        for path in (tmp_path / "empty", ROOT / ".env.example")
    ]
    assert made[0] == made[1]


def test_exit_codes_are_those_of_the_code() -> None:
    codes = {int(cells[0]) for cells in rows(section(text("README.md"), "Exit codes"))}
    own = {batch.FINISHED, batch.SOME_FAILED, batch.INTERRUPTED}
    assert codes == own | {UsageError.exit_code, HostError.exit_code}
    assert codes == {int(code) for code in re.findall(r"\d+", batch_runner.EXIT_CODES)}


# ------------------------------------------------------------------ results


def test_the_columns_of_the_table_are_documented_in_order() -> None:
    table = rows(section(text("docs/results.md"), "master_results.csv"))
    assert [coded(cells[1:2])[0] for cells in table] == list(COLUMNS)
    assert [int(cells[0]) for cells in table] == list(range(1, len(COLUMNS) + 1))
    journal = rows(section(text("docs/results.md"), "benchmark_results.csv"))
    assert [coded(cells[:1])[0] for cells in journal] == list(sample_journal.COLUMNS)


def run_folder_files() -> set[str]:
    """The files of a run folder that the documentation names."""
    table = rows(section(text("docs/results.md"), "A run folder"))
    return {name for cells in table for name in coded(cells[:1]) if not name.endswith("/")}


def test_the_files_of_a_run_folder_are_those_the_code_writes() -> None:
    emissions = (codecarbon.EMISSIONS_FILE, codecarbon.WINDOWS_FILE)
    assert run_folder_files() == {
        contract.SPEC_FILE,
        contract.LAUNCH_FILE,
        contract.REPORT_FILE,
        contract.SAMPLES_FILE,
        contract.GPU_ENERGY_FILE,
        contract.GPU_ENERGY_SUMMARY_FILE,
        OUTCOME_FILE,
        RECORD_FILE,
        *(f"{contract.EMISSIONS_DIR}/{name}" for name in emissions),
    }
    assert f"`{ATTEMPTS_DIR}/1/`" in text("docs/results.md")


def test_kinds_of_error_and_reasons_for_a_flag_are_those_of_the_code() -> None:
    page = text("docs/results.md")
    documented = {coded(cells[:1])[0] for cells in rows(section(page, "Kinds of error"))}
    faults = {fault.kind for fault in RunFault.__subclasses__()}
    # What ran to its end is told by other words, and only a stopped run is ended by us.
    causes = set(get_args(ExitCause)) - {"exited", "stopped"}
    assert documented == faults | causes | first_words_returned("_fault") | {"crashed"}
    remedies = rows(section(text("docs/troubleshooting.md"), "When a run fails"))
    assert {coded(cells[:1])[0] for cells in remedies} == documented
    assert 'kind="crashed"' in text("benchmark_core/measured_run.py")
    reasons = [coded(cells[:1])[0] for cells in rows(section(page, "Reasons for a flag"))]
    assert reasons == re.findall(r'^ {8}"(\w+)":', text("benchmark_core/verdict.py"), re.MULTILINE)


def first_words_returned(function: str) -> set[str]:
    """The texts with which the tuples begin that a function of outcome.py returns."""
    (found,) = (
        node
        for node in ast.walk(tree("orchestrator/outcome.py"))
        if isinstance(node, ast.FunctionDef) and node.name == function
    )
    pairs = [node.value for node in ast.walk(found) if isinstance(node, ast.Return)]
    firsts = [pair.elts[0] for pair in pairs if isinstance(pair, ast.Tuple)]
    return {first.value for first in firsts if is_text(first)}


def tree(name: str) -> ast.Module:
    return ast.parse(text(name))


def is_text(node: ast.AST) -> TypeGuard[ast.Constant]:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)
