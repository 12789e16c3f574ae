"""Watts over time: a line for each GPU, between its extremes, and the power limits."""

import math
from typing import TYPE_CHECKING

from orchestrator.trace_plot.columns import Column, means
from orchestrator.trace_plot.palette import GPU_COLOURS

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.typing import LineStyleType

MOST_GPUS_IN_LEGEND = 8
# A limit far above everything would squeeze the trace to the ground.
FARTHEST_LIMIT = 1.5


def draw_power(
    axes: "Axes", traces: dict[int, list[Column | None]], seconds: float
) -> list["Artist"]:
    """`seconds` are the unit of time. Answers what belongs into the legend."""
    handles: list[Artist] = []
    averaged = False
    for number, (gpu, trace) in enumerate(traces.items()):
        colour = GPU_COLOURS[number % len(GPU_COLOURS)]
        times = means(trace, "seconds", seconds)
        lowest = [column.lowest_watts if column else math.nan for column in trace]
        highest = [column.highest_watts if column else math.nan for column in trace]
        axes.fill_between(times, lowest, highest, color=colour, alpha=0.22, linewidth=0)
        (line,) = axes.plot(
            times, means(trace, "watts"), color=colour, linewidth=1.4, label=f"GPU {gpu}"
        )
        average = means(trace, "average_watts")
        if not all(map(math.isnan, average)):
            axes.plot(times, average, color=colour, linewidth=0.8, linestyle=(0, (4, 1.5)))
            averaged = True
        if number < MOST_GPUS_IN_LEGEND:
            handles.append(line)
    handles += _draw_limits(axes, traces, seconds)
    if averaged:
        handles.insert(
            min(len(traces), MOST_GPUS_IN_LEGEND), _dashes("the driver's average", (0, (4, 1.5)))
        )
    axes.set_ylabel("power (W)")
    axes.grid(axis="y")
    axes.spines["right"].set_visible(False)
    return handles


def _draw_limits(
    axes: "Axes", traces: dict[int, list[Column | None]], seconds: float
) -> list["Artist"]:
    """The power limits, each course once. Room for names and marks is made above all."""
    highest = max(
        (
            column.highest_watts
            for trace in traces.values()
            for column in trace
            if column and not math.isnan(column.highest_watts)
        ),
        default=1.0,
    )
    drawn: list[list[float]] = []
    for trace in traces.values():
        limits = [column.power_limit_watts if column else math.nan for column in trace]
        known = [limit for limit in limits if not math.isnan(limit)]
        if not known or max(known) > FARTHEST_LIMIT * highest or known in drawn:
            continue
        drawn.append(known)
        times = means(trace, "seconds", seconds)
        axes.plot(
            times, limits, color="#444444", linewidth=1, linestyle=":", drawstyle="steps-post"
        )
    top = max([highest, *(max(known) for known in drawn)])
    axes.set_ylim(0, (top or 1.0) * 1.16)
    return [_dashes("power limit", ":")] if drawn else []


def _dashes(label: str, style: "LineStyleType") -> "Artist":
    from matplotlib.lines import Line2D

    return Line2D([], [], color="#444444", linewidth=1, linestyle=style, label=label)
