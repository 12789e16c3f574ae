"""What `verify` finds, and how long it takes.

    python benchmarks/bundles.py [--mutants 1000] [--seconds-per-sample 0.5]

A bundle of a run of 1,000 samples and ten repetitions is verified; every file of it is changed by
one byte; then bundles are changed at random, member by member, and byte by byte in the zip file
itself. Exit code 1 when a bound is not kept: a false pass, an error in other words than ours, or a
file whose change is not named.
"""

import argparse
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.meter_rig.bounds import Bound  # noqa: E402
from scoring.bundles.manifest import MANIFEST_FILE  # noqa: E402
from scoring.bundles.signature import PROGRAM  # noqa: E402
from scoring.errors import ScoringError  # noqa: E402
from scoring.submission.gathering import Wanted, gather  # noqa: E402
from scoring.submission.identity import Identity  # noqa: E402
from scoring.submission.submitting import Submission, write_bundle  # noqa: E402
from scoring.verification.bundle import verify_bundle  # noqa: E402
from tests.support.forgery import (  # noqa: E402
    flipped,
    forged,
    members_of,
    mutated,
    passes,
    write_members,
)
from tests.support.recorded_run import Shape, record_run  # noqa: E402

LONGEST_SECONDS = 10.0
NOW = "2026-01-02T03:04:05+00:00"


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parse(arguments)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        whole = make_bundle(folder / "whole", Shape(seconds_per_sample=options.seconds_per_sample))
        small = make_bundle(folder / "small", Shape(samples=20, repetitions=3), _key(folder))
        bounds = [
            Bound("verifying 10 x 1,000 samples takes", _seconds(whole), LONGEST_SECONDS, "s"),
            *_fuzzed(small, folder, options.mutants),
        ]
    for bound in bounds:
        print(bound)
    return 0 if all(bound.kept for bound in bounds) else 1


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--mutants", type=int, default=1000)
    parser.add_argument("--seconds-per-sample", type=float, default=0.5)
    return parser.parse_args(arguments)


def _key(folder: Path) -> Path | None:
    """A new one to sign with; None where OpenSSH is not there."""
    path = folder / "key"
    if shutil.which(PROGRAM) is None:
        return None
    subprocess.run([PROGRAM, "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True)
    return path


def make_bundle(folder: Path, shape: Shape, sign_key: Path | None = None) -> Path:
    """Of a run that was never measured, whose evidence agrees."""
    record_run(folder / "results", shape)
    wanted = Wanted(folder / "results", (shape.run_id,), not_official=True)
    path = folder / "bundle.zip"
    submission = Submission(path, "Ann", NOW, sign_key=sign_key)
    found = write_bundle(submission, gather(wanted, Identity()))
    if found.failed:
        raise SystemExit("\n".join(point.line() for point in found.failed))
    return path


def _seconds(bundle: Path) -> float:
    size = sum(len(text) for text in members_of(bundle).values())
    began = time.perf_counter()
    if verify_bundle(bundle).failed:
        raise SystemExit("an honest bundle is not verified")
    seconds = time.perf_counter() - began
    print(f"{len(members_of(bundle))} files, {size / 1e6:.1f} MB: verified in {seconds:.2f} s")
    return seconds


def _fuzzed(bundle: Path, folder: Path, count: int) -> Iterator[Bound]:
    members, path = members_of(bundle), folder / "mutant.zip"
    unnamed = [name for name in members if not _is_named(name, members, path)]
    yield Bound(f"of {len(members)} flipped, not named", float(len(unnamed)), 0.0, "files")
    passed = _passed(members, path, count)
    yield Bound(f"of {count} with changed members, passed", float(passed), 0.0, "bundles")
    _with_their_own_manifest(members, path, count)
    in_zip = _passed_in_zip(bundle, members, path, count)
    yield Bound(f"of {count} with a flipped bit, passed", float(in_zip), 0.0, "bundles")


def _is_named(name: str, members: Mapping[str, bytes], path: Path) -> bool:
    text = members[name]
    write_members(path, {**members, name: flipped(text, len(text) // 2)})
    try:
        return any(name in point.where for point in verify_bundle(path).failed)
    except ScoringError as refusal:
        return name in str(refusal)


def _passed(members: Mapping[str, bytes], path: Path, count: int) -> int:
    """Any exception but a refusal in words ends the benchmark, with its seed."""
    passed = 0
    for seed in range(count):
        changed = mutated(members, random.Random(seed))
        if changed != members:
            passed += passes(write_members(path, changed))
    return passed


def _with_their_own_manifest(members: Mapping[str, bytes], path: Path, count: int) -> None:
    """Many of them change nothing that counts, so only their way to end is looked at."""
    passed = 0
    for seed in range(count):
        changed = mutated(members, random.Random(seed))
        changed = forged({**changed, MANIFEST_FILE: members[MANIFEST_FILE]})
        passed += passes(write_members(path, changed))
    print(f"{count} changed members under a manifest of their own: {passed} changed no figure")


def _passed_in_zip(bundle: Path, members: Mapping[str, bytes], path: Path, count: int) -> int:
    """Bits that change no member, as those of the time of a file, do not count."""
    text, passed = bundle.read_bytes(), 0
    for seed in range(count):
        chance = random.Random(seed)
        start = chance.choice((0, max(0, len(text) - 1500)))
        path.write_bytes(flipped(text, chance.randrange(start, len(text)), chance.randrange(8)))
        passed += passes(path) and members_of(path) != members
    return passed


if __name__ == "__main__":
    sys.exit(main())
