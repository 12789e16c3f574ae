"""The preflight on screen: a table on a terminal, a line for each finding elsewhere."""

import json
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from benchmark_core.terminal_text import printable
from orchestrator.preflight.examination import Examined
from orchestrator.preflight.finding import Finding, Level

if TYPE_CHECKING:
    from rich.text import Text

STYLES: dict[Level, str] = {"ok": "green", "warning": "yellow", "problem": "bold red"}


def show(examined: Sequence[Examined], as_json: bool) -> None:
    if as_json:
        print(json.dumps(_document(examined), indent=2))
        return
    if sys.stdout.isatty():
        _show_table(examined)
    else:
        for check, finding in _lines(examined):
            print(f"{finding.level}\t{check}\t{_said(finding)}")
    print(_summary(examined))


def _show_table(examined: Sequence[Examined]) -> None:
    from rich.table import Table
    from rich.text import Text

    from orchestrator.display.console import PlainSpokenConsole

    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    last = ""
    for check, finding in _lines(examined):
        level = Text(finding.level, style=STYLES[finding.level])
        table.add_row("" if check == last else check, level, _told(finding))
        last = check
    PlainSpokenConsole().print(table)


def _told(finding: Finding) -> "Text":
    """With the remedy on a line of its own."""
    from rich.text import Text

    if finding.level == "ok":
        return Text(printable(finding.what))
    place = f"{finding.where}: " if finding.where else ""
    text = Text(printable(f"{place}{finding.what}."))
    return text.append(f"\n{printable(finding.remedy)}", style="dim")


def _lines(examined: Sequence[Examined]) -> Iterator[tuple[str, Finding]]:
    return ((one.check, finding) for one in examined for finding in one.findings)


def _said(finding: Finding) -> str:
    return printable(finding.what) if finding.level == "ok" else str(finding.problem)


def _counts(examined: Sequence[Examined]) -> dict[str, int]:
    levels = [finding.level for _, finding in _lines(examined)]
    return {f"{level}s": levels.count(level) for level in ("problem", "warning")}


def _summary(examined: Sequence[Examined]) -> str:
    counts = ", ".join(f"{name}: {count}" for name, count in _counts(examined).items())
    return f"{counts}. Nothing was started."


def _document(examined: Sequence[Examined]) -> dict[str, object]:
    return {
        **_counts(examined),
        "findings": [{"check": check, **vars(finding)} for check, finding in _lines(examined)],
    }
