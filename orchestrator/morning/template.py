"""The template of the page: every value is escaped, bounded and printable, whoever wrote it."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from benchmark_core.terminal_text import printable
from orchestrator.words import counted, duration

if TYPE_CHECKING:
    from markupsafe import Markup

    from orchestrator.morning_report import Page

TEMPLATE = Path(__file__).with_name("page.html")
LONGEST_VALUE = 20_000
EMPTY = "–"


def render(page: "Page") -> str:
    """The page as HTML. Raises ImportError where the template library is missing."""
    from jinja2 import Environment, StrictUndefined

    environment = Environment(
        autoescape=True,
        finalize=_shown,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "figure": figure,
        "energy": energy,
        "mass": mass,
        "duration": duration,
        "clock": clock,
        "zone": zone,
        "coded": coded,
        "words": words,
        "counted": counted,
        "percent": lambda share: f"{100 * share:.0f} %",
    }
    environment.globals |= {"as_duration": duration, "as_figure": figure}
    return environment.from_string(TEMPLATE.read_text(encoding="utf-8")).render(page=page)


def figure(value: float | None, digits: int = 3) -> str | None:
    """So many significant digits, zeros included; all before the point are always there."""
    if value is None:
        return None
    if abs(value) >= 10**digits:
        return f"{value:,.0f}"
    return f"{value:#.{digits}g}".rstrip(".")


def energy(wh: float | None) -> str | None:
    return _scaled(wh, "Wh")


def mass(grams: float | None) -> str | None:
    return _scaled(grams, "g")


def _scaled(value: float | None, unit: str) -> str | None:
    """From 10,000 on in thousands."""
    if value is None:
        return None
    return f"{figure(value)} {unit}" if value < 10_000 else f"{figure(value / 1000)} k{unit}"


def clock(moment: datetime) -> str:
    """In the local time of the machine that writes the page."""
    return f"{moment.astimezone():%Y-%m-%d %H:%M}"


def zone(moment: datetime) -> str:
    """`UTC+02:00`; the offset that holds at that moment."""
    offset = moment.astimezone().strftime("%z")
    return f"UTC{offset[:3]}:{offset[3:5]}" if offset.strip("+-0") else "UTC"


def coded(text: str) -> "Markup":
    """A text whose `words` in backquotes are code."""
    from markupsafe import Markup

    parts = printable(text).split("`")
    forms = ("{}", "<code>{}</code>")
    return Markup("").join(Markup(forms[n % 2]).format(part) for n, part in enumerate(parts))


def words(command: str) -> "Markup":
    """A command whose words are not broken at their hyphens."""
    from markupsafe import Markup

    return Markup(" ").join(
        Markup("<span>{}</span>").format(word) for word in printable(command).split(" ")
    )


def _shown(value: object) -> object:
    """Of what the template prints. None is shown as not measured."""
    from markupsafe import Markup

    if isinstance(value, Markup):
        return value
    if value is None or value == "":
        return EMPTY
    return printable(str(value))[:LONGEST_VALUE]
