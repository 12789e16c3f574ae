"""The energies of one phase, as a report in optimum-benchmark's shape has them.

Nothing is guessed: an energy without its unit, or with another one than is known here, is refused.
"""

import math
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, TypeGuard

from benchmark_core.contract import PhaseName
from orchestrator.catalog import shown
from orchestrator.errors import Problem, UsageError

WH_PER_UNIT: Final = {"kWh": 1000.0}
MOST_MEASURES = 10_000
# More than all computers of the world take in a year; arithmetic stays exact below it.
MOST_WH = 1e15


@dataclass(frozen=True)
class Energy:
    """GPU energy as the file has it: None where it is null. `doubt_wh` is half its last digit."""

    wh: float | None
    doubt_wh: float = 0.0


@dataclass(frozen=True)
class PhaseEnergies:
    name: PhaseName
    key: str
    energy: Energy
    measures: tuple[Energy, ...]

    @property
    def values(self) -> list[float | None]:
        return [energy.wh for energy in self.measures or (self.energy,)]


def read_phase(path: Path, key: str, name: PhaseName, content: Any) -> PhaseEnergies:
    """What the report at `path` has under `key`.

    Raises:
        UsageError: a field is missing, has no unit, or is no number; the message names it.
    """
    if not isinstance(content, dict):
        raise wrong(path, key, content, "no object")
    energy = content.get("energy")
    measures = content.get("measures")
    if measures is None:
        measures = []
    if not isinstance(measures, list) or len(measures) > MOST_MEASURES:
        raise wrong(path, f"{key}.measures", measures, "no list of energies")
    # A measure may be a plain number, and then it is in the unit of the phase's energy.
    unit = energy.get("unit") if isinstance(energy, dict) else None
    return PhaseEnergies(
        name=name,
        key=key,
        energy=_energy(path, f"{key}.energy", energy),
        measures=tuple(
            _energy(path, f"{key}.measures[{place}]", measure, unit)
            for place, measure in enumerate(measures)
        ),
    )


def _energy(path: Path, field: str, content: Any, unit: Any = None) -> Energy:
    """GPU energy of one pass. `unit` is that of a plain number."""
    if content is None:
        return Energy(None)
    if isinstance(content, dict):
        unit = content.get("unit")
        number = content.get("gpu")
        if "gpu" not in content:
            raise wrong(path, f"{field}.gpu", None, "missing")
        value_field, unit_field = f"{field}.gpu", f"{field}.unit"
    else:
        number, value_field, unit_field = content, field, f"the unit of {field}"
    if not isinstance(unit, str) or unit not in WH_PER_UNIT:
        what = "missing" if unit is None else "no unit of energy known here"
        raise wrong(path, unit_field, unit, f"{what}; it has to be {' or '.join(WH_PER_UNIT)}")
    if number is None:
        return Energy(None)
    if not is_number(number):
        raise wrong(path, value_field, number, "no number")
    value = as_float(number) * WH_PER_UNIT[unit]
    if not abs(value) <= MOST_WH:
        raise wrong(path, value_field, number, "no energy that a run can have")
    return Energy(value, _half_last_digit(number) * WH_PER_UNIT[unit])


def is_number(value: Any) -> TypeGuard[int | Decimal]:
    """For Python, true and false are numbers too."""
    return isinstance(value, (int, Decimal)) and not isinstance(value, bool)


def as_float(number: int | Decimal) -> float:
    try:
        return float(number)
    except OverflowError:
        return math.inf


def _half_last_digit(number: int | Decimal) -> float:
    """0 for a whole number: nobody rounds energies to whole kWh."""
    exponent = int(number.as_tuple().exponent) if isinstance(number, Decimal) else 0
    return 0.5 * 10.0**exponent if exponent < 0 else 0.0


def wrong(path: Path, field: str, value: Any, what: str) -> UsageError:
    told = "" if value is None or isinstance(value, (dict, list)) else f"{shown(str(value))} "
    remedy = "Nothing is guessed: mend the file, or fetch it again."
    return UsageError(Problem(f"{path}: {field}", f"{told}is {what}", remedy))
