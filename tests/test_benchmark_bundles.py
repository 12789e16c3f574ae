"""The benchmark of bundles keeps its bounds in small, and notices when one is not kept."""

import re

import pytest

from benchmarks import bundles
from scoring.failed_point import Verification

SMALL = ["--mutants", "3", "--seconds-per-sample", "0.002"]


def test_in_small_all_bounds_are_kept(capsys: pytest.CaptureFixture[str]) -> None:
    assert bundles.main(SMALL) == 0
    assert capsys.readouterr().out.count(": kept") == 4


def test_a_verifier_that_believes_everything_is_noticed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    credulous = Verification("any", rehearsal=False, holds=(), findings=())
    monkeypatch.setattr(bundles, "verify_bundle", lambda path: credulous)
    assert bundles.main(SMALL) == 1
    # One file more where there is a program to sign with.
    told = r"of (\d+) flipped, not named: \1 files, at most 0: NOT KEPT"
    assert re.search(told, capsys.readouterr().out)
