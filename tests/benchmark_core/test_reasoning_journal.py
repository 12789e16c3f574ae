"""The file that says of each sample how much of its output was reasoning."""

import csv
from pathlib import Path

import pytest

from benchmark_core.reasoning.splitting import Split
from benchmark_core.reasoning_journal import COLUMNS, ReasoningJournal


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "reasoning_tokens.csv"


def test_every_sample_of_every_repetition_has_its_line(path: Path) -> None:
    journal = ReasoningJournal(path)
    journal.write(1, [(1, Split(8, 6)), (3, Split(14, 0, ended=False))])
    journal.write(2, [(1, Split(0, 10))])
    assert path.read_bytes() == (
        b"repetition,sample,reasoning_tokens,answer_tokens,reasoning_ended\n"
        b"1,1,8,6,yes\n1,3,14,0,no\n2,1,0,10,yes\n"
    )
    with path.open(newline="") as stream:
        assert tuple(csv.DictReader(stream).fieldnames or ()) == COLUMNS


def test_without_a_line_there_is_no_file(path: Path) -> None:
    journal = ReasoningJournal(path)
    journal.write(1, [])
    assert not path.exists()
    journal.write(2, iter([(1, Split(1, 2))]))
    assert len(path.read_text().splitlines()) == 2


def test_lines_of_an_earlier_attempt_are_gone(path: Path) -> None:
    ReasoningJournal(path).write(1, [(1, Split(8, 6))])
    ReasoningJournal(path)
    assert not path.exists()
