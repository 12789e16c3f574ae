"""The meaning of single catalog cells, and the rules that tie the cells of a row together."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, cast
from urllib.parse import urlsplit

from benchmark_core.contract import ModelClass, TaskName
from benchmark_core.faults import SpecFault
from benchmark_core.reasoning.states import KNOWN_STATES, ReasoningState, parse_state
from benchmark_core.tasks import registry as tasks
from orchestrator import catalog_table as columns
from orchestrator.catalog import (
    CONTROL_CHARACTERS,
    MODEL_CLASSES,
    shown,
)

_HUB_HOSTS: Final = {"huggingface.co", "www.huggingface.co", "hf.co"}
_HUB_ADDRESS: Final = re.compile(r"(?:https?://|(?:www\.)?huggingface\.co/|hf\.co/)", re.IGNORECASE)
_ID_PART: Final = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?")
_ID_PART_LENGTH: Final = 96
_REVISION: Final = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_./-]{0,253}[A-Za-z0-9_])?")
_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}")
_COUNT: Final = re.compile(r"0{0,9}[1-9][0-9]{0,5}")
_DECIMAL: Final = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9})?")
_ID_EXAMPLE: Final = "Write org/name as on the Hub, for example bigscience/bloom-560m"


class CellError(Exception):
    """A cell that means nothing: what is wrong with it, and the remedy."""

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy


def read_model_id(cell: str) -> str:
    """`org/name` from an id or from the address of a model's page on the Hub."""
    if not cell:
        raise CellError("the cell is empty", f"{_ID_EXAMPLE}.")
    if CONTROL_CHARACTERS.search(cell):
        what = f"{shown(cell)} contains control or invisible characters"
        raise CellError(what, "Type the id again, without line breaks.")
    parts = _parts_of_address(cell) if _HUB_ADDRESS.match(cell) else cell.split("/")
    if len(parts) != 2 or not all(parts):
        raise CellError(f"{shown(cell)} is not of the form org/name", f"{_ID_EXAMPLE}.")
    for part in parts:
        _refuse_id_part(part, cell)
    return "/".join(parts)


def _refuse_id_part(part: str, cell: str) -> None:
    """Raises where the Hub has no such organisation or model name."""
    if ".." in part or "--" in part:
        twice = ".." if ".." in part else "--"
        raise CellError(f"{shown(cell)} contains {twice!r}, which no id has", f"{_ID_EXAMPLE}.")
    if len(part) > _ID_PART_LENGTH:
        what = f"{shown(cell)} has a part of {len(part)} characters; the Hub allows 96"
        raise CellError(what, f"{_ID_EXAMPLE}.")
    if not _ID_PART.fullmatch(part):
        what = f"{shown(cell)} is no id that the Hub allows"
        remedy = (
            "Ids have letters, digits, '.', '-' and '_', and neither begin nor end with '.' or '-'."
        )
        raise CellError(what, remedy)
    if part.lower().endswith(".git"):
        raise CellError(f"{shown(cell)} ends with .git", "Leave .git out.")


def _parts_of_address(cell: str) -> list[str]:
    """Organisation and name; more or fewer parts mean that the address names no model."""
    try:
        address = urlsplit(cell if "://" in cell else f"https://{cell}")
        host = address.hostname
    except ValueError as error:
        raise CellError(f"{shown(cell)} is no valid address", f"{_ID_EXAMPLE}.") from error
    if host not in _HUB_HOSTS:
        what = f"{shown(cell)} is not an address at huggingface.co"
        raise CellError(what, f"{_ID_EXAMPLE}.")
    parts = address.path.strip("/").split("/")
    if parts[0] in ("datasets", "spaces", "collections", "papers"):
        what = f"{shown(cell)} is the address of something else than a model"
        raise CellError(what, "Copy the address of the model's page.")
    if len(parts) > 3 and parts[2] in ("tree", "blob", "resolve"):
        if parts[3] != "main":
            what = f"{shown(cell)} names revision {shown(parts[3])} inside the address"
            raise CellError(what, "Write the id here and the revision in the column 'Revision'.")
        if parts[2] != "tree" or len(parts) == 4:
            return parts[:2]
    return parts


def read_priority(cell: str) -> int:
    if not _COUNT.fullmatch(cell):
        what = f"{shown(cell)} is not a whole number from 1 up" if cell else "the cell is empty"
        raise CellError(what, "Write 1 for the most urgent rows, then 2, 3, and so on.")
    return int(cell)


def read_class(cell: str) -> ModelClass | None:
    """None for an empty cell; whether the row may leave it empty is a rule of the row."""
    if not cell:
        return None
    for model_class in MODEL_CLASSES:
        if cell.upper() == model_class:
            return model_class
    remedy = "Use A, B or C; leave it empty for every task but text generation."
    raise CellError(f"{shown(cell)} is not a class", remedy)


def read_task(cell: str) -> TaskName:
    task = tasks.named(cell)
    if task is None:
        what = f"{shown(cell)} is not a task" if cell else "the cell is empty"
        raise CellError(what, f"Use one of: {', '.join(tasks.PREFERRED_SPELLINGS)}.")
    return task


def read_state(cell: str) -> ReasoningState | None:
    """None for an empty cell; whether the row may leave it empty is a rule of the row."""
    if not cell:
        return None
    try:
        return cast("ReasoningState", parse_state(cell).state)
    except SpecFault as fault:
        raise CellError(f"{shown(cell)} is not a reasoning state", fault.remedy) from fault


def read_note(cell: str) -> str:
    # The same note must compare equal whatever the line ends of its file are.
    return cell.replace("\r\n", "\n").replace("\r", "\n")


def read_revision(cell: str) -> str | None:
    if not cell:
        return None
    if not _REVISION.fullmatch(cell) or ".." in cell:
        what = f"{shown(cell)} cannot be a branch, tag or commit"
        raise CellError(what, "Write the commit's hexadecimal name, or leave it empty.")
    return cell


def read_parameters(cell: str) -> float | None:
    """Billions of parameters."""
    if not cell:
        return None
    if not _DECIMAL.fullmatch(cell) or float(cell) == 0:
        what = f"{shown(cell)} is not a number above 0"
        raise CellError(what, "Write billions of parameters, for example 20.9, or leave it empty.")
    return float(cell)


def read_gpus(cell: str) -> int | None:
    if not cell:
        return None
    if not _COUNT.fullmatch(cell):
        what = f"{shown(cell)} is not a whole number from 1 up"
        raise CellError(what, "Write how many GPUs the run takes, or leave it empty.")
    return int(cell)


def read_processor(cell: str) -> str | None:
    return read_model_id(cell) if cell else None


def read_trust(cell: str) -> bool:
    answers = {"": False, "false": False, "no": False, "true": True, "yes": True}
    answer = answers.get(cell.casefold())
    if answer is None:
        remedy = "Write yes where the model's own code may run, else no or nothing."
        raise CellError(f"{shown(cell)} is neither yes nor no", remedy)
    return answer


def read_quantization(cell: str) -> str | None:
    if not cell:
        return None
    if not _NAME.fullmatch(cell):
        remedy = "Write one word such as gptq, or leave it empty."
        raise CellError(f"{shown(cell)} cannot be the name of a quantization", remedy)
    return cell


# The field of ModelConfig that each column fills, and how its cells are read.
READERS: Final[Mapping[str, tuple[str, Callable[[str], object]]]] = {
    columns.MODEL: ("model_id", read_model_id),
    columns.PRIORITY: ("priority", read_priority),
    columns.CLASS: ("model_class", read_class),
    columns.TASK: ("task", read_task),
    columns.STATE: ("reasoning_state", read_state),
    columns.NOTE: ("chat_template", read_note),
    columns.REVISION: ("revision", read_revision),
    columns.PARAMETERS: ("parameters_billion", read_parameters),
    columns.GPUS: ("gpus", read_gpus),
    columns.PROCESSOR: ("processor", read_processor),
    columns.TRUST: ("trust_remote_code", read_trust),
    columns.QUANTIZATION: ("quantization", read_quantization),
}


def refused_combinations(fields: Mapping[str, Any]) -> Iterator[tuple[str, CellError]]:
    """Cells that are fine alone and wrong together, each with its column.

    `fields` lacks what could not be read; no rule speaks of a field that is not there.
    """
    task = fields.get("task")
    if task is None:
        return
    state, facts = fields.get("reasoning_state"), tasks.get(task)
    if facts.has_classes and "model_class" in fields and fields["model_class"] is None:
        remedy = "Use A, B or C."
        yield columns.CLASS, CellError("a text generation row needs a class", remedy)
    if facts.can_reason and "reasoning_state" in fields and state is None:
        remedy = f"Use one of: {', '.join(KNOWN_STATES)}."
        yield columns.STATE, CellError("a text generation row needs a reasoning state", remedy)
    if not facts.can_reason and state is not None and state.startswith("On"):
        what = f"{shown(state)} on a row of the task {task}, which has no reasoning"
        yield columns.STATE, CellError(what, "Leave the state empty.")
    gpus = fields.get("gpus")
    if (
        gpus is not None
        and gpus > 1
        and (not facts.has_classes or fields.get("model_class") in ("A", "B"))
    ):
        what = f"{gpus} GPUs, but classes A and B and all other tasks run on exactly one"
        yield columns.GPUS, CellError(what, "Write 1 or nothing, or correct the class.")
