"""What a backend offers that loads, warms up and measures by itself: nobody walks its passes."""

from dataclasses import dataclass
from typing import Protocol

from benchmark_core.backends.base import Conditions
from benchmark_core.contract import MeterName
from benchmark_core.environment import Programs
from benchmark_core.reasoning.facts import ReasoningFacts
from benchmark_core.recipe import LoadedModel
from benchmark_core.report.energy import EnergySources
from benchmark_core.report.gpu_facts import GpuFacts
from benchmark_core.report.repetition import Repetition
from benchmark_core.samples import LoadedSamples


@dataclass(frozen=True)
class Found:
    """What a repetition was measured with and on, and what was told to the model; no spec is asked.

    `programs` ran the model; `gpus` are those that were metered.
    """

    loaded: LoadedModel
    conditions: Conditions
    reasoning: ReasoningFacts | None
    meters: tuple[MeterName, ...]
    sources: EnergySources
    gpus: tuple[GpuFacts, ...]
    programs: Programs


@dataclass(frozen=True)
class Delegated:
    repetition: Repetition
    found: Found


class Delegate(Protocol):
    """Everything raises RunFault."""

    def prepare(self, samples: LoadedSamples) -> None:
        """Take the samples; nothing is measured yet."""

    def measure_once(self, number: int) -> Delegated:
        """One repetition, by its number from 1."""

    def close(self) -> None:
        """Give back what it took. Harmless when nothing was prepared."""
