"""What optimum-benchmark cannot do of what rows ask. Pure: the host asks it when it plans."""

from benchmark_core.backend_facts import BACKEND_FACTS
from benchmark_core.contract import RunSpec, TaskName, TokenLimits
from benchmark_core.faults import SpecFault
from benchmark_core.tasks import registry as tasks

METERS = BACKEND_FACTS["optimum"].meters_on_gpus


def objection(
    task: TaskName, limits: TokenLimits | None, quantization: str | None, batch_size: int = 1
) -> str | None:
    """Why a row of these settings cannot be run; None where it can be."""
    if any(column.media == "audio" for column in tasks.get(task).columns):
        return (
            "optimum-benchmark decodes sounds with torchcodec, which this program does without,"
            f" and the task is {task}"
        )
    if limits is not None and limits.max_new_tokens != limits.min_new_tokens:
        return (
            "optimum-benchmark generates a fixed number of tokens from the bare text, and the row"
            " reasons"
        )
    if quantization:
        return "optimum-benchmark takes a checkpoint as it is, and the row names a quantization"
    if batch_size != 1:
        return f"the samples are run one by one, and the spec asks for batches of {batch_size}"
    return None


def refuse_impossible(spec: RunSpec) -> None:
    """Raises SpecFault for what the host leaves out of its plans."""
    why = objection(spec.task, spec.limits, spec.model.quantization, spec.batch_size)
    if why is None and spec.device.kind == "simulated":
        why = "a simulated device is for the simulated backend"
    if why is not None:
        raise SpecFault(why, "Measure the row with the pytorch backend.")
    if spec.meters != METERS:
        raise SpecFault(
            "optimum-benchmark measures by itself, with CodeCarbon, and the spec asks for the"
            f" meters {', '.join(spec.meters) or 'none'}",
            f"Ask for {METERS[0]} alone.",
        )
