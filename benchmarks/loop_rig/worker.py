"""One process that measures on request: a line of JSON in, a line of JSON out.

    python -m benchmarks.loop_rig.worker JOB

A request names a side (`ours`, `bare` or `energy_star`), a number of samples, and whether to watch
what the model is given; or `blocks`, and how many rounds of them. Whatever the sides print goes to
stderr.
"""

import gc
import importlib
import json
import os
import sys
from pathlib import Path

from benchmarks.loop_rig.job import Job, read_job
from benchmarks.loop_rig.witness import watched


def main(arguments: list[str]) -> int:
    job = read_job(Path(arguments[0]))
    with os.fdopen(os.dup(1), "w") as answers:
        os.dup2(2, 1)
        for line in sys.stdin:
            answers.write(json.dumps(_answer(job, **json.loads(line))) + "\n")
            answers.flush()
    return 0


def _answer(
    job: Job, side: str, count: int, watch: bool = False, rounds: int | None = None
) -> dict[str, object]:
    """Seconds by pass, and one line for each forward pass if these are watched."""
    measure = importlib.import_module(f"benchmarks.loop_rig.{side}").measure
    gc.collect()
    if rounds is not None:
        answer: dict[str, object] = measure(job, count, rounds)
        return answer
    with watched(job.architectures if watch else ()) as seen:
        times = measure(job, count)
    return {"times": times, "seen": seen}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
