"""`verify`: whether what was published follows from its evidence."""

import argparse
import json
from collections.abc import Callable, Mapping
from pathlib import Path

from scoring.errors import ScoringError
from scoring.failed_point import Verification


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("thing", type=Path, metavar="BUNDLE.zip", help="what was published")
    parser.add_argument(
        "--edition", type=Path, metavar="FILE", help="check the stars by this edition"
    )
    parser.add_argument(
        "--allowed-signers",
        type=Path,
        metavar="FILE",
        help="ask for a signature by one of these, as ssh-keygen lists them",
    )
    parser.add_argument("--json", action="store_true", help="for programs")


def run(options: argparse.Namespace) -> int:
    """Exit code 0 where no point fails, 1 where one does."""
    from scoring import verification_view

    kind = KINDS.get(options.thing.suffix.lower())
    if kind is None:
        raise ScoringError(
            str(options.thing), "is nothing that can be verified", f"Name a {' or '.join(KINDS)}."
        )
    found = kind(options)
    if options.json:
        print(json.dumps(verification_view.document(found), indent=2))
    else:
        for line in verification_view.lines(found):
            print(line)
    return 1 if found.failed else 0


def _bundle(options: argparse.Namespace) -> Verification:
    from scoring.verification.bundle import verify_bundle

    signers = options.allowed_signers
    if signers is not None and not signers.is_file():
        raise ScoringError(
            f"--allowed-signers {signers}", "is no file", "Name one as ssh-keygen knows it."
        )
    return verify_bundle(options.thing, options.edition, options.allowed_signers)


KINDS: Mapping[str, Callable[[argparse.Namespace], Verification]] = {".zip": _bundle}
"""How to verify a file, by how its name ends."""
