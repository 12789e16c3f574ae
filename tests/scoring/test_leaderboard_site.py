"""The folder of a leaderboard: whole or not there, always the same, and closed to tables."""

import base64
import hashlib
import json
import re
from html.parser import HTMLParser

import pytest

from benchmark_core.contract import REPORT_FILE
from scoring.words import PUBLISHED_LEADERBOARD
from tests.support.boards import EVIL, ROWS, built, row, scoring, write_results
from tests.support.night import Night


class Page(HTMLParser):
    """The elements of a page, and the text of its scripts and styles."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.inside, self.policy = [], {}, ""
        self._open = None
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.tags.append((tag, given))
        if given.get("http-equiv") == "Content-Security-Policy":
            self.policy = given["content"]
        self._open = (
            (tag, given.get("id") or given.get("type")) if tag in ("script", "style") else None
        )

    def handle_data(self, data):
        if self._open:
            self.inside[self._open] = self.inside.get(self._open, "") + data

    def handle_endtag(self, tag):
        self._open = None


def page_of(path):
    return Page(path.read_text(encoding="utf-8"))


def files(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    return write_results(tmp_path_factory.mktemp("results"))


def test_the_same_results_give_the_same_bytes_also_over_an_earlier_site(results, tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    built(first, results)
    earlier = write_results(tmp_path / "earlier", ROWS[:2])
    built(second, earlier)
    built(second, results)
    assert files(first) == files(second)
    assert {path.name for path in tmp_path.iterdir()} == {"first", "second", "earlier"}


def test_only_a_leaderboard_is_replaced(results, tmp_path):
    site = tmp_path / "site"
    built(site, results)
    for disturb in (
        lambda: (site / "notes.txt").write_text("mine"),
        lambda: (site / "index.html").write_text("<title>mine</title>"),
    ):
        disturb()
        before = files(site)
        refused = scoring("leaderboard", results, "--out", site)
        assert refused.returncode == 2
        assert "holds something else than a leaderboard" in refused.stderr
        assert files(site) == before
        (site / "notes.txt").unlink(missing_ok=True)
    assert "is no folder" in scoring("leaderboard", results, "--out", site / "index.html").stderr
    inside = scoring("leaderboard", results, "--out", site / "index.html" / "x")
    assert (inside.returncode, inside.stderr.count("\n")) == (2, 1)


def test_results_are_named_once(results, tmp_path):
    twice = (results, results.parent / "." / results.name / ".." / results.name)
    refused = scoring("leaderboard", *twice, "--out", tmp_path / "site")
    assert (refused.returncode, "is given twice" in refused.stderr) == (2, True)
    assert not (tmp_path / "site").exists()


def test_without_a_rated_row_nothing_is_written(tmp_path):
    results = write_results(tmp_path / "results", [row("a/b", 1.0, official="no")])
    refused = scoring("leaderboard", results, "--out", tmp_path / "site")
    assert (refused.returncode, (tmp_path / "site").exists()) == (2, False)
    assert "no row that can be rated (line 2, a/b Off: it did not keep to" in refused.stderr


def test_what_a_table_says_is_data_and_only_our_own_script_is_allowed(results, tmp_path):
    path = built(tmp_path / "site", results)
    page = page_of(path)
    assert [tag for tag, _ in page.tags].count("script") == 3
    assert not any(name.startswith("on") for _, given in page.tags for name in given)
    # Stars outside a label have to link to the leaderboard, and nothing else does from here.
    links = [given["href"] for _, given in page.tags if "href" in given]
    assert [link for link in links if link.startswith("http")] == [PUBLISHED_LEADERBOARD]
    text = page.inside["script", "data"]
    assert not set("<>&\u2028\u202e") & set(text)
    names = {values[1] for view in json.loads(text)["views"] for table in view["tables"]
             for values in table["rows"]}  # fmt: skip
    assert EVIL.replace("\u2028", "\ufffd").replace("\u202e", "\ufffd") in names
    for kind, inside in (("script-src", ("script", "module")), ("style-src", ("style", None))):
        digest = base64.b64encode(hashlib.sha256(page.inside[inside].encode()).digest()).decode()
        assert f"{kind} 'sha256-{digest}'" in page.policy
    assert "default-src 'none'" in page.policy and "http" not in page.policy
    svg = "".join(re.findall(r"<template.*?</template>", path.read_text(), re.S))
    assert "small-1B" not in svg and "<text" in svg and "style=" not in svg


def test_editions_come_first_with_their_own_stars_and_what_results_know(tmp_path):
    lines = [*ROWS[:1], ROWS[1] | {"gpu_energy_ci95_wh": "0.04"}, *ROWS[2:4]]
    results = write_results(tmp_path / "results", lines)
    for name, scored in (("old", "2026-06"), ("new", "2026-12")):
        done = scoring("edition", results, "--name", name, "--scored", scored,
                       "--out", tmp_path / name)  # fmt: skip
        assert done.returncode == 0, done.stderr
    more = write_results(tmp_path / "more", [*lines, row("org/huge-20B", 20.0)])
    editions = ("--edition", tmp_path / "old", "--edition", tmp_path / "new")
    page = page_of(built(tmp_path / "site", more, *editions))
    views = json.loads(page.inside["script", "data"])["views"]
    columns = json.loads(page.inside["script", "columns"])
    assert [view["name"] for view in views] == ["new", "old", "All results"]
    stars = [
        [values[columns.index("stars")] for values in view["tables"][0]["rows"]] for view in views
    ]
    assert stars == [[5, 4, 2, 1], [5, 4, 2, 1], [5, 5, 5, 4, 1]]
    # 2.05 ± 0.04 Wh never reach the edge of 2 Wh, which stands still.
    ends = [columns.index(name) for name in ("fewest", "most")]
    assert [views[0]["tables"][0]["rows"][1][end] for end in ends] == [4, 4]
    speeds = [values[columns.index("throughput")] for values in views[0]["tables"][0]["rows"]]
    assert speeds == [400, 500, 50, 100]
    twice = scoring("leaderboard", more, *editions, *editions, "--out", tmp_path / "twice")
    assert (twice.returncode, "is given twice" in twice.stderr) == (2, True)


@pytest.fixture
def measured(tmp_path):
    """One run folder with its row; the rest of the table is as ROWS."""
    night = Night(tmp_path / "night")
    night.add("org_model_Off", 10, wh=12.5)
    folder = night.directory.folder("org_model_Off").path
    wh = json.loads((folder / REPORT_FILE).read_text())["summary"]["wh_per_1000_queries"]
    mine = row("org/<b>model", wh, run_id="org_model_Off")
    away = row("org/away", wh, run_id="../../night/individual_runs/org_model_Off")
    endless = row("org/endless", wh, run_id="x" * 5000)
    write_results(tmp_path / "night", [*ROWS, mine, away, endless])
    return folder


def test_a_run_has_a_page_of_evidence_in_which_nothing_runs(measured, tmp_path):
    (measured / "power_trace.svg").write_text("<svg onload='alert(1)'></svg>")
    site = tmp_path / "site"
    page = page_of(built(site, tmp_path / "night"))
    assert [path.name for path in (site / "runs").iterdir()] == ["org_model_Off.html"]
    columns = json.loads(page.inside["script", "columns"])
    rows = json.loads(page.inside["script", "data"])["views"][0]["tables"][1]["rows"]
    links = {values[columns.index("model")]: values[columns.index("evidence")] for values in rows}
    assert {model for model, link in links.items() if link} == {"org/<b>model"}
    text = (site / links["org/<b>model"]).read_text()
    evidence = Page(text)
    assert "script" not in {tag for tag, _ in evidence.tags} and "<b>" not in text
    (picture,) = [given for tag, given in evidence.tags if tag == "img"]
    assert picture["src"].startswith("data:image/svg+xml;base64,")
    assert "NVIDIA H100" in text and "Valid." in text and "../index.html" in text


def test_a_row_that_its_report_does_not_bear_out_has_no_page_and_is_named(measured, tmp_path):
    report = json.loads((measured / REPORT_FILE).read_text())
    report["summary"]["wh_per_1000_queries"] *= 1.01
    (measured / REPORT_FILE).write_text(json.dumps(report))
    done = scoring("leaderboard", tmp_path / "night", "--out", tmp_path / "site")
    assert done.returncode == 0
    assert "org_model_Off: its report does not bear out its row" in done.stderr
    assert not list((tmp_path / "site" / "runs").iterdir())
