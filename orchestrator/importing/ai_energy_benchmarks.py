"""Reports of ai_energy_benchmarks: `config`, `summary` and `energy` of one pass over the prompts.

What looks like a carbon intensity in there is kilograms per second, its throughput counts the
prompts' tokens too, and 0 stands for what was not measured: none of these is taken over.
"""

from typing import Final, cast, get_args

from benchmark_core.contract import BackendName, DeviceKind
from benchmark_core.report.imported import ImportFormat
from orchestrator.errors import UsageError
from orchestrator.importing.fields import Fields
from orchestrator.importing.shared_fields import (
    carbon_notes,
    read_counts,
    read_gpu_energy,
    read_model,
)
from orchestrator.importing.source_file import Source
from orchestrator.importing.told_run import Given, ToldRun

NAME: Final[ImportFormat] = "ai_energy_benchmarks"
KNOWN_BY: Final = "a JSON object with the parts summary and energy"
SCOPE: Final = (
    "one pass over the prompts, whole answers; it is not split into phases, and whether loading"
    " the model is in it is not told"
)
SECTIONS: Final = ("config", "summary", "energy", "backend_info")
SAME_SHARE = 1e-3
"""How far two figures for one energy may be apart by rounding."""


def recognises(source: Source) -> bool:
    content = source.content
    return isinstance(content, dict) and "summary" in content and "energy" in content


def read(source: Source, given: Given) -> list[ToldRun]:
    """The one run of the report.

    Raises:
        UsageError: a field is not what it has to be; the message names it.
    """
    fields = Fields.of_sections(str(source.path), source.content, SECTIONS)
    counts = read_counts(fields, "summary.")
    gpu_wh, findings = read_gpu_energy(fields, "energy.gpu_energy_wh", fields.text("energy.error"))
    _refuse_two_energies(fields)
    told = ToldRun(
        format=NAME,
        source=source,
        scope=SCOPE,
        excerpt=source.text,
        model_id=read_model(fields, "config.model", given),
        backend=_backend(fields.remark("config.backend")),
        device=_device(fields.remark("backend_info.device")),
        gpu_name=fields.remark("backend_info.gpu_model"),
        total_prompts=counts.total_prompts,
        successful_prompts=counts.successful_prompts,
        failed_prompts=counts.failed_prompts,
        prompt_tokens=counts.prompt_tokens,
        completion_tokens=counts.completion_tokens,
        duration_seconds=fields.measured("summary.total_duration_seconds"),
        energy_seconds=fields.measured("energy.duration_seconds"),
        latency_seconds=fields.measured("summary.avg_latency_seconds"),
        first_token_seconds=fields.measured("summary.avg_time_to_first_token"),
        gpu_wh=gpu_wh,
        cpu_wh=fields.measured("energy.cpu_energy_wh"),
        ram_wh=fields.measured("energy.ram_energy_wh"),
        repetitions=1,
        finished_at=fields.time("timestamp"),
        findings=findings,
        notes=(*counts.notes, *carbon_notes(fields.amount("energy.emissions_g_co2eq"))),
    )
    if fields.problems:
        raise UsageError(*fields.problems)
    return [told]


def _refuse_two_energies(fields: Fields) -> None:
    """The report has its GPU energy in Wh and in kWh; a file where they differ was edited."""
    wh, kwh = fields.signed("energy.gpu_energy_wh"), fields.signed("energy.gpu_energy_kwh")
    if wh is None or kwh is None:
        return
    if abs(wh - 1000 * kwh) > SAME_SHARE * abs(wh):
        what = f"{wh:.6g} Wh is not the {kwh:.6g} kWh of energy.gpu_energy_kwh"
        fields.refuse("energy.gpu_energy_wh", what)


def _backend(text: str | None) -> BackendName | None:
    return cast("BackendName", text) if text in get_args(BackendName) else None


def _device(text: str | None) -> DeviceKind | None:
    kind = (text or "").partition(":")[0]
    return cast("DeviceKind", kind) if kind in get_args(DeviceKind) else None
