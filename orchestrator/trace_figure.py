"""The picture of a power trace: watts over time, phases shaded, temperature and clock below.

Colours are told apart by the colour-blind too: GPUs in the palette of Okabe and Ito, phases in
tints of different brightness that also carry their names.
"""

import io
import logging
import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from orchestrator.trace_columns import KINDS, Column, TraceColumns

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.typing import LineStyleType

ImageFormat = Literal["svg", "png"]

SIZE_INCHES = (11.0, 6.2)
PNG_DOTS_PER_INCH = 100
GPU_COLOURS: Final = (
    "#0072B2",
    "#D55E00",
    "#000000",
    "#CC79A7",
    "#009E73",
    "#8A6D00",
    "#56B4E9",
    "#6A3D9A",
)
MOST_GPUS_IN_LEGEND = 8
PHASE_COLOURS: Final = dict(
    zip(
        KINDS,
        (
            "#E8E8E8",
            "#D3C7E4",
            "#F8EFB5",
            "#BFE0F0",
            "#F5BE94",
            "#DDF0DC",
            "#F9D9C3",
            "#F2C7DA",
            "#D6D6C4",
        ),
        strict=True,
    )
)
SLOW_DOWNS: Final = {
    "throttled": ("#B2182B", "throttled"),
    "capped": ("#E08214", "held by the power limit"),
}
# Narrower than this share of the plot, a shade has no room for its name.
NARROWEST_NAMED = 0.055
# A limit far above everything would squeeze the trace to the ground.
FARTHEST_LIMIT = 1.5

SETTINGS: Final[dict[Any, Any]] = {
    "font.family": ["DejaVu Sans"],
    "font.size": 10.0,
    "axes.spines.top": False,
    "axes.linewidth": 0.8,
    "axes.axisbelow": True,
    "grid.color": "#000000",
    "grid.alpha": 0.1,
    "legend.frameon": False,
    # Text of reports is text, whatever dollar signs it has.
    "text.parse_math": False,
    "text.usetex": False,
    "svg.fonttype": "none",
    # Names within the file come from this, so equal traces give equal files.
    "svg.hashsalt": "power_trace",
}


@dataclass(frozen=True)
class Caption:
    title: str
    subtitle: str
    rehearsal: bool


def render(columns: TraceColumns, caption: Caption, image_format: ImageFormat) -> bytes:
    """The picture of a trace of at least one GPU.

    Raises:
        ImportError: matplotlib is not installed.
    """
    # It tells everybody about a home that cannot be written, and about letters it has no shape for.
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    import matplotlib

    stream = io.BytesIO()
    with matplotlib.rc_context(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(SETTINGS)
        figure = _figure(columns, caption)
        metadata = {"Date": None, "Creator": None} if image_format == "svg" else {"Software": None}
        figure.savefig(stream, format=image_format, dpi=PNG_DOTS_PER_INCH, metadata=metadata)
    return stream.getvalue()


def _figure(columns: TraceColumns, caption: Caption) -> "Figure":
    # The figure without pyplot, which keeps every picture and looks for a screen.
    from matplotlib.figure import Figure

    figure = Figure(figsize=SIZE_INCHES)
    seconds, unit = _time_unit(columns.end_seconds)
    traces = {gpu: list(columns.of(gpu)) for gpu in columns.gpus}
    conditions = _conditions(traces)
    if conditions:
        axes = list(figure.subplots(2, 1, sharex=True, height_ratios=(3, 1)))
        _draw_conditions(axes[1], traces, conditions, seconds)
    else:
        axes = [figure.subplots()]
    power = axes[0]
    axes[-1].set_xlabel(f"time since the start of the trace ({unit})")
    lines = _draw_power(power, traces, seconds)
    shades = _shade(axes, columns, seconds)
    power.set_xlim(0, max(columns.end_seconds, columns.width_seconds) / seconds)
    figure.subplots_adjust(left=0.075, right=0.925, top=0.885, bottom=0.185, hspace=0.1)
    _write_legend(figure, lines, 0.048)
    _write_legend(figure, shades, 0.012)
    _write_caption(figure, caption)
    return figure


def _time_unit(longest_seconds: float) -> tuple[float, str]:
    """Seconds in the unit of the axis, and its sign."""
    if longest_seconds < 300:
        return 1.0, "s"
    return (60.0, "min") if longest_seconds < 3 * 3600 else (3600.0, "h")


def _draw_power(
    axes: "Axes", traces: dict[int, list[Column | None]], seconds: float
) -> list["Artist"]:
    handles: list[Artist] = []
    averaged = False
    for number, (gpu, trace) in enumerate(traces.items()):
        colour = GPU_COLOURS[number % len(GPU_COLOURS)]
        times = _values(trace, "seconds", seconds)
        lowest = [column.lowest_watts if column else math.nan for column in trace]
        highest = [column.highest_watts if column else math.nan for column in trace]
        axes.fill_between(times, lowest, highest, color=colour, alpha=0.22, linewidth=0)
        (line,) = axes.plot(
            times, _values(trace, "watts"), color=colour, linewidth=1.4, label=f"GPU {gpu}"
        )
        average = _values(trace, "average_watts")
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
        times = _values(trace, "seconds", seconds)
        axes.plot(
            times, limits, color="#444444", linewidth=1, linestyle=":", drawstyle="steps-post"
        )
    top = max([highest, *(max(known) for known in drawn)])
    axes.set_ylim(0, (top or 1.0) * 1.16)
    return [_dashes("power limit", ":")] if drawn else []


def _dashes(label: str, style: "LineStyleType") -> "Artist":
    from matplotlib.lines import Line2D

    return Line2D([], [], color="#444444", linewidth=1, linestyle=style, label=label)


def _shade(axes: Sequence["Axes"], columns: TraceColumns, seconds: float) -> list["Artist"]:
    """Phases behind everything, and a strip along the top where a GPU was slowed down."""
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


def _conditions(traces: dict[int, list[Column | None]]) -> list[tuple[str, str, str]]:
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


def _draw_conditions(
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
                _values(trace, "seconds", seconds),
                _values(trace, name),
                color=GPU_COLOURS[number % len(GPU_COLOURS)],
                linewidth=1.2,
                linestyle=style,
            )
        side.set_ylabel(label, fontsize=9)
        side.margins(y=0.2)


def _values(trace: Sequence[Column | None], name: str, unit: float = 1.0) -> list[float]:
    """The means of one quantity, NaN in gaps."""
    return [getattr(column, name).value / unit if column else math.nan for column in trace]


def _write_legend(figure: "Figure", handles: Sequence["Artist"], height: float) -> None:
    if handles:
        figure.legend(
            handles=handles,
            loc="lower center",
            bbox_to_anchor=(0.5, height),
            ncols=len(handles),
            fontsize=9,
            columnspacing=1.3,
            handlelength=1.6,
            borderpad=0,
        )


def _write_caption(figure: "Figure", caption: Caption) -> None:
    figure.text(0.075, 0.95, caption.title, fontsize=13, fontweight="bold")
    figure.text(0.075, 0.912, caption.subtitle, fontsize=10, color="#333333")
    if caption.rehearsal:
        figure.text(
            0.5,
            0.55,
            "REHEARSAL",
            fontsize=72,
            fontweight="bold",
            color="#000000",
            alpha=0.1,
            rotation=20,
            ha="center",
            va="center",
        )
