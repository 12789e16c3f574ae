"""The figure of a power trace: watts over time, phases shaded, temperature and clock below."""

import io
import logging
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from orchestrator.trace_plot.columns import TraceColumns
from orchestrator.trace_plot.conditions_panel import draw_conditions, known_conditions
from orchestrator.trace_plot.power_panel import draw_power
from orchestrator.trace_plot.shades import draw_shades

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.figure import Figure

ImageFormat = Literal["svg", "png"]

SIZE_INCHES = (11.0, 6.2)
PNG_DOTS_PER_INCH = 100
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
    conditions = known_conditions(traces)
    if conditions:
        axes = list(figure.subplots(2, 1, sharex=True, height_ratios=(3, 1)))
        draw_conditions(axes[1], traces, conditions, seconds)
    else:
        axes = [figure.subplots()]
    power = axes[0]
    axes[-1].set_xlabel(f"time since the start of the trace ({unit})")
    lines = draw_power(power, traces, seconds)
    shades = draw_shades(axes, columns, seconds)
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
