"""The image that users build, run the way the Docker engine runs it."""

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from benchmark_core import VERSION
from benchmark_core.contract import (
    LAUNCH_FILE,
    REPORT_FILE,
    SPEC_FILE,
    BackendSpec,
    DeviceSpec,
    ModelSpec,
    RunSpec,
    SampleSource,
    TokenLimits,
)
from benchmark_core.report.run_report import RunReport
from orchestrator.engines.base import Engine
from orchestrator.engines.container_settings import Caches
from orchestrator.engines.core_sources import CORE_LABEL, hash_of_core
from orchestrator.engines.docker import DockerEngine
from orchestrator.engines.process import ProcessEngine
from tests.support.image import PRODUCT_TAG, ROOT, require_image
from tests.support.orders import make_order, run_to_end

# The clock of a test does not run while the image is made.
pytestmark = pytest.mark.timeout(300, func_only=True)

IMPORTS = """
import accelerate, codecarbon, datasets, pynvml, torch, transformers
import os, tempfile
assert torch.nn.Linear(4, 4)(torch.ones(1, 4)).shape == (1, 4)
assert str(datasets.config.HF_DATASETS_CACHE) == "/home/user/.cache/huggingface/datasets"
for folder in ("/home/user", "/home/user/.cache/huggingface", "/tmp", "/results"):
    tempfile.TemporaryFile(dir=folder).close()
assert os.listdir("/opt/ai_energy_score/src") == ["benchmark_core"]
print("all well")
"""


@pytest.fixture(scope="module")
def image() -> str:
    return require_image(PRODUCT_TAG)


def simulated_spec(run_id: str) -> RunSpec:
    return RunSpec(
        run_id=run_id,
        model=ModelSpec(id="acme/tiny", model_class="A"),
        task="text_generation",
        samples=SampleSource(synthetic=True, count=3),
        limits=TokenLimits(max_new_tokens=10, min_new_tokens=10),
        precision="float16",
        repetitions=2,
        backend=BackendSpec(name="simulated"),
        device=DeviceSpec(kind="simulated", gpu_count=1),
        meters=("simulated",),
    )


def run_simulated(engine: Engine, output_dir: Path) -> tuple[RunReport, str]:
    spec = simulated_spec("acme_tiny_Off")
    order = make_order(output_dir, spec.run_id)
    (order.folder / SPEC_FILE).write_text(spec.to_json())
    (order.folder / LAUNCH_FILE).write_text(order.launch.to_json())
    assert run_to_end(engine, replace(order, spec_hash=spec.spec_hash())).code == 0
    return RunReport.read(order.folder / REPORT_FILE), order.log_path.read_text()


@pytest.mark.docker
def test_a_simulated_run_goes_through_the_real_image(image: str, tmp_path: Path) -> None:
    report, log = run_simulated(DockerEngine(image, tmp_path), tmp_path)
    assert report.outcome == "finished" and report.rehearsal
    assert VERSION in log.splitlines()[0]


def test_a_simulated_run_goes_through_a_real_process(tmp_path: Path) -> None:
    report, log = run_simulated(ProcessEngine(tmp_path), tmp_path)
    assert report.outcome == "finished" and report.rehearsal
    assert VERSION in log.splitlines()[0]


@pytest.mark.docker
def test_the_built_image_says_what_it_was_built_from(image: str, tmp_path: Path) -> None:
    engine = DockerEngine(image, tmp_path)
    assert list(engine.problems(wants_gpus=False)) == []
    assert list(engine.warnings()) == []


@pytest.mark.docker
def test_the_libraries_work_in_the_confined_container(image: str, tmp_path: Path) -> None:
    """No name in the user table, nothing writable but memory and the mounts, no network."""
    import docker

    from orchestrator.engines.container_settings import (
        Confinement,
        ContainerUser,
        create_arguments,
    )

    output_dir = tmp_path / "results"
    order = make_order(output_dir)
    user = ContainerUser.for_caller(rootless=False)
    caches = Caches(tmp_path / "hub", tmp_path / "datasets")
    for folder in (order.folder, caches.hub, caches.datasets):
        folder.mkdir(exist_ok=True)
        folder.chmod(0o777)
    confinement = Confinement(image, user, output_dir, caches, None, {})
    arguments = create_arguments(confinement, order, None)
    arguments |= {"entrypoint": ["python", "-c", IMPORTS], "command": []}
    container = docker.from_env().containers.create(**arguments)
    try:
        container.start()
        code = container.wait(timeout=240)["StatusCode"]
        assert (code, container.logs().decode()) == (0, "all well\n")
    finally:
        container.remove(force=True)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [(["--help"], 0, "--base IMAGE"), (["--tag"], 2, "--tag needs a value")],
)
def test_build_script_explains_itself(arguments: list[str], code: int, words: str) -> None:
    done = subprocess.run([str(ROOT / "build.sh"), *arguments], capture_output=True, text=True)
    assert done.returncode == code
    assert words in done.stdout + done.stderr


def test_build_script_names_what_is_missing(tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("bash", "dirname", "sed"):
        (tools / name).symlink_to(f"/usr/bin/{name}")
    script = ["/usr/bin/bash", str(ROOT / "build.sh")]
    done = subprocess.run(script, capture_output=True, text=True, env={"PATH": str(tools)})
    assert done.returncode == 3
    assert "docker command is not installed" in done.stderr

    (tools / "docker").write_text("#!/usr/bin/bash\necho 'no such socket' >&2\nexit 1\n")
    (tools / "docker").chmod(0o755)
    done = subprocess.run(script, capture_output=True, text=True, env={"PATH": str(tools)})
    assert done.returncode == 3
    assert "does not answer: no such socket" in done.stderr


def copy_build_script(checkout: Path) -> Path:
    (checkout / "docker").mkdir(exist_ok=True)
    for name in ("docker/core_hash.sh", "build.sh"):
        shutil.copyfile(ROOT / name, checkout / name)
    return checkout / "build.sh"


def core_label_of_build_script(checkout: Path) -> str:
    """What build.sh would put on the image, without the engine being asked."""
    docker = checkout / "tools" / "docker"
    docker.parent.mkdir(exist_ok=True)
    docker.write_text('#!/usr/bin/bash\nprintf "%s\\n" "$@"\n')
    docker.chmod(0o755)
    done = subprocess.run(
        ["/usr/bin/bash", str(copy_build_script(checkout))],
        capture_output=True,
        text=True,
        env={"PATH": f"{docker.parent}:/usr/bin", "LC_ALL": "C.UTF-8"},
    )
    (label,) = [line for line in done.stdout.splitlines() if line.startswith(f"{CORE_LABEL}=")]
    return label.removeprefix(f"{CORE_LABEL}=")


def test_build_script_and_runner_agree_on_the_hash_of_the_sources(tmp_path: Path) -> None:
    core = tmp_path / "benchmark_core"
    shutil.copytree(ROOT / "benchmark_core", core)
    hashes = [hash_of_core(core)]
    assert core_label_of_build_script(tmp_path) == hashes[-1]

    # Names that sort differently by language, by bytes and by folder.
    for name in ("a.py", "a/b.py", "a-b.py", "B.py", "ä.py", "with blank.py", "data/x.csv"):
        path = core / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("one")
        hashes.append(hash_of_core(core))
    assert core_label_of_build_script(tmp_path) == hashes[-1]
    (core / "a.py").write_text("two")
    hashes.append(hash_of_core(core))
    (core / "a.py").rename(core / "c.py")
    hashes.append(hash_of_core(core))
    assert core_label_of_build_script(tmp_path) == hashes[-1]
    assert len(set(hashes)) == len(hashes)

    for name in ("__pycache__/a.py", "__pycache__/a.pyc", "old.pyc", ".a.py.swp", ".editor/a.py"):
        path = core / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("noise")
    (core / "link.py").symlink_to(core / "c.py")
    assert hash_of_core(core) == core_label_of_build_script(tmp_path) == hashes[-1]


def test_build_script_works_from_anywhere_with_any_path(tmp_path: Path) -> None:
    """The command it would run, word by word, for a checkout whose path has blanks."""
    checkout = tmp_path / "a checkout"
    (checkout / "benchmark_core").mkdir(parents=True)
    (checkout / "benchmark_core" / "__init__.py").write_text('VERSION = "9.8.7"\n')
    script = copy_build_script(checkout)
    docker = tmp_path / "docker"
    docker.write_text('#!/usr/bin/bash\nprintf "%s\\n" "$@"\n')
    docker.chmod(0o755)
    done = subprocess.run(
        ["/usr/bin/bash", str(script), "--base", "my base", "--no-cache"],
        capture_output=True,
        text=True,
        cwd="/",
        env={"PATH": f"{tmp_path}:/usr/bin"},
    )
    assert done.stdout.splitlines() == [
        *("build", "--file", f"{checkout}/docker/Dockerfile", "--tag", "ai_energy_score"),
        *("--build-arg", "VERSION=9.8.7"),
        *("--label", f"{CORE_LABEL}={hash_of_core(checkout / 'benchmark_core')}"),
        *("--build-arg", "BASE_IMAGE=my base", "--no-cache"),
        str(checkout),
    ]
