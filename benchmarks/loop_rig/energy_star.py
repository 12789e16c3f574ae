"""The other side: the energy_star scenario of optimum-benchmark, through its Python API.

It reads `num_samples` of -1 as all samples where it prepares them, and as none where it measures;
so the number is always given. Its decode is the generate pass less the prefill pass.
"""

import importlib
from pathlib import Path
from typing import Any

from benchmarks.loop_rig.job import TIMES, Job, text_column

TASKS = {
    "text_generation": "text-generation",
    "text_classification": "text-classification",
    "image_classification": "image-classification",
    "image_generation": "text-to-image",
}


def measure(job: Job, count: int) -> TIMES:
    """Seconds of the passes over `count` samples. Raises ImportError where it is not installed."""
    api: Any = importlib.import_module("optimum_benchmark")
    backend = api.PyTorchConfig(
        model=job.model,
        task=TASKS[job.task],
        library="diffusers" if job.steps else "transformers",
        device="cpu",
        torch_dtype=None if job.steps else job.precision,
    )
    generating = {"max_new_tokens": job.new_tokens, "min_new_tokens": job.new_tokens}
    scenario = api.EnergyStarConfig(
        dataset_name=str(Path(job.samples).resolve()),
        dataset_config="default",
        dataset_split="train",
        num_samples=count,
        text_column_name=text_column(job),
        energy=False,
        latency=True,
        generate_kwargs=generating if job.new_tokens else {},
        call_kwargs={"num_inference_steps": job.steps} if job.steps else {},
    )
    config = api.BenchmarkConfig(
        name="loop", launcher=api.InlineConfig(), backend=backend, scenario=scenario
    )
    return _times(api.Benchmark.launch(config))


def _times(report: Any) -> TIMES:
    if hasattr(report, "prefill"):
        prefill = float(report.prefill.latency.total)
        return {"prefill": prefill, "generate": prefill + float(report.decode.latency.total)}
    name = "call" if hasattr(report, "call") else "forward"
    return {name: float(getattr(report, name).latency.total)}
