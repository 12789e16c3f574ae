"""What the flags of the import say of all runs, read as a catalog's cells are."""

from collections.abc import Callable
from typing import TypeVar

from benchmark_core.contract import ModelClass
from orchestrator.catalog_cells import CellError, read_state, read_task
from orchestrator.errors import Problem, UsageError
from orchestrator.importing.fields import read_model_name
from orchestrator.importing.told_run import Given

Read = TypeVar("Read")


def given_by(
    model: str | None,
    model_class: ModelClass | None,
    task: str | None,
    reasoning_state: str | None,
    samples: int | None,
) -> Given:
    """The flags' meaning.

    Raises:
        UsageError: a flag names nothing that exists; all such flags are named.
    """
    problems: list[Problem] = []

    def read(flag: str, text: str | None, reader: Callable[[str], Read]) -> Read | None:
        if text is None:
            return None
        if not text.strip():
            problems.append(Problem(flag, "the value is empty", "Give one, or leave it out."))
            return None
        try:
            return reader(text.strip())
        except CellError as error:
            problems.append(Problem(flag, error.what, error.remedy))
            return None

    given = Given(
        model_id=read("--model", model, read_model_name),
        model_class=model_class,
        task=read("--task", task, read_task),
        reasoning_state=read("--reasoning-state", reasoning_state, read_state),
        samples=samples,
    )
    if problems:
        raise UsageError(*problems)
    return given
