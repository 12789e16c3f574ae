"""Labels as they are drawn: against pictures that were looked at, and by what they say."""

import io
import itertools
import re
import xml.etree.ElementTree as ET
from decimal import Decimal

import pytest
from fontTools.ttLib import TTFont
from PIL import Image, ImageChops, ImageStat

from scoring.figures import plain
from scoring.label import words
from scoring.label.drawing import draw
from scoring.label.files import LONGEST_STEM, stems
from scoring.label.picture import draw_picture
from scoring.label.spare_fonts import Spares, spares_for
from scoring.label.typeface import FILES
from tests.support.labels import GOLDEN, NAMES, facts, picture

SVG = "{http://www.w3.org/2000/svg}"
# The mean over all pixels, of 255: another processor may round the edges of letters otherwise.
# One other letter is 0.04, one other star 0.13.
MEAN_DIFFERENCE = 0.02


def opened(content):
    return Image.open(io.BytesIO(content)).convert("RGBA")


def difference(one, other):
    assert one.size == other.size
    return sum(ImageStat.Stat(ImageChops.difference(one, other)).mean) / 4


def texts(svg):
    return {one.get("class"): one.text for one in ET.fromstring(svg).iter(f"{SVG}text")}


# ------------------------------------------------------------------ pictures


@pytest.mark.parametrize("name", NAMES)
def test_a_label_looks_like_the_picture_that_was_approved(name):
    assert difference(opened(picture(name)), Image.open(GOLDEN / f"{name}.png")) < MEAN_DIFFERENCE


def test_the_tolerance_tells_one_label_from_another():
    approved = [Image.open(GOLDEN / f"{name}.png") for name in NAMES]
    for one, other in itertools.combinations(approved, 2):
        assert difference(one, other) > 2 * MEAN_DIFFERENCE
    for changes in ({"model": "openai/gpt3"}, {"stars": 3}, {"wh_per_1000_queries": "2.381"}):
        svg = draw(facts(**NAMES["short"] | changes))
        changed = opened(draw_picture(svg, 1, Spares()))
        assert difference(approved[0], changed) > 2 * MEAN_DIFFERENCE


def test_the_card_is_where_the_specification_has_it():
    drawn = opened(draw_picture(draw(facts(stars=4)), 2, Spares()))
    assert drawn.size == (520, 728)
    assert drawn.getpixel((0, 0))[3] == 0
    colours = {
        (40, 88): (0x31, 0x31, 0x31),  # the header's last line
        (40, 92): (0xFF, 0xFF, 0xFF),
        (0, 400): (0x31, 0x31, 0x31),  # the border
        (40, 429): (0xEF, 0xEF, 0xEF),  # the two separators
        (40, 545): (0xEF, 0xEF, 0xEF),
        (308, 586): (0x3F, 0xA4, 0x5B),  # the first star, the fourth, and the fifth
        (428, 586): (0x3F, 0xA4, 0x5B),
        (468, 586): (0xEF, 0xEF, 0xEF),
        (40, 664): (0x31, 0x31, 0x31),  # the button
    }
    assert {place: drawn.getpixel(place)[:3] for place in colours} == colours


@pytest.mark.parametrize("model", ["W" * 300, "i" * 300, "org/" + "Wide-Name_" * 20])
def test_nothing_is_drawn_in_the_margins(model):
    drawn = opened(draw_picture(draw(facts(model=model, gpu_name="G" * 99)), 1, Spares()))
    for left, right in ((1, 15), (246, 259)):
        assert drawn.crop((left, 46, right, 213)).convert("RGB").getextrema() == ((255, 255),) * 3


def test_a_character_of_no_font_is_a_box_and_never_nothing(tmp_path):
    svg = draw(facts(model="千"))
    spares = spares_for(svg, [tmp_path])
    assert spares == Spares((), frozenset("千"))
    ink = opened(draw_picture(svg, 1, spares)).crop((16, 76, 244, 100)).convert("L")
    assert ink.getextrema()[0] < 100


def font_of_one_character(path, character):
    """A font that has nothing else, and draws an H for it."""
    with TTFont(FILES["Regular"]) as font:
        for table in font["cmap"].tables:
            table.cmap = {ord(character): "H"}
        for name in font["name"].names:
            name.string = "Spare"
        font.save(path)


def test_a_font_of_the_machine_draws_what_inter_lacks(tmp_path):
    (tmp_path / "broken.ttf").write_bytes(b"no font")
    font_of_one_character(tmp_path / "spare.ttf", "千")
    spares = spares_for(draw(facts(model="千万")), [tmp_path])
    assert spares == Spares((tmp_path / "spare.ttf",), frozenset("万"))
    for model, has_changed in (("千", True), ("万", False)):
        svg = draw(facts(model=model))
        box, drawn = (opened(draw_picture(svg, 1, one)) for one in (Spares(), spares))
        assert (difference(box, drawn) > MEAN_DIFFERENCE) == has_changed
    assert spares_for(draw(facts()), [tmp_path]) == Spares()


# ------------------------------------------------------------------ texts


def test_a_label_says_what_it_is_of():
    said = texts(draw(facts(model="meta-llama/Llama-3.3-70B", state="On", reasoning=True)))
    assert said["month"] == "February 2025"
    assert said["task"] == "Text Generation, Reasoning"
    assert said["hardware"] == "NVIDIA H100-80GB"
    assert said["energy"] == "2.37 Wh"
    assert said["small-print"] == "Class A · reasoning On · edition 2025-02"
    assert "watermark" not in said
    assert "note" not in said


def test_markup_in_a_name_is_text():
    model = NAMES["markup"]["model"]
    svg = draw(facts(model=model))
    root = ET.fromstring(svg)
    assert root.find(f"{SVG}title").text == model
    assert model in root.get("aria-label")
    assert root.get("role") == "img"
    assert not list(root.iter(f"{SVG}script"))
    assert "<script" not in svg
    (link,) = root.iter(f"{SVG}a")
    assert link.get("href") == "https://tiny.cc/AIEnergy"


@pytest.mark.parametrize("model", ["a\x00b", "a\x1bb", "a\u202eb", "a\ufffeb", "a]]>b", "a\nb"])
def test_no_character_of_a_name_breaks_the_file(model):
    assert ET.fromstring(draw(facts(model=model))).tag == f"{SVG}svg"


@pytest.mark.parametrize(
    ("wh", "shown"),
    [
        ("2.37", "2.37"),
        ("2.375000001", "2.38"),
        ("0.1", "0.10"),
        ("0.0996", "0.0996"),
        ("0.0049", "0.00490"),
        ("0.000000001234", "1.23e-9"),
        ("12345.678", "12345.68"),
        ("1" + 20 * "0", "1.00e+20"),
    ],
)
def test_an_energy_is_never_shown_as_nothing(wh, shown):
    assert words.energy(facts(wh_per_1000_queries=wh)) == f"{shown} Wh"


def test_no_digit_of_an_energy_is_left_out():
    for exponent in range(-29, 30):
        of = facts(wh_per_1000_queries=plain(Decimal(f"9.995e{exponent}")))
        assert texts(draw(of))["energy"] == words.energy(of)


@pytest.mark.parametrize(
    ("name", "count", "shown"),
    [
        ("NVIDIA H100 80GB HBM3", "1", "NVIDIA H100-80GB"),
        ("NVIDIA H100 80GB HBM3", "8", "8 × NVIDIA H100-80GB"),
        ("NVIDIA A100-SXM4-80GB", "", "NVIDIA A100-SXM4-80GB"),
        ("SIMULATED GPU 0", "1", "SIMULATED GPU 0"),
        ("", "8", "not known"),
    ],
)
def test_hardware_is_told_and_never_invented(name, count, shown):
    assert words.hardware(facts(gpu_name=name, gpu_count=count)) == shown


# ------------------------------------------------------------------ names of files


def test_names_of_files_are_safe_bounded_and_of_one_row_each():
    models = ["a/b", "a_b", "A/B", "../../etc/passwd", "x" * 300, "x" * 299, "千/万", "千/億", "."]
    found = stems([facts(model=model) for model in models] + [facts(model="a/b")])
    assert len({name.casefold() for name in found}) == len(found)
    for name in found:
        assert len(name) <= LONGEST_STEM + 12
        assert re.fullmatch(r"[A-Za-z0-9._-]+", name)
        assert name[0] not in ".-"
    assert found[0].startswith("a_b_text_gen_")
    assert stems([facts(model="a/b", stars=1)]) == found[:1]
    assert "_rehearsal_" in stems([facts(rehearsal=True)])[0]
