"""A sweep of simulated runs on a machine of its own, to which things happen."""

import functools
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

from orchestrator.engines.process_group import MARK_VARIABLE, RECORD_FILE, ProcessRecord
from orchestrator.run_directory import RunDirectory
from orchestrator.run_folder import RunFolder
from tests.chaos.container_engine import ContainerEngine
from tests.chaos.fate import RUNS, SLOTS, Fate
from tests.chaos.machine import Machine, Program
from tests.support import simulated_driver
from tests.support.image import REHEARSAL_TAG
from tests.support.runner import command, environment

DISK_BYTES = 260 * 2**20
"""A sweep wants 200 MB to be free when it begins."""
PATIENCE_SECONDS = 240.0
HANG_SECONDS = 4
"""As short only until the run has hung: on a machine under load others may be silent as long."""
SIMULATION = "default: {seconds_per_sample: 0.05}\n"
HEADER = "Models to Add,Priority (1=hi),Class,Task,Reasoning State\n"
BYSTANDER = "somebody-elses"


class Scenario:
    """`engine_data` is the folder of a container engine that has the image, where one is needed."""

    def __init__(self, fate: Fate, engine_data: Path | None = None) -> None:
        self.fate = fate
        self.random = Random(f"{fate.seed} in passing")
        self.folder = Path(tempfile.mkdtemp(prefix="chaos-"))
        self.disk = self.folder / "disk"
        self.runtime = self.folder / "runtime"
        for path in (self.disk, self.runtime, self.folder / "home", self.folder / "tmp"):
            path.mkdir()
        self.runtime.chmod(0o700)
        options = f"size={DISK_BYTES},mode=755"
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "disk", self.disk], check=True)
        self.directory = RunDirectory(self.disk / "results")
        self.machine = Machine(self.folder / "machine")
        self.engine: ContainerEngine | None = None
        self._engine_data = engine_data
        self.told: list[str] = []
        self._begun_at = time.monotonic()
        self.sweeps = 0
        self.missed = 0
        self.was_hanging = False
        self._runner: Program | None = None
        self._finished: dict[Path, str] = {}
        self.bystanders: set[str] = set()
        self._prepare()

    def _prepare(self) -> None:
        (self.disk / "simulation.yaml").write_text(SIMULATION)
        states = ("On", "Off") if self.fate.shares_loads else ("Off",)
        rows = [
            f"sim/model{number:02d},1,A,text_gen,{state}\n"
            for number in range(RUNS // len(states))
            for state in states
        ]
        (self.disk / "models.csv").write_text(HEADER + "".join(rows))

    # ------------------------------------------------------------------ the machine

    def boot(self) -> None:
        self.machine.boot()
        with (self.folder / "bystander.log").open("ab") as log:
            marked = dict(os.environ) | {MARK_VARIABLE: BYSTANDER}
            self.machine.start(["sleep", "100000"], Path("/"), marked, log)
        if self.fate.engine == "docker":
            assert self._engine_data is not None
            if self.engine is None:
                self.engine = ContainerEngine(
                    self.machine, self.folder, self._engine_data, self.fate.live_restore
                )
            self.engine.start()
            if not self.bystanders:
                self.bystanders = {self._bystander({}), self._bystander(_labels_of_another_sweep())}

    def _bystander(self, labels: dict[str, str]) -> str:
        assert self.engine is not None
        flags = [word for name, text in labels.items() for word in ("--label", f"{name}={text}")]
        return self.engine.docker(
            *("run", "--detach", "--init", "--network", "none", "--entrypoint", "sleep"),
            *(*flags, REHEARSAL_TAG, "100000"),
        )

    def close(self) -> None:
        """Nothing of it stays; its containers go too."""
        try:
            if self.engine:
                for container in self.engine.docker("ps", "--all", "--quiet").split():
                    self.engine.docker("rm", "--force", container)
        except subprocess.CalledProcessError as error:
            self.tell(f"containers cannot be removed: {error.stderr}")
        finally:
            self.machine.power_off()
            subprocess.run(["umount", "--lazy", self.disk], check=True)
            shutil.rmtree(self.folder)

    # ------------------------------------------------------------------ the sweep

    def flags(self) -> list[str]:
        flags = ["--backend", "simulated", "--num-prompts", "2", "--repetitions", "1"]
        flags += ["--csv", "models.csv", "--output-dir", "results", "--retries", "0"]
        flags += ["--parallel", str(SLOTS), "--gpus", ",".join(map(str, range(SLOTS)))]
        flags += ["--timeout", "600", "--simulation", "simulation.yaml"]
        flags += ["--share-model-load"] if self.fate.shares_loads else []
        if self.fate.engine == "docker":
            return [*flags, "--image", REHEARSAL_TAG]
        if not self.was_hanging and any(one.event == "hang" for one in self.fate.moments):
            flags += ["--hang-timeout", str(HANG_SECONDS)]
        return [*flags, "--engine", "process"]

    def start_sweep(self, *more: str) -> None:
        self.sweeps += 1
        env = environment(
            HOME=str(self.folder / "home"),
            TMPDIR=str(self.folder / "tmp"),
            XDG_RUNTIME_DIR=str(self.runtime),
            LD_LIBRARY_PATH=_driver().name,
            PYTHONDONTWRITEBYTECODE="1",
        )
        if self.engine:
            env["DOCKER_HOST"] = self.engine.address
        with self.log_path.open("wb") as log:
            line = command(*self.flags(), *more)
            self._runner = self.machine.start(line, self.disk, env, log)

    @property
    def log_path(self) -> Path:
        return self.folder / f"sweep{self.sweeps}.log"

    @property
    def runner(self) -> Program:
        assert self._runner is not None
        return self._runner

    def end_sweep(self, seconds: float = PATIENCE_SECONDS) -> int:
        """Wait for its end."""
        try:
            code = self.runner.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"sweep {self.sweeps} does not end: {self.last_words()}") from None
        text = self.log_path.read_text(errors="replace")
        # Until it comes to its first function, the interpreter alone answers Ctrl-C.
        is_early = text.rstrip().endswith("KeyboardInterrupt") and "in main" not in text
        assert is_early or "Traceback (most recent call last)" not in text, self.last_words()
        return code

    def last_words(self, lines: int = 30) -> str:
        return "\n".join(self.log_path.read_text(errors="replace").splitlines()[-lines:])

    def wait_for(self, condition: Callable[[], object], seconds: float = 60.0) -> bool:
        """Whether it came true before the sweep's end and the time's."""
        deadline = time.monotonic() + seconds
        while not condition():
            if self.runner.poll() is not None or time.monotonic() > deadline:
                return bool(condition())
            time.sleep(0.02)
        return True

    # ------------------------------------------------------------------ its folders

    def folders(self) -> list[RunFolder]:
        return self.directory.folders()

    def concluded(self) -> int:
        return sum(folder.outcome_path.exists() for folder in self.folders())

    def under_way(self) -> list[RunFolder]:
        """In a random order."""
        found = [
            folder
            for folder in self.folders()
            if folder.launch_path.exists() and not folder.outcome_path.exists()
        ]
        self.random.shuffle(found)
        return found

    def record_of(self, folder: RunFolder) -> ProcessRecord | None:
        """Of the process that fills it, perhaps after the folder of another run."""
        records = (ProcessRecord.read(one.path) for one in self.folders())
        return next((it for it in records if it and folder.run_id in (it.run_id, *it.also)), None)

    def note_finished(self) -> None:
        """Whatever is finished now has to stay as it is, and what was finished before has."""
        for folder in self.folders():
            if outcome_name(folder) == "finished":
                for path, digest in digests(folder).items():
                    known = self._finished.setdefault(path, digest)
                    assert known == digest, f"{path} was changed after its run had finished"
        missing = [path for path in self._finished if not path.exists()]
        assert not missing, f"files of finished runs are gone: {missing}"

    def tell(self, what: str) -> None:
        self.told.append(f"{time.monotonic() - self._begun_at:5.1f} s: {what}")


def outcome_name(folder: RunFolder) -> str:
    """Empty where there is none."""
    try:
        return str(json.loads(folder.outcome_path.read_text())["outcome"])
    except OSError:
        return ""


def digests(folder: RunFolder) -> dict[Path, str]:
    """Of every file but the record of a process, which goes when its run is over."""
    return {
        path: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.path.rglob("*")
        if path.is_file() and path.name != RECORD_FILE
    }


@functools.cache
def _driver() -> "tempfile.TemporaryDirectory[str]":
    """The library of a driver with as many GPUs as there are slots; goes with this process."""
    folder = tempfile.TemporaryDirectory(prefix="chaos-driver-")
    simulated_driver.build(Path(folder.name), gpus=SLOTS)
    return folder


def _labels_of_another_sweep() -> dict[str, str]:
    """Of a runner that is gone, in another output directory."""
    from orchestrator.engines import container_settings as names
    from orchestrator.engines.owner import Owner

    return {
        names.OWNER_LABEL: Owner(Owner.current().host, 1, "another boot-1").to_json(),
        names.RUN_ID_LABEL: "sim_model00_Off",
        names.SPEC_HASH_LABEL: "0" * 64,
        names.OUTPUT_DIR_LABEL: "0" * 64,
    }
