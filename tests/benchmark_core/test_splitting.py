"""Tokens of an output, told apart into reasoning and answer."""

from itertools import product
from typing import Any

import pytest

from benchmark_core.reasoning.families import BRACKETS, CHANNELS, INNER, MARKERS, THINK, Marker
from benchmark_core.reasoning.splitting import Split, split
from tests.support.chat_templates import tokenizer_with, tokenizer_without_marks, tokens_of

HARMONY = ("<|channel|>", "<|message|>", "<|start|>")


@pytest.fixture(scope="module")
def plain() -> Any:
    """`<think>` and `</think>` are one token each; every other mark is several."""
    return tokenizer_with(None)


@pytest.fixture(scope="module")
def bytewise() -> Any:
    """Every mark is as many tokens as it has letters."""
    return tokenizer_without_marks(None)


@pytest.mark.parametrize(
    ("output", "opened", "expected"),
    [
        (" this is my short reply", False, Split(0, 5)),
        ("<think> we look</think> this is", False, Split(4, 2)),
        ("<think> we look", False, Split(3, 0, ended=False)),
        ("<think></think> this is", False, Split(2, 2)),
        ("</think> this is", False, Split(0, 3)),
        (" we look</think> this is", True, Split(3, 2)),
        (" we look at", True, Split(3, 0, ended=False)),
        ("</think> this is", True, Split(1, 2)),
        (" we</think>", True, Split(2, 0)),
        (" we</think> this</think> is", True, Split(2, 3)),
        # Having opened it in the prompt does not keep a model from opening it once more.
        ("<think> we</think> this", True, Split(3, 1)),
        ("<think> we</think> this<think> is", False, Split(3, 3)),
        (" we<think> look</think> this", False, Split(4, 1)),
        ("<think> we</think><|end|>", False, Split(3, 1)),
        # An end before the beginning ends nothing.
        ("</think> this<think> we</think> is", False, Split(5, 1)),
        ("", False, Split(0, 0)),
        ("", True, Split(0, 0, ended=False)),
    ],
)
def test_marks_of_one_token(plain: Any, output: str, opened: bool, expected: Split) -> None:
    assert split(plain, tokens_of(plain, output), (THINK,), opened) == expected


def test_tags_around_the_answer_count_as_answer(plain: Any) -> None:
    reasoning = tokens_of(plain, "<think> we look</think>")
    answer = tokens_of(plain, "\n<answer> this is</answer>")
    assert split(plain, reasoning + answer, (THINK,), False) == Split(4, len(answer))


def test_channels_as_single_tokens_and_as_text(plain: Any, bytewise: Any) -> None:
    reasoning = (
        "<|channel|>analysis<|message|> we look<|end|><|start|>assistant<|channel|>final<|message|>"
    )
    for tokenizer in (tokenizer_with(None, HARMONY), plain, bytewise):
        thought, answer = tokens_of(tokenizer, reasoning), tokens_of(tokenizer, " this is")
        found = split(tokenizer, thought + answer, (CHANNELS,), False)
        assert found == Split(len(thought), len(answer))
        cut = tokens_of(tokenizer, reasoning.removesuffix("final<|message|>"))
        assert split(tokenizer, cut, (CHANNELS,), False) == Split(len(cut), 0, ended=False)
        direct = tokens_of(tokenizer, "<|channel|>final<|message|> this is")
        assert split(tokenizer, direct, (CHANNELS,), False) == Split(0, len(direct))


@pytest.mark.parametrize("marker", [BRACKETS, INNER, THINK, CHANNELS])
def test_marks_of_many_tokens(bytewise: Any, marker: Marker) -> None:
    whole = f"{marker.begin}hm{marker.end}four"
    ids = tokens_of(bytewise, whole)
    assert len(ids) == len(whole)
    thought = len(whole) - len("four")
    assert split(bytewise, ids, (marker,), False) == Split(thought, 4)
    opened = ids[len(marker.begin) :]
    assert split(bytewise, opened, (marker,), True) == Split(thought - len(marker.begin), 4)
    # One letter short of its end it has not ended.
    short = ids[: thought - 1]
    assert split(bytewise, short, (marker,), False) == Split(len(short), 0, ended=False)
    half = ids[: len(marker.begin) - 1]
    assert split(bytewise, half, (marker,), False) == Split(0, len(half))


@pytest.mark.parametrize("special", [(), ("[THINK]", "[/THINK]")])
def test_bracket_marks(special: tuple[str, ...]) -> None:
    tokenizer = tokenizer_with(None, special)
    thought = tokens_of(tokenizer, "[THINK] we look[/THINK]")
    answer = tokens_of(tokenizer, " this")
    assert len(thought) == 4 or not special
    found = split(tokenizer, thought + answer, (BRACKETS,), False)
    assert found == Split(len(thought), len(answer))


def test_of_all_marks_the_one_that_is_there_counts(plain: Any) -> None:
    for marker in MARKERS:
        thought = tokens_of(plain, f"{marker.begin} we{marker.end}")
        answer = tokens_of(plain, " this is")
        found = split(plain, thought + answer, MARKERS, False)
        assert found == Split(len(thought), len(answer))
    assert split(plain, tokens_of(plain, " this is"), MARKERS, False) == Split(0, 2)


@pytest.mark.parametrize("before", ["猫", "🐈", "ü", "👩‍👩‍👧", "\u0301"])
def test_characters_of_several_tokens_before_the_end(bytewise: Any, before: str) -> None:
    """A prefix that cuts a character decodes to something else, and perhaps longer."""
    for opened in (True, False):
        thought = tokens_of(bytewise, f"{'' if opened else '<think>'}{before}</think>")
        answer = tokens_of(bytewise, f"{before} four")
        found = split(bytewise, thought + answer, (THINK,), opened)
        assert found == Split(len(thought), len(answer))


def test_an_output_that_ends_within_a_character(bytewise: Any) -> None:
    thought = tokens_of(bytewise, "<think>x</think>")
    cut = tokens_of(bytewise, "猫")[:-1]
    assert split(bytewise, thought + cut, (THINK,), False) == Split(len(thought), 2)
    assert split(bytewise, thought[:8] + cut, (THINK,), False) == Split(10, 0, ended=False)


def test_bytes_that_are_no_text_at_all(bytewise: Any) -> None:
    """Models with random weights write such things."""
    broken = [tokens_of(bytewise, "猫")[1]] * 3
    ids = [*broken, *tokens_of(bytewise, "<think>"), *broken, *tokens_of(bytewise, "</think>")]
    assert split(bytewise, ids + broken, (THINK,), False) == Split(len(ids), 3)


PIECES = ("", " we look", "<think>", "</think>", "猫 🐈", "[THINK]", "[/THINK]", "<answer>")


@pytest.mark.parametrize("kind", ["plain", "bytewise"])
@pytest.mark.parametrize("marker", [THINK, BRACKETS])
@pytest.mark.parametrize("opened", [True, False])
def test_the_parts_make_the_whole_and_the_first_ends_with_the_mark(
    kind: str, marker: Marker, opened: bool, request: pytest.FixtureRequest
) -> None:
    tokenizer = request.getfixturevalue(kind)
    for pieces in product(PIECES, repeat=3):
        output = "".join(pieces)
        ids = tokens_of(tokenizer, output)
        found = split(tokenizer, ids, (marker,), opened)
        assert found.reasoning + found.answer == len(ids), output
        thought = tokenizer.decode(ids[: found.reasoning])
        if found.reasoning and found.ended:
            assert thought.endswith(marker.end), output
            assert opened or marker.begin in thought, output
            shorter = tokenizer.decode(ids[: found.reasoning - 1])
            begin = 0 if opened else thought.find(marker.begin) + len(marker.begin)
            assert marker.end not in shorter[begin:], output
        if not found.ended:
            assert found.answer == 0, output
            assert marker.end not in output[output.find(marker.begin) if not opened else 0 :]
