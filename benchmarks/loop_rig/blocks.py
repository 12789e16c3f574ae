"""The measured loop and a bare one on the same loaded model, a few samples at a time, in turns.

Two loads of one model differ by more than a loop may add: their weights lie elsewhere in memory.
And a machine changes its pace within seconds. Here both loops have the same weights and the same
inputs, and each pair of times lies within a fraction of a second.
"""

import random
import shutil
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmark_core.backends import registry as backends
from benchmark_core.contract import Launch
from benchmark_core.kinds import MeasuredPass, passes_of
from benchmark_core.meters.panel import MeterPanel
from benchmark_core.reasoning.prompts import Prompts
from benchmark_core.reasoning_journal import ReasoningJournal
from benchmark_core.repetitions import Session, measure_pass
from benchmark_core.sample_journal import open_journal
from benchmark_core.samples import load_samples
from benchmark_core.tasks import registry as tasks
from benchmark_core.windows import Windows
from benchmarks.loop_rig.job import BARE, BARE_AGAIN, OURS, TIMES, Job
from benchmarks.loop_rig.ours import spec_of

SEED = 0


def measure(job: Job, count: int, rounds: int) -> dict[str, list[TIMES]]:
    """The times of each loop over the first `count` samples, by its name, in every round."""
    folder = Path(job.place) / "blocks"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    spec = spec_of(job, count)
    task = tasks.get(spec.task)
    prompts = Prompts(spec.model.id, spec.reasoning)
    launch = Launch(
        engine="none", launched_at=datetime.now(UTC).isoformat(), samples_path=job.samples
    )
    recipe = task.recipe(spec, prompts)
    backend: Any = backends.create(spec, launch, recipe, task.kinds[0], folder)
    loaded = backend.load()
    passes = passes_of(loaded.kind, spec.limits, spec.steps)
    samples = load_samples(spec, launch, task.columns)
    prepared = list(backend.preprocess(samples.samples))
    with open_journal(folder / "samples.csv", 1, len(passes) - 1, count) as journal:
        session = Session(
            spec,
            loaded.kind,
            backend,
            Windows(MeterPanel([]), backend.synchronise),
            samples,
            passes,
            journal,
            ReasoningJournal(folder / "reasoning.csv"),
            prompts.split,
        )

        def ours(step: MeasuredPass) -> float:
            return measure_pass(session, step, prepared, 1)[0].duration_seconds

        def bare(step: MeasuredPass) -> float:
            return _bare_seconds(_call(backend._model, step), prepared)

        sides: dict[str, Callable[[MeasuredPass], float]] = {
            OURS: ours,
            BARE: bare,
            BARE_AGAIN: bare,
        }
        times = _in_turns(sides, passes[1:], rounds)
    backend.close()
    return times


def _in_turns(
    sides: dict[str, Callable[[MeasuredPass], float]], steps: Sequence[MeasuredPass], rounds: int
) -> dict[str, list[TIMES]]:
    """In an order that is drawn anew for each round; the first round warms up and is left out."""
    times: dict[str, list[TIMES]] = {name: [] for name in sides}
    order = random.Random(SEED)
    for number in range(rounds + 1):
        found: dict[str, TIMES] = {name: {} for name in sides}
        for step in steps:
            for name in order.sample(list(sides), len(sides)):
                found[name][step.name] = sides[name](step)
        if number:
            for name, one in found.items():
                times[name].append(one)
    return times


def _bare_seconds(call: Callable[[dict[str, Any]], Any], prepared: Sequence[Any]) -> float:
    import torch

    inputs = [one.inputs for one in prepared]
    with torch.inference_mode():
        began = time.monotonic()
        for one in inputs:
            call(one)
        return time.monotonic() - began


def _call(model: Any, step: MeasuredPass) -> Callable[[dict[str, Any]], Any]:
    """What the library is asked for one sample in that pass, and nothing else."""
    if step.steps is not None:
        pipeline, steps = model.parts[0], step.steps
        return lambda one: pipeline(**one, num_inference_steps=steps, num_images_per_prompt=1)
    limits = step.limits
    if limits is None:
        return lambda one: model(**one)
    return lambda one: model.generate(
        **one,
        max_new_tokens=limits.max_new_tokens,
        min_new_tokens=limits.min_new_tokens,
        do_sample=False,
        num_beams=1,
        use_cache=True,
    )
