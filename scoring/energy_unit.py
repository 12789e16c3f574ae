"""Whether two figures of one energy are of one unit: kWh that were called Wh lie 1,000 apart."""

from decimal import Decimal
from typing import Final

from scoring.figures import figure

WH_PER_KWH: Final = 1000
ALIKE: Final = (Decimal(1) / 500, Decimal(500))
FAR_APART: Final = (Decimal(1) / 2000, Decimal(2000))
"""Times: two figures of one energy that lie between these limits are not of one unit."""


def contradiction(
    wh_per_1000_queries: Decimal, gpu_energy_wh: Decimal | None, samples: Decimal | None
) -> str:
    """What speaks against the figures of a row; empty where nothing does, or one is not known.

    `wh_per_1000_queries` is above 0; `gpu_energy_wh` is of so many `samples`.
    """
    if not gpu_energy_wh or gpu_energy_wh < 0 or not samples or samples < 0:
        return ""
    scaled = gpu_energy_wh * 1000 / samples
    ratio = scaled / wh_per_1000_queries
    if ALIKE[0] <= ratio <= ALIKE[1] or not FAR_APART[0] < ratio < FAR_APART[1]:
        return ""
    return (
        "its wh_per_1000_queries and its gpu_energy_wh lie a factor of 1,000 apart"
        f" ({figure(float(wh_per_1000_queries))} against {figure(float(scaled))} Wh per 1,000"
        " queries): one of the two is in kWh"
    )
