"""The note column of a catalog. It is prose for people: it is compared, and never obeyed."""

import re
from typing import Final

FLAGS: Final = ("reasoning", "enable_thinking", "thinking")
LEVEL: Final = "reasoning_effort"
_HEADING: Final = "reasoning_params"
_LINE: Final = re.compile(r"\s*([a-z_]+)\s*[:=]\s*(['\"]?)([A-Za-z]*)\2\s*")
_FLAG_VALUES: Final = {"true": True, "false": False}


def settings_of_note(note: str) -> dict[str, bool | str]:
    """The settings that a note consists of; nothing where a single line of it is something else.

    A note such as `enable_thinking=True`, or the lines of a small YAML text, is no prose.
    """
    settings: dict[str, bool | str] = {}
    for line in filter(str.strip, note.splitlines()):
        found = _LINE.fullmatch(line)
        if found is None:
            return {}
        name, value = found[1], found[3].lower()
        if name in FLAGS and value in _FLAG_VALUES:
            settings[name] = _FLAG_VALUES[value]
        elif name == LEVEL and value:
            settings[name] = value
        elif (name, value) != (_HEADING, ""):
            return {}
    return settings
