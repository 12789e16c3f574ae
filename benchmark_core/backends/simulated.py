"""A backend without a model: durations and faults from the spec, for rehearsals and tests."""

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from benchmark_core.backends.base import (
    Backend,
    Conditions,
    Prepared,
    SampleResult,
    TriedSample,
    Unusable,
)
from benchmark_core.backends.walks import one_by_one
from benchmark_core.bad_rows import BadRow
from benchmark_core.contract import REPORT_FILE, Kind, RunSpec, Simulation, TokenLimits
from benchmark_core.faults import HubFault, MemoryFault
from benchmark_core.hub import UNREACHABLE, pinned_commit
from benchmark_core.kinds import MeasuredPass
from benchmark_core.recipe import LoadedModel, Sample
from benchmark_core.simulated_time import PREPROCESS_SHARE, answer_tokens, share_of_answer

CRASH_EXIT_CODE = 134


class SimulatedBackend:
    """Sleeps instead of computing. Everything it gives is a rehearsal, never a measurement."""

    def __init__(self, spec: RunSpec, kind: Kind, folder: Path) -> None:
        self._spec = spec
        self._kind = kind
        self._folder = folder
        self._simulation = spec.backend.simulation or Simulation()
        self._is_loaded = False
        self._limits: TokenLimits | None = None
        self._steps: int | None = None

    def load(self) -> LoadedModel:
        time.sleep(self._simulation.load_seconds)
        if self._simulation.fault == "out_of_memory":
            raise MemoryFault(
                f"{self._spec.model.id} does not fit on the simulated device",
                "This fault was asked for; take it out of the simulation file.",
            )
        if self._simulation.fault == "hub_unreachable":
            raise HubFault(f"model {self._spec.model.id} {UNREACHABLE.what}", UNREACHABLE.remedy)
        self._is_loaded = True
        return self._describe()

    def take_over(self, earlier: Backend) -> LoadedModel | None:
        """A model that is to fail while it is loaded has to be loaded for that."""
        if self._simulation.fault in ("out_of_memory", "hub_unreachable"):
            return None
        self._is_loaded = True
        return self._describe()

    def keep_model(self) -> bool:
        return self._is_loaded

    def _describe(self) -> LoadedModel:
        wrong = self._simulation.fault == "wrong_settings"
        model = self._spec.model
        return LoadedModel(
            model_id=model.id,
            commit=pinned_commit(model.revision),
            kind=self._kind,
            processor_commit=None,
            processor=model.processor or model.id,
            dtype="float64" if wrong else self._spec.precision,
            quantization=model.quantization,
            attention=None,
            ran_own_code=False,
            device=self._spec.device.used_by_model(),
        )

    def preprocess(self, samples: Sequence[Sample]) -> Sequence[Prepared]:
        time.sleep(self._simulation.seconds_per_sample * PREPROCESS_SHARE * len(samples))
        return [
            Unusable(sample.fault.message)
            if isinstance(sample, BadRow)
            else max(1, len(str(sample).split()))
            for sample in samples
        ]

    def warm_up(self, prepared: Prepared, passes: Sequence[MeasuredPass]) -> None:
        time.sleep(self._simulation.seconds_per_sample)

    def run(self, prepared: Prepared, step: MeasuredPass) -> SampleResult:
        self._misbehave()
        self._limits = limits = step.limits
        self._steps = step.steps
        if limits is None:
            time.sleep(self._simulation.seconds_per_sample)
            return SampleResult(prepared, 0, "stop")
        tokens = answer_tokens(limits)
        share = share_of_answer(tokens, self._spec.limits)
        time.sleep(self._simulation.seconds_per_sample * share)
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

    def run_all(
        self, prepared: Sequence[Prepared | Unusable], step: MeasuredPass
    ) -> Iterator[TriedSample]:
        return one_by_one(self.run, prepared, step)

    def walking(self) -> AbstractContextManager[object]:
        return nullcontext()

    def synchronise(self) -> None:
        """Nothing runs on beside the caller."""

    def conditions(self) -> Conditions:
        return Conditions(
            batch_size=1,
            limits=self._limits,
            steps=self._steps,
            prompt_form=None,
            template_kwargs={},
            prompts_cut=0,
        )

    def close(self) -> None:
        """Nothing to give back."""
