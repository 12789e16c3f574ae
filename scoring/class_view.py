"""Classes on screen, and for programs."""

from collections.abc import Iterator, Sequence
from typing import Any

from benchmark_core.terminal_text import printable
from scoring.class_check import Checked
from scoring.classes import LIMITS_GB, Classed

LONGEST_NAME = 80


def lines(checked: Sequence[Checked]) -> Iterator[str]:
    if not checked:
        yield "No row is of a task that has classes."
        return
    names = [printable(one.model[:LONGEST_NAME]) for one in checked]
    width = max(map(len, names))
    yield f"{'model'.ljust(width)}  class  by rule  parameters  rule GB  needs GB  fits"
    for name, one in zip(names, checked, strict=True):
        given = printable(one.given[:5]) or "-"
        yield f"{name.ljust(width)}  {given:<5}  {_figures(one.by_rule)}".rstrip()


def _figures(by_rule: Classed | None) -> str:
    if by_rule is None:
        return "its size is not known; --parameters, such as the catalog, can tell it"
    name = by_rule.name + ("?" if by_rule.ambiguous else "")
    sizes = f"{by_rule.billions:>8.2f} B  {by_rule.rule_gb:>7.1f}  {by_rule.loaded_gb:>8.1f}"
    return f"{name:<7}  {sizes}  {_fitting(by_rule)}"


def _fitting(by_rule: Classed) -> str:
    for name, limit in LIMITS_GB.items():
        if by_rule.fits(limit):
            return f"one GPU of {limit} GB (class {name})"
    return f"more than one GPU of {LIMITS_GB['B']} GB"


def document(checked: Sequence[Checked]) -> list[dict[str, Any]]:
    return [
        {
            "model": one.model,
            "class": one.given or None,
            "class_by_rule": one.by_rule.name if one.by_rule else None,
            "ambiguous": one.by_rule.ambiguous if one.by_rule else None,
            "parameters_billion": float(one.by_rule.billions) if one.by_rule else None,
            "rule_gb": float(one.by_rule.rule_gb) if one.by_rule else None,
            "loaded_gb": float(one.by_rule.loaded_gb) if one.by_rule else None,
        }
        for one in checked
    ]
