"""What the GPUs were at: phases as shades, and marks where something slowed a GPU down."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from orchestrator.trace_plot.columns import KINDS, TraceColumns
from orchestrator.trace_plot.palette import PHASE_COLOURS, SLOW_DOWNS

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

# Narrower than this share of the plot, a shade has no room for its name.
NARROWEST_NAMED = 0.055


def draw_shades(axes: Sequence["Axes"], columns: TraceColumns, seconds: float) -> list["Artist"]:
    """Phases behind everything, and a strip along the top where a GPU was slowed down.

    `seconds` are the unit of time. Answers what belongs into the legend.
    """
    from matplotlib.patches import Patch

    widest: dict[str, tuple[float, float]] = {}
    for phase in columns.phases():
        start, end = phase.start / seconds, phase.end / seconds
        for one in axes:
            one.axvspan(start, end, color=PHASE_COLOURS[phase.name], linewidth=0, zorder=0)
        if phase.name not in widest or end - start > widest[phase.name][0]:
            widest[phase.name] = (end - start, (start + end) / 2)
    for kind, (width, middle) in widest.items():
        if width * seconds >= NARROWEST_NAMED * columns.end_seconds:
            _name(axes[0], middle, kind)
    slowed = columns.slow_downs()
    for stretch in slowed:
        colour = SLOW_DOWNS[stretch.name][0]
        axes[0].axvspan(
            stretch.start / seconds, stretch.end / seconds, 0.975, 1, color=colour, linewidth=0
        )
    names = {stretch.name for stretch in slowed}
    return [
        *(Patch(color=PHASE_COLOURS[kind], label=kind) for kind in KINDS if kind in widest),
        *(
            Patch(color=mark[0], label=mark[1])
            for name, mark in SLOW_DOWNS.items()
            if name in names
        ),
    ]


def _name(axes: "Axes", middle: float, kind: str) -> None:
    axes.text(
        middle,
        0.96,
        kind,
        transform=axes.get_xaxis_transform(),
        ha="center",
        va="top",
        fontsize=8.5,
        color="#333333",
    )
