"""What a footprint is asked for: how much work, where, and which factors instead of ours."""

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Final

from scoring.errors import ScoringError
from scoring.figures import number_of
from scoring.footprint import electricity
from scoring.footprint.embodied import hardware_sets

DEFAULT_TASKS: Final = 1000
LARGEST: Final = {
    "cpu_ram_share": (5, "a percentage", "Write a share: 0.3 is 30 %."),
    "pue": (10, "a percentage", "Write how many times: 1.2 is 120 %."),
    "g_per_kwh": (10_000, "mg per kWh", "Write g per kWh, a thousandth of it."),
    "wue": (100, "mL per kWh", "Write L per kWh, a thousandth of it."),
}
"""What is above is of another unit, and of which."""
EXCLUSIVE: Final = (
    ("tasks", "tokens"),
    ("region", "g_per_kwh"),
    ("grid_source", "g_per_kwh"),
)


@dataclass(frozen=True)
class Parameters:
    """None is what was not said. `network_wh` and `storage_wh` are Wh per 1,000 tasks."""

    tasks: float | None = None
    tokens: float | None = None
    pue: float | None = None
    region: str | None = None
    g_per_kwh: float | None = None
    grid_source: str | None = None
    wue: float | None = None
    network_wh: float | None = None
    storage_wh: float | None = None
    cpu_ram_share: float | None = None
    hardware_set: str | None = None

    def said(self) -> dict[str, float | str]:
        """Those that were said, by their names."""
        pairs = ((name, getattr(self, name)) for name in NAMES)
        return {name: value for name, value in pairs if value is not None}

    def changed_by(self, other: "Parameters") -> "Parameters":
        """With what `other` says; what cannot stand beside that is taken back."""
        said: dict[str, Any] = {**other.said()}
        taken_back: dict[str, Any] = {
            one: None
            for pair in EXCLUSIVE
            for one, beside in (pair, pair[::-1])
            if beside in said and one not in said
        }
        return replace(self, **{**taken_back, **said})


NAMES: Final = tuple(field.name for field in fields(Parameters))
LOWEST: Final = {"pue": 1}
POSITIVE: Final = ("tasks", "tokens")


def parse(
    texts: Mapping[str, str], place: str = "", spell: Callable[[str], str] = str
) -> Parameters:
    """Parameters from texts, as they stand on a command line or in a file of scenarios.

    `place` and what `spell` makes of a parameter's name tell where a mistake is.

    Raises:
        ScoringError: a name is not known, a value is not allowed, or two exclude each other.
    """
    for name in texts:
        if name not in NAMES:
            near = difflib.get_close_matches(name, NAMES, n=1) or NAMES
            raise ScoringError(
                f"{place}{name[:40]}", "is not known", f"What can be said: {', '.join(near)}."
            )
    for one, other in EXCLUSIVE:
        if one in texts and other in texts:
            raise ScoringError(
                f"{place}{spell(one)}", f"does not go with {spell(other)}", "Leave one of the two."
            )
    values: dict[str, Any] = {}
    for name, text in texts.items():
        where = f"{place}{spell(name)}"
        check = _TEXT_CHECKS.get(name)
        values[name] = check(text, where) if check else _number(name, text, where)
    return Parameters(**values)


def _number(name: str, text: str, where: str) -> float:
    number = number_of(text)
    if number is None:
        raise ScoringError(
            where, f"{text[:40]!r} is no number", f"Write a number in {_UNITS[name]}, no unit."
        )
    value, lowest = float(number), LOWEST.get(name, 0)
    if value < lowest or (name in POSITIVE and value == 0):
        above = "above 0" if name in POSITIVE else f"{lowest} or more"
        raise ScoringError(where, f"{text[:40]} is not {above}", f"It is in {_UNITS[name]}.")
    if name == "g_per_kwh" and 0 < value < 1:
        raise ScoringError(
            where, f"{text[:40]} would be kg per kWh", "Write g per kWh, a thousand times as much."
        )
    if name in LARGEST and value > LARGEST[name][0]:
        _, unit, remedy = LARGEST[name]
        raise ScoringError(where, f"{text[:40]} would be {unit}", remedy)
    return value


_UNITS: Final = {
    "tasks": "tasks",
    "tokens": "input tokens",
    "pue": "facility energy per IT energy",
    "g_per_kwh": "g CO2e per kWh",
    "wue": "L per kWh",
    "network_wh": "Wh (not kWh) per 1,000 tasks",
    "storage_wh": "Wh (not kWh) per 1,000 tasks",
    "cpu_ram_share": "CPU and RAM energy per GPU energy",
}


def _one_of(known: tuple[str, ...]) -> Callable[[str, str], str]:
    def check(text: str, where: str) -> str:
        if text not in known:
            raise ScoringError(
                where, f"{text[:40]!r} is not known", f"Choose {' or '.join(known)}."
            )
        return text

    return check


_TEXT_CHECKS: Final[Mapping[str, Callable[[str, str], str]]] = {
    "region": electricity.check_region,
    "grid_source": _one_of(electricity.SOURCES),
    "hardware_set": _one_of(hardware_sets()),
}
