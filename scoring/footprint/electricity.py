"""What a kWh brings along, by the region it comes from: CO2e, water, minerals, primary energy."""

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Final

from benchmark_core import carbon
from scoring.errors import ScoringError
from scoring.footprint.factors import Factor, SourcedFigure, data, given

FILE: Final = "electricity.yaml"
INTENSITY: Final = "carbon intensity"
AS_RECORDED: Final = "runs"
SOURCES: Final = (AS_RECORDED, "ecologits", "ademe")
"""Whose carbon intensity is the central one; the first has what runs record."""
NO_PLACES: Final = (carbon.WORLD, "on-site-gas")
MOST_NEAR: Final = 3


@dataclass(frozen=True)
class Electricity:
    """Factors per kWh: g, L, kgSbeq, MJ. None where nothing is known.

    `place` is empty where it is no place: the world, or an intensity that a user gave.
    """

    region: str
    place: str
    intensity: Factor
    water: Factor | None
    adpe: Factor | None
    primary: Factor | None


def regions() -> dict[str, str]:
    """The names of all regions by their codes."""
    more: dict[str, str] = data(FILE)["names"]
    return {code: carbon.grid_factor(code).name for code in carbon.regions()} | more


def check_region(text: str, where: str) -> str:
    """The code.

    Raises:
        ScoringError: there is no such region; the nearest are named.
    """
    known = regions()
    folded = {code.casefold(): code for code in known}
    if text.casefold() in folded:
        return folded[text.casefold()]
    words = folded | {name.casefold(): code for code, name in known.items()}
    near = difflib.get_close_matches(text.casefold(), words, n=MOST_NEAR, cutoff=0.5)
    named = dict.fromkeys(words[word] for word in near) or dict.fromkeys(known)
    listed = ", ".join(f"{code} ({known[code]})" for code in named)
    remedy = f"{'Near it' if near else 'There are'}: {listed}."
    raise ScoringError(where, f"there is no region {text[:40]!r}", remedy)


@cache
def of_region(region: str, source: str) -> Electricity:
    """Of a region of `regions()`, with the intensity of one of `SOURCES` as the central one.

    Raises:
        ScoringError: the source has no figure for the region.
    """
    area = data(FILE)["larger_area"].get(region, region)
    return Electricity(
        region=region,
        place="" if region in NO_PLACES else regions()[region],
        intensity=_intensity(region, source),
        water=_factor("water of electricity", "L/kWh", "water_l_per_kwh", region),
        adpe=_factor("ADPe of electricity", "kgSbeq/kWh", "adpe_kgsbeq_per_kwh", region, area),
        primary=_factor("primary energy of electricity", "MJ/kWh", "pe_mj_per_kwh", region, area),
    )


def of_intensity(g_per_kwh: float) -> Electricity:
    """What an intensity alone tells: nothing of the plants that stand behind it."""
    return Electricity("", "", given(INTENSITY, "g/kWh", g_per_kwh), None, None, None)


def _intensity(region: str, source: str) -> Factor:
    figures = dict(_intensities(region))
    if source not in figures and source != AS_RECORDED:
        has = [one for one in SOURCES if one in figures]
        raise ScoringError(
            f"--grid-source {source}",
            f"has no figure for {region}",
            f"For that there is {' and '.join(has) or 'no choice of sources'}.",
        )
    # Sorting is stable: the chosen one first, the others as they stand.
    ordered = sorted(figures, key=lambda name: name != source)
    title = f"{INTENSITY}, {regions()[region]}"
    return Factor(title, "g/kWh", tuple(figures[name] for name in ordered))


def _intensities(region: str) -> Iterator[tuple[str, SourcedFigure]]:
    if region in carbon.regions():
        known = carbon.grid_factor(region)
        yield (
            AS_RECORDED,
            SourcedFigure(value=known.g_per_kwh, source=known.source, year=known.year),
        )
    yield from _figures("g_per_kwh", region)


def _factor(title: str, unit: str, key: str, region: str, area: str = "") -> Factor | None:
    """`area` is the one whose figures stand in for the region's."""
    figures = tuple(figure for _, figure in _figures(key, area or region))
    names = regions()
    of = names[area or region]
    if area not in ("", region):
        of += f" because none is known for {names[region]}"
    return Factor(f"{title}, {of}", unit, figures) if figures else None


def _figures(key: str, region: str) -> Iterator[tuple[str, SourcedFigure]]:
    table = data(FILE)
    for source, values in table[key].items():
        if region in values:
            said = table["sources"][source]
            yield (
                source,
                SourcedFigure(value=values[region], source=said["name"], year=said.get("year")),
            )
