"""`label` and `verify` as a user calls them: what is written, and every way not to follow."""

import json
import random
import re
import resource
import xml.etree.ElementTree as ET

import pytest

from scoring.errors import ScoringError
from scoring.label.check import HOLDS, verify_label
from scoring.label.drawing import canonical, draw
from scoring.label.facts import LabelFacts
from scoring.label.spare_fonts import spares_for
from tests.scoring.test_ratings import GOOD, table
from tests.support.pages import coded, rows, section, text
from tests.support.scoring_command import scoring

METADATA = re.compile(r"<metadata[^>]*>(.*?)</metadata>", re.DOTALL)
MORE = {"run_id": "", "timestamp": "2026-11-03T04:05:06.000Z", "gpu_name": "", "gpu_count": "1"}
ENERGIES = {"a": "1", "b": "2.0001", "c": "6"}


def results(folder, energies=ENERGIES, **changes):
    lines = [
        MORE | {"model_name": f"org/{name}", "run_id": f"org_{name}", "wh_per_1000_queries": wh}
        for name, wh in energies.items()
    ]
    folder.mkdir(exist_ok=True)
    return table(folder, *(line | changes for line in lines), columns=[*GOOD, *MORE])


@pytest.fixture
def labelled(tmp_path):
    """A table, and the label of the row in its middle."""
    path = results(tmp_path)
    done = scoring("label", path, "--model", "ORG/B", "--out", tmp_path / "labels")
    assert done.returncode == 0, done.stderr
    (label,) = (tmp_path / "labels").glob("*.svg")
    return path, label


def facts_in(svg):
    return LabelFacts.model_validate_json(ET.fromstring(svg).find("{*}metadata").text)


def codes(label, path, edition=None):
    return sorted({point.code for point in verify_label(label, path, edition).failed})


# ------------------------------------------------------------------ label


def test_a_label_of_each_row_is_written_and_follows(tmp_path, labelled):
    path, label = labelled
    names = {one.name.replace(label.stem, "") for one in label.parent.iterdir()}
    assert names == {".svg", ".png", "@2x.png"}
    facts = facts_in(label.read_text())
    assert (facts.run_id, facts.wh_per_1000_queries, facts.stars) == ("org_b", "2.0001", 4)
    assert (facts.edges_wh, facts.scored) == (("2", "3", "4", "5"), "2026-11")
    assert scoring("verify", label, "--results", tmp_path).returncode == 0
    before = label.read_bytes()
    done = scoring("label", path, "--out", label.parent)
    assert "3 labels, each as SVG and as PNG" in done.stdout
    assert label.read_bytes() == before
    assert len(list(label.parent.iterdir())) == 9


def test_a_label_by_an_edition_has_its_month_and_edges(tmp_path):
    path, edition, out = results(tmp_path), tmp_path / "e.json", tmp_path / "labels"
    scoring("edition", path, "--name", "e1", "--scored", "2027-01", "--out", edition)
    later = results(tmp_path / "later", {"b": "2.0001", "d": "2.0002"})
    assert scoring("label", later, "--edition", edition, "--out", out).returncode == 0
    (label,) = out.glob("org_b*.svg")
    facts = facts_in(label.read_text())
    assert (facts.scored, facts.edition, facts.stars) == ("2027-01", "e1", 4)
    assert codes(label, later, edition) == []
    assert codes(label, None, edition) == []
    with pytest.raises(ScoringError, match=r"was rated by the edition 'e1'.*--edition"):
        verify_label(label, later, None)
    other = tmp_path / "other.json"
    scoring("edition", later, "--name", "e2", "--scored", "2027-01", "--out", other)
    assert codes(label, later, other) == ["edges_differ", "edition_differs", "stars_differ"]


def test_only_rows_of_an_edition_get_its_label(tmp_path):
    path, edition, out = results(tmp_path), tmp_path / "e.json", tmp_path / "labels"
    scoring("edition", path, "--name", "e1", "--scored", "2027-01", "--out", edition)
    later = results(tmp_path / "later", {"a": "1", "b": "1.5", "new": "2"})
    done = scoring("label", later, "--edition", edition, "--out", out)
    assert [one.name.partition("_Off")[0] for one in out.glob("*.svg")] == ["org_a"]
    assert "org/b Off: no label, the edition 'e1' has 2.0001 Wh for it, and not 1.5" in done.stderr
    assert "org/new Off: no label, the edition 'e1' does not have it" in done.stderr
    # Of a row that has other figures now, and of one that was never in it, nothing is confirmed.
    (label,) = out.glob("*.svg")
    for changes in ({"wh_per_1000_queries": "1.5", "run_id": "org_b"}, {"run_id": "org_new"}):
        facts = json.loads(METADATA.search(label.read_text())[1])
        label.write_text(draw(LabelFacts.model_validate(facts | changes)))
        assert codes(label, later, edition) == ["row_missing"]
        assert codes(label, None, edition)
    none = results(tmp_path / "none", {"new": "2"})
    refused = scoring("label", none, "--edition", edition, "--out", tmp_path / "x")
    assert (refused.returncode, "has no rated row of the edition" in refused.stderr) == (2, True)


def test_a_rehearsal_a_lonely_row_and_missing_glyphs_are_told(tmp_path):
    rare = "\N{SIGNWRITING HAND-FIST INDEX}"
    path = results(tmp_path, {rare: "0.001"}, rehearsal="yes", official="no")
    done = scoring("label", path, "--out", tmp_path / "labels")
    assert done.returncode == 0
    warned = f"no font here has {rare}: drawn as boxes" in done.stderr
    assert warned == bool(spares_for(rare).lacking)
    (label,) = (tmp_path / "labels").glob("*_rehearsal_*.svg")
    svg = label.read_text()
    assert ">REHEARSAL</text>" in svg
    assert ">only model of its group</text>" in svg
    assert ">0.00100 Wh</text>" in svg
    assert codes(label, path) == []


def test_what_cannot_be_labelled_is_told(tmp_path):
    path = results(tmp_path, {"a": "1", "x" * 300: "6"})
    done = scoring("label", path, "--out", tmp_path / "labels")
    assert done.returncode == 0
    assert re.search(r"warning: line 3, 'org/x+': no label", done.stderr)
    assert "1 label as SVG" in done.stdout
    refused = scoring("label", path, "--model", "z", "--out", tmp_path / "none")
    assert (refused.returncode, "has no rated row with 'z'" in refused.stderr) == (2, True)
    assert not (tmp_path / "none").exists()
    (tmp_path / "file").touch()
    assert scoring("label", path, "--out", tmp_path / "file").returncode == 2


def test_what_many_rows_have_in_common_is_said_once(tmp_path):
    rare = "\N{SIGNWRITING HAND-FIST INDEX}"
    names = [f"{rare}{n}" for n in range(3)] + [f"{n}{'x' * 300}" for n in range(7)]
    path = results(tmp_path, dict.fromkeys(names, "1"))
    columns = path.read_text().splitlines()[0].split(",")
    with path.open("a") as stream:
        for n in range(60):
            late = GOOD | MORE | {"model_name": f"org/late{n}", "verdict": "flagged"}
            stream.write(",".join(late[name] for name in columns) + "\n")
    said = scoring("label", path, "--out", tmp_path / "labels").stderr.splitlines()
    boxes = [line for line in said if "drawn as boxes in the PNG of 3 labels" in line]
    assert len(boxes) == bool(spares_for(rare).lacking)
    late, nameless = (line for line in said if "no label" in line)
    assert late.startswith("warning: line 12, org/late0 Off; line 13, org/late1 Off; ")
    assert late.endswith("; and 55 more: no label, its verdict is flagged")
    assert nameless.endswith("; and 2 more: no label, it has no name or one too long")
    assert len(said) == 2 + len(boxes)


def test_a_disk_that_is_full_leaves_the_labels_that_were_there_and_no_others(tmp_path, labelled):
    path, label = labelled
    new = tmp_path / "new" / "labels"
    before = {one.name: one.read_bytes() for one in label.parent.iterdir()}
    largest = max(map(len, before.values()))

    def small_disk():
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest - 1, largest - 1))

    for out in (label.parent, new):
        refused = scoring("label", path, "--out", out, first=small_disk)
        assert (refused.returncode, refused.stdout) == (2, "")
        assert f"{out}: cannot be written (File too large)" in refused.stderr
    assert {one.name: one.read_bytes() for one in label.parent.iterdir()} == before
    assert list(new.parent.iterdir()) == []
    assert scoring("label", path, "--out", new).returncode == 0
    assert len(list(new.iterdir())) == 9


# ------------------------------------------------------------------ verify


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (">2.00 Wh<", ">1.00 Wh<", ["text_differs"]),
        (">November 2026<", ">December 2026<", ["text_differs"]),
        (">org/b<", ">org/c<", ["text_differs"]),
        ('fill="#EFEFEF"/>', 'fill="#3FA45B"/>', ["drawing_differs"]),
        ("</svg>", '<rect width="9" height="9"/></svg>', ["drawing_differs"]),
        ("</svg>", "7 stars</svg>", ["drawing_differs"]),
        ("<svg ", '<?xml-stylesheet href="x.css"?><svg ', ["drawing_differs"]),
        ("<title>", "<title>Best: ", ["text_differs"]),
        ('"stars": 4', '"stars": 5', ["drawing_differs", "stars_differ", "text_differs"]),
        ('"2.0001"', '"1.0001"', ["drawing_differs", "energy_differs", "text_differs"]),
        ('"spec_hash": ""', '"spec_hash": "0"', ["row_differs"]),
        ('"run_id": "org_b"', '"run_id": "org_x"', ["row_missing"]),
    ],
)
def test_a_label_edited_by_hand_is_found(labelled, old, new, expected):
    path, label = labelled
    svg = label.read_text()
    assert old in svg
    label.write_text(svg.replace(old, new))
    assert codes(label, path) == sorted({"content_changed", *expected})


def test_a_declaration_that_makes_other_letters_of_the_bytes_is_found(labelled):
    path, label = labelled
    label.write_text('<?xml version="1.0" encoding="shift_jis"?>' + label.read_text())
    assert codes(label, path) == ["drawing_differs"]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"wh_per_1000_queries": "1"}, ["energy_differs"]),
        ({"stars": 5}, ["stars_differ"]),
        ({"edges_wh": ["2", "3", "4", "5.5"]}, ["edges_differ"]),
        ({"rehearsal": True}, ["row_missing"]),
        ({"gpu_name": "NVIDIA H100 80GB HBM3"}, ["row_differs"]),
        ({"model": "org/other"}, ["row_differs"]),
        ({"run_id": "org_a"}, ["energy_differs", "row_differs", "stars_differ"]),
        ({"run_id": "none"}, ["row_missing"]),
    ],
)
def test_a_forged_label_with_a_hash_of_its_own_does_not_follow(labelled, changes, expected):
    path, label = labelled
    facts = json.loads(METADATA.search(label.read_text())[1])
    label.write_text(draw(LabelFacts.model_validate(facts | changes)))
    assert codes(label, path) == expected


def test_results_that_changed_are_told_and_new_rows_within_the_edges_are_fine(tmp_path, labelled):
    _, label = labelled
    more = results(tmp_path / "more", ENERGIES | {"d": "3"})
    assert codes(label, more) == []
    wider = results(tmp_path / "wider", ENERGIES | {"d": "16"})
    assert codes(label, wider) == ["edges_differ", "stars_differ"]
    unrated = results(tmp_path / "unrated", verdict="flagged")
    (point,) = verify_label(label, unrated, None).failed
    assert (point.code, point.what) == (
        *("row_missing", "the results do not rate it: its verdict is flagged"),
    )


def test_the_command_tells_each_point_and_its_exit_code(labelled):
    path, label = labelled
    label.write_text(label.read_text().replace(">2.00 Wh<", ">1.00 Wh<"))
    done = scoring("verify", label, "--results", path)
    assert done.returncode == 1
    assert "text_differs: energy: says '1.00 Wh', and '2.00 Wh' follows" in done.stdout
    assert f"{label}: 7 points hold, 2 failed, 0 not checked" in done.stdout


def test_of_long_texts_the_part_that_differs_is_shown(labelled):
    path, label = labelled
    description = re.search("<desc>(.*)</desc>", label.read_text())[1]
    assert len(description) > 100
    label.write_text(label.read_text().replace(description, description[:-10] + "otherwise."))
    done = scoring("verify", label, "--results", path)
    said, follows = re.search("desc: says (.*), and (.*) follows", done.stdout).groups()
    assert said != follows
    assert "otherwise." in said


BOMB = '<!DOCTYPE svg [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]><svg>&b;</svg>'


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (BOMB, "it has a DOCTYPE"),
        ('<!DOCTYPE svg SYSTEM "file:///etc/passwd"><svg/>', "it has a DOCTYPE"),
        ("", "is no label"),
        ("<svg>", "is no label"),
        ("\x00", "is no label"),
        ("<svg/>", "it has 0 digests"),
        ("<a>" * 60_000 + "</a>" * 60_000, "is no label"),
        ("<a>" * 30_000 + "</a>" * 30_000, "it has 0 digests"),
        (b"\xff\xfe<", "is no label"),
        ("x" * 300_000, "is no plain file of at most"),
        ('<svg xmlns="http://www.w3.org/2000/svg"><metadata>[]</metadata></svg>', "has no digest"),
    ],
)
def test_what_is_no_label_is_refused(tmp_path, content, message):
    path = tmp_path / "x.svg"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    refused = scoring("verify", path, "--results", tmp_path)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert message in refused.stderr
    assert "Traceback" not in refused.stderr


def test_what_is_missing_is_told(tmp_path, labelled):
    path, label = labelled
    for arguments, message in (
        ((label,), "--results: is missing"),
        ((tmp_path / "no.svg", "--results", path), "cannot be read"),
        ((label.with_suffix(".png"), "--results", path), "is nothing that can be verified"),
        ((label, "--results", tmp_path / "none"), "cannot be read"),
    ):
        refused = scoring("verify", *arguments)
        assert (refused.returncode, refused.stdout) == (2, "")
        assert message in refused.stderr


def test_no_damage_gives_a_traceback_or_a_false_pass(labelled):
    path, label = labelled
    whole = label.read_bytes()
    seed = random.Random(11)
    found = 0
    for _ in range(300):
        damaged = bytearray(whole)
        for _ in range(seed.choice((1, 1, 2, 20))):
            damaged[seed.randrange(len(damaged))] = seed.choice((seed.randrange(256), 0x22, 0x3C))
        label.write_bytes(damaged)
        try:
            points = verify_label(label, path, None).failed
        except ScoringError:
            found += 1
            continue
        if not points:
            assert canonical(bytes(damaged).decode()) == canonical(whole.decode())
        found += bool(points)
    assert found > 250


def test_the_codes_are_documented():
    table_of_codes = rows(section(text("docs/scoring.md"), "Labels"))
    assert [coded(cells[:1])[0] for cells in table_of_codes] == list(HOLDS)
