"""From the measured energy of a model to what some work with it takes from the world."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from benchmark_core.carbon import WORLD
from scoring.energy_unit import WH_PER_KWH
from scoring.errors import ScoringError
from scoring.footprint import electricity, energy
from scoring.footprint.amounts import Amount, Part, Range
from scoring.footprint.electricity import Electricity
from scoring.footprint.embodied import DEFAULT_SET, HardwareSet, Impact
from scoring.footprint.factors import Factor, facility_factor
from scoring.footprint.measured import PER, Measured
from scoring.footprint.parameters import DEFAULT_TASKS, Parameters

WUE_CAVEAT: Final = ", slightly too much: WUE is per IT energy"
MIX_UNKNOWN: Final = "nothing is known of it for this electricity"
GRAMS_PER_KG: Final = 1000
EMBODIED: Final[tuple[tuple[str, str, str, Impact, float], ...]] = (
    ("co2e_embodied", "CO2e of the hardware", "g", "gwp_kg", GRAMS_PER_KG),
    ("adpe_embodied", "ADPe of the hardware", "kgSbeq", "adpe_kgsbeq", 1),
    ("primary_energy_embodied", "primary energy of the hardware", "MJ", "pe_mj", 1),
)


@dataclass(frozen=True)
class Footprint:
    """`parts` add up to the IT energy; `amounts` are the total energy and all that follows."""

    measured: Measured
    asked: Parameters
    tasks: float
    electricity: Electricity
    hardware: HardwareSet
    parts: tuple[Part, ...]
    amounts: tuple[Amount, ...]
    factors: tuple[Factor, ...]

    def amount(self, name: str) -> Amount:
        return next(one for one in self.amounts if one.name == name)


def footprint(measured: Measured, asked: Parameters) -> Footprint:
    """All quantities are linear in the number of tasks.

    Raises:
        ScoringError: tokens are asked for of a task without text, or a source lacks the region.
    """
    tasks = _tasks(measured, asked)
    power = _electricity(measured, asked)
    hardware = HardwareSet(asked.hardware_set or DEFAULT_SET)
    pue = facility_factor("pue", "PUE", asked.pue)
    wue = facility_factor("wue", "WUE", asked.wue)
    rule = energy.cpu_ram_rule(measured, asked)
    parts = energy.it_parts(measured, asked, tasks)
    wh = energy.total_wh(parts, pue)
    embodied = tuple(_embodied(measured, hardware, tasks))
    used = [measured.tokens if asked.tokens is not None else None, rule, pue, power.intensity, wue]
    used += [power.water, power.adpe, power.primary]
    if any(one.range for one in embodied):
        used += hardware.factors()
    return Footprint(
        measured=measured,
        asked=asked,
        tasks=tasks,
        electricity=power,
        hardware=hardware,
        parts=tuple(parts),
        amounts=(
            Amount("total_energy", "total energy", "Wh", wh, "IT energy x PUE"),
            *_of_electricity(wh, power, wue),
            *embodied,
        ),
        factors=tuple(one for one in used if one is not None),
    )


def _tasks(measured: Measured, asked: Parameters) -> float:
    if asked.tokens is None:
        return float(DEFAULT_TASKS if asked.tasks is None else asked.tasks)
    if measured.tokens is None:
        raise ScoringError(
            measured.name,
            f"its task {measured.task[:40]!r} has no text whose tokens could be counted",
            "Ask for a number of tasks, or choose rows with --model.",
        )
    return asked.tokens / measured.tokens.range.central * PER


def _electricity(measured: Measured, asked: Parameters) -> Electricity:
    if asked.g_per_kwh is not None:
        return electricity.of_intensity(asked.g_per_kwh)
    region = asked.region or measured.region or WORLD
    return electricity.of_region(region, asked.grid_source or electricity.AS_RECORDED)


def _of_electricity(wh: Range, power: Electricity, wue: Factor) -> Iterator[Amount]:
    use = "of the electricity"
    for name, title, unit, factor, note in (
        ("co2e_use", f"CO2e {use}", "g", power.intensity, ""),
        ("water_on_site", "water on site", "L", wue, WUE_CAVEAT),
        ("water_off_site", "water off site", "L", power.water, ""),
        ("adpe_use", f"ADPe {use}", "kgSbeq", power.adpe, ""),
        ("primary_energy_use", f"primary energy {use}", "MJ", power.primary, ""),
    ):
        if factor is None:
            yield Amount(name, title, unit, None, MIX_UNKNOWN)
        else:
            taken = wh * factor.range * (1 / WH_PER_KWH)
            yield Amount(name, title, unit, taken, f"total energy x {factor.name}{note}")


def _embodied(measured: Measured, hardware: HardwareSet, tasks: float) -> Iterator[Amount]:
    seconds, gpus = measured.seconds, measured.gpus
    for name, title, unit, impact, per in EMBODIED:
        if seconds is None or gpus is None:
            lacking = "how long the GPUs were taken" if seconds is None else "how many GPUs it used"
            why = f"the row does not tell {lacking}"
            yield Amount(name, title, unit, None, why)
        else:
            taken: Range = hardware.impact(impact, gpus, seconds * tasks / PER) * per
            how = f"{hardware.name}: {hardware.server_type}"
            yield Amount(name, title, unit, taken, how)
