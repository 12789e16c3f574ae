"""The conditions of the GPUs over time: temperature and clock, or what else is known."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from orchestrator.trace_plot.columns import Column, means
from orchestrator.trace_plot.palette import GPU_COLOURS

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def known_conditions(traces: dict[int, list[Column | None]]) -> list[tuple[str, str, str]]:
    """What the lower panel shows, at most two: field, axis label and style of line."""
    known = [
        (name, label)
        for name, label in (
            ("celsius", "temperature (°C)"),
            ("sm_clock_mhz", "SM clock (MHz)"),
            ("utilisation_percent", "utilisation (%)"),
        )
        if any(column and getattr(column, name).count for t in traces.values() for column in t)
    ]
    styles = (("solid", "-"), ("dotted", ":"))
    return [
        (name, f"{label}\n{word}" if len(known) > 1 else label, style)
        for (name, label), (word, style) in zip(known[:2], styles, strict=False)
    ]


def draw_conditions(
    axes: "Axes",
    traces: dict[int, list[Column | None]],
    conditions: Sequence[tuple[str, str, str]],
    seconds: float,
) -> None:
    axes.grid(axis="y")
    sides = [axes, axes.twinx()] if len(conditions) > 1 else [axes]
    if len(sides) == 1:
        axes.spines["right"].set_visible(False)
    for side, (name, label, style) in zip(sides, conditions, strict=True):
        for number, trace in enumerate(traces.values()):
            side.plot(
                means(trace, "seconds", seconds),
                means(trace, name),
                color=GPU_COLOURS[number % len(GPU_COLOURS)],
                linewidth=1.2,
                linestyle=style,
            )
        side.set_ylabel(label, fontsize=9)
        side.margins(y=0.2)
