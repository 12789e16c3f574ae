"""The Hugging Face token of the user: where it is found."""

from collections.abc import Mapping
from pathlib import Path

from orchestrator.variables import expanded


def find_token(env: Mapping[str, str], home: Path) -> str | None:
    """The token from HF_TOKEN or the places where a login leaves it.

    `home` is the hub's folder of the user.
    """
    if env.get("HF_TOKEN", "").strip():
        return env["HF_TOKEN"].strip()
    named = env.get("HF_TOKEN_PATH")
    old_place = expanded("HOME", Path(env.get("HOME", "~"), ".huggingface", "token"))
    for path in (Path(named) if named else home / "token", old_place):
        try:
            text = path.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            continue
        if text:
            return text
    return None


def token_stays_here(env: Mapping[str, str], home: Path) -> bool:
    """Whether the token is in a variable alone, which programs elsewhere do not see."""
    files_alone = {name: text for name, text in env.items() if name != "HF_TOKEN"}
    return find_token(env, home) is not None and find_token(files_alone, home) is None
