"""What it took to make the hardware, for the share of its life that a run takes."""

from functools import cache
from typing import Any, Final, Literal, get_args

from scoring.footprint.amounts import Range
from scoring.footprint.factors import Factor, SourcedFigure, data

FILE: Final = "hardware.yaml"
DEFAULT_SET: Final = "ecologits-2025-02"
Impact = Literal["gwp_kg", "adpe_kgsbeq", "pe_mj"]
UNITS: Final[dict[Impact, str]] = {"gwp_kg": "kgCO2e", "adpe_kgsbeq": "kgSbeq", "pe_mj": "MJ"}


class HardwareSet:
    """One set of constants by its name.

    I = seconds / life x (GPUs / GPUs per server x server without GPUs + GPUs x GPU). Where several
    requests are served at once, the seconds of the pass are already theirs together.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._constants: dict[str, Any] = data(FILE)[name]

    @property
    def server_type(self) -> str:
        return str(self._constants["server_type"])

    def impact(self, impact: Impact, gpus: int, seconds: float) -> Range:
        """In the unit of `impact`, of `gpus` that are taken for `seconds`."""
        servers: float = gpus / self._constants["gpus_per_server"]
        lives: float = seconds / self._constants["life_seconds"]
        made = _factor(self.name, "server", impact).range * servers
        made += _factor(self.name, "gpu", impact).range * gpus
        return made * lives

    def factors(self) -> tuple[Factor, ...]:
        parts = [(part, impact) for part in ("server", "gpu") for impact in get_args(Impact)]
        return _life(self.name), *(_factor(self.name, part, impact) for part, impact in parts)


@cache
def _life(name: str) -> Factor:
    known = data(FILE)[name]
    figure = SourcedFigure(value=known["life_seconds"], source=known["source"], year=known["year"])
    return Factor(f"{name}: life of the hardware", "s", (figure,))


@cache
def _factor(name: str, part: str, impact: Impact) -> Factor:
    constants = data(FILE)[name]
    source, year = constants["source"], constants["year"]
    first, *others = constants[part][impact]
    figures = (
        SourcedFigure(value=first, source=source, year=year),
        *(SourcedFigure(value=one, source=f"{source}, its text", year=year) for one in others),
    )
    title = "server without GPUs" if part == "server" else "one GPU"
    return Factor(f"{name}: {title}", UNITS[impact], figures)


def hardware_sets() -> tuple[str, ...]:
    return tuple(data(FILE))
