"""Tables as AI Energy Score publishes them: kWh, a file for each task."""

import json

import pytest

from scoring.errors import ScoringError
from scoring.results_table import LeftOut
from scoring.tables import read_table
from tests.scoring.test_ratings import stars

TEXT = ",model,total_gpu_energy,energy_score,class\n0,org/a,0.001,5,A\n1,org/b,6E-3,1,A\n"


def test_kwh_become_wh_and_a_file_is_a_task(tmp_path):
    (tmp_path / "text_generation.csv").write_text(TEXT)
    (tmp_path / "asr.csv").write_text("model,total_gpu_energy,energy_score\norg/c,0.5,5\n")
    (tmp_path / "notes.csv").write_text("nothing\n")
    found = read_table(tmp_path)
    assert [(row.model, row.group.task, row.group.model_class, row.wh) for row in found] == [
        ("org/c", "asr", "", 500),
        ("org/a", "text_gen", "A", 1),
        ("org/b", "text_gen", "A", 6),
    ]
    shown = json.loads(stars(tmp_path / "text_generation.csv", "--json").stdout)
    assert [row["stars"] for row in shown["groups"][0]["rows"]] == [5, 1]


def test_models_that_reason_have_a_table_and_are_rated_apart_within_classes(tmp_path):
    (tmp_path / "text_generation.csv").write_text(TEXT)
    more = "2,org/a,1,1,A\n3,org/c,3,5,C\n4,org/d,3,5,\n"
    (tmp_path / "reasoning.csv").write_text(TEXT.replace("org/b", "org/e") + more)
    told = json.loads(stars(tmp_path, "--json").stdout)
    found = [
        (one["class"], one["reasoning"], [(row["model"], row["state"]) for row in one["rows"]])
        for one in told["groups"]
    ]
    assert found == [
        ("A", False, [("org/a", ""), ("org/b", "")]),
        ("A", True, [("org/a", "On"), ("org/e", "On"), ("org/a", "On")]),
        ("C", True, [("org/c", "On")]),
    ]
    assert [row["stars"] for row in told["groups"][1]["rows"]] == [5, 5, 1]
    (left,) = told["left_out"]
    assert (left["file"], left["model"], left["state"]) == ("reasoning.csv", "org/d", "On")
    assert "it has no class" in left["because"]
    alone = json.loads(stars(tmp_path / "reasoning.csv", "--json").stdout)
    assert alone["groups"] == told["groups"][1:]


def test_rows_that_cannot_be_rated_are_left_out(tmp_path):
    table = tmp_path / "text_generation.csv"
    table.write_text(TEXT + "2,org/c,-1,5,A\n3,org/d,nan,5,A\n4,org/e,1,5,\n5, ,1,5,A\n")
    out = [(row.line, row.because) for row in read_table(table) if isinstance(row, LeftOut)]
    assert out == [
        (4, "its energy '-1' is no number above 0"),
        (5, "its energy 'nan' is no number above 0"),
        (6, "it has no class, and models of its task are rated within one"),
        (7, "it has no model name"),
    ]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("dancing.csv", TEXT, "is a table of no known task ('dancing')"),
        ("asr.csv", "model,total_gpu_energy\norg/a\n", "asr.csv, line 2: has 1 cell for 2 columns"),
    ],
)
def test_what_is_no_such_table_is_refused(tmp_path, name, text, message):
    (tmp_path / name).write_text(text)
    with pytest.raises(ScoringError) as refused:
        read_table(tmp_path / name)
    assert message in str(refused.value)


def test_a_table_with_other_columns_is_refused_in_a_folder_too(tmp_path):
    (tmp_path / "asr.csv").write_text("name,wh\na,1\n")
    with pytest.raises(ScoringError, match=r"asr\.csv: lacks the columns model, total_gpu_energy"):
        read_table(tmp_path)


def test_a_row_is_told_with_its_file_and_what_is_not_read_is_named(tmp_path):
    (tmp_path / "text_generation.csv").write_text(TEXT + "2,org/a,1,5,A\n\n")
    (tmp_path / "asr.csv").write_text("model,total_gpu_energy\norg/c,0\n")
    (tmp_path / "dancing.csv").write_text(TEXT)
    shown = stars(tmp_path)
    assert shown.returncode == 0
    assert "asr.csv, line 2, org/c: its energy '0' is no number above 0" in shown.stdout
    assert shown.stderr.splitlines()[:2] == [
        "warning: not read, for their names are no tasks, nor reasoning: dancing.csv",
        "warning: org/a stands in text_generation.csv, line 2, text_generation.csv, line 4:"
        " each row is rated",
    ]
    told = json.loads(stars(tmp_path, "--json").stdout)
    assert told["left_out"][0]["file"] == "asr.csv"
