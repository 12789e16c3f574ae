"""Energy to CO2 by average grid factors, without PUE. Pure: the host validates regions with it."""

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from benchmark_core.contract import DeviceSpec
from benchmark_core.faults import SpecFault
from benchmark_core.report.carbon import Carbon
from benchmark_core.report.spread import mean
from benchmark_core.report.summary import Summary

WORLD = "WORLD"
FACTORS_FILE = Path(__file__).parent / "data" / "grid_factors.csv"


@dataclass(frozen=True)
class GridFactor:
    """The average carbon intensity of one grid. `region` is an ISO 3166 alpha-3 code or WORLD."""

    region: str
    name: str
    g_per_kwh: float
    source: str
    year: int


def regions() -> tuple[str, ...]:
    """Every region with a factor, the world average first."""
    return tuple(_factors())


def grid_factor(region: str) -> GridFactor:
    """The factor of `region`.

    Raises:
        SpecFault: there is none for it.
    """
    try:
        return _factors()[region]
    except KeyError:
        raise SpecFault(
            f"there is no grid factor for region {region!r}",
            f"Choose one of {', '.join(regions())}.",
        ) from None


def of_run(summary: Summary, device: DeviceSpec | None, region: str) -> Carbon | None:
    """The CO2 of one repetition on average. Without a `device` nobody knows what computed, and a
    GPU may have. Raises as `emissions`."""
    return emissions(
        mean(summary.gpu_energy_wh),
        mean(summary.cpu_energy_wh),
        mean(summary.ram_energy_wh),
        region,
        gpu_used=device is None or device.kind != "cpu",
    )


def emissions(
    gpu_wh: float | None, cpu_wh: float | None, ram_wh: float | None, region: str, gpu_used: bool
) -> Carbon | None:
    """The CO2 of the parts that were measured, which `basis` names.

    None where that would mislead: nothing was measured, or a GPU worked and was not measured.

    Raises:
        SpecFault: there is no factor for `region`.
    """
    factor = grid_factor(region)
    parts = {
        name: wh
        for name, wh in (("gpu", gpu_wh), ("cpu", cpu_wh), ("ram", ram_wh))
        if wh is not None
    }
    if not parts or (gpu_used and gpu_wh is None):
        return None
    return Carbon(
        emissions_g=sum(parts.values()) / 1000 * factor.g_per_kwh,
        factor_g_per_kwh=factor.g_per_kwh,
        region=factor.region,
        source=factor.source,
        year=factor.year,
        basis="+".join(parts),
    )


@cache
def _factors() -> dict[str, GridFactor]:
    with FACTORS_FILE.open(encoding="utf-8", newline="") as stream:
        return {
            row["region"]: GridFactor(
                region=row["region"],
                name=row["name"],
                g_per_kwh=float(row["factor_g_per_kwh"]),
                source=row["source"],
                year=int(row["year"]),
            )
            for row in csv.DictReader(stream)
        }
