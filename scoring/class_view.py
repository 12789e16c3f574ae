"""Classes on screen, and for programs."""

from collections.abc import Iterator, Sequence
from typing import Any

from benchmark_core.terminal_text import printable
from scoring.class_check import Checked
from scoring.classes import LIMITS_GB, Classed
from scoring.figures import TABLE_DIGITS, figure

LONGEST_NAME = 80
EXPLAINED = (
    "class: as it was given, and it counts. by rule: from rule GB, the published formula, which is",
    "half of what a model takes. needs GB: 2.4 bytes a parameter. fits: what follows from that.",
)


def lines(checked: Sequence[Checked]) -> Iterator[str]:
    if not checked:
        yield "No row is of a task that has classes."
        return
    names = [printable(one.model[:LONGEST_NAME]) for one in checked]
    width = max(map(len, names))
    yield f"{'model'.ljust(width)}  class  by rule   parameters  from  rule GB  needs GB  fits"
    for name, one in zip(names, checked, strict=True):
        given = printable(one.given[:5]) or "-"
        yield f"{name.ljust(width)}  {given:<5}  {_figures(one)}".rstrip()
    yield ""
    yield from EXPLAINED


def _figures(one: Checked) -> str:
    by_rule = one.by_rule
    if by_rule is None:
        return "its size is not known; the catalog can tell it (Parameters (B)), or --parameters"
    name = by_rule.name + ("?" if by_rule.ambiguous else "")
    size = f"{figure(by_rule.billions, TABLE_DIGITS):>9} B  {one.size_from}"
    needs = f"{by_rule.rule_gb:>7.1f}  {by_rule.loaded_gb:>8.1f}"
    return f"{name:<7}  {size}  {needs}  {_fitting(by_rule)}"


def _fitting(by_rule: Classed) -> str:
    for limit in LIMITS_GB.values():
        if by_rule.fits(limit):
            return f"one GPU of {limit} GB"
    return f"more than one GPU of {LIMITS_GB['B']} GB"


def document(checked: Sequence[Checked]) -> list[dict[str, Any]]:
    return [
        {
            "model": one.model,
            "class": one.given or None,
            "class_by_rule": one.by_rule.name if one.by_rule else None,
            "ambiguous": one.by_rule.ambiguous if one.by_rule else None,
            "parameters_billion": float(one.by_rule.billions) if one.by_rule else None,
            "parameters_from": one.size_from,
            "rule_gb": float(one.by_rule.rule_gb) if one.by_rule else None,
            "loaded_gb": float(one.by_rule.loaded_gb) if one.by_rule else None,
        }
        for one in checked
    ]
