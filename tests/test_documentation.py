"""What the documentation says is true: its links resolve, and its tables match the code."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TypeGuard, get_args

import pytest

import ai_energy_score
import batch_runner
import model_config_parser
from benchmark_core import (
    __main__ as run_command,
    contract,
    official,
    power_trace,
    reasoning_journal,
    sample_journal,
    verdict,
)
from benchmark_core.backends.base import Backend
from benchmark_core.contract import ATTEMPTS_DIR, OUTCOME_FILE, DeviceSpec
from benchmark_core.delegate import Delegate
from benchmark_core.direct import command, keys, overrides, wishes
from benchmark_core.direct.arguments import build_direct_parser
from benchmark_core.faults import RunFault
from benchmark_core.meters import codecarbon
from benchmark_core.meters.base import Meter
from benchmark_core.optimum import environment as optimum
from benchmark_core.reasoning.families import FAMILIES, Effective, Family, Mechanism, family_of
from benchmark_core.reasoning.resolution import missing_level, reasons, resolve
from benchmark_core.reasoning.states import KNOWN_STATES, parse_state
from benchmark_core.recipe import Recipe
from benchmark_core.tasks import registry as tasks
from benchmark_core.tasks.base import Task
from orchestrator import __main__ as orchestrator_command, batch
from orchestrator.engines.process_group import RECORD_FILE
from orchestrator.errors import HostError, UsageError
from orchestrator.exit import ExitCause
from orchestrator.importing.imported_report import FAILED_ELSEWHERE
from orchestrator.importing.registry import FORMATS
from orchestrator.importing.writing import SOURCE_OBJECT_FILE, SOURCE_ROW_FILE
from orchestrator.lease import JOB_FILE, LEASE_FILE
from orchestrator.master_columns import COLUMNS
from orchestrator.passed_variables import HUB_VARIABLES, PROXY_VARIABLES
from orchestrator.settings_sources import from_arguments
from orchestrator.trace_plot.plot import PLOT_FILE
from scoring import __main__ as rating_command
from scoring.commands.registry import SUMMARIES
from scoring.verification.reasons import REASONS
from tests.support import builders
from tests.support.pages import PAGES, ROOT, coded, rows, run_folder_files, section, text
from tests.support.parsers import actions, commands_of

# Flags of build.sh, docker, mypy, hf, vLLM, Slurm and the benchmark scripts.
FOREIGN_FLAGS = {"--base", "--tag", "--no-cache", "--no-deps", "--help", "--all", "--filter"}
FOREIGN_FLAGS |= {"--without-optimum", "--strict", "--rows", "--out", "--seconds", "--simulated"}
FOREIGN_FLAGS |= {"--repo-type", "--nice", "--reservation", "--exclude", "--container-image"}
FOREIGN_FLAGS |= {"--rm", "--shm-size", "--user", "--batch"}
FOREIGN_FLAGS |= {"--max-model-len", "--tensor-parallel-size", "--api-key"}
FOREIGN_FLAGS |= {"--hf-token", "--ssl-keyfile-password"}
# Packages whose modules the architecture names one by one.
TREES = (
    *("orchestrator", "orchestrator/morning", "benchmark_core", "benchmark_core/reasoning"),
    *("benchmark_core/checkpoints", "benchmark_core/serving", "benchmark_core/direct"),
    *("benchmark_core/optimum", "benchmark_core/report", "scoring", "scoring/bundles"),
    *("scoring/editions", "scoring/footprint", "scoring/label", "scoring/leaderboard"),
    *("scoring/submission", "scoring/verification"),
)
# Places inside a container, the path of a page on the hub, and words that switch reasoning.
KNOWN_ROOTS = {
    "results",
    "results2",
    "inputs",
    "home",
    "run",
    "tmp",
    "dev",
    "opt",
    "tree",
    "think",
    "no_think",
}
IMPORTING = "Importing older reports"
KNOWN_HOSTS = {"huggingface.co", "keepachangelog.com", "localhost:8000", "creativecommons.org"}


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


def test_the_tree_of_the_architecture_names_every_module() -> None:
    parts = re.findall(r"[\w*]+\.py", section(text("docs/architecture.md"), "Packages"))
    unnamed = [
        path
        for package in TREES
        for path in (ROOT / package).glob("*.py")
        if not path.name.startswith("__") and not any(path.match(part) for part in parts)
    ]
    assert unnamed == []


@pytest.mark.parametrize("interface", [Task, Recipe, Backend, Delegate, Meter])
def test_the_members_of_an_interface_are_named_where_it_is_explained(interface: type) -> None:
    named = re.findall(r"\w+", text("docs/architecture.md").split("## Adding a variant")[1])
    members = {*vars(interface), *interface.__annotations__}
    assert {name for name in members if not name.startswith("_")} <= set(named)


def test_every_decision_is_listed() -> None:
    architecture = text("docs/architecture.md")
    decisions = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    assert decisions
    assert all(f"(decisions/{page.name})" in architecture for page in decisions)


# ------------------------------------------------------------------ flags, variables, codes


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
    of_one_command = (
        *(batch_runner.build_parser(), model_config_parser.build_parser(), build_direct_parser()),
    )
    of_several = (orchestrator_command.build_parser(), run_command.build_parser())
    of_several += (ai_energy_score.build_parser(),)
    of_several += tuple(rating_command.build_parser("", [name]) for name in SUMMARIES)
    below = (command for parser in of_several for command in commands_of(parser).values())
    for parser in (*of_one_command, *of_several, *below):
        known |= {option for action in actions(parser) for option in action.option_strings}
    for page in PAGES:
        named = re.findall(r"(?<![\w-])--[a-z][a-z-]*", page.read_text(encoding="utf-8"))
        assert set(named) <= known, page


def test_every_variable_is_documented() -> None:
    read = set(HUB_VARIABLES)
    for name in ("settings_sources", "hub_token", "engines/token_file"):
        texts = (node.value for node in ast.walk(tree(f"orchestrator/{name}.py")) if is_text(node))
        read |= {value for value in texts if re.fullmatch(r"[A-Z]+(?:_[A-Z]+)+", value)}
    table = rows(section(text("docs/running.md"), "Variables and .env"))
    read.add(optimum.VARIABLE)
    of_the_docker_client = {"DOCKER_HOST", "DOCKER_CONTEXT"}
    proxies = {name for name in PROXY_VARIABLES if name.isupper()}
    assert {coded(cells[:1])[0] for cells in table} == read | of_the_docker_client | proxies


def test_the_example_file_names_every_variable_and_changes_no_default(tmp_path: Path) -> None:
    named = set(re.findall(r"^#?([A-Z_]+)=", text(".env.example"), re.MULTILINE))
    table = rows(section(text("docs/running.md"), "Variables and .env"))
    assert named == {coded(cells[:1])[0] for cells in table if len(cells) == 3}
    (tmp_path / "empty").touch()
    made = [
        from_arguments(
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


def test_the_keys_of_the_originals_commands_are_those_of_the_code() -> None:
    page = text("docs/original_commands.md")
    settable, fixed = (
        [cells for cells in rows(section(page, "Keys")) if len(cells) == columns]
        for columns in (3, 2)
    )
    assert [coded(cells[:1])[0] for cells in settable] == list(keys.SETTINGS)
    assert [coded(cells[:1])[0] for cells in fixed] == list(keys.FIXED)
    task = tasks.get("text_generation")
    for name, said in ((coded(cells[:1])[0], coded(cells[1:])) for cells in fixed):
        if said:
            assert said[0] == str(keys.FIXED[name].allowed(task)[0]).replace("None", "null"), name
    assert set(tasks.TASKS) <= set(coded([section(page, "Configs")]))
    assert set(keys.LABELS) <= set(coded([section(page, "Configs")]))
    codes = {int(cells[0]) for cells in rows(section(page, "The results"))}
    own = {command.FINISHED, command.FAILED, command.WRONG_USE, command.NOT_READY}
    assert codes == own | {command.INTERRUPTED}


@pytest.mark.parametrize(
    ("words", "change"),
    [
        ("repetitions", {"repetitions": 3}),
        ("what may end them early", {"stop_at_ci": 0.01}),
        ("meters", {"meters": ("nvml",)}),
        ("seconds at rest", {"idle_seconds": 7.0}),
        ("number of GPUs", {"device": DeviceSpec(kind="simulated", gpu_count=2)}),
    ],
)
def test_what_makes_a_row_another_is_what_the_hash_covers(
    words: str, change: dict[str, object]
) -> None:
    again = text("docs/running.md").split("*Settings* are what changes the measurement")[1]
    another, same = again.split("\n")[0].split("Where it runs")
    is_another = builders.spec(**change).spec_hash() != builders.spec().spec_hash()
    assert (words in another, words in same) == (is_another, not is_another)


def test_the_variables_of_run_docker_are_documented() -> None:
    table = rows(section(text("docs/original_commands.md"), "run_docker.sh"))
    named = {word for cells in table for word in coded(cells[:1])}
    script = text("run_docker.sh")
    assert all(f"{name}:-" in script or f" {name} " in script for name in named)
    usage = script.split("Variables: ")[1].split("\n\nExit codes")[0]
    assert named == set(re.findall(r"\b[A-Z]+(?:_[A-Z]+)+\b", usage))
    assert {wishes.BACKEND_VARIABLE, wishes.ENDPOINT_VARIABLE, command.RESULTS_VARIABLE} <= named


# ------------------------------------------------------------------ results


def test_the_columns_of_the_table_are_documented_in_order() -> None:
    table = rows(section(text("docs/results.md"), "master_results.csv"))
    assert [coded(cells[1:2])[0] for cells in table] == list(COLUMNS)
    assert [int(cells[0]) for cells in table] == list(range(1, len(COLUMNS) + 1))
    journal = rows(section(text("docs/results.md"), "benchmark_results.csv"))
    assert [coded(cells[:1])[0] for cells in journal] == list(sample_journal.COLUMNS)
    reasoning = rows(section(text("docs/results.md"), "reasoning_tokens.csv"))
    assert [coded(cells[:1])[0] for cells in reasoning] == list(reasoning_journal.COLUMNS)
    trace = rows(section(text("docs/results.md"), "power_trace.csv"))
    assert [coded(cells[:1])[0] for cells in trace] == list(power_trace.COLUMNS)
    protocol = rows(section(text("docs/methodology.md"), "Official"))
    assert [coded(cells[:1])[0] for cells in protocol] == list(official.CODES)


def test_the_files_of_a_run_folder_are_those_the_code_writes() -> None:
    emissions = (codecarbon.EMISSIONS_FILE, codecarbon.WINDOWS_FILE)
    assert run_folder_files() == {
        contract.SPEC_FILE,
        contract.LAUNCH_FILE,
        contract.REPORT_FILE,
        contract.SAMPLES_FILE,
        contract.REASONING_FILE,
        contract.TRACE_FILE,
        PLOT_FILE,
        contract.GPU_ENERGY_FILE,
        contract.GPU_ENERGY_SUMMARY_FILE,
        OUTCOME_FILE,
        RECORD_FILE,
        JOB_FILE,
        LEASE_FILE,
        SOURCE_OBJECT_FILE,
        SOURCE_ROW_FILE,
        *(f"{contract.EMISSIONS_DIR}/{name}" for name in emissions),
    }
    # What an earlier run is moved by; nothing is run where an import lies.
    measured = run_folder_files() - {SOURCE_OBJECT_FILE, SOURCE_ROW_FILE}
    entries = {name.partition("/")[0] for name in measured}
    # The picture that only --format png draws, and a folder whose files are another program's.
    assert entries | {"power_trace.png", contract.OPTIMUM_DIR} == set(contract.RUN_ENTRIES)
    assert f"`{contract.OPTIMUM_DIR}/" in text("docs/results.md")
    assert f"`{ATTEMPTS_DIR}/1/`" in text("docs/results.md")


def test_kinds_of_error_and_reasons_for_a_flag_are_those_of_the_code() -> None:
    page = text("docs/results.md")
    documented = {coded(cells[:1])[0] for cells in rows(section(page, "Kinds of error"))}
    faults = {fault.kind for fault in RunFault.__subclasses__()}
    # What ran to its end is told by other words, and only a stopped run is ended by us.
    causes = set(get_args(ExitCause)) - {"exited", "stopped"}
    ours = faults | causes | first_words_returned("_fault") | {"crashed"}
    assert documented == ours | {FAILED_ELSEWHERE}
    remedies = rows(section(text("docs/troubleshooting.md"), "When a run fails"))
    assert {coded(cells[:1])[0] for cells in remedies} == documented
    assert '"crashed"' in text("benchmark_core/reported_run.py")
    reasons = rows(section(page, "Reasons for a flag"))
    severities = {coded(cells[:1])[0]: cells[1] for cells in reasons}
    assert list(severities.items()) == list(verdict.SEVERITY.items())
    of_imports = rows(section(page, "Reasons of imported runs"))
    assert {coded(cells[:1])[0]: cells[1] for cells in of_imports} == verdict.IMPORT_SEVERITY
    severities |= verdict.IMPORT_SEVERITY
    remedies = rows(section(text("docs/troubleshooting.md"), "When a verdict is not valid"))
    assert sorted(code for cells in remedies for code in coded(cells[:1])) == sorted(severities)


def test_reasons_for_a_failed_point_are_those_of_the_code() -> None:
    table = rows(section(text("docs/submission.md"), "Reasons for a failed point"))
    assert {coded(cells[:1])[0]: cells[1] for cells in table} == REASONS
    used = "".join(path.read_text() for path in (ROOT / "scoring/verification").glob("*.py"))
    assert set(re.findall(r"(?:failed|FailedPoint)\(\s*\"(\w+)\"", used)) == set(REASONS)


def test_the_formats_and_flags_of_the_import_are_those_of_the_code() -> None:
    named = [coded(cells[:1])[0] for cells in rows(section(text("docs/running.md"), IMPORTING))]
    flags = {
        option
        for action in actions(commands_of(orchestrator_command.build_parser())["import"])
        for option in action.option_strings
    }
    assert {*named} == {*FORMATS} | flags


# ------------------------------------------------------------------ reasoning


def switches(family: Family) -> Iterator[str]:
    """The mechanisms of a family, each before what is used of it."""
    for way in family.ways or (None,):
        yield family.mechanism(way)
        sides = (way.on, way.off) if way else ()
        for side in filter(None, sides):
            yield from side.kwargs
            yield from filter(None, (side.system, side.system_file, side.user_prefix))
        if way is None and family.level_switch:
            yield family.level_switch


def test_the_table_of_families_is_that_of_the_code() -> None:
    table = rows(section(text("docs/reasoning.md"), "The table of families"))
    assert [cells[0] for cells in table] == [family.name for family in FAMILIES]
    for family, cells in zip(FAMILIES, table, strict=True):
        ids, switched = coded(cells[1:2]), coded(cells[2:3])
        assert ids
        assert all(family_of(model_id) is family for model_id in ids), ids
        assert switched == list(dict.fromkeys(switches(family))), family.name
        can_be_off = resolve(parse_state("Off"), family).effective in ("off", "none")
        marker = f"`{family.marker.end}`" if family.marker else ""
        assert cells[3:] == [
            family.unswitched,
            "yes" if can_be_off else "no",
            ", ".join(family.levels),
            marker,
            family.evidence,
        ], family.name


def test_the_cases_of_a_state_come_to_what_the_page_says() -> None:
    page = section(text("docs/reasoning.md"), "What a state asks for, and what comes of it")
    cases = rows(page)
    assert {cells[2] for cells in cases} == {*get_args(Effective), "refused"}
    for state, model_id, *said, _because in cases:
        (wording,), (name,) = coded([state]), coded([model_id])
        request, family = parse_state(wording), family_of(name)
        assert family is not None
        if missing_level(request, family):
            assert said == ["refused", "", ""]
            continue
        known = resolve(request, family)
        limits = tasks.get("text_generation").limits(reasons(name, request))
        assert limits is not None
        tokens = f"{limits.max_new_tokens}/{limits.min_new_tokens}"
        assert said == [known.effective, "yes" if known.enforced else "no", tokens], (state, name)


def test_words_and_arguments_about_reasoning_are_those_of_the_code() -> None:
    page = text("docs/reasoning.md")
    known = set(get_args(Mechanism))
    assert known <= set(coded([section(page, "The table of families").rpartition("|\n")[2]]))
    listed = dict(
        zip(COLUMNS, rows(section(text("docs/results.md"), "master_results.csv")), strict=True)
    )
    assert known <= set(coded(listed["reasoning_mechanism"]))
    assert set(get_args(Effective)) <= set(coded(listed["reasoning_effective"]))
    render = commands_of(run_command.build_parser())["render"]
    flags = {option for action in actions(render) for option in action.option_strings}
    table = rows(section(page, "What a model would be given"))
    assert {coded(cells[:1])[0] for cells in table} == flags
    keys = rows(section(page, "Overrides"))
    assert sorted(coded(cells[:1])[0] for cells in keys) == sorted(overrides.KEYS)
    catalog = text("docs/catalog.md").split("### Reasoning states")[1].split("\n## ")[0]
    assert set(coded([cell for cells in rows(catalog) for cell in cells[:1]])) == set(KNOWN_STATES)


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
