"""The classes that models were measured in, held against the rule."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from benchmark_core.named_size import named_size
from benchmark_core.tasks import registry as tasks
from scoring.classes import CLASSES, Classed, classed
from scoring.csv_table import Cells


@dataclass(frozen=True)
class Checked:
    """`by_rule` is None where nothing tells the size of the model, `size_from` what tells it."""

    model: str
    given: str
    by_rule: Classed | None
    size_from: Literal["file", "name", None]

    def warning(self) -> str | None:
        """Of a class that there is not, or that the rule would not give; the given one counts."""
        if self.given not in ("", *CLASSES):
            named = f"{self.model} is class {self.given[:40]!r}, which is none"
            return f"{named} of {', '.join(CLASSES)}: it is not rated"
        if self.by_rule is None or self.given in ("", self.by_rule.name):
            return None
        if self.by_rule.ambiguous:
            return None
        named = ", as its name has them," if self.size_from == "name" else ""
        return (
            f"{self.model} is class {self.given}, and {self.by_rule.billions:f} billion parameters"
            f"{named} are class {self.by_rule.name} by the rule; it counts as class {self.given}"
        )


def check_classes(lines: Iterable[Cells], known: Mapping[str, Decimal]) -> list[Checked]:
    """Each model and class of a task with classes once, in the order of the table."""
    found: dict[tuple[str, str], Checked] = {}
    for cells in lines:
        task = tasks.named(cells["task"])
        model, given = cells["model_name"], cells["model_class"].strip()
        if task and tasks.get(task).has_classes and (model, given) not in found:
            found[model, given] = _checked(model, given, known.get(model))
    return list(found.values())


def _checked(model: str, given: str, filed: Decimal | None) -> Checked:
    if filed:
        return Checked(model, given, classed(filed), "file")
    if named := _named_billions(model):
        return Checked(model, given, classed(named), "name")
    return Checked(model, given, None, None)


def _named_billions(model: str) -> Decimal | None:
    size = named_size(model)
    return Decimal(f"{size.parameters / 1e9:.12g}") if size else None
