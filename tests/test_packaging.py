"""What pyproject.toml says of the project, held against the tree and the pinned versions."""

import ast
import importlib.metadata
import sys
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.test_architecture import PURE, files, imports

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
# Read by the host too, where the user's samples are looked through.
BEHIND_PURE_PARTS = {"benchmark_core.sample_parquet"}
OURS = {"orchestrator", "benchmark_core", "scoring", "batch_runner", "model_config_parser"}
# Packages that others bring along, which use them in what they return.
BROUGHT_ALONG = {
    "markupsafe": "jinja2",
    "numpy": "matplotlib",
    "requests": "docker",
    "urllib3": "docker",
}


def pins(name: str) -> dict[str, str]:
    lines = (line.partition("#")[0].strip() for line in (ROOT / name).read_text().splitlines())
    found = (Requirement(line) for line in lines if line)
    return {canonicalize_name(item.name): str(item.specifier).removeprefix("==") for item in found}


def dependencies() -> dict[str, Requirement]:
    found = map(Requirement, PROJECT["project"]["dependencies"])
    return {canonicalize_name(item.name): item for item in found}


def test_every_package_of_ours_is_listed():
    tree = {
        path.parent.relative_to(ROOT).as_posix().replace("/", ".")
        for name in ("orchestrator", "benchmark_core", "scoring")
        for path in (ROOT / name).rglob("__init__.py")
    }
    assert set(PROJECT["tool"]["setuptools"]["packages"]) == tree


def test_every_script_of_the_root_is_listed():
    scripts = {path.stem for path in ROOT.glob("*.py")}
    assert set(PROJECT["tool"]["setuptools"]["py-modules"]) == scripts


def test_dependencies_begin_at_the_versions_that_were_tried():
    pinned = pins("requirements-dev.txt")
    for name, requirement in dependencies().items():
        assert requirement.specifier.contains(pinned[name]), name
        lowest = min(item.version for item in requirement.specifier)
        parts = lowest.split(".")
        assert pinned[name].split(".")[: len(parts)] == parts, name


def test_dependencies_do_not_contradict_the_versions_of_the_image():
    image = pins("requirements.txt")
    for name, requirement in dependencies().items():
        assert name not in image or requirement.specifier.contains(image[name]), name


def test_dependencies_are_what_the_host_imports():
    pure = [ROOT / (name.replace(".", "/") + ".py") for name in PURE | BEHIND_PURE_PARTS]
    own = [*files("orchestrator"), *files("scoring"), *ROOT.glob("*.py")]
    host = [*own, *filter(Path.is_file, pure)]
    names = {name.split(".")[0] for path in host for name, _ in imports(path)}
    foreign = names - set(sys.stdlib_module_names) - OURS
    distributions = importlib.metadata.packages_distributions()
    needed = {
        canonicalize_name(distributions[BROUGHT_ALONG.get(name, name)][0]) for name in foreign
    }
    assert set(dependencies()) == needed


def test_what_runs_a_model_is_the_extra_in_the_versions_of_the_image():
    extra = PROJECT["tool"]["setuptools"]["dynamic"]["optional-dependencies"]["process"]
    assert extra == {"file": ["requirements.txt"]}


def test_the_command_names_a_function_that_is_there():
    module, _, function = PROJECT["project"]["scripts"]["ai-energy-score"].partition(":")
    tree = ast.parse((ROOT / f"{module}.py").read_text())
    assert function in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
