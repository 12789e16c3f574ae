"""Every CSV that a user can name is read by one set of rules, whatever it holds."""

import os

import pytest

from scoring.csv_table import open_table
from scoring.errors import ScoringError
from scoring.footprint.what_if import read_scenarios
from scoring.model_sizes import read_sizes
from scoring.published_table import read_published
from scoring.quality import read_quality
from scoring.results_table import read_rows
from tests.scoring.test_ratings import GOOD

READERS = {
    "master_results.csv": (read_rows, GOOD),
    "asr.csv": (read_published, {"model": "org/a", "total_gpu_energy": "0.5"}),
    "quality.csv": (read_quality, {"model": "org/a", "mmlu": "71"}),
    "parameters.csv": (read_sizes, {"model": "org/a", "billions": "7"}),
    "scenarios.csv": (read_scenarios, {"name": "a", "pue": "1.1"}),
}


def joined(cells):
    return ",".join(cells) + "\n"


@pytest.mark.parametrize("name", READERS)
def test_what_every_reader_refuses(tmp_path, name):
    read, cells = READERS[name]
    path = tmp_path / name
    header, line = joined(cells), joined(cells.values())
    first, *_, last = cells
    count = len(cells)
    for content, message in {
        joined([*cells, last]) + joined([*cells.values(), "9"]): f"has the column {last} more than",
        joined(list(cells)[1:]) + joined(list(cells.values())[1:]): f"the column {first}",
        header + line.replace("\n", ",9\n"): f"line 2: has {count + 1} cells for {count} columns",
        header + line + "org/cut\n": f"line 3: has 1 cell for {count} columns",
        header + '"never closed\n' + line: "is no table",
        header + '"a"b' + line: "is no table",
        header.encode() + b"\xff" + line.encode(): "is no table",
        "": "lacks the column",
    }.items():
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        with pytest.raises(ScoringError) as refused:
            read(path)
        assert message in str(refused.value)
        assert str(path) in str(refused.value)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(ScoringError, match="no plain file"):
        read(path)


@pytest.mark.parametrize("name", READERS)
def test_what_every_reader_passes_over(tmp_path, name):
    read, cells = READERS[name]
    plain, marked = tmp_path / name, tmp_path / "there" / name
    plain.write_text(joined(cells) + joined(cells.values()))
    expected = read(plain)
    marked.parent.mkdir()
    kept = marked.with_suffix(".kept")
    kept.write_text("\ufeff" + joined(cells) + "\n" + joined(cells.values()) + "\n\n", newline="")
    marked.symlink_to(kept)
    if name in ("master_results.csv", "asr.csv"):
        assert [(row.line, row.wh) for row in read(marked)] == [(3, expected[0].wh)]
    else:
        assert read(marked) == expected


def test_a_line_is_told_by_the_line_it_ends_in(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b'name,note\r\na,"two\r\nlines, ""quoted"""\r\n\r\nb,c\r\n')
    assert list(open_table(path, ("name",), "").lines) == [
        (3, ["a", 'two\r\nlines, "quoted"']),
        (5, ["b", "c"]),
    ]
    path.write_text("name\n\na\n\n")
    assert list(open_table(path, ("name",), "").lines) == [(3, ["a"])]


def test_old_line_ends_and_endless_cells_are_refused(tmp_path):
    path = tmp_path / "a.csv"
    for text in ("name,note\ra,b\r" * 10_000, f"name\n{'a' * 100_001}\n"):
        path.write_text(text, newline="")
        with pytest.raises(ScoringError, match="is no table"):
            list(open_table(path, ("name",), "").lines)
