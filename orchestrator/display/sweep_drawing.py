"""Draws the picture of a sweep into whatever room a terminal has."""

from typing import TYPE_CHECKING

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from benchmark_core.terminal_text import printable
from orchestrator.sweep_picture.picture import Lane, Setback, SweepPicture
from orchestrator.words import DASH, counted, duration, energy

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult

COLOURS = {"finished": "green", "failed": "red", "interrupted": "magenta"}
LABEL_WIDTH = 8
LONGEST_NAME = 64
SHORTEST_NAME = 12
"""Below which columns are left out."""
WIDEST_BAR = 40
COUNT_WIDTH = 16
MOST_SETBACKS_SHOWN = 3
FEWEST_LANES = 3
"""Lines of runs at work that are worth more than a failure is."""


class SweepDrawing:
    """For rich: as many lines as there are runs at work, and never more than fit."""

    def __init__(self, picture: SweepPicture) -> None:
        self._picture = picture

    def __rich_console__(self, console: "Console", options: "ConsoleOptions") -> "RenderResult":
        height = max(options.size.height - 1, 1)
        lines = lines_of(self._picture, options.max_width, height, options.ascii_only)
        yield Text("\n").join(lines)


def lines_of(picture: SweepPicture, width: int, height: int, ascii_only: bool) -> list[Text]:
    """At most `height` lines of at most `width` columns, the most important ones."""
    footer = [
        _sweep_line(picture, width, ascii_only),
        _queue_line(picture),
        _energy_line(picture),
    ][:height]
    room = height - len(footer)
    setbacks = _setback_lines(picture, width)
    setbacks = setbacks[: max(room - len(picture.lanes) - 1, min(2, room - FEWEST_LANES), 0)]
    lanes = _lane_lines(picture.lanes, width, room - len(setbacks), ascii_only)
    blocks = [block for block in (lanes, setbacks, footer) if block]
    is_roomy = sum(len(block) + 1 for block in blocks) <= height
    lines = [line for block in blocks for line in ([Text(), *block] if is_roomy else block)]
    for line in lines:
        line.truncate(width, overflow="crop" if ascii_only else "ellipsis")
    return lines


# ------------------------------------------------------------------ runs at work


class _Columns:
    """How wide each is; 0 for one that there is no room for."""

    def __init__(self, lanes: tuple[Lane, ...], width: int) -> None:
        gpus = max((len(lane.gpus) for lane in lanes), default=0)
        self.gpus = max(gpus, len("GPU")) if gpus else 0
        self.phase = min(18, max(14, *(cell_len(lane.phase) for lane in lanes), 0))
        self.bar, self.count, self.share, self.watts, self.left = 8, 0, 6, 9, 8
        for column in ("bar", "watts", "gpus", "phase"):
            if width - self._others() >= SHORTEST_NAME:
                break
            setattr(self, column, 0)
        longest = max((cell_len(lane.name) for lane in lanes), default=0)
        wanted = min(max(longest, SHORTEST_NAME), LONGEST_NAME)
        spare = max(width - self._others() - wanted, 0)
        if self.bar and spare > COUNT_WIDTH:
            self.count = COUNT_WIDTH
            spare -= COUNT_WIDTH
        if self.bar:
            self.bar += min(spare, WIDEST_BAR - self.bar)
        self.name = max(1, min(wanted, width - self._others()))

    def _others(self) -> int:
        gaps = 2 * sum(1 for column in (self.gpus, self.phase, self.bar) if column)
        cells = (self.gpus, self.phase, self.bar, self.count, self.share, self.watts, self.left)
        return sum(cells) + gaps


def _lane_lines(lanes: tuple[Lane, ...], width: int, room: int, ascii_only: bool) -> list[Text]:
    """A heading and a line each; where they do not fit, how many more there are."""
    if room <= 0 or not lanes:
        return []
    columns = _Columns(lanes, width)
    heading = [_heading(columns)] if room > 4 else []
    room -= len(heading)
    shown = lanes if len(lanes) <= room else lanes[: room - 1]
    lines = heading + [_lane_line(lane, columns, ascii_only) for lane in shown]
    if len(shown) < len(lanes):
        lines.append(Text(f"and {len(lanes) - len(shown)} more", style="dim"))
    return lines


def _heading(columns: _Columns) -> Text:
    cells = [
        _left("GPU", columns.gpus, 2),
        _left("run", columns.name, 0),
        _left("  phase", columns.phase + 2 if columns.phase else 0, 0),
        _left("  samples", columns.bar + 2 if columns.bar else 0, 0),
        _right("", columns.count),
        _right("", columns.share),
        _right("power", columns.watts),
        _right("left", columns.left),
    ]
    return Text("".join(cells), style="dim")


def _lane_line(lane: Lane, columns: _Columns, ascii_only: bool) -> Text:
    gpus = _left(lane.gpus, columns.gpus, 2)
    if not lane.name:
        return Text.assemble((gpus, "cyan"), ("free", "dim"))
    name = shortened(printable(lane.name), columns.name)
    line = Text.assemble(
        (gpus, "cyan"),
        (set_cell_size(name, columns.name), "bold"),
    )
    if columns.phase:
        line.append(f"  {set_cell_size(printable(lane.phase), columns.phase)}")
    if columns.bar:
        line.append("  ")
        line.append(_bar(lane.done, lane.total, columns.bar, ascii_only))
    line.append(_right(f"{lane.done:,}/{lane.total:,}" if lane.total else "", columns.count))
    line.append(_right(_share(lane.done, lane.total), columns.share))
    line.append(_right(DASH if lane.watts is None else f"{lane.watts:,.0f} W", columns.watts))
    line.append(_right(_brief(lane.left_seconds), columns.left))
    return line


def _left(text: str, width: int, gap: int) -> str:
    return f"{set_cell_size(text, width)}{' ' * gap}" if width else ""


def _right(text: str, width: int) -> str:
    return text.rjust(width) if width else ""


def shortened(name: str, width: int) -> str:
    """A name in its width; its beginning and its end tell runs apart."""
    if cell_len(name) <= width:
        return name
    end = (width - 1) // 2
    return f"{name[: width - 1 - end]}…{name[len(name) - end :]}"


def _share(done: int, total: int) -> str:
    return f"{min(100 * done // total, 100)} %" if total else ""


def _brief(seconds: float | None) -> str:
    return DASH if seconds is None else duration(seconds).replace(" h ", "h").replace(" min", "m")


def _bar(done: int, total: int, width: int, ascii_only: bool) -> Text:
    full, empty = ("#", "-") if ascii_only else ("━", "─")
    filled = min(width, width * done // total) if total else 0
    return Text.assemble((full * filled, "cyan"), (empty * (width - filled), "dim"))


# ------------------------------------------------------------------ the whole


def _sweep_line(picture: SweepPicture, width: int, ascii_only: bool) -> Text:
    done = f"{picture.ended:,} of {counted(picture.total, 'run')}"
    took = duration(picture.elapsed_seconds)
    left = _about(picture.left_seconds, " left") if picture.ended < picture.total else ""
    words = f"{done}, {took} so far{', ' + left if left else ''}"
    line = _label("sweep")
    bar = min(width - LABEL_WIDTH - cell_len(words) - 2, WIDEST_BAR)
    if bar >= 4:
        line.append(_bar(picture.ended, picture.total, bar, ascii_only))
        line.append("  ")
    return line.append(words)


def _queue_line(picture: SweepPicture) -> Text:
    line = _label("queue")
    if not picture.queued:
        return line.append("empty")
    line.append(counted(picture.queued, "run"))
    if about := _about(picture.queue_seconds, ""):
        line.append(f", {about} of work")
    if picture.waiting:
        line.append(f"; {picture.waiting:,} to be tried again")
    return line


def _energy_line(picture: SweepPicture) -> Text:
    line = _label("energy")
    if picture.spent_wh is None:
        return line.append("GPU energy not measured so far", style="dim")
    line.append(energy(picture.spent_wh), style="bold")
    line.append(" of GPU energy spent")
    if picture.watts is not None:
        line.append(f", {picture.watts:,.0f} W now")
    if picture.simulated:
        line.append(" (simulated)", style="magenta")
    return line


def _setback_lines(picture: SweepPicture, width: int) -> list[Text]:
    """How many there were, then the newest ones, each on a line, the newest first."""
    if not picture.setbacks:
        return []
    head = _label("failed")
    head.append(counted(picture.failed, "run"), "red" if picture.failed else "")
    if picture.interrupted:
        head.append(f", {picture.interrupted:,} interrupted", "magenta")
    newest = reversed(picture.setbacks[-MOST_SETBACKS_SHOWN:])
    return [head, *(_setback_line(setback, width) for setback in newest)]


def _setback_line(setback: Setback, width: int) -> Text:
    name = shortened(printable(setback.run_id), max(SHORTEST_NAME, width * 2 // 5))
    return Text.assemble(
        " " * LABEL_WIDTH,
        (name, COLOURS.get(setback.outcome, "red")),
        f": {printable(setback.why)}",
    )


def _about(seconds: float | None, ending: str) -> str:
    return "" if seconds is None else f"about {duration(seconds)}{ending}"


def _label(text: str) -> Text:
    return Text.assemble((text.ljust(LABEL_WIDTH), "dim"))
