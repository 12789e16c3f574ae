"""The sides of a comparison in turns, each in the environment that it is made for."""

import json
import math
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.loop_rig.job import BARE, OURS, THEIR_BARE, THEIRS, TIMES, Job

ROOT = Path(__file__).resolve().parents[2]
FEWEST_SAMPLES = 5
BLOCK_SECONDS = 0.15
BLOCKS_IN_A_ROUND = 10
CALIBRATION_SAMPLES = 5


@dataclass(frozen=True)
class Side:
    """`module` of the rig measures it, in `python`."""

    name: str
    module: str
    python: str


def sides_of(optimum_python: str | None) -> list[Side]:
    """Ours and the bare loop; and the other benchmark with a bare loop in its own environment."""
    own = [Side(BARE, "bare", sys.executable), Side(OURS, "ours", sys.executable)]
    if optimum_python is None:
        return own
    return [
        *own,
        Side(THEIRS, "energy_star", optimum_python),
        Side(THEIR_BARE, "bare", optimum_python),
    ]


class Different(Exception):
    """The sides do not compute the same, so their times cannot be compared."""


@dataclass(frozen=True)
class Found:
    """`times` has those of every round by side: a whole run over `samples` each.

    `blocks` are those of the loops on one loaded model, over `block` samples at a time.
    """

    samples: int
    times: Mapping[str, Sequence[TIMES]]
    block: int
    blocks: Mapping[str, Sequence[TIMES]]


def compare(job: Job, sides: Sequence[Side], rounds: int, seconds: float, most: int) -> Found:
    """All passes of a side together last about `seconds`; one round has every side once.

    The sides of one Python share a process. Raises Different.
    """
    with ExitStack() as stack:
        workers = {
            python: stack.enter_context(_worker(job, python))
            for python in dict.fromkeys(side.python for side in sides)
        }

        def ask(side: Side, count: int, watch: bool = False) -> dict[str, Any]:
            return workers[side.python].ask(side.module, count, watch)

        _refuse_differences({side.name: ask(side, CALIBRATION_SAMPLES, True) for side in sides})
        (bare,) = (side for side in sides if side.name == BARE)
        per_sample = sum(ask(bare, CALIBRATION_SAMPLES)["times"].values()) / CALIBRATION_SAMPLES
        count = min(max(math.ceil(seconds / per_sample), FEWEST_SAMPLES), most)
        times: dict[str, list[TIMES]] = {side.name: [] for side in sides}
        for number in range(rounds):
            # Back and forth, so that what changes slowly falls on all of them alike.
            for side in sides if number % 2 == 0 else reversed(sides):
                times[side.name].append(ask(side, count)["times"])
        block = min(max(math.ceil(BLOCK_SECONDS / per_sample), 1), most)
        blocks = workers[bare.python].ask_blocks(block, rounds * BLOCKS_IN_A_ROUND)
    return Found(count, times, block, blocks)


def _refuse_differences(answers: Mapping[str, Mapping[str, Any]]) -> None:
    bare = answers[BARE]
    for name, answer in answers.items():
        if list(answer["times"]) != list(bare["times"]):
            raise Different(f"{name} has the passes {', '.join(answer['times'])}")
        if not answer["seen"]:
            raise Different(f"{name}: no forward pass was seen")
        pairs = zip(answer["seen"], bare["seen"], strict=False)
        for number, (theirs, plain) in enumerate(pairs, start=1):
            if theirs != plain:
                raise Different(
                    f"forward pass {number} of {name} is {theirs}, and of the bare loop {plain}"
                )
        if len(answer["seen"]) != len(bare["seen"]):
            raise Different(
                f"{name} has {len(answer['seen'])} forward passes, the bare loop"
                f" {len(bare['seen'])}"
            )


# ------------------------------------------------------------------ processes


class Worker:
    """A process that measures on request. Its log is a file beside the job."""

    def __init__(self, process: "subprocess.Popen[str]", log: Path) -> None:
        self._process = process
        self._log = log

    def ask(self, module: str, count: int, watch: bool) -> dict[str, Any]:
        """Raises RuntimeError with the end of the log where the process has ended."""
        return self._ask({"side": module, "count": count, "watch": watch})

    def ask_blocks(self, count: int, rounds: int) -> dict[str, list[TIMES]]:
        """Raises RuntimeError, as `ask` does."""
        return self._ask({"side": "blocks", "count": count, "rounds": rounds})

    def _ask(self, question: Mapping[str, object]) -> dict[str, Any]:
        request, answers = self._process.stdin, self._process.stdout
        assert request is not None and answers is not None
        try:
            request.write(json.dumps(question) + "\n")
            request.flush()
            line = answers.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            self._process.wait()
            tail = self._log.read_text(errors="replace")[-2000:]
            raise RuntimeError(f"{question['side']} could not be measured:\n{tail}")
        answer: dict[str, Any] = json.loads(line)
        return answer


@contextmanager
def _worker(job: Job, python: str) -> Iterator[Worker]:
    place = Path(job.place)
    number = len(list(place.glob("worker*.log")))
    log = place / f"worker{number}.log"
    job.write(place / "job.json")
    with log.open("w") as stream:
        process = subprocess.Popen(
            [python, "-m", "benchmarks.loop_rig.worker", str(place / "job.json")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stream,
            text=True,
            env=environment(place),
        )
    try:
        yield Worker(process, log)
    finally:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with suppress(BrokenPipeError):  # a request that nobody reads any more
                    pipe.close()


def environment(place: Path) -> dict[str, str]:
    """Offline, caches beside the job, and one thread unless the caller says otherwise."""
    return {
        "OMP_NUM_THREADS": "1",
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])),
        "HF_HUB_OFFLINE": "1",
        "HF_DATASETS_CACHE": str(place / "datasets"),
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    }
