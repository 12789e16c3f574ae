"""Rows of a catalog that may be run as they stand, and yet are hardly what their author meant."""

from collections.abc import Iterator, Sequence

from benchmark_core.contract import ReasoningRequest
from benchmark_core.reasoning.families import Family, family_of
from benchmark_core.reasoning.resolution import missing_level, resolve
from benchmark_core.reasoning.states import parse_state
from benchmark_core.tasks import registry as tasks
from orchestrator.catalog import ModelConfig, shown
from orchestrator.catalog_note import settings_of_note
from orchestrator.errors import Problem


def lint_configs(configs: Sequence[ModelConfig], file: str) -> Iterator[Problem]:
    """Every doubt about the rows, in their order; some speak of two rows."""
    first_class: dict[str, ModelConfig] = {}
    first_like: dict[tuple[object, ...], ModelConfig] = {}
    for row in configs:
        where = f"{file}, line {row.line}"
        if not tasks.get(row.task).has_classes:
            if row.model_class is not None:
                what = f"class {row.model_class} on a {row.task} row has no meaning"
                yield Problem(f"{where}, column Class", what, "Leave the class empty.")
            continue
        earlier = first_class.setdefault(row.model_id, row)
        if earlier.model_class != row.model_class:
            what = (
                f"{row.model_id} is in class {row.model_class} here"
                f" and in class {earlier.model_class} in line {earlier.line}"
            )
            yield Problem(f"{where}, column Class", what, "Give a model one class.")
        if row.reasoning_state is None:
            continue
        request = parse_state(row.reasoning_state)
        twin = first_like.setdefault(_meaning(row, request), row)
        if twin is not row:
            what = f"{shown(row.reasoning_state)} asks for the same run as line {twin.line}"
            both = f"{row.reasoning_state} and {twin.reasoning_state} mean the same here"
            remedy = f"{both}. Keep one of the rows."
            yield Problem(f"{where}, column Reasoning State", what, remedy)
        yield from _about_reasoning(row, request, where)


def _meaning(row: ModelConfig, request: ReasoningRequest) -> tuple[object, ...]:
    """Equal for rows that differ in the wording of their state alone."""
    family = family_of(row.model_id)
    plain_level = family.plain_level if family and request.thinking else None
    level = request.effort or plain_level
    return (row.model_id, row.revision, row.quantization, request.thinking, level)


def _about_reasoning(row: ModelConfig, request: ReasoningRequest, where: str) -> Iterator[Problem]:
    """What the table of families says against the row; of other models nothing is known here."""
    family = family_of(row.model_id)
    contradiction = _contradiction(row.model_id, request, family) if family else None
    if contradiction is not None:
        yield Problem(f"{where}, column Reasoning State", *contradiction)
    for what in _contradictions_of_note(row, request, family):
        remedy = "The state decides; correct the note, or the state."
        yield Problem(f"{where}, column Chat Template", what, remedy)


def _contradiction(model: str, request: ReasoningRequest, family: Family) -> tuple[str, str] | None:
    """What is wrong with the state and the remedy, None where the model can be told so."""
    state, effective = shown(request.state), resolve(request, family).effective
    if objection := missing_level(request, family):
        return f"{model}: {objection}; the row is skipped", "Write On."
    if request.thinking and effective == "none":
        what = f"{state}, and {model} cannot reason: it gets ten tokens, and is labelled so"
        return what, "Write Off (N/A)."
    if not request.thinking and effective == "on":
        what = (
            f"{state}, and {model} cannot stop reasoning: it gets the prompt of On, and its ten"
            " tokens are reasoning. The row is run, and labelled as not enforced"
        )
        return what, "Write On, or keep the row for the cost of ten tokens alone."
    if effective == "unforced":
        what = f"{state}, and nothing in the prompt keeps {model} from reasoning"
        return what, "Write On; or keep the row, which is labelled as not enforced."
    if request.state.endswith("(N/A)") and family.ways and family.unswitched == "on":
        what = f"{state}, and {model} has a switch and reasons unless told not to; it is told so"
        return what, "Write Off."
    return None


def _contradictions_of_note(
    row: ModelConfig, request: ReasoningRequest, family: Family | None
) -> Iterator[str]:
    """Settings that the note names as such, against the state and the family. Prose is prose."""
    for name, value in settings_of_note(row.chat_template).items():
        if name == "reasoning_effort":
            if value != request.effort:
                yield f"the note says {name} {value}, and the state is {shown(request.state)}"
        elif value is not request.thinking:
            yield f"the note says {name} {value}, and the state is {shown(request.state)}"
        if family is not None and name not in ("reasoning", *_variables(family)):
            yield f"the note names {name}, which does nothing to the prompts of {row.model_id}"


def _variables(family: Family) -> set[str]:
    """The template variables by which the family is switched."""
    sides = [side for way in family.ways for side in (way.on, way.off) if side]
    names = {name for side in sides for name in side.kwargs}
    return names | {family.level_switch} if family.level_switch else names
