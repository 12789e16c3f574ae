"""The classes that models were measured in, held against the rule."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from benchmark_core.named_size import named_size
from benchmark_core.tasks import registry as tasks
from scoring.classes import CLASSES, Classed, classed
from scoring.csv_table import Cells


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
