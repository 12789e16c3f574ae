"""Frozen rows and edges: what a label meant when it was given."""

import json
import os
from pathlib import Path

import pytest

from scoring.editions.file import read_edition
from scoring.errors import ScoringError
from scoring.label.check import verify_label
from scoring.tables import read_table
from tests.scoring.test_ratings import GOOD, stars, table
from tests.support.scoring_command import scoring


def edition(*arguments, seconds=None):
    return scoring("edition", *arguments, seconds=seconds)


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
    assert "rows: 3, groups: 1, left out: 0\n" in done.stdout
    return path


def test_rows_that_an_edition_leaves_out_are_named_with_the_reason(tmp_path):
    table(tmp_path, *rows(a="1", b="2"), {"model_name": "org/c", "verdict": "flagged"})
    given = ("--name", "first", "--scored", "2026-06", "--out", tmp_path / "first.json")
    assert "  line 4, org/c Off: its verdict is flagged\n" in edition(tmp_path, *given).stdout


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


def test_a_model_that_stands_in_an_edition_twice_keeps_both_energies(tmp_path):
    both = [*rows(a="1", b="4"), *rows(a="2.5"), *rows(a="2.5")]
    path = table(tmp_path, *both)

    def made(name, *after):
        out = tmp_path / f"{name}.json"
        arguments = ("--name", name, "--scored", "2026-12", "--out", out)
        return edition(path, *after, *arguments), out

    first = made("first")[1]
    for lines in (both, both[:1], both[2:3], [*both, *rows(a="9")]):
        table(tmp_path, *lines)
        done, out = made(f"of{len(lines)}{lines[0]['wh_per_1000_queries']}", "--after", first)
        assert done.returncode == 0, done.stderr
        energies = [str(row.wh) for row in read_edition(out).rows()]
        assert energies == ["1", "2.5", "2.5", "4", *(["9"] if len(lines) > 4 else [])]
    table(tmp_path, *both[:1], *rows(a="2.6"))
    refused = made("changed", "--after", first)[0]
    assert refused.returncode == 2
    assert "line 3, org/a Off: has 2.6 Wh, and 2.5 Wh in the edition 'first'" in refused.stderr


def test_whatever_a_table_may_have_for_a_number_can_be_read_again(tmp_path):
    spread = {"gpu_energy_wh": "", "gpu_energy_ci95_wh": ""}
    figures = [
        # Energy, energy of the run, half width.
        *(("2.5", "0.7", "5.4e-17"), ("1e-25", "", ""), ("1e-30", "9e30", "1e-30")),
        *(("9e30", "1e-30", "9e30"), ("1.2345678901234567890123456789012345e-30", "3", "1")),
        *(("1E+5", "3", "-0"), ("7", "3", "0E-9"), (f"0.{'123456789' * 4}12", "7", "1")),
    ]
    lines = [
        {
            **{"model_name": f"org/m{number}", "wh_per_1000_queries": wh},
            **{"gpu_energy_wh": energy, "gpu_energy_ci95_wh": half},
        }
        for number, (wh, energy, half) in enumerate(figures)
    ]
    path = table(tmp_path, *lines, columns=[*GOOD, *spread])
    out = tmp_path / "e.json"
    done = edition(path, "--name", "e", "--scored", "2026-12", "--out", out)
    assert (done.returncode, "rows: 8, groups: 1" in done.stdout) == (0, True), done.stderr
    energies = {row.model: row.wh for row in read_edition(out).rows()}
    assert energies == {row.model: row.wh for row in read_table(path)}
    assert stars(path, "--edition", out).returncode == 0
    labels = tmp_path / "labels"
    done = scoring("label", path, "--edition", out, "--out", labels)
    assert "8 labels" in done.stdout, done.stderr
    for label in labels.glob("*.svg"):
        assert not verify_label(label, None, out).failed


def test_the_published_edition_follows_itself(tmp_path):
    folder = Path(os.environ.get("AIES_REFERENCE_DATA", "")) / "leaderboard_2025-02"
    if not folder.is_dir():
        pytest.skip("AIES_REFERENCE_DATA names no reference data")
    out = tmp_path / "first.json", tmp_path / "second.json"
    assert edition(folder, "--name", "1", "--scored", "2025-02", "--out", out[0]).returncode == 0
    done = edition(folder, "--after", out[0], "--name", "2", "--scored", "2025-03", "--out", out[1])
    assert done.returncode == 0, done.stderr
    assert read_edition(out[0]).groups == read_edition(out[1]).groups


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"stars": 3', '"stars": 5'),
        ('"wh_per_1000_queries": "1"', '"wh_per_1000_queries": "2"'),
        ('"wh_per_1000_queries": "1"', '"wh_per_1000_queries": "-1"'),
        ('"lowest_wh": "1"', '"lowest_wh": "0.5"'),
        ('    "2",', '    "2.5",'),
        ('"scored": "2026-06"', '"scored": "June"'),
        ('"edition": "first"', '"edition": ""'),
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


def test_wh_in_the_column_of_kwh_are_suspected_by_the_edition_in_every_row(tmp_path):
    asr = tmp_path / "asr.csv"
    asr.write_text("model,total_gpu_energy\norg/a,0.001\norg/b,0.0035\norg/c,0.006\n")
    out = tmp_path / "e.json"
    edition(asr, "--name", "e", "--scored", "2025-02", "--out", out)
    for energies, said in (
        (("1", "3.4", "6"), ("1000 Wh is a thousand times the 1 Wh", "Were Wh taken for kWh?")),
        (("1e-6", "3.4e-6", "6e-6"), ("a thousandth of the 1 Wh", "Is it in kWh?")),
        (("0.0013", "0.0035", "0.006"), ()),
    ):
        lines = (f"org/{name},{kwh}" for name, kwh in zip("abc", energies, strict=True))
        asr.write_text("model,total_gpu_energy\n" + "\n".join(lines) + "\n")
        later = ("--after", out, "--name", "f", "--scored", "2026-02", "--out", tmp_path / "f")
        for done in (stars(asr, "--edition", out), edition(asr, *later)):
            assert done.stderr.count("warning: ") == (3 if said else 0)
            assert all(one in done.stderr for one in said)


@pytest.mark.parametrize("kind", ["device", "pipe", "picture", "folder", "circle", "no folder"])
def test_what_stands_at_its_place_is_neither_read_for_ever_nor_touched(tmp_path, first, kind):
    out = tmp_path / "out"
    if kind == "device":
        out.symlink_to("/dev/full")
    elif kind == "pipe":
        os.mkfifo(out)
    elif kind == "picture":
        out.write_bytes(b"\x89PNG\r\n\x1a\n\xff")
    elif kind == "folder":
        out.mkdir()
    elif kind == "circle":
        out.symlink_to(out)
    else:
        out = first / "out"
    before = out.lstat() if out.parent.is_dir() else None
    refused = edition(tmp_path, "--name", "x", "--scored", "2026-06", "--out", out, seconds=20)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr.startswith(f"error: {'/dev/full' if kind == 'device' else out}: ")
    assert refused.stderr.count("\n") == 1
    assert before is None or out.lstat().st_ino == before.st_ino


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "a name has 1 to 40 printable characters"),
        (" ", "no blank at an end"),
        ("x" * 41, "a name has 1 to 40"),
        ("a\x1b[31m", "a name has 1 to 40"),
        ("a\N{LINE SEPARATOR}b", "a name has 1 to 40"),
        ("all Results", "that is what a leaderboard calls the rows of no edition"),
    ],
)
def test_a_name_is_one_that_can_stand_beside_the_stars(tmp_path, first, name, message):
    out = tmp_path / "o"
    refused = edition(tmp_path, "--name", name, "--scored", "2026-12", "--out", out)
    assert (refused.returncode, out.exists()) == (2, False)
    assert refused.stderr.startswith("error: --name: ")
    assert message in refused.stderr
    wide = edition(tmp_path, "--name", "é" * 40, "--scored", "2026-12", "--out", out)
    assert (wide.returncode, read_edition(out).edition) == (0, "é" * 40)


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
