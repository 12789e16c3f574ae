"""The tasks that are built."""

from benchmark_core.contract import TaskName
from benchmark_core.faults import SpecFault
from benchmark_core.tasks.base import Task
from benchmark_core.tasks.text_generation import TextGeneration

TASKS: dict[TaskName, Task] = {"text_generation": TextGeneration()}


def supported(name: str) -> bool:
    return name in TASKS


def get(name: TaskName) -> Task:
    """The task of that name.

    Raises:
        SpecFault: this version does not run it.
    """
    if name not in TASKS:
        raise SpecFault(
            f"the task {name} is not supported by this version",
            f"Supported: {', '.join(TASKS)}. Leave the row out.",
        )
    return TASKS[name]
