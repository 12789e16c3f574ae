"""The leaderboard as people use it: in a real browser, opened as a file."""

import csv
import json
import os
import random
from pathlib import Path

import pytest

from benchmark_core.report.judgement import Verdict
from scoring.figures import figure
from scoring.leaderboard.page import TEMPLATES
from tests.support.boards import EVIL, EXACT, ROWS, THINKS, built, row, scoring, write_results
from tests.support.browser import Watched, running_browser
from tests.support.night import Night

SHOWN_EVIL = EVIL.replace("\u2028", "\ufffd").replace("\u202e", "\ufffd")
TEXTS = "#All%20results/text_gen"


@pytest.fixture(scope="module")
def browser():
    with running_browser() as running:
        yield running


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("board")
    results = write_results(folder / "results")
    first = write_results(folder / "first", ROWS[:3])
    done = scoring("edition", first, "--name", "2026-06", "--scored", "2026-06",
                   "--out", folder / "edition")  # fmt: skip
    assert done.returncode == 0, done.stderr
    return built(folder / "site", results, "--edition", folder / "edition")


@pytest.fixture
def opened(browser, site):
    """The texts of all results; the page must have kept quiet by the end."""
    watched = Watched(browser, f"{site.as_uri()}{TEXTS}", accept_downloads=True)
    yield watched.page
    assert watched.troubles == []
    watched.context.close()


def names(page):
    return [cell.split("\n")[0] for cell in page.locator("#board tbody th").all_inner_texts()]


def chosen(page, name):
    return page.get_by_role("combobox", name=name, exact=True)


def counted(page):
    return page.locator(".dt-info").inner_text()


def download(page, button, tmp_path):
    with page.expect_download() as caught:
        page.get_by_role("button", name=button).click()
    path = tmp_path / caught.value.suggested_filename
    caught.value.save_as(path)
    return path


def test_it_searches_sorts_and_filters_and_says_how_many_are_left(opened):
    assert names(opened)[:3] == ["org/small-1B", "org/middle-3B", "org/slow-3B"]
    opened.get_by_role("searchbox").fill("3b")
    assert names(opened) == ["org/middle-3B", "org/slow-3B"]
    assert counted(opened) == "Models 1 to 2 of 2 (of 8 in all)"
    assert opened.locator(".dt-info").get_attribute("aria-live") == "polite"
    opened.get_by_role("searchbox").fill("&amp;")
    assert names(opened) == [SHOWN_EVIL]
    opened.get_by_role("searchbox").fill("")
    chosen(opened, "Class").select_option("B")
    assert names(opened) == ["org/alone-30B"]
    chosen(opened, "Class").select_option("")
    chosen(opened, "Reasoning").select_option("yes")
    assert names(opened) == ["org/thinker-1B", "org/brooder-1B"]
    chosen(opened, "Stars").select_option("1")
    assert names(opened) == ["org/brooder-1B"]
    chosen(opened, "Reasoning").select_option("")
    chosen(opened, "Stars").select_option("2")
    assert names(opened) == ["org/slow-3B"]
    chosen(opened, "Stars").select_option("")
    heading = opened.get_by_role("columnheader", name="Wh per 1,000 queries", exact=False).first
    assert heading.get_attribute("aria-sort") == "ascending"
    button = heading.get_by_role("button")
    button.focus()
    opened.keyboard.press("Enter")
    heading.and_(opened.locator("[aria-sort=descending]")).wait_for()
    assert names(opened)[:2] == ["org/brooder-1B", "org/thinker-1B"]


def test_what_is_not_known_comes_last_in_either_order(opened):
    heading = opened.get_by_role("columnheader", name="Billion parameters", exact=False).first
    for order, first in (("ascending", "1"), ("descending", "30")):
        heading.click()
        heading.and_(opened.locator(f"[aria-sort={order}]")).wait_for()
        cells = opened.locator("#board tbody tr td:nth-child(8)").all_inner_texts()
        assert (cells[0], cells[-1]) == (first, "–")


def test_rows_say_what_they_are(opened):
    def of(model):
        return opened.locator("#board tbody tr", has_text=model)

    assert of("org/middle-3B").get_by_role("img", name="4 of 5 stars", exact=True).count() == 1
    assert "2.050 ± 0.20" in of("org/middle-3B").inner_text()
    assert "4 to 5 within the intervals" in of("org/middle-3B").inner_text()
    assert "not meaningful" in of("org/alone-30B").inner_text()
    assert "reasoning" in of("org/thinker-1B").inner_text()
    link = of("org/small-1B").get_by_role("link")
    assert link.get_attribute("href") == "https://huggingface.co/org/small-1B"
    assert "noopener" in link.get_attribute("rel")
    assert of("=cmd").get_by_role("link").count() == 0
    star = of("org/small-1B").locator("use.on").first
    assert star.evaluate("node => getComputedStyle(node).fill") == "rgb(63, 164, 91)"
    assert "No two different energies" in opened.locator("#groups").inner_text()
    opened.locator("#left-out-section summary").click()
    assert opened.locator("#left-out tbody tr").all_inner_texts() == ["org/failed Off\tit failed"]


def test_chosen_models_are_compared_in_words_from_their_own_figures(opened):
    for model in ("org/large-7B", "org/middle-3B"):
        opened.get_by_role("checkbox", name=f"Compare {model} Off").check()
    words = opened.locator("#compare").inner_text()
    assert "org/middle-3B Off needs the least of them: 2.050 ± 0.20 Wh" in words
    assert (
        "org/large-7B Off uses 2.9 times as much energy as org/middle-3B Off:"
        " 2.9 times the tokens, about the same energy per token." in words
    )
    opened.get_by_role("checkbox", name="Compare org/small-1B Off").check()
    words = opened.locator("#compare").inner_text()
    assert "org/large-7B Off uses 6 times" in words
    assert "2.9 times the tokens, 2.1 times the energy per token." in words
    opened.get_by_role("button", name="Choose no model").click()
    assert opened.locator("#board input:checked").count() == 0
    opened.get_by_role("link", name="Image generation").click()
    for model in ("org/draws", "org/paints"):
        opened.get_by_role("checkbox", name=f"Compare {model}").check()
    words = opened.locator("#compare").inner_text()
    assert "org/paints uses 2 times as much energy as org/draws. What makes" in words
    assert "the tokens of org/paints and of org/draws are not known" in words


def test_a_page_words_a_ratio_as_python_words_a_figure(browser):
    chance = random.Random(7)
    ratios = [
        0.125,
        0.0001,
        1.15,
        1.25,
        1.35,
        2.5,
        99.49,
        99.5,
        99.6,
        100.5,
        101.5,
        999.5,
        1e6 + 0.5,
    ]
    ratios += [10 ** chance.uniform(-4, 7) for _ in range(2000)]
    ratios += [chance.randint(1, 4000) / 8 for _ in range(500)]
    page = browser.new_page()
    page.add_script_tag(path=TEMPLATES / "ratios.js")
    shown = page.evaluate("ratios => ratios.map(ratioText)", ratios)
    assert shown == [figure(ratio, 2) for ratio in ratios]
    page.close()


def test_what_is_shown_is_downloaded_with_formulas_made_harmless(opened, tmp_path):
    chosen(opened, "Stars").select_option("1")
    path = download(opened, "Download as CSV", tmp_path)
    with path.open(newline="", encoding="utf-8") as stream:
        rows = {row["model"]: row for row in csv.DictReader(stream)}
    assert set(rows) == {f"'{SHOWN_EVIL}", "org/large-7B", "org/brooder-1B"}
    large = rows["org/large-7B"]
    assert (large["wh_per_1000_queries"], large["generated_tokens_per_query"]) == ("6", "29")
    assert (rows["org/brooder-1B"]["reasoning"], large["class"]) == ("yes", "A")
    assert {one["edition"] for one in rows.values()} == {""}
    chosen(opened, "Stars").select_option("2")
    # Digit by digit, as it was rated.
    exact = download(opened, "Download as CSV", tmp_path).read_text()
    assert f",{EXACT}," in exact
    chosen(opened, "Stars").select_option("1")
    opened.get_by_role("searchbox").fill("large")
    document = json.loads(download(opened, "Download as JSON", tmp_path).read_text())
    assert document["unit"] == "Wh of GPU energy per 1,000 queries"
    assert [one["model"] for one in document["rows"]] == ["org/large-7B"]
    opened.get_by_role("searchbox").fill("")
    chosen(opened, "Stars").select_option("")
    chosen(opened, "Edition").select_option(index=0)
    with download(opened, "Download as CSV", tmp_path).open(newline="") as stream:
        assert {one["edition"] for one in csv.DictReader(stream)} == {"2026-06"}


def test_no_text_of_a_row_is_taken_for_markup(browser, tmp_path):
    name = "<img src=x onerror=alert(1)>&amp;"
    rows = [row(name, 1.0, task="asr", model_class="", reasoning_requested="",
                reasoning_effective="", gpu_name=name)]  # fmt: skip
    site = built(tmp_path / "site", write_results(tmp_path / "results", rows))
    watched = Watched(browser, site.as_uri())
    assert watched.page.locator("#board tbody td.text").all_inner_texts() == [name]
    assert names(watched.page) == [name]
    assert watched.page.locator("main img").count() == 0
    assert watched.troubles == []
    watched.context.close()


def test_quality_stands_beside_the_stars_and_in_the_downloads_as_text(browser, tmp_path):
    file, night = tmp_path / "quality.csv", Night(tmp_path / "night")
    evil = "=1+1 <img src=x onerror=alert(1)>&amp;"
    file.write_text(
        f"model,state,MMLU,{evil}\norg/small-1B,,9.50,\norg/middle-3B,Off,10,{evil}\n"
        "org/slow-3B,,-2,-2\norg/slow-3B,On,99,x\norg/nobody,,1,1\norg/<b>run,,7.25,\n"
    )
    night.add("a", 10, wh=12.5)
    wh = json.loads((night.directory.folder("a").path / "benchmark_report.json").read_text())[
        "summary"]["wh_per_1000_queries"]  # fmt: skip
    write_results(tmp_path / "night", [*ROWS, row("org/<b>run", wh, run_id="a")])
    done = scoring("leaderboard", tmp_path / "night", "--quality", file, "--out", tmp_path / "site")
    assert (done.returncode, done.stderr) == (0, "warning: org/nobody has a quality, and no row\n")
    site = tmp_path / "site" / "index.html"
    watched = Watched(browser, f"{site.as_uri()}{TEXTS}", accept_downloads=True)
    page = watched.page
    heads = page.locator("#board thead th").all_inner_texts()
    assert heads[3:7] == ["Stars", "MMLU", evil, "Rated in"]
    heading = page.get_by_role("columnheader", name="MMLU", exact=False).first
    for order, first in (("ascending", "-2"), ("descending", "10")):
        heading.click()
        heading.and_(page.locator(f"[aria-sort={order}]")).wait_for()
        cells = page.locator("#board tbody tr td:nth-child(5)").all_inner_texts()
        assert (cells[0], cells[-1]) == (first, "–")
    page.get_by_role("searchbox").fill("-3b")
    with download(page, "Download as CSV", tmp_path).open(newline="", encoding="utf-8") as stream:
        rows = {one["model"]: one for one in csv.DictReader(stream)}
    assert rows["org/middle-3B"][f"quality: {evil}"] == f"'{evil}"
    assert rows["org/slow-3B"]["quality: MMLU"] == "-2"
    told = json.loads(download(page, "Download as JSON", tmp_path).read_text())["rows"]
    assert [one["quality"]["MMLU"] for one in told if one["model"] == "org/middle-3B"] == ["10"]
    assert watched.violations() == []
    # A task of whose models the file knows none has no such column.
    page.get_by_role("link", name="Image generation").click()
    page.get_by_role("heading", name="Image generation").wait_for()
    assert "MMLU" not in page.locator("#board thead th").all_inner_texts()
    assert watched.troubles == []
    watched.context.close()
    text = (tmp_path / "site" / "runs" / "a.html").read_text()
    assert "7.25" in text and ">MMLU<" in text and "onerror" not in text


def test_charts_have_their_front_as_a_table(opened):
    front = [line.split("\t")[0] for line in opened.locator("#chart tbody tr").all_inner_texts()]
    assert front == ["1. org/small-1B Off", "2. org/middle-3B Off"]
    chosen(opened, "Chart").select_option(label="Class A: energy against parameters")
    front = [line.split("\t")[0] for line in opened.locator("#chart tbody tr").all_inner_texts()]
    assert front == ["1. org/small-1B Off", "2. org/middle-3B Off", "3. org/large-7B Off"]
    opened.locator("#chart .wide [aria-label='4'][aria-roledescription=point]").hover()
    assert "org/large-7B Off: 6.000 ± 0.10 Wh" in opened.locator("#chart .pointed").inner_text()


def test_editions_and_rehearsals_are_apart(opened):
    assert not opened.locator("#watermark").is_visible()
    chosen(opened, "Edition").select_option(label="2026-06 (June 2026)")
    opened.wait_for_function("document.querySelectorAll('#board tbody tr').length === 3")
    assert opened.locator("#left-out-section").is_hidden()
    opened.go_back()
    rehearsals = opened.get_by_role("list", name="Rehearsals")
    rehearsals.get_by_role("link", name="Text generation").click()
    assert names(opened) == ["sim/played"]
    assert opened.locator("#watermark").is_visible()
    assert opened.get_by_role("heading", name="Text generation (rehearsal)").count() == 1
    assert opened.locator("#board tbody a").count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1400])
def test_it_is_for_everybody_on_every_screen(browser, site, scheme, width):
    size = {"width": width, "height": 800}
    watched = Watched(browser, f"{site.as_uri()}{TEXTS}", color_scheme=scheme, viewport=size)
    page = watched.page
    page.get_by_role("checkbox", name="Compare org/small-1B Off").check()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert watched.violations() == []
    chosen(page, "Colours").select_option("light" if scheme == "dark" else "dark")
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (ground == "rgb(255, 255, 255)") == (scheme == "dark")
    assert watched.violations() == []
    assert watched.troubles == []
    watched.context.close()


@pytest.mark.wall_clock
def test_ten_thousand_rows_are_painted_within_two_seconds(browser, tmp_path):
    rows = [row(f"org/model-{n}-{n % 40 + 1}B", 1 + n % 997) for n in range(10_000)]
    page = built(tmp_path / "site", write_results(tmp_path / "results", rows))
    watched = Watched(browser, page.as_uri())
    shown = watched.page.locator("#board tbody tr")
    assert shown.count() == 25
    assert counted(watched.page) == "Models 1 to 25 of 10,000"
    assert watched.page.locator("*").count() < 5000
    painted = "performance.getEntriesByName('first-contentful-paint')[0].startTime"
    assert 0 < watched.page.evaluate(painted) < 2000
    # The first rows are there with it, or soon after on a slow machine.
    loaded = "performance.getEntriesByType('navigation')[0].loadEventEnd"
    assert watched.page.evaluate(loaded) < 4000
    watched.page.get_by_role("searchbox").fill("model-9999-")
    assert names(watched.page) == ["org/model-9999-40B"]
    assert watched.troubles == []
    watched.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_evidence_is_for_everybody_and_leads_back(browser, tmp_path, scheme):
    night = Night(tmp_path / "night")
    reasons = ("throttled", "other_runs_on_host")
    night.add("a", 10, verdict=Verdict(verdict="flagged", reasons=reasons), rehearsal=True)
    folder = night.directory.folder("a").path
    (folder / "power_trace.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    wh = json.loads((folder / "benchmark_report.json").read_text())["summary"][
        "wh_per_1000_queries"
    ]
    write_results(tmp_path / "night", [row("org/model", wh, run_id="a", rehearsal="yes")])
    site = built(tmp_path / "site", tmp_path / "night")
    address = (site.parent / "runs" / "a.html").as_uri()
    size = {"width": 320, "height": 800}
    watched = Watched(browser, address, color_scheme=scheme, viewport=size)
    assert watched.page.evaluate("document.documentElement.scrollWidth") <= 320
    assert watched.violations() == [] and watched.troubles == []
    assert watched.page.locator("li", has_text="other_runs_on_host").is_visible()
    assert watched.page.locator(".watermark").is_visible()
    watched.page.get_by_role("link", name="Leaderboard").click()
    watched.page.get_by_role("link", name="Evidence of org/model Off").click()
    assert watched.page.url == address
    watched.context.close()


def test_a_table_with_all_columns_fits_a_screen(browser, tmp_path):
    night = Night(tmp_path / "night")
    night.add("a", 10, wh=12.5)
    report = night.directory.folder("a").path / "benchmark_report.json"
    wh = json.loads(report.read_text())["summary"]["wh_per_1000_queries"]
    name, spread = "HuggingFaceTB/SmolLM3-3B-Instruct", {"gpu_energy_ci95_wh": "0.5"}
    rows = [row(f"{name}-{n}", wh + n, **(THINKS | spread)) for n in range(5)]
    rows += [row(name, wh, run_id="a", **spread), row("org/other-1B", 9.0)]
    site = built(tmp_path / "site", write_results(tmp_path / "night", rows))
    watched = Watched(browser, site.as_uri(), viewport={"width": 1400, "height": 800})
    frame = watched.page.get_by_role("region", name="Text generation")
    assert frame.get_by_role("columnheader").count() == 10
    assert frame.evaluate("node => node.scrollWidth - node.clientWidth") <= 0
    watched.context.close()


@pytest.mark.skipif(
    "AIES_REFERENCE_DATA" not in os.environ, reason="needs the folder AIES_REFERENCE_DATA"
)
def test_the_published_rows_are_all_there_with_their_stars(browser, tmp_path):
    published = Path(os.environ["AIES_REFERENCE_DATA"]) / "leaderboard_2025-02"
    watched = Watched(browser, built(tmp_path / "site", published).as_uri())
    page, total = watched.page, 0
    tasks = page.locator("#tasks a").all_inner_texts()
    assert len(tasks) == 10
    for task in tasks:
        page.get_by_role("link", name=task, exact=True).click()
        page.get_by_role("heading", name=task, exact=True).wait_for()
        path = download(page, "Download as CSV", tmp_path)
        with path.open(newline="") as stream:
            given = {(one["model"], one["stars"]) for one in csv.DictReader(stream)}
        (file,) = [one for one in published.glob("*.csv") if one.stem in (
            path.stem, path.stem.replace("_gen", "_generation"))]  # fmt: skip
        with file.open(newline="", encoding="utf-8-sig") as stream:
            rows = list(csv.DictReader(stream))
        assert given == {(one["model"], one["energy_score"]) for one in rows}
        total += len(rows)
    assert total == 166
    assert watched.troubles == []
    watched.context.close()
