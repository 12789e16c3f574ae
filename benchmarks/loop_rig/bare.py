"""The bare loop: the Auto classes, the inputs prepared beforehand, and nothing else around them.

It knows no benchmark, neither ours nor another, and runs in the environment of either.
"""

import time
from collections.abc import Callable, Sequence
from typing import Any

from benchmarks.loop_rig.job import TIMES, Job, image_files, read_texts

WARM_UP_REPEATS = 10
SEED = 0

Call = Callable[[dict[str, Any]], Any]


def measure(job: Job, count: int) -> TIMES:
    """Load the model, prepare `count` samples, warm up as the benchmarks do, time each pass."""
    import torch
    import transformers

    transformers.set_seed(SEED)
    inputs, long, short, passes = _LOADERS[job.task](job, count)
    with torch.inference_mode():
        if long is not None:
            long(inputs[0])
        for _ in range(WARM_UP_REPEATS):
            short(inputs[0])
        return {name: _seconds(call, inputs) for name, call in passes.items()}


def _seconds(call: Call, inputs: Sequence[dict[str, Any]]) -> float:
    began = time.perf_counter()
    for one in inputs:
        call(one)
    return time.perf_counter() - began


Loaded = tuple[list[dict[str, Any]], Call | None, Call, dict[str, Call]]
"""The inputs, the long call and the short one of a warm-up, and the calls of the passes."""


def _text_generation(job: Job, count: int) -> Loaded:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    dtype = getattr(torch, job.precision)
    tokenizer = AutoTokenizer.from_pretrained(job.model)
    make: Any = AutoModelForCausalLM
    model = make.from_pretrained(job.model, dtype=dtype).eval()
    inputs = [
        dict(tokenizer(text, return_tensors="pt", return_token_type_ids=False))
        for text in read_texts(job, count)
    ]

    def generating(tokens: int) -> Call:
        return lambda one: model.generate(
            **one,
            max_new_tokens=tokens,
            min_new_tokens=tokens,
            do_sample=False,
            num_beams=1,
            use_cache=True,
        )

    long = generating(job.new_tokens or 1)
    return inputs, long, generating(2), {"prefill": generating(1), "generate": long}


def _text_classification(job: Job, count: int) -> Loaded:
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    dtype = getattr(torch, job.precision)
    tokenizer = AutoTokenizer.from_pretrained(job.model)
    make: Any = AutoModelForSequenceClassification
    model = make.from_pretrained(job.model, dtype=dtype).eval()
    inputs = [dict(tokenizer(text, return_tensors="pt")) for text in read_texts(job, count)]
    return _forward(model, inputs)


def _image_classification(job: Job, count: int) -> Loaded:
    import torch
    from PIL import Image
    from transformers import AutoImageProcessor, AutoModelForImageClassification

    dtype = getattr(torch, job.precision)
    make_processor: Any = AutoImageProcessor
    make: Any = AutoModelForImageClassification
    processor = make_processor.from_pretrained(job.model)
    model = make.from_pretrained(job.model, dtype=dtype).eval()
    inputs = []
    for file in image_files(job, count):
        with Image.open(file) as image:
            inputs.append(dict(processor(image.convert("RGB"), return_tensors="pt")))
    return _forward(model, inputs)


def _forward(model: Any, inputs: list[dict[str, Any]]) -> Loaded:
    def call(one: dict[str, Any]) -> Any:
        return model(**one)

    return inputs, None, call, {"forward": call}


def _image_generation(job: Job, count: int) -> Loaded:
    from diffusers import AutoPipelineForText2Image

    make: Any = AutoPipelineForText2Image
    pipeline = make.from_pretrained(job.model)
    pipeline.set_progress_bar_config(disable=True)
    inputs = [{"prompt": text} for text in read_texts(job, count)]

    def drawing(steps: int) -> Call:
        return lambda one: pipeline(**one, num_inference_steps=steps, num_images_per_prompt=1)

    long = drawing(job.steps or 1)
    return inputs, long, drawing(2), {"call": long}


_LOADERS: dict[str, Callable[[Job, int], Loaded]] = {
    "text_generation": _text_generation,
    "text_classification": _text_classification,
    "image_classification": _image_classification,
    "image_generation": _image_generation,
}
