"""The backend that runs the model itself, with PyTorch, in this process."""

import gc
import traceback
from array import array
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmark_core.backends.base import (
    Backend,
    Conditions,
    SampleResult,
    TriedSample,
    Unusable,
    prepared_alone,
    refuse_other_length,
)
from benchmark_core.backends.generation import FirstToken, forget_own_settings, settings_of
from benchmark_core.backends.prepared_inputs import PreparedInputs
from benchmark_core.backends.torch_device import check_device, gpu_uuids, torch_device
from benchmark_core.backends.walks import one_by_one
from benchmark_core.contract import RunSpec, TokenLimits
from benchmark_core.faults import MemoryFault, RunFault
from benchmark_core.kinds import MeasuredPass
from benchmark_core.recipe import Encoded, LoadedModel, Recipe, Sample

WARM_UP_REPEATS = 10
WARM_UP_STEPS = 2
SEED = 0
_TWO_TOKENS = TokenLimits(max_new_tokens=2, min_new_tokens=2)


class PyTorchBackend:
    """One model on one CPU, one GPU, or spread over several GPUs; one sample at a time."""

    def __init__(self, spec: RunSpec, recipe: Recipe, folder: Path) -> None:
        self._spec = spec
        self._folder = folder
        self._recipe = recipe
        self._device = ""
        self._processor: Any = None
        self._model: Any = None
        self._loaded: LoadedModel | None = None
        self._is_sound = True
        self._dtype: Any = None
        self._settings: Any = None
        self._eos_ids: list[int] = []
        self._prepared = PreparedInputs(folder)
        self._last = MeasuredPass("preprocess")
        self._limits: TokenLimits | None = None
        self._batch_size = 0
        self._lies_ready = False
        self._walks = False

    def load(self) -> LoadedModel:
        import transformers

        self._device = torch_device(self._spec)
        transformers.set_seed(SEED)
        with self._memory_watched("while the model was loaded"):
            self._processor = self._recipe.load_processor()
            self._model = self._recipe.load_model(self._device)
        return self._use(self._recipe.describe(self._processor, self._model))

    def take_over(self, earlier: Backend) -> LoadedModel | None:
        """The processor is the run's own, because the prompts are settled with it.

        A branch may have moved since: then the model is not what this run would load.
        """
        import transformers

        if not isinstance(earlier, PyTorchBackend) or earlier._model is None:
            return None
        self._device = earlier._device
        transformers.set_seed(SEED)
        processor = self._recipe.load_processor()
        loaded = self._recipe.describe(processor, earlier._model)
        if loaded != earlier._loaded:
            return None
        self._processor = processor
        self._model, earlier._model = earlier._model, None
        return self._use(loaded)

    def _use(self, loaded: LoadedModel) -> LoadedModel:
        self._loaded = loaded
        # Asking a model for it walks through its weights, which takes longer than a small layer.
        self._dtype = getattr(self._model, "dtype", None)
        self._eos_ids = forget_own_settings(
            self._model, self._processor, self._recipe.kept_settings
        )
        device = check_device(self._spec.device.used_by_model(), loaded)
        return replace(loaded, gpu_uuids=gpu_uuids(device), seed=SEED)

    def preprocess(self, samples: Sequence[Sample]) -> Sequence[Encoded | Unusable]:
        self._prepared.close()
        self._prepared = PreparedInputs(self._folder)
        for sample in samples:
            self._prepared.add(prepared_alone(self._encode, sample))
        return self._prepared

    def _encode(self, sample: Sample) -> Encoded:
        return self._recipe.encode(sample, self._processor, self._model)

    def warm_up(self, prepared: Encoded, passes: Sequence[MeasuredPass]) -> None:
        """One run of the longest pass, and ten of two tokens or steps; or ten plain runs.

        Not everything can be done in two steps, whatever the sample: some schedulers need more.
        Where the longest pass ran and a short one fails, it runs once more in place of them.
        """
        longest = passes[-1]
        short = replace(
            longest,
            limits=longest.limits and _TWO_TOKENS,
            steps=longest.steps and WARM_UP_STEPS,
        )
        if short == longest:
            self._repeat(prepared, longest)
            return
        self.run(prepared, longest)
        if not self._runs_short(prepared, short):
            self.run(prepared, longest)

    def _repeat(self, prepared: Encoded, step: MeasuredPass) -> None:
        for _ in range(WARM_UP_REPEATS):
            self.run(prepared, step)

    def _runs_short(self, prepared: Encoded, short: MeasuredPass) -> bool:
        try:
            self._repeat(prepared, short)
        except RunFault:
            raise
        except Exception:  # noqa: BLE001 - the longest pass ran, so the sample is a good one
            return False
        return True

    def run(self, prepared: Encoded, step: MeasuredPass) -> SampleResult:
        """One sample of one pass; moving its inputs to the device is part of it.

        Raises MemoryFault when the device is exhausted; what the sample held is given back first.
        """
        if self._walks:
            return self._run(prepared, step)
        with self.walking():
            return self._run(prepared, step)

    def run_all(
        self, prepared: Sequence[Encoded | Unusable], step: MeasuredPass
    ) -> Iterator[TriedSample]:
        return one_by_one(self.run, prepared, step)

    @contextmanager
    def walking(self) -> Iterator[None]:
        import torch

        self._walks = True
        try:
            with torch.inference_mode():
                yield
        finally:
            self._walks = False

    def _run(self, prepared: Encoded, step: MeasuredPass) -> SampleResult:
        if step is not self._last:
            self._begin(step, prepared)
        try:
            if step.steps is not None:
                self._model(**prepared.inputs, num_inference_steps=step.steps)
                return SampleResult(prepared.prompt_tokens, 0, "stop")
            inputs = self._on_device(prepared.inputs)
            if step.limits is None:
                self._model(**inputs)
                return SampleResult(prepared.prompt_tokens, 0, "stop")
            return self._generate(prepared, inputs, step.limits)
        except Exception as error:
            # What an error leaves in a model and on its device, nobody knows.
            self._is_sound = False
            if not _ran_out_of_memory(error):
                raise
            raise self._memory_fault(error, "while a sample ran") from error

    def _begin(self, step: MeasuredPass, first: Encoded) -> None:
        """What holds for all samples of a pass is worked out once: a small model takes 1 ms."""
        self._last, self._limits = step, None
        self._settings = step.limits and settings_of(self._model, step.limits)
        if step.steps is not None:
            self._batch_size = 1
            return
        inputs = first.inputs.values()
        self._batch_size = len(next(iter(inputs)))
        self._lies_ready = self._device == "cpu" and all(
            value.dtype == self._dtype or not value.is_floating_point() for value in inputs
        )

    def _on_device(self, inputs: dict[str, Any]) -> dict[str, Any]:
        """Numbers that are no counts take the type of the weights, where those have but one."""
        if self._lies_ready:
            return inputs
        dtype, device = self._dtype, self._device
        return {
            name: value.to(device, dtype) if value.is_floating_point() else value.to(device)
            for name, value in inputs.items()
        }

    def _generate(
        self, prepared: Encoded, inputs: dict[str, Any], limits: TokenLimits
    ) -> SampleResult:
        settings = self._settings  # generate() works on a copy of them
        first_token = FirstToken(self.synchronise)
        sequence = self._model.generate(
            **inputs,
            generation_config=settings,
            logits_processor=[first_token] if limits.max_new_tokens > 1 else None,
        )[0]
        # Four bytes a token: the outputs of a whole pass are kept until its window has closed.
        generated = array("I", sequence[prepared.echoed_tokens :].tolist())
        if self._limits is None:
            self._limits = TokenLimits(
                max_new_tokens=settings.max_new_tokens, min_new_tokens=settings.min_new_tokens
            )
        refuse_other_length(len(generated), limits)
        stopped = generated[-1] in self._eos_ids
        return SampleResult(
            prompt_tokens=prepared.prompt_tokens,
            completion_tokens=len(generated),
            finish_reason="stop" if stopped else "length",
            first_token_at=first_token.at_seconds,
            token_ids=generated,
        )

    def synchronise(self) -> None:
        if self._device.startswith("cuda"):
            import torch

            for index in range(self._spec.device.gpu_count):
                torch.cuda.synchronize(index)

    def conditions(self) -> Conditions:
        first = self._prepared.first()
        return Conditions(
            batch_size=self._batch_size,
            limits=self._limits,
            steps=self._last.steps,
            prompt_form=first.form,
            template_kwargs=first.template_kwargs,
            prompts_cut=self._prepared.cut,
            template_day=first.template_day,
        )

    def keep_model(self) -> bool:
        if self._model is None or not self._is_sound:
            return False
        self._processor = None
        self._prepared.close()
        self._give_memory_back()
        return True

    def close(self) -> None:
        self._model = None
        self._processor = None
        self._prepared.close()
        self._give_memory_back()

    def _give_memory_back(self) -> None:
        gc.collect()
        if self._device.startswith("cuda"):
            import torch

            torch.cuda.empty_cache()

    @contextmanager
    def _memory_watched(self, when: str) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            if not _ran_out_of_memory(error):
                raise
            raise self._memory_fault(error, when) from error

    def _memory_fault(self, error: Exception, when: str) -> MemoryFault:
        """What to raise, once all that the failed call held is given back."""
        # The frames of the failed call hold its tensors for as long as the error is known.
        traceback.clear_frames(error.__traceback__)
        self._give_memory_back()
        return MemoryFault(
            f"{self._spec.model.id}: {self._device} ran out of memory {when}",
            "Give it more GPUs (--gpus-per-run, or the catalog's GPUs column), or free the"
            " device of other programs.",
        )


def _ran_out_of_memory(error: Exception) -> bool:
    import torch

    return isinstance(error, MemoryError | torch.OutOfMemoryError) or (
        isinstance(error, RuntimeError) and "can't allocate memory" in str(error)
    )
