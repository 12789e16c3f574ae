"""What the measured loop adds to the same Auto class calls, and how it stands beside energy_star.

    python benchmarks/task_loop.py [--rounds 7] [--seconds 2] [--subject "text_generation tiny"]
        [--optimum-python ob/bin/python]

Needs requirements.txt and requirements-dev.txt, and 1 GB of disk for a while. The measured loop and
a bare one run on the same loaded model, a few samples at a time and in turns, without meters; the
median over all pairs is compared. The bare loop takes two turns, and its ratio to itself says how
far the others can be trusted. Whole runs of both take turns too, each with a model of its own.
Before all, the arguments of every forward pass are held against each other, and sides that do not
compute the same are not compared. With `--optimum-python`, the Python of an environment with
optimum-benchmark 0.6.0 (and pillow, and diffusers for image generation), the energy_star scenario
takes its turns too, beside a bare loop in that environment, because it needs another version of
transformers. Exit code 1 when a bound is not kept, or a subject could not be measured.
"""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.loop_rig.ratios import (  # noqa: E402
    BLOCK_HEADER,
    RUN_HEADER,
    block_rows,
    bounds_of,
    run_rows,
    table,
)
from benchmarks.loop_rig.rounds import Different, Found, compare, sides_of  # noqa: E402
from benchmarks.loop_rig.subjects import SUBJECTS, Subject, make_job, subject_named  # noqa: E402

MOST_SAMPLES = 2000


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parse(arguments)
    chosen = [subject_named(name) for name in options.subject] or list(SUBJECTS)
    found: dict[str, Found] = {}
    failed: list[str] = []
    for subject in chosen:
        try:
            found[subject.name] = _measure(subject, options)
        except (Different, RuntimeError) as problem:
            failed.append(f"{subject.name}: {problem}")
            print(f"{subject.name}: not measured", file=sys.stderr, flush=True)
        else:
            print(_tables({subject.name: found[subject.name]}), flush=True)
    if options.json:
        _write_json(options.json, found)
    return 0 if _report(found, failed, options) else 1


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=7, help="default: %(default)s")
    parser.add_argument(
        "--seconds", type=float, default=2.0, help="of all passes together (%(default)g)"
    )
    parser.add_argument(
        *("--subject",),
        action="append",
        default=[],
        choices=[subject.name for subject in SUBJECTS],
        help="only this one; may be given several times",
    )
    parser.add_argument("--optimum-python", metavar="FILE", help="has optimum-benchmark 0.6.0")
    parser.add_argument("--most-samples", type=int, default=MOST_SAMPLES, help=argparse.SUPPRESS)
    parser.add_argument("--scratch", type=Path, metavar="DIR", help="takes 1 GB for a while")
    parser.add_argument("--json", type=Path, metavar="FILE", help="all times for machines")
    return parser.parse_args(arguments)


def _measure(subject: Subject, options: argparse.Namespace) -> Found:
    with tempfile.TemporaryDirectory(prefix="task-loop-", dir=options.scratch) as folder:
        job = make_job(subject, Path(folder), options.most_samples)
        sides = sides_of(options.optimum_python)
        return compare(job, sides, options.rounds, options.seconds, options.most_samples)


def _report(found: Mapping[str, Found], failed: Sequence[str], options: argparse.Namespace) -> bool:
    bounds = [bound for name, one in found.items() for bound in bounds_of(name, one)]
    print(f"\nms a sample, medians of {options.rounds} rounds in turns\n{_tables(found)}\n")
    if options.optimum_python is None:
        print("energy_star was not compared: give --optimum-python")
    for bound in bounds:
        print(bound)
    for problem in failed:
        print(f"{problem}\nNOT KEPT")
    return not failed and all(bound.kept for bound in bounds)


def _tables(found: Mapping[str, Found]) -> str:
    blocks = [row for name, one in found.items() for row in block_rows(name, one)]
    runs = [row for name, one in found.items() for row in run_rows(name, one)]
    return f"{table(BLOCK_HEADER, blocks)}\n\n{table(RUN_HEADER, runs)}"


def _write_json(path: Path, found: Mapping[str, Found]) -> None:
    content = {
        name: {
            "samples": one.samples,
            "seconds": {side: list(times) for side, times in one.times.items()},
            "block": one.block,
            "block_seconds": {side: list(times) for side, times in one.blocks.items()},
        }
        for name, one in found.items()
    }
    path.write_text(json.dumps(content, indent=2) + "\n")


if __name__ == "__main__":
    # Read when the libraries are imported, which is only when a model is made.
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    sys.exit(main())
