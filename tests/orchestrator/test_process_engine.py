"""The process engine with real processes, whose program does as it is told."""

import os
import resource
import shutil
import signal
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from benchmark_core.contract import REPORT_FILE, BackendSpec, Simulation
from orchestrator.engines.base import Leftover
from orchestrator.engines.bounded_log import HEAD_BYTES, NOTICE_BYTES, TAIL_BYTES
from orchestrator.engines.container_settings import Caches
from orchestrator.engines.owner import Owner, process_start
from orchestrator.engines.process import ProcessEngine
from orchestrator.engines.process_group import RECORD_FILE, ProcessRecord
from orchestrator.engines.registry import ENGINES, EngineSettings
from orchestrator.engines.token_file import TokenFile, remove_stale_tokens
from orchestrator.errors import HostError
from tests.support import builders
from tests.support.image import STUB_PROGRAM
from tests.support.orders import (
    make_order,
    run_to_end,
    seen_by,
    start_in_killed_runner,
    wait_for_exit,
    wait_for_file,
)

TOKEN = "hf_notARealTokenButLongEnough0123456789"


@pytest.fixture
def program_root(tmp_path: Path) -> Path:
    """A folder whose `benchmark_core` is the stub program."""
    package = tmp_path / "program" / "benchmark_core"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    shutil.copy(STUB_PROGRAM, package / "__main__.py")
    return package.parent


@pytest.fixture
def output_dir(tmp_path: Path) -> Path:
    folder = tmp_path / "results: of 'May', 100 %"
    folder.mkdir()
    return folder


@pytest.fixture
def engine(output_dir: Path, program_root: Path) -> ProcessEngine:
    return ProcessEngine(output_dir, program_root=program_root)


def wait_until_dead(pid: int) -> None:
    deadline = time.monotonic() + 120
    while process_start(pid) is not None:
        assert time.monotonic() < deadline, f"process {pid} still lives"
        time.sleep(0.02)


def test_a_run_ends_with_its_code_and_whole_log(engine: ProcessEngine, output_dir: Path) -> None:
    order = make_order(output_dir, lines=["first"], error_line="to stderr", exit=5)
    ended = run_to_end(engine, order)
    assert (ended.cause, ended.code, ended.detail) == ("exited", 5, "")
    assert ended.started_at is not None and ended.finished_at is not None
    assert ended.started_at < ended.finished_at
    assert order.log_path.read_text() == "first\nto stderr\n"
    assert not (order.folder / RECORD_FILE).exists()


def test_a_run_that_prints_200_mb_costs_neither_memory_nor_the_disk(
    engine: ProcessEngine, output_dir: Path
) -> None:
    order = make_order(output_dir, flood_lines=1_000_000, last_line="the end")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert run_to_end(engine, order).code == 0
    kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert kib * 1024 < 3 * TAIL_BYTES
    assert order.log_path.stat().st_size <= HEAD_BYTES + 2 * TAIL_BYTES
    with order.log_path.open("rb") as log:
        assert log.readline().startswith(b"line 000000000 ")
        log.seek(HEAD_BYTES)
        left_out = int(log.read(NOTICE_BYTES).split()[1])
        log.seek(-8, os.SEEK_END)
        assert log.read() == b"the end\n"
    printed = 1_000_000 * len(f"line {0:09d} {'x' * 180}\n") + len("the end\n")
    kept = order.log_path.stat().st_size - NOTICE_BYTES
    assert 0.9 * printed < left_out + kept <= printed


def test_a_killed_run_says_by_which_signal(engine: ProcessEngine, output_dir: Path) -> None:
    order = make_order(output_dir, kill_self_with=int(signal.SIGKILL))
    ended = run_to_end(engine, order)
    assert (ended.cause, ended.code) == ("exited", 137)
    assert "out of memory" in ended.detail

    order = make_order(output_dir, "acme_other_On", kill_self_with=int(signal.SIGSEGV))
    ended = run_to_end(engine, order)
    assert ended.code == 128 + signal.SIGSEGV
    assert "SIGSEGV" in ended.detail


def test_stop_ends_the_run_and_its_children(engine: ProcessEngine, output_dir: Path) -> None:
    order = make_order(output_dir, child_seconds=600, sleep_seconds=600)
    handle = engine.start(order)
    wait_for_file(order.folder / "started")
    assert handle.poll() is None
    ended = handle.stop()
    assert (ended.cause, ended.code) == ("stopped", 128 + signal.SIGTERM)
    assert handle.stop() == ended
    wait_until_dead(int((order.folder / "child.pid").read_text()))


def test_several_runs_are_given_to_one_program(engine: ProcessEngine, output_dir: Path) -> None:
    also = ("acme_tiny_Off", "acme_tiny_On_High")
    order = make_order(output_dir, also=also, look_at=[])
    assert run_to_end(engine, order).code == 0
    runs = output_dir / "individual_runs"
    assert seen_by(order)["argv"][1:] == ["run", *(str(runs / n) for n in ("acme_tiny_On", *also))]
    assert not list(output_dir.rglob(RECORD_FILE))


def test_a_run_that_hangs_shows_its_stacks_and_goes_on(output_dir: Path) -> None:
    """The real program: it hangs in a sample, as it was told to."""
    order = make_order(output_dir, "acme_hangs_On")
    hangs = Simulation(seconds_per_sample=0.0, fault="hang")
    spec = builders.spec(
        run_id=order.run_id, backend=BackendSpec(name="simulated", simulation=hangs)
    )
    (order.folder / "run_spec.json").write_text(spec.to_json())
    handle = ProcessEngine(output_dir).start(order)
    try:
        wait_for_file(order.folder / "benchmark_results.csv")
        # The file is there a moment before the run hangs.
        while "in _misbehave" not in order.log_path.read_text():
            handle.show_stacks()
            time.sleep(0.1)
        assert "most recent call first" in order.log_path.read_text()
        assert handle.poll() is None
        handle.stop()
        handle.show_stacks()
    finally:
        handle.release()


def test_stop_kills_what_does_not_listen(
    engine: ProcessEngine, output_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestrator.engines.process_handle.STOP_SECONDS", 0.2)
    order = make_order(output_dir, ignore_term=True, sleep_seconds=600)
    handle = engine.start(order)
    wait_for_file(order.folder / "started")
    assert handle.stop().code == 128 + signal.SIGKILL


def test_children_do_not_outlive_a_run_that_ends(engine: ProcessEngine, output_dir: Path) -> None:
    order = make_order(output_dir, child_seconds=600)
    handle = engine.start(order)
    assert wait_for_exit(handle).code == 0
    wait_until_dead(int((order.folder / "child.pid").read_text()))
    handle.release()


def test_the_run_sees_only_what_it_needs(
    output_dir: Path, program_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    monkeypatch.setenv("DATABASE_PASSWORD", "secret of another program")
    monkeypatch.setenv("HF_ENDPOINT", "http://mirror.invalid")
    caches = Caches(output_dir / "hub", output_dir / "datasets")
    engine = ProcessEngine(output_dir, caches, TOKEN, program_root=program_root)
    order = make_order(output_dir, offline=False, gpus=("GPU-1", "GPU-2"), look_at=[])
    assert run_to_end(engine, order).code == 0
    seen = seen_by(order)
    environment = seen["environment"]
    assert TOKEN not in str(environment) + str(seen["argv"])
    assert "DATABASE_PASSWORD" not in environment
    assert environment["CUDA_VISIBLE_DEVICES"] == "GPU-1,GPU-2"
    assert environment["HF_ENDPOINT"] == "http://mirror.invalid"
    assert environment["HF_HUB_CACHE"] == str(caches.hub)
    assert environment["HF_DATASETS_CACHE"] == str(caches.datasets)
    assert "HF_HUB_OFFLINE" not in environment
    assert seen["argv"][1:] == ["run", str(order.folder)]
    assert seen["working_directory"] == "/"
    assert seen["session"] == seen["pid"]
    assert not Path(environment["HF_TOKEN_PATH"]).exists()

    order = make_order(output_dir, "acme_of_the_file", look_at=[])
    given = {
        "HF_ENDPOINT": "http://of-the-file.invalid",
        "HF_HUB_DISABLE_IMPLICIT_TOKEN": "1",
        "https_proxy": "http://proxy.invalid:3128",
        "HF_TOKEN": TOKEN,
        "HF_API_TOKEN": TOKEN,
        "HF_TOKEN_PATH": "/of/the/user",
        "PATH": "/nowhere",
        "DATABASE_PASSWORD": "x",
    }
    monkeypatch.setenv("HF_HUB_ETAG_TIMEOUT", "9")
    of_the_file = ProcessEngine(output_dir, environment=given, program_root=program_root)
    assert run_to_end(of_the_file, order).code == 0
    environment = seen_by(order)["environment"]
    assert dict(list(given.items())[:3]).items() <= environment.items()
    assert not {"HF_TOKEN", "HF_API_TOKEN", "HF_TOKEN_PATH", "DATABASE_PASSWORD"} & set(environment)
    assert "HF_HUB_ETAG_TIMEOUT" not in environment
    assert environment["PATH"] == os.environ["PATH"]

    order = make_order(output_dir, "acme_from_cache", offline=False, look_at=[])
    order = replace(order, launch=order.launch.model_copy(update={"from_cache": True}))
    assert run_to_end(engine, order).code == 0
    environment = seen_by(order)["environment"]
    assert environment["HF_HUB_OFFLINE"] == "1"
    assert "HF_TOKEN_PATH" not in environment

    order = make_order(output_dir, "acme_offline", look_at=[])
    assert run_to_end(engine, order).code == 0
    environment = seen_by(order)["environment"]
    assert environment["HF_HUB_OFFLINE"] == "1"
    assert environment["CUDA_VISIBLE_DEVICES"] == ""
    assert "HF_TOKEN_PATH" not in environment


def test_the_registry_hands_the_variables_of_the_settings_on(
    output_dir: Path, program_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stub_engine = partial(ProcessEngine, program_root=program_root)
    monkeypatch.setattr("orchestrator.engines.registry.ProcessEngine", stub_engine)
    caches = (output_dir / "hub", output_dir / "datasets")
    given = {"HF_ENDPOINT": "http://of-the-file.invalid"}
    engine = ENGINES["process"].create(EngineSettings("", output_dir, *caches, environment=given))
    order = make_order(output_dir, look_at=[])
    assert run_to_end(engine, order).code == 0
    assert seen_by(order)["environment"]["HF_ENDPOINT"] == given["HF_ENDPOINT"]


def test_the_token_is_readable_while_the_run_runs(output_dir: Path, program_root: Path) -> None:
    caches = Caches(output_dir / "hub", output_dir / "datasets")
    engine = ProcessEngine(output_dir, caches, TOKEN, program_root=program_root)
    order = make_order(output_dir, offline=False, look_at=[], sleep_seconds=60)
    handle = engine.start(order)
    try:
        wait_for_file(order.folder / "started")
        path = Path(seen_by(order)["environment"]["HF_TOKEN_PATH"])
        assert path.read_text() == TOKEN
        assert path.stat().st_mode & 0o777 == 0o400
    finally:
        handle.stop()
        handle.release()
    assert not path.exists()


def test_tokens_of_dead_runners_are_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    living = TokenFile(TOKEN, os.geteuid(), os.getegid())
    stale = living.path.with_name("1.other-boot-1.0123456789abcdef")
    stale.write_text(TOKEN)
    foreign = living.path.with_name("notes.txt")
    foreign.touch()
    remove_stale_tokens()
    assert living.path.exists() and foreign.exists()
    assert not stale.exists()


def test_a_token_is_not_written_where_others_may_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    folder = tmp_path / f"ai-energy-score-{os.geteuid()}"
    folder.mkdir(mode=0o755)
    with pytest.raises(HostError, match="only you"):
        TokenFile(TOKEN, os.geteuid(), os.getegid())
    assert list(folder.iterdir()) == []


def test_missing_packages_are_a_problem_only_where_models_run(
    output_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    caches = Caches(output_dir / "hub", output_dir / "datasets")
    (problem,) = ProcessEngine(output_dir, caches).problems(wants_gpus=False)
    assert "torch" in problem.what and "pip install -r requirements.txt" in problem.remedy
    assert list(ProcessEngine(output_dir).problems(wants_gpus=False)) == []


def test_a_folder_that_is_missing_is_refused(engine: ProcessEngine, output_dir: Path) -> None:
    order = replace(make_order(output_dir), folder=output_dir / "never")
    with pytest.raises(HostError, match="acme_tiny_On"):
        engine.start(order)


def test_a_run_without_a_record_never_begins(
    engine: ProcessEngine, output_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(ProcessRecord, "write", fail)
    order = make_order(output_dir, lines=["I ran"])
    with pytest.raises(HostError, match="No space left"):
        engine.start(order)
    assert order.log_path.read_text() == ""
    assert not (order.folder / "started").exists()


def killed_runner(program_root: Path, output_dir: Path, run_id: str, **steps: object) -> None:
    start_in_killed_runner(
        f"ProcessEngine(output_dir, program_root=Path({str(program_root)!r}))",
        output_dir,
        run_id,
        **steps,
    )


def test_a_new_runner_adopts_what_a_killed_one_left(
    engine: ProcessEngine, output_dir: Path, program_root: Path
) -> None:
    killed_runner(program_root, output_dir, "acme_tiny_Off", sleep_seconds=60, child_seconds=600)
    (leftover,) = engine.leftovers()
    assert (leftover.run_id, leftover.spec_hash) == ("acme_tiny_Off", "0" * 64)
    assert leftover.alive
    folder = output_dir / "individual_runs" / "acme_tiny_Off"
    handle = engine.adopt(leftover, make_order(output_dir, "only_an_order"))
    assert handle.poll() is None
    (folder / "go_on").touch()
    ended = wait_for_exit(handle)
    handle.release()
    assert (ended.cause, ended.code) == ("exited", None)
    assert "earlier runner" in ended.detail
    assert engine.leftovers() == []
    wait_until_dead(int((folder / "child.pid").read_text()))


def test_discard_kills_a_leftover_and_nothing_of_a_living_runner(
    engine: ProcessEngine, output_dir: Path, program_root: Path
) -> None:
    living = engine.start(make_order(output_dir, "acme_living_On", sleep_seconds=600))
    killed_runner(program_root, output_dir, "acme_old_On", sleep_seconds=600, child_seconds=600)
    try:
        (leftover,) = engine.leftovers()
        assert leftover.run_id == "acme_old_On"
        record = ProcessRecord.read(Path(leftover.key))
        assert record is not None
        engine.discard(leftover)
        engine.discard(leftover)
        wait_until_dead(record.pid)
        assert engine.leftovers() == []
        assert living.poll() is None
    finally:
        living.stop()
        living.release()


def test_several_runs_of_a_killed_runner_are_never_taken_over(
    engine: ProcessEngine, output_dir: Path, program_root: Path
) -> None:
    killed_runner(program_root, output_dir, "acme_old_On", also=["acme_old_Off"], sleep_seconds=600)
    (leftover,) = engine.leftovers()
    assert (leftover.run_id, leftover.alive) == ("acme_old_On", False)
    record = ProcessRecord.read(Path(leftover.key))
    assert record is not None and record.also == ("acme_old_Off",)
    engine.discard(leftover)
    wait_until_dead(record.pid)
    assert engine.leftovers() == []


def test_children_of_a_dead_run_are_leftovers_too(
    engine: ProcessEngine, output_dir: Path, program_root: Path
) -> None:
    killed_runner(program_root, output_dir, "acme_old_On", sleep_seconds=600, child_seconds=600)
    (leftover,) = engine.leftovers()
    record = ProcessRecord.read(Path(leftover.key))
    assert record is not None
    os.kill(record.pid, signal.SIGKILL)
    wait_until_dead(record.pid)
    assert engine.leftovers() == [replace(leftover, alive=False)]
    engine.discard(leftover)
    wait_until_dead(int((Path(leftover.key) / "child.pid").read_text()))


def test_what_finished_without_its_runner_leaves_its_report(
    engine: ProcessEngine, output_dir: Path, program_root: Path
) -> None:
    killed_runner(program_root, output_dir, "acme_old_On", sleep_seconds=600)
    (leftover,) = engine.leftovers()
    folder = Path(leftover.key)
    record = ProcessRecord.read(folder)
    assert record is not None
    (folder / REPORT_FILE).write_text("{}")
    (folder / "go_on").touch()
    wait_until_dead(record.pid)

    assert engine.leftovers() == [replace(leftover, alive=False)]
    engine.discard(leftover)
    engine.discard(leftover)
    assert engine.leftovers() == []
    assert not (folder / RECORD_FILE).exists()
    assert (folder / REPORT_FILE).read_text() == "{}"


def test_a_late_release_or_discard_spares_the_next_attempt(
    engine: ProcessEngine, output_dir: Path
) -> None:
    order = make_order(output_dir)
    earlier = engine.start(order)
    wait_for_exit(earlier)
    (order.folder / "stub.json").write_text('{"sleep_seconds": 600}')
    later = engine.start(order)
    try:
        earlier.release()
        assert (order.folder / RECORD_FILE).exists()
        engine.discard(_leftover_at(order.folder))
        assert later.poll() is None
        assert (order.folder / RECORD_FILE).exists()
    finally:
        later.stop()
        later.release()
    assert not (order.folder / RECORD_FILE).exists()


def test_a_recycled_process_number_is_never_killed(engine: ProcessEngine, output_dir: Path) -> None:
    """The record of a run long gone names a number that belongs to somebody else now: us."""
    order = make_order(output_dir)
    record = ProcessRecord(
        run_id=order.run_id,
        spec_hash=order.spec_hash,
        mark="acme_tiny_On.0123456789abcdef",
        pid=os.getpid(),
        started="an-earlier-boot-1",
        launched_at="2026-01-01T00:00:00+00:00",
        owner_host=Owner.current().host,
        owner_pid=1,
        owner_started="an-earlier-boot-1",
    )
    record.write(order.folder)
    assert engine.leftovers() == [replace(_leftover_at(order.folder), alive=False)]
    handle = engine.adopt(_leftover_at(order.folder), order)
    assert wait_for_exit(handle).code is None
    record.write(order.folder)
    engine.discard(_leftover_at(order.folder))
    assert not (order.folder / RECORD_FILE).exists()


def _leftover_at(folder: Path) -> Leftover:
    return Leftover(str(folder), "acme_tiny_On", "0" * 64)


def test_owners_are_told_apart_by_host_and_start() -> None:
    me = Owner.current()
    assert Owner.from_json(me.to_json()) == me
    assert not me.is_gone()
    assert replace(me, started="an-earlier-boot-1").is_gone()
    assert not replace(me, host="another-host", pid=1, started="").is_gone()
    assert Owner.from_json("{}") is None


def test_runs_of_optimum_benchmark_are_told_where_its_python_is(
    output_dir: Path, program_root: Path, tmp_path: Path
) -> None:
    python = tmp_path / "of optimum" / "python"
    python.parent.mkdir()
    python.write_text("#!/bin/sh\nexit 0\n")
    python.chmod(0o755)
    engine = ProcessEngine(output_dir, program_root=program_root, optimum_python=python)
    assert list(engine.problems(wants_gpus=False)) == []
    order = make_order(output_dir, look_at=[])
    run_to_end(engine, order)
    assert seen_by(order)["environment"]["OPTIMUM_PYTHON"] == str(python)
    other = make_order(output_dir, "acme_other_On", look_at=[])
    run_to_end(ProcessEngine(output_dir, program_root=program_root), other)
    assert "OPTIMUM_PYTHON" not in seen_by(other)["environment"]


@pytest.mark.parametrize(
    ("script", "said"),
    [
        (None, "there is no such Python"),
        ("exit 1", "this Python does not have optimum-benchmark"),
    ],
)
def test_a_python_without_optimum_benchmark_is_a_problem(
    script: str | None, said: str, output_dir: Path, tmp_path: Path
) -> None:
    python = tmp_path / "python"
    if script is not None:
        python.write_text(f"#!/bin/sh\n{script}\n")
        python.chmod(0o755)
    engine = ProcessEngine(output_dir, optimum_python=python)
    (problem,) = engine.problems(wants_gpus=False)
    assert problem.what == said
    assert str(python) in problem.where
    assert "make optimum" in problem.remedy


def test_a_python_that_may_not_be_run_is_a_problem(output_dir: Path, tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\n")
    (problem,) = ProcessEngine(output_dir, optimum_python=python).problems(wants_gpus=False)
    assert problem.what == "cannot be run (PermissionError)"
