"""JSON of somebody else's, read so that no two programs could disagree about it."""

import json
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from orchestrator.catalog import shown
from orchestrator.errors import Problem, UsageError


class _Refused(ValueError):
    """JSON that programs do not agree about."""


def parse_object(path: Path, text: str) -> dict[str, Any]:
    """The JSON object that `text` is. Fractions are `Decimal`, so their digits are kept.

    Raises:
        UsageError: it is no JSON object, or nested too deep; the message names `path`.
    """
    try:
        found = json.loads(
            text, parse_float=Decimal, parse_constant=_refuse, object_pairs_hook=_without_twins
        )
    except RecursionError as error:
        raise _wrong(path, "is nested too deep for a report", "Name a report file.") from error
    except (ValueError, InvalidOperation) as error:
        what = f"cannot be read as JSON ({_reason(error)})"
        raise _wrong(path, what, "Fetch the file again, or mend it.") from error
    if not isinstance(found, dict):
        raise _wrong(path, "holds no JSON object", "Name a report file.")
    return found


def _refuse(constant: str) -> None:
    raise _Refused(f"{constant} is no number")


def _without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise _Refused(f"{shown(name)} stands there twice")
        found[name] = value
    return found


def _reason(error: Exception) -> str:
    too_long = isinstance(error, ValueError) and "int_max_str_digits" in str(error)
    if isinstance(error, InvalidOperation) or too_long:
        return "a number is too large"
    return str(error)[:200]


def _wrong(path: Path, what: str, remedy: str) -> UsageError:
    return UsageError(Problem(str(path), what, remedy))
