"""Frozen rows and edges: what a label meant when it was given."""

import json
import subprocess
import sys

import pytest

from scoring.editions import read_edition
from scoring.errors import ScoringError
from scoring.tables import read_table
from tests.scoring.test_ratings import stars, table
from tests.support.runner import ROOT


def edition(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "scoring", "edition", *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def rows(**energies):
    return [
        {"model_name": f"org/{name}", "wh_per_1000_queries": energy}
        for name, energy in energies.items()
    ]


@pytest.fixture
def first(tmp_path):
    table(tmp_path, *rows(a="1", b="3.0000000000000001", c="6"))
    path = tmp_path / "first.json"
    done = edition(tmp_path, "--name", "first", "--scored", "2026-06", "--out", path)
    assert done.returncode == 0, done.stderr
    assert "3 rows in 1 groups; 0 rows left out" in done.stdout
    return path


def by_model(output):
    (group,) = json.loads(output)["groups"]
    return {row["model"]: row["stars"] for row in group["rows"]}


def test_a_later_table_is_rated_by_the_edges_of_the_edition(tmp_path, first):
    later = table(tmp_path, *rows(a="1", d="0.5", e="3", f="60"), name="later.csv")
    assert by_model(stars(later, "--json").stdout)["org/e"] == 5
    shown = stars(later, "--edition", first)
    assert by_model(stars(later, "--edition", first, "--json").stdout) == {
        **{"org/a": 5, "org/d": 5, "org/e": 4, "org/f": 1}
    }
    assert shown.stdout.count("outside the edition's range") == 2
    assert "by the edges of the edition first" in shown.stdout


def test_a_new_edition_keeps_energies_and_may_change_stars(tmp_path, first):
    later = table(tmp_path, *rows(d="11"), name="later.csv")
    second = tmp_path / "second.json"
    arguments = ("--after", first, "--name", "second", "--scored", "2026-12", "--out", second)
    assert edition(later, *arguments).returncode == 0
    old, new = read_edition(first), read_edition(second)
    exact = {row.model: str(row.wh) for row in new.rows()}
    assert exact == {**{"org/a": "1", "org/b": "3.0000000000000001", "org/c": "6", "org/d": "11"}}
    given = [{row.model: row.stars for row in one.groups[0].rows} for one in (old, new)]
    assert given == [
        {"org/a": 5, "org/b": 3, "org/c": 1},
        {"org/a": 5, "org/b": 4, "org/c": 3, "org/d": 1},
    ]
    # Made again from the same, it is the same; with other rows, the file is not touched.
    before = second.read_bytes()
    assert edition(later, *arguments).returncode == 0
    assert second.read_bytes() == before
    table(tmp_path, *rows(d="12"), name="later.csv")
    refused = edition(later, *arguments)
    assert refused.returncode == 2
    assert "is there already, with other content" in refused.stderr
    assert second.read_bytes() == before


def test_an_energy_that_changed_since_is_refused(tmp_path, first):
    changed = table(tmp_path, *rows(a="1.5"), name="later.csv")
    out = tmp_path / "second.json"
    refused = edition(changed, "--after", first, "--name", "x", "--scored", "2026-12", "--out", out)
    assert refused.returncode == 2
    assert "has 1.5 Wh, and 1 Wh in the edition 'first'" in refused.stderr
    assert not out.exists()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"stars": 3', '"stars": 5'),
        ('"wh_per_1000_queries": "1"', '"wh_per_1000_queries": "2"'),
        ('"wh_per_1000_queries": "1"', '"wh_per_1000_queries": "-1"'),
        ('"lowest_wh": "1"', '"lowest_wh": "0.5"'),
        ('    "2",', '    "2.5",'),
        ('"scored": "2026-06"', '"scored": "June"'),
        ("{", "["),
    ],
)
def test_an_edition_that_was_changed_is_refused(first, old, new):
    text = first.read_text()
    assert old in text
    first.write_text(text.replace(old, new, 1))
    with pytest.raises(ScoringError) as refused:
        read_edition(first)
    assert str(first) in str(refused.value)


def test_the_published_tables_make_an_edition_with_the_published_stars(tmp_path):
    (tmp_path / "asr.csv").write_text(
        "model,total_gpu_energy,energy_score\norg/a,0.001,5\norg/b,0.0035,3\norg/c,0.006,1\n"
    )
    out = tmp_path / "e.json"
    assert (
        edition(tmp_path / "asr.csv", "--name", "e", "--scored", "2025-02", "--out", out).returncode
        == 0
    )
    (group,) = read_edition(out).groups
    assert [row.stars for row in group.rows] == [5, 3, 1]
    assert [row.wh for row in read_edition(out).rows()] == [row.wh for row in read_table(tmp_path)]


def test_mistakes_are_told(tmp_path, first):
    assert (
        "is no month"
        in edition(tmp_path, "--name", "x", "--scored", "12/2026", "--out", tmp_path / "o").stderr
    )
    refused = stars(tmp_path, "--edition", first, "--scheme", "quintiles")
    assert (refused.returncode, "does not go with --edition" in refused.stderr) == (2, True)
    empty = table(tmp_path, {"verdict": "invalid"}, name="empty.csv")
    nothing = edition(empty, "--name", "x", "--scored", "2026-12", "--out", tmp_path / "o")
    assert "has no row that can be rated" in nothing.stderr
    assert not (tmp_path / "o").exists()


def test_a_link_leads_to_an_edition_as_to_a_table(tmp_path, first):
    (tmp_path / "latest.json").symlink_to(first)
    assert read_edition(tmp_path / "latest.json") == read_edition(first)
    (tmp_path / "loop.json").symlink_to("loop.json")
    with pytest.raises(ScoringError, match="is no edition"):
        read_edition(tmp_path / "loop.json")
