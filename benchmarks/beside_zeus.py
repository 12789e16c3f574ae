"""One window of a model at work, measured by our meter and, around it, by Zeus.

    python -m benchmarks.beside_zeus MODEL_ID DEVICE SECONDS GPU_UUID FOLDER

Writes FOLDER/beside_zeus.json, with how the driver's energy counter steps as well. CUDA and Zeus
use their first GPU; the caller sees to it, by CUDA_VISIBLE_DEVICES, that it is the one of the UUID.
"""

import importlib
import importlib.util
import json
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

RESULT_FILE = "beside_zeus.json"
TRACE_FILE = "beside_zeus_trace.csv"
PROMPT_TOKENS, NEW_TOKENS = 512, 64
STEP_SEARCH_SECONDS = 5.0
POLL_SECONDS = 0.0002


@dataclass(frozen=True)
class CounterSteps:
    """How the counter was seen to step: the intervals, and how surely a step's time is known."""

    steps: int
    period_ms: float | None
    shortest_ms: float | None
    longest_ms: float | None
    doubt_ms: float | None


@dataclass(frozen=True)
class Beside:
    """`zeus_joules` None: Zeus is not installed here."""

    seconds: float
    passes: int
    our_joules: float | None
    our_doubt_joules: float | None
    zeus_joules: float | None
    zeus_version: str | None
    steps: CounterSteps

    @property
    def disagreement_percent(self) -> float | None:
        if self.our_joules is None or self.zeus_joules is None:
            return None
        return 100 * (self.our_joules - self.zeus_joules) / self.zeus_joules


def measure(model_id: str, device: str, seconds: float, uuid: str, folder: Path) -> Beside:
    from benchmark_core.meters import registry

    work, synchronise = _work(model_id, device)
    context = registry.MeterContext(
        gpu_uuids=(uuid,),
        gpu_count=1,
        output_dir=folder,
        trace_path=folder / TRACE_FILE,
        region="WORLD",
        dcgm_endpoint=None,
        simulation=None,
        synchronise=synchronise,
    )
    zeus, version = _zeus()
    meter = registry.create("nvml", context)
    meter.start()
    try:
        work()
        steps = watch_steps(uuid)
        meter.approach()
        if zeus is not None:
            zeus.begin_window("beside", sync_execution=device == "cuda")
        meter.open("beside_zeus")
        began, passes = time.monotonic(), 0
        while time.monotonic() - began < seconds:
            work()
            passes += 1
        synchronise()
        lasted = time.monotonic() - began
        meter.close()
        theirs = None
        if zeus is not None:
            measured = zeus.end_window("beside", sync_execution=device == "cuda")
            theirs = float(sum(measured.gpu_energy.values()))
        reading = meter.read()
    finally:
        meter.stop()
    return Beside(
        seconds=lasted,
        passes=passes,
        our_joules=reading.gpu_joules,
        our_doubt_joules=reading.gpu_doubt_joules,
        zeus_joules=theirs,
        zeus_version=version,
        steps=steps,
    )


def watch_steps(uuid: str, seconds: float = STEP_SEARCH_SECONDS) -> CounterSteps:
    """Read the counter in quick succession, without our meter, and note when it changes."""
    import pynvml

    pynvml.nvmlInit()
    handle = pynvml.nvmlDeviceGetHandleByUUID(uuid)
    times, doubts = [], []
    last_value, last_at = pynvml.nvmlDeviceGetTotalEnergyConsumption(handle), time.monotonic()
    until = last_at + seconds
    while last_at < until:
        time.sleep(POLL_SECONDS)
        asked_at = time.monotonic()
        value = pynvml.nvmlDeviceGetTotalEnergyConsumption(handle)
        answered_at = time.monotonic()
        if value != last_value:
            times.append((last_at + answered_at) / 2)
            doubts.append((answered_at - last_at) / 2)
        last_value, last_at = value, asked_at
    pynvml.nvmlShutdown()
    intervals = [1000 * (after - before) for before, after in pairwise(times)]
    return CounterSteps(
        steps=len(times),
        period_ms=statistics.median(intervals) if intervals else None,
        shortest_ms=min(intervals, default=None),
        longest_ms=max(intervals, default=None),
        doubt_ms=1000 * statistics.median(doubts) if doubts else None,
    )


def _work(model_id: str, device: str) -> tuple[Callable[[], None], Callable[[], None]]:
    """One generation from a prompt of fixed length, and what waits until it is done."""
    import torch
    from transformers import AutoModelForCausalLM

    load: Any = AutoModelForCausalLM.from_pretrained
    model = load(model_id, dtype=torch.float16 if device == "cuda" else torch.float32)
    model = model.to(device).eval()
    prompt = torch.randint(0, model.config.vocab_size - 2, (1, PROMPT_TOKENS), device=device)

    def work() -> None:
        with torch.inference_mode():
            model.generate(
                prompt,
                attention_mask=torch.ones_like(prompt),
                do_sample=False,
                min_new_tokens=NEW_TOKENS,
                max_new_tokens=NEW_TOKENS,
                pad_token_id=0,
            )

    def synchronise() -> None:
        if device == "cuda":
            torch.cuda.synchronize()

    return work, synchronise


def _zeus() -> tuple[Any, str | None]:
    if importlib.util.find_spec("zeus") is None:
        return None, None
    from importlib.metadata import version

    monitor = importlib.import_module("zeus.monitor")
    return monitor.ZeusMonitor(gpu_indices=[0], cpu_indices=[]), version("zeus")


def read(folder: Path) -> Beside:
    stored = json.loads((folder / RESULT_FILE).read_text())
    return Beside(**{**stored, "steps": CounterSteps(**stored["steps"])})


def main(arguments: list[str]) -> int:
    model_id, device, seconds, uuid, folder = arguments
    found = measure(model_id, device, float(seconds), uuid, Path(folder))
    (Path(folder) / RESULT_FILE).write_text(json.dumps(asdict(found), indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
