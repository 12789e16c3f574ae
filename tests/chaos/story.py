"""One seed from its first sweep to the last check."""

import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from tests.chaos.checks import check
from tests.chaos.events import EVENTS
from tests.chaos.fate import Fate, Moment, fate_of
from tests.chaos.scenario import Scenario
from tests.support.runner import table

FINISHED, SOME_FAILED = 0, 1


@dataclass(frozen=True)
class Told:
    """`missed` moments came when the sweep was over. `failure` is empty where all held."""

    fate: Fate
    seconds: float
    sweeps: int
    missed: int
    lines: tuple[str, ...]
    failure: str


def tell(seed: int, engine_data: Path | None) -> Told:
    """Raises nothing that the product did: it is told."""
    fate, begun_at = fate_of(seed), time.monotonic()
    scenario, failure = Scenario(fate, engine_data), ""
    try:
        scenario.boot()
        play(scenario)
    except (AssertionError, OSError, subprocess.SubprocessError) as error:
        words = scenario.last_words() if scenario.sweeps else ""
        failure = f"{error}\nThe last sweep said:\n{words}"
    finally:
        scenario.close()
    seconds = time.monotonic() - begun_at
    return Told(fate, seconds, scenario.sweeps, scenario.missed, tuple(scenario.told), failure)


def play(scenario: Scenario) -> None:
    scenario.start_sweep()
    for moment in scenario.fate.moments:
        _strike(scenario, moment)
    if scenario.runner.poll() is None:
        scenario.end_sweep()
        scenario.note_finished()
    _complete(scenario)
    check(scenario)


def _strike(scenario: Scenario, moment: Moment) -> None:
    event = EVENTS[moment.event]
    # What happened before may end the sweep on the way to this moment.
    for _ in range(2):
        if scenario.runner.poll() is not None:
            _resume(scenario)
        scenario.wait_for(lambda: scenario.concluded() >= moment.finished)
        time.sleep(moment.delay_seconds)
        if scenario.runner.poll() is None:
            break
    scenario.note_finished()
    concluded, was_over = scenario.concluded(), scenario.runner.poll() is not None
    done = event.strike(scenario)
    if was_over or not done:
        scenario.missed += 1
    scenario.tell(f"with {concluded} concluded: {done or 'there was nothing to strike'}")
    if event.ends_sweep:
        scenario.end_sweep()
    scenario.note_finished()


def _resume(scenario: Scenario) -> None:
    code = scenario.end_sweep()
    scenario.tell(f"sweep {scenario.sweeps} ended with {code}; the same command again")
    scenario.start_sweep()


def _complete(scenario: Scenario) -> None:
    """The same command; and once more with --rerun-failed where rows failed that had a reason."""
    scenario.tell(f"sweep {scenario.sweeps} ended with {scenario.end_sweep()}; resumed")
    scenario.start_sweep()
    code = scenario.end_sweep()
    assert code in (FINISHED, SOME_FAILED), f"the resumed sweep ends with {code}"
    failed = failures(scenario)
    assert bool(failed) == (code == SOME_FAILED), f"exit code {code} with {failed}"
    excuses = frozenset().union(*(EVENTS[one.event].excuses for one in scenario.fate.moments))
    unexcused = {name: why for name, why in failed.items() if why.split(":")[0] not in excuses}
    assert not unexcused, f"failed without a cause: {unexcused}"
    if failed:
        scenario.tell(f"failed: {failed}; --rerun-failed")
        scenario.note_finished()
        scenario.start_sweep("--rerun-failed")
        code = scenario.end_sweep()
        assert code == FINISHED, f"with --rerun-failed it ends with {code}"


def failures(scenario: Scenario) -> dict[str, str]:
    """By run_id, the reason and the message of rows that failed."""
    rows = table(scenario.directory.root)
    return {
        run_id: f"{row['error_message'][:100]}"
        for run_id, row in rows.items()
        if row["outcome"] == "failed"
    }
