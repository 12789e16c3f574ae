"""A backend without a model: durations and faults from the spec, for rehearsals and tests."""

import os
import time
from collections.abc import Sequence
from pathlib import Path

from benchmark_core.backends.base import (
    LoadedModel,
    MeasuredPass,
    Prepared,
    Recipe,
    Sample,
    SampleResult,
)
from benchmark_core.contract import REPORT_FILE, RunSpec, Simulation
from benchmark_core.faults import MemoryFault

ANSWER_TOKENS = 48
CRASH_EXIT_CODE = 134


class SimulatedBackend:
    """Sleeps instead of computing. Everything it gives is a rehearsal, never a measurement."""

    def __init__(self, spec: RunSpec, recipe: Recipe, folder: Path) -> None:
        self._spec = spec
        self._folder = folder
        self._simulation = spec.backend.simulation or Simulation()

    def load(self) -> LoadedModel:
        time.sleep(self._simulation.load_seconds)
        if self._simulation.fault == "out_of_memory":
            raise MemoryFault(
                f"{self._spec.model.id} does not fit on the simulated device",
                "This fault was asked for; take it out of the simulation file.",
            )
        wrong = self._simulation.fault == "wrong_settings"
        return LoadedModel(
            commit=None,
            dtype="float64" if wrong else self._spec.precision,
            quantized=False,
            attention=None,
            template_kwargs={},
            prompt_form=None,
            trust_remote_code=self._spec.model.trust_remote_code,
        )

    def preprocess(self, samples: Sequence[Sample]) -> Sequence[Prepared]:
        return [max(1, len(str(sample).split())) for sample in samples]

    def warm_up(self, prepared: Prepared, passes: Sequence[MeasuredPass]) -> None:
        time.sleep(self._simulation.seconds_per_sample)

    def run(self, prepared: Prepared, step: MeasuredPass) -> SampleResult:
        self._misbehave()
        time.sleep(self._simulation.seconds_per_sample)
        limits = step.limits
        if limits is None:
            return SampleResult(prepared, 0, "stop")
        tokens = max(limits.min_new_tokens, min(limits.max_new_tokens, ANSWER_TOKENS))
        stopped = tokens < limits.max_new_tokens
        return SampleResult(prepared, tokens, "stop" if stopped else "length")

    def _misbehave(self) -> None:
        fault = self._simulation.fault
        if fault == "crash":
            os._exit(CRASH_EXIT_CODE)
        while fault == "hang":
            time.sleep(1)
        if fault == "truncated_report":
            (self._folder / REPORT_FILE).write_text('{"schema_version": 1, "run_id": "')
            os._exit(0)

    def synchronise(self) -> None:
        """Nothing runs on beside the caller."""

    def prompts_cut(self) -> int:
        return 0

    def close(self) -> None:
        """Nothing to give back."""
