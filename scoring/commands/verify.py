"""`verify`: whether what was published follows from its evidence."""

import argparse
import json
from collections.abc import Callable, Mapping
from pathlib import Path

from scoring.errors import ScoringError
from scoring.failed_point import Verification


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "thing",
        type=Path,
        metavar="FILE",
        help="what was published: a bundle (.zip), a label (.svg)",
    )
    parser.add_argument(
        "--results",
        type=Path,
        metavar="FILE|DIR",
        help="what a label was made of: a master_results.csv or its folder, or published tables",
    )
    parser.add_argument(
        "--edition",
        type=Path,
        metavar="FILE",
        help="check the stars by this edition; of a label, without --results, by its own rows",
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
        print(json.dumps(verification_view.document(found), indent=2, allow_nan=False))
    else:
        for line in verification_view.lines(found):
            print(line)
    return 1 if found.failed else 0


def _bundle(options: argparse.Namespace) -> Verification:
    from scoring.verification.bundle import verify_bundle

    if options.results is not None:
        raise ScoringError("--results", "is for a label", "A bundle is verified by itself.")
    signers = options.allowed_signers
    if signers is not None and not signers.is_file():
        raise ScoringError(
            f"--allowed-signers {signers}", "is no file", "Name one as ssh-keygen knows it."
        )
    return verify_bundle(options.thing, options.edition, options.allowed_signers)


def _label(options: argparse.Namespace) -> Verification:
    from scoring.label.check import verify_label

    if options.allowed_signers is not None:
        raise ScoringError("--allowed-signers", "is for a bundle", "A label has no signature.")
    return verify_label(options.thing, options.results, options.edition)


KINDS: Mapping[str, Callable[[argparse.Namespace], Verification]] = {
    ".zip": _bundle,
    ".svg": _label,
}
"""How to verify a file, by how its name ends."""
