"""The classes that models were measured in, held against the rule."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from benchmark_core.named_size import named_size
from benchmark_core.tasks import registry as tasks
from benchmark_core.terminal_text import printable
from scoring.classes import CLASSES, LIMITS_GB, Classed, classed
from scoring.csv_table import Cells

LONGEST_NAME = 80


@dataclass(frozen=True)
class Checked:
    """`by_rule` is None where nothing tells the size of the model."""

    model: str
    given: str
    by_rule: Classed | None

    def warning(self) -> str | None:
        """Of a class that there is not, or that the rule would not give; the given one counts."""
        if self.given not in ("", *CLASSES):
            named = f"{self.model} is class {self.given[:40]!r}, which is none"
            return f"{named} of {', '.join(CLASSES)}: it is not rated"
        if self.by_rule is None or self.given in ("", self.by_rule.name):
            return None
        if self.by_rule.ambiguous:
            return None
        return (
            f"{self.model} is class {self.given}, and {self.by_rule.billions:f} billion parameters"
            f" are class {self.by_rule.name} by the rule; it counts as class {self.given}"
        )


def check_classes(lines: Iterable[Cells], known: Mapping[str, Decimal]) -> list[Checked]:
    """Each model and class of a task with classes once, in the order of the table."""
    found: dict[tuple[str, str], Checked] = {}
    for cells in lines:
        task = tasks.named(cells["task"])
        model, given = cells["model_name"], cells["model_class"].strip()
        if task and tasks.get(task).has_classes and (model, given) not in found:
            billions = known.get(model) or _named_billions(model)
            found[model, given] = Checked(model, given, classed(billions) if billions else None)
    return list(found.values())


def _named_billions(model: str) -> Decimal | None:
    size = named_size(model)
    return Decimal(f"{size.parameters / 1e9:.12g}") if size else None


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
        return "its size is not known; --parameters can tell it"
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
