"""Container images for the tests, made without a registry: a Debian root, then ours on top.

`python -m tests.support.image` makes both and prints how long it took. Each image carries the hash
of what it was made from, so a second call only compares hashes.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BASE_TAG = "ai_energy_score_base:test"
PRODUCT_TAG = "ai_energy_score:test"
STUB_TAG = "ai_energy_score_stub:test"
CHAT_TAG = "ai_energy_score_chat:test"
REHEARSAL_TAG = "ai_energy_score_rehearsal:test"
CHAT_PROGRAM = ("tests/support/chat_server.py", "tests/support/served_program.py")
STUB_PROGRAM = ROOT / "tests" / "support" / "stub_program.py"
INPUTS_LABEL = "ai-energy-score.inputs"
VERSION_LABEL = "ai-energy-score.version"
DEBIAN_SUITE = "bookworm"
DEBIAN_PACKAGES = "python3,python3-venv,ca-certificates"
DEBIAN_PYTHON = "3.11"
REQUIREMENTS = (ROOT / "requirements.txt", ROOT / "requirements-optimum.txt")
SOURCES_ALONE = "antlr4-python3-runtime"
"""Is published without a wheel; the one built of it here is for every Python."""


class ImageUnavailable(Exception):
    """The image cannot be made here; the text says why."""


def require_image(tag: str) -> str:
    """The image `tag`, made if need be; without an engine the test is skipped with the reason.

    With AIES_REQUIRE_DOCKER set, as in CI, the test fails instead.
    """
    try:
        return {
            BASE_TAG: ensure_base_image,
            PRODUCT_TAG: ensure_product_image,
            STUB_TAG: ensure_stub_image,
            CHAT_TAG: ensure_chat_image,
            REHEARSAL_TAG: ensure_rehearsal_image,
        }[tag]()
    except ImageUnavailable as error:
        if os.environ.get("AIES_REQUIRE_DOCKER"):
            pytest.fail(f"AIES_REQUIRE_DOCKER is set, but {error}")
        pytest.skip(str(error))


def ensure_base_image() -> str:
    """A minimal Debian with Python, imported as an image."""
    with _one_builder():
        return _ensure_base_image()


def ensure_product_image() -> str:
    """The image that users build, by build.sh, on the Debian base and from a wheelhouse."""
    with _one_builder():
        inputs = _hash_files(
            BASE_TAG,
            _base_recipe(),
            ROOT / ".dockerignore",
            ROOT / "build.sh",
            ROOT / "docker" / "core_hash.sh",
            ROOT / "docker" / "Dockerfile",
            *REQUIREMENTS,
            *sorted((ROOT / "benchmark_core").rglob("*")),
        )
        if _inputs_of(PRODUCT_TAG) == inputs:
            return PRODUCT_TAG
        base = _ensure_base_image()
        with _filled_wheelhouse(), _replaced(PRODUCT_TAG):
            _run(
                str(ROOT / "build.sh"),
                *("--base", base, "--tag", PRODUCT_TAG),
                *("--label", f"{INPUTS_LABEL}={inputs}"),
            )
    return PRODUCT_TAG


def ensure_stub_image() -> str:
    """The base with `stub_program.py` as entry point: starts in a blink, does as it is told."""
    with _one_builder():
        from benchmark_core import VERSION
        from orchestrator.engines.core_sources import CORE_LABEL, hash_of_core

        # It stands for an image of the present sources, so it is labelled as one.
        core = hash_of_core()
        inputs = _hash_files(STUB_TAG, _base_recipe(), VERSION, core, STUB_PROGRAM)
        if _inputs_of(STUB_TAG) == inputs:
            return STUB_TAG
        dockerfile = (
            f"FROM {_ensure_base_image()}\n"
            "COPY stub_program.py /stub_program.py\n"
            f"LABEL {VERSION_LABEL}={VERSION} {CORE_LABEL}={core} {INPUTS_LABEL}={inputs}\n"
            'ENTRYPOINT ["python3", "/stub_program.py"]\n'
        )
        with tempfile.TemporaryDirectory() as folder:
            shutil.copy(STUB_PROGRAM, folder)
            (Path(folder) / "Dockerfile").write_text(dockerfile)
            with _replaced(STUB_TAG):
                _run("docker", "build", "--tag", STUB_TAG, folder)
    return STUB_TAG


def ensure_chat_image() -> str:
    """The base with `served_program.py` as entry point: takes vLLM's flags, and serves like it."""
    with _one_builder():
        inputs = _hash_files(CHAT_TAG, _base_recipe(), *(ROOT / name for name in CHAT_PROGRAM))
        if _inputs_of(CHAT_TAG) == inputs:
            return CHAT_TAG
        dockerfile = (
            f"FROM {_ensure_base_image()}\n"
            "COPY tests /opt/tests\n"
            "ENV PYTHONPATH=/opt PYTHONUNBUFFERED=1\n"
            f"LABEL {INPUTS_LABEL}={inputs}\n"
            'ENTRYPOINT ["python3", "-m", "tests.support.served_program"]\n'
        )
        with tempfile.TemporaryDirectory() as folder:
            for name in CHAT_PROGRAM:
                target = Path(folder, name)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / name, target)
            (Path(folder) / "Dockerfile").write_text(dockerfile)
            with _replaced(CHAT_TAG):
                _run("docker", "build", "--tag", CHAT_TAG, folder)
    return CHAT_TAG


def ensure_rehearsal_image() -> str:
    """The base with `benchmark_core` and what simulated runs need of its packages: 190 MB."""
    with _one_builder():
        from benchmark_core import VERSION
        from orchestrator.engines.core_sources import CORE_LABEL, hash_of_core

        core = hash_of_core()
        pin = next(line for line in _pins() if line.startswith("pydantic=="))
        inputs = _hash_files(REHEARSAL_TAG, _base_recipe(), VERSION, core, pin)
        if _inputs_of(REHEARSAL_TAG) == inputs:
            return REHEARSAL_TAG
        dockerfile = (
            f"FROM {_ensure_base_image()}\n"
            "COPY opt /opt\n"
            # Once and for all, because the containers' file system is read-only.
            "RUN python3 -m compileall -q /opt\n"
            "ENV PYTHONPATH=/opt PYTHONUNBUFFERED=1\n"
            f"LABEL {VERSION_LABEL}={VERSION} {CORE_LABEL}={core} {INPUTS_LABEL}={inputs}\n"
            'ENTRYPOINT ["python3", "-m", "benchmark_core"]\n'
        )
        with tempfile.TemporaryDirectory() as folder:
            _run(
                *(sys.executable, "-m", "pip", "install", "--quiet", "--only-binary=:all:"),
                *("--python-version", DEBIAN_PYTHON, "--target", f"{folder}/opt", pin),
            )
            shutil.copytree(ROOT / "benchmark_core", f"{folder}/opt/benchmark_core")
            (Path(folder) / "Dockerfile").write_text(dockerfile)
            with _replaced(REHEARSAL_TAG):
                _run("docker", "build", "--tag", REHEARSAL_TAG, folder)
    return REHEARSAL_TAG


def _ensure_base_image() -> str:
    inputs = _hash_files(BASE_TAG, _base_recipe())
    if _inputs_of(BASE_TAG) == inputs:
        return BASE_TAG
    if os.geteuid() != 0 or shutil.which("debootstrap") is None:
        raise ImageUnavailable(f"making {BASE_TAG} needs debootstrap (Debian's package) and root")
    with tempfile.TemporaryDirectory(prefix="ai-energy-score-base-") as folder:
        root = Path(folder) / "root"
        _run(
            *("debootstrap", "--variant=minbase", f"--include={DEBIAN_PACKAGES}"),
            *(DEBIAN_SUITE, str(root)),
        )
        for cache in ("var/cache/apt", "var/lib/apt/lists"):
            shutil.rmtree(root / cache, ignore_errors=True)
        archive = Path(folder) / "root.tar"
        _run("tar", "-C", str(root), "--exclude=./dev/*", "-cf", str(archive), ".")
        _run(
            *("docker", "import", "--change", f"LABEL {INPUTS_LABEL}={inputs}"),
            *(str(archive), BASE_TAG),
        )
    return BASE_TAG


def _base_recipe() -> str:
    return f"{DEBIAN_SUITE} {DEBIAN_PACKAGES}"


@contextmanager
def _filled_wheelhouse() -> Iterator[None]:
    """docker/wheelhouse with every wheel of both requirements, emptied again afterwards."""
    wheels = _downloaded_wheels()
    target = ROOT / "docker" / "wheelhouse"
    placed: list[Path] = []
    try:
        for wheel in wheels:
            copy = target / wheel.name
            if not copy.exists():
                placed.append(copy)
                shutil.copyfile(wheel, copy)
        yield
    finally:
        for copy in placed:
            copy.unlink(missing_ok=True)


def _downloaded_wheels() -> list[Path]:
    """The wheels for the base image's Python, kept: the same files make the same layer."""
    folder = _cache_folder() / f"wheels-{_hash_files(*REQUIREMENTS, DEBIAN_PYTHON)[:16]}"
    if not folder.is_dir():
        for stale in _cache_folder().glob("wheels-*"):
            shutil.rmtree(stale)
        partial = Path(tempfile.mkdtemp(dir=_cache_folder(), prefix="partial-"))
        pip = (sys.executable, "-m", "pip")
        (pin,) = [line for line in _pins() if line.startswith(f"{SOURCES_ALONE}==")]
        _run(*pip, "wheel", "--quiet", "--no-deps", "--wheel-dir", str(partial), pin)
        for requirements in REQUIREMENTS:
            _run(
                *(*pip, "download", "--quiet", "--only-binary=:all:"),
                *("--python-version", DEBIAN_PYTHON, "--dest", str(partial)),
                *("--find-links", str(partial), "--requirement", str(requirements)),
            )
        partial.rename(folder)
    return sorted(folder.glob("*.whl"))


def _pins() -> list[str]:
    return [line for path in REQUIREMENTS for line in path.read_text().splitlines()]


def _cache_folder() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(base) / "ai-energy-score-tests"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextmanager
def _one_builder() -> Iterator[None]:
    """Test runs side by side must not fill and empty the wheelhouse under each other."""
    if shutil.which("docker") is None:
        raise ImageUnavailable("the docker command is not installed")
    answer = subprocess.run(
        ["docker", "version", "--format", "{{.Server.Version}}"], capture_output=True, text=True
    )
    if answer.returncode != 0:
        raise ImageUnavailable(f"no container engine answers: {answer.stderr.strip()}")
    with (_cache_folder() / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def _replaced(tag: str) -> Iterator[None]:
    """Remove the image that had the tag before, unless a container still uses it."""
    before = _ask_image(tag, "{{.Id}}")
    yield
    if before is not None and before != _ask_image(tag, "{{.Id}}"):
        subprocess.run(["docker", "image", "rm", before], capture_output=True)


def _inputs_of(tag: str) -> str | None:
    return _ask_image(tag, f'{{{{index .Config.Labels "{INPUTS_LABEL}"}}}}')


def _ask_image(tag: str, template: str) -> str | None:
    answer = subprocess.run(
        ["docker", "image", "inspect", "--format", template, tag], capture_output=True, text=True
    )
    return answer.stdout.strip() if answer.returncode == 0 else None


def _hash_files(*parts: str | Path) -> str:
    """One hash over texts and over the names and contents of files; no file times."""
    total = hashlib.sha256()
    for part in parts:
        if isinstance(part, Path):
            if part.suffix == ".pyc" or not part.is_file():
                continue
            total.update(str(part.relative_to(ROOT)).encode() + b"\0" + part.read_bytes())
        else:
            total.update(part.encode())
        total.update(b"\0")
    return total.hexdigest()


def _run(*command: str) -> None:
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        last = "\n".join(done.stdout.splitlines()[-30:])
        raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}:\n{last}")


def main() -> int:
    for name, make in (
        ("base", ensure_base_image),
        ("stub", ensure_stub_image),
        ("product", ensure_product_image),
    ):
        started = time.monotonic()
        tag = make()
        print(f"{name} image {tag}: {time.monotonic() - started:.0f} s", flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
