"""Factors with their sources. The first figure is the central one, all together are the range."""

from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import yaml

from benchmark_core.documents import Frozen
from scoring.footprint.amounts import Range

DATA = Path(__file__).parents[1] / "data"


class SourcedFigure(Frozen):
    """One figure of one source. `year` is None where the source is not known to have one."""

    value: float
    source: str
    year: int | None = None


@dataclass(frozen=True)
class Factor:
    """`given` where a user set it; there is one figure then."""

    name: str
    unit: str
    figures: tuple[SourcedFigure, ...]
    given: bool = False

    @cached_property
    def range(self) -> Range:
        values = [figure.value for figure in self.figures]
        return Range(min(values), values[0], max(values))


def given(name: str, unit: str, value: float) -> Factor:
    return Factor(name, unit, (SourcedFigure(value=value, source="given"),), given=True)


@cache
def facility_factor(name: str, title: str, value: float | None) -> Factor:
    """`pue`, `wue` or `cpu_ram_share`: `value` where a user gave one, else from the data."""
    known = data("facilities.yaml")[name]
    if value is not None:
        return given(title, known["unit"], value)
    figures = tuple(SourcedFigure.model_validate(one) for one in known["figures"])
    return Factor(title, known["unit"], figures)


@cache
def data(name: str) -> dict[str, Any]:
    """A data file of ours, read once."""
    content: dict[str, Any] = yaml.safe_load((DATA / name).read_text(encoding="utf-8"))
    return content
