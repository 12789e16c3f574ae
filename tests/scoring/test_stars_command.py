"""What `stars` shows beside the stars: intervals, quality, other schemes, what looks wrong."""

import json

from tests.scoring.test_ratings import GOOD, stars, table
from tests.support.scoring_command import scoring

SPREAD = {"gpu_energy_wh": "", "gpu_energy_ci95_wh": ""}


def rows(*energies, **more):
    return [
        {"model_name": f"org/m{number}", "wh_per_1000_queries": energy} | more
        for number, energy in enumerate(energies, start=1)
    ]


def test_intervals_say_how_firm_stars_are(tmp_path):
    shown_rows = [row | SPREAD for row in rows("1", "2.05", "6")]
    shown_rows[1] |= {"gpu_energy_wh": "0.205", "gpu_energy_ci95_wh": "0.01"}
    path = table(tmp_path, *shown_rows, columns=[*GOOD, *SPREAD])
    line = next(line for line in stars(path).stdout.splitlines() if "org/m2" in line)
    assert "2.05 ± 0.10" in line
    assert "4 to 5 stars within the intervals; 0.05 Wh less: 5 stars" in line
    (group,) = json.loads(stars(path, "--json").stdout)["groups"]
    first, second, third = group["rows"]
    assert (second["fewest_stars"], second["most_stars"], second["interval_wh"]) == (4, 5, 0.1)
    assert (second["wh_to_more_stars"], second["wh_to_fewer_stars"]) == (0.05, 0.95)
    assert (first["wh_to_more_stars"], third["wh_to_fewer_stars"]) == (None, None)
    assert first["fewest_stars"] is None


def test_intervals_count_by_an_edition_too(tmp_path):
    lines = [row | SPREAD for row in rows("1", "2.05", "6")]
    lines[1] |= {"gpu_energy_wh": "2.05", "gpu_energy_ci95_wh": "0.1"}
    path = table(tmp_path, *lines, columns=[*GOOD, *SPREAD])
    out = tmp_path / "e.json"
    scoring("edition", path, "--name", "e", "--scored", "2026-12", "--out", out)
    # What the results have besides does not move the edges of the edition.
    wide = rows("4000")[0] | {"gpu_energy_wh": "4000", "gpu_energy_ci95_wh": "2000"}
    table(tmp_path, *lines, wide, columns=[*GOOD, *SPREAD])
    (group,) = json.loads(stars(path, "--edition", out, "--json").stdout)["groups"]
    found = [(row["fewest_stars"], row["most_stars"]) for row in group["rows"]]
    assert found == [(None, None), (4, 5), (None, None), (1, 1)]
    shown = stars(path, "--edition", out).stdout
    assert "4 to 5 stars within the intervals; 0.05 Wh less: 5 stars" in shown


def test_quality_stands_beside_the_stars_and_never_in_them(tmp_path):
    path = table(tmp_path, *rows("1", "6"))
    quality = tmp_path / "quality.csv"
    quality.write_text("model,state,\x1b[31mmmlu\norg/m1,,71.3\norg/m2,On,1\norg/m2,Off,88\nx,,3\n")
    shown = stars(path, "--quality", quality)
    assert [line.split()[0] for line in shown.stdout.splitlines() if "mmlu" in line] == [
        *("★★★★★", "★☆☆☆☆")
    ]
    assert "[31mmmlu 71.3" in shown.stdout
    assert "\x1b" not in shown.stdout
    assert "mmlu 88" in shown.stdout
    assert "warning: x has a quality, and no row" in shown.stderr
    for text, message in {
        "name,mmlu\na,1\n": "lacks the column model. Name",
        "model\na\n": "has nothing beside model. Name a CSV",
        "model,mmlu\na,1\na,2\n": "line 3: names a again",
    }.items():
        quality.write_text(text)
        refused = stars(path, "--quality", quality)
        assert refused.returncode == 2
        assert message in refused.stderr


def test_another_scheme_is_used_only_by_its_name_and_says_so(tmp_path):
    path = table(tmp_path, *rows("1", "1.1", "1.2", "1.3", "9"))
    shown = stars(path, "--scheme", "quintiles", "--json").stdout
    (group,) = json.loads(shown)["groups"]
    assert [row["stars"] for row in group["rows"]] == [5, 4, 3, 2, 1]
    assert json.loads(shown)["scheme"] == "quintiles"
    assert "by the scheme quintiles" in stars(path, "--scheme", "quintiles").stdout
    assert "scheme" not in stars(path).stdout


def test_what_looks_wrong_is_said_aloud_and_rated(tmp_path):
    again = table(tmp_path, *rows("2000", "3000"), *rows("2.1"))
    assert "line 4, org/m1: 2.1 Wh is a thousandth of the 2000 Wh" in stars(again).stderr
    assert "org/m1 Off stands in line 2, line 4: each row is rated" in stars(again).stderr
    below = table(tmp_path, *rows("2", "1500", "2500", "4000"))
    assert "line 2, org/m1: 2 Wh is far below all others" in stars(below).stderr
    # The true energy may be the lowest of its group, or the highest.
    lowest = table(tmp_path, *rows("0.114", "122", "123", "133"))
    assert "line 2, org/m1: 0.114 Wh is far below all others" in stars(lowest).stderr
    assert stars(table(tmp_path, *rows("2", "90", "2500"))).stderr == ""
    above = table(tmp_path, *rows("2000", "1", "2.5", "4"))
    assert "line 2, org/m1: 2000 Wh is far above all others" in stars(above).stderr


def test_a_row_that_contradicts_itself_is_not_rated(tmp_path):
    figures = {"gpu_energy_wh": "2.1", "successful_prompts": "1000"}
    path = table(
        tmp_path,
        *rows("0.0021", "2.1", "2100", "4", **figures),
        *rows("0.0021", successful_prompts="1000"),
        columns=[*GOOD, *figures],
    )
    document = json.loads(stars(path, "--json").stdout)
    assert [row["line"] for row in document["groups"][0]["rows"]] == [6, 3, 5]
    assert [(one["line"], one["because"].partition(":")[0]) for one in document["left_out"]] == [
        (line, "its wh_per_1000_queries and its gpu_energy_wh lie a factor of 1,000 apart"
               f" ({energy} against 2.1 Wh per 1,000 queries)")
        for line, energy in ((2, "0.0021"), (4, "2,100"))
    ]  # fmt: skip


def test_numbers_may_have_exponents(tmp_path):
    (group,) = json.loads(stars(table(tmp_path, *rows("1E+0", "6e0")), "--json").stdout)["groups"]
    assert [row["wh_per_1000_queries"] for row in group["rows"]] == [1, 6]
