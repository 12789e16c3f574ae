"""The results table rated: who is rated against whom, who is not, and what a user sees."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.master_columns import COLUMNS
from scoring.ratings import rate
from scoring.results_table import NEEDED, read_rows
from tests.support.boards import GOOD
from tests.support.runner import ROOT
from tests.support.scoring_command import scoring


def table(folder, *rows, name="master_results.csv", columns=tuple(GOOD)):
    path = folder / name
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, columns)
        writer.writeheader()
        writer.writerows(GOOD | row for row in rows)
    return path


def ratings(folder, *rows):
    columns = {name: None for row in (GOOD, *rows) for name in row}
    return rate(read_rows(table(folder, *rows, columns=tuple(columns))))


def stars(*arguments):
    return scoring("stars", *arguments)


def test_the_columns_it_needs_are_columns_of_the_results():
    assert set(NEEDED) <= set(COLUMNS)


def test_class_task_and_reasoning_make_a_group(tmp_path):
    on = {"reasoning_requested": "On (High)", "reasoning_effective": "on"}
    none = {"reasoning_requested": "", "reasoning_effective": "", "task": "image_gen"}
    # Other tasks have no classes, whatever a catalog says.
    none |= {"model_class": "C"}
    rated = ratings(
        tmp_path,
        {"model_class": "A "},
        {"model_class": "B"},
        on,
        none,
        {"wh_per_1000_queries": "9"},
    )
    groups = [
        (
            one.group.task,
            one.group.model_class,
            one.group.reasoning,
            [rated.stars for rated in one.rows],
        )
        for one in rated.groups
    ]
    assert groups == [
        ("image_gen", "", False, [5]),
        ("text_gen", "A", False, [5, 1]),
        ("text_gen", "A", True, [5]),
        ("text_gen", "B", False, [5]),
    ]


@pytest.mark.parametrize(
    ("change", "because"),
    [
        ({"model_name": " "}, "it has no model name"),
        ({"model_class": ""}, "it has no class, and models of its task are rated within one"),
        ({"model_class": "a"}, "its class 'a' is none of A, B, C"),
        ({"model_class": "Z"}, "its class 'Z' is none of A, B, C"),
        ({"wh_per_1000_queries": "1_000"}, "its energy '1_000' is no number above 0"),
        ({"error_message": "out_of_memory: no"}, "it failed"),
        ({"verdict": "flagged"}, "its verdict is flagged"),
        ({"verdict": ""}, "its verdict is not known"),
        ({"official": "no"}, "it did not keep to the official protocol"),
        ({"wh_per_1000_queries": ""}, "it has no GPU energy"),
        (
            {"wh_per_1000_queries": "", "verdict_reasons": "phase_not_positive; rehearsal"},
            "it has no GPU energy (phase_not_positive; rehearsal)",
        ),
        (
            {"verdict": "invalid", "verdict_reasons": "throttled"},
            "its verdict is invalid (throttled)",
        ),
        ({"wh_per_1000_queries": "0"}, "its energy '0' is no number above 0"),
        ({"wh_per_1000_queries": "-1"}, "its energy '-1' is no number above 0"),
        ({"wh_per_1000_queries": "NaN"}, "its energy 'NaN' is no number above 0"),
        ({"wh_per_1000_queries": "1e999999"}, "its energy '1e999999' is no number above 0"),
        ({"wh_per_1000_queries": "2,5"}, "its energy '2,5' is no number above 0"),
        ({"reasoning_effective": "on"}, "asked for Off, and its reasoning is on"),
        ({"task": "dancing"}, "its task 'dancing' is not known"),
        ({"reasoning_requested": "Sometimes"}, "reasoning state 'Sometimes' is not known"),
    ],
)
def test_what_cannot_be_compared_is_left_out_with_the_reason(tmp_path, change, because):
    rated = ratings(tmp_path, {"model_name": "org/other"}, change)
    assert [one.because for one in rated.left_out] == [because]
    assert [one.row.model for group in rated.groups for one in group.rows] == ["org/other"]


def test_rehearsals_are_rated_among_themselves_and_named(tmp_path):
    rehearsed = {"rehearsal": "yes", "official": "no", "wh_per_1000_queries": "0.001"}
    path = table(tmp_path, {}, rehearsed)
    groups = rate(read_rows(path)).groups
    assert [(one.group.rehearsal, len(one.rows)) for one in groups] == [(False, 1), (True, 1)]
    assert "REHEARSAL text_gen class A" in stars(path).stdout


def test_a_user_sees_groups_edges_and_stars(tmp_path):
    rows = [{"model_name": f"org/m{n}", "wh_per_1000_queries": str(n)} for n in (1, 3, 6)]
    table(tmp_path, *rows, {"verdict": "invalid", "wh_per_1000_queries": ""})
    shown = stars(tmp_path)
    assert shown.returncode == 0, shown.stderr
    assert "text_gen class A, Wh of GPU energy per 1,000 queries" in shown.stdout
    edges = "stars by energy: 5 up to 2, 4 up to 3, 3 up to 4, 2 up to 5, 1 up to 6"
    assert edges in shown.stdout
    assert [line.split()[0] for line in shown.stdout.splitlines() if "org/m" in line] == [
        *("★★★★★", "★★★★☆", "★☆☆☆☆", "line")
    ]
    document = json.loads(stars(tmp_path, "--json").stdout)
    (group,) = document["groups"]
    assert group["edges_wh"] == [2, 3, 4, 5]
    assert [row["stars"] for row in group["rows"]] == [5, 4, 1]
    assert document["left_out"] == [
        {
            "file": None,
            "line": 5,
            "model": "org/model",
            "state": "Off",
            "because": "it has no GPU energy",
        }
    ]


def test_one_row_alone_is_marked(tmp_path):
    assert "the stars are not meaningful" in stars(table(tmp_path, {})).stdout


def test_text_of_a_table_cannot_reach_the_terminal(tmp_path):
    path = table(tmp_path, {"model_name": "org/\x1b[31mred", "model_class": "\x1b[2J"})
    shown = stars(path)
    assert shown.returncode == 0
    assert "\x1b" not in shown.stdout


def test_what_is_no_results_table_is_refused(tmp_path):
    old = tmp_path / "old.csv"
    old.write_text("model_name,gpu_energy_wh\norg/model,3\n")
    os.mkfifo(tmp_path / "pipe.csv")
    (tmp_path / "loop.csv").symlink_to("loop.csv")
    binary = tmp_path / "binary.csv"
    binary.write_bytes(b"\xff\xfe\x00")
    cut = tmp_path / "cut.csv"
    cut.write_text(",".join(GOOD) + "\norg/model,A\n")
    for path, message in {
        tmp_path / "nothing.csv": "cannot be read (No such file or directory)",
        tmp_path / ("long" * 100): "cannot be read (File name too long)",
        tmp_path / "pipe.csv": "is no plain file",
        tmp_path / "loop.csv": "leads in a circle",
        tmp_path / "\x1b[31mred": "\N{REPLACEMENT CHARACTER}[31mred",
        tmp_path / "sub": "cannot be read",
        old: "lacks the columns model_class, task",
        binary: "is no table",
        cut: "cut.csv, line 2: has 2 cells for 10 columns",
    }.items():
        refused = stars(path)
        assert refused.returncode == 2, path
        assert message in refused.stderr
        assert "Traceback" not in refused.stderr
        assert "\x1b" not in refused.stderr


def test_a_full_disk_under_the_output_is_told(tmp_path):
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "scoring", "stars", str(table(tmp_path, {})), "--json"],
            cwd=ROOT,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 3
    assert done.stderr == "error: standard output cannot be written: No space left on device.\n"


def test_every_spelling_of_a_task_is_one_group(tmp_path):
    (group,) = ratings(tmp_path, {}, {"task": "text_generation"}).groups
    assert len(group.rows) == 2
