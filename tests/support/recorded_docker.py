"""run_docker.sh in a user's folder, with a `docker` that records what it is asked for."""

import csv
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from orchestrator.engines.core_sources import hash_of_core
from tests.support.runner import ROOT, environment

SCRIPT = ROOT / "run_docker.sh"
TOKEN = "hf_" + "planted" * 4
MODEL = ("--config-name", "text_generation", "backend.model=org/name")
CPU = "backend.device=cpu"
HOSTILE = 'a user\'s "own", folder: $HOME `x` =[1]'

# Says what it was asked for and given, and behaves as told by its variables.
ENGINE = """#!{python}
import json, os, sys, time, signal
words = sys.argv[1:]
log = os.environ["FAKE_LOG"]
token = None
if words[0] == "run":
    for word in words:
        if "hf_token" in word and "source=" in word:
            source = word.split("source=")[1].split('"')[0]
            facts = os.stat(source)
            token = [open(source).read(), oct(facts.st_mode & 0o777), facts.st_uid, source]
with open(log, "a") as stream:
    stream.write(json.dumps(dict(words=words, env=dict(os.environ), token=token)) + "\\n")
if words[0] == "info":
    print(os.environ.get("FAKE_INFO", "runc [name=seccomp]"))
    sys.exit(int(os.environ.get("FAKE_INFO_CODE", "0")))
if words[:2] == ["image", "inspect"]:
    print(os.environ["FAKE_CORE"])
    sys.exit(int(os.environ.get("FAKE_IMAGE_CODE", "0")))
if words[0] == "run":
    if os.environ.get("FAKE_HANG"):
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
        time.sleep(60)
    sys.exit(int(os.environ.get("FAKE_CODE", "0")))
"""


@dataclass
class Bench:
    """A user's folder and home, and a `docker` in front of all others."""

    here: Path
    home: Path
    log: Path
    variables: dict[str, str]

    def run(
        self, *words: str, script: Path = SCRIPT, **variables: str
    ) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [str(script), *words],
            cwd=self.here,
            env={**self.variables, **variables},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def calls(self) -> list[dict[str, object]]:
        if not self.log.exists():
            return []
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    def docker_run(self) -> list[str]:
        """The words of the one container that was asked for."""
        (found,) = [call["words"] for call in self.calls() if call["words"][0] == "run"]  # type: ignore[index]
        assert isinstance(found, list)
        return found

    def inside(self) -> list[str]:
        """What stands after the image."""
        words = self.docker_run()
        return words[words.index("ai_energy_score") + 1 :]


@pytest.fixture(name="bench")
def recorded_bench(tmp_path: Path) -> Bench:
    here, home, tools = tmp_path / HOSTILE, tmp_path / "my home", tmp_path / "tools"
    for folder in (here, home, tools):
        folder.mkdir()
    docker = tools / "docker"
    docker.write_text(ENGINE.format(python=sys.executable))
    docker.chmod(0o755)
    variables = environment(
        PATH=f"{tools}:{os.environ['PATH']}",
        HOME=str(home),
        FAKE_LOG=str(tmp_path / "log"),
        FAKE_CORE=hash_of_core(),
    )
    return Bench(here, home, tmp_path / "log", variables)


def values(words: list[str], option: str) -> list[str]:
    return [words[place + 1] for place, word in enumerate(words) if word == option]


def mounts(words: list[str]) -> dict[str, tuple[str, bool]]:
    """By target: source, and whether it is read-only; as the engine's own client reads them."""
    found = {}
    for text in values(words, "--mount"):
        (fields,) = csv.reader([text])
        pairs = dict(field.partition("=")[::2] for field in fields)
        assert pairs["type"] == "bind"
        found[pairs["target"]] = (pairs["source"], "readonly" in pairs)
    return found
