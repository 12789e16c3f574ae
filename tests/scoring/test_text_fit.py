"""Names of any length and script fit on a label: whole, or cut in their middle."""

import random

import pytest

from scoring.label.drawing import INNER, NAME_STEPS
from scoring.label.text_fit import ELLIPSIS, fit
from scoring.label.typeface import inter

BOLD = inter("Bold")


def fitted(name):
    return fit(name, BOLD, INNER, NAME_STEPS)


@pytest.mark.parametrize(
    ("name", "size", "lines"),
    [
        ("openai/gpt2", 16, ("openai/gpt2",)),
        ("meta-llama/Llama-3.3-70B-Instruct", 16, ("meta-llama/", "Llama-3.3-70B-Instruct")),
        ("gpt2", 16, ("gpt2",)),
        ("/", 16, ("/",)),
        # Ideographs stand at either end of a line, and words are not broken while one fits.
        (
            "通义千问大规模语言模型指令微调版本",
            16,
            ("通义千问大规模语言模型指令微", "调版本"),
        ),
    ],
)
def test_a_name_is_broken_where_its_parts_meet(name, size, lines):
    shown = fitted(name)
    assert (shown.size, shown.lines) == (size, lines)


def test_a_name_that_is_too_long_keeps_both_ends():
    shown = fitted("begin-" + "x" * 200 + "-end")
    text = "".join(shown.lines)
    assert (shown.size, len(shown.lines)) == (11, 3)
    assert text.startswith("begin-xxx")
    assert text.endswith("xxx-end")
    assert text.count(ELLIPSIS) == 1


def test_no_name_is_wider_or_longer_than_its_place():
    seed = random.Random(7)
    letters = "abcXYZWMil019/-_. :千義é\N{GRINNING FACE}ש\N{COMBINING ACUTE ACCENT}"
    for length in range(1, 301):
        name = "".join(seed.choices(letters, k=length))
        shown = fitted(name)
        assert 1 <= len(shown.lines) <= 3
        assert all(BOLD.width(line, shown.size) <= INNER for line in shown.lines)
        joined = "".join(shown.lines).replace(" ", "")
        if ELLIPSIS not in joined:
            assert joined == name.replace(" ", "")


def test_inter_is_measured_by_its_own_widths():
    # Kerning apart, "AV" is as wide as its letters; both by the font's table of advances.
    assert BOLD.width("AV", 10) == BOLD.width("A", 10) + BOLD.width("V", 10)
    assert BOLD.width("i", 10) < inter("Bold").width("W", 10) / 3
    assert inter("Regular").width("Label", 12) < BOLD.width("Label", 12)
