"""Who may import whom, and what a command may load before it knows what it has to do."""

import ast
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from benchmark_core.names import EngineName

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("orchestrator", "benchmark_core", "scoring", "demo", "benchmarks", "tests")
HEAVY = ("torch", "transformers", "datasets", "codecarbon", "docker", "pandas", "pynvml", "rich")
HEAVY += ("matplotlib", "scipy", "diffusers", "numpy", "pyarrow", "PIL", "soundfile", "soxr")
HEAVY += ("jinja2", "httpx2", "itables", "vl_convert")

# The parts of the container side that are pure, so the host may read them.
PURE = {
    "benchmark_core",
    "benchmark_core.atomic_file",
    "benchmark_core.backend_facts",
    "benchmark_core.carbon",
    "benchmark_core.collector",
    "benchmark_core.contract",
    "benchmark_core.differences",
    "benchmark_core.documents",
    "benchmark_core.energy_files",
    "benchmark_core.evidence",
    "benchmark_core.faults",
    "benchmark_core.hub",
    "benchmark_core.idle",
    "benchmark_core.kinds",
    "benchmark_core.ledger",
    "benchmark_core.meter_facts",
    "benchmark_core.named_size",
    "benchmark_core.names",
    "benchmark_core.verdict",
    "benchmark_core.local_samples",
    "benchmark_core.official",
    "benchmark_core.power_trace",
    "benchmark_core.protocol",
    "benchmark_core.sample_folder",
    "benchmark_core.reasoning_journal",
    "benchmark_core.sample_journal",
    "benchmark_core.samples",
    "benchmark_core.simulated_time",
    "benchmark_core.serving.address",
    "benchmark_core.serving.server",
    "benchmark_core.statistics",
    "benchmark_core.terminal_text",
    "benchmark_core.trace_analysis",
    "benchmark_core.trace_energy",
    "benchmark_core.web_address",
    "benchmark_core.meters.dcgm_exporter",
    "benchmark_core.meters.nvml_facts",
    "benchmark_core.optimum.environment",
    "benchmark_core.optimum.objection",
    "benchmark_core.optimum.results",
    "benchmark_core.reasoning.facts",
    "benchmark_core.reasoning.families",
    "benchmark_core.reasoning.raw_text",
    "benchmark_core.reasoning.resolution",
    "benchmark_core.reasoning.states",
    "benchmark_core.tasks.base",
    "benchmark_core.tasks.registry",
}
PURE |= {f"benchmark_core.report.{path.stem}" for path in ROOT.glob("benchmark_core/report/*.py")}
# What the models of the report are made of.
DATA = {"benchmark_core.contract", "benchmark_core.documents", "benchmark_core.reasoning.facts"}
COMMANDS = {
    "orchestrator/__main__.py",
    "orchestrator/batch.py",
    "orchestrator/preflight/command.py",
}
VARIANT_FOLDERS = ("tasks", "backends", "meters", "reasoning")


def imports(path):
    """Every module a file imports, also inside functions: (name, at module level)."""
    tree = ast.parse(path.read_text())
    top = {id(node) for node in tree.body}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, id(node) in top
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            candidates = [f"{node.module}.{alias.name}" for alias in node.names]
            for name in candidates:
                is_module = (ROOT / (name.replace(".", "/") + ".py")).exists()
                yield (name if is_module else node.module), id(node) in top


def files(folder):
    return sorted((ROOT / folder).rglob("*.py"))


@pytest.mark.parametrize("path", files("benchmark_core"), ids=str)
def test_the_container_side_knows_nothing_of_ours_outside(path):
    ours = {name.split(".")[0] for name, _ in imports(path)} & set(PACKAGES)
    assert ours <= {"benchmark_core"}


@pytest.mark.parametrize("path", files("orchestrator"), ids=str)
def test_the_host_reads_only_the_pure_parts(path):
    core = {name for name, _ in imports(path) if name.split(".")[0] == "benchmark_core"}
    assert core <= PURE


@pytest.mark.parametrize("path", files("orchestrator"), ids=str)
def test_the_host_knows_nothing_of_the_commands_that_call_it(path):
    assert not {name for name, _ in imports(path)} & {"batch_runner", "model_config_parser"}


@pytest.mark.parametrize("path", files("orchestrator"), ids=str)
def test_only_commands_know_how_anything_is_shown(path):
    """All others know at most the protocol by which it is told."""
    where = path.relative_to(ROOT).as_posix()
    if where in COMMANDS or where.startswith("orchestrator/display/"):
        return
    known = {name for name, _ in imports(path) if name.startswith("orchestrator.display")}
    assert known <= {"orchestrator.display.base"}


@pytest.mark.parametrize("path", files("orchestrator/sweep_picture"), ids=str)
def test_what_there_is_to_see_of_a_sweep_knows_no_display_at_all(path):
    assert not any(name.startswith("orchestrator.display") for name, _ in imports(path))


@pytest.mark.parametrize("name", ["outcome", "lease", "run_folder", "run_record", "run_directory"])
def test_what_lies_in_a_folder_knows_no_engine_that_wrote_it(name):
    found = imports(ROOT / "orchestrator" / f"{name}.py")
    assert not any(one.startswith("orchestrator.engines") for one, _ in found)


@pytest.mark.parametrize("path", files("orchestrator"), ids=str)
def test_measuring_knows_nothing_of_rating(path):
    assert not {name.split(".")[0] for name, _ in imports(path)} & {"scoring"}


@pytest.mark.parametrize("path", files("scoring"), ids=str)
def test_rating_reads_results_and_the_pure_parts_alone(path):
    ours = {name for name, _ in imports(path) if name.split(".")[0] in PACKAGES}
    assert {name for name in ours if not name.startswith("scoring.")} <= PURE


@pytest.mark.parametrize(
    ("folder", "unknown"),
    [("bundles", ("submission", "verification")), ("verification", ("submission",))],
)
def test_whoever_verifies_needs_nothing_of_what_made_the_bundle(folder, unknown):
    for path in files(f"scoring/{folder}"):
        packages = {name.split(".")[1] for name, _ in imports(path) if name.startswith("scoring.")}
        assert not packages & set(unknown), path


@pytest.mark.parametrize("folder", VARIANT_FOLDERS)
def test_a_variant_knows_no_sibling_folder(folder):
    for path in files(f"benchmark_core/{folder}"):
        for name, _ in imports(path):
            parts = name.split(".")
            if parts[0] == "benchmark_core" and len(parts) > 2 and parts[1] in VARIANT_FOLDERS:
                assert parts[1] == folder, f"{path.name} imports {name}"


@pytest.mark.parametrize("path", files("benchmark_core/report"), ids=str)
def test_the_report_is_data_alone(path):
    ours = {name for name, _ in imports(path) if name.startswith("benchmark_core")}
    assert {name for name in ours if not name.startswith("benchmark_core.report.")} <= DATA


@pytest.mark.parametrize(
    ("registry", "readers"),
    [
        ("benchmark_core.backends.registry", {"measured_run.py", "delegated_run.py"}),
        ("benchmark_core.meters.registry", {"measured_run.py"}),
    ],
)
def test_a_registry_is_seen_by_those_alone_that_make_what_is_in_it(registry, readers):
    seen_by = {
        path.relative_to(ROOT / "benchmark_core").as_posix()
        for path in files("benchmark_core")
        if registry in {name for name, _ in imports(path)}
    }
    assert seen_by == readers


@pytest.mark.parametrize("path", files("benchmark_core/checkpoints"), ids=str)
def test_a_checkpoint_knows_no_task_and_no_backend(path):
    folders = {name.split(".")[1] for name, _ in imports(path) if name.count(".") > 1}
    assert not folders & set(VARIANT_FOLDERS)


@pytest.mark.parametrize("path", files("benchmark_core/backends"), ids=str)
def test_a_backend_knows_no_checkpoint(path):
    assert not any(name.startswith("benchmark_core.checkpoints") for name, _ in imports(path))


@pytest.mark.parametrize(
    "path", files("orchestrator") + files("benchmark_core") + files("scoring"), ids=str
)
def test_heavy_libraries_are_imported_where_they_are_used(path):
    if path.name in ("live.py", "live_view.py", "sweep_drawing.py", "console.py"):
        return  # what rich draws; all are themselves imported late
    top = {name.split(".")[0] for name, at_top in imports(path) if at_top}
    assert not top & set(HEAVY)


def test_no_engine_is_known_by_its_name_outside_of_engines():
    """What differs between them is a fact of the engine, or behind its line in the registry."""
    names = set(get_args(EngineName))
    for path in (path for path in files("orchestrator") if "engines" not in path.parts):
        modules = {name.split(".")[2] for name, _ in imports(path) if ".engines." in name}
        assert not modules & names, path
        compared = {
            word.value
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Compare)
            for word in ast.walk(node)
            if isinstance(word, ast.Constant) and isinstance(word.value, str)
        }
        assert not compared & names, path


def test_only_displays_print_on_the_host():
    allowed = {"__main__.py", "catalog.py"}
    for path in files("orchestrator"):
        if path.parent.name == "display" or path.name in allowed:
            continue
        calls = [
            node
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "print"
        ]
        assert not calls, path


def test_init_files_are_nearly_empty():
    for package in ("orchestrator", "benchmark_core", "scoring", "demo"):
        for path in (ROOT / package).rglob("__init__.py"):
            assert len(path.read_text().splitlines()) <= 5, path


@pytest.mark.parametrize(
    ("program", "forbidden"),
    [
        (
            "import batch_runner; batch_runner.build_parser()",
            (*HEAVY, "pydantic", "yaml", "dotenv"),
        ),
        ("import model_config_parser", (*HEAVY, "pydantic")),
        ("import ai_energy_score; ai_energy_score.build_parser()", (*HEAVY, "pydantic", "yaml")),
        ("import orchestrator.sweep, orchestrator.batch, batch_runner", HEAVY),
        ("import benchmark_core.reported_run", HEAVY),
        ("import scoring.submission.submitting, scoring.submission.gathering", HEAVY),
        ("import benchmark_core.render_command, benchmark_core.spec_completion", HEAVY),
        ("import benchmark_core.__main__ as main; main.build_parser()", (*HEAVY, "pydantic")),
        ("import benchmark_core.direct.command", (*HEAVY, "yaml", "huggingface_hub")),
    ],
)
def test_what_a_command_loads_before_it_needs_it(program, forbidden):
    check = (
        f"import sys\n{program}\n"
        f"loaded = sorted(set({list(forbidden)!r}) & set(sys.modules))\n"
        "sys.exit(', '.join(loaded) or 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", check], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
