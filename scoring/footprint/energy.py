"""The energy of some work: GPU, CPU, RAM, network and storage, times PUE."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from scoring.figures import figure
from scoring.footprint.amounts import Kind, Part, Range
from scoring.footprint.factors import Factor, facility_factor
from scoring.footprint.measured import PER, Measured
from scoring.footprint.parameters import Parameters

NOT_GIVEN: Final = "not given and counted as 0"


def it_parts(measured: Measured, asked: Parameters, tasks: float) -> list[Part]:
    """IT energy by what used it, in Wh for `tasks`."""
    per_1000 = [
        measured.gpu,
        *_cpu_and_ram(measured, asked),
        _from_user("network", asked.network_wh),
        _from_user("storage", asked.storage_wh),
    ]
    return [replace(one, range=one.range * (tasks / PER)) for one in per_1000]


def total_wh(parts: Sequence[Part], pue: Factor) -> Range:
    """With what the building takes beside."""
    return sum((one.range for one in parts), Range.exactly(0)) * pue.range


def cpu_ram_rule(measured: Measured, asked: Parameters) -> Factor | None:
    """The share that stands for CPU and RAM; None where the row tells both."""
    if asked.cpu_ram_share is None and measured.cpu and measured.ram:
        return None
    return facility_factor("cpu_ram_share", "CPU and RAM", asked.cpu_ram_share)


def _cpu_and_ram(measured: Measured, asked: Parameters) -> list[Part]:
    rule = cpu_ram_rule(measured, asked)
    known = [one for one in (measured.cpu, measured.ram) if one is not None]
    if rule is None:
        return known
    wh = measured.gpu.range * rule.range
    if rule.given:
        return [_both(wh, "given", "the given share of the GPU energy")]
    for one in known:
        # Both together take no less than the one that is known.
        wh = wh.at_least(one.range)
    lacking = "one of them" if known else "them"
    return [_both(wh, "assumed", f"a share of the GPU energy: the row does not tell {lacking}")]


def _both(wh: Range, kind: Kind, how: str) -> Part:
    return Part("cpu_ram_energy", "CPU and RAM", wh, kind, how)


def _from_user(part: str, wh: float | None) -> Part:
    name, title = f"{part}_energy", part
    if wh is None:
        return Part(name, title, Range.exactly(0), "assumed", NOT_GIVEN)
    return Part(name, title, Range.exactly(wh), "given", f"{figure(wh)} Wh per 1,000 tasks")
