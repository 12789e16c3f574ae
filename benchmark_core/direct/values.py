"""Values as users write them, in `key=value` arguments and in config files, and their types.

A word keeps whether it was quoted: `'20'` is a text, 20 a number, and null is no value at all.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LONGEST_TEXT = 500
LONGEST_NUMBER = 9
LONGEST_NAME_BYTES = 255
"""Of one file or folder; also more than any name of the hub has."""
ALL = -1
"""Samples: as many as there are. None would be nobody's wish, which has a default of its own."""


@dataclass(frozen=True)
class Word:
    text: str
    quoted: bool = False


Given = Word | tuple[Word, ...]
Reader = Callable[[Given], Any]
"""Raises Misfit for what is not of its type."""


class Misfit(ValueError):
    """What is wrong with a value, to follow upon it, and what to write instead."""

    def __init__(self, complaint: str, remedy: str) -> None:
        super().__init__(complaint)
        self.complaint = complaint
        self.remedy = remedy


def as_given(text: str) -> Given:
    """A value of the command line: a word, `'a quoted one'`, or a `[list, of, words]`."""
    if len(text) > 1 and text[0] == "[" and text[-1] == "]":
        inside = text[1:-1].strip()
        return tuple(_word(item.strip()) for item in inside.split(",")) if inside else ()
    return _word(text)


def _word(text: str) -> Word:
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
        return Word(text[1:-1].replace(f"\\{text[0]}", text[0]), quoted=True)
    return Word(text)


def is_null(given: Given) -> bool:
    return isinstance(given, Word) and not given.quoted and given.text.lower() == "null"


def plain(given: Given) -> object:
    """The value by its looks alone."""
    if isinstance(given, tuple):
        return tuple(plain(word) for word in given)
    text = given.text
    if given.quoted:
        return text
    if text.lower() in ("null", "true", "false"):
        return {"null": None, "true": True, "false": False}[text.lower()]
    if re.fullmatch(rf"[+-]?[0-9]{{1,{LONGEST_NUMBER}}}", text):
        return int(text)
    return text


def read_text(given: Given) -> str:
    word = _single(given, "Write one text.")
    if not word.text.strip():
        raise Misfit("is empty", "Write a text, or leave the key out.")
    if len(word.text) > LONGEST_TEXT or not word.text.isprintable():
        raise Misfit(
            f"is longer than {LONGEST_TEXT} characters, or has some that cannot be shown",
            "Write a short text.",
        )
    return word.text


def read_name(given: Given) -> str:
    """A model of the hub or a folder: what can be either."""
    text = read_text(given)
    if any(len(part.encode()) > LONGEST_NAME_BYTES for part in text.split("/")):
        what = f"has a part of more than {LONGEST_NAME_BYTES} bytes, as no file or model is called"
        raise Misfit(what, "Write its name.")
    return text


def read_path(given: Given) -> Path:
    return expanded(Path(read_name(given)))


def expanded(path: Path) -> Path:
    """With the home folder that a tilde stands for. Raises Misfit: there is no such user."""
    try:
        return path.expanduser()
    except RuntimeError:
        what = "begins with the home folder of a user who is not known here"
        raise Misfit(what, "Write the whole path.") from None


def read_truth(given: Given) -> bool:
    found = plain(given)
    if not isinstance(found, bool):
        raise Misfit("is neither true nor false", "Write True or False.")
    return found


def read_positive(given: Given) -> int:
    found = plain(given)
    if isinstance(found, bool) or not isinstance(found, int) or found < 1:
        raise Misfit("is not a whole number of at least 1", "Write one.")
    return found


def read_count(given: Given) -> int:
    """How many, or `ALL`."""
    return ALL if plain(given) == ALL else _count(given)


def _count(given: Given) -> int:
    try:
        return read_positive(given)
    except Misfit:
        what = "is not a whole number of at least 1"
        raise Misfit(what, "Write one, or -1 for all there are.") from None


def choice(*known: str, word: str = "is not known") -> Reader:
    """A reader of one of these words."""

    def read(given: Given) -> str:
        found = given.text if isinstance(given, Word) else None
        if found not in known:
            raise Misfit(word, f"Write one of: {', '.join(known)}.")
        return found

    return read


def read_devices(given: Given) -> tuple[str, ...]:
    """Numbers or UUIDs of GPUs, as a list or with commas between them."""
    words: Sequence[str]
    words = given.text.split(",") if isinstance(given, Word) else [word.text for word in given]
    names = tuple(word.strip() for word in words)
    form = re.compile(rf"[0-9]{{1,{LONGEST_NUMBER}}}|(GPU|MIG)-[0-9A-Za-z/-]{{1,80}}")
    if not names or not all(form.fullmatch(name) for name in names):
        raise Misfit("names no GPUs", "Write numbers or UUIDs: 0, [0,1] or GPU-....")
    if len({name.lstrip("0") or "0" for name in names}) < len(names):
        raise Misfit("names a GPU twice", "Name each once.")
    return names


def _single(given: Given, remedy: str) -> Word:
    if isinstance(given, tuple):
        raise Misfit("is a list", f"{remedy} Within quotes it may begin with a bracket.")
    return given
