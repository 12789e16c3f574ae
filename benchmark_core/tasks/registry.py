"""The ten tasks. Reading this loads no model library, so the host may do so too."""

from benchmark_core.contract import TaskName
from benchmark_core.tasks import (
    automatic_speech_recognition,
    image_captioning,
    image_classification,
    image_generation,
    object_detection,
    question_answering,
    sentence_similarity,
    summarization,
    text_classification,
    text_generation,
)
from benchmark_core.tasks.base import Task

TASKS: dict[TaskName, Task] = {
    module.TASK.name: module.TASK
    for module in (
        text_generation,
        summarization,
        question_answering,
        text_classification,
        sentence_similarity,
        image_classification,
        object_detection,
        automatic_speech_recognition,
        image_generation,
        image_captioning,
    )
}


def get(name: TaskName) -> Task:
    return TASKS[name]


def named(spelling: str) -> TaskName | None:
    """The task that a spelling means; case, blanks and hyphens do not matter. None if unknown."""
    words = spelling.strip().casefold().replace("-", " ").replace("_", " ").split()
    return _BY_SPELLING.get("_".join(words))


PREFERRED_SPELLINGS = tuple(task.spellings[0] for task in TASKS.values())
"""One for each task, as the table of results has it."""

_BY_SPELLING: dict[str, TaskName] = {
    spelling: task.name for task in TASKS.values() for spelling in task.spellings
}
