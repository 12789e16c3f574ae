"""Classes by the published rule, beside those that models were measured in."""

import json
from decimal import Decimal

import pytest

from scoring.classes import classed, largest_billions
from tests.scoring.test_ratings import table
from tests.support.runner import ROOT
from tests.support.scoring_command import scoring


def classes(*arguments):
    return scoring("classes", *arguments)


@pytest.mark.parametrize(
    ("billions", "name", "rule_gb", "ambiguous"),
    [
        ("20", "A", "24", False),
        ("20.01", "B", "24.012", False),
        ("66", "B", "79.2", False),
        ("66.5", "B", "79.8", True),
        ("66.67", "C", "80.004", False),
        ("46.7", "B", "56.04", False),
    ],
)
def test_the_rule_is_the_published_one(billions, name, rule_gb, ambiguous):
    found = classed(Decimal(billions))
    assert (found.name, found.rule_gb, found.ambiguous) == (name, Decimal(rule_gb), ambiguous)


def test_the_published_limits_follow_from_it():
    assert (largest_billions("A"), largest_billions("B")) == (20, 66)


def test_what_fits_is_told_apart_because_the_rule_counts_half():
    found = classed(Decimal(20))
    assert found.loaded_gb == 48
    assert not found.fits(Decimal(24))
    assert found.fits(Decimal(80))


def test_the_class_of_the_table_counts_and_disagreement_is_a_warning(tmp_path):
    rows = [
        {"model_name": "deepseek-ai/DeepSeek-R1-Distill-Qwen-32B", "model_class": "C"},
        {"model_name": "org/unnamed", "model_class": "A"},
        {"model_name": "Qwen/Qwen3-30B-A3B", "model_class": "B"},
        {"model_name": "org/vit-7b", "task": "image_classification", "model_class": ""},
    ]
    table(tmp_path, *rows, rows[0])
    shown = classes(tmp_path)
    assert shown.returncode == 0
    assert shown.stderr.splitlines() == [
        "warning: deepseek-ai/DeepSeek-R1-Distill-Qwen-32B is class C, and 32 billion parameters,"
        " as its name has them, are class B by the rule; it counts as class C"
    ]
    assert "its size is not known" in shown.stdout
    known = tmp_path / "known.csv"
    known.write_text("model,billions\norg/unnamed,70.6\n")
    found = json.loads(classes(tmp_path, "--json", "--parameters", known).stdout)
    assert [(one["class"], one["class_by_rule"], one["loaded_gb"]) for one in found] == [
        ("C", "B", 76.8),
        ("A", "C", 169.44),
        ("B", "B", 72.0),
    ]


def test_a_size_that_the_catalog_alone_knows_finds_its_class(tmp_path):
    granite = {"model_name": "ibm-granite/granite-4.0-h-small", "model_class": "C"}
    table(tmp_path, granite, {"model_name": "org/a-7b", "model_class": "A"}, {"model_name": "o/b"})
    assert classes(tmp_path).stderr == ""
    shown = classes(tmp_path, "--parameters", ROOT / "models.csv")
    assert (shown.returncode, shown.stderr) == (
        0,
        "warning: ibm-granite/granite-4.0-h-small is class C, and 32 billion parameters are class"
        " B by the rule; it counts as class C\n",
    )
    # Catalogs as users have them: addresses, blanks, a nameless column, empty cells, states.
    catalog = tmp_path / "catalog.csv"
    catalog.write_text(
        ",Models to Add,Reasoning State,Parameters (B)\n"
        ",https://huggingface.co/o/b/ ,On,\n,https://huggingface.co/o/b/tree/main,Off,25\n"
        ',"o/b ",On (High), 25.0\n,org/a-7b,Off,\n,,,\n'
    )
    told = json.loads(classes(tmp_path, "--json", "--parameters", catalog).stdout)
    assert [one["parameters_billion"] for one in told] == [None, 7, 25]


def test_a_catalog_is_checked_before_anything_is_measured(tmp_path):
    shown = classes("models.csv")
    assert shown.returncode == 0
    assert sorted(line.split()[1] for line in shown.stderr.splitlines()) == [
        "deepseek-ai/DeepSeek-R1-Distill-Qwen-32B",
        "ibm-granite/granite-4.0-h-small",
        "openai/gpt-oss-20b",
    ]
    told = {one["model"]: one for one in json.loads(classes("models.csv", "--json").stdout)}
    granite, gemma = told["ibm-granite/granite-4.0-h-small"], told["google/gemma-3-1b-pt"]
    assert (granite["parameters_from"], granite["rule_gb"], granite["loaded_gb"]) == (
        *("file", 38.4),
        76.8,
    )
    assert gemma["parameters_from"] == "name"
    assert "Qwen/Qwen-Image" not in told
    own = tmp_path / "own.csv"
    own.write_text(",Models to Add,Class,Task,Note\n,https://hf.co/org/a-125m/,B,text_gen,\n,,,,\n")
    shown = classes(own)
    assert (
        "org/a-125m  B      A            0.125 B  name      0.2       0.3  one GPU" in shown.stdout
    )
    assert (
        "is class B, and 0.125 billion parameters, as its name has them, are class A"
        in shown.stderr
    )
    own.write_text("Models to Add,Class\norg/a-1b,B\n")
    refused = classes(own)
    assert (refused.returncode, "lacks the column Task" in refused.stderr) == (2, True)


def test_published_tables_are_checked_too(tmp_path):
    (tmp_path / "asr.csv").write_text("model,total_gpu_energy\norg/a-7b,1\n")
    text = "model,class,total_gpu_energy\norg/a-7b,C,1\norg/b-70b,C,bad\n"
    (tmp_path / "text_generation.csv").write_text(text)
    for given in (tmp_path, tmp_path / "text_generation.csv"):
        shown = classes(given, "--json")
        told = json.loads(shown.stdout)
        assert [(one["model"], one["class"], one["class_by_rule"]) for one in told] == [
            ("org/a-7b", "C", "A"),
            ("org/b-70b", "C", "C"),
        ]
        assert "org/a-7b is class C, and 7 billion" in shown.stderr


def test_warnings_are_bounded_and_name_classes_that_there_are_not(tmp_path):
    rows = [{"model_name": f"org/m{n}-1.8b", "model_class": "B"} for n in range(60)]
    table(tmp_path, {"model_class": "Z"}, *rows)
    shown = classes(tmp_path).stderr.splitlines()
    assert shown[0] == (
        "warning: org/model is class 'Z', which is none of A, B, C: it is not rated"
    )
    assert "1.8 billion parameters" in shown[1]
    assert (len(shown), shown[-1]) == (51, "warning: and 11 more like these")


@pytest.mark.parametrize(
    "name",
    [
        "org/big-" + "9" * 400 + "B",
        "org/" + "9" * 400 + "x7B",
        f"org/a1-0.{'3' * 400}b",
        "org/\u0663b",
    ],
)
def test_digits_of_a_name_that_can_be_no_size_are_none(tmp_path, name):
    table(tmp_path, {"model_name": name})
    shown = classes(tmp_path, "--json")
    assert (shown.returncode, shown.stderr) == (0, "")
    assert json.loads(shown.stdout)[0]["parameters_billion"] is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("model,size\na,1\n", "lacks the column billions"),
        ("model,billions\na,many\n", "line 2, column billions: 'many' is no number above 0"),
        ("model,billions\na,1\na,2\n", "line 3: a has 2 here, and 1 in line 2"),
        ("Models to Add,Class\na/b,C\n", "lacks the column Parameters (B)"),
        ("model,billions\na,0\n", "'0' is no number above 0"),
    ],
)
def test_sizes_that_cannot_be_read_are_refused(tmp_path, text, message):
    table(tmp_path, {})
    known = tmp_path / "known.csv"
    known.write_text(text)
    refused = classes(tmp_path, "--parameters", known)
    assert refused.returncode == 2
    assert message in refused.stderr
