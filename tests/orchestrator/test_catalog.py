from typing import get_args

import pytest

from benchmark_core.contract import TaskName
from benchmark_core.tasks import registry as tasks
from orchestrator.catalog import ModelConfig, filter_configs, shown
from orchestrator.errors import UsageError


def row(
    model_id: str,
    model_class: str | None = "A",
    state: str | None = "On",
    task: str = "text_generation",
    line: int = 2,
) -> ModelConfig:
    return ModelConfig.model_validate(
        {
            "model_id": model_id,
            "priority": 1,
            "model_class": model_class,
            "task": task,
            "reasoning_state": state,
            "line": line,
        }
    )


CATALOG = [
    row("openai/gpt-oss-20b", "B", "On (High)"),
    row("openai/gpt-oss-20b", "B", "On (Low)"),
    row("openai/gpt-oss-120b", "C", "On (High)"),
    row("google/gemma-3-4b-pt", "A", "Off (N/A)"),
    row("Qwen/Qwen3-0.6B", "A", "Off"),
    row("Qwen/Qwen-Image", None, None, "image_generation"),
]


def ids(configs: list[ModelConfig]) -> list[str]:
    return [f"{config.model_id} {config.reasoning_state}" for config in configs]


def refusal(**filters: str) -> str:
    with pytest.raises(UsageError) as caught:
        filter_configs(CATALOG, **filters)
    assert caught.value.exit_code == 2
    return str(caught.value)


def test_no_filter_keeps_every_row_in_order() -> None:
    assert filter_configs(CATALOG) == CATALOG


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"model_name": "GPT-OSS-20"}, [0, 1]),
        ({"model_name": "google/"}, [3]),
        ({"model_class": "A"}, [3, 4]),
        ({"model_class": " c , a "}, [2, 3, 4]),
        ({"task": "text_gen"}, [0, 1, 2, 3, 4]),
        ({"task": "Text-to-Image"}, [5]),
        ({"reasoning_state": "High"}, [0, 2]),
        ({"reasoning_state": "on"}, [0, 1, 2]),
        ({"reasoning_state": "OFF"}, [3, 4]),
        ({"model_name": "gpt", "model_class": "B", "reasoning_state": "low"}, [1]),
    ],
)
def test_filters_combine(filters: dict[str, str], expected: list[int]) -> None:
    assert filter_configs(CATALOG, **filters) == [CATALOG[index] for index in expected]


def test_the_filter_that_empties_the_set_is_blamed_with_what_is_left() -> None:
    message = refusal(model_name="gpt-oss", model_class="A")
    assert "--class 'A'" in message
    assert "among the 3 of --model-name 'gpt-oss'" in message
    assert "Classes there: B, C." in message


def test_states_that_exist_are_named() -> None:
    message = refusal(model_class="B", reasoning_state="Off")
    assert "Reasoning states there: On (High), On (Low)." in message


def test_a_row_without_state_matches_no_state() -> None:
    message = refusal(task="image_gen", reasoning_state="o")
    assert "Reasoning states there: none." in message


def test_tasks_that_exist_are_named_as_the_catalog_spells_them() -> None:
    assert "Tasks there: text_gen, image_gen." in refusal(task="asr")


def test_the_nearest_ids_are_named_first() -> None:
    message = refusal(model_name="gema-3-4b")
    assert "Nearest ids: google/gemma-3-4b-pt, " in message
    assert message.count("openai/gpt-oss-20b") <= 1


def test_all_unknown_values_are_reported_together() -> None:
    message = refusal(model_class="A,D", task="poetry")
    assert "'D' is not a class" in message
    assert "Classes there: A, B, C." in message
    assert "'poetry' is not a task" in message


@pytest.mark.parametrize("name", ["model_name", "model_class", "task", "reasoning_state"])
def test_an_empty_filter_is_refused_not_ignored(name: str) -> None:
    flag = {"model_class": "--class"}.get(name, "--" + name.replace("_", "-"))
    assert refusal(**{name: " "}).startswith(f"{flag}: the value is empty")


def test_every_task_is_there_with_spellings_of_its_own() -> None:
    assert set(tasks.TASKS) == set(get_args(TaskName))
    spellings = [spelling for task in tasks.TASKS.values() for spelling in task.spellings]
    assert len(set(spellings)) == len(spellings)
    assert all(task.name == name for name, task in tasks.TASKS.items())


@pytest.mark.parametrize("task", tasks.TASKS.values(), ids=lambda task: task.name)
def test_a_task_is_found_by_each_of_its_spellings(task: tasks.Task) -> None:
    assert task.name in task.spellings
    for spelling in task.spellings:
        for written in (spelling, f" {spelling.upper()} ", spelling.replace("_", "-")):
            assert tasks.named(written) == task.name
    assert tasks.PREFERRED_SPELLINGS.count(task.spellings[0]) == 1


@pytest.mark.parametrize(
    ("spelling", "task"),
    [
        ("ASR", "automatic_speech_recognition"),
        ("extractive_qa", "question_answering"),
        ("image to text", "image_captioning"),
        ("TEXT_GENERATION ", "text_generation"),
        ("translation", None),
        ("", None),
    ],
)
def test_task_named(spelling: str, task: str | None) -> None:
    assert tasks.named(spelling) == task


def test_shown_values_are_short_and_cannot_steer_a_terminal() -> None:
    assert shown("caf\u00e9\x1b[31m\n") == r"'caf\xe9\x1b[31m\n'"
    assert shown("a" * 58) == f"'{'a' * 58}'"
    for value in ("a" * 59, "\U0001f600" * 10_000, "'\"" * 60):
        assert len(shown(value)) == 60
