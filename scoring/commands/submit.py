"""`submit`: finished runs as one zip file with all their evidence."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from benchmark_core.terminal_text import printable

if TYPE_CHECKING:
    from scoring.failed_point import Verification
    from scoring.submission.gathering import Gathered
    from scoring.submission.submitting import Submission

REDACTABLE = ("prompts", "outputs", "model-config")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("results", type=Path, metavar="DIR", help="an output directory")
    parser.add_argument(
        "--run", action="append", required=True, metavar="RUN_ID", help="a run; again for more"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="FILE.zip")
    parser.add_argument(
        "--accept-terms",
        metavar="NAME",
        help="you, NAME, accept the terms; without it they are shown, and nothing is written",
    )
    parser.add_argument(
        "--edition", type=Path, metavar="FILE", help="bundle this edition, and the stars by it"
    )
    parser.add_argument(
        "--not-official",
        action="store_true",
        help="take also runs that are not valid, not official, or rehearsals",
    )
    parser.add_argument(
        "--redact",
        type=_categories,
        default=frozenset(),
        metavar="A,B",
        help=f"of {', '.join(REDACTABLE)}: replaced by hashes that a key file opens one by one",
    )
    parser.add_argument(
        "--sign-key", type=Path, metavar="FILE", help="a private SSH key to sign with"
    )
    parser.add_argument(
        "--replace",
        action="store_true",
        help="write over a bundle that is there already, and over its key file",
    )


def run(options: argparse.Namespace) -> int:
    """Exit code 0 when the bundle is written, 2 when anything speaks against it."""
    from datetime import UTC, datetime

    from scoring.bundles import terms
    from scoring.submission.gathering import Wanted, gather
    from scoring.submission.identity import Identity
    from scoring.submission.submitting import Submission, write_bundle

    name = " ".join((options.accept_terms or "").split())
    if not name:
        return _refuse(
            ["the terms have to be accepted with --accept-terms YOUR_NAME:"], terms.text()
        )
    now = datetime.now(UTC).isoformat(timespec="seconds")
    submission = Submission(
        options.out, name, now, options.redact, options.sign_key, options.replace
    )
    submission.check()
    wanted = Wanted(
        options.results,
        tuple(options.run),
        edition=options.edition,
        not_official=options.not_official,
        redact=options.redact,
    )
    gathered = gather(wanted, Identity.here())
    for notice in gathered.notices:
        print(f"note: {printable(notice)}", file=sys.stderr)
    if gathered.problems:
        return _refuse(gathered.problems)
    found = write_bundle(submission, gathered)
    if found.failed:
        return _refuse([one.line() for one in found.failed])
    _tell(submission, gathered, found)
    return 0


def _categories(text: str) -> frozenset[str]:
    chosen = frozenset(text.split(","))
    if not chosen <= set(REDACTABLE):
        raise argparse.ArgumentTypeError(f"choose of {', '.join(REDACTABLE)}")
    return chosen


def _refuse(problems: list[str], more: str = "") -> int:
    for problem in problems:
        print(f"error: {printable(problem)}", file=sys.stderr)
    if more:
        print(more, file=sys.stderr)
    return 2


def _tell(submission: "Submission", gathered: "Gathered", found: "Verification") -> None:
    from scoring.words import SIMULATED

    for one in found.not_checked:
        print(printable(one.line()))
    if gathered.seals.items:
        print(printable(f"{submission.key_path}: opens what is redacted; keep it to yourself"))
    runs = len(gathered.runs)
    shown = f"{submission.out}: {runs} {'run' if runs == 1 else 'runs'}"
    print(printable(f"{shown}, {len(gathered.contents)} files, verified"))
    if found.rehearsal:
        print(SIMULATED)
