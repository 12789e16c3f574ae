"""The templates of the site: every value escaped, and nothing that a page may load from elsewhere.

Scripts and styles stand in the pages. The rule in each head (Content-Security-Policy) allows them
by their SHA-256, so that nothing else is run, whatever got into a table.
"""

import base64
import hashlib
import re
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from benchmark_core import VERSION
from benchmark_core.report.spread import Spread
from benchmark_core.terminal_text import printable
from scoring.figures import TABLE_DIGITS, figure, with_interval
from scoring.leaderboard.board_data import COLUMNS, BoardData
from scoring.leaderboard.evidence import Evidence
from scoring.words import PUBLISHED_LEADERBOARD, task_words

if TYPE_CHECKING:
    from jinja2 import Environment

GENERATOR: Final = "AI Energy Score leaderboard"
TEMPLATES: Final = Path(__file__).parent / "templates"
SCRIPTS: Final = ("ratios.js", "cells.js", "download.js", "compare.js", "chart.js", "board.js")
LONGEST_VALUE: Final = 2000
EMPTY: Final = "–"


def render_board(data: BoardData) -> str:
    """Raises ImportError where a library is missing."""
    script, style = _board_script(), _library("dt_bundle.css") + _template("site.css")
    return (
        _environment()
        .get_template("board.html")
        .render(
            document=data.document,
            pictures=data.pictures,
            columns=COLUMNS,
            script=script,
            style=style,
            policy=_policy(style, script),
        )
    )


def render_evidence(evidence: Evidence, back: str) -> str:
    """`back` is the address of the board from there."""
    style = _template("site.css")
    return (
        _environment()
        .get_template("evidence.html")
        .render(one=evidence, back=back, style=style, policy=_policy(style))
    )


@lru_cache(maxsize=1)
def _environment() -> "Environment":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        finalize=_shown,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.policies["json.dumps_kwargs"] = {
        "separators": (",", ":"),
        "allow_nan": False,
    }
    environment.filters |= {
        "figure": _figure,
        "counted": _counted,
        "spread": _spread,
        "moment": _moment,
        "task": lambda task: task_words(task).capitalize(),
    }
    environment.globals |= {
        "generator": GENERATOR,
        "version": VERSION,
        "leaderboard": PUBLISHED_LEADERBOARD,
    }
    return environment


def _figure(value: float | None, digits: int = TABLE_DIGITS) -> str | None:
    return None if value is None else figure(value, digits)


def _counted(number: int | None) -> str | None:
    return None if number is None else f"{number:,}"


def _spread(spread: Spread) -> str:
    return with_interval(spread.mean, spread.ci95)


def _moment(text: str | None) -> str | None:
    """To the second, in UTC; what is no time with a zone stays as it stands."""
    try:
        told = datetime.fromisoformat(text or "")
        return f"{told.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC" if told.tzinfo else text
    except (ValueError, OverflowError):
        return text


def _shown(value: object) -> object:
    """Of what a template prints. None is shown as not measured."""
    from markupsafe import Markup

    if isinstance(value, Markup):
        return value
    if value is None or value == "":
        return EMPTY
    return printable(str(value))[:LONGEST_VALUE]


@lru_cache(maxsize=1)
def _board_script() -> str:
    """DataTables and what we do with it, as one module."""
    bundle = _library("dt_bundle.js")
    exported = re.search(r"export\s*\{[^}]*?([\w$]+) as default\b[^}]*\}", bundle)
    if exported is None:
        raise ImportError("itables has no DataTables that it exports")
    ours = "\n".join(_template(name) for name in SCRIPTS)
    # A browser would take these for the beginning of markup.
    library = bundle.replace("<!--", r"\x3C!--").replace("<script", r"\x3Cscript")
    return f"{library}\n{{\nconst DataTable = {exported[1]};\n{ours}}}\n"


def _library(name: str) -> str:
    """A file of DataTables, as the package itables carries it."""
    import itables

    path = Path(itables.__file__).parent / "html" / name
    return path.read_text(encoding="utf-8").replace("\r\n", "\n")


def _template(name: str) -> str:
    return (TEMPLATES / name).read_text(encoding="utf-8")


def _policy(style: str, script: str = "") -> str:
    rules: dict[str, Any] = {
        "default-src": "'none'",
        "style-src": _digest(style),
        "img-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    if script:
        rules["script-src"] = _digest(script)
    return "; ".join(f"{name} {value}" for name, value in rules.items())


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
