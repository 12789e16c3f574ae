"""Whose processes a server on this machine are, and which GPUs are its own."""

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import pytest

from benchmark_core.contract import BackendSpec, DeviceSpec, SampleSource
from benchmark_core.report.run_report import RunReport
from benchmark_core.server_processes import _decoded, _with_descendants, listeners
from tests.support import builders, simulated_driver
from tests.support.prompt_counts import write_counts
from tests.support.simulated_driver import uuid
from tests.support.tiny_hub import LLAMA, built_hub, make_spec  # noqa: F401

ROOT = Path(__file__).parents[2]
PROMPTS = ("What floats?", "Name a cat.", "Why?")
WATTS = 350.0


# ------------------------------------------------------------------ who listens


@pytest.mark.parametrize(
    ("family", "bound", "asked"),
    [
        (socket.AF_INET, "127.0.0.1", "127.0.0.1"),
        (socket.AF_INET, "127.0.0.1", "localhost"),
        (socket.AF_INET, "0.0.0.0", "127.0.0.1"),
        (socket.AF_INET, "127.0.0.1", "0.0.0.0"),
        (socket.AF_INET6, "::1", "::1"),
        (socket.AF_INET6, "::", "::1"),
        (socket.AF_INET6, "::", "127.0.0.1"),
    ],
)
def test_the_process_that_listens_is_found(family: int, bound: str, asked: str) -> None:
    with socket.socket(family) as server:
        try:
            server.bind((bound, 0))
        except OSError:
            pytest.skip("this machine has no such address")
        port = server.getsockname()[1]
        assert listeners(asked, port) == set()
        server.listen()
        assert listeners(asked, port) == {os.getpid()}
        assert listeners("127.0.0.9" if bound == "127.0.0.1" else "192.0.2.1", port + 1) == set()


def test_one_at_another_address_is_another_server() -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.2", 0))
        server.listen()
        assert listeners("127.0.0.1", server.getsockname()[1]) == set()
    assert listeners("no such host", 80) == set()


def test_addresses_are_read_as_the_kernel_writes_them() -> None:
    if sys.byteorder != "little":
        pytest.skip("these are the words of a little-endian machine")
    assert str(_decoded("0100007F")) == "127.0.0.1"
    assert str(_decoded("00000000000000000000000001000000")) == "::1"
    assert str(_decoded("0000000000000000FFFF00000100007F")) == "127.0.0.1"


def test_all_that_a_process_has_started_belongs_to_it() -> None:
    with subprocess.Popen(
        ["/bin/sh", "-c", "sleep 60 & echo $!; wait"], stdout=subprocess.PIPE
    ) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert _with_descendants({parent.pid}) == {parent.pid, child}
        assert {parent.pid, child} < _with_descendants({os.getpid()})
        assert _with_descendants(set()) == set()
        os.kill(child, 9)


def test_a_system_that_lists_no_processes_is_no_error(tmp_path: Path) -> None:
    assert listeners("127.0.0.1", 80, tmp_path / "none") == set()
    assert _with_descendants({5}, tmp_path / "none") == {5}


# ------------------------------------------------------------------ whole runs


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("cc") is None:
        pytest.skip("no C compiler (cc) to build the simulated driver with")
    return simulated_driver.build(tmp_path_factory.mktemp("driver"))


@pytest.fixture(scope="module")
def counts(built_hub: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:  # noqa: F811
    path = tmp_path_factory.mktemp("counts") / "counts.json"
    write_counts(path, built_hub, LLAMA, PROMPTS)
    return path


@contextmanager
def server(counts: Path) -> Iterator[dict[str, int]]:
    """One of its own, with a worker; answers its numbers."""
    command = ["-m", "tests.support.served_program", LLAMA, "--port", "0", "--worker"]
    with subprocess.Popen(
        [sys.executable, *command, "--counts", str(counts), "--token-seconds", "0.03"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            yield json.loads(process.stdout.readline())
        finally:
            process.kill()


Runs = Callable[..., RunReport]


@pytest.fixture
def run_beside(built_hub: Path, driver: Path, counts: Path, tmp_path: Path) -> Runs:  # noqa: F811
    """Runs three prompts through the server, metered by a driver of two GPUs on which those of
    `processes` compute, `{worker}` being the server's; the run is given the first GPU. Of a server
    of its `own` the launch says where it answers, and its first process."""

    def measure(processes: str, own: bool = False, **behaviour: object) -> RunReport:
        prompts = tmp_path / "prompts.txt"
        prompts.write_text("\n".join(PROMPTS))
        folder = tmp_path / "run"
        folder.mkdir()
        with server(counts) as numbers:
            url = f"http://localhost:{numbers['port']}"
            started = {"endpoint": url, "server_process": numbers["pid"]} if own else {}
            spec = make_spec(
                LLAMA,
                "Off",
                samples=SampleSource(prompts_sha256=sha256(prompts.read_bytes()).hexdigest()),
                precision="auto",
                repetitions=1,
                meters=("nvml",),
                device=DeviceSpec(kind="cuda", gpu_count=1),
                backend=BackendSpec(name="vllm", endpoint=None if own else url),
            )
            (folder / "run_spec.json").write_text(spec.to_json())
            launch = builders.launch(samples_path=str(prompts), gpu_uuids=(uuid(0),), **started)
            (folder / "launch.json").write_text(launch.to_json())
            given = {"gpus": 2, "watts": WATTS, "processes": processes.format(**numbers)}
            environment = simulated_driver.environment(driver, **(given | behaviour))
            done = subprocess.run(
                [sys.executable, "-m", "benchmark_core", "run", folder],
                env=environment
                | {"PYTHONPATH": str(ROOT), "HF_HUB_CACHE": str(built_hub), "HF_HUB_OFFLINE": "1"},
                capture_output=True,
                text=True,
                check=False,
            )
        assert (folder / "benchmark_report.json").exists(), done.stderr
        return RunReport.read(folder / "benchmark_report.json")

    return measure


@pytest.mark.wall_clock
def test_a_server_on_the_metered_gpu_is_measured_and_not_foreign(run_beside: Runs) -> None:
    report = run_beside("{worker},0")
    assert report.outcome == "finished", report.failure
    assert report.applied is not None
    assert report.verdict is not None
    assert report.trace is not None
    assert report.summary is not None
    assert report.applied.gpu_uuids == (uuid(0),)
    assert report.applied.server_processes == {uuid(0): 1}
    assert report.summary.gpu_energy_wh is not None
    joules = report.repetitions[0].windows[-1].reading.gpu_joules
    seconds = report.repetitions[0].windows[-1].duration_seconds
    assert joules == pytest.approx(WATTS * seconds, rel=0.1)
    (gpu,) = report.trace.gpus
    assert (gpu.foreign_before, gpu.foreign_during) == (0, 0)
    reasons = set(report.verdict.reasons)
    assert not reasons & {"server_not_identified", "meter_watches_other_gpus", "model_not_on_gpu"}
    assert not {reason for reason in reasons if reason.startswith("foreign")}


def test_another_program_on_its_gpu_is_foreign(run_beside: Runs) -> None:
    report = run_beside("{worker},0", own=True, foreign="0:1000")
    assert report.verdict is not None
    assert {"foreign_process_before", "foreign_process_during"} <= set(report.verdict.reasons)
    assert report.applied is not None
    assert report.applied.server_processes == {uuid(0): 1}


def test_a_server_on_other_gpus_than_the_metered_is_refused(run_beside: Runs) -> None:
    """Not even where it is on the metered one too."""
    report = run_beside("{pid},{worker}")
    assert report.failure is not None
    assert report.failure.kind == "meter_failed"
    assert uuid(1) in report.failure.message.partition("the meter watches")[0]
    assert uuid(0) in report.failure.message.partition("the meter watches")[2]
    assert "--gpus" in report.failure.remedy
    assert report.verdict is not None
    assert report.verdict.reasons == ("meter_watches_other_gpus",)
    assert report.summary is None


def test_a_server_that_cannot_be_seen_on_any_gpu_is_flagged(run_beside: Runs) -> None:
    """As in a container of its own, whose processes have other numbers here."""
    report = run_beside("999999,0")
    assert report.outcome == "finished", report.failure
    assert report.verdict is not None
    assert report.applied is not None
    assert report.trace is not None
    assert "server_not_identified" in report.verdict.reasons
    assert report.applied.gpu_uuids == ()
    (gpu,) = report.trace.gpus
    assert (gpu.foreign_before, gpu.foreign_during, gpu.foreign_after) == (None, None, None)
