"""What the environment and the `.env` file say, read strictly. No variable has its name here."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from orchestrator.errors import Problem, UsageError

Word = TypeVar("Word", bound=str)


def env_file(asked: str | None) -> dict[str, str]:
    path = Path(asked or ".env")
    if not path.is_file():
        if asked:
            raise UsageError(
                Problem(f"--env-file {asked}", "there is no such file", "Name an existing file.")
            )
        return {}
    from dotenv import dotenv_values

    try:
        values = dotenv_values(path, interpolate=False)
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            Problem(
                str(path),
                f"cannot be read ({error.__class__.__name__})",
                "Make it a readable UTF-8 file of NAME=value lines.",
            )
        ) from error
    return {name: value for name, value in values.items() if value is not None}


def truth(env: Mapping[str, str], name: str, default: bool) -> bool:
    text = env.get(name, "").strip().lower()
    if text in ("", None):
        return default
    if text in ("1", "true", "yes", "on"):
        return True
    if text in ("0", "false", "no", "off"):
        return False
    raise UsageError(
        Problem(
            f"environment variable {name}",
            f"{text[:40]!r} is neither true nor false",
            "Set it to true or false.",
        )
    )


def one_of(env: Mapping[str, str], name: str, known: Sequence[Word]) -> Word | None:
    text = env.get(name, "").strip()
    for word in known:
        if word == text:
            return word
    if text:
        raise UsageError(
            Problem(
                f"environment variable {name}",
                f"{text[:40]!r} is not known",
                f"Use one of {', '.join(known)}.",
            )
        )
    return None


def expanded(variable: str, path: str | Path) -> Path:
    """Raises UsageError where it begins with `~` and the name of nobody."""
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise UsageError(
            Problem(
                f"environment variable {variable}",
                f"{str(path)[:200]!r} begins with the home of a user who is not known here",
                "Write the whole path.",
            )
        ) from error
