"""What a catalog row says, and how rows are chosen from the command line."""

import difflib
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, get_args

from pydantic import Field

from benchmark_core.contract import ModelClass, TaskName
from benchmark_core.documents import Frozen
from benchmark_core.reasoning.states import KNOWN_STATES, ReasoningState
from benchmark_core.tasks import registry as tasks
from orchestrator.errors import Problem, UsageError

# A terminal obeys these, or a reader does not see them.
CONTROL_CHARACTERS: Final = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]"
)

MODEL_CLASSES: Final[tuple[ModelClass, ...]] = get_args(ModelClass)


class ModelConfig(Frozen):
    """One row of the catalog, in canonical spelling. `line` is where the row starts in its file.

    `model_class` is None only where classes do not exist (every task but text generation),
    `reasoning_state` only for tasks without reasoning. `gpus` above one occurs only in class C.
    """

    model_id: str
    priority: int = Field(ge=1)
    model_class: ModelClass | None
    task: TaskName
    reasoning_state: ReasoningState | None
    chat_template: str = ""
    line: int = Field(ge=1)
    revision: str | None = None
    parameters_billion: float | None = Field(default=None, gt=0)
    gpus: int | None = Field(default=None, ge=1)
    processor: str | None = None
    trust_remote_code: bool = False
    quantization: str | None = None


def shown(value: str) -> str:
    """A value of the user's for a message: quoted, ASCII only, at most 60 characters."""
    # Escaping can lengthen a value tenfold, so it is cut before as well as after.
    text = ascii(value[:61])
    return text if len(text) <= 60 else text[:56] + "...'"


# ---------------------------------------------------------------- choosing rows


def filter_configs(
    configs: Iterable[ModelConfig],
    model_name: str | None = None,
    model_class: str | None = None,
    task: str | None = None,
    reasoning_state: str | None = None,
) -> list[ModelConfig]:
    """The rows that pass every filter given, in catalog order.

    `model_name` and `reasoning_state` are looked for anywhere in the id and in the state,
    whatever the case; `model_class` is one class or several ("A,B"); `task` takes any spelling.

    Raises:
        UsageError: a filter is empty or names something unknown, or no row is left.
    """
    chosen = list(configs)
    given = (
        (model_name, _by_name),
        (model_class, _by_class),
        (task, _by_task),
        (reasoning_state, _by_state),
    )
    wanted = [(text, make) for text, make in given if text is not None]
    filters: list[_Filter] = []
    problems: list[Problem] = []
    for text, make in wanted:
        try:
            filters.append(make(text, chosen))
        except UsageError as error:
            problems.extend(error.problems)
    if problems:
        raise UsageError(*problems)
    for index, chosen_by in enumerate(filters):
        left = [config for config in chosen if chosen_by.keeps(config)]
        if not left:
            raise _nothing_left(chosen_by, filters[:index], chosen)
        chosen = left
    return chosen


@dataclass(frozen=True)
class _Filter:
    """A test of one column. `exists` says, for the rows that were left, what could be asked."""

    where: str
    keeps: Callable[[ModelConfig], bool]
    exists: Callable[[Sequence[ModelConfig]], str]


def _by_name(asked: str, _: Sequence[ModelConfig]) -> _Filter:
    flag = "--model-name"
    part = _not_empty(flag, asked).casefold()

    def exists(rows: Sequence[ModelConfig]) -> str:
        return f"Nearest ids: {', '.join(_nearest_ids(part, rows))}"

    return _Filter(f"{flag} {shown(asked)}", lambda row: part in row.model_id.casefold(), exists)


def _by_class(asked: str, rows: Sequence[ModelConfig]) -> _Filter:
    flag = "--class"
    classes = [part.strip().upper() for part in _not_empty(flag, asked).split(",") if part.strip()]
    unknown = [name for name in classes if name not in MODEL_CLASSES]
    if unknown or not classes:
        bad = ", ".join(shown(name) for name in unknown) or shown(asked)
        raise _unknown(flag, asked, f"{bad} is not a class", _existing_classes(rows))
    return _Filter(
        f"{flag} {shown(asked)}", lambda row: row.model_class in classes, _existing_classes
    )


def _by_task(asked: str, rows: Sequence[ModelConfig]) -> _Filter:
    flag = "--task"
    task = tasks.named(_not_empty(flag, asked))
    if task is None:
        raise _unknown(flag, asked, f"{shown(asked)} is not a task", _existing_tasks(rows))
    return _Filter(f"{flag} {shown(asked)}", lambda row: row.task == task, _existing_tasks)


def _by_state(asked: str, _: Sequence[ModelConfig]) -> _Filter:
    flag = "--reasoning-state"
    part = _not_empty(flag, asked).casefold()

    def keeps(row: ModelConfig) -> bool:
        return row.reasoning_state is not None and part in row.reasoning_state.casefold()

    return _Filter(f"{flag} {shown(asked)}", keeps, _existing_states)


def _not_empty(flag: str, asked: str) -> str:
    # An unset shell variable must not turn a choice into the whole catalog.
    if not asked.strip():
        raise UsageError(Problem(flag, "the value is empty", "Give a value or leave the flag out."))
    return asked.strip()


def _unknown(flag: str, asked: str, what: str, exists: str) -> UsageError:
    return UsageError(Problem(f"{flag} {shown(asked)}", what, f"{exists}."))


def _nothing_left(
    chosen_by: _Filter, earlier: Sequence[_Filter], rows: Sequence[ModelConfig]
) -> UsageError:
    source = " and ".join(one.where for one in earlier) or "the catalog"
    what = f"no such row among the {len(rows)} of {source}"
    remedy = f"{chosen_by.exists(rows)}."
    return UsageError(Problem(chosen_by.where, what, remedy))


def _existing_classes(rows: Sequence[ModelConfig]) -> str:
    return _existing("Classes", (row.model_class for row in rows), MODEL_CLASSES)


def _existing_states(rows: Sequence[ModelConfig]) -> str:
    return _existing("Reasoning states", (row.reasoning_state for row in rows), KNOWN_STATES)


def _existing_tasks(rows: Sequence[ModelConfig]) -> str:
    present = {row.task for row in rows}
    there = (tasks.get(name).spellings[0] for name in present)
    return _existing("Tasks", there, tasks.PREFERRED_SPELLINGS)


def _existing(noun: str, values: Iterable[str | None], order: Sequence[str]) -> str:
    present = {value for value in values if value is not None}
    return f"{noun} there: {', '.join(v for v in order if v in present) or 'none'}"


def _nearest_ids(part: str, rows: Sequence[ModelConfig]) -> list[str]:
    """At most five ids, nearest first; a part is compared with the name as well as the whole id."""

    def likeness(model_id: str) -> float:
        forms = (model_id.casefold(), model_id.casefold().partition("/")[2])
        return max(difflib.SequenceMatcher(None, part[:200], form).ratio() for form in forms)

    ids = dict.fromkeys(row.model_id for row in rows)
    return sorted(ids, key=likeness, reverse=True)[:5] or ["none"]
