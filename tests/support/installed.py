"""The project installed with pip into an environment of its own, as its users install it."""

import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from tests.support.runner import ROOT, environment

SOURCES = ("benchmark_core", "orchestrator", "scoring")


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the environment. It borrows the packages of the one that runs the tests."""
    folder = tmp_path_factory.mktemp("installed")
    checkout, place = folder / "checkout", folder / "venv"
    checkout.mkdir()
    for name in SOURCES:
        unwanted = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, checkout / name, ignore=unwanted)
    for path in ROOT.iterdir():
        if path.is_file() and path.name != ".env":
            shutil.copy(path, checkout / path.name)
    _run(folder, sys.executable, "-m", "venv", "--without-pip", str(place))
    (site,) = place.glob("lib/python*/site-packages")
    (site / "borrowed.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
    pip = (sys.executable, "-m", "pip", "--python", str(place / "bin" / "python"))
    _run(checkout, *pip, "install", "--no-index", "--no-deps", "--no-build-isolation", ".")
    shutil.rmtree(checkout)
    return place


def _run(folder: Path, *command: str) -> None:
    done = subprocess.run(
        command, cwd=folder, env=environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
