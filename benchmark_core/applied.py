"""The settings that were really in force, put together from those who know them."""

from benchmark_core.backends.base import Conditions
from benchmark_core.contract import MeterName
from benchmark_core.recipe import LoadedModel
from benchmark_core.report.applied import Applied
from benchmark_core.samples import LoadedSamples


def applied_settings(
    loaded: LoadedModel,
    conditions: Conditions,
    samples: LoadedSamples,
    meters: tuple[MeterName, ...],
) -> Applied:
    """`conditions` are those of the last pass; `meters` are the ones that ran. No spec is asked."""
    return Applied(
        model_id=loaded.model_id,
        model_commit=loaded.commit,
        kind=loaded.kind,
        processor_commit=loaded.processor_commit,
        processor=loaded.processor,
        dtype=loaded.dtype,
        quantization=loaded.quantization,
        attention=loaded.attention,
        ran_own_code=loaded.ran_own_code,
        device=loaded.device,
        batch_size=conditions.batch_size,
        limits=conditions.limits,
        steps=conditions.steps,
        prompt_form=conditions.prompt_form,
        template_kwargs=conditions.template_kwargs,
        prompts_cut=conditions.prompts_cut,
        samples_available=samples.available,
        samples_used=samples.used,
        dataset_id=samples.dataset_id,
        dataset_commit=samples.dataset_commit,
        prompts_sha256=samples.prompts_sha256,
        folder_sha256=samples.folder_sha256,
        meters=meters,
        gpu_uuids=loaded.gpu_uuids,
        template_sha256=loaded.template_sha256,
        template_day=conditions.template_day,
        seed=loaded.seed,
        server=loaded.server,
        server_processes=loaded.server_processes,
        concurrency=conditions.concurrency,
    )
