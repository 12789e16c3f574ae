"""What can happen to a sweep, one small function each, and the registry of them."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass

from benchmark_core.atomic_file import write_text
from benchmark_core.contract import OUTCOME_FILE
from orchestrator.engines.container_settings import RUN_ID_LABEL
from orchestrator.run_directory import HOLDER_FILE, MASTER_FILE, SWEEP_FILE
from orchestrator.run_folder import ARCHIVING_SUFFIX, RunFolder
from tests.chaos.scenario import Scenario, outcome_name

HOUR_SECONDS = 3600
HALF = ".0a1b2c3d"
"""How the name of a half-written file goes on."""
CUT_WITHOUT_MODEL = '{"schema_version": 1, "run_id": "'


@dataclass(frozen=True)
class Event:
    """`strike` answers what it did; nothing where there was nothing to do it to.

    `ends_sweep`: the runner ends of it, now or soon.
    `excuses` are the reasons with which a run may fail of it; all others finish, or are made anew.
    """

    strike: Callable[[Scenario], str]
    ends_sweep: bool
    excuses: frozenset[str] = frozenset()


def kill_runner(scenario: Scenario) -> str:
    scenario.runner.signal(signal.SIGKILL)
    return "kill -9 of the runner"


def kill_while_resuming(scenario: Scenario) -> str:
    """What a killed runner left is sorted out by one that is killed over it, and so on."""
    scenario.runner.signal(signal.SIGKILL)
    lives = [scenario.random.uniform(0.2, 1.5) for _ in range(3)]
    for seconds in lives:
        scenario.end_sweep()
        scenario.start_sweep()
        time.sleep(seconds)
        scenario.runner.signal(signal.SIGKILL)
    told = ", ".join(f"{seconds:.2f}" for seconds in lives)
    return f"kill -9 of the runner, and of those that resumed after {told} s"


def terminate(scenario: Scenario) -> str:
    scenario.runner.signal(signal.SIGTERM)
    return "SIGTERM"


def hang_up(scenario: Scenario) -> str:
    scenario.runner.signal(signal.SIGHUP)
    return "SIGHUP"


def interrupt_once(scenario: Scenario) -> str:
    scenario.runner.signal(signal.SIGINT)
    return "Ctrl-C"


def interrupt_twice(scenario: Scenario) -> str:
    pause_seconds = scenario.random.uniform(0.02, 0.5)
    scenario.runner.signal(signal.SIGINT)
    time.sleep(pause_seconds)
    scenario.runner.signal(signal.SIGINT)
    return f"Ctrl-C twice, {pause_seconds:.2f} s apart"


def power_off(scenario: Scenario) -> str:
    """Runner, runs, containers and engine; what comes up again has another boot id."""
    scenario.machine.power_off()
    scenario.boot()
    return "power off, and on again"


def set_clock_back(scenario: Scenario) -> str:
    scenario.machine.set_clock(-HOUR_SECONDS)
    return "wall clock set back an hour"


def fill_disk(scenario: Scenario) -> str:
    seconds = scenario.random.uniform(0.2, 2.0)
    filler = scenario.disk / "filler"
    deadline = time.monotonic() + seconds
    with filler.open("wb", buffering=0) as stream:
        # What is freed meanwhile is taken too.
        while time.monotonic() < deadline:
            for size in (2**20, 4096):
                with suppress(OSError):
                    while stream.write(bytes(size)) == size:
                        pass
            time.sleep(0.01)
    filler.unlink()
    return f"disk full for {seconds:.1f} s"


def cut_report(scenario: Scenario) -> str:
    """A run dies and leaves half a report, as on a disk that lost the rest; so may its runner."""
    runner_too = scenario.random.random() < 0.5
    finished = [one for one in scenario.folders() if outcome_name(one) == "finished"]
    whole = scenario.random.choice(finished).report_path.read_text() if finished else ""
    cut = whole[: scenario.random.randrange(1, len(whole) - 1)] if whole else CUT_WITHOUT_MODEL
    for folder in _met_under_way(scenario):
        if runner_too:
            scenario.runner.signal(signal.SIGKILL)
        folder.report_path.write_text(cut)
        if _kill_run(scenario, folder):
            also = " and of its runner" if runner_too else ""
            return f"kill -9 of {folder.run_id}{also}, its report cut after {len(cut)} characters"
    return ""


def _met_under_way(scenario: Scenario) -> Iterator[RunFolder]:
    """Again and again, while the sweep lasts."""
    deadline = time.monotonic() + 60
    while scenario.runner.poll() is None and time.monotonic() < deadline:
        yield from scenario.under_way()
        time.sleep(0.02)


def _kill_run(scenario: Scenario, folder: RunFolder) -> bool:
    if scenario.engine:
        label = f"label={RUN_ID_LABEL}={folder.run_id}"
        containers = scenario.engine.docker("ps", "--quiet", "--filter", label).split()
        for container in containers:
            with suppress(Exception):
                scenario.engine.docker("kill", container)
        return bool(containers)
    record = scenario.record_of(folder)
    if record:
        scenario.machine.call("kill", "-9", str(record.pid))
    return record is not None


def leave_locks(scenario: Scenario) -> str:
    """The runner dies, and all that one can leave behind is there."""
    scenario.runner.signal(signal.SIGKILL)
    scenario.runner.wait(30)
    root, gone = scenario.directory.root, "1.another-boot-1.0123456789abcdef"
    root.mkdir(exist_ok=True)
    write_text(root / HOLDER_FILE, '{"host": "elsewhere", "pid": 1}\n')
    for name in (MASTER_FILE, SWEEP_FILE, HOLDER_FILE):
        (root / f".{name}{HALF}").write_text("cut of")
    for lock in scenario.machine.locks.iterdir():
        lock.write_text("process 1 on a machine that is gone")
    tokens = scenario.runtime / f"ai-energy-score-{os.geteuid()}"
    tokens.mkdir(mode=0o700, exist_ok=True)
    (tokens / gone).write_text("a token")
    done = ["kill -9 of the runner; its locks, its name, a token and half-written files left"]
    for folder in scenario.under_way():
        (folder.path / f".{OUTCOME_FILE}{HALF}").write_text("cut of")
        if scenario.record_of(folder) is None and folder.spec_path.exists():
            folder.path.rename(folder.path.with_name(f".{folder.run_id}{ARCHIVING_SUFFIX}"))
            done.append(f"{folder.run_id} half archived")
    return "; ".join(done)


def hang(scenario: Scenario) -> str:
    """One run never wakes from its next sleep; it takes another where one ends before that."""
    for folder in _met_under_way(scenario):
        record = scenario.record_of(folder)
        if record is None:
            continue
        scenario.machine.hang(record.pid)
        scenario.wait_for(folder.outcome_path.exists)
        scenario.machine.hang(0)
        if outcome_name(folder) == "failed":
            scenario.was_hanging = True
            return f"{folder.run_id} hung"
    return ""


def kill_container(scenario: Scenario) -> str:
    assert scenario.engine is not None
    for folder in _met_under_way(scenario):
        if _kill_run(scenario, folder):
            return f"docker kill of the container of {folder.run_id}"
    return ""


def stop_engine(scenario: Scenario) -> str:
    return _restart_engine(scenario, signal.SIGTERM)


def kill_engine(scenario: Scenario) -> str:
    return _restart_engine(scenario, signal.SIGKILL)


def _restart_engine(scenario: Scenario, number: signal.Signals) -> str:
    assert scenario.engine is not None
    away_seconds = scenario.random.uniform(0.0, 2.0)
    scenario.engine.stop(number)
    time.sleep(away_seconds)
    scenario.engine.start()
    live = "with" if scenario.fate.live_restore else "without"
    return f"engine ended by {number.name}, started {away_seconds:.1f} s later, {live} live-restore"


# Some are killed when their report is there.
KILLED_RUN = frozenset({"no_report", "exit_code"})
# One that is just being made ends with the code of what makes it, and leaves nothing.
LOST_CONTAINER = frozenset({"engine_restarted", "terminated", "vanished", "no_report"})

EVENTS: dict[str, Event] = {
    "kill_runner": Event(kill_runner, ends_sweep=True),
    "kill_while_resuming": Event(kill_while_resuming, ends_sweep=True),
    "terminate": Event(terminate, ends_sweep=True),
    "hang_up": Event(hang_up, ends_sweep=True),
    "interrupt_once": Event(interrupt_once, ends_sweep=True),
    "interrupt_twice": Event(interrupt_twice, ends_sweep=True),
    "power_off": Event(power_off, ends_sweep=True),
    "set_clock_back": Event(set_clock_back, ends_sweep=False),
    "fill_disk": Event(fill_disk, ends_sweep=False, excuses=frozenset({"no_report", "disk"})),
    "cut_report": Event(cut_report, ends_sweep=False, excuses=KILLED_RUN),
    "leave_locks": Event(leave_locks, ends_sweep=True),
    "hang": Event(hang, ends_sweep=False, excuses=frozenset({"hang"})),
    "kill_container": Event(kill_container, ends_sweep=False, excuses=KILLED_RUN),
    "stop_engine": Event(stop_engine, ends_sweep=False, excuses=LOST_CONTAINER),
    "kill_engine": Event(kill_engine, ends_sweep=False, excuses=LOST_CONTAINER),
}
