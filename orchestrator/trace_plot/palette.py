"""The colours of a trace plot, told apart by the colour-blind too. Data.

GPUs in the palette of Okabe and Ito, phases in tints of different brightness that also carry their
names.
"""

from typing import Final

from orchestrator.trace_plot.columns import KINDS

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
