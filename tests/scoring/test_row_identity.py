"""Which row is meant, and which rows are the same, wherever rows are told apart."""

import pytest

from scoring.editions.file import read_edition
from scoring.errors import ScoringError
from scoring.label.check import verify_label
from scoring.label.drawing import draw
from scoring.label.facts import LabelFacts
from scoring.row_identity import the_row
from scoring.tables import read_table
from tests.scoring.test_editions import edition
from tests.scoring.test_label_command import METADATA, results
from tests.scoring.test_ratings import GOOD, table
from tests.support.scoring_command import scoring

RUN = {"run_id": ""}


def frozen(results, *arguments, name="e", said=""):
    out = results.parent / f"{name}.json"
    done = edition(results, "--name", name, "--scored", "2026-12", "--out", out, *arguments)
    assert (done.returncode, done.stderr) == (0, said)
    return out


def runs(folder, *changes):
    folder.mkdir(exist_ok=True)
    return table(folder, *changes, columns=[*GOOD, *RUN])


def test_another_run_of_a_model_changes_no_energy_of_an_edition(tmp_path):
    whole = {"run_id": "org_model_Off", "wh_per_1000_queries": "2.5"}
    gptq = {"run_id": "org_model_Off_gptq", "wh_per_1000_queries": "1.5"}
    first = frozen(runs(tmp_path, whole))
    said = (
        "warning: line 2, org/model Off is another run than that of the edition 'e': both are"
        " rated\n"
    )
    second = frozen(runs(tmp_path / "later", gptq), "--after", first, name="f", said=said)
    assert {row.run_id: str(row.wh) for row in read_edition(second).rows()} == {
        **{"org_model_Off": "2.5", "org_model_Off_gptq": "1.5"}
    }
    done = scoring("label", tmp_path / "later", "--edition", first, "--out", tmp_path / "labels")
    assert "no label, the edition 'e' has another run of it" in done.stderr


def test_a_run_in_another_class_is_the_same_run_and_no_row_of_the_edition(tmp_path):
    one = {"run_id": "org_model_Off"}
    first = frozen(runs(tmp_path, one, {"run_id": "b", "model_class": "B"}))
    later = runs(tmp_path / "later", one | {"model_class": "B"})
    second = read_edition(frozen(later, "--after", first, name="f"))
    assert [(row.run_id, row.group.model_class) for row in second.rows()] == [
        *(("org_model_Off", "B"), ("b", "B"))
    ]
    done = scoring("label", later, "--edition", first, "--out", tmp_path / "labels")
    assert done.returncode == 2
    assert "no label, the edition 'e' has it in another group" in done.stderr


def test_a_rehearsal_has_the_run_id_of_what_it_rehearses_and_is_another_row(tmp_path):
    played = {"rehearsal": "yes", "official": "no", "wh_per_1000_queries": "9"}
    first = frozen(results(tmp_path, **played))
    second = frozen(results(tmp_path / "real"), "--after", first, name="f")
    rows = read_edition(second).rows()
    assert sorted((row.group.rehearsal, row.run_id) for row in rows) == [
        (rehearsal, f"org_{name}") for rehearsal in (False, True) for name in "abc"
    ]


def test_a_label_of_a_rehearsal_that_calls_itself_measured_is_told_so(tmp_path):
    path = results(tmp_path, rehearsal="yes", official="no")
    assert scoring("label", path, "--model", "b", "--out", tmp_path / "labels").returncode == 0
    (label,) = (tmp_path / "labels").glob("*.svg")
    facts = LabelFacts.model_validate_json(METADATA.search(label.read_text())[1])
    label.write_text(draw(facts.model_copy(update={"rehearsal": False})))
    (point,) = verify_label(label, path, None).failed
    assert (point.code, point.what) == ("row_missing", "the results have it as a rehearsal")


def published(folder):
    (folder / "asr.csv").write_text("model,total_gpu_energy\norg/a,0.001\norg/b,0.006\n")
    text = "model,total_gpu_energy,class\norg/a,0.001,A\norg/b,0.003,A\norg/b,0.004,A\n"
    (folder / "text_generation.csv").write_text(text)
    return folder


def test_a_row_without_run_id_is_told_by_its_group_too(tmp_path):
    labels = tmp_path / "labels"
    assert scoring("label", published(tmp_path), "--out", labels).returncode == 0
    (asr,) = labels.glob("org_a_asr_*.svg")
    assert not verify_label(asr, tmp_path, None).failed
    (tmp_path / "asr.csv").write_text("model,total_gpu_energy\norg/b,0.006\n")
    (missing,) = verify_label(asr, tmp_path, None).failed
    assert (missing.code, missing.what) == ("row_missing", "the results have no such row")


@pytest.mark.parametrize(
    ("words", "candidates"),
    [
        ("org/a", "several rows. Name one of org/a asr, org/a text_gen."),
        ("org/b text_gen", "several rows. Leave one in the table."),
        ("b", "is the name of no row. Name one of org/b asr, org/b text_gen."),
        ("nobody", "is the name of no row. Name one of org/a asr, org/b asr, org/a text_gen, "),
    ],
)
def test_words_that_mean_several_rows_are_refused_with_words_for_each(tmp_path, words, candidates):
    with pytest.raises(ScoringError) as refused:
        the_row(read_table(published(tmp_path)), words, "--row")
    assert str(refused.value).startswith(f"--row {words}: ")
    assert candidates in str(refused.value)


def test_words_that_mean_one_row_find_it(tmp_path):
    path = runs(
        tmp_path,
        *({"run_id": "org_model_Off"}, {"run_id": "org_model_Off_gptq", "model_class": "B"}),
        {"run_id": "org_model_On", "reasoning_requested": "On", "reasoning_effective": "on"},
    )
    rows = read_table(path)
    for words, line in (("org/model On", 4), ("org_model_Off_gptq", 3), ("org_model_Off", 2)):
        assert the_row(rows, words, "--row").line == line
    with pytest.raises(ScoringError, match=r"Name one of org_model_Off, org_model_Off_gptq\."):
        the_row(rows, "org/model Off", "--row")
    (tmp_path / "tables").mkdir()
    rows = read_table(published(tmp_path / "tables"))
    assert the_row(rows, "org/a asr", "--row").file == "asr.csv"
