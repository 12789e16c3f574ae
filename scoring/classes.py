"""The class of a model by the published rule, and whether it would really fit.

The rule, for text generation: M = (P x B) / (32 / Q) x 1.2 in GB, with P billions of parameters
(all of them, whatever is active), B = 2 bytes for each and Q = 16 bits. It counts FP16 twice, so M
is half of what weights and overhead take. It is kept because it defines the published limits, 20
and 66 billion; what fits is told apart, by 2.4 bytes a parameter.
"""

from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal
from typing import Final, Literal, get_args

from benchmark_core.named_size import LOADED_BYTES_PER_PARAMETER

ClassName = Literal["A", "B", "C"]
CLASSES: Final[tuple[str, ...]] = get_args(ClassName)

BYTES, BITS, OVERHEAD = Decimal(2), Decimal(16), Decimal("1.2")
LIMITS_GB: dict[ClassName, Decimal] = {"A": Decimal(24), "B": Decimal(80)}
"""Memory of an RTX 4090 and of an H100; class C takes several GPUs."""


@dataclass(frozen=True)
class Classed:
    """`rule_gb` is the published M, `loaded_gb` what the model really takes.

    By memory 66.67 billion are still class B; the published table says 66. Between them the class
    is `ambiguous`, and given by memory.
    """

    billions: Decimal
    rule_gb: Decimal
    name: ClassName
    ambiguous: bool
    loaded_gb: Decimal

    def fits(self, gigabytes: Decimal) -> bool:
        return self.loaded_gb <= gigabytes


def classed(billions: Decimal) -> Classed:
    """Of a model with so many billions of parameters, above 0."""
    rule = billions * BYTES / (32 / BITS) * OVERHEAD
    name: ClassName = "C"
    for one, limit in LIMITS_GB.items():
        if rule <= limit:
            name = one
            break
    return Classed(
        billions=billions,
        rule_gb=rule,
        name=name,
        ambiguous=name == "B" and billions > largest_billions("B"),
        loaded_gb=billions * Decimal(str(LOADED_BYTES_PER_PARAMETER)),
    )


def largest_billions(name: Literal["A", "B"]) -> Decimal:
    """As the published table has it: rounded down to whole billions."""
    exact = LIMITS_GB[name] / (BYTES / (32 / BITS) * OVERHEAD)
    return exact.to_integral_value(rounding=ROUND_FLOOR)
