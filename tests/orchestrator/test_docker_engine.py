"""The Docker engine against a real engine, with an image whose program does as it is told."""

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmark_core import VERSION
from orchestrator.engines.base import EngineAway, Leftover
from orchestrator.engines.bounded_log import HEAD_BYTES, TAIL_BYTES
from orchestrator.engines.container_settings import (
    ALSO_LABEL,
    OUTPUT_DIR_LABEL,
    OWNER_LABEL,
    UNPRIVILEGED,
    Caches,
    ContainerUser,
    hash_of_folder,
)
from orchestrator.engines.core_sources import CORE_LABEL
from orchestrator.engines.docker import DockerEngine
from orchestrator.engines.docker_handle import has_memory_event, has_result, was_killed
from orchestrator.engines.owner import Owner
from orchestrator.engines.registry import ENGINES, EngineSettings
from orchestrator.errors import HostError
from tests.support.image import ROOT, STUB_TAG, VERSION_LABEL, require_image
from tests.support.orders import (
    make_order,
    run_to_end,
    seen_by,
    start_in_killed_runner,
    wait_for_exit,
    wait_for_file,
    wait_for_text,
)
from tests.support.unprivileged import give_away, run_unprivileged, unprivileged_uid

# The clock of a test does not run while the image is made.
pytestmark = [pytest.mark.docker, pytest.mark.timeout(300, func_only=True)]

TOKEN = "hf_notARealTokenButLongEnough0123456789"


@pytest.fixture(scope="module")
def image() -> str:
    return require_image(STUB_TAG)


@pytest.fixture
def output_dir(tmp_path: Path, image: str) -> Iterator[Path]:
    """An output directory with a hostile name, and no container of it afterwards."""
    folder = tmp_path / "results: of 'May', 100 %"
    folder.mkdir()
    yield folder
    for container in containers_of(folder):
        container.remove(force=True)


@pytest.fixture
def engine(output_dir: Path) -> DockerEngine:
    return DockerEngine(STUB_TAG, output_dir)


def client() -> Any:
    import docker

    return docker.from_env()


def containers_of(output_dir: Path) -> list[Any]:
    label = f"{OUTPUT_DIR_LABEL}={hash_of_folder(output_dir)}"
    found: list[Any] = client().containers.list(all=True, filters={"label": label})
    return found


def test_a_run_ends_with_its_code_times_and_whole_log(
    engine: DockerEngine, output_dir: Path
) -> None:
    order = make_order(output_dir, lines=["first", "zweite Zeile: ü"], error_line="to stderr")
    handle = engine.start(order)
    ended = wait_for_exit(handle)
    handle.release()

    assert (ended.cause, ended.code, ended.detail) == ("exited", 0, "")
    assert ended.started_at is not None and ended.finished_at is not None
    assert ended.started_at <= ended.finished_at
    assert ended.image_digest == engine.image_digest()
    assert ended.image_digest is not None and ended.image_digest.startswith("sha256:")
    log = order.log_path.read_text()
    assert sorted(log.splitlines()) == ["first", "to stderr", "zweite Zeile: ü"]
    assert containers_of(output_dir) == []
    handle.release()


def test_several_runs_are_given_to_one_container(engine: DockerEngine, output_dir: Path) -> None:
    also = ("acme_tiny_Off", "acme_tiny_On_High")
    seen = ["/results", "/results2", "/results3", "/results2/attempts/1/old"]
    order = make_order(output_dir, also=also, look_at=seen)
    (order.also[0] / "attempts" / "1").mkdir(parents=True)
    (order.also[0] / "attempts" / "1" / "old").touch()
    assert run_to_end(engine, order).code == 0
    told = seen_by(order)
    assert told["argv"][1:] == ["run", "/results", "/results2", "/results3"]
    assert [told["files"][path] for path in seen] == ["writable folder"] * 3 + ["FileNotFoundError"]


def test_a_container_that_hangs_shows_its_stacks_and_goes_on(
    engine: DockerEngine, output_dir: Path
) -> None:
    order = make_order(output_dir, sleep_seconds=60)
    handle = engine.start(order)
    wait_for_file(order.folder / "started")
    handle.show_stacks()
    wait_for_text(order.log_path, "in main")
    assert "most recent call first" in order.log_path.read_text()
    (order.folder / "go_on").touch()
    assert wait_for_exit(handle).code == 0
    handle.show_stacks()
    handle.release()
    handle.show_stacks()


def test_a_failing_run_keeps_its_code(engine: DockerEngine, output_dir: Path) -> None:
    ended = run_to_end(engine, make_order(output_dir, exit=7))
    assert (ended.cause, ended.code) == ("exited", 7)


def test_running_out_of_memory_is_told_from_other_kills(output_dir: Path) -> None:
    engine = DockerEngine(STUB_TAG, output_dir, memory_limit="64m")
    handle = engine.start(make_order(output_dir, allocate_mib=512))
    ended = wait_for_exit(handle)
    assert (ended.cause, ended.code) == ("out_of_memory", 137)
    (container,) = containers_of(output_dir)
    assert has_memory_event(container, container.attrs["State"])
    handle.release()

    order = make_order(output_dir, "acme_killed_On", sleep_seconds=60)
    handle = engine.start(order)
    wait_for_file(order.folder / "started")
    containers_of(output_dir)[0].kill()
    ended = wait_for_exit(handle)
    handle.release()
    assert (ended.cause, ended.code) == ("exited", 137), ended
    assert "killed from outside" in ended.detail


def test_a_container_that_its_engine_asks_to_end_is_no_fault_of_the_run(
    engine: DockerEngine, output_dir: Path
) -> None:
    """It does so before it stops to answer, so that nothing else is seen of its end."""
    order = make_order(output_dir, sleep_seconds=60)
    handle = engine.start(order)
    wait_for_file(order.folder / "started")
    containers_of(output_dir)[0].stop()
    ended = wait_for_exit(handle)
    handle.release()
    assert (ended.cause, ended.code) == ("terminated", 143)


def test_stop_ends_a_running_container_and_release_removes_it(
    engine: DockerEngine, output_dir: Path
) -> None:
    order = make_order(output_dir, lines=["here"], sleep_seconds=60)
    handle = engine.start(order)
    wait_for_file(order.folder / "started")
    assert handle.poll() is None
    ended = handle.stop()

    assert (ended.cause, ended.code) == ("stopped", 128 + signal.SIGTERM)
    assert handle.stop() == ended
    assert len(containers_of(output_dir)) == 1, "kept until its outcome is written"
    handle.release()
    assert containers_of(output_dir) == []
    assert order.log_path.read_text() == "here\n"


def test_stopping_what_has_ended_says_how_it_ended(engine: DockerEngine, output_dir: Path) -> None:
    order = make_order(output_dir, exit=3)
    handle = engine.start(order)
    containers_of(output_dir)[0].wait()
    assert (handle.stop().cause, handle.stop().code) == ("exited", 3)


def test_a_container_that_somebody_removes_has_vanished(
    engine: DockerEngine, output_dir: Path
) -> None:
    order = make_order(output_dir, sleep_seconds=60)
    handle = engine.start(order)
    containers_of(output_dir)[0].remove(force=True)
    ended = wait_for_exit(handle)
    handle.release()
    assert (ended.cause, ended.code) == ("vanished", None)


def test_an_absent_engine_is_borne_for_a_while_and_then_reported(
    output_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with forwarded_engine(tmp_path / "engine.sock") as gate:
        monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path / 'engine.sock'}")
        patient = DockerEngine(STUB_TAG, output_dir, patience_seconds=60)
        order = make_order(output_dir, lines=["before"], sleep_seconds=60, last_line="after")
        handle = patient.start(order)
        wait_for_file(order.folder / "started")
        gate.close()
        time.sleep(0.5)
        assert handle.poll() is None
        gate.open()
        (order.folder / "go_on").touch()
        ended = wait_for_exit(handle)
        handle.release()
        assert (ended.cause, ended.code) == ("exited", 0)
        assert "was away" in ended.detail
        assert order.log_path.read_text() == "before\nafter\n"

        hasty = DockerEngine(STUB_TAG, output_dir, patience_seconds=0.3)
        handle = hasty.start(make_order(output_dir, "acme_other_On", sleep_seconds=60))
        gate.close()
        ended = wait_for_exit(handle)
        assert ended.cause == "vanished"
        assert "has not answered" in ended.detail
        handle.release()


def test_problems_name_the_remedy(output_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert list(DockerEngine(STUB_TAG, output_dir).problems(wants_gpus=False)) == []

    (missing,) = DockerEngine("no_such_image:ever", output_dir).problems(wants_gpus=False)
    assert "no_such_image:ever" in missing.what and "./build.sh" in missing.remedy

    (bare,) = DockerEngine(STUB_TAG, output_dir, needs_optimum=True).problems(wants_gpus=False)
    assert "built without optimum-benchmark" in bare.what and "./build.sh" in bare.remedy

    info = client().info()
    if "nvidia" not in info["Runtimes"] and not info.get("DiscoveredDevices"):
        monkeypatch.setenv("PATH", "/nonexistent")
        (no_gpu,) = DockerEngine(STUB_TAG, output_dir).problems(wants_gpus=True)
        assert "NVIDIA" in no_gpu.what and "--device cpu" in no_gpu.remedy

    monkeypatch.setenv("DOCKER_HOST", f"unix://{output_dir}/nobody-listens.sock")
    (silent,) = DockerEngine(STUB_TAG, output_dir).problems(wants_gpus=False)
    assert "does not answer" in silent.what and "--engine process" in silent.remedy
    with pytest.raises(HostError, match="does not answer"):
        DockerEngine(STUB_TAG, output_dir).start(make_order(output_dir))


@pytest.mark.parametrize(("label", "words"), [("0.0.0-older", "0.0.0-older"), (None, "else")])
def test_an_image_of_another_version_is_refused(
    output_dir: Path, tmp_path: Path, label: str | None, words: str
) -> None:
    tag = f"ai_energy_score_other:{uuid.uuid4().hex[:8]}"
    context = tmp_path / "context"
    context.mkdir()
    value = "" if label is None else label
    (context / "Dockerfile").write_text(f"FROM {STUB_TAG}\nLABEL {VERSION_LABEL}={value}\n")
    if label is None:
        tag = require_image("ai_energy_score_base:test")
    else:
        subprocess.run(["docker", "build", "-q", "-t", tag, context], check=True)
    try:
        (problem,) = DockerEngine(tag, output_dir).problems(wants_gpus=False)
        assert words in problem.what and VERSION in problem.what
        assert "./build.sh" in problem.remedy
    finally:
        if label is not None:
            client().images.remove(tag)


@pytest.fixture
def relabelled_image(tmp_path: Path, image: str) -> Iterator[Callable[[str], str]]:
    """Makes images that differ from the stub's in the label of their sources alone."""
    tags: list[str] = []

    def build(core: str) -> str:
        tag = f"ai_energy_score_other:{uuid.uuid4().hex[:8]}"
        context = tmp_path / tag.replace(":", "_")
        context.mkdir()
        (context / "Dockerfile").write_text(f'FROM {image}\nLABEL {CORE_LABEL}="{core}"\n')
        subprocess.run(["docker", "build", "-q", "-t", tag, context], check=True)
        tags.append(tag)
        return tag

    yield build
    for tag in tags:
        client().images.remove(tag)


def test_an_image_of_other_sources_is_refused(
    output_dir: Path, relabelled_image: Callable[[str], str]
) -> None:
    tag = relabelled_image("0" * 64)
    engine = DockerEngine(tag, output_dir)
    (problem,) = engine.problems(wants_gpus=False)
    assert "other sources of benchmark_core" in problem.what
    assert problem.remedy == f"In the project's folder run: ./build.sh --tag {tag}"
    assert list(engine.warnings()) == []
    with pytest.raises(HostError, match="other sources"):
        engine.start(make_order(output_dir))


def test_an_image_that_does_not_tell_its_sources_is_warned_of(
    output_dir: Path, relabelled_image: Callable[[str], str]
) -> None:
    engine = DockerEngine(relabelled_image(""), output_dir)
    assert list(engine.problems(wants_gpus=False)) == []
    (warning,) = engine.warnings()
    assert "does not say from which sources" in warning.what and "./build.sh" in warning.remedy


def test_a_container_that_does_not_start_leaves_nothing(
    engine: DockerEngine, output_dir: Path
) -> None:
    if "nvidia" in client().info()["Runtimes"]:
        pytest.skip("this engine has the NVIDIA runtime, so a request for a GPU does start")
    handle = engine.start(make_order(output_dir, gpus=("GPU-00000000-dead-beef",)))
    ended = handle.poll()
    assert ended is not None
    assert (ended.cause, ended.code) == ("not_started", None)
    assert "device driver" in ended.detail
    assert containers_of(output_dir) == []
    assert handle.stop() == ended


def test_a_folder_that_is_missing_is_refused_and_not_created(
    engine: DockerEngine, output_dir: Path
) -> None:
    order = replace(make_order(output_dir), folder=output_dir / "never")
    with pytest.raises(HostError, match="acme_tiny_On"):
        engine.start(order)
    assert not (output_dir / "never").exists()


def test_a_prompts_file_that_the_container_cannot_read_is_refused(
    engine: DockerEngine, output_dir: Path
) -> None:
    prompts = output_dir / "prompts.txt"
    prompts.write_text("x")
    prompts.chmod(0o200)
    with pytest.raises(HostError, match=r"chmod -R a\+rX"):
        engine.start(make_order(output_dir, samples=prompts))


def test_the_container_is_confined(engine: DockerEngine, output_dir: Path) -> None:
    prompts = output_dir / "my prompts: one.txt"
    prompts.write_text("What is a joule?\n")
    prompts.chmod(0o644)
    target = engine.samples_path(prompts)
    order = make_order(
        output_dir, samples=prompts, look_at=["/tmp", "/home/user", "/dev/shm", target]
    )
    assert run_to_end(engine, order).code == 0
    seen = seen_by(order)

    uid = os.geteuid() or UNPRIVILEGED
    assert seen["argv"][1:] == ["run", "/results"]
    assert seen["uid"] == uid and seen["gid"] != 0
    assert {int(value, 16) for value in seen["capabilities"].values()} == {0}
    assert seen["no_new_privileges"] == "1"
    assert seen["root_is_read_only"]
    assert seen["interfaces"] == ["lo"]
    assert seen["shm_bytes"] == 1024**3
    assert seen["files"] == {
        "/tmp": "writable folder",
        "/home/user": "writable folder",
        "/dev/shm": "writable folder",
        target: "What is a joule?\n",
    }
    assert seen["environment"]["HF_HUB_OFFLINE"] == "1"
    assert (order.folder / "seen.json").stat().st_uid == uid


def test_a_run_on_line_has_a_network_and_the_two_caches_alone(
    output_dir: Path, tmp_path: Path
) -> None:
    hub, datasets = tmp_path / "cache" / "hub", tmp_path / "cache" / "datasets"
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "token").write_text(TOKEN)
    engine = DockerEngine(STUB_TAG, output_dir, Caches(hub, datasets))
    assert list(engine.warnings()) == []
    caches = "/home/user/.cache/huggingface"
    order = make_order(
        output_dir,
        offline=False,
        look_at=[f"{caches}/hub", f"{caches}/datasets", caches, f"{caches}/token"],
    )
    assert run_to_end(engine, order).code == 0
    seen = seen_by(order)
    assert list(seen["files"].values()) == [*["writable folder"] * 3, "FileNotFoundError"]
    assert "HF_HUB_OFFLINE" not in seen["environment"]
    assert len(seen["interfaces"]) > 1

    hub.chmod(0o555)
    datasets.chmod(0o555)
    warnings = list(engine.warnings())
    assert [warning.where for warning in warnings] == [str(hub), str(datasets)]
    assert "chown -R" in warnings[0].remedy


def test_the_token_is_readable_inside_and_nowhere_else(output_dir: Path, tmp_path: Path) -> None:
    engine = DockerEngine(
        STUB_TAG, output_dir, Caches(tmp_path / "hub", tmp_path / "datasets"), token=TOKEN
    )
    order = make_order(
        output_dir, offline=False, look_at=["/run/secrets/hf_token"], sleep_seconds=60
    )
    handle = engine.start(order)
    try:
        wait_for_file(order.folder / "started")
        (container,) = containers_of(output_dir)
        seen = seen_by(order)
        assert seen["files"] == {"/run/secrets/hf_token": TOKEN}
        assert seen["environment"]["HF_TOKEN_PATH"] == "/run/secrets/hf_token"
        assert TOKEN not in json.dumps(seen["environment"]) + json.dumps(seen["argv"])
        assert TOKEN not in json.dumps(container.attrs)
        assert TOKEN not in json.dumps(client().api.inspect_container(container.id))
        for process in Path("/proc").glob("[0-9]*"):
            for name in ("cmdline", "environ"):
                try:
                    assert TOKEN.encode() not in (process / name).read_bytes()
                except OSError:
                    continue
        mounts = {mount["Destination"]: mount for mount in container.attrs["Mounts"]}
        token_file = Path(mounts["/run/secrets/hf_token"]["Source"])
        assert not mounts["/run/secrets/hf_token"]["RW"]
        assert token_file.stat().st_mode & 0o777 == 0o400
        assert token_file.parent.stat().st_mode & 0o777 == 0o700
    finally:
        handle.stop()
        handle.release()
    assert not token_file.exists()
    written = [path for path in output_dir.rglob("*") if path.is_file()]
    holders = [path.name for path in written if TOKEN.encode() in path.read_bytes()]
    # The stub program itself wrote down what it read.
    assert holders == ["seen.json"]


def test_only_the_gpus_of_the_order_are_asked_for(engine: DockerEngine, output_dir: Path) -> None:
    from orchestrator.engines.container_settings import Confinement, create_arguments

    confinement = Confinement(
        "sha256:0", ContainerUser.for_caller(False), output_dir, None, None, {}
    )
    uuids = ("GPU-1111", "GPU-2222")
    arguments = create_arguments(confinement, make_order(output_dir, gpus=uuids), None)
    (request,) = arguments["device_requests"]
    assert request["DeviceIDs"] == ["GPU-1111", "GPU-2222"]
    assert "NVIDIA_VISIBLE_DEVICES" not in arguments["environment"]

    arguments = create_arguments(confinement, make_order(output_dir, "acme_cpu"), None)
    assert "device_requests" not in arguments
    assert arguments["environment"]["NVIDIA_VISIBLE_DEVICES"] == "void"


def test_a_rootless_engine_runs_as_its_own_root() -> None:
    user = ContainerUser.for_caller(rootless=True)
    assert (user.uid, user.host_uid) == (0, os.geteuid())


def test_a_new_runner_adopts_what_a_killed_one_left(engine: DockerEngine, output_dir: Path) -> None:
    start_in_killed_runner(
        f"DockerEngine({STUB_TAG!r}, output_dir)",
        output_dir,
        "acme_tiny_Off",
        lines=["early"],
        sleep_seconds=60,
        last_line="late",
        exit=9,
    )
    (leftover,) = engine.leftovers()
    assert (leftover.run_id, leftover.spec_hash) == ("acme_tiny_Off", "0" * 64)
    assert leftover.alive

    folder = output_dir / "individual_runs" / "acme_tiny_Off"
    order = replace(make_order(output_dir, "only_for_its_log"), folder=folder)
    handle = engine.adopt(leftover, order)
    assert handle.poll() is None
    (folder / "go_on").touch()
    ended = wait_for_exit(handle)
    handle.release()
    assert (ended.cause, ended.code) == ("exited", 9)
    assert order.log_path.read_text() == "early\nlate\n"
    assert engine.leftovers() == []
    assert containers_of(output_dir) == []


def test_several_runs_of_a_killed_runner_are_never_taken_over(
    engine: DockerEngine, output_dir: Path
) -> None:
    start_in_killed_runner(
        f"DockerEngine({STUB_TAG!r}, output_dir)",
        output_dir,
        "acme_tiny_On",
        also=["acme_tiny_Off"],
        sleep_seconds=60,
    )
    (container,) = containers_of(output_dir)
    assert container.labels[ALSO_LABEL] == "acme_tiny_Off"
    assert container.status == "running"
    (leftover,) = engine.leftovers()
    assert (leftover.run_id, leftover.alive) == ("acme_tiny_On", False)
    engine.discard(leftover)
    assert containers_of(output_dir) == []


KILLED_BEFORE_THE_START = """
import os, signal, sys
from pathlib import Path
from docker.models.containers import Container
from orchestrator.engines.docker import DockerEngine
from tests.support.orders import make_order
Container.start = lambda container: os.kill(os.getpid(), signal.SIGKILL)
output_dir = Path(sys.argv[2])
DockerEngine(sys.argv[1], output_dir).start(make_order(output_dir, "acme_tiny_Off"))
"""


def test_a_container_that_was_never_started_is_only_to_be_discarded(
    engine: DockerEngine, output_dir: Path
) -> None:
    program = [sys.executable, "-c", KILLED_BEFORE_THE_START, STUB_TAG, str(output_dir)]
    done = subprocess.run(program, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)})
    assert done.returncode == -signal.SIGKILL
    assert [container.status for container in containers_of(output_dir)] == ["created"]
    (leftover,) = engine.leftovers()
    assert (leftover.run_id, leftover.alive) == ("acme_tiny_Off", False)
    engine.discard(leftover)
    assert containers_of(output_dir) == []


def test_a_container_that_ended_alone_is_adopted_with_its_code(
    engine: DockerEngine, output_dir: Path
) -> None:
    expression = f"DockerEngine({STUB_TAG!r}, output_dir)"
    start_in_killed_runner(expression, output_dir, "acme_tiny_Off", lines=["all"], exit=4)
    containers_of(output_dir)[0].wait()
    (leftover,) = engine.leftovers()
    assert leftover.alive
    order = make_order(output_dir, "only_for_its_log")
    handle = engine.adopt(leftover, order)
    ended = wait_for_exit(handle)
    assert (ended.cause, ended.code) == ("exited", 4)
    # What is written between the end and the release finds the whole log.
    assert order.log_path.read_text() == "all\n"
    handle.release()
    handle.release()
    assert containers_of(output_dir) == []


@pytest.mark.parametrize(
    ("status", "started_at", "expected"),
    [
        ("running", "2026-01-01T00:00:00Z", True),
        ("exited", "2026-01-01T00:00:00Z", True),
        ("exited", "0001-01-01T00:00:00Z", False),
        ("created", "0001-01-01T00:00:00Z", False),
        ("removing", "2026-01-01T00:00:00Z", False),
        ("dead", "2026-01-01T00:00:00Z", False),
    ],
)
def test_only_what_ran_has_a_result(status: str, started_at: str, expected: bool) -> None:
    assert has_result({"Status": status, "StartedAt": started_at}) is expected


def test_a_leftover_that_the_engine_keeps_is_told_without_a_traceback(
    engine: DockerEngine, output_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from docker.errors import APIError
    from docker.models.containers import Container

    def refuse(*_: object, **__: object) -> None:
        raise APIError("409 Client Error", explanation="removal is already in progress")

    order = make_order(output_dir, sleep_seconds=60)
    handle = engine.start(order)
    leftover = Leftover(containers_of(output_dir)[0].id, order.run_id, order.spec_hash)
    with monkeypatch.context() as patch:
        patch.setattr(Container, "remove", refuse)
        with pytest.raises(HostError, match=r"already in progress.*docker rm"):
            engine.discard(leftover)
    handle.stop()


def test_what_leads_to_the_hub_is_passed_on_and_nothing_else(
    output_dir: Path, image: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def environment(**given: str) -> dict[str, Any]:
        settings = EngineSettings(
            image, output_dir, output_dir / "hub", output_dir / "datasets", environment=given
        )
        order = make_order(output_dir, f"acme_{len(given)}_On", look_at=[])
        assert run_to_end(ENGINES["docker"].create(settings), order).code == 0
        seen: dict[str, Any] = seen_by(order)["environment"]
        return seen

    monkeypatch.setenv("HF_ENDPOINT", "http://of-the-shell.invalid")
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    assert environment()["HF_ENDPOINT"] == "http://of-the-shell.invalid"

    passed_on = {
        "HF_ENDPOINT": "http://of-the-file.invalid",
        "HF_HUB_DOWNLOAD_TIMEOUT": "60",
        "HTTPS_PROXY": "http://proxy.invalid:3128",
        "no_proxy": "localhost",
    }
    kept = {
        "HF_TOKEN": TOKEN,
        "HF_API_TOKEN": TOKEN,
        "HF_HUB_CACHE": "/of/the/host",
        "DATABASE_PASSWORD": "x",
    }
    seen = environment(**passed_on, **kept)
    assert passed_on.items() <= seen.items()
    assert not kept.keys() & seen.keys()
    assert TOKEN not in json.dumps(seen)


def test_discard_removes_a_leftover_and_no_other_container(
    engine: DockerEngine, output_dir: Path, tmp_path: Path
) -> None:
    start_in_killed_runner(
        f"DockerEngine({STUB_TAG!r}, output_dir)", output_dir, "acme_old_On", sleep_seconds=60
    )
    living = engine.start(make_order(output_dir, "acme_living_On", sleep_seconds=60))
    foreign = client().containers.create(STUB_TAG, ["run", "/"], name=f"x-{uuid.uuid4().hex}")
    other_dir = DockerEngine(STUB_TAG, tmp_path / "another directory")
    try:
        assert other_dir.leftovers() == []
        (leftover,) = engine.leftovers()
        assert leftover.run_id == "acme_old_On"
        engine.discard(leftover)
        engine.discard(leftover)
        assert engine.leftovers() == []
        assert living.poll() is None
        foreign.reload()
    finally:
        foreign.remove(force=True)
        living.stop()
        living.release()


def test_a_container_of_an_unknown_owner_is_not_ours_to_take(
    engine: DockerEngine, output_dir: Path
) -> None:
    elsewhere = Owner("another-host", 1, "boot-1").to_json()
    labels = {OUTPUT_DIR_LABEL: hash_of_folder(output_dir)}
    for owner in (elsewhere, "not an owner"):
        client().containers.create(STUB_TAG, ["run", "/"], labels=labels | {OWNER_LABEL: owner})
    assert engine.leftovers() == []
    assert len(containers_of(output_dir)) == 2


def test_the_whole_of_a_long_output_arrives(engine: DockerEngine, output_dir: Path) -> None:
    order = make_order(output_dir, flood_lines=20_000, last_line="the end")
    assert run_to_end(engine, order).code == 0
    lines = order.log_path.read_text().splitlines()
    assert len(lines) == 20_001
    assert [line[5:14] for line in lines[:-1]] == [f"{n:09d}" for n in range(20_000)]
    assert lines[-1] == "the end"


def test_a_flood_of_output_is_bounded_here_too(engine: DockerEngine, output_dir: Path) -> None:
    """The engine itself throws most of such a flood away before anybody can read it."""
    order = make_order(output_dir, flood_lines=1_000_000, last_line="the end")
    assert run_to_end(engine, order).code == 0
    assert order.log_path.stat().st_size <= HEAD_BYTES + 2 * TAIL_BYTES
    with order.log_path.open("rb") as log:
        assert log.readline().startswith(b"line 000000000 ")
        log.seek(-8, os.SEEK_END)
        assert log.read() == b"the end\n"


def test_an_unprivileged_user_runs_containers_under_the_own_number(
    tmp_path: Path, image: str
) -> None:
    folder = give_away(tmp_path)
    program = f"""
import sys
from pathlib import Path
from orchestrator.engines.container_settings import Caches
from orchestrator.engines.docker import DockerEngine
from tests.support.orders import make_order, run_to_end
home = Path(sys.argv[1])
caches = Caches(home / "hub", home / "datasets")
engine = DockerEngine({STUB_TAG!r}, home, caches, token={TOKEN!r})
assert list(engine.problems(False)) == [], list(engine.problems(False))
look_at = ["/run/secrets/hf_token", "/home/user/.cache/huggingface/hub", "/home/user"]
order = make_order(home, offline=False, look_at=look_at)
print(run_to_end(engine, order).code)
"""
    done = run_unprivileged(
        [sys.executable, "-c", program, str(folder)],
        cwd=folder,
        environment={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)},
        home=folder,
    )
    assert (done.stdout, done.stderr) == ("0\n", "")
    report = folder / "individual_runs" / "acme_tiny_On" / "seen.json"
    seen = json.loads(report.read_text())
    assert seen["uid"] == seen["gid"] == unprivileged_uid() or os.geteuid() != 0
    assert seen["uid"] == report.stat().st_uid == unprivileged_uid()
    assert list(seen["files"].values()) == [TOKEN, *["writable folder"] * 2]


class Gate:
    """A door in front of the engine's socket: shut, nobody gets in and whoever was in is out."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._process: subprocess.Popen[bytes] | None = None
        self.open()

    def open(self) -> None:
        program = ROOT / "tests" / "support" / "socket_gate.py"
        self._process = subprocess.Popen([sys.executable, str(program), str(self._path)])
        wait_for_file(self._path)

    def close(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
        self._path.unlink(missing_ok=True)

    def __enter__(self) -> "Gate":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def forwarded_engine(path: Path) -> Gate:
    return Gate(path)


def test_an_engine_that_goes_away_is_noticed_each_time_it_is_asked(
    engine: DockerEngine, output_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Facts about the image are kept; whether the engine answers never is."""
    assert list(engine.problems(False)) == []

    def gone() -> None:
        raise ConnectionRefusedError("the socket is closed")

    monkeypatch.setattr(engine._host.client, "ping", gone)
    assert "does not answer" in str(next(iter(engine.problems(False))))


def test_an_engine_that_is_away_at_a_start_can_be_asked_again(
    output_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with forwarded_engine(tmp_path / "engine.sock") as gate:
        monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path / 'engine.sock'}")
        engine = DockerEngine(STUB_TAG, output_dir)
        order = make_order(output_dir, "acme_away_On", exit=5)
        assert engine.image_digest()
        gate.close()
        with pytest.raises(EngineAway, match="does not answer"):
            engine.start(order)
        gate.open()
        assert run_to_end(engine, order).code == 5


@pytest.mark.parametrize(
    ("was_heard", "cause", "code"), [(True, "exited", 5), (False, "engine_restarted", None)]
)
def test_a_start_that_nobody_answered_is_watched(
    engine: DockerEngine,
    output_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
    was_heard: bool,
    cause: str,
    code: int | None,
) -> None:
    """The engine may have heard it before it went: a second one would run beside the first."""
    from docker.models.containers import Container

    start = Container.start

    def start_unanswered(container: Any) -> None:
        if was_heard:
            start(container)
        raise ConnectionResetError("the engine went away")

    monkeypatch.setattr(Container, "start", start_unanswered)
    ended = run_to_end(engine, make_order(output_dir, "acme_unheard_On", exit=5))
    assert (ended.cause, ended.code) == (cause, code)
    assert containers_of(output_dir) == []


@pytest.mark.parametrize(
    ("state", "killed"),
    [
        ({"Status": "exited", "ExitCode": 255}, True),
        ({"Status": "exited", "ExitCode": 143}, True),
        ({"Status": "exited", "ExitCode": 137, "OOMKilled": True}, False),
        ({"Status": "exited", "ExitCode": 134}, False),
        ({"Status": "running", "ExitCode": 0}, False),
    ],
)
def test_a_container_that_ended_with_its_machine_is_told_from_one_that_failed(
    state: dict[str, Any], killed: bool
) -> None:
    """255 is what an engine writes that comes up and finds its containers gone."""
    from docker.models.containers import Container

    assert was_killed(Container(attrs={"State": state})) == killed


def test_earlier_attempts_are_out_of_the_reach_of_a_run(
    engine: DockerEngine, output_dir: Path
) -> None:
    order = make_order(output_dir, look_at=["/results/attempts/1"])
    evidence = order.folder / "attempts" / "1" / "evidence.txt"
    evidence.parent.mkdir(parents=True)
    evidence.write_text("measured")
    ended = run_to_end(engine, order)
    assert ended.code == 0
    assert evidence.read_text() == "measured"
    assert seen_by(order)["files"]["/results/attempts/1"] == "FileNotFoundError"
