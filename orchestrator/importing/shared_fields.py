"""Fields that several formats have, under names of their own, and the traps they share."""

from collections.abc import Iterator
from dataclasses import dataclass

from benchmark_core.report.imported import Finding
from benchmark_core.report.spread import Spread
from orchestrator.catalog_cells import CellError
from orchestrator.importing.fields import Fields, read_model_name
from orchestrator.importing.told_run import Given


@dataclass(frozen=True)
class Counts:
    """Prompts and tokens of one pass; None where the source has 0 for all of them."""

    total_prompts: int | None
    successful_prompts: int | None
    failed_prompts: int | None
    prompt_tokens: int | None
    completion_tokens: int | None
    notes: tuple[str, ...] = ()


def read_counts(fields: Fields, prefix: str = "") -> Counts:
    """A pass over no prompts was none, and no tokens at all were not counted."""
    total = fields.count(f"{prefix}total_prompts") or None
    successful = fields.count(f"{prefix}successful_prompts")
    failed = fields.count(f"{prefix}failed_prompts")
    if total and None not in (successful, failed) and (successful or 0) + (failed or 0) != total:
        fields.refuse(
            f"{prefix}total_prompts", f"{total} is not {successful} successful and {failed} failed"
        )
    tokens = fields.count(f"{prefix}total_tokens")
    prompt = fields.count(f"{prefix}total_prompt_tokens") or None
    completion = fields.count(f"{prefix}total_completion_tokens")
    if completion == 0 and not prompt:
        completion = None
    notes: tuple[str, ...] = ()
    if tokens and completion is not None and tokens != (prompt or 0) + completion:
        notes = (
            f"its {tokens} tokens in all are not its {prompt or 0} of prompts and {completion}"
            " generated; the two are taken",
        )
    return Counts(
        total_prompts=total,
        successful_prompts=successful if total else None,
        failed_prompts=failed if total else None,
        prompt_tokens=prompt,
        completion_tokens=completion,
        notes=notes,
    )


def read_gpu_energy(
    fields: Fields, name: str, fault: str | None = None, wh_per_unit: float = 1.0
) -> tuple[Spread | None, tuple[Finding, ...]]:
    """GPU energy in Wh; without one, the finding that says why. `fault`: the meter's own words."""
    value = fields.signed(name)
    if fault:
        message = f"its meter had failed: {fault}"
        return None, (Finding(reason="gpu_energy_not_measured", message=message),)
    if value is None:
        return None, (Finding(reason="gpu_energy_not_measured", message=f"it has no {name}"),)
    if value == 0:
        message = f"{name} is 0, which stands for not measured"
        return None, (Finding(reason="gpu_energy_not_measured", message=message),)
    if value < 0:
        message = f"{name} is {value:.6g}, which no work can have"
        return None, (Finding(reason="phase_not_positive", message=message),)
    return Spread(mean=value * wh_per_unit, stdev=None), ()


def read_model(fields: Fields, name: str, given: Given) -> str | None:
    """The model's id; what is none, such as a folder, gives way to the user's word."""
    text = fields.text(name)
    if given.model_id and text:
        try:
            return read_model_name(text)
        except CellError:
            return given.model_id
    return fields.read(name, read_model_name)


def carbon_notes(grams: float | None) -> Iterator[str]:
    if grams:
        yield f"its own CO2 figure, {grams:.6g} g, is by a factor of its own and not taken over"
