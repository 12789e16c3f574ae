"""The pages of the documentation, and what their tables say."""

import re
import textwrap
from pathlib import Path

ROOT = Path(__file__).parents[2]
FENCED = re.MULTILINE | re.DOTALL
OF_THE_USER = {"batch_results", "results"}
PAGES = sorted(
    path
    for path in [*ROOT.glob("*.md"), *ROOT.glob("[!.]*/**/*.md")]
    if not OF_THE_USER & set(path.relative_to(ROOT).parts)
)


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def section(page: str, heading: str) -> str:
    """What stands under a heading, up to the next one of any level."""
    return re.split(r"^#+ ", page.split(f"\n## {heading}\n")[1], flags=re.MULTILINE)[0]


def rows(part: str) -> list[list[str]]:
    """The cells of every table line, without headers and rulers."""
    lines = [line for line in part.splitlines() if line.startswith("|")]
    rulers = [number for number, line in enumerate(lines) if re.fullmatch(r"[|\s:-]+", line)]
    unwanted = {*rulers, *(number - 1 for number in rulers)}
    kept = (line for number, line in enumerate(lines) if number not in unwanted)
    return [_cells(line) for line in kept]


def _cells(line: str) -> list[str]:
    """The cells of a table line; a bar within a cell is written with a backslash before it."""
    cells = re.split(r"(?<!\\)\|", line.strip("|"))
    return [cell.strip().replace("\\|", "|") for cell in cells]


def coded(cells: list[str]) -> list[str]:
    """Every `word` in backquotes, outside of blocks."""
    texts = (re.sub(r"^```.*?^```", "", cell, flags=re.MULTILINE | re.DOTALL) for cell in cells)
    return [word for text in texts for word in re.findall(r"`([^`]+)`", text)]


def run_folder_files() -> set[str]:
    """The files of a run folder that the documentation names."""
    table = rows(section(text("docs/results.md"), "A run folder"))
    return {name for cells in table for name in coded(cells[:1]) if not name.endswith("/")}


def shell_blocks(page: Path) -> list[str]:
    """Every block in which a page tells what to type, a command on each line."""
    fences = re.findall(r"^ *```(?:bash|sh)\n(.*?)^ *```", page.read_text(encoding="utf-8"), FENCED)
    return [re.sub(r"\\\n\s*", " ", textwrap.dedent(block)) for block in fences]
