"""The catalog for people and for machines: a table, or JSON."""

import io
import json
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict

from benchmark_core.terminal_text import flush_or_forget, make_output_unbreakable
from orchestrator.catalog import CONTROL_CHARACTERS, ModelConfig
from orchestrator.errors import Problem

UNLIMITED_WIDTH = 100_000


def catalog_text(configs: Sequence[ModelConfig], as_json: bool) -> str:
    if as_json:
        return json.dumps([config.model_dump() for config in configs], indent=2) + "\n"
    models = len({config.model_id for config in configs})
    return f"{_table(configs)}{_counted(len(configs), 'row')}, {_counted(models, 'model')}\n"


def problems_text(problems: Sequence[Problem], as_json: bool) -> str:
    if as_json:
        return json.dumps([asdict(problem) for problem in problems], indent=2) + "\n"
    lines = [f"warning: {problem}\n" for problem in problems]
    return "".join(lines) or "Nothing doubtful found.\n"


def print_text(text: str) -> None:
    """Writes to standard output; a reader that has seen enough (`| head`) is no error."""
    make_output_unbreakable()
    with suppress(BrokenPipeError):
        sys.stdout.write(text)
    flush_or_forget(sys.stdout)


def _table(configs: Sequence[ModelConfig]) -> str:
    """Fitted to a terminal; elsewhere as wide as its cells, so that no id is cut."""
    import shutil

    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    on_terminal = sys.stdout.isatty()
    width = shutil.get_terminal_size().columns if on_terminal else UNLIMITED_WIDTH
    table = Table(box=box.SIMPLE_HEAD if on_terminal else box.ASCII2)
    for heading in ("Line", "Prio", "Class"):
        table.add_column(heading, justify="right", min_width=len(heading))
    table.add_column("Model", overflow="fold")
    table.add_column("Task", overflow="fold")
    table.add_column("Reasoning", min_width=len("On (Medium)"))
    room = width - _width_without_notes(configs)
    if room >= 20:
        table.add_column("Note", no_wrap=True, overflow="ellipsis", max_width=room)
    for config in configs:
        cells = (
            str(config.line),
            str(config.priority),
            config.model_class or "-",
            config.model_id,
            config.task,
            config.reasoning_state or "-",
            _first_words(config.chat_template),
        )
        # Text, not str: square brackets in a note are no markup.
        table.add_row(*(Text(cell) for cell in cells[: len(table.columns)]))
    page = io.StringIO()
    Console(file=page, force_terminal=on_terminal, width=width).print(table)
    return page.getvalue()


def _width_without_notes(configs: Sequence[ModelConfig]) -> int:
    """Columns of a terminal that the table takes beside the notes when nothing is folded."""
    ids = max((len(config.model_id) for config in configs), default=0)
    tasks = max((len(config.task) for config in configs), default=0)
    borders = 7 * 3 + 1
    return len("Line") + len("Prio") + len("Class") + ids + tasks + len("On (Medium)") + borders


def _first_words(note: str) -> str:
    line = CONTROL_CHARACTERS.sub("?", " ".join(note.split()))
    return line if len(line) <= 60 else f"{line[:57]}..."


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
