"""What is doubtful about a row: where, of which model, and what its author can do."""

import pytest

from orchestrator.catalog import ModelConfig
from orchestrator.catalog_lint import lint_configs

HYBRID, LEVELS, BY_THINKING = (
    "Qwen/Qwen3-0.6B",
    "openai/gpt-oss-20b",
    "deepseek-ai/DeepSeek-V3.2-Exp",
)
ALWAYS_ON, NEVER = "deepseek-ai/DeepSeek-R1", "google/gemma-3-1b-it"
OPT_IN, DEFAULT_ON = "LGAI-EXAONE/EXAONE-4.0-32B", "zai-org/GLM-4.6"
BY_SYSTEM_FLAG = "nvidia/Llama-3_3-Nemotron-Super-49B-v1_5"
BY_FILE, STRANGER = "mistralai/Magistral-Small-2507", "org/model"


def row(model_id, state="On", note="", **fields):
    given = {"priority": 1, "model_class": "A", "task": "text_generation", "line": 7, **fields}
    return ModelConfig(model_id=model_id, reasoning_state=state, chat_template=note, **given)


def doubts(*rows):
    """Each as where it is, what it says and what to do; the file's name is left out of where."""
    found = list(lint_configs(rows, "m.csv"))
    assert all(problem.where.startswith("m.csv, ") for problem in found)
    return [
        (problem.where.removeprefix("m.csv, "), problem.what, problem.remedy) for problem in found
    ]


@pytest.mark.parametrize(
    ("model", "state", "what", "remedy"),
    [
        (ALWAYS_ON, "Off", "cannot stop reasoning", "Write On, or keep the row"),
        (LEVELS, "Off (N/A)", "cannot stop reasoning", "Write On, or keep the row"),
        (NEVER, "On", "cannot reason: it gets ten tokens", "Write Off (N/A)."),
        (NEVER, "On (High)", "cannot reason: it gets ten tokens", "Write Off (N/A)."),
        (BY_FILE, "Off (N/A)", "nothing in the prompt keeps", "Write On; or keep the row"),
        (BY_FILE, "Off", "nothing in the prompt keeps", "Write On; or keep the row"),
        (DEFAULT_ON, "Off (N/A)", "has a switch and reasons unless told not to", "Write Off."),
        (BY_SYSTEM_FLAG, "Off (N/A)", "has a switch and reasons unless told not to", "Write Off."),
        (HYBRID, "On (High)", "asks for effort high, and the model has no levels", "Write On."),
        (ALWAYS_ON, "On (Low)", "asks for effort low, and the model has no levels", "Write On."),
    ],
)
def test_a_state_that_the_model_cannot_have(model, state, what, remedy):
    ((where, found, told),) = doubts(row(model, state))
    assert where == "line 7, column Reasoning State"
    assert f"'{state}'" in found
    assert model in found
    assert what in found
    assert told.startswith(remedy)


@pytest.mark.parametrize(
    ("model", "state"),
    [
        (HYBRID, "On"),
        (HYBRID, "Off"),
        (LEVELS, "On"),
        (LEVELS, "On (High)"),
        (LEVELS, "On (Medium)"),
        (LEVELS, "On (Low)"),
        (ALWAYS_ON, "On"),
        (NEVER, "Off (N/A)"),
        (NEVER, "Off"),
        (OPT_IN, "On"),
        (OPT_IN, "Off"),
        (OPT_IN, "Off (N/A)"),
        (DEFAULT_ON, "Off"),
        (BY_FILE, "On"),
        (BY_SYSTEM_FLAG, "Off"),
        (STRANGER, "On"),
        (STRANGER, "On (High)"),
        (STRANGER, "Off"),
        (STRANGER, "Off (N/A)"),
    ],
)
def test_a_state_that_the_model_can_have_or_of_which_nothing_is_known(model, state):
    assert doubts(row(model, state)) == []


@pytest.mark.parametrize(
    ("model", "state", "note", "what"),
    [
        (HYBRID, "Off", "enable_thinking=True", "enable_thinking True, and the state is 'Off'"),
        (HYBRID, "On", "enable_thinking: false", "enable_thinking False, and the state is 'On'"),
        (HYBRID, "On", "reasoning: False", "reasoning False, and the state is 'On'"),
        (
            LEVELS,
            "On (High)",
            "reasoning: True\nreasoning_params:\n  reasoning_effort: low",
            "reasoning_effort low, and the state is 'On (High)'",
        ),
        (LEVELS, "On", "reasoning_effort: high", "reasoning_effort high, and the state is 'On'"),
        (STRANGER, "Off", "thinking: True", "thinking True, and the state is 'Off'"),
        (STRANGER, "On", "reasoning_effort: low", "reasoning_effort low, and the state is 'On'"),
    ],
)
def test_a_note_that_says_another_state_than_the_state(model, state, note, what):
    (doubt,) = doubts(row(model, state, note))
    assert doubt == (
        "line 7, column Chat Template",
        f"the note says {what}",
        "The state decides; correct the note, or the state.",
    )


@pytest.mark.parametrize(
    ("model", "state", "note", "name"),
    [
        (ALWAYS_ON, "On", "enable_thinking=True", "enable_thinking"),
        (BY_THINKING, "On", "enable_thinking=True", "enable_thinking"),
        (HYBRID, "On", "thinking=True", "thinking"),
        (BY_SYSTEM_FLAG, "On", "enable_thinking=True", "enable_thinking"),
        (LEVELS, "On (Low)", "enable_thinking=True\nreasoning_effort=low", "enable_thinking"),
    ],
)
def test_a_note_that_names_a_variable_without_effect(model, state, note, name):
    (doubt,) = doubts(row(model, state, note))
    assert doubt == (
        "line 7, column Chat Template",
        f"the note names {name}, which does nothing to the prompts of {model}",
        "The state decides; correct the note, or the state.",
    )


@pytest.mark.parametrize(
    ("model", "state", "note"),
    [
        (HYBRID, "Off", "enable_thinking=False"),
        (HYBRID, "On", "reasoning: True\n"),
        (BY_THINKING, "Off (N/A)", "thinking: False"),
        (LEVELS, "On (High)", "reasoning: True\n  reasoning_params:\n    reasoning_effort: high"),
        (ALWAYS_ON, "On", "reasoning: True"),
        (STRANGER, "On", "enable_thinking=True"),
        (STRANGER, "On (Low)", "reasoning_effort: low"),
    ],
)
def test_a_note_that_agrees_with_its_row(model, state, note):
    assert doubts(row(model, state, note)) == []


@pytest.mark.parametrize(
    "prose",
    [
        "Thinking Mode: Prepend input with <think>.",
        "It supports only thinking mode, and puts <think> itself; the output has </think> alone.",
        "It supports only non-thinking mode and generates no <think></think> blocks.",
        "Reasoning OFF Mode: /no_think in the system prompt.",
        "enable_thinking true would switch it on.",
        "N/A (default)",
        "default",
    ],
)
@pytest.mark.parametrize("state", ["On", "Off"])
def test_prose_is_compared_with_nothing(prose, state):
    assert doubts(row(HYBRID, state, prose)) == []


def test_several_doubts_about_one_row_are_told_in_the_order_of_its_columns():
    found = doubts(row(ALWAYS_ON, "Off", "enable_thinking=True"))
    assert [where for where, _, _ in found] == [
        "line 7, column Reasoning State",
        "line 7, column Chat Template",
        "line 7, column Chat Template",
    ]


def test_rows_that_contradict_each_other():
    found = doubts(
        row("a/one", "Off", line=2),
        row("a/one", "Off (N/A)", line=3, model_class="B"),
        row("a/picture", None, line=4, task="image_generation"),
        row("a/one", "On", line=5),
    )
    assert [where for where, _, _ in found] == [
        "line 3, column Class",
        "line 3, column Reasoning State",
        "line 4, column Class",
    ]
    assert "class A in line 2" in found[0][1]
    assert "the same run as line 2" in found[1][1]


def test_a_plain_on_beside_the_level_that_it_takes_is_a_double():
    found = doubts(
        row(LEVELS, "On (Medium)", line=2),
        row(LEVELS, "On", line=3),
        row(LEVELS, "On (Low)", line=4),
    )
    ((where, what, remedy),) = found
    assert where == "line 3, column Reasoning State"
    assert what == "'On' asks for the same run as line 2"
    assert remedy == "On and On (Medium) mean the same here. Keep one of the rows."


def test_nothing_is_said_of_tasks_without_reasoning():
    picture = row(
        ALWAYS_ON, None, "enable_thinking=True", model_class=None, task="image_generation"
    )
    assert doubts(picture) == []
