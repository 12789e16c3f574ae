"""Reasoning that the spec of a run folder leaves open, filled in from the command line."""

from collections.abc import Sequence
from pathlib import Path

from benchmark_core.atomic_file import write_text
from benchmark_core.contract import SPEC_FILE, Effort, ReasoningRequest, RunSpec
from benchmark_core.direct.overrides import parse_overrides
from benchmark_core.documents import ContractError
from benchmark_core.faults import SpecFault
from benchmark_core.reasoning.resolution import reasons
from benchmark_core.tasks import registry as tasks


def complete(folder: Path, overrides: Sequence[str]) -> None:
    """Write what the overrides ask for into the spec, so that the folder tells what was asked.

    Raises:
        SpecFault: the overrides mean nothing, the spec is unusable, or states reasoning itself.
    """
    request = parse_overrides(overrides)
    if request is None:
        return
    try:
        spec = RunSpec.read(folder / SPEC_FILE)
    except ContractError as error:
        raise SpecFault(str(error), f"Give a folder that holds a valid {SPEC_FILE}.") from error
    stated = spec.reasoning
    if stated is None:
        limits = tasks.get(spec.task).limits(reasons(spec.model.id, request))
        completed = spec.model_copy(update={"reasoning": request, "limits": limits})
        write_text(folder / SPEC_FILE, completed.to_json())
    elif _meaning(stated) != _meaning(request):
        raise SpecFault(
            f"{SPEC_FILE} says {stated.state!r}, and the command line {request.state!r}",
            "The run is named after its spec: leave the overrides out, or use another folder.",
        )


def _meaning(request: ReasoningRequest) -> tuple[bool, Effort | None]:
    return request.thinking, request.effort
