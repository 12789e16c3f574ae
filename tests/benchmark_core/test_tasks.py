"""The ten tasks against the published method: what each is called, reads, and generates."""

import subprocess
import sys
from dataclasses import dataclass
from typing import get_args

import pytest

from benchmark_core.contract import Kind, Precision, TaskName, TokenLimits
from benchmark_core.kinds import ONE_TOKEN, passes_of
from benchmark_core.tasks import registry as tasks

ORGANISATION = "AIEnergyScore/"


@dataclass(frozen=True)
class Facts:
    """What the published method says of one task."""

    spellings: tuple[str, ...]
    pipeline_tag: str
    dataset: str
    columns: tuple[tuple[str, str], ...]
    kinds: tuple[Kind, ...]
    new_tokens: int | None = None
    steps: int | None = None
    precision: Precision = "float32"


TEXT, IMAGE, AUDIO = (("text", "text"),), (("image", "image"),), (("audio", "audio"),)
FORWARD: tuple[Kind, ...] = ("forward",)
EITHER: tuple[Kind, ...] = ("forward", "generate")

FACTS: dict[TaskName, Facts] = {
    "text_generation": Facts(
        ("text_gen", "text_generation"),
        "text-generation",
        "text_generation",
        TEXT,
        ("generate",),
        10,
        precision="float16",
    ),
    "summarization": Facts(("summarization",), "summarization", "summarization", TEXT, EITHER, 10),
    "question_answering": Facts(
        ("question_answering", "extractive_qa"),
        "question-answering",
        "extractive_qa",
        (("question", "text"), ("context", "text")),
        EITHER,
        100,
    ),
    "text_classification": Facts(
        ("text_classification",), "text-classification", "text_classification", TEXT, EITHER, 10
    ),
    "sentence_similarity": Facts(
        ("sentence_similarity",),
        "sentence-similarity",
        "sentence_similarity",
        (("sentence1", "text"), ("sentence2", "text")),
        FORWARD,
    ),
    "image_classification": Facts(
        ("image_classification",), "image-classification", "image_classification", IMAGE, FORWARD
    ),
    "object_detection": Facts(
        ("object_detection",), "object-detection", "object_detection", IMAGE, FORWARD
    ),
    "automatic_speech_recognition": Facts(
        ("asr", "automatic_speech_recognition"),
        "automatic-speech-recognition",
        "ASR",
        AUDIO,
        EITHER,
        100,
    ),
    "image_generation": Facts(
        ("image_gen", "image_generation", "text_to_image"),
        "text-to-image",
        "image_generation",
        (("prompt", "text"),),
        ("call",),
        steps=30,
    ),
    "image_captioning": Facts(
        ("image_captioning", "image_to_text", "image_caption"),
        "image-to-text",
        "image_captioning",
        IMAGE,
        ("generate",),
        100,
    ),
}
each_task = pytest.mark.parametrize(("name", "facts"), FACTS.items(), ids=list(FACTS))


def test_the_registry_has_the_ten_tasks_and_no_other() -> None:
    assert set(tasks.TASKS) == set(get_args(TaskName)) == set(FACTS)
    assert len(FACTS) == 10
    assert all(tasks.get(name).name == name for name in FACTS)


@each_task
def test_names_and_data_are_those_of_the_method(name: TaskName, facts: Facts) -> None:
    task = tasks.get(name)
    assert task.spellings[0] == facts.spellings[0]
    assert sorted(task.spellings) == sorted(facts.spellings)
    assert task.pipeline_tag == facts.pipeline_tag
    assert task.dataset_id == ORGANISATION + facts.dataset
    assert tuple((column.name, column.media) for column in task.columns) == facts.columns


@each_task
def test_kinds_lengths_and_precision_are_those_of_the_method(name: TaskName, facts: Facts) -> None:
    task = tasks.get(name)
    assert sorted(task.kinds) == sorted(facts.kinds)
    assert task.new_tokens == facts.new_tokens
    assert task.steps == facts.steps
    assert task.precision == facts.precision
    exactly = facts.new_tokens and TokenLimits(
        max_new_tokens=facts.new_tokens, min_new_tokens=facts.new_tokens
    )
    assert task.limits(reasons=False) == exactly


@each_task
def test_what_runs_for_each_kind_of_checkpoint(name: TaskName, facts: Facts) -> None:
    task = tasks.get(name)
    limits = task.limits(reasons=False)
    expected = {
        "forward": [("preprocess", None, None), ("forward", None, None)],
        "generate": [
            ("preprocess", None, None),
            ("prefill", ONE_TOKEN, None),
            ("generate", limits, None),
        ],
        "call": [("preprocess", None, None), ("call", None, facts.steps)],
    }
    for kind in task.kinds:
        walks = passes_of(kind, limits, task.steps)
        assert [(walk.name, walk.limits, walk.steps) for walk in walks] == expected[kind]


def test_only_text_generation_has_classes_and_reasons() -> None:
    assert {name for name, task in tasks.TASKS.items() if task.has_classes} == {"text_generation"}
    assert {name for name, task in tasks.TASKS.items() if task.can_reason} == {"text_generation"}
    assert tasks.get("text_generation").limits(reasons=True) == TokenLimits(
        max_new_tokens=8192, min_new_tokens=1
    )


@each_task
def test_every_spelling_is_understood_however_it_is_written(name: TaskName, facts: Facts) -> None:
    for spelling in (*facts.spellings, facts.pipeline_tag, name):
        words = spelling.replace("-", "_")
        written = (words, words.upper(), words.title(), words.replace("_", "-"))
        for one in (*written, f"  {words.replace('_', ' ')} "):
            assert tasks.named(one) == name, one


def test_no_spelling_means_two_tasks() -> None:
    spellings = [spelling for task in tasks.TASKS.values() for spelling in task.spellings]
    assert len(spellings) == len(set(spellings))
    assert all(tasks.named(spelling) for spelling in spellings)
    assert [tasks.named(spelling) for spelling in tasks.PREFERRED_SPELLINGS] == list(tasks.TASKS)


@pytest.mark.parametrize("spelling", ["", " ", "_", "text", "translation", "asr2", "textgen"])
def test_what_is_no_spelling_means_nothing(spelling: str) -> None:
    assert tasks.named(spelling) is None


def test_reading_the_registry_loads_no_heavy_library() -> None:
    program = (
        "import sys, benchmark_core.tasks.registry\n"
        "heavy = {'torch', 'transformers', 'diffusers', 'datasets', 'huggingface_hub', 'PIL',"
        " 'soundfile', 'soxr', 'numpy', 'scipy', 'pyarrow', 'pandas'} & set(sys.modules)\n"
        "sys.exit(f'loaded {heavy}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
